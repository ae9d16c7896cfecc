"""Sheets as people send them: delimiters, encodings, Excel's numbers, headings in both languages; and what they mean."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
import xlsxwriter

from inventory.bring_in_kinds import OPENING_COLUMNS, SKU_COLUMNS
from inventory.services import skusheet
from inventory.sheets import columns, read_sheet
from inventory.sheets.columns import guess, normal
from inventory.sheets.reading import MOST_ROWS, SheetError

KNOWN = columns.known(SKU_COLUMNS)
CHINESE = "商品编码;中文名称;重量(克)\nLMP-1;台灯;1,250\n"


def workbook(
    rows: list[list[Any]], formats: dict[tuple[int, int], str] | None = None, blank_first: bool = False
) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    if blank_first:
        book.add_worksheet("cover")
    page = book.add_worksheet("data")
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            wanted = (formats or {}).get((r, c))
            page.write(r, c, value, book.add_format({"num_format": wanted}) if wanted else None)
    book.close()
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        CHINESE.encode(),
        b"\xef\xbb\xbf" + CHINESE.encode(),
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-16"),
        CHINESE.replace(";", "\t").encode(),
        CHINESE.replace("1,250", "1250").replace(";", ",").encode("gb18030"),
        ("sep=;\r\n" + CHINESE.replace("\n", "\r\n")).encode(),
        CHINESE.replace(";", "；").encode(),
    ],
    ids=["utf8", "bom", "gb18030", "utf16", "tabs", "commas", "excel-hint", "wide"],
)
def test_text_in_any_encoding_and_delimiter(content: bytes) -> None:
    sheet = read_sheet(content, KNOWN)
    assert sheet.headings == ["商品编码", "中文名称", "重量(克)"]
    assert [cell.replace(",", "") for cell in sheet.rows[0]] == ["LMP-1", "台灯", "1250"]
    assert guess(sheet.headings, SKU_COLUMNS) == {"0": "code", "1": "title_zh", "2": "weight_g"}


def test_quotes_line_breaks_and_the_line_numbers_of_the_file() -> None:
    text = 'SKU,Title\n\nA,"one; two, three"\n"B","first\nsecond"\n,\nC,x\n'
    sheet = read_sheet(text.encode(), KNOWN)
    assert sheet.rows == [["A", "one; two, three"], ["B", "first second"], ["C", "x"]]
    assert sheet.lines[0] == 3 and sheet.lines[1] in (4, 5) and sheet.lines[2] == 7


def test_the_heading_is_found_below_a_title() -> None:
    sheet = read_sheet(b"Export of 2026-11-21,,\n\nSKU,Title,Weight\nA,x,1\n", KNOWN)
    assert sheet.headings == ["SKU", "Title", "Weight"] and sheet.rows == [["A", "x", "1"]] and sheet.lines == [4]


def test_excel_numbers_are_texts_as_one_sees_them() -> None:
    rows = [
        ["SKU", "EAN", "Weight", "Battery"],
        [42, 6901234567892, 12.5, True],
        ["007", 1e20, 3.0, False],
        [42.0, "", 0.1, ""],
    ]
    sheet = read_sheet(workbook(rows, {(1, 0): "00000", (1, 1): "0"}, blank_first=True), KNOWN)
    assert sheet.rows[0] == ["00042", "6901234567892", "12.5", "yes"]
    assert sheet.rows[1][0] == "007" and sheet.rows[1][2:] == ["3", "no"]
    assert sheet.rows[2] == ["42", "", "0.1", ""]


def test_tricks_against_excel_are_undone_and_its_harm_is_named() -> None:
    sheet = read_sheet(b'SKU,EAN\n"=""00042""",\'0123\n6.90123E+12,1.2E+12\n', KNOWN)
    assert sheet.rows[0] == ["00042", "0123"]
    _, _, problems = skusheet.read({"code": sheet.rows[1][0], "barcode": sheet.rows[1][1]})
    assert [(field, code) for field, code, _ in problems] == [
        ("code", "sheet.shortened"),
        ("barcode", "sheet.shortened"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "sheet.nothing"),
        (b"SKU,Title\n", "sheet.only_heading"),
        (b"\xff\xfe\x00", "sheet.not_text"),
        (b"\x81\xff\x00\x01", "sheet.not_text"),
        (b"PK\x03\x04 no archive", "sheet.not_a_workbook"),
        (b"\xd0\xcf\x11\xe0 no workbook", "sheet.not_a_workbook"),
        (("SKU\n" + "A\n" * (MOST_ROWS + 30)).encode(), "sheet.too_many_rows"),
        (("," * 300 + "SKU\n" + "," * 300 + "A\n").encode(), "sheet.too_many_columns"),
    ],
    ids=["empty", "heading", "half", "binary", "broken-xlsx", "broken-xls", "rows", "columns"],
)
def test_what_cannot_be_read_says_why(content: bytes, code: str) -> None:
    with pytest.raises(SheetError) as refused:
        read_sheet(content, KNOWN)
    assert refused.value.code == code


def test_a_bomb_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (450 * 1024 * 1024))
    with pytest.raises(SheetError) as refused:
        read_sheet(out.getvalue(), KNOWN)
    assert refused.value.code == "sheet.too_large"


@pytest.mark.parametrize(
    ("heading", "meaning"),
    [
        ("商品编码", "code"), ("Seller SKU", "code"), ("SKU*", "code"), ("ＳＫＵ", "code"),
        ("重量(克)", "weight_g"), ("重量（kg）", "weight_kg"),
        ("Weight [lb]", "weight_lb"), ("weight_kg", "weight_kg"), ("长(cm)", "length_cm"), ("Length mm", "length_mm"),
        ("英文报关名", "customs_name_en"),
        ("HS Code", "hs_code"), ("EAN-13", "barcode"), ("条形码", "barcode"), ("采购周期(天)", "lead_days"),
        ("商品重量(g)", "weight_g"),
        ("Remarks", ""), ("", ""),
    ],
)  # fmt: skip
def test_what_a_column_means(heading: str, meaning: str) -> None:
    assert guess([heading], SKU_COLUMNS).get("0", "") == meaning


def test_a_field_is_given_once_to_the_best_column() -> None:
    headings = ["Weight of the box", "Weight", "重量(kg)", "SKU", "货号"]
    assert guess(headings, SKU_COLUMNS) == {"1": "weight_g", "3": "code"}
    assert guess(["SKU", "仓库", "库存数量", "成本价", "币种"], OPENING_COLUMNS) == {
        "0": "sku", "1": "warehouse", "2": "quantity", "3": "unit_cost", "4": "currency",
    }  # fmt: skip
    assert normal("重量 (克)") == ("重量", "g")


def test_other_units_become_ours() -> None:
    _, values, problems = skusheet.read(
        {"code": "A", "weight_kg": "0.4205", "length_cm": "12.34", "width_in": "2", "weight_lb": ""}
    )
    assert not problems and values == {"weight_g": None, "length_mm": 123, "width_mm": 51} | {"weight_g": None}
    _, values, _ = skusheet.read({"code": "A", "weight_kg": "0.4205"})
    assert values == {"weight_g": 421}
    _, _, problems = skusheet.read({"code": "A", "weight_kg": "0", "length_cm": "x"})
    assert [code for _, code, _ in problems] == ["sheet.not_above_zero", "sheet.not_a_number"]


def packed(cells: str, kind: str = "xlsx") -> bytes:
    """The smallest workbook with these cells in its only sheet."""
    office = "http://schemas.openxmlformats.org"
    types, relations = f"{office}/package/2006/content-types", f"{office}/package/2006/relationships"
    main, joins = f"{office}/spreadsheetml/2006/main", f"{office}/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="rId1" Type="{joins}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{joins}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="rId1"'
        f' Type="{joins}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0"?>{text}')
    return out.getvalue()


FAR = {
    "named": '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>',
    "counted": "<row/>" * 400_000 + "<row>" + "<c><v>1</v></c>" * 16_384 + "</row><row><c><v>1</v></c></row>",
    "repeated": '<row r="1"><c r="A1"><v>1</v></c></row>' + "<row><c><v>1</v></c></row>" * 1_000_000,
}


@pytest.mark.parametrize("way", FAR)
def test_a_small_file_that_asks_for_all_the_memory_ends_no_process_of_ours(way: str) -> None:
    """A kilobyte that names the last cell of a sheet made the reader reserve half a terabyte, which ended the server."""
    with pytest.raises(SheetError) as refused:
        read_sheet(packed(FAR[way]), KNOWN)
    assert refused.value.code in ("sheet.too_large", "sheet.too_many_rows")
    # the same process reads on
    sheet = read_sheet(packed('<row><c t="inlineStr"><is><t>SKU</t></is></c></row><row><c><v>42</v></c></row>'), KNOWN)
    assert (sheet.headings, sheet.rows) == (["SKU"], [["42"]])


def test_a_table_that_says_of_itself_how_often_it_is_repeated_is_read_within_bounds() -> None:
    """An OpenDocument table in the clothes of a workbook."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0"'
            f' xmlns:text="{office}:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">'
            '<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="string"'
            ' table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    with pytest.raises(SheetError):
        read_sheet(out.getvalue(), KNOWN)

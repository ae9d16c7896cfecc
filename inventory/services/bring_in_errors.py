"""What a sheet's refused rows are sent back as: the rows themselves with the reasons, to be corrected and brought in."""

from __future__ import annotations

import io
from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from core.words import say
from inventory.models import BringIn
from inventory.sheets.columns import Column
from inventory.sheets.kinds import Kind
from inventory.sheets.reading import Sheet


def name_of(found: BringIn) -> str:
    stem = found.name.rsplit(".", 1)[0] or "sheet"
    return _("{name} - to correct.xlsx").format(name=stem[:100])


def labels(kind: Kind) -> dict[str, str]:
    return {one.key: str(one.label) for one in kind.columns}


def told(error: list[Any]) -> str:
    """The sentence of a stored error."""
    return say(str(error[2]), error[3])


def workbook(sheet: Sheet, found: BringIn, kind: Kind) -> bytes:
    """XLSX: line and reasons first, then the row as it was, the cell that is wrong in colour."""
    wrong: dict[int, list[list[Any]]] = defaultdict(list)
    for error in found.errors:
        wrong[int(error[0])].append(error)
    names = labels(kind)
    places = {key: int(place) for place, key in found.mapping.items()}
    import xlsxwriter  # by those alone who want such a file

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold, red = book.add_format({"bold": True}), book.add_format({"bg_color": "#FAD9D9", "num_format": "@"})
    text = book.add_format({"num_format": "@"})
    page = book.add_worksheet()
    for column, heading in enumerate([_("Line"), _("What is wrong"), *sheet.headings]):
        page.write_string(0, column, heading, bold)
    page.set_column(1, 1, 60)
    at = 0
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        if line not in wrong:
            continue
        at += 1
        page.write_number(at, 0, line)
        reasons = [f"{names.get(str(error[1]), error[1])}: {told(error)}" for error in wrong[line]]
        page.write_string(at, 1, "\n".join(reasons))
        marked = {_place(places, str(error[1])) for error in wrong[line]}
        for column, cell in enumerate(cells):
            page.write_string(at, column + 2, cell, red if column in marked else text)
    page.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


def _place(places: dict[str, int], field: str) -> int:
    """The column of a field; errors name weights in our unit, the sheet may have another."""
    stem = field.rpartition("_")[0]
    near = next((place for key, place in places.items() if stem and key.startswith(f"{stem}_")), -1)
    return places.get(field, near)


def template(kind: Kind) -> bytes:
    """An empty sheet of the kind with its headings and one row as an example; columns are text, so zeros stay."""
    import xlsxwriter  # by those alone who want such a file

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "bg_color": "#E8F1FB"})
    must = book.add_format({"bold": True, "bg_color": "#CFE2F7"})
    text = book.add_format({"num_format": "@"})
    page = book.add_worksheet()
    shown: list[Column] = [one for one in kind.columns if not one.hidden]
    for place, one in enumerate(shown):
        page.set_column(place, place, max(12, len(str(one.label)) + 2), text)
        page.write_string(0, place, str(one.label), must if one.required else bold)
        page.write_string(1, place, one.sample, text)
    page.freeze_panes(1, 0)
    book.close()
    return out.getvalue()

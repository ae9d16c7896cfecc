"""Cells of an XLSX file that show leading zeros: a number 42 under the format 00000 is read as 00042. Pure.

The workbook's reader gives values without their formats; only where a format of zeros is there at all the sheet is
walked once more, for the cells that have it.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from lxml import etree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ZEROS = re.compile(r"0{2,40}")
_PLACE = re.compile(r"([A-Z]+)(\d+)")


def unpacked(content: bytes) -> int:
    """How many bytes the archive says it holds; a file that is no archive counts as none (its reader says so)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return sum(one.file_size for one in archive.infolist())
    except zipfile.BadZipFile:
        return 0


def formats(content: bytes, sheet: int) -> dict[tuple[int, int], int]:
    """{(row, column) from 0: digits shown} of the cells of a sheet that are formatted as zeros."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            styles = _styles(archive)
            return _cells(archive, _part(archive, sheet), styles) if styles else {}
    except (zipfile.BadZipFile, KeyError, etree.XMLSyntaxError, IndexError, ValueError):
        return {}


def _parsed(archive: zipfile.ZipFile, name: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    return etree.fromstring(archive.read(name), parser)


def _styles(archive: zipfile.ZipFile) -> dict[int, int]:
    """{style of a cell: digits}."""
    root = _parsed(archive, "xl/styles.xml")
    widths = {
        int(one.get("numFmtId")): len(one.get("formatCode"))
        for one in root.iter(f"{MAIN}numFmt")
        if _ZEROS.fullmatch(one.get("formatCode") or "")
    }
    if not widths:
        return {}
    cells = root.find(f"{MAIN}cellXfs")
    found = {index: widths.get(int(one.get("numFmtId", 0)), 0) for index, one in enumerate(cells)}
    return {index: width for index, width in found.items() if width}


def _part(archive: zipfile.ZipFile, sheet: int) -> str:
    """The part of the archive that holds the sheet."""
    book = _parsed(archive, "xl/workbook.xml")
    wanted = list(book.iter(f"{MAIN}sheet"))[sheet].get(RELATION)
    for one in _parsed(archive, "xl/_rels/workbook.xml.rels"):
        if one.get("Id") == wanted:
            target = str(one.get("Target"))
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(wanted)


def _cells(archive: zipfile.ZipFile, part: str, styles: dict[int, int]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    with archive.open(part) as stream:
        for _, cell in etree.iterparse(stream, tag=f"{MAIN}c", resolve_entities=False, no_network=True):
            width = styles.get(int(cell.get("s") or 0))
            place = _PLACE.fullmatch(cell.get("r") or "")
            if width and place and cell.get("t", "n") == "n":
                column = 0
                for letter in place[1]:
                    column = column * 26 + ord(letter) - 64
                found[int(place[2]) - 1, column - 1] = width
            cell.clear()
    return found

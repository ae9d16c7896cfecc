"""From the bytes of a file to rows of text: CSV in the usual delimiters and encodings, XLSX, XLS (``workbooks``).

Cells come out as a person reads them: 6901234567892 and not 6.901e12, 00042 where the cell is formatted so, dates as
2026-11-21. Rows keep the number they have in the file.
"""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass, field
from typing import Any

from inventory import workbooks
from inventory.sheets.columns import normal
from inventory.workbooks.cells import clean

MOST_ROWS = 200_000
MOST_COLUMNS = 200
LOOKED_AT = 20  # rows in which the heading is looked for
DELIMITERS = "\t;,|，；"
OLE = b"\xd0\xcf\x11\xe0"  # of .xls


class SheetError(Exception):
    """The whole file cannot be read; ``code`` and ``params`` say why (``core.words``)."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(code)


@dataclass
class Sheet:
    """``headings`` and ``rows`` of stripped texts, all of one length; ``lines``: each row's number in the file."""

    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def samples(self, most: int = 3) -> list[list[str]]:
        """For each column the first different texts in it."""
        found: list[list[str]] = [[] for _ in self.headings]
        for row in self.rows[:200]:
            for column, text in zip(found, row, strict=True):
                if text and len(column) < most and text not in column:
                    column.append(text)
        return found


def read_sheet(content: bytes, known: frozenset[str] = frozenset()) -> Sheet:
    """``known``: normalised headings (``columns.normal``); the row with most of them is the heading.

    Raises SheetError.
    """
    if content.startswith(b"PK") or content.startswith(OLE):
        table = _workbook(content)
    else:
        table = _text(content)
    return _arranged(table, known)


def _arranged(table: list[list[str]], known: frozenset[str]) -> Sheet:
    filled = [(number, row) for number, row in enumerate(table, 1) if any(row)]
    if not filled:
        raise SheetError("sheet.nothing")
    at = _heading(filled, known)
    headings = filled[at][1]
    width = max((index + 1 for index, text in enumerate(headings) if text), default=0)
    body = filled[at + 1 :]
    if body:
        width = max(width, max(len(row) for _, row in body if any(row)))
    if width > MOST_COLUMNS:
        raise SheetError("sheet.too_many_columns", limit=MOST_COLUMNS)
    if len(body) > MOST_ROWS:
        raise SheetError("sheet.too_many_rows", limit=MOST_ROWS)
    if not body:
        raise SheetError("sheet.only_heading")
    sheet = Sheet((headings + [""] * width)[:width])
    for number, row in body:
        sheet.rows.append((row + [""] * width)[:width])
        sheet.lines.append(number)
    return sheet


def _heading(filled: list[tuple[int, list[str]]], known: frozenset[str]) -> int:
    """The first rows may be a title or a remark: the heading is the one with most known words, else the first."""
    best, most = 0, 0
    for index, (_, row) in enumerate(filled[:LOOKED_AT]):
        count = sum(1 for text in row if text and normal(text)[0] in known)
        if count > most:
            best, most = index, count
    return best


# -- text ---------------------------------------------------------------------------------------------------------------


def decoded(content: bytes) -> str:
    """UTF-8 and UTF-16 by their marks, UTF-8 without, else GB18030 (Excel in Chinese). Raises SheetError."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                raise SheetError("sheet.not_text") from None
    for encoding in ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetError("sheet.not_text")


def _text(content: bytes) -> list[list[str]]:
    text = decoded(content)
    first = text.lstrip().split("\n", 1)[0].strip()
    if first.lower().startswith("sep=") and len(first) == 5:  # Excel's own hint
        mark, text = first[4], text.lstrip().split("\n", 1)[-1]
        skipped = 1
    else:
        mark, skipped = _delimiter(text), 0
    rows: list[list[str]] = [[] for _ in range(skipped)]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        for row in reader:
            # The reader counts what it has read: a cell with line breaks does not move the rows after it.
            while len(rows) < reader.line_num - 1 - sum(cell.count("\n") for cell in row) + skipped:
                rows.append([])
            rows.append([clean(cell) for cell in row])
            if len(rows) > MOST_ROWS + LOOKED_AT + 1:
                raise SheetError("sheet.too_many_rows", limit=MOST_ROWS)
    except csv.Error:
        raise SheetError("sheet.not_text") from None
    return rows


def _delimiter(text: str) -> str:
    """The one that cuts the first lines into most columns, alike in each; what stands in quotes does not count."""
    lines = [line for line in text.splitlines()[:LOOKED_AT] if line.strip()]
    best, most = ",", 0.0
    for mark in DELIMITERS:
        counts = [_outside(line, mark) for line in lines]
        used = [count for count in counts if count]
        score = min(used) + len(used) / len(counts) if used else 0.0
        if score > most:
            best, most = mark, score
    return best


def _outside(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


# -- workbooks ----------------------------------------------------------------------------------------------------------


def _workbook(content: bytes) -> list[list[str]]:
    """The first sheet that holds something."""
    try:
        return workbooks.table(content, MOST_ROWS + LOOKED_AT)
    except workbooks.Refused as refused:
        limit = {"limit": MOST_ROWS} if refused.code == "sheet.too_many_rows" else {}
        raise SheetError(refused.code, **refused.params, **limit) from None

"""The other side: reads a workbook from the standard input and writes its rows (or why there are none) as JSON.

Run by ``inventory.workbooks.table`` only. It imports no framework, so it begins in a tenth of a second.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

import python_calamine

from inventory.workbooks import TOO_LARGE, Refused, padding
from inventory.workbooks.cells import cell

MEMORY = 2 * 1024**3
CPU_SECONDS = 80
MOST_UNPACKED = 400 * 1024 * 1024


def main() -> None:
    """``argv[1]``: rows that are taken."""
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (most, most))
    found: Any
    try:
        found = rows(sys.stdin.buffer.read(), int(sys.argv[1]))
    except Refused as refused:
        found = {"code": refused.code, "params": refused.params}
    sys.stdout.write(json.dumps(found))


def rows(content: bytes, most_rows: int) -> list[list[str]]:
    """Raises Refused ``sheet.too_large``, ``sheet.too_many_rows``, ``sheet.not_a_workbook``, ``sheet.nothing``."""
    packed = content.startswith(b"PK")
    if packed and padding.unpacked(content) > MOST_UNPACKED:
        raise Refused(TOO_LARGE)
    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
        for index, name in enumerate(book.sheet_names):
            table: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if any(value not in ("", None) for row in table[:1000] for value in row):
                if len(table) > most_rows:
                    raise Refused("sheet.too_many_rows")
                zeros = padding.formats(content, index) if packed else {}
                return [
                    [cell(value, zeros.get((r, c), 0)) for c, value in enumerate(row)] for r, row in enumerate(table)
                ]
    except (python_calamine.CalamineError, ValueError, OSError):
        raise Refused("sheet.not_a_workbook") from None
    raise Refused("sheet.nothing")

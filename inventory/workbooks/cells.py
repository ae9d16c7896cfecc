"""What a cell says, as a person reads it. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

MOST_CELL = 2_000


def clean(text: str) -> str:
    """The text in one line, at most one character more than a cell may have (so that this shows)."""
    if len(text) > MOST_CELL:
        text = text[: MOST_CELL + 1]
    # ="00042" and '00042: how people keep Excel from eating zeros
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return " ".join(text.replace("\0", "").replace("\u00a0", " ").split()).removeprefix("'")


def cell(value: Any, width: int) -> str:
    """A workbook's value as text. ``width``: digits the cell shows (a format such as 00000)."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int):
        return f"{value:0{width}d}" if width else str(value)
    if isinstance(value, float):
        return format(value, ".15g")
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return clean(str(value))

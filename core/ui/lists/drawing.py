"""The cells of a page's rows as HTML. A page of 500 rows has thousands of them, so the way to each is short."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from core.ui.lists.contract import Table

Row = Any  # a bound row of django-tables2


@cache
def _plain(renderer: Callable[..., Any]) -> bool:
    """Whether it asks for the record alone (tables2 looks that up anew for every cell)."""
    return list(inspect.signature(renderer).parameters) in (["record"], ["self", "record"])


def drawer(table: Table, columns: Sequence[Any]) -> Callable[[Row], SafeString]:
    """A function from a row to its ``<td>`` cells."""
    drawn = [(_start(column.name, table.cards), *_way(table, column)) for column in columns]

    def cells(row: Row) -> SafeString:
        record: Mapping[str, Any] = row.record
        parts = []
        for start, renderer, name in drawn:
            value = renderer(record=record) if renderer is not None else row.get_cell(name)
            parts.append(f"{start}{conditional_escape(value)}</td>")
        return mark_safe("".join(parts))

    return cells


def _start(name: str, cards: Mapping[str, str]) -> str:
    return f'<td class="c-{name} k-{cards.get(name, "none")}">'


def _way(table: Table, column: Any) -> tuple[Callable[..., Any] | None, str]:
    """The table's own method where it wants the record alone and no value, else None: as tables2 does it."""
    renderer = getattr(type(table), f"render_{column.name}", None)
    if renderer is None or column.column.empty_values != () or not _plain(renderer):
        return None, column.name
    return getattr(table, f"render_{column.name}"), column.name


__all__ = ["drawer"]

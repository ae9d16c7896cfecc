"""A page's rows as HTML. A page of 500 rows has thousands of cells, so the way to each is short."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from core.ui.html import escaped
from core.ui.lists.contract import ListPage, State, Table

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
            parts.append(f"{start}{escaped(value)}</td>")
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


def drawn(page: ListPage, table: Table, columns: Sequence[Any], state: State, *, selects: bool) -> SafeString:
    """All rows of the table, each a ``<tr>`` with its address and, where rows can be selected, its box."""
    cells, select, lines = drawer(table, columns), escaped(gettext("Select")), []
    for row in table.rows:
        record = row.record
        pk, href = escaped(record["id"]), escaped(record.get("href") or page.href(record, state))
        opens = f' data-href="{href}"' if href else ""
        box = (
            f'<td class="c-check"><label><input type="checkbox" name="id" value="{pk}" form="bulk" aria-label="{select}">'
            "</label></td>"
            if selects
            else ""
        )
        lines.append(f'<tr data-id="{pk}"{opens}>{box}{cells(row)}</tr>\n')
    return mark_safe("".join(lines))


__all__ = ["drawer", "drawn"]

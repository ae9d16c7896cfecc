"""How a list is answered: the page, its further rows (endless scroll), the choices of a filter, all at one address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from core.errors import BusinessError
from core.permissions import Actor
from core.ui.lists.bulk import OUTCOME
from core.ui.lists.contract import SIZES, Filter, ListPage, Rows, State
from core.ui.lists.export import columns_of
from core.ui.requests import PageRequest


def show(request: PageRequest, page: ListPage, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """The list's page; its next rows for htmx; the choices of one filter for htmx."""
    state = page.state(request.GET, request.COOKIES.get(f"size_{page.name}", ""))
    if asked := request.GET.get("choices", ""):
        return _choices(request, page, state, asked)
    found = page.rows(request.actor, state)
    shown = _table(request, page, found, state)
    if request.GET.get("part") == "rows":
        return render(request, "ui/list/rows.html", shown)
    tabs = page.tabs(request.actor)
    whole = {
        **shown,
        "tabs": [
            (tab, state.with_tab(tab.key)) for tab in tabs if tab.count or not tab.hide_empty or tab.key == state.tab
        ],
        "total": next((tab.count for tab in tabs if tab.key == state.tab), None) if not state.narrowed else None,
        "filters": [_filter(one, state, request.actor) for one in page.filters()],
        "bulk": [one for one in page.bulk() if request.actor.can(one.operation)],
        "freshness": page.freshness(request.actor),
        "empty": page.empty(request.actor, state) if not found.rows else None,
        "sizes": SIZES,
        "outcome": request.session.pop(OUTCOME, None),
        **(context or {}),
    }
    response = render(request, "ui/list/page.html", whole)
    if request.GET.get("size"):
        response.set_cookie(f"size_{page.name}", str(state.size), max_age=365 * 86400, samesite="Lax")
    return response


def _table(request: PageRequest, page: ListPage, found: Rows, state: State) -> dict[str, Any]:
    table = page.table(found.rows, request=request)
    kept = frozenset(columns_of(page, request.COOKIES.get(f"columns_{page.name}", "")))
    columns = [column for column in table.columns if column.name in kept]
    rows = [
        {
            "id": row.record["id"],
            "href": page.href(row.record, state),
            "cells": [
                (column.name, page.table.cards.get(column.name, "none"), row.get_cell(column.name))
                for column in columns
            ],
        }
        for row in table.rows
    ]
    return {
        "page": page,
        "state": state,
        "rows": rows,
        "columns": columns,
        "choosable": [
            (column, column.name in kept) for column in table.columns if column.name not in page.table.required
        ],
        "next": state.at(after=found.next) if found.next else "",
        "prev": state.at(before=found.prev) if found.prev else "",
        "span": len(columns) + 1,
        "selects": any(request.actor.can(one.operation) for one in page.bulk()),
    }


def _filter(one: Filter, state: State, actor: Actor) -> dict[str, Any]:
    """A filter as drawn; the labels of its choices are looked up only when it is in use."""
    values = state.chosen.get(one.key, ())
    labels: list[tuple[str, str]] = []
    if values and one.choices is not None:
        names = dict(one.choices(actor))
        labels = [(value, names.get(value, value)) for value in values]
    return {
        "key": one.key,
        "label": one.label,
        "switch": one.choices is None,
        "on": bool(values),
        "chosen": labels,
        "off": state.without(one.key),
        "toggle": state.toggled(one.key),
    }


def _choices(request: PageRequest, page: ListPage, state: State, asked: str) -> HttpResponse:
    one = next((one for one in page.filters() if one.key == asked and one.choices is not None), None)
    if one is None or one.choices is None:
        raise BusinessError("list.no_filter", filter=asked[:40])
    chosen = state.chosen.get(asked, ())
    options = [(value, label, value in chosen) for value, label in one.choices(request.actor)]
    options.sort(key=lambda option: not option[2])
    return render(request, "ui/list/_choices.html", {"key": asked, "options": options})

"""How a list is answered: the page, its further rows (endless scroll), the choices of a filter, all at one address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from core.errors import BusinessError
from core.permissions import Actor
from core.records import saved_views
from core.ui.lists import registry
from core.ui.lists.bulk import OUTCOME
from core.ui.lists.contract import ALL_COLUMNS, SIZES, Filter, ListPage, Rows, State
from core.ui.lists.drawing import drawn
from core.ui.lists.export import columns_of
from core.ui.requests import PageRequest


def show(request: PageRequest, page: ListPage, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """The list's page; its next rows for htmx; the choices of one filter for htmx."""
    state = page.state(request.GET, request.COOKIES.get(f"size_{page.name}", ""))
    if asked := request.GET.get("choices", ""):
        return _choices(request, page, state, asked)
    part = request.GET.get("part") == "rows"
    views = [] if part else _views(request.actor, page, state)
    opened = next((one for one in views if one["view"].default), None)
    if opened and not request.GET:  # the bare address, as the menu has it
        return HttpResponseRedirect(f"?{opened['query']}")
    found = page.rows(request.actor, state)
    shown = _table(request, page, found, state)
    if part:
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
        "views": views,
        "views_on": registry.known(page.name),
        "may_share": request.actor.can(saved_views.SHARE),
        "may_export": _may_export(request.actor, page),
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
    names = frozenset(columns_shown(request, page, state))
    columns = [column for column in table.columns if column.name in names]
    selects = any(request.actor.can(one.operation) for one in page.bulk())
    return {
        "page": page,
        "state": state,
        "rows": drawn(page, table, columns, state, selects=selects),
        "columns": columns,
        "choosable": [
            (column, column.name in names) for column in table.columns if column.name not in page.table.required
        ],
        "next": state.at(after=found.next) if found.next else "",
        "prev": state.at(before=found.prev) if found.prev else "",
        "span": len(columns) + 1,
        "selects": selects,
    }


def _may_export(actor: Actor, page: ListPage) -> bool:
    return bool(page.export) and registry.known(page.name) and actor.can(page.export)


def columns_shown(request: PageRequest, page: ListPage, state: State) -> list[str]:
    """Names of the columns: those of the view that was opened, else those that this browser remembers."""
    return columns_of(page, state.columns or request.COOKIES.get(f"columns_{page.name}", ""))


def kept(page: ListPage, state: State, columns: Sequence[str]) -> dict[str, Any]:
    """What a saved view keeps of a state (see ``core.records.saved_views``) and of the columns shown."""
    return {
        "tab": state.tab,
        "text": state.text,
        "chosen": {key: list(values) for key, values in state.chosen.items()},
        "columns": [ALL_COLUMNS] if len(columns) == len(page.table.base_columns) else list(columns),
    }


def query_of(page: ListPage, view: Mapping[str, Any]) -> str:
    """The query string that opens a saved view; filters and columns that are no more are left out."""
    return state_of(page, view).query()


def state_of(page: ListPage, view: Mapping[str, Any]) -> State:
    filters = {one.key for one in page.filters()}
    chosen = {key: tuple(values) for key, values in view.get("chosen", {}).items() if key in filters}
    state = State(view.get("tab", ""), view.get("text", ""), chosen)
    return replace(state, columns=page.columns(".".join(view.get("columns", ()))))


def _views(actor: Actor, page: ListPage, state: State) -> list[dict[str, Any]]:
    """The saved views of the list: each with its query string, and whether it is what one sees."""
    if not registry.known(page.name):
        return []
    here, out = state.query(), []
    for one in saved_views.of_list(actor, page.name):
        opened = state_of(page, one.query)
        # Narrowed so without columns in the address, one sees that view in the browser's own columns.
        like = opened if state.columns else replace(opened, columns="")
        out.append({"view": one, "query": opened.query(), "on": like.query() == here})
    return out


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

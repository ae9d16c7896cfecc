"""The one grammar of every list: tabs with counts, one search, removable filters, keyset pages, selection, bulk acts.

An app describes its list by a subclass of ``ListPage`` and a ``Table`` (columns of django-tables2); ``show`` answers
the page, its further rows (endless scroll) and the choices of a filter, all at one address. See ``docs/screens.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlencode

import django_tables2 as tables
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise

from core.errors import BusinessError
from core.permissions import Actor
from core.ui.requests import PageRequest
from core.words import say

Text = str | Promise
SIZES = (50, 100, 200, 500)
ALL_LIMIT = 100_000  # an act over "all in this view" takes at most so many
OUTCOME = "ui.outcome"
REFUSED_SHOWN = 200


class Table(tables.Table):
    """Columns of a list. ``cards`` says where a column stands on a phone's card: lead, end, title, amount, detail, badges.

    A column that is named there nowhere is left out on phones. ``required`` columns cannot be chosen away.
    """

    cards: ClassVar[dict[str, str]] = {}
    required: ClassVar[tuple[str, ...]] = ()

    class Meta:
        orderable = False
        template_name = "ui/list/rows.html"


@dataclass(frozen=True, slots=True)
class Tab:
    """``tone`` "red": its count asks for a person. ``hide_empty``: shown only while it holds something."""

    key: str
    label: Text
    count: int | None = None
    tone: str = ""
    hide_empty: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """``choices(actor)``: (value, label) pairs, asked for only when somebody opens it; None: a switch (on or off)."""

    key: str
    label: Text
    choices: Callable[[Actor], Sequence[tuple[str, str]]] | None = None


@dataclass(frozen=True, slots=True)
class Bulk:
    """An act on the selection. ``url``: a URL name that takes POST. ``template``: fields asked for in a dialog first."""

    key: str
    label: Text
    icon: str
    url: str
    operation: str
    primary: bool = False
    danger: bool = False
    template: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """Why nothing is here, and the one thing to do about it (``href`` may be empty)."""

    text: Text
    action: Text = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the list is. ``problem`` is shown in red and opens ``href``."""

    text: Text
    problem: Text = ""
    href: str = ""


@dataclass
class Rows:
    """A page of rows (dicts with ``id``); ``next`` and ``prev`` are keyset positions, '' at the ends."""

    rows: Sequence[Mapping[str, Any]]
    next: str = ""
    prev: str = ""


@dataclass(frozen=True)
class State:
    """What the address says: tab, search, chosen filters, size and place of the page."""

    tab: str
    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    size: int = SIZES[0]
    after: str = ""
    before: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.text or self.chosen)

    def query(self, *, place: bool = False) -> str:
        """The query string of this view; ``place``: with size and position."""
        pairs: list[tuple[str, str]] = [("tab", self.tab)]
        if self.text:
            pairs.append(("q", self.text))
        pairs += [(key, value) for key, values in self.chosen.items() for value in values]
        if place:
            pairs.append(("size", str(self.size)))
            pairs += [(key, value) for key, value in (("after", self.after), ("before", self.before)) if value]
        return urlencode(pairs)

    def at(self, *, after: str = "", before: str = "") -> str:
        return replace(self, after=after, before=before).query(place=True)

    def with_tab(self, tab: str) -> str:
        return replace(self, tab=tab).query()

    def without(self, key: str) -> str:
        return replace(self, chosen={name: values for name, values in self.chosen.items() if name != key}).query()

    def toggled(self, key: str) -> str:
        if key in self.chosen:
            return self.without(key)
        return replace(self, chosen={**self.chosen, key: ("1",)}).query()

    def number(self, key: str) -> tuple[int, ...]:
        """The chosen values of a filter that are ids."""
        return tuple(int(value) for value in self.chosen.get(key, ()) if value.isdecimal() and len(value) < 19)


class ListPage:
    """Describe a list. All methods take the actor and answer only what that person may see."""

    name: ClassVar[str]  # of the list, in cookies: letters and _
    title: Text
    search: Text  # placeholder of the search box
    table: ClassVar[type[Table]]
    default_tab: ClassVar[str] = ""
    actions_template: ClassVar[str] = ""  # buttons beside the title

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        """Status tabs; none: a list without them."""
        return ()

    def filters(self) -> Sequence[Filter]:
        return ()

    def rows(self, actor: Actor, state: State) -> Rows:
        raise NotImplementedError

    def href(self, row: Mapping[str, Any], state: State) -> str:
        """Where a row opens; '' when it does not."""
        return ""

    def bulk(self) -> Sequence[Bulk]:
        return ()

    def ids(self, actor: Actor, state: State) -> list[int]:
        """All ids of the view, for a bulk act."""
        return []

    def empty(self, actor: Actor, state: State) -> Empty:
        raise NotImplementedError

    def freshness(self, actor: Actor) -> Freshness | None:
        return None

    # -- reading the address

    def state(self, given: QueryDict, size: str = "") -> State:
        known = [one.key for one in self.filters()]
        chosen = {key: tuple(dict.fromkeys(v for v in given.getlist(key) if v)) for key in known}
        asked = given.get("size") or size
        number = int(asked) if asked.isdecimal() and len(asked) < 5 else SIZES[0]
        return State(
            tab=given.get("tab") or self.default_tab,
            text=given.get("q", "").strip()[:200],
            chosen={key: values for key, values in chosen.items() if values},
            size=max(1, min(number, SIZES[-1])),
            after=given.get("after", ""),
            before=given.get("before", ""),
        )


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
    everything = [column.name for column in table.columns]
    kept = set(request.COOKIES.get(f"columns_{page.name}", "").split(".")) & set(everything)
    kept |= set(page.table.required) if kept else set(everything)
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


# -- bulk acts


def selected(request: PageRequest, page: ListPage) -> list[int]:
    """Ids that a bulk act is about: those ticked, or everything in the view that the form names.

    Raises BusinessError ``list.nothing_selected``.
    """
    if request.POST.get("all") == "1":
        ids = page.ids(request.actor, page.state(QueryDict(request.POST.get("view", ""))))[:ALL_LIMIT]
    else:
        ids = [int(value) for value in request.POST.getlist("id") if value.isdecimal() and len(value) < 19]
    if not ids:
        raise BusinessError("list.nothing_selected")
    return ids


Refused = Mapping[int, tuple[str, Mapping[str, Any]]]


def outcome(request: PageRequest, text: str, refused: Refused, label: Callable[[int], str], href: str) -> None:
    """Keep what an act did for the next page: ``text``, and what was refused, grouped by its reason.

    ``refused``: {id: (code, params)}; ``label(id)`` names an object; ``href`` with ``{id}`` opens it.
    """
    reasons: dict[str, list[list[str]]] = {}
    for pk, (code, params) in list(refused.items())[:REFUSED_SHOWN]:
        reasons.setdefault(say(code, params), []).append([label(pk), href.format(id=pk)])
    request.session[OUTCOME] = {
        "text": text,
        "refused": len(refused),
        "reasons": sorted(reasons.items(), key=lambda item: -len(item[1])),
    }


def counted(first: Iterable[Tab], counts: Mapping[str, int]) -> list[Tab]:
    """The tabs with their counts filled in."""
    return [replace(tab, count=counts.get(tab.key, 0)) for tab in first]

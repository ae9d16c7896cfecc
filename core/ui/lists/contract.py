"""What an app says about a list: its tabs, filters, rows, columns, acts, and what of a row goes out into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlencode

import django_tables2 as tables
from django.http import QueryDict
from django.utils.functional import Promise

from core.permissions import Actor

Text = str | Promise
SIZES = (50, 100, 200, 500)
COLUMNS, ALL_COLUMNS = "cols", "all"  # in the address
ALL_LIMIT = 100_000  # an act over "all in this view" takes at most so many


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
class Out:
    """A column of the file that a list goes out as. It goes when the list's column ``column`` is shown.

    ``value(row)`` of what ``rows`` gave: text, int, Decimal, bool, date, aware datetime or None, never HTML.
    ``operation``: the right it needs (SEE_PERSONAL, SEE_COST); without it the column is left out.
    """

    column: str
    label: Text
    value: Callable[[Mapping[str, Any]], Any]
    operation: str = ""


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
    """What the address says: tab, search, chosen filters, size and place of the page.

    ``columns``: names with dots between, or ``ALL_COLUMNS``, where a saved view brought them; '' leaves them to what the
    browser remembers.
    """

    tab: str
    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    size: int = SIZES[0]
    after: str = ""
    before: str = ""
    columns: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.text or self.chosen)

    def query(self, *, place: bool = False) -> str:
        """The query string of this view; ``place``: with size and position."""
        pairs: list[tuple[str, str]] = [("tab", self.tab)]
        if self.text:
            pairs.append(("q", self.text))
        pairs += [(key, value) for key, values in self.chosen.items() for value in values]
        if self.columns:
            pairs.append((COLUMNS, self.columns))
        if place:
            pairs.append(("size", str(self.size)))
            pairs += [(key, value) for key, value in (("after", self.after), ("before", self.before)) if value]
        return urlencode(pairs)

    def at(self, *, after: str = "", before: str = "") -> str:
        return replace(self, after=after, before=before).query(place=True)

    @property
    def own_columns(self) -> str:
        """The query string of this place without the columns that a view brought."""
        return replace(self, columns="").query(place=True)

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
    export: ClassVar[str] = ""  # the operation that takes it out as a file; "": nobody may

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

    def outs(self, actor: Actor) -> Sequence[Out]:
        """The columns of the file (see ``Out``), in the order of the table's columns."""
        return ()

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
            columns=self.columns(given.get(COLUMNS, "")),
        )

    def columns(self, given: str) -> str:
        """Of the columns that an address or a stored view names those that there are, in their order."""
        if given == ALL_COLUMNS:
            return given
        asked = set(given.split("."))
        return ".".join(name for name in self.table.base_columns if name in asked)


def counted(first: Iterable[Tab], counts: Mapping[str, int]) -> list[Tab]:
    """The tabs with their counts filled in."""
    return [replace(tab, count=counts.get(tab.key, 0)) for tab in first]

"""The audit trail as a list, and as the file that it goes out as: who did what to which object, when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django_tables2 as tables
from django.http import HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import clock
from core.permissions import Actor
from core.records import trail
from core.ui import cells, lists
from core.ui.html import format_html
from core.ui.lists import Empty, Rows, State, Tab
from core.ui.lists import Filter as Chip
from core.ui.requests import PageRequest
from core.ui.templatetags.ui import when
from core.ui.views import page
from core.words import formats, knows, say

PERIODS = (("today", _("today")), ("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")))


class TrailTable(lists.Table):
    what = tables.Column(verbose_name=_("What"), empty_values=())
    about = tables.Column(verbose_name=_("About"), empty_values=())
    who = tables.Column(verbose_name=_("Who"), empty_values=())
    at = tables.Column(verbose_name=_("When"), empty_values=())

    cards: ClassVar[dict[str, str]] = {"what": "detail", "about": "lead", "who": "title", "at": "end"}
    required: ClassVar[tuple[str, ...]] = ("what", "at")

    def render_what(self, record: Mapping[str, Any]) -> SafeString:
        return cells.words(record["entry"].said)

    def render_about(self, record: Mapping[str, Any]) -> SafeString:
        entry = record["entry"]
        name = kind_name(entry.kind)
        if entry.object_id is None:
            return format_html("{}", name)
        return format_html('{} <span class="mono">{}</span>', name, number_of(entry.kind, entry.object_id))

    def render_who(self, record: Mapping[str, Any]) -> SafeString:
        entry = record["entry"]
        kinds = {"user": "", "api": gettext("program"), "system": gettext("Sampan itself")}
        return cells.two(entry.actor_label or formats.DASH, kinds.get(entry.actor_kind, ""))

    def render_at(self, record: Mapping[str, Any]) -> SafeString:
        return when(record["entry"].at)


def number_of(kind: str, object_id: int) -> str:
    return f"S-{object_id}" if kind == "order" else f"{object_id}"


def kind_name(kind: str) -> str:
    code = f"kind.{kind}"
    return say(code) if knows(code) else kind.replace("_", " ")


def _entry(row: Mapping[str, Any]) -> trail.Entry:
    found = row["entry"]
    assert isinstance(found, trail.Entry)
    return found


OUTS = (
    lists.Out("what", _("What"), lambda row: _entry(row).said),
    lists.Out("what", _("Code"), lambda row: _entry(row).code),
    lists.Out("about", _("About"), lambda row: kind_name(_entry(row).kind)),
    lists.Out("about", _("Number"), lambda row: _entry(row).object_id),
    lists.Out("who", _("Who"), lambda row: _entry(row).actor_label),
    lists.Out("at", _("When"), lambda row: _entry(row).at),
)


class TrailList(lists.ListPage):
    name = "trail"
    title = _("Audit trail")
    search = _("Order (S-1234) or number of an object")
    table = TrailTable
    default_tab = "people"
    export = trail.SEE

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        return (
            Tab("people", _("People and programs")),
            Tab("machine", _("Sampan itself")),
            Tab("all", _("Everything")),
        )

    def filters(self) -> Sequence[Chip]:
        return (
            Chip("person", _("Person"), lambda actor: [(str(pk), name) for pk, name in trail.people()]),
            Chip("kind", _("About"), lambda actor: [(one, kind_name(one)) for one in trail.kinds()]),
            Chip("period", _("Period"), lambda actor: [(key, str(label)) for key, label in PERIODS]),
        )

    def chosen(self, actor: Actor, state: State) -> trail.Filter:
        persons, periods = state.number("person"), state.chosen.get("period", ())
        kind, number = (*state.chosen.get("kind", ()), "")[0], None
        if state.text:
            found = state.text.strip().upper()
            digits = found.removeprefix("S-")
            number = int(digits) if digits.isdecimal() and len(digits) < 19 else -1
            kind = "order" if found.startswith("S-") else kind
        return trail.Filter(
            who=state.tab if state.tab in ("machine", "all") else "",
            person=persons[0] if persons else None,
            kind=kind,
            object_id=number,
            since=_since(actor, periods[0]) if periods else None,
        )

    def rows(self, actor: Actor, state: State) -> Rows:
        before = int(state.after) if state.after.isdecimal() and len(state.after) < 19 else None
        found = trail.entries(actor, self.chosen(actor, state), before=before, limit=state.size + 1)
        shown = found[: state.size]
        following = str(shown[-1].id) if len(found) > state.size else ""
        return Rows([{"id": one.id, "entry": one} for one in shown], following)

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return OUTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            return Empty(_("Nothing of this kind."), _("Show all"), f"?tab={state.tab}")
        return Empty(_("Nothing yet. Whatever somebody does stands here from then on, for ever."))


def _since(actor: Actor, period: str) -> datetime | None:
    now = clock.now()
    if period == "today":
        return now.astimezone(ZoneInfo(actor.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    return now - timedelta(days=int(period)) if period in dict(PERIODS) else None


@page(trail.SEE)
def audit(request: PageRequest) -> HttpResponse:
    return lists.show(request, TrailList())

"""The restock list in the grammar of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels.models import Account
from core.permissions import Actor
from core.ui import lists
from core.ui.lists import Empty, Freshness, Rows, State, Tab
from core.ui.lists import Filter as Chip
from core.words import formats
from fba import permissions, queries
from fba.models import RestockRun
from fba.outs import OUTS
from fba.services import restock
from fba.tables import RestockTable
from inventory.queries import warehouses

TABS = (
    Tab("todo", _("To do"), tone="red"),
    Tab("out", _("Sold out"), tone="red"),
    Tab("late", _("Too late"), tone="red"),
    Tab("due", _("Order now")),
    Tab("ok", _("Enough")),
    Tab("excess", _("Too much")),
    Tab("idle", _("Not sold")),
    Tab("all", _("All")),
)


def filter_of(state: State) -> queries.Filter:
    return queries.Filter(
        tab=state.tab if state.tab in queries.TABS else "todo",
        accounts=state.number("account"),
        warehouses=state.number("warehouse"),
        sku=state.text,
        platform=True if "platform" in state.chosen else None,
    )


def accounts(actor: Actor) -> list[tuple[str, str]]:
    rows = Account.objects.order_by("name").values_list("pk", "name")
    return [(str(pk), name) for pk, name in rows if actor.sees_account(pk)]


class RestockList(lists.ListPage):
    name = "restock"
    title = _("Restock")
    search = _("SKU")
    table = RestockTable
    default_tab = "todo"
    actions_template = "fba/_list_actions.html"
    export = permissions.EXPORT

    def __init__(self, run: RestockRun | None) -> None:
        self.run = run

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        if self.run is None:
            return TABS[:1]
        return lists.counted(TABS, queries.counts(actor, self.run.pk))

    def filters(self) -> Sequence[Chip]:
        return (
            Chip("account", _("Channel"), accounts),
            Chip("warehouse", _("Warehouse"), lambda actor: [(str(one.pk), one.name) for one in warehouses(actor)]),
            Chip("platform", _("At platforms")),
        )

    def rows(self, actor: Actor, state: State) -> Rows:
        if self.run is None:
            return Rows([])
        found = queries.lines(actor, self.run.pk, filter_of(state), after=state.after, limit=state.size)
        for row in found.rows:
            row["href"] = self.href(row, state)
        return Rows(found.rows, found.next)

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return f"{reverse('fba:line', args=[row['id']])}?{state.query()}"

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return OUTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if self.run is None:
            return Empty(
                _("What to buy and what to send stands here after the first computation. Press “Compute now”.")
            )
        if state.narrowed or state.tab != "todo":
            return Empty(_("Nothing here."), _("Show all"), "?tab=all")
        return Empty(_("Nothing has to be ordered now."))

    def freshness(self, actor: Actor) -> Freshness | None:
        parts = []
        if self.run is not None:
            parts.append(gettext("computed {ago}").format(ago=formats.ago(self.run.finished_at)))
            parts.append(gettext("{n} lines").format(n=formats.number(self.run.lines_count)))
        if restock.running():
            parts.append(gettext("being computed now"))
        return Freshness(" · ".join(parts)) if parts else None

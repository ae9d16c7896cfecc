"""The orders list in the grammar of ``core.ui.lists``, and what orders register with menu, Today and the shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.ui import lists
from core.ui.lists import Bulk, Empty, Freshness, Rows, State, Tab
from core.ui.lists import Filter as Chip
from core.words import formats
from orders import choices, permissions, ports, queries, queries_hand, queries_page
from orders.outs import OUTS
from orders.tables import OrderTable

TABS = (
    Tab("to_ship", _("To ship")),
    Tab("new", _("New")),
    Tab("unmatched", _("No SKU"), tone="red", hide_empty=True),
    Tab("address", _("Address"), tone="red", hide_empty=True),
    Tab("held", _("On hold")),
    Tab("short", _("Short of stock"), tone="red"),
    Tab("failed", _("Failed"), tone="red", hide_empty=True),
    Tab("ready", _("Ready to book")),
    Tab("booked", _("Label ready")),
    Tab("handed", _("Handed over")),
    Tab("delivered", _("Delivered")),
    Tab("platform", _("Shipped by others"), hide_empty=True),
    Tab("cancelled", _("Cancelled")),
    Tab("all", _("All")),
)
BULK = (
    Bulk("book", _("Book"), "truck-delivery", "orders:bulk_book", permissions.BOOK, primary=True),
    Bulk("hold", _("Hold"), "player-pause", "orders:bulk_hold", permissions.HOLD, template="orders/_ask_note.html"),
    Bulk("route", _("Let go"), "player-play", "orders:bulk_route", permissions.ROUTE),
    Bulk(
        "choose",
        _("Service"),
        "route",
        "orders:bulk_choose",
        permissions.ROUTE,
        template="orders/_ask_choose.html",
    ),
    Bulk(
        "assign",
        _("Assign"),
        "user-check",
        "orders:bulk_assign",
        permissions.ASSIGN,
        template="orders/_ask_assign.html",
    ),
    Bulk("tag", _("Tag"), "tag", "orders:bulk_tag", permissions.EDIT, template="orders/_ask_tags.html"),
    Bulk(
        "cancel",
        _("Cancel"),
        "ban",
        "orders:bulk_cancel",
        permissions.CANCEL,
        danger=True,
        template="orders/_ask_cancel.html",
    ),
)


def filter_of(state: State) -> queries.Filter:
    """What the address asks for, in the words of ``orders.queries``."""
    chosen = state.chosen
    return queries.Filter(
        tab=state.tab if state.tab in queries.TABS else "to_ship",
        text=state.text,
        accounts=state.number("account"),
        countries=chosen.get("country", ()),
        warehouses=state.number("warehouse"),
        services=state.number("service"),
        tags=chosen.get("tag", ()),
        overdue="overdue" in chosen,
        conflict="conflict" in chosen,
        platforms=chosen.get("platform", ()),
        assignees=state.number("assignee"),
        paid=tuple(choices.paid_spans(chosen.get("paid", ()), str(timezone.get_current_timezone()))),
        values=tuple(choices.value_bands(chosen.get("value", ()))),
    )


class OrdersList(lists.ListPage):
    name = "orders"
    title = _("Orders")
    search = _("Receiver, phone, order, tracking number, SKU")
    table = OrderTable
    default_tab = "to_ship"
    actions_template = "orders/_list_actions.html"
    export = permissions.EXPORT

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        return lists.counted(TABS, queries.tabs(actor))

    def filters(self) -> Sequence[Chip]:
        return (
            Chip("account", _("Channel"), queries_page.accounts),
            Chip("platform", _("Marketplace"), choices.platforms),
            Chip("country", _("Country"), queries_page.countries),
            Chip("warehouse", _("Warehouse"), queries_page.warehouses),
            Chip("service", _("Service"), queries_page.services),
            Chip("tag", _("Tag"), queries_page.tags),
            Chip("assignee", _("Assigned to"), queries_hand.assignees),
            Chip("paid", _("Paid"), choices.paid),
            Chip("value", _("Value"), choices.values),
            Chip("overdue", _("Overdue")),
            Chip("conflict", _("Conflict")),
        )

    def rows(self, actor: Actor, state: State) -> Rows:
        found = queries.page(actor, filter_of(state), after=state.after, before=state.before, limit=state.size)
        here, view = reverse("orders:index"), state.query()
        for row in found.rows:
            row["href"] = f"{here}{row['id']}/?{view}"
        return Rows(found.rows, found.next, found.prev)

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return f"{reverse('orders:show', args=[row['id']])}?{state.query()}"

    def bulk(self) -> Sequence[Bulk]:
        return (BULK[0], *(one() for one in ports.bulk.values()), *BULK[1:])

    def ids(self, actor: Actor, state: State) -> list[int]:
        return queries.matching_ids(actor, filter_of(state), limit=lists.ALL_LIMIT)

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return OUTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            anywhere = bool(state.text) and (state.tab != "all" or bool(state.chosen))
            return Empty(
                _("No order matches this search and these filters in this tab."),
                _("Search in all orders") if anywhere else _("Clear all"),
                "?"
                + (replace(state, tab="all", chosen={}) if anywhere else replace(state, text="", chosen={})).query(),
            )
        if not queries_page.accounts(actor):
            return Empty(
                _("Orders of your marketplaces will stand here. Connect a marketplace account first."),
                _("Connect an account"),
                _address("channels:connect") or _address("channels:accounts"),
            )
        return Empty(_("Nothing here now. Orders come in by themselves."))

    def freshness(self, actor: Actor) -> Freshness | None:
        fresh = queries_page.freshness(actor)
        if not fresh.accounts:
            return None
        text = gettext("last pull {ago}").format(ago=formats.ago(fresh.last))
        text += " · " + ngettext("{n} account", "{n} accounts", fresh.accounts).format(n=fresh.accounts)
        problem = ngettext("{n} needs you", "{n} need you", fresh.sick).format(n=fresh.sick) if fresh.sick else ""
        return Freshness(text, problem, _address("channels:accounts"))


def _address(name: str) -> str:
    """A page of another part of the house, '' where it is not there."""
    from django.urls import NoReverseMatch

    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def waiting(actor: Actor) -> int:
    """Orders to ship, for the menu; from the kept counts."""
    return queries.tabs(actor)["to_ship"]

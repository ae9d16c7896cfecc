"""The parcels list, and what the floor registers with the shell and the dead-letter desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.errors import BusinessError
from core.permissions import Actor
from core.ui import desk, lists, menu
from core.ui.lists import Bulk, Empty, Rows, State, Tab
from core.ui.lists import Filter as Chip
from fulfilment import palette, permissions, queries_page
from fulfilment.outs import OUTS
from fulfilment.tables import ParcelTable
from logistics import permissions as carriers
from logistics.services import booking

TABS = (
    Tab("ready", _("To weigh")),
    Tab("packed", _("Weighed")),
    Tab("handed_today", _("Handed over today")),
    Tab("waiting", _("Being booked")),
    Tab("failed", _("Failed"), tone="red"),
    Tab("moving", _("On the way")),
    Tab("delivered", _("Delivered")),
    Tab("returned", _("Came back")),
    Tab("all", _("All")),
)
COUNTED = ("ready", "packed", "handed_today", "waiting", "failed", "moving")


def filter_of(state: State) -> queries_page.Filter:
    return queries_page.Filter(
        tab=state.tab if state.tab in queries_page.TABS else "ready",
        text=state.text,
        warehouses=state.number("warehouse"),
        services=state.number("service"),
        unprinted="unprinted" in state.chosen,
    )


class ParcelsList(lists.ListPage):
    name = "parcels"
    title = _("Shipments")
    search = _("Tracking number, waybill, order")
    table = ParcelTable
    default_tab = "ready"
    actions_template = "fulfilment/_list_actions.html"
    export = carriers.EXPORT

    def tabs(self, actor: Actor) -> Sequence[Tab]:
        counts = queries_page.counts(actor)
        return [
            Tab(tab.key, tab.label, counts.get(tab.key) if tab.key in COUNTED else None, tab.tone, tab.hide_empty)
            for tab in TABS
        ]

    def filters(self) -> Sequence[Chip]:
        return (
            Chip("warehouse", _("Warehouse"), queries_page.warehouses),
            Chip("service", _("Service"), queries_page.services),
            Chip("unprinted", _("Not printed")),
        )

    def rows(self, actor: Actor, state: State) -> Rows:
        below = int(state.after) if state.after.isdecimal() and len(state.after) < 19 else None
        found = queries_page.parcels(actor, filter_of(state), below=below, limit=state.size + 1)
        for row in found:
            row["href"] = self.href(row, state)
        more = len(found) > state.size
        return Rows(found[: state.size], next=str(found[state.size - 1]["id"]) if more else "")

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return f"{reverse('fulfilment:desk')}?parcel={row['id']}"

    def bulk(self) -> Sequence[Bulk]:
        return (
            Bulk("print", _("Print labels"), "printer", "fulfilment:bulk_print", carriers.LABEL, primary=True),
            Bulk("hand", _("Hand over"), "truck-delivery", "fulfilment:bulk_hand", permissions.SHIP),
            Bulk("book", _("Book again"), "refresh", "fulfilment:bulk_book", carriers.BOOK),
        )

    def ids(self, actor: Actor, state: State) -> list[int]:
        return queries_page.ids(actor, filter_of(state), lists.ALL_LIMIT)

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return OUTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.narrowed:
            return Empty(_("No parcel matches this search in this tab."), _("Clear"), f"?tab={state.tab}")
        return Empty(_("No parcel here now. Book orders that are ready, then their parcels stand here."))


def _retry(actor: Actor, ids: Sequence[int]) -> int:
    done = len(booking.retry(actor=actor, ids=ids))
    if not done:
        raise BusinessError("deadletter.gone")
    return done


def register() -> None:
    """Called when the app is ready."""
    palette.register()
    lists.register("parcels", lambda actor: ParcelsList(), url="fulfilment:parcels", operation=carriers.VIEW)
    menu.register(
        menu.Entry("ship", _("Ship desk"), "barcode", "fulfilment:desk", 20, permissions.SHIP, queries_page.on_floor)
    )
    menu.register(
        menu.Entry(
            "shipments", _("Shipments"), "truck-delivery", "fulfilment:parcels", 30, carriers.VIEW, queries_page.failed
        )
    )
    desk.register(
        desk.Source(
            key="booking",
            label=_("Booking failed"),
            position=40,
            operation=carriers.BOOK,
            advice="todo.letter.booking",
            count=queries_page.failed,
            page=queries_page.failed_letters,
            retry=_retry,
        )
    )

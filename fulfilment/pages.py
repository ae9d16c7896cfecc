"""The parcels list, and what the floor registers with the shell and the dead-letter desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.errors import BusinessError
from core.permissions import Actor
from core.ui import desk, first_run, lists, menu, panels, today
from core.ui.lists import Bulk, Empty, Rows, State, Tab
from core.ui.lists import Filter as Chip
from core.ui.today import NOW, SOON, Tile
from core.words import say
from fulfilment import alarms, palette, permissions, queries, views_settings
from fulfilment.outs import OUTS
from fulfilment.tables import ParcelTable
from logistics import permissions as carriers
from logistics.services import booking
from orders import ports as orders

TABS = (
    Tab("ready", _("To weigh")),
    Tab("packed", _("Weighed")),
    Tab("handed_today", _("Handed over today")),
    Tab("alarm", _("Alarms"), tone="red"),
    Tab("waiting", _("Being booked")),
    Tab("failed", _("Failed"), tone="red"),
    Tab("moving", _("On the way")),
    Tab("delivered", _("Delivered")),
    Tab("returned", _("Came back")),
    Tab("cancelled", _("Cancelled")),
    Tab("all", _("All")),
)
URGENT = ("failed", "moving", "returned", "attempt", "exception")


def filter_of(state: State) -> queries.Filter:
    return queries.Filter(
        tab=state.tab if state.tab in queries.TABS else "ready",
        text=state.text,
        warehouses=state.number("warehouse"),
        services=state.number("service"),
        carriers=state.number("carrier"),
        printed=state.chosen.get("printed", ()),
        alarms=state.chosen.get("alarm", ()),
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
        counts = queries.counts(actor)
        return [Tab(tab.key, tab.label, counts.get(tab.key), tab.tone, tab.hide_empty) for tab in TABS]

    def filters(self) -> Sequence[Chip]:
        return (
            Chip("carrier", _("Carrier"), queries.carriers),
            Chip("service", _("Service"), queries.services),
            Chip("warehouse", _("Warehouse"), queries.warehouses),
            Chip("printed", _("Printed"), queries.prints),
            Chip("alarm", _("Alarm"), queries.kinds),
        )

    def rows(self, actor: Actor, state: State) -> Rows:
        below, above = _edge(state.after), _edge(state.before)
        found = queries.parcels(actor, filter_of(state), below=below, above=above, limit=state.size + 1)
        more = len(found) > state.size
        back = above is not None and below is None
        found = (found[1:] if back else found[:-1]) if more else found
        for row in found:
            row["href"] = self.href(row, state)
        newer = bool(found) and (more if back else below is not None)
        older = bool(found) and (True if back else more)
        return Rows(found, next=str(found[-1]["id"]) if older else "", prev=str(found[0]["id"]) if newer else "")

    def href(self, row: Mapping[str, Any], state: State) -> str:
        return f"{reverse('fulfilment:parcel', args=[row['id']])}?{state.query()}"

    def bulk(self) -> Sequence[Bulk]:
        return (
            Bulk(
                "print",
                _("Print labels"),
                "printer",
                "fulfilment:bulk_print",
                carriers.LABEL,
                primary=True,
                template="fulfilment/_ask_print.html",
            ),
            Bulk("hand", _("Hand over"), "truck-delivery", "fulfilment:bulk_hand", permissions.SHIP),
            Bulk(
                "alarm",
                _("Settle alarms"),
                "bell-check",
                "fulfilment:bulk_settle",
                permissions.SHIP,
                template="fulfilment/_ask_alarm.html",
            ),
            Bulk("book", _("Book again"), "refresh", "fulfilment:bulk_book", carriers.BOOK),
        )

    def ids(self, actor: Actor, state: State) -> list[int]:
        return queries.ids(actor, filter_of(state), lists.ALL_LIMIT)

    def outs(self, actor: Actor) -> Sequence[lists.Out]:
        return OUTS

    def empty(self, actor: Actor, state: State) -> Empty:
        if state.tab == "alarm" and not state.narrowed:
            return Empty(_("No alarm rings: every parcel goes its way."))
        if state.narrowed:
            return Empty(_("No parcel matches this search in this tab."), _("Clear"), f"?tab={state.tab}")
        return Empty(_("No parcel here now. Book orders that are ready, then their parcels stand here."))


def _edge(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def tiles(actor: Actor) -> Iterable[Tile]:
    """Alarms of parcels, a tile for each kind that asks for a person today."""
    if not actor.can(carriers.VIEW):
        return
    found = queries.alarm_counts(actor)
    for kind in alarms.KINDS:
        if found.get(kind) and kind != "failed":  # that one has its tile with the orders
            yield Tile(
                f"parcels.{kind}",
                say(f"alarm.{kind}"),
                found[kind],
                NOW if kind in URGENT else SOON,
                "fulfilment:parcels",
                f"tab=alarm&alarm={kind}",
                icon="truck-off" if kind in URGENT else "truck-loading",
            )


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
        menu.Entry("ship", _("Ship desk"), "barcode", "fulfilment:desk", 20, permissions.SHIP, queries.on_floor)
    )
    menu.register(
        menu.Entry(
            "shipments", _("Shipments"), "truck-delivery", "fulfilment:parcels", 30, carriers.VIEW, queries.failed
        )
    )
    today.register_tiles("fulfilment", tiles)
    panels.register("carriers.main", "fulfilment.options", views_settings.panel, operation=carriers.VIEW, position=110)
    orders.bulk["fulfilment.print"] = lambda: Bulk(
        "print",
        _("Print labels"),
        "printer",
        "fulfilment:print_orders",
        carriers.LABEL,
        template="fulfilment/_ask_print.html",
    )
    first_run.register_offer(
        first_run.Offer("parcel", _("Ship desk"), "fulfilment:desk", "barcode", permissions.SHIP, post=False)
    )
    desk.register(
        desk.Source(
            key="booking",
            label=_("Booking failed"),
            position=40,
            operation=carriers.BOOK,
            advice="todo.letter.booking",
            count=queries.failed,
            page=queries.failed_letters,
            retry=_retry,
        )
    )

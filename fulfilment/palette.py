"""Parcels in the command palette: by tracking number, waybill or our reference, as scanned or typed."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core import bulk, settings_store
from core.permissions import SEE_PERSONAL, Actor
from core.ui import palette
from core.ui.palette import Found
from core.words import formats, say
from fulfilment import permissions
from fulfilment.finding import candidates
from logistics import permissions as carriers
from orders.queries import mask


def find(actor: Actor, text: str, limit: int) -> list[Found]:
    """The whole number; parts of one are found by the order's search."""
    actor.require(carriers.VIEW)
    names = candidates(text)
    places = None if actor.warehouses is None else sorted(actor.warehouses)
    accounts = None if actor.accounts is None else sorted(actor.accounts)
    rows = bulk.fetch(
        "SELECT s.id, coalesce(nullif(s.tracking_number, ''), nullif(s.waybill, ''), s.reference), s.state, s.country,"
        " s.receiver->>'name', v.name FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id"
        " WHERE (s.tracking_number = ANY(%s) OR s.waybill = ANY(%s) OR s.reference = ANY(%s))"
        " AND (%s::bigint[] IS NULL OR s.warehouse_ref = ANY(%s::bigint[])) AND (%s::bigint[] IS NULL OR EXISTS"
        " (SELECT 1 FROM orders_consignment k JOIN orders_order o ON o.id = k.order_id"
        " WHERE k.shipment_id = s.id AND o.account_id = ANY(%s::bigint[]))) ORDER BY s.id DESC LIMIT %s",
        [names, names, names, places, places, accounts, accounts, limit],
    )
    shown = actor.can(SEE_PERSONAL)
    return [
        Found(
            label=number,
            href=reverse("fulfilment:parcel", args=[pk]),
            detail=" · ".join(
                part
                for part in (service, (name or "") if shown else mask(name or ""), formats.country(country))
                if part
            ),
            icon="truck-delivery",
            badge=say(f"parcel.{state}"),
        )
        for pk, number, state, country, name, service in rows
    ]


def register() -> None:
    """Called when the app is ready."""
    palette.register("shipments", find, carriers.VIEW, label=_("Shipments"), position=30, shortest=4)
    palette.register_page(_("Shipments by carrier"), "fulfilment:board", "layout-grid", carriers.VIEW)
    palette.register_page(_("Hand-over lists"), "fulfilment:handovers", "clipboard-list", permissions.SHIP)
    palette.register_page(_("Booking and weighing"), "fulfilment:settings", "adjustments", settings_store.CHANGE)

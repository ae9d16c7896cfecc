"""What orders show on pages of goods: where a SKU is listed, what was sold of it, whose reservation or parcel it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from core import bulk, clock
from core.permissions import Actor
from core.words import formats
from inventory.models import Sku

DAYS = 30
MOST_LISTINGS = 50


def listed(request: HttpRequest, sku: Sku) -> tuple[str, dict[str, Any]] | None:
    """The listings that sell it, by account."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    scope = None if actor.accounts is None else sorted(actor.accounts)
    rows = bulk.fetch(
        "SELECT g.seller_sku, g.external_id, g.title, g.units, a.name, g.platform_fulfilled FROM channels_listing g"
        " JOIN channels_account a ON a.id = g.account_id WHERE g.sku_id = %s"
        " AND (%s::bigint[] IS NULL OR g.account_id = ANY(%s::bigint[])) ORDER BY a.name, g.seller_sku LIMIT %s",
        [sku.pk, scope, scope, MOST_LISTINGS],
    )
    names = ("seller_sku", "external_id", "title", "units", "account", "platform")
    return "orders/listings/_listed.html", {"listings": [dict(zip(names, row, strict=True)) for row in rows]}


def sold(request: HttpRequest, sku: Sku) -> tuple[str, dict[str, Any]] | None:
    """Units sold a day over the last month, paid and not cancelled, in the tenant's zone; a table of the same."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    last = clock.day_in(actor.timezone)
    scope = None if actor.accounts is None else sorted(actor.accounts)
    found = dict(
        bulk.fetch(
            "SELECT (o.placed_at AT TIME ZONE %s)::date, sum(l.units * (l.quantity - l.cancelled) / l.quantity)"
            " FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id WHERE l.sku_id = %s AND o.placed_at > %s"
            " AND l.quantity > 0 AND l.cancelled < l.quantity AND o.state NOT IN ('cancelled', 'pending', 'combined')"
            " AND o.channel_status NOT IN ('cancelled', 'pending')"
            " AND (%s::bigint[] IS NULL OR o.account_id = ANY(%s::bigint[])) GROUP BY 1",
            [actor.timezone, sku.pk, clock.now() - timedelta(days=DAYS + 1), scope, scope],
        )
    )
    days = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    values = [int(found.get(day, 0)) for day in days]
    labels = [formats.day(day) for day in days]
    return "orders/listings/_sold.html", {
        "chart": {"labels": labels, "series": [{"name": gettext("units sold"), "values": values}]},
        "table": [(label, value) for label, value in zip(labels, values, strict=True) if value][::-1],
        "total": sum(values),
        "days": DAYS,
    }


def of_lines(actor: Actor, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Orders of order lines."""
    rows = bulk.fetch(
        "SELECT l.id, o.id, o.external_id, o.account_id, o.warehouse_id FROM orders_orderline l"
        " JOIN orders_order o ON o.id = l.order_id WHERE l.id = ANY(%s)",
        [list(ids)],
    )
    return {line: _order(order, name) for line, order, name, *where in rows if _seen(actor, *where)}


def of_shipments(actor: Actor, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Orders of parcels."""
    rows = bulk.fetch(
        "SELECT c.shipment_id, o.id, o.external_id, o.account_id, o.warehouse_id FROM orders_consignment c"
        " JOIN orders_order o ON o.id = c.order_id WHERE c.shipment_id = ANY(%s) ORDER BY o.id DESC",
        [list(ids)],
    )
    return {parcel: _order(order, name) for parcel, order, name, *where in rows if _seen(actor, *where)}


def _order(pk: int, external_id: str) -> tuple[str, str]:
    return external_id or f"S-{pk}", reverse("orders:show", args=[pk])


def _seen(actor: Actor, account: int | None, warehouse: int | None) -> bool:
    return actor.sees_account(account) and actor.sees_warehouse(warehouse)

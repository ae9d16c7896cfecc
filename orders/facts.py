"""What the rules see, read from the tables by the page: for routing (rows locked) and for trying rules (nothing touched)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import bulk
from orders import ports
from orders.routing import LineFact, Places

ROW = (
    "id",
    "account_id",
    "platform",
    "state",
    "ship_name",
    "ship_company",
    "ship_lines",
    "ship_city",
    "ship_region",
    "ship_postcode",
    "ship_country",
    "buyer_note",
    "service_asked",
    "currency",
    "grand_total",
    "units",
    "lines_count",
    "tags",
    "service_id",
    "account_name",
    "customer_orders",
    "reason_code",
    "own_warehouse",
    "own_service",
)
_SELECT = (
    "SELECT o.id, o.account_id, o.platform, o.state, o.ship_name, o.ship_company, o.ship_lines, o.ship_city,"
    " o.ship_region, o.ship_postcode, o.ship_country, o.buyer_note, o.service_asked, o.currency, o.grand_total,"
    " o.units, o.lines_count, o.tags, o.service_id, coalesce(a.name, ''), c.orders, o.reason_code,"
    " v.warehouse_id, v.service_id{more}"
    " FROM orders_order o LEFT JOIN channels_account a ON a.id = o.account_id"
    " LEFT JOIN orders_customer c ON c.id = o.customer_id LEFT JOIN orders_routeoverride v ON v.order_id = o.id"
)
# Of the sold pieces those that are not sent: cancelled at the marketplace, or kept back by a person.
_KEPT_BACK = "l.quantity - least(l.quantity - l.cancelled, coalesce(e.most, l.quantity))"
_OF_SKU = (
    " s.code, s.weight_g, coalesce(s.length_mm, 0)::bigint * coalesce(s.width_mm, 0) * coalesce(s.height_mm, 0),"
    " coalesce(s.battery, false), coalesce(s.tags, '[]'::jsonb)"
)
# What lies in a parcel is gone, whoever knows of it already: eBay's combined orders bring lines that were sent before.
_GONE = (
    "greatest(l.shipped, (SELECT coalesce(sum(c.quantity), 0) FROM orders_consignmentline c"
    " JOIN orders_consignment k ON k.id = c.consignment_id WHERE c.line_id = l.id AND k.state = 'open'))"
)
_LINES = (
    f"SELECT l.order_id, l.id, l.sku_id, l.seller_sku, l.title, l.quantity, {_KEPT_BACK}, {_GONE}, l.units,"
    f"{_OF_SKU} FROM orders_orderline l LEFT JOIN inventory_sku s ON s.id = l.sku_id"
    " LEFT JOIN orders_lineedit e ON e.line_id = l.id WHERE l.order_id = ANY(%s) ORDER BY l.id"
)
# As routing would find them: a listing that was matched meanwhile counts, and what was shipped counts as open again.
_LINES_AS_NEW = (
    f"SELECT l.order_id, l.id, coalesce(l.sku_id, x.sku_id), l.seller_sku, l.title, l.quantity, {_KEPT_BACK}, 0,"
    f" CASE WHEN l.sku_id IS NULL AND x.sku_id IS NOT NULL THEN l.quantity * x.units ELSE l.units END,{_OF_SKU}"
    " FROM orders_orderline l LEFT JOIN channels_listing x ON l.sku_id IS NULL AND x.account_id = l.account_id"
    " AND x.seller_sku = l.seller_sku LEFT JOIN inventory_sku s ON s.id = coalesce(l.sku_id, x.sku_id)"
    " LEFT JOIN orders_lineedit e ON e.line_id = l.id WHERE l.order_id = ANY(%s) ORDER BY l.id"
)


def rows_to_release(order_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Those that wait for their route, locked in id order."""
    rows = bulk.fetch(
        _SELECT.format(more="") + " WHERE o.id = ANY(%s) AND o.state IN ('new', 'pending', 'short')"
        " AND NOT o.platform_fulfilled ORDER BY o.id FOR UPDATE OF o",
        [list(order_ids)],
    )
    return [_row(values) for values in rows]


def rows_as_new(order_ids: Sequence[int]) -> list[dict[str, Any]]:
    """As if each came in now, in id order, nothing locked. ``purged``: its personal facts are gone; ``was``: its trace's
    rule set version (0: never decided); ``stood``: its state."""
    more = ", o.purged_at IS NOT NULL, coalesce((o.trace->>'v')::int, 0)"
    rows = bulk.fetch(_SELECT.format(more=more) + " WHERE o.id = ANY(%s) ORDER BY o.id", [list(order_ids)])
    out = []
    for *values, purged, was in rows:
        row = _row(values)
        row |= {"purged": purged, "was": was, "stood": row["state"], "state": "new", "reason_code": "", "tags": []}
        out.append(row)
    return out


def lines_of(order_ids: Sequence[int], *, as_new: bool = False) -> dict[int, list[LineFact]]:
    """The lines with something left to send, by order. ``as_new``: as if nothing had been shipped."""
    out: dict[int, list[LineFact]] = {}
    for line in bulk.fetch(_LINES_AS_NEW if as_new else _LINES, [list(order_ids)]):
        order_id, line_id, sku_id, seller_sku, title, quantity, cancelled, shipped, units, code, weight, mm3, *rest = (
            line
        )
        open_pieces = quantity - cancelled - shipped
        if open_pieces > 0:
            out.setdefault(order_id, []).append(
                LineFact(
                    line_id,
                    sku_id,
                    seller_sku,
                    code or "",
                    title,
                    units // quantity * open_pieces,
                    weight,
                    mm3,
                    rest[0],
                    tuple(_list(rest[1])),
                )
            )
    return out


def places() -> Places:
    """Warehouses and services that are in use."""
    warehouses = {
        code: pk
        for pk, code in bulk.fetch(
            "SELECT id, code FROM inventory_warehouse WHERE active AND kind <> 'platform' ORDER BY priority, id"
        )
    }
    services = {
        key: {"id": pk, "countries": _list(countries), "max_g": max_g, "battery": battery, "name": name}
        for pk, key, countries, max_g, battery, name in bulk.fetch(
            "SELECT s.id, s.key, s.countries, s.max_weight_g, s.battery, s.name FROM logistics_service s"
            " JOIN logistics_carrieraccount c ON c.id = s.carrier_account_id WHERE s.active AND c.active"
        )
    }
    return Places(warehouses, services)


def barred(order_ids: Sequence[int]) -> dict[int, tuple[str, dict[str, Any]]]:
    """{order: reason} of those that a gate of an upper app does not let through."""
    return {order_id: reason for gate in ports.gates.values() for order_id, reason in gate(order_ids).items()}


def _row(values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(ROW, values, strict=True))
    row["ship_lines"] = _list(row["ship_lines"])
    return row


def _list(value: Any) -> list[str]:
    return list(bulk.unpacked(value) or [])

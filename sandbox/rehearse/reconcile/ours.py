"""What stands in Sampan, read in a few statements per account page; no model instances, no service in between."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import bulk


@dataclass
class OurLine:
    id: int
    external_id: str
    sku: str
    quantity: int
    cancelled: int
    unit_price: Decimal
    sku_id: int | None
    issued: int = 0


@dataclass
class OurParcel:
    """A shipment and the pieces of an order in it, by external line id. ``made``: its consignment still counts."""

    id: int
    reference: str
    carrier: str
    state: str
    waybill: str
    number: str
    country: str
    made: bool
    pieces: dict[str, int] = field(default_factory=dict)


@dataclass
class OurOrder:
    id: int
    external_id: str
    state: str
    conflict: str
    channel_status: str
    currency: str
    total: Decimal
    receiver: dict[str, Any]
    edited: bool
    platform_fulfilled: bool
    combined_into: int | None
    created_at: datetime
    lines: dict[str, OurLine] = field(default_factory=dict)
    parcels: list[OurParcel] = field(default_factory=list)


_ORDERS = """
SELECT id, external_id, state, conflict, channel_status, currency, grand_total, ship_name, ship_company, ship_lines::text,
       ship_city, ship_region, ship_postcode, ship_country, ship_phone, address_edited, platform_fulfilled,
       combined_into_id, created_at
  FROM orders_order WHERE account_id = %s
"""
_RECEIVER = ("name", "company", "lines", "city", "region", "postcode", "country", "phone")
_PARCELS = """
SELECT l.order_id, s.id, s.reference, a.carrier, s.state, s.waybill, s.tracking_number, s.country, k.state = 'open',
       l.external_line_id, cl.quantity
  FROM orders_consignmentline cl JOIN orders_consignment k ON k.id = cl.consignment_id
  JOIN orders_orderline l ON l.id = cl.line_id JOIN logistics_shipment s ON s.id = k.shipment_id
  JOIN logistics_service v ON v.id = s.service_id JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id
 WHERE l.account_id = %s ORDER BY s.id
"""
_ISSUED = """
SELECT cl.line_id, sum(m.quantity) FROM inventory_move m JOIN orders_consignmentline cl ON cl.id = m.source_line
 WHERE m.source_kind = 'shipment' GROUP BY cl.line_id
"""


def orders(account_id: int) -> dict[str, list[OurOrder]]:
    """{external id: orders}: more than one of an id would be a double."""
    found: dict[str, list[OurOrder]] = defaultdict(list)
    by_id: dict[int, OurOrder] = {}
    for row in bulk.fetch(_ORDERS, [account_id]):
        receiver = dict(zip(_RECEIVER, row[7:15], strict=True))
        receiver["lines"] = json.loads(receiver["lines"] or "[]")
        values: list[Any] = [*row[:7], receiver, *row[15:]]
        order = OurOrder(*values)
        found[order.external_id].append(order)
        by_id[order.id] = order
    for order_id, *values in bulk.fetch(
        "SELECT order_id, id, external_line_id, seller_sku, quantity, cancelled, unit_price, sku_id"
        " FROM orders_orderline WHERE account_id = %s",
        [account_id],
    ):
        if order_id in by_id:
            line = OurLine(*values)
            by_id[order_id].lines[line.external_id] = line
    _add_parcels(account_id, by_id)
    return dict(found)


def _add_parcels(account_id: int, by_id: dict[int, OurOrder]) -> None:
    known: dict[tuple[int, int], OurParcel] = {}
    for order_id, *values, external_line, quantity in bulk.fetch(_PARCELS, [account_id]):
        parcel = known.get((order_id, values[0]))
        if parcel is None:
            parcel = known[order_id, values[0]] = OurParcel(*values)
            by_id[order_id].parcels.append(parcel)
        parcel.pieces[external_line] = parcel.pieces.get(external_line, 0) + quantity


def issued() -> dict[int, int]:
    """{order line: units that left the stock for it}."""
    return {int(row[0]): int(row[1]) for row in bulk.fetch(_ISSUED)}


def units_of_lines() -> dict[int, tuple[int, str, str]]:
    """{order line: (units that had to leave, order's state, order's external id)} of orders that were sent."""
    rows = bulk.fetch(
        "SELECT l.id, l.units / l.quantity * (l.quantity - l.cancelled), o.state, o.external_id"
        " FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id"
        " WHERE o.state IN ('handed', 'delivered', 'returned') AND o.conflict = '' AND l.sku_id IS NOT NULL"
    )
    return {int(row[0]): (int(row[1]), str(row[2]), str(row[3])) for row in rows}


def open_reservations() -> list[tuple[str, str, int]]:
    """[(order's external id, its state, units)] of reservations that nobody has closed."""
    rows = bulk.fetch(
        "SELECT coalesce(o.external_id, r.owner_kind || ' ' || r.owner_id), coalesce(o.state, ''), sum(r.quantity)"
        " FROM inventory_reservation r LEFT JOIN orders_orderline l ON r.owner_kind = 'order_line' AND l.id = r.owner_id"
        " LEFT JOIN orders_order o ON o.id = l.order_id WHERE r.closed_at IS NULL GROUP BY 1, 2 ORDER BY 1"
    )
    return [(str(row[0]), str(row[1]), int(row[2])) for row in rows]


def messages(account_id: int) -> dict[str, list[str]]:
    """{external id: bodies} of buyers' messages."""
    found: dict[str, list[str]] = defaultdict(list)
    for external, body in bulk.fetch(
        "SELECT external_id, body FROM crm_message WHERE account_id = %s AND direction = 'in'", [account_id]
    ):
        found[str(external)].append(str(body))
    return dict(found)


def answers(account_id: int) -> list[tuple[str, str, str]]:
    """[(message that it answers, body, state)] of what we wrote."""
    rows = bulk.fetch(
        "SELECT parent_external_id, body, state FROM crm_message WHERE account_id = %s AND direction = 'out'",
        [account_id],
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def unanswered(account_id: int) -> list[str]:
    """Threads that still wait for an answer."""
    rows = bulk.fetch(
        "SELECT subject FROM crm_conversation WHERE account_id = %s AND waiting_since IS NOT NULL", [account_id]
    )
    return [str(row[0]) for row in rows]


def confirmations(account_id: int, ids: Sequence[str] | None = None) -> dict[str, list[tuple[str, str]]]:
    """{order's external id: [(state, error code)]} of what we meant to tell the marketplace."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for external, state, code in bulk.fetch(
        "SELECT order_external_id, state, error_code FROM channels_confirmation WHERE account_id = %s", [account_id]
    ):
        found[str(external)].append((str(state), str(code)))
    return dict(found)


def inbox() -> list[tuple[str, str, int, str]]:
    """[(kind, state word, count, error code)] of raw payloads that are not ingested."""
    words = {0: "new", 2: "dead", 3: "dropped"}
    rows = bulk.fetch(
        "SELECT kind, state, count(*), error_code FROM channels_rawpayload WHERE state <> 1 GROUP BY kind, state, error_code"
    )
    return [(str(row[0]), words.get(row[1], str(row[1])), int(row[2]), str(row[3])) for row in rows]


def kept_counts() -> dict[tuple[int, str], int]:
    """{(account, state): the count that the orders list's tabs are summed from}; 0 as the account of orders by hand."""
    return _by_account(
        "SELECT coalesce(account_id, 0), state, sum(n)::int FROM orders_ordercount GROUP BY 1, 2 HAVING sum(n) <> 0"
    )


def counted_orders() -> dict[tuple[int, str], int]:
    """The same from the orders themselves."""
    return _by_account("SELECT coalesce(account_id, 0), state, count(*)::int FROM orders_order GROUP BY 1, 2")


def _by_account(sql: str) -> dict[tuple[int, str], int]:
    return {(account, state): count for account, state, count in bulk.fetch(sql)}

"""Parcels leave and arrive: stock is issued, the marketplace is told, orders move on. A page in few statements.

All functions run inside the caller's transaction and may be repeated: an issue has its key, a confirmation its reference.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channels.registry import adapter_of, all_adapters
from channels.services import confirm
from core import bulk, clock, options
from core.audit import Entry, record_many
from core.permissions import Actor
from inventory.services.issuing import Issue, IssueLine, issue_many
from logistics.registry import carrier_of
from logistics.services import purging
from orders import states
from orders.options import AT_LABEL, BookingOptions
from orders.services.of_parcels import lock_orders_of, orders_of

_PARCELS = """
SELECT k.id, k.order_id, k.warehouse_id, k.issued_at, k.shipment_id, s.reference, s.handed_at, s.tracking_number,
       s.waybill, v.channel_names, a.carrier
  FROM orders_consignment k JOIN orders_order o ON o.id = k.order_id
  JOIN logistics_shipment s ON s.id = k.shipment_id
  JOIN logistics_service v ON v.id = s.service_id JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id
 WHERE k.shipment_id = ANY(%s) AND k.state = 'open' ORDER BY o.id, k.id
"""
_PIECES = """
SELECT cl.consignment_id, cl.id, cl.line_id, cl.quantity, l.quantity, l.units, l.sku_id, l.external_line_id, o.id,
       l.account_id, o.external_id, o.platform, o.channel_status
  FROM orders_consignmentline cl JOIN orders_orderline l ON l.id = cl.line_id JOIN orders_order o ON o.id = l.order_id
 WHERE cl.consignment_id = ANY(%s) ORDER BY cl.consignment_id, cl.id
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a parcel; the order is the one that the line belongs to now (it may have been combined since).

    ``account_id`` None: the marketplace does not know of the line (a gift, an order by hand), so it is not told of it.
    """

    consignment_id: int
    id: int
    line_id: int
    quantity: int
    sold: int
    units: int
    sku_id: int | None
    external_line_id: str
    order_id: int
    account_id: int | None
    order_external_id: str
    platform: str
    channel_status: str


@dataclass
class Parcel:
    id: int
    order_id: int
    warehouse_id: int
    issued_at: datetime | None
    shipment_id: int
    reference: str
    handed_at: datetime | None
    tracking_number: str
    waybill: str
    channel_names: dict[str, str]
    carrier: str
    pieces: list[Piece] = field(default_factory=list)


def _parcels(shipment_ids: Sequence[int]) -> list[Parcel]:
    """The open consignments of shipments with their lines; their orders are locked in id order."""
    lock_orders_of(shipment_ids)
    found = {}
    for values in bulk.fetch(_PARCELS, [list(shipment_ids)]):
        parcel = Parcel(*values)
        if isinstance(parcel.channel_names, str):
            parcel.channel_names = json.loads(parcel.channel_names)
        found[parcel.id] = parcel
    if found:
        for values in bulk.fetch(_PIECES, [list(found)]):
            found[values[0]].pieces.append(Piece(*values))
    return list(found.values())


def handed(*, shipment_ids: Sequence[int], actor: Actor) -> list[int]:
    """Parcels were given to the carrier: issue their stock, ask for confirmations, move the orders. Returns order ids."""
    parcels = [parcel for parcel in _parcels(shipment_ids) if parcel.handed_at is not None]
    fresh = [parcel for parcel in parcels if parcel.issued_at is None]
    _issue(fresh, actor)
    _want(parcels)
    record_many(
        actor,
        [
            ("order", parcel.order_id, "order.handed", {"number": parcel.tracking_number or parcel.waybill})
            for parcel in fresh
        ],
    )
    order_ids = sorted({parcel.order_id for parcel in parcels})
    _advance(order_ids, actor)
    return order_ids


def _issue(parcels: Sequence[Parcel], actor: Actor) -> None:
    """Goods out of stock into the customers' hands; the reservations of the lines are used up."""
    if not parcels:
        return
    issues = [
        Issue(
            key=f"issue:shipment:{parcel.shipment_id}",
            warehouse_id=parcel.warehouse_id,
            effective_at=parcel.handed_at,
            source_kind="shipment",
            source_id=parcel.shipment_id,
            lines=[
                IssueLine(
                    piece.id, piece.sku_id, piece.units // piece.sold * piece.quantity, "order_line", piece.line_id
                )
                for piece in parcel.pieces
                if piece.sku_id is not None
            ],
        )
        for parcel in parcels
    ]
    issue_many(actor=actor, issues=[issue for issue in issues if issue.lines])
    bulk.update("orders_consignment", "id", [("issued_at", "timestamptz")], [(p.id, p.handed_at) for p in parcels])
    lines = sorted({piece.line_id for parcel in parcels for piece in parcel.pieces})
    # The channel may know of more than we sent (or have told us already), so never less than before.
    bulk.execute(
        "UPDATE orders_orderline l SET shipped = greatest(l.shipped, least(l.quantity, sent.pieces)) FROM"
        " (SELECT cl.line_id, sum(cl.quantity)::int AS pieces FROM orders_consignmentline cl"
        "  JOIN orders_consignment k ON k.id = cl.consignment_id"
        "  WHERE cl.line_id = ANY(%s) AND k.issued_at IS NOT NULL GROUP BY cl.line_id) sent WHERE l.id = sent.line_id",
        [lines],
    )


def told_at_label(*, shipment_ids: Sequence[int]) -> int:
    """Where the tenant tells the marketplace as soon as the label exists: ask for the confirmations now."""
    if options.current(BookingOptions).tell != AT_LABEL:
        return 0
    return _want(_parcels(shipment_ids))


def _want(parcels: Iterable[Parcel]) -> int:
    """Confirmations, one per parcel and marketplace order; asking twice changes nothing."""
    wanted = []
    for parcel in parcels:
        by_order: dict[int, list[Piece]] = defaultdict(list)
        for piece in parcel.pieces:
            if (
                piece.account_id is not None
                and piece.channel_status != "cancelled"
                and piece.platform in all_adapters()
            ):
                by_order[piece.order_id].append(piece)
        for order_id, pieces in by_order.items():
            first = pieces[0]
            assert first.account_id is not None
            wanted.append(
                confirm.Wanted(
                    account_id=first.account_id,
                    order_external_id=first.order_external_id,
                    order_ref=order_id,
                    reference=str(parcel.id),
                    carrier=_carrier_name(parcel, first.platform),
                    tracking_number=parcel.tracking_number or parcel.waybill,
                    shipped_at=parcel.handed_at or clock.now(),
                    lines=tuple((piece.external_line_id, piece.quantity) for piece in pieces),
                )
            )
    return confirm.want(wanted)


def _carrier_name(parcel: Parcel, platform: str) -> str:
    """The name that the platform is told: the service's own for it, else how the adapter calls the carrier."""
    given = parcel.channel_names.get(platform)
    return given or str(adapter_of(platform).carrier_name(carrier_of(parcel.carrier).title))


# -- where the orders stand -----------------------------------------------------------------------------------------------


def _advance(order_ids: Sequence[int], actor: Actor) -> None:
    """Move orders as far as all of their parcels are; the events of hand-over and delivery may come in any order."""
    rows = bulk.fetch(
        "SELECT k.order_id, bool_and(k.issued_at IS NOT NULL), bool_and(s.state IN ('delivered', 'returned')),"
        " bool_and(s.state = 'returned') FROM orders_consignment k JOIN logistics_shipment s ON s.id = k.shipment_id"
        " WHERE k.order_id = ANY(%s) AND k.state = 'open' GROUP BY k.order_id",
        [list(order_ids)],
    )
    gone = [row[0] for row in rows if row[1]]
    # A parcel can be handed over before the news that it was booked has been worked on.
    states.move(gone, states.BOOKED, expected=[states.BOOKING])
    history: list[Entry] = []
    moved = states.move(gone, states.HANDED, expected=[states.BOOKED, states.PACKED])
    history += [("order", pk, "order.to_handed", {}) for pk in moved]
    moved = states.move([row[0] for row in rows if row[1] and row[2]], states.DELIVERED, expected=[states.HANDED])
    history += [("order", pk, "order.to_delivered", {}) for pk in moved]
    back = [row[0] for row in rows if row[1] and row[3]]
    moved = states.move(back, states.RETURNED, expected=[states.HANDED, states.DELIVERED])
    history += [("order", pk, "order.to_returned", {}) for pk in moved]
    record_many(actor, history)


def delivered(*, shipment_ids: Sequence[int], actor: Actor) -> None:
    """Parcels arrived or came back: orders move on, and the platform's deadline for personal data begins to run."""
    order_ids = handed(shipment_ids=shipment_ids, actor=actor)
    rows = bulk.fetch(
        "SELECT s.id, s.delivered_at, o.platform FROM orders_consignment k JOIN orders_order o ON o.id = k.order_id"
        " JOIN logistics_shipment s ON s.id = k.shipment_id"
        " WHERE k.shipment_id = ANY(%s) AND k.state = 'open' AND s.delivered_at IS NOT NULL",
        [list(shipment_ids)],
    )
    ends = []
    for shipment, at, platform in rows:
        adapter: Any = all_adapters().get(platform)
        if adapter is not None:
            ends.append((shipment, at + timedelta(days=adapter.purge_after_days)))
    purging.purge_after(ends)
    _advance(order_ids, actor)


def packed(*, shipment_ids: Sequence[int], actor: Actor) -> list[int]:
    """Parcels were weighed: orders all of whose parcels are packed (or gone) are *packed*."""
    order_ids = _all_in(shipment_ids, ("packed", "handed", "delivered", "returned"))
    states.move(order_ids, states.BOOKED, expected=[states.BOOKING])
    moved = states.move(order_ids, states.PACKED, expected=[states.BOOKED])
    record_many(actor, [("order", pk, "order.to_packed", {}) for pk in moved])
    return moved


def unpacked(*, shipment_ids: Sequence[int], actor: Actor) -> list[int]:
    """A weighing was taken back."""
    moved = states.move(orders_of(shipment_ids), states.BOOKED, expected=[states.PACKED])
    record_many(actor, [("order", pk, "order.to_booked", {"from": states.PACKED}) for pk in moved])
    return moved


def _all_in(shipment_ids: Sequence[int], wanted: Sequence[str]) -> list[int]:
    """Orders of these shipments whose every open parcel stands in one of the shipment states."""
    return [
        row[0]
        for row in bulk.fetch(
            "SELECT k.order_id FROM orders_consignment k JOIN logistics_shipment s ON s.id = k.shipment_id"
            " WHERE k.state = 'open' AND k.order_id = ANY(%s) GROUP BY k.order_id HAVING bool_and(s.state = ANY(%s))",
            [orders_of(shipment_ids), list(wanted)],
        )
    ]

"""What the carriers' answers mean for the orders: handlers of logistics' events call ``booked``, ``numbered``, ``failed``."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from core import bulk
from core.audit import Entry, record_many
from core.permissions import Actor
from logistics.services import booking as parcels
from orders import states
from orders.models import Consignment
from orders.services.of_parcels import lock_orders_of
from orders.services.pages import reindex


def held(shipment_ids: Sequence[int]) -> list[tuple[int, int, int, str]]:
    """[(consignment, order, shipment, order's state)] of open consignments, the orders locked in id order."""
    lock_orders_of(shipment_ids)
    return [
        (row[0], row[1], row[2], row[3])
        for row in bulk.fetch(
            "SELECT k.id, o.id, k.shipment_id, o.state FROM orders_consignment k JOIN orders_order o ON o.id = k.order_id"
            " WHERE k.shipment_id = ANY(%s) AND k.state = 'open' ORDER BY o.id, k.id",
            [list(shipment_ids)],
        )
    ]


def booked(*, shipment_ids: Sequence[int], actor: Actor) -> list[int]:
    """Numbers and labels are there: orders all of whose parcels are ready are *booked*. In the caller's transaction."""
    found = held(shipment_ids)
    order_ids = sorted({order for _, order, _, _ in found})
    unready = {
        row[0]
        for row in bulk.fetch(
            "SELECT DISTINCT k.order_id FROM orders_consignment k JOIN logistics_shipment s ON s.id = k.shipment_id"
            " WHERE k.order_id = ANY(%s) AND k.state = 'open'"
            " AND s.state IN ('queued', 'booking', 'waiting', 'failed', 'cancelling')",
            [order_ids],
        )
    }
    whole = [order for order in order_ids if order not in unready]
    moved = states.move(whole, states.BOOKED, expected=[states.BOOKING])
    again = states.move(whole, states.BOOKING, expected=[states.FAILED])  # a refused number that a person accepted
    moved += states.move(again, states.BOOKED, expected=[states.BOOKING])
    _remember(actor, found, "order.booked", set(moved))
    reindex(order_ids)
    return sorted(moved)


def numbered(*, shipment_ids: Sequence[int], actor: Actor) -> None:
    """A waybill or tracking number is known before everything else is: the order can be found by it."""
    found = held(shipment_ids)
    _remember(actor, found, "order.numbered", {order for _, order, _, _ in found})
    reindex(sorted({order for _, order, _, _ in found}))


def _remember(actor: Actor, found: Sequence[tuple[int, int, int, str]], code: str, orders: set[int]) -> None:
    numbers = {
        row[0]: (row[1], row[2])
        for row in bulk.fetch(
            "SELECT id, tracking_number, waybill FROM logistics_shipment WHERE id = ANY(%s)",
            [[shipment for _, _, shipment, _ in found]],
        )
    }
    record_many(
        actor,
        [
            ("order", order, code, {"number": numbers[shipment][0] or numbers[shipment][1], "shipment": shipment})
            for _, order, shipment, _ in found
            if order in orders
        ],
    )


def failed(*, shipment_ids: Sequence[int], actor: Actor) -> list[int]:
    """The carrier or a check refused: the order shows why. A parcel that no carrier has is given up; a new one is made.

    Given up for good, so that nobody books it again beside the new one.
    """
    found = held(shipment_ids)
    why = {
        row[0]: row[1:]
        for row in bulk.fetch(
            "SELECT id, error_code, error_params, waybill, state FROM logistics_shipment WHERE id = ANY(%s)"
            " ORDER BY id FOR UPDATE",
            [[shipment for _, _, shipment, _ in found]],
        )
    }
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    given_up: dict[int, int] = {}  # consignment → its shipment
    for consignment, order, shipment, _ in found:
        code, params, waybill, state = why[shipment]
        if state != "failed":
            continue  # a person or the next pass was quicker
        groups[code, json.dumps(bulk.unpacked(params))].append(order)
        if not waybill:
            given_up[consignment] = shipment
    close(given_up)
    parcels.give_up(actor=actor, ids=sorted(given_up.values()))
    out: list[int] = []
    history: list[Entry] = []
    for (code, params), ids in groups.items():
        reason = json.loads(params)
        moved = states.move(ids, states.FAILED, expected=[states.BOOKING], reason_code=code, reason_params=reason)
        history += [("order", pk, "order.to_failed", {"from": states.BOOKING, "why": code}) for pk in moved]
        out += moved
    record_many(actor, history)
    return sorted(out)


def close(consignment_ids: Iterable[int]) -> None:
    bulk.execute(
        "UPDATE orders_consignment SET state = %s WHERE id = ANY(%s)", [Consignment.CANCELLED, list(consignment_ids)]
    )

"""From orders that are ready to parcels at a carrier.

``book_orders`` makes consignments and shipments, a page in a fixed number of statements; logistics books them. The
carrier's answers come back as events, to ``carrier_answers`` (and ``recall`` for cancellations).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction

from core import bulk, clock, options, settings_store
from core.audit import Entry, record_many
from core.permissions import Actor
from core.values import Address
from logistics.services import booking as parcels
from orders import permissions, states
from orders.options import BookingOptions
from orders.services import customs
from orders.services.acts import Outcome

PAGE = 200
BOOKABLE = (states.READY, states.FAILED)
AUTO_BOOK = "auto_book"  # tenant setting: orders are booked as soon as they are ready

_ORDER = (
    "id account_id platform state external_id currency warehouse_id service_id ship_name ship_company ship_lines ship_city"
    " ship_district ship_region ship_postcode ship_country ship_phone ship_email buyer_note"
).split()
_ORDERS = f"SELECT {', '.join(_ORDER)} FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE"

# Open pieces: sold, not cancelled or kept back, not sent (by us or by somebody else), not in a parcel already.
_LINES = """
SELECT l.order_id, l.id, l.quantity, l.units,
       l.quantity - least(l.quantity - l.cancelled, coalesce(e.most, l.quantity)),
       greatest(l.shipped, coalesce(c.covered, 0)), l.line_total,
       l.title, s.id, s.code, s.title, s.title_zh, s.customs_name_en, s.customs_name_zh, s.hs_code, s.origin_country,
       s.battery, s.weight_g, s.customs_value, s.customs_currency
  FROM orders_orderline l LEFT JOIN inventory_sku s ON s.id = l.sku_id
  LEFT JOIN orders_lineedit e ON e.line_id = l.id
  LEFT JOIN (SELECT cl.line_id, sum(cl.quantity) AS covered FROM orders_consignmentline cl
               JOIN orders_consignment k ON k.id = cl.consignment_id AND k.state = 'open'
               JOIN orders_orderline x ON x.id = cl.line_id
              WHERE x.order_id = ANY(%s) GROUP BY cl.line_id) c ON c.line_id = l.id
 WHERE l.order_id = ANY(%s) ORDER BY l.id
"""


@dataclass
class Plan:
    """One order of the page: its row, the pieces to send, what they are declared as, and why it cannot go, if so."""

    row: dict[str, Any]
    pieces: list[tuple[int, int]] = field(default_factory=list)  # (order line, pieces)
    goods: list[customs.Goods] = field(default_factory=list)
    unweighed: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    reason: tuple[str, dict[str, Any]] | None = None


def book_orders(*, actor: Actor, order_ids: Sequence[int]) -> Outcome:
    """Make parcels for orders that are ready (or failed before) and have them booked. Pages of 200, each a transaction.

    An order that cannot be booked as it is becomes *failed* with its reason; one in another state is only refused.
    """
    actor.require(permissions.BOOK)
    out = Outcome()
    for start in range(0, len(order_ids), PAGE):
        with transaction.atomic():
            _page(actor, list(order_ids[start : start + PAGE]), out)
    return out


def _page(actor: Actor, order_ids: list[int], out: Outcome) -> None:
    plans = _load(actor, order_ids, out)
    if not plans:
        return
    for plan in plans.values():
        plan.reason = _problem(plan)
    good = [plan for plan in plans.values() if plan.reason is None]
    bad = [plan for plan in plans.values() if plan.reason is not None]
    if good:
        _write(actor, good)
    _refuse(actor, bad, out)
    out.done += [plan.row["id"] for plan in good]


def _load(actor: Actor, order_ids: list[int], out: Outcome) -> dict[int, Plan]:
    plans: dict[int, Plan] = {}
    for values in bulk.fetch(_ORDERS, [order_ids]):
        row = dict(zip(_ORDER, values, strict=True))
        if not (actor.sees_account(row["account_id"]) and actor.sees_warehouse(row["warehouse_id"])):
            continue
        if row["state"] in BOOKABLE:
            row["ship_lines"] = bulk.unpacked(row["ship_lines"])
            plans[row["id"]] = Plan(row)
        else:
            out.refused[row["id"]] = ("state.illegal_move", {"state": row["state"], "target": states.BOOKING})
    for order_id in order_ids:
        if order_id not in plans and order_id not in out.refused:
            out.refused[order_id] = ("order.not_found", {})
    if plans:
        for values in bulk.fetch(_LINES, [list(plans), list(plans)]):
            _take_line(plans[values[0]], values)
    return plans


def _take_line(plan: Plan, values: Sequence[Any]) -> None:
    _, line_id, quantity, units, cancelled, gone, total, title, sku_id, code, *sku = values
    pieces = quantity - cancelled - gone
    if pieces <= 0:
        return
    plan.pieces.append((line_id, pieces))
    if sku_id is None:
        plan.unmatched.append(title[:40])
        return
    sku_title, title_zh, name_en, name_zh, hs_code, origin, battery, weight, value, value_currency = sku
    if not weight:
        plan.unweighed.append(code)
    plan.goods.append(
        customs.Goods(
            code=code,
            title=sku_title or title,
            title_zh=title_zh,
            name_en=name_en,
            name_zh=name_zh,
            hs_code=hs_code,
            origin=origin,
            battery=battery,
            unit_weight_g=weight or 0,
            units=units // quantity * pieces,
            paid=Decimal(total) * pieces / quantity,
            currency=plan.row["currency"],
            unit_value=value,
            value_currency=value_currency,
        )
    )


def _problem(plan: Plan) -> tuple[str, dict[str, Any]] | None:
    """Why this order cannot become a parcel now; None when it can."""
    if plan.unmatched:
        return "order.unmatched", {"skus": plan.unmatched[:5], "more": max(0, len(plan.unmatched) - 5)}
    if not plan.pieces:
        return "booking.nothing_left", {}
    if plan.row["warehouse_id"] is None:
        return "booking.no_warehouse", {}
    if plan.row["service_id"] is None:
        return "booking.no_service", {}
    if plan.unweighed:
        return "booking.no_weight", {"skus": plan.unweighed[:5], "more": max(0, len(plan.unweighed) - 5)}
    return None


def _write(actor: Actor, plans: Sequence[Plan]) -> None:
    """Consignments, their lines, shipments, states and history for the page."""
    now = clock.now()
    order_ids = [plan.row["id"] for plan in plans]
    serials: dict[int, int] = defaultdict(int)
    serials |= dict(
        bulk.fetch(
            "SELECT order_id, count(*) FROM orders_consignment WHERE order_id = ANY(%s) GROUP BY order_id", [order_ids]
        )
    )
    senders = {
        pk: bulk.unpacked(sender)
        for pk, sender in bulk.fetch(
            "SELECT id, sender FROM inventory_warehouse WHERE id = ANY(%s)",
            [list({plan.row["warehouse_id"] for plan in plans})],
        )
    }
    given = options.current(BookingOptions)
    requests = [_request(plan, serials[plan.row["id"]] + 1, senders, given) for plan in plans]
    shipment_of = parcels.create_shipments(actor=actor, rows=requests)
    ids = bulk.ids("orders_consignment", len(plans))
    bulk.copy(
        "orders_consignment",
        ("id", "order_id", "warehouse_id", "service_id", "shipment_id", "state", "created_at"),
        [
            (
                pk,
                plan.row["id"],
                plan.row["warehouse_id"],
                plan.row["service_id"],
                shipment_of[request.reference],
                "open",
                now,
            )
            for pk, plan, request in zip(ids, plans, requests, strict=True)
        ],
    )
    bulk.copy(
        "orders_consignmentline",
        ("consignment_id", "line_id", "quantity"),
        [(pk, line, pieces) for pk, plan in zip(ids, plans, strict=True) for line, pieces in plan.pieces],
    )
    states.move(order_ids, states.BOOKING, expected=BOOKABLE)
    record_many(
        actor,
        [
            (
                "order",
                plan.row["id"],
                "order.booking",
                {"reference": request.reference, "service": plan.row["service_id"]},
            )
            for plan, request in zip(plans, requests, strict=True)
        ],
    )


def _request(plan: Plan, serial: int, senders: dict[int, Any], given: BookingOptions) -> parcels.NewShipment:
    row = plan.row
    weight = sum(goods.unit_weight_g * goods.units for goods in plan.goods) + given.packaging_g
    declared = [
        line
        for goods in plan.goods
        for line in customs.declare(goods, default_en=given.customs_name_en, default_zh=given.customs_name_zh)
    ]
    return parcels.NewShipment(
        reference=f"S{row['id']}-{serial}",
        service_id=row["service_id"],
        warehouse_id=row["warehouse_id"],
        receiver=Address(
            name=row["ship_name"],
            company=row["ship_company"],
            lines=tuple(row["ship_lines"]),
            city=row["ship_city"],
            district=row["ship_district"],
            region=row["ship_region"],
            postcode=row["ship_postcode"],
            country=row["ship_country"],
            phone=row["ship_phone"],
            email=row["ship_email"],
        ),
        sender=parcels.address_of(senders.get(row["warehouse_id"]) or {}),
        customs=tuple(declared),
        expected_weight_g=weight,
        platform=row["platform"],
        platform_order_ids=(row["external_id"],),
        ioss=given.ioss_for(row["platform"], row["ship_country"], row["ship_postcode"]),
    )


def _refuse(actor: Actor, plans: Sequence[Plan], out: Outcome) -> None:
    """Failed with the reason, one statement per kind of reason and source state."""
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for plan in plans:
        assert plan.reason is not None
        code, params = plan.reason
        out.refused[plan.row["id"]] = plan.reason
        if plan.row["state"] == states.READY:
            groups[plan.row["state"], code, json.dumps(params)].append(plan.row["id"])
    history: list[Entry] = []
    for (state, code, text), ids in groups.items():
        moved = states.move(ids, states.FAILED, expected=[state], reason_code=code, reason_params=json.loads(text))
        history += [("order", pk, "order.to_failed", {"from": state, "why": code}) for pk in moved]
    record_many(actor, history)


def book_ready(*, order_ids: Sequence[int], actor: Actor) -> Outcome:
    """What the tenant's setting says about orders that have become ready."""
    if not settings_store.get(AUTO_BOOK, False):
        return Outcome()
    return book_orders(actor=actor, order_ids=order_ids)

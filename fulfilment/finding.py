"""Which parcel a scanned code means. Labels carry the tracking number or the waybill; people type order numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import bulk
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from fulfilment import permissions
from logistics import numbers, states

CODE_CHARS = 60
_ZIP_PREFIX = re.compile(r"420\d{5}(?:\d{4})?(?=9\d{19,})")  # USPS prints the receiver's ZIP code before the number


@dataclass(frozen=True, slots=True)
class ScannedLine:
    sku: str
    title: str
    units: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the ship desk shows of a parcel. Weights in grams, lengths in millimetres.

    ``receiver`` is empty for those who may not see personal data. ``problem`` is what stops a hand-over, as
    (code, params), or None.
    """

    shipment_id: int
    reference: str
    state: str
    order_id: int | None
    order_number: str
    order_external_id: str
    platform: str
    service: str
    number: str
    waybill: str
    country: str
    receiver: str
    expected_g: int
    weight_g: int | None
    size_mm: tuple[int, int, int] | None
    divisor: int
    chargeable_g: int | None
    label_file_id: int | None
    printed_at: datetime | None
    handed_at: datetime | None
    warehouse_id: int
    conflict: str
    lines: tuple[ScannedLine, ...] = field(default=())
    problem: tuple[str, dict[str, Any]] | None = None


def candidates(code: str) -> list[str]:
    """The spellings under which a scanned or typed code may stand in the books."""
    raw = code.strip()[:CODE_CHARS]
    clean = numbers.clean(raw)[:CODE_CHARS]
    return [text for text in dict.fromkeys([raw, raw.upper(), clean, _ZIP_PREFIX.sub("", clean)]) if text]


def find(actor: Actor, code: str) -> int:
    """The shipment that a code means. Raises BusinessError ``scan.empty``, ``scan.not_found``, ``scan.several``."""
    names = candidates(code)
    if not names:
        raise BusinessError("scan.empty")
    rows = bulk.fetch(
        "SELECT id, state, warehouse_ref, reference FROM logistics_shipment"
        " WHERE tracking_number = ANY(%s) OR waybill = ANY(%s) OR reference = ANY(%s) ORDER BY id",
        [names, names, names],
    ) or _by_order(names)
    rows = [row for row in rows if actor.sees_warehouse(row[2])]
    if len(rows) > 1:  # cancelled parcels only count when there is nothing else; then what still stands in the house
        rows = [row for row in rows if row[1] not in (states.CANCELLED, states.FAILED)] or rows[-1:]
    if len(rows) > 1:
        rows = [row for row in rows if row[1] in states.ON_FLOOR] or rows
    if not rows:
        raise BusinessError("scan.not_found", scanned=code.strip()[:CODE_CHARS])
    if len(rows) > 1:
        raise BusinessError("scan.several", references=[row[3] for row in rows][:5])
    return int(rows[0][0])


def _by_order(names: Sequence[str]) -> list[tuple[Any, ...]]:
    own = [int(found[1]) for name in names if (found := re.fullmatch(r"S-?(\d{1,18})", name))]
    return bulk.fetch(
        "SELECT s.id, s.state, s.warehouse_ref, s.reference FROM orders_order o"
        " JOIN orders_consignment k ON k.order_id = o.id JOIN logistics_shipment s ON s.id = k.shipment_id"
        " WHERE o.id = ANY(%s) OR o.external_id = ANY(%s) ORDER BY s.id",
        [own, list(names)],
    )


_SHOWN = """
SELECT s.id, s.reference, s.state, k.order_id, o.external_id, coalesce(o.platform, s.platform), v.name, s.tracking_number,
       s.waybill, s.country, s.receiver, s.expected_weight_g, s.weight_g, s.length_mm, s.width_mm, s.height_mm, v.divisor,
       s.chargeable_g, s.label_file_id, s.printed_at, s.handed_at, s.warehouse_ref, coalesce(o.conflict, ''), k.id
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  LEFT JOIN orders_consignment k ON k.shipment_id = s.id LEFT JOIN orders_order o ON o.id = k.order_id
 WHERE s.id = %s
"""


def show(actor: Actor, shipment_id: int) -> Scanned:
    """Everything that the ship desk wants to know. Raises BusinessError ``shipment.not_found``."""
    rows = bulk.fetch(_SHOWN, [shipment_id])
    if not rows or not actor.sees_warehouse(rows[0][21]):
        raise BusinessError("shipment.not_found")
    (
        pk, reference, state, order_id, external, platform, service, number, waybill, country, receiver, expected, weight,
        length, width, height, divisor, chargeable, label, printed, handed, warehouse, conflict, consignment,
    ) = rows[0]  # fmt: skip
    person = json.loads(receiver) if isinstance(receiver, str) else receiver
    return Scanned(
        shipment_id=pk,
        reference=reference,
        state=state,
        order_id=order_id,
        order_number=f"S-{order_id}" if order_id else "",
        order_external_id=external or "",
        platform=platform,
        service=service,
        number=number,
        waybill=waybill,
        country=country,
        receiver=str(person.get("name", "")) if actor.can(SEE_PERSONAL) else "",
        expected_g=expected,
        weight_g=weight,
        size_mm=(length, width, height) if length and width and height else None,
        divisor=divisor,
        chargeable_g=chargeable,
        label_file_id=label,
        printed_at=printed,
        handed_at=handed,
        warehouse_id=warehouse,
        conflict=conflict,
        lines=_lines(consignment),
        problem=problem(state, conflict),
    )


def _lines(consignment_id: int | None) -> tuple[ScannedLine, ...]:
    if consignment_id is None:
        return ()
    return tuple(
        ScannedLine(code, title, units)
        for code, title, units in bulk.fetch(
            "SELECT coalesce(s.code, l.seller_sku), coalesce(nullif(s.title, ''), l.title),"
            " l.units / greatest(l.quantity, 1) * cl.quantity"
            " FROM orders_consignmentline cl JOIN orders_orderline l ON l.id = cl.line_id"
            " LEFT JOIN inventory_sku s ON s.id = l.sku_id WHERE cl.consignment_id = %s ORDER BY cl.id",
            [consignment_id],
        )
    )


def problem(state: str, conflict: str) -> tuple[str, dict[str, Any]] | None:
    """Why a parcel must not be handed over; None when it may."""
    if state not in states.ON_FLOOR:
        return f"ship.state_{state}", {}
    if conflict:
        return "ship.order_conflict", {"conflict": conflict}
    return None


def scan(*, actor: Actor, code: str) -> Scanned:
    """Find a parcel by tracking number, waybill, reference, order number or the marketplace's order id, and show it."""
    actor.require(permissions.SHIP)
    return show(actor, find(actor, code))

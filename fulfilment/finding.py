"""Which parcel a scanned code means. Labels carry the tracking number or the waybill; people type order numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
    found, refused = find_many(actor, [code])
    if code in refused:
        reason, params = refused[code]
        raise BusinessError(reason, **params)
    return found[code]


Refused = dict[str, tuple[str, dict[str, Any]]]


def find_many(actor: Actor, codes: Sequence[str]) -> tuple[dict[str, int], Refused]:
    """({code: shipment}, {code: why it means none}) of many codes; at most two queries."""
    names = {code: candidates(code) for code in codes}
    every = sorted({name for some in names.values() for name in some})
    by_name = _named(actor, every) if every else {}
    rest = sorted({name for some in names.values() if not any(one in by_name for one in some) for name in some})
    by_order = _by_order(actor, rest) if rest else {}
    found: dict[str, int] = {}
    refused: Refused = {}
    for code, some in names.items():
        rows = _once(row for one in some for row in by_name.get(one, ())) or _once(
            row for one in some for row in by_order.get(one, ())
        )
        pk = _choose(code, some, rows)
        if isinstance(pk, int):
            found[code] = pk
        else:
            refused[code] = pk
    return found, refused


_Row = tuple[int, str, str]  # shipment, state, reference


def _once(rows: Iterable[_Row]) -> list[_Row]:
    return sorted(set(rows))


def _choose(code: str, names: Sequence[str], rows: Sequence[_Row]) -> int | tuple[str, dict[str, Any]]:
    if not names:
        return "scan.empty", {}
    if len(rows) > 1:  # cancelled parcels only count when there is nothing else; then what still stands in the house
        rows = [row for row in rows if row[1] not in (states.CANCELLED, states.FAILED)] or rows[-1:]
    if len(rows) > 1:
        rows = [row for row in rows if row[1] in states.ON_FLOOR] or rows
    if not rows:
        return "scan.not_found", {"scanned": code.strip()[:CODE_CHARS]}
    if len(rows) > 1:
        return "scan.several", {"references": [row[2] for row in rows][:5], "ids": [row[0] for row in rows][:20]}
    return rows[0][0]


def _named(actor: Actor, names: Sequence[str]) -> dict[str, list[_Row]]:
    """{number, waybill or reference: parcels}, each branch by its own index."""
    one = "SELECT %s AS name, id, state, warehouse_ref, reference FROM logistics_shipment WHERE %s = ANY(%%s)"
    union = " UNION ".join(one % (column, column) for column in ("tracking_number", "waybill", "reference"))
    rows = bulk.fetch(
        f"SELECT f.name, f.id, f.state, f.reference, f.warehouse_ref, o.account_id FROM ({union}) f"
        " LEFT JOIN orders_consignment k ON k.shipment_id = f.id LEFT JOIN orders_order o ON o.id = k.order_id",
        [list(names)] * 3,
    )
    return _grouped(actor, rows)


def _by_order(actor: Actor, names: Sequence[str]) -> dict[str, list[_Row]]:
    """{order number or the marketplace's: parcels}"""
    own = {int(found[1]): name for name in names if (found := re.fullmatch(r"S-?(\d{1,18})", name))}
    rows = bulk.fetch(
        "SELECT o.external_id, s.id, s.state, s.reference, s.warehouse_ref, o.account_id, o.id FROM orders_order o"
        " JOIN orders_consignment k ON k.order_id = o.id JOIN logistics_shipment s ON s.id = k.shipment_id"
        " WHERE o.id = ANY(%s) OR o.external_id = ANY(%s)",
        [list(own), list(names)],
    )
    twice = [(own[row[6]], *row[1:6]) for row in rows if row[6] in own]
    return _grouped(actor, [*(row[:6] for row in rows), *twice])


def _grouped(actor: Actor, rows: Iterable[tuple[Any, ...]]) -> dict[str, list[_Row]]:
    out: dict[str, list[_Row]] = {}
    for name, pk, state, reference, place, account in rows:
        if actor.sees_warehouse(place) and _own(actor, account):
            out.setdefault(name, []).append((pk, state, reference))
    return out


_SHOWN = """
SELECT s.id, s.reference, s.state, k.order_id, o.external_id, coalesce(o.platform, s.platform), v.name, s.tracking_number,
       s.waybill, s.country, s.receiver, s.expected_weight_g, s.weight_g, s.length_mm, s.width_mm, s.height_mm, v.divisor,
       s.chargeable_g, s.label_file_id, s.printed_at, s.handed_at, s.warehouse_ref, coalesce(o.conflict, ''), k.id,
       o.account_id
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  LEFT JOIN orders_consignment k ON k.shipment_id = s.id LEFT JOIN orders_order o ON o.id = k.order_id
 WHERE s.id = %s
"""


def show(actor: Actor, shipment_id: int) -> Scanned:
    """Everything that the ship desk wants to know. Raises BusinessError ``shipment.not_found``."""
    rows = bulk.fetch(_SHOWN, [shipment_id])
    if not rows or not actor.sees_warehouse(rows[0][21]) or not _own(actor, rows[0][24]):
        raise BusinessError("shipment.not_found")
    (
        pk, reference, state, order_id, external, platform, service, number, waybill, country, receiver, expected, weight,
        length, width, height, divisor, chargeable, label, printed, handed, warehouse, conflict, consignment, _account,
    ) = rows[0]  # fmt: skip
    person = bulk.unpacked(receiver)
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
        lines=lines_of(consignment),
        problem=problem(state, conflict),
    )


def _own(actor: Actor, account_id: int | None) -> bool:
    return account_id is None or actor.sees_account(account_id)


def mine(actor: Actor, shipment_ids: Iterable[int]) -> list[int]:
    """Those of the parcels that the actor may touch, each once and in the order given: of the actor's warehouses, and of
    orders of the actor's accounts. For who sees everything no query is made, and what does not exist is among them."""
    asked = list(dict.fromkeys(shipment_ids))
    if not asked or (actor.warehouses is None and actor.accounts is None):
        return asked
    rows = bulk.fetch(
        "SELECT s.id, s.warehouse_ref, o.account_id FROM logistics_shipment s"
        " LEFT JOIN orders_consignment k ON k.shipment_id = s.id LEFT JOIN orders_order o ON o.id = k.order_id"
        " WHERE s.id = ANY(%s)",
        [asked],
    )
    seen = {pk for pk, place, account in rows if actor.sees_warehouse(place) and _own(actor, account)}
    return [pk for pk in asked if pk in seen]


def lines_of(consignment_id: int | None) -> tuple[ScannedLine, ...]:
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

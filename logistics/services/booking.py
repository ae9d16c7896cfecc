"""Booking parcels: rows first, calls outside of any transaction, results in bulk; one booking per reference, ever.

A row is committed as *booking* with ``call_sent_at`` before the call. Whoever finds that mark again (after a lost answer
or a killed worker) looks the reference up at the carrier first and sends again only when a look-up, made long enough
after the sending, finds nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record_many
from core.central import due
from core.central.leases import LEASE_SECONDS
from core.errors import BusinessError
from core.events import emit
from core.external import IN_FLIGHT_SECONDS
from core.permissions import Actor
from core.tenancy import require_tenant
from core.values import Address, CustomsLine, Parcel, ShipmentRequest
from logistics import permissions, states
from logistics.protocol import NUMBER_POOL
from logistics.registry import all_carriers
from logistics.services import calls, outcomes, pool
from logistics.services.sessions import note_health, open_accounts

PAGE = 100  # shipments of one pass
WORK_JOB = "logistics.work"
WORK_EVERY = 15  # business seconds

_TABLE = "logistics_shipment"


@dataclass(frozen=True, slots=True)
class NewShipment:
    """What is asked for. ``reference`` is ours, unique for ever. Weights in grams, lengths in millimetres."""

    reference: str
    service_id: int
    warehouse_id: int
    receiver: Address
    sender: Address
    customs: tuple[CustomsLine, ...]
    expected_weight_g: int
    platform: str = ""
    platform_order_ids: tuple[str, ...] = ()
    note: str = ""
    ioss: str = ""
    size_mm: tuple[int, int, int] | None = None
    extras: dict[str, Any] = field(default_factory=dict)


_COLUMNS = (
    "id reference service_id warehouse_ref state track_main track_sub receiver country sender customs extras"
    " expected_weight_g platform platform_order_ids waybill tracking_number needs cost_currency attempts next_at"
    " error_code error_params print_count created_at"
).split()


def create_shipments(*, actor: Actor, rows: Sequence[NewShipment]) -> dict[str, int]:
    """Write shipments that a worker will book soon; in the caller's transaction. Returns {reference: shipment id}."""
    actor.require(permissions.BOOK)
    if not rows:
        return {}
    now = clock.now()
    taken = dict(zip((row.reference for row in rows), bulk.ids(_TABLE, len(rows)), strict=True))
    bulk.copy(_TABLE, _COLUMNS, [_row(taken[row.reference], row, now) for row in rows])
    emit("shipments.queued", {"ids": sorted(taken.values())})
    return taken


def _row(pk: int, new: NewShipment, now: datetime) -> tuple[Any, ...]:
    extras: dict[str, Any] = {"note": new.note, "ioss": new.ioss, "size": list(new.size_mm) if new.size_mm else None}
    return (
        pk,
        new.reference,
        new.service_id,
        new.warehouse_id,
        states.QUEUED,
        "",
        "",
        _dumps(asdict(new.receiver)),
        new.receiver.country,
        _dumps(asdict(new.sender)),
        _dumps([asdict(line) for line in new.customs]),
        _dumps({name: value for name, value in (extras | new.extras).items() if value}),
        new.expected_weight_g,
        new.platform,
        _dumps(list(new.platform_order_ids)),
        "",
        "",
        "",
        "",
        0,
        now,
        "",
        "{}",
        0,
        now,
    )


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))


# -- the worker's side ------------------------------------------------------------------------------------------------


def book_many(ids: Sequence[int]) -> int:
    """Work on these shipments as far as they are due; pages of 100. Returns how many were worked on. Safe to repeat."""
    return sum(_pass(list(ids[start : start + PAGE])) for start in range(0, len(ids), PAGE))


def book_due(limit: int = PAGE) -> int:
    """Work on what is due in the tenant: bookings, numbers and labels that come later, cancellations."""
    rows = bulk.fetch(
        f"SELECT id FROM {_TABLE} WHERE next_at <= %s AND (lease_until IS NULL OR lease_until < %s)"
        " ORDER BY next_at LIMIT %s",
        [clock.now(), clock.wall(), limit],
    )
    return book_many([row[0] for row in rows])


def next_due_in() -> float | None:
    """Business seconds until the next shipment is due (0.0: now), None when none is."""
    rows = bulk.fetch(f"SELECT min(next_at) FROM {_TABLE} WHERE next_at IS NOT NULL")
    at = rows[0][0]
    return None if at is None else max(0.0, (at - clock.now()).total_seconds())


def schedule_work() -> None:
    """Let the tenant's parcels be looked after regularly; in the caller's transaction."""
    due.schedule(require_tenant(), WORK_JOB, "", WORK_EVERY)


def _pass(ids: list[int]) -> int:
    token = uuid.uuid4()
    items, numbers = _lease(ids, token)
    if not items:
        return 0
    opened = open_accounts({item.account_id for item in items}, numbers)
    # A carrier may have taken its time over a token: what another worker has taken over meanwhile is that one's to send.
    leased = [item.id for item in items]
    mine = _renew(leased, token)
    items = [item for item in items if item.id in mine]
    results = calls.run(items, opened, renew=lambda: _renew(leased, token))
    with transaction.atomic():
        outcomes.write(results, token)
        failed = {result.item.account_id: result.error for result in results if result.error is not None}
        worked = {result.item.account_id for result in results if result.error is None}
        note_health(opened, failed, worked)
    return len(items)


_PICK = f"""
WITH picked AS (
    SELECT id, state, call_sent_at FROM {_TABLE}
     WHERE id = ANY(%s) AND next_at <= %s AND (lease_until IS NULL OR lease_until < %s)
     ORDER BY id FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE {_TABLE} s SET lease_token = %s, lease_until = %s,
           state = CASE WHEN s.state = 'queued' THEN 'booking' ELSE s.state END,
           call_sent_at = CASE WHEN s.state = 'queued' AND s.call_sent_at IS NULL THEN %s
                               WHEN s.state IN ('queued', 'booking') AND s.call_sent_at <= %s THEN %s
                               ELSE s.call_sent_at END
      FROM picked p WHERE p.id = s.id
    RETURNING s.id, p.state AS before, p.call_sent_at AS sent_before, s.state, s.reference, s.service_id,
              s.receiver, s.sender, s.customs, s.extras, s.expected_weight_g, s.weight_g, s.platform,
              s.platform_order_ids, s.waybill, s.needs
)
SELECT t.*, v.code, v.battery, v.carrier_account_id, a.carrier
  FROM taken t JOIN logistics_service v ON v.id = t.service_id
  JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id ORDER BY t.id
"""


def _lease(ids: list[int], token: uuid.UUID) -> tuple[list[calls.Item], dict[str, str]]:
    """Take the rows and commit: state *booking*, ``call_sent_at`` and the pool's numbers stand before any call."""
    wall = clock.wall()
    until, settled = wall + timedelta(seconds=LEASE_SECONDS), wall - timedelta(seconds=IN_FLIGHT_SECONDS)
    with transaction.atomic():
        rows = bulk.fetch(_PICK, [ids, clock.now(), wall, token, until, wall, settled, wall])
        pools = {key for key, carrier in all_carriers().items() if NUMBER_POOL in carrier.capabilities}
        pooled = [(row[18], row[4]) for row in rows if row[19] in pools and row[3] == states.BOOKING]
        numbers = pool.take_numbers(pooled) if pooled else {}
    return [_item(row, wall) for row in rows], numbers


def _item(row: Sequence[Any], wall: datetime) -> calls.Item:
    pk, _, sent_before, state, reference, _, receiver, sender, customs, extras, expected, weighed = row[:12]
    platform, order_ids, waybill, needs, code, battery, account_id = row[12:19]
    looked_for = sent_before is not None and not waybill
    act = {states.CANCELLING: calls.CANCEL, states.WAITING: calls.COMPLETE}.get(state, calls.BOOK)
    extra, declared = bulk.unpacked(extras), bulk.unpacked(customs)
    size = extra.get("size") or (0, 0, 0)
    request = ShipmentRequest(
        reference=reference,
        service_code=code,
        receiver=address_of(bulk.unpacked(receiver)),
        sender=address_of(bulk.unpacked(sender)),
        parcel=Parcel(weighed or expected, *size),
        customs=tuple(customs_line_of(line) for line in declared),
        note=extra.get("note", ""),
        ioss=extra.get("ioss", ""),
        contains_battery=battery or any(line.get("battery") for line in declared),
        platform=platform,
        platform_order_ids=tuple(bulk.unpacked(order_ids)),
    )
    settled = not looked_for or (wall - sent_before).total_seconds() >= IN_FLIGHT_SECONDS
    return calls.Item(
        id=pk,
        account_id=account_id,
        act=act,
        request=request,
        waybill=waybill,
        needs=frozenset(filter(None, needs.split(","))),
        looked_for=looked_for,
        may_send=settled,
        sent_at=sent_before,
    )


def address_of(data: dict[str, Any]) -> Address:
    known = {name: value for name, value in data.items() if name in Address.__dataclass_fields__ and name != "lines"}
    return Address(lines=tuple(data.get("lines") or ()), **known)


def customs_line_of(data: dict[str, Any]) -> CustomsLine:
    return CustomsLine(**(data | {"unit_value": Decimal(str(data["unit_value"]))}))


def _renew(ids: list[int], token: uuid.UUID) -> set[int]:
    """Push the leases' end out; those of the shipments that are still ours."""
    rows = bulk.fetch(
        f"UPDATE {_TABLE} SET lease_until = %s WHERE id = ANY(%s) AND lease_token = %s RETURNING id",
        [clock.wall() + timedelta(seconds=LEASE_SECONDS), ids, token],
    )
    return {row[0] for row in rows}


# -- what persons and upper apps ask for ------------------------------------------------------------------------------


@dataclass
class Refusals:
    """``done``: shipment ids; ``refused``: {shipment id: (code, params)}."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)


@transaction.atomic
def cancel_many(*, actor: Actor, ids: Sequence[int]) -> Refusals:
    """Ask for parcels to be cancelled. What no carrier knows is cancelled at once; the others by the next pass.

    Emits shipments.cancelled for those done at once. Handed parcels are refused with ``shipment.too_late``.
    """
    actor.require(permissions.CANCEL)
    rows = bulk.fetch(
        f"SELECT id, state, waybill, call_sent_at, warehouse_ref FROM {_TABLE} WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
        [list(ids)],
    )
    rows = [row for row in rows if actor.sees_warehouse(row[4])]
    out = Refusals()
    at_once: list[int] = []
    ask: list[int] = []
    for pk, state, waybill, sent, _ in rows:
        if state in (states.CANCELLED, states.CANCELLING):
            out.done.append(pk)
        elif state not in states.CANCELLABLE:
            out.refused[pk] = ("shipment.too_late", {"state": state})
        elif not waybill and sent is None:
            at_once.append(pk)
        else:
            ask.append(pk)
    for pk in set(ids) - {row[0] for row in rows}:
        out.refused[pk] = ("shipment.not_found", {})
    if at_once:
        states.move(at_once, states.CANCELLED, expected=[states.QUEUED, states.FAILED])
        bulk.execute(f"UPDATE {_TABLE} SET next_at = NULL WHERE id = ANY(%s)", [at_once])
        emit("shipments.cancelled", {"ids": at_once})
    if ask:
        sources = [state for state in states.ALL if states.CANCELLING in states.MOVES[state]]
        states.move(ask, states.CANCELLING, expected=sources)
        # What an unknown call left behind keeps its time: a look-up that comes too early proves nothing.
        bulk.execute(
            f"UPDATE {_TABLE} SET next_at = CASE WHEN waybill = '' THEN coalesce(next_at, %s) ELSE %s END, attempts = 0"
            " WHERE id = ANY(%s)",
            [clock.now(), clock.now(), ask],
        )
        emit("shipments.queued", {"ids": ask})
    out.done += at_once + ask
    record_many(actor, [("shipment", pk, "shipment.cancel_asked", {}) for pk in at_once + ask])
    return out


@transaction.atomic
def give_up(*, actor: Actor, ids: Sequence[int]) -> list[int]:
    """Failed shipments that no carrier has and that another one replaces: they are never booked again."""
    actor.require(permissions.BOOK)
    moved = states.move(ids, states.CANCELLED, expected=[states.FAILED])
    record_many(actor, [("shipment", pk, "shipment.given_up", {}) for pk in moved])
    return moved


@transaction.atomic
def retry(*, actor: Actor, ids: Sequence[int]) -> list[int]:
    """Book failed shipments again under their reference (after the cause was mended); returns those that go on."""
    actor.require(permissions.BOOK)
    scope = None if actor.warehouses is None else sorted(actor.warehouses)
    moved = [
        row[0]
        for row in bulk.fetch(
            f"UPDATE {_TABLE} SET state = 'queued', next_at = %s, attempts = 0, error_code = '', error_params = '{{}}'"
            " WHERE id = ANY(%s) AND state = 'failed' AND waybill = ''"
            " AND (%s::bigint[] IS NULL OR warehouse_ref = ANY(%s::bigint[])) RETURNING id",
            [clock.now(), list(ids), scope, scope],
        )
    ]
    if moved:
        emit("shipments.queued", {"ids": sorted(moved)})
        record_many(actor, [("shipment", pk, "shipment.retried", {}) for pk in moved])
    return sorted(moved)


@transaction.atomic
def accept_number(*, actor: Actor, shipment_id: int) -> str:
    """A person says that a number which its format refuses is right; the parcel goes on. Returns the new state.

    Raises BusinessError ``shipment.nothing_to_accept``.
    """
    actor.require(permissions.BOOK)
    rows = bulk.fetch(
        f"SELECT waybill, tracking_number, needs, warehouse_ref FROM {_TABLE} WHERE id = %s AND state = 'failed' FOR UPDATE",
        [shipment_id],
    )
    if not rows or not rows[0][0] or not rows[0][1] or not actor.sees_warehouse(rows[0][3]):
        raise BusinessError("shipment.nothing_to_accept")
    left = [need for need in rows[0][2].split(",") if need and need != "number"]
    target = states.standing(waybill=rows[0][0], needs=",".join(left), weighed=False)
    states.move([shipment_id], target, expected=[states.FAILED])
    bulk.execute(
        f"UPDATE {_TABLE} SET needs = %s, next_at = %s, error_code = '', error_params = '{{}}' WHERE id = %s",
        [",".join(left), clock.now() if left else None, shipment_id],
    )
    record_many(actor, [("shipment", shipment_id, "shipment.number_accepted", {"number": rows[0][1]})])
    emit("shipments.booked" if target == states.READY else "shipments.queued", {"ids": [shipment_id]})
    return target

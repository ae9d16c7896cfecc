"""Business acts that move units: receive, opening stock, adjust, return, transfer, freeze, and costs told later.

Every act has a ``key`` of its own: the same act posted again gives the former result. Times are aware UTC and not in
the future; an earlier one re-values what follows. Costs are of one unit, in any currency with its rate to base.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from core import bulk, clock
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor
from inventory.models import Location
from inventory.permissions import ADJUST, FREEZE, OPENING, RECEIVE, RETURN, TRANSFER
from inventory.services import places as where
from inventory.services.costing import AVERAGE
from inventory.services.drafts import Draft, Posted, Told, check_quantity, line_keys, told
from inventory.services.periods import Calendar, calendar
from inventory.services.posting import post

SLACK = timedelta(minutes=5)  # clocks of two machines differ


class ReceiptLine(NamedTuple):
    """``unit_cost`` None: not known yet, the value stays open. ``rate`` converts ``currency`` ('' = base) to base."""

    sku_id: int
    quantity: int
    unit_cost: Decimal | None = None
    currency: str = ""
    rate: Decimal | None = None
    lot_id: int | None = None
    location_id: int | None = None


class AdjustLine(NamedTuple):
    """``change``: units found (+) or lost (−). Found ones are worth ``unit_cost``, or the present average, or are open."""

    sku_id: int
    change: int
    unit_cost: Decimal | None = None
    currency: str = ""
    rate: Decimal | None = None
    at_average: bool = False
    lot_id: int | None = None
    location_id: int | None = None


class ReturnLine(NamedTuple):
    """``issue_id`` is the move it left by: it comes back at that cost. Without one it is worth ``unit_cost``, or open."""

    sku_id: int
    quantity: int
    issue_id: int | None = None
    unit_cost: Decimal | None = None
    currency: str = ""
    rate: Decimal | None = None
    lot_id: int | None = None


class UnitsLine(NamedTuple):
    sku_id: int
    quantity: int
    lot_id: int | None = None
    from_location_id: int | None = None
    to_location_id: int | None = None


def moment(effective_at: datetime | None) -> datetime:
    """The effective time, now when None. Raises BusinessError (``ledger.future``, ``ledger.naive_time``)."""
    now = clock.now()
    if effective_at is None:
        return now
    if effective_at.tzinfo is None:
        raise BusinessError("ledger.naive_time", time=effective_at.isoformat())
    if effective_at > now + SLACK:
        raise BusinessError("ledger.future", time=effective_at.isoformat())
    return effective_at


def allow(actor: Actor, operation: str, warehouses: Iterable[int]) -> None:
    """Raises NotAllowed when the actor lacks the operation or a warehouse is out of scope."""
    actor.require(operation)
    for warehouse in warehouses:
        if not actor.sees_warehouse(warehouse):
            raise NotAllowed("permission.warehouse", warehouse=warehouse)


def receive(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[ReceiptLine | tuple],
    key: str,
    effective_at: datetime | None = None,
    source_id: int | None = None,
    into: str = Location.STOCK,
    reason: str = "",
) -> Posted:
    """Goods come from a supplier into ``into`` (stock, qc, transit). Raises NotAllowed, BusinessError."""
    return _bring(
        actor, RECEIVE, warehouse_id, lines, key, effective_at, source_id, Location.SUPPLIER, into, "receipt", reason
    )


def opening(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[ReceiptLine | tuple],
    key: str,
    effective_at: datetime | None = None,
    into: str = Location.STOCK,
) -> Posted:
    """Stock that was there before Sampan. Raises NotAllowed, BusinessError."""
    return _bring(
        actor, OPENING, warehouse_id, lines, key, effective_at, None, Location.OPENING, into, "opening", "opening"
    )


def _bring(
    actor: Actor,
    operation: str,
    warehouse_id: int,
    lines: Sequence[ReceiptLine | tuple],
    key: str,
    effective_at: datetime | None,
    source_id: int | None,
    outside: str,
    into: str,
    kind: str,
    reason: str,
) -> Posted:
    allow(actor, operation, [warehouse_id])
    receipts = [ReceiptLine(*line) for line in lines]
    _some(receipts)
    at, months = moment(effective_at), calendar()
    places = where.load([warehouse_id], [line.location_id for line in receipts])
    drafts = [
        Draft(
            key=line_key,
            source_kind=kind,
            value_kind=kind,
            source_id=source_id,
            sku_id=line.sku_id,
            quantity=check_quantity(line.quantity, line.sku_id),
            from_id=places.of(warehouse_id, outside).id,
            to_id=places.pick(warehouse_id, into, line.location_id).id,
            effective_at=at,
            floating=effective_at is None,
            lot_id=line.lot_id,
            reason=reason,
            told=told_for(months, line.unit_cost, line.quantity, line.currency, line.rate, reason),
        )
        for line_key, line in zip(line_keys(key, len(receipts)), receipts, strict=True)
    ]
    return post(actor=actor, calendar=months, places=places, drafts=drafts)


def adjust(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[AdjustLine | tuple],
    key: str,
    reason: str,
    effective_at: datetime | None = None,
    source_id: int | None = None,
    force: bool = False,
) -> Posted:
    """Units were found or are lost. A loss of units that are not there or are reserved needs ``force``.

    Raises NotAllowed, BusinessError (``ledger.reason_missing`` among them).
    """
    allow(actor, ADJUST, [warehouse_id])
    if not reason.strip():
        raise BusinessError("ledger.reason_missing")
    changes = [AdjustLine(*line) for line in lines]
    _some(changes)
    at, months = moment(effective_at), calendar()
    places = where.load([warehouse_id], [line.location_id for line in changes])
    averages = _averages([c.sku_id for c in changes if c.at_average], places.of(warehouse_id, Location.STOCK).pool)
    drafts = []
    for line_key, line in zip(line_keys(key, len(changes)), changes, strict=True):
        stock = places.pick(warehouse_id, Location.STOCK, line.location_id).id
        gain = line.change > 0
        cost, currency = line.unit_cost, line.currency
        if cost is None and line.at_average:
            cost, currency = averages.get(line.sku_id), ""
        drafts.append(
            Draft(
                key=line_key,
                source_kind="adjust",
                value_kind="adjust",
                source_id=source_id,
                sku_id=line.sku_id,
                quantity=check_quantity(abs(line.change), line.sku_id),
                from_id=places.of(warehouse_id, Location.GAIN).id if gain else stock,
                to_id=stock if gain else places.of(warehouse_id, Location.SCRAP).id,
                effective_at=at,
                floating=effective_at is None,
                lot_id=line.lot_id,
                reason=reason,
                told=told_for(months, cost, line.change, currency, line.rate, reason) if gain else None,
                strict=not gain,
            )
        )
    return post(actor=actor, calendar=months, places=places, drafts=drafts, force=force)


def return_goods(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[ReturnLine | tuple],
    key: str,
    effective_at: datetime | None = None,
    source_id: int | None = None,
    into: str = Location.RMA,
    reason: str = "",
) -> Posted:
    """Customers' goods come back into ``into`` (rma, stock, qc, damaged), at the cost they left with.

    Raises NotAllowed, BusinessError (``ledger.return_unknown``, ``ledger.return_too_many`` among them).
    """
    allow(actor, RETURN, [warehouse_id])
    returns = [ReturnLine(*line) for line in lines]
    _some(returns)
    at, months = moment(effective_at), calendar()
    places = where.load([warehouse_id])
    drafts = [
        Draft(
            key=line_key,
            source_kind="return",
            value_kind="return",
            source_id=source_id,
            sku_id=line.sku_id,
            quantity=check_quantity(line.quantity, line.sku_id),
            from_id=places.of(warehouse_id, Location.CUSTOMER).id,
            to_id=places.of(warehouse_id, into).id,
            effective_at=at,
            floating=effective_at is None,
            lot_id=line.lot_id,
            reason=reason,
            reverses_id=line.issue_id,
            told=None
            if line.issue_id is not None
            else told_for(months, line.unit_cost, line.quantity, line.currency, line.rate, reason),
        )
        for line_key, line in zip(line_keys(key, len(returns)), returns, strict=True)
    ]
    return post(actor=actor, calendar=months, places=places, drafts=drafts)


def transfer(
    *,
    actor: Actor,
    from_warehouse_id: int,
    to_warehouse_id: int,
    lines: Sequence[UnitsLine | tuple],
    key: str,
    effective_at: datetime | None = None,
    source_id: int | None = None,
    into: str = Location.TRANSIT,
    force: bool = False,
) -> Posted:
    """Units leave a warehouse's stock for another warehouse: into its transit (then ``arrive``) or at once its stock.

    Raises NotAllowed, BusinessError (``ledger.not_there``, ``ledger.reserved`` unless forced).
    """
    allow(actor, TRANSFER, [from_warehouse_id, to_warehouse_id])
    return _relocate(
        actor,
        (from_warehouse_id, Location.STOCK),
        (to_warehouse_id, into),
        lines,
        key,
        effective_at,
        "transfer",
        source_id,
        "",
        force,
    )


def arrive(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[UnitsLine | tuple],
    key: str,
    effective_at: datetime | None = None,
    source_id: int | None = None,
    into: str = Location.STOCK,
) -> Posted:
    """What was in transit to the warehouse is there. Raises NotAllowed, BusinessError."""
    allow(actor, TRANSFER, [warehouse_id])
    return _relocate(
        actor,
        (warehouse_id, Location.TRANSIT),
        (warehouse_id, into),
        lines,
        key,
        effective_at,
        "transfer",
        source_id,
        "",
        False,
    )


def freeze(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[UnitsLine | tuple],
    key: str,
    reason: str,
    effective_at: datetime | None = None,
    out_of: str = Location.STOCK,
    into: str = Location.FROZEN,
    force: bool = False,
) -> Posted:
    """Units may not be sold (frozen, damaged, qc); they stay ours and keep their value. Raises NotAllowed, BusinessError."""
    allow(actor, FREEZE, [warehouse_id])
    ends = ((warehouse_id, out_of), (warehouse_id, into))
    return _relocate(actor, *ends, lines, key, effective_at, "freeze", None, reason, force)


def unfreeze(
    *,
    actor: Actor,
    warehouse_id: int,
    lines: Sequence[UnitsLine | tuple],
    key: str,
    reason: str = "",
    effective_at: datetime | None = None,
    out_of: str = Location.FROZEN,
) -> Posted:
    """Units (frozen, in qc, rma or damaged) may be sold again. Raises NotAllowed, BusinessError."""
    allow(actor, FREEZE, [warehouse_id])
    ends = ((warehouse_id, out_of), (warehouse_id, Location.STOCK))
    return _relocate(actor, *ends, lines, key, effective_at, "unfreeze", None, reason, False)


def _relocate(
    actor: Actor,
    source: tuple[int, str],
    target: tuple[int, str],
    lines: Sequence[UnitsLine | tuple],
    key: str,
    effective_at: datetime | None,
    kind: str,
    source_id: int | None,
    reason: str,
    force: bool,
) -> Posted:
    units = [UnitsLine(*line) for line in lines]
    _some(units)
    at, months = moment(effective_at), calendar()
    named = [location for line in units for location in (line.from_location_id, line.to_location_id)]
    places = where.load([source[0], target[0]], named)
    drafts = [
        Draft(
            key=line_key,
            source_kind=kind,
            value_kind="transfer",
            source_id=source_id,
            sku_id=line.sku_id,
            quantity=check_quantity(line.quantity, line.sku_id),
            from_id=places.pick(*source, line.from_location_id).id,
            to_id=places.pick(*target, line.to_location_id).id,
            effective_at=at,
            floating=effective_at is None,
            lot_id=line.lot_id,
            reason=reason,
            strict=True,
        )
        for line_key, line in zip(line_keys(key, len(units)), units, strict=True)
    ]
    return post(actor=actor, calendar=months, places=places, drafts=drafts, force=force)


def told_for(
    months: Calendar, unit_cost: Decimal | None, quantity: int, currency: str, rate: Decimal | None, reason: str
) -> Told | None:
    """The cost of a line; None while the unit cost is not known."""
    if unit_cost is None:
        return None
    return told(amount=unit_cost * quantity, currency=currency, base_currency=months.currency, rate=rate, reason=reason)


def _averages(skus: list[int], pool: str | None) -> dict[int, Decimal]:
    """What a unit of each SKU is worth on average now; only where that is known."""
    if not skus:
        return {}
    rows = bulk.fetch(
        "SELECT sku_id, value / (quantity - unvalued) FROM inventory_poolstate"
        " WHERE method = %s AND pool = %s AND sku_id = ANY(%s) AND quantity > unvalued",
        [AVERAGE, pool, skus],
    )
    return dict(rows)


def _some(lines: Sequence[object]) -> None:
    if not lines:
        raise BusinessError("ledger.nothing")

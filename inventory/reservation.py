"""Setting stock aside: (warehouse, SKU) rows are locked in key order, the choice is a pure function, writing is in bulk.

Whoever reserves, releases or issues locks ``Stock`` rows in (warehouse, sku) order, so nobody deadlocks and nobody
oversells. All functions run inside the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core import bulk, clock
from core.events import emit
from inventory.models import Reservation

TABLE = "inventory_reservation"


@dataclass(frozen=True, slots=True)
class WantedLine:
    """``owner_id`` is the owner's line (an order line); ``quantity`` in units of the SKU."""

    owner_id: int
    sku_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Want:
    """All lines of one order, all or nothing from one warehouse; ``warehouses`` in order of preference."""

    key: int
    warehouses: tuple[int, ...]
    lines: tuple[WantedLine, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``warehouse`` None: not enough. ``missing``: [(sku_id, wanted, best available in one warehouse), …]."""

    warehouse: int | None
    missing: tuple[tuple[int, int, int], ...] = ()


def choose(wants: Sequence[Want], available: dict[tuple[int, int], int]) -> dict[int, Outcome]:
    """Pure: give each want, in the order given, the first warehouse that has everything; ``available`` is used up."""
    outcomes: dict[int, Outcome] = {}
    for want in wants:
        need: dict[int, int] = defaultdict(int)
        for line in want.lines:
            need[line.sku_id] += line.quantity
        for warehouse in want.warehouses:
            if all(available.get((warehouse, sku), 0) >= units for sku, units in need.items()):
                for sku, units in need.items():
                    available[warehouse, sku] -= units
                outcomes[want.key] = Outcome(warehouse)
                break
        else:
            best = {sku: max((available.get((w, sku), 0) for w in want.warehouses), default=0) for sku in need}
            short = tuple((sku, units, max(best[sku], 0)) for sku, units in need.items() if best[sku] < units)
            if not short:  # each SKU is somewhere, but no warehouse has all of them
                short = tuple((sku, units, max(best[sku], 0)) for sku, units in need.items())
            outcomes[want.key] = Outcome(None, short)
    return outcomes


def lock(pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Lock the stock rows of (warehouse, SKU) pairs in key order; returns units available there. Unknown pairs: absent."""
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    warehouses, skus = bulk.columns(wanted)
    rows = bulk.fetch(
        "SELECT s.warehouse_id, s.sku_id, s.sellable - s.reserved FROM inventory_stock s"
        " JOIN unnest(%s::bigint[], %s::bigint[]) AS w(warehouse_id, sku_id) USING (warehouse_id, sku_id)"
        " ORDER BY s.warehouse_id, s.sku_id FOR UPDATE OF s",
        [warehouses, skus],
    )
    return {(warehouse, sku): units for warehouse, sku, units in rows}


def reserve_many(
    wants: Sequence[Want],
    *,
    kind: str = Reservation.PAID,
    owner_kind: str = "order_line",
    expires_at: datetime | None = None,
) -> dict[int, Outcome]:
    """Reserve every want or say what is missing. Wants must not hold open reservations (see ``held_by``)."""
    if not wants:
        return {}
    free = lock((w, line.sku_id) for want in wants for w in want.warehouses for line in want.lines)
    outcomes = choose(wants, free)
    now = clock.now()
    rows = []
    deltas: dict[tuple[int, int], int] = defaultdict(int)
    for want in wants:
        warehouse = outcomes[want.key].warehouse
        if warehouse is None:
            continue
        for line in want.lines:
            rows.append(
                (warehouse, line.sku_id, line.quantity, kind, owner_kind, line.owner_id, expires_at, now, None, "")
            )
            deltas[warehouse, line.sku_id] += line.quantity
    bulk.insert(
        TABLE,
        (
            "warehouse_id",
            "sku_id",
            "quantity",
            "kind",
            "owner_kind",
            "owner_id",
            "expires_at",
            "created_at",
            "closed_at",
            "closed_as",
        ),
        rows,
    )
    shift_reserved(deltas)
    return outcomes


def shift_reserved(deltas: dict[tuple[int, int], int]) -> None:
    """Add to ``reserved`` of rows that the caller has locked."""
    changed = [(warehouse, sku, units) for (warehouse, sku), units in deltas.items() if units]
    if not changed:
        return
    warehouses, skus, units = bulk.columns(changed)
    bulk.execute(
        "UPDATE inventory_stock s SET reserved = s.reserved + d.units"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS d(warehouse_id, sku_id, units)"
        " WHERE s.warehouse_id = d.warehouse_id AND s.sku_id = d.sku_id",
        [warehouses, skus, units],
    )
    emit("inventory.stock_changed", {"ids": sorted(set(skus))})


def release_many(
    owner_ids: Sequence[int],
    *,
    owner_kind: str = "order_line",
    closed_as: str = Reservation.RELEASED,
    tell: bool = True,
) -> int:
    """Close the owners' open reservations and give the units back; returns how many rows. Locks stock rows first.

    Emits ``inventory.available``, unless the caller is about to reserve anew (``tell`` False).
    """
    if not owner_ids:
        return 0
    rows = bulk.fetch(
        "SELECT DISTINCT warehouse_id, sku_id FROM inventory_reservation"
        " WHERE owner_kind = %s AND owner_id = ANY(%s) AND closed_at IS NULL",
        [owner_kind, list(owner_ids)],
    )
    if not rows:
        return 0
    lock((row[0], row[1]) for row in rows)
    closed = bulk.fetch(
        "UPDATE inventory_reservation SET closed_at = %s, closed_as = %s"
        " WHERE owner_kind = %s AND owner_id = ANY(%s) AND closed_at IS NULL RETURNING warehouse_id, sku_id, quantity",
        [clock.now(), closed_as, owner_kind, list(owner_ids)],
    )
    deltas: dict[tuple[int, int], int] = defaultdict(int)
    for warehouse, sku, quantity in closed:
        deltas[warehouse, sku] -= quantity
    shift_reserved(deltas)
    if tell and deltas:
        emit("inventory.available", {"skus": sorted({sku for _, sku in deltas})})
    return len(closed)


def held_by(owner_ids: Sequence[int], *, owner_kind: str = "order_line") -> dict[int, tuple[int, int, int]]:
    """{owner line: (warehouse, SKU, units)} of open reservations."""
    rows = bulk.fetch(
        "SELECT owner_id, warehouse_id, sku_id, quantity FROM inventory_reservation"
        " WHERE owner_kind = %s AND owner_id = ANY(%s) AND closed_at IS NULL",
        [owner_kind, list(owner_ids)],
    )
    return {owner: (warehouse, sku, quantity) for owner, warehouse, sku, quantity in rows}


def make_paid(owner_ids: Sequence[int], *, owner_kind: str = "order_line") -> int:
    """The buyer paid: the reservation loses its expiry."""
    return bulk.execute(
        "UPDATE inventory_reservation SET kind = %s, expires_at = NULL"
        " WHERE owner_kind = %s AND owner_id = ANY(%s) AND closed_at IS NULL AND kind = %s",
        [Reservation.PAID, owner_kind, list(owner_ids), Reservation.UNPAID],
    )


def expired(limit: int = 500) -> list[tuple[int, int]]:
    """[(reservation, owner line)] of unpaid reservations whose time is over."""
    return [
        (row[0], row[1])
        for row in bulk.fetch(
            "SELECT id, owner_id FROM inventory_reservation WHERE closed_at IS NULL AND expires_at < %s"
            " ORDER BY expires_at LIMIT %s",
            [clock.now(), limit],
        )
    ]

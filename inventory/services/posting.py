"""The one place that writes moves, levels and stock. Everything that changes stock ends here, in bulk.

Order of locks, the same for everybody: stock rows in (warehouse, SKU) order, then costing states in (SKU, pool, method)
order. Levels are written under the stock lock only. The number of statements does not depend on the number of lines.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from core import bulk, clock
from core.errors import BusinessError
from core.events import emit
from core.permissions import Actor
from inventory.models import Location, Reservation
from inventory.permissions import FORCE
from inventory.services import valuation
from inventory.services.drafts import Draft, Posted
from inventory.services.periods import Calendar
from inventory.services.places import Places

Pair = tuple[int, int]  # (warehouse, SKU)
FLOAT = timedelta(minutes=5)
_OWNED = frozenset(Location.OWNED)
MOVE_COLUMNS = (
    "key",
    "effective_at",
    "posted_at",
    "source_kind",
    "source_id",
    "source_line",
    "from_location_id",
    "to_location_id",
    "sku_id",
    "lot_id",
    "quantity",
    "reason",
    "reverses_id",
    "actor_id",
    "actor_label",
    "attrs",
)


def post(
    *,
    actor: Actor,
    calendar: Calendar,
    places: Places,
    drafts: Sequence[Draft],
    force: bool = False,
) -> Posted:
    """Write the moves with levels, stock and value in one transaction; moves whose key is known are not written again.

    ``force`` lets strict drafts go below zero or below what is reserved (permission FORCE). Raises NotAllowed;
    BusinessError: ``sku.unknown``, ``ledger.key_reused`` (same key, other content), ``ledger.not_there``,
    ``ledger.reserved``, ``ledger.return_too_many``, ``ledger.return_unknown``.
    """
    if force:
        actor.require(FORCE)
    with transaction.atomic():
        stock = _lock_stock(drafts, places)
        former = _former(drafts)
        fresh = [d for d in drafts if d.key not in former]
        if not fresh:
            return Posted(tuple(former[d.key] for d in drafts))
        _check_there([d for d in fresh if d.strict and not force], stock, places)
        standing = valuation.lock(_pools(fresh, places))
        _let_float(fresh, standing)
        fresh.sort(key=lambda d: d.effective_at)
        _check_returns(fresh, places)
        ids = _insert(actor, fresh)
        _shift_levels(fresh)
        negative = _shift_stock(fresh, places, stock, _close(fresh, places))
        valuation.write_costs(actor, [(ids[d.key], d.told) for d in fresh if d.told is not None])
        moved = [valuation.Moved(ids[d.key], d, places[d.from_id].pool, places[d.to_id].pool) for d in fresh]
        valuation.record(actor, calendar, moved, standing)
    known = former | ids
    return Posted(tuple(known[d.key] for d in drafts), frozenset(ids.values()), negative)


def _pairs(drafts: Sequence[Draft], places: Places) -> list[Pair]:
    return sorted({(places[side].warehouse_id, d.sku_id) for d in drafts for side in (d.from_id, d.to_id)})


def _lock_stock(drafts: Sequence[Draft], places: Places) -> dict[Pair, tuple[int, int]]:
    """Lock (and make, where missing) the stock rows; {(warehouse, SKU): (sellable, reserved)}."""
    pairs = _pairs(drafts, places)
    warehouses, skus = bulk.columns(pairs)
    # Missing rows come first and in order, before any lock is held, so that this cannot deadlock either.
    bulk.execute(
        "INSERT INTO inventory_stock (warehouse_id, sku_id, sellable, reserved)"
        " SELECT w.warehouse_id, w.sku_id, 0, 0 FROM unnest(%s::bigint[], %s::bigint[]) AS w(warehouse_id, sku_id)"
        " JOIN inventory_sku k ON k.id = w.sku_id WHERE NOT EXISTS (SELECT 1 FROM inventory_stock s"
        " WHERE s.warehouse_id = w.warehouse_id AND s.sku_id = w.sku_id)"
        " ORDER BY w.warehouse_id, w.sku_id ON CONFLICT DO NOTHING",
        [warehouses, skus],
    )
    rows = bulk.fetch(
        "SELECT s.warehouse_id, s.sku_id, s.sellable, s.reserved FROM inventory_stock s"
        " JOIN unnest(%s::bigint[], %s::bigint[]) AS w(warehouse_id, sku_id) USING (warehouse_id, sku_id)"
        " ORDER BY s.warehouse_id, s.sku_id FOR UPDATE OF s",
        [warehouses, skus],
    )
    found = {(warehouse, sku): (sellable, reserved) for warehouse, sku, sellable, reserved in rows}
    for pair in pairs:
        if pair not in found:
            raise BusinessError("sku.unknown", sku=pair[1])
    return found


def _former(drafts: Sequence[Draft]) -> dict[str, int]:
    """{key: move} of what was posted before. Raises BusinessError when it was something else."""
    wanted = {d.key: d for d in drafts}
    if len(wanted) != len(drafts):
        raise BusinessError("ledger.key_twice", key=next(iter(wanted), ""))
    rows = bulk.fetch(
        "SELECT key, id, sku_id, quantity, from_location_id, to_location_id FROM inventory_move WHERE key = ANY(%s)",
        [list(wanted)],
    )
    for key, _move, *content in rows:
        draft = wanted[key]
        if content != [draft.sku_id, draft.quantity, draft.from_id, draft.to_id]:
            raise BusinessError("ledger.key_reused", key=key)
    return {row[0]: row[1] for row in rows}


def _check_there(drafts: Sequence[Draft], stock: dict[Pair, tuple[int, int]], places: Places) -> None:
    """Units must be where they are taken from, and must not be promised to a buyer."""
    if not drafts:
        return
    wanted: dict[tuple[int, int, int | None], int] = defaultdict(int)
    selling: dict[Pair, int] = defaultdict(int)
    for d in drafts:
        source = places[d.from_id]
        if source.pool is not None:
            wanted[d.from_id, d.sku_id, d.lot_id] += d.quantity
        if source.sellable:
            selling[source.warehouse_id, d.sku_id] += d.quantity
        if places[d.to_id].sellable:
            selling[places[d.to_id].warehouse_id, d.sku_id] -= d.quantity
    rows = bulk.fetch(
        "SELECT location_id, sku_id, lot_id, quantity FROM inventory_level"
        " WHERE location_id = ANY(%s) AND sku_id = ANY(%s)",
        [sorted({key[0] for key in wanted}), sorted({key[1] for key in wanted})],
    )
    there = {(location, sku, lot): quantity for location, sku, lot, quantity in rows}
    for key, quantity in wanted.items():
        if there.get(key, 0) < quantity:
            raise BusinessError(
                "ledger.not_there", sku=key[1], place=places[key[0]].code, wanted=quantity, found=there.get(key, 0)
            )
    for pair, quantity in selling.items():
        sellable, reserved = stock[pair]
        if quantity > 0 and sellable - quantity < reserved:
            raise BusinessError("ledger.reserved", sku=pair[1], wanted=quantity, free=sellable - reserved)


def _check_returns(drafts: Sequence[Draft], places: Places) -> None:
    """A return names an earlier issue of the same SKU, and not more comes back than went out."""
    returns = [d for d in drafts if d.reverses_id is not None]
    if not returns:
        return
    ids = sorted({d.reverses_id for d in returns if d.reverses_id is not None})
    rows = bulk.fetch(
        "SELECT m.id, m.sku_id, m.effective_at, f.kind, t.kind, m.quantity - coalesce((SELECT sum(r.quantity)"
        " FROM inventory_move r WHERE r.reverses_id = m.id), 0) FROM inventory_move m"
        " JOIN inventory_location f ON f.id = m.from_location_id JOIN inventory_location t ON t.id = m.to_location_id"
        " WHERE m.id = ANY(%s)",
        [ids],
    )
    issues = {row[0]: row for row in rows}
    rest = {row[0]: row[5] for row in rows}
    for d in returns:
        assert d.reverses_id is not None
        row = issues.get(d.reverses_id)
        outgoing = row is not None and row[3] in _OWNED and row[4] not in _OWNED
        if row is None or not outgoing or row[1] != d.sku_id or row[2] > d.effective_at:
            raise BusinessError("ledger.return_unknown", move=d.reverses_id, sku=d.sku_id)
        rest[d.reverses_id] -= d.quantity
        if rest[d.reverses_id] < 0:
            raise BusinessError(
                "ledger.return_too_many", move=d.reverses_id, sku=d.sku_id, over=-int(rest[d.reverses_id])
            )


def _pools(drafts: Sequence[Draft], places: Places) -> set[tuple[int, str]]:
    """(SKU, pool) whose value changes."""
    found = set()
    for d in drafts:
        source, target = places[d.from_id].pool, places[d.to_id].pool
        if source != target:
            found |= {(d.sku_id, pool) for pool in (source, target) if pool is not None}
    return found


def _let_float(drafts: Sequence[Draft], standing: valuation.Standing) -> None:
    """Acts of this moment happen after what was posted while they waited, even if another machine's clock is ahead."""
    now = clock.now()
    latest: dict[int, datetime] = {}
    for (sku, _), (effective_at, _) in standing.through.items():
        if effective_at <= now + FLOAT:
            latest[sku] = max(effective_at, latest.get(sku, effective_at))
    for d in drafts:
        if d.floating:
            d.effective_at = max(now, latest.get(d.sku_id, now))


def _insert(actor: Actor, drafts: Sequence[Draft]) -> dict[str, int]:
    now = clock.now()
    rows = [
        (
            d.key,
            d.effective_at,
            now,
            d.source_kind,
            d.source_id,
            d.source_line,
            d.from_id,
            d.to_id,
            d.sku_id,
            d.lot_id,
            d.quantity,
            d.reason[:40],
            d.reverses_id,
            actor.id,
            actor.label[:120],
            json.dumps(d.attrs) if d.attrs else "{}",
        )
        for d in drafts
    ]
    written = bulk.insert("inventory_move", MOVE_COLUMNS, rows, returning="key, id", chunk=2000)
    return dict(written)


def _shift_levels(drafts: Sequence[Draft]) -> None:
    deltas: dict[tuple[int, int, int | None], int] = defaultdict(int)
    for d in drafts:
        deltas[d.from_id, d.sku_id, d.lot_id] -= d.quantity
        deltas[d.to_id, d.sku_id, d.lot_id] += d.quantity
    bulk.execute(
        "INSERT INTO inventory_level AS l (location_id, sku_id, lot_id, quantity)"
        " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[])"
        " ON CONFLICT (location_id, sku_id, lot_id) DO UPDATE SET quantity = l.quantity + EXCLUDED.quantity",
        bulk.columns([(*key, quantity) for key, quantity in deltas.items()]),
    )


def _close(drafts: Sequence[Draft], places: Places) -> dict[Pair, int]:
    """Use up reservations of the owners; what remains of a bigger one stays open. Returns units given back."""
    wanted: dict[tuple[str, int, int, int], int] = defaultdict(int)
    for d in drafts:
        if d.owner is not None:
            wanted[*d.owner, places[d.from_id].warehouse_id, d.sku_id] += d.quantity
    freed: dict[Pair, int] = defaultdict(int)
    if not wanted:
        return freed
    rows = bulk.fetch(
        "UPDATE inventory_reservation r SET closed_at = CASE WHEN r.quantity <= d.units THEN %s::timestamptz END,"
        " closed_as = CASE WHEN r.quantity <= d.units THEN %s ELSE '' END,"
        " quantity = CASE WHEN r.quantity <= d.units THEN r.quantity ELSE r.quantity - d.units END"
        " FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[])"
        " AS d(owner_kind, owner_id, warehouse_id, sku_id, units) WHERE r.closed_at IS NULL"
        " AND r.owner_kind = d.owner_kind AND r.owner_id = d.owner_id AND r.warehouse_id = d.warehouse_id"
        " AND r.sku_id = d.sku_id RETURNING r.warehouse_id, r.sku_id,"
        " CASE WHEN r.closed_at IS NULL THEN d.units ELSE r.quantity END",
        [clock.now(), Reservation.ISSUED, *bulk.columns([(*key, units) for key, units in wanted.items()])],
    )
    for warehouse, sku, units in rows:
        freed[warehouse, sku] += units
    return freed


def _shift_stock(
    drafts: Sequence[Draft], places: Places, stock: dict[Pair, tuple[int, int]], freed: dict[Pair, int]
) -> tuple[tuple[int, int, int], ...]:
    """Bring sellable and reserved units up to date, tell of SKUs that there is more of; returns what is below zero now."""
    sellable: dict[Pair, int] = defaultdict(int)
    for d in drafts:
        source, target = places[d.from_id], places[d.to_id]
        if source.sellable:
            sellable[source.warehouse_id, d.sku_id] -= d.quantity
        if target.sellable:
            sellable[target.warehouse_id, d.sku_id] += d.quantity
    rows = [
        (*pair, sellable.get(pair, 0), freed.get(pair, 0))
        for pair in sorted(sellable.keys() | freed.keys())
        if sellable.get(pair) or freed.get(pair)
    ]
    if rows:
        bulk.execute(
            "UPDATE inventory_stock s SET sellable = s.sellable + d.sellable, reserved = s.reserved - d.freed"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[]) AS d(warehouse_id, sku_id, sellable, freed)"
            " WHERE s.warehouse_id = d.warehouse_id AND s.sku_id = d.sku_id",
            bulk.columns(rows),
        )
        emit("inventory.stock_changed", {"ids": sorted({row[1] for row in rows})})
    grown = sorted({sku for (_, sku), change in sellable.items() if change > 0})
    if grown:
        emit("inventory.available", {"skus": grown})
    after = [(*pair, stock[pair][0] + change) for pair, change in sorted(sellable.items())]
    return tuple(row for row in after if row[2] < 0)

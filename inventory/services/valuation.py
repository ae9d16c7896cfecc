"""Writes what moves are worth: entries (append-only), costs as told, and where each pool stands.

Fast: a move that is the last in effective order continues from ``PoolState``. Otherwise (back-dated, a late cost, units
that were short) the SKU's history is played again, and what came out differently is appended as *difference* entries.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import bulk, clock
from core.permissions import Actor
from inventory.permissions import POST_TO_CLOSED
from inventory.services import costing, history
from inventory.services.costing import METHODS, POOLS, Event, Left, Pool
from inventory.services.drafts import Draft, Told
from inventory.services.history import Place
from inventory.services.periods import Calendar

ENTRY_COLUMNS = (
    "move_id",
    "method",
    "pool",
    "sku_id",
    "kind",
    "period",
    "quantity",
    "unvalued",
    "amount",
    "original_amount",
    "original_currency",
    "rate",
    "origin_id",
    "posted_at",
    "actor_id",
    "actor_label",
    "attrs",
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was just written, with the pools it joins (None: outside)."""

    id: int
    draft: Draft
    source: str | None
    target: str | None

    @property
    def event(self) -> Event:
        draft = self.draft
        cost = None if draft.told is None else units_of(draft.told.base)
        return Event(self.id, self.source, self.target, draft.quantity, cost, draft.reverses_id)


@dataclass(slots=True)
class Standing:
    """Locked pool states of some SKUs."""

    pools: dict[tuple[int, str], dict[str, Pool]] = field(default_factory=lambda: defaultdict(dict))  # (SKU, method)
    through: dict[tuple[int, str], Place] = field(default_factory=dict)  # (SKU, pool)


@dataclass(slots=True)
class Entry:
    """A value entry to be. Amounts in 0.0001 of base."""

    move: int
    method: str
    pool: str
    sku: int
    kind: str
    effective_at: datetime
    quantity: int
    unvalued: int
    amount: int
    told: Told | None = None
    origin: int | None = None


def units_of(amount: Decimal) -> int:
    """Base currency → whole 0.0001."""
    return int(amount.scaleb(4))


def lock(wanted: Iterable[tuple[int, str]]) -> Standing:
    """Lock the states of all pools of the SKUs, in key order; ``wanted`` = (SKU, pool) pairs are made if missing.

    Called with the stock rows locked, before any move is written: the ids of one SKU's moves then rise in the order in
    which they are valued.
    """
    pairs = sorted(set(wanted))
    standing = Standing()
    if not pairs:
        return standing
    skus, pools = bulk.columns(pairs)
    bulk.execute(
        "INSERT INTO inventory_poolstate (method, pool, sku_id, quantity, unvalued, value, layers)"
        " SELECT m.method, w.pool, w.sku_id, 0, 0, 0, '[]' FROM unnest(%s::bigint[], %s::text[]) AS w(sku_id, pool)"
        " CROSS JOIN unnest(%s::text[]) AS m(method) WHERE NOT EXISTS (SELECT 1 FROM inventory_poolstate p"
        " WHERE p.sku_id = w.sku_id AND p.pool = w.pool AND p.method = m.method)"
        " ORDER BY w.sku_id, w.pool, m.method ON CONFLICT DO NOTHING",
        [skus, pools, list(METHODS)],
    )
    rows = bulk.fetch(
        "SELECT sku_id, pool, method, quantity, unvalued, (value * 10000)::bigint, layers::text, through_effective,"
        " through_move FROM inventory_poolstate WHERE sku_id = ANY(%s) ORDER BY sku_id, pool, method FOR UPDATE",
        [sorted(set(skus))],
    )
    for sku, pool, method, quantity, unvalued, value, layers, effective, move in rows:
        standing.pools[sku, method][pool] = POOLS[method].restored(quantity, unvalued, value, json.loads(layers))
        if move is not None:
            standing.through[sku, pool] = (effective, move)
    return standing


def record(actor: Actor, calendar: Calendar, moved: Sequence[Moved], standing: Standing) -> int:
    """Value new moves under both methods; returns how many entries were written.

    Raises NotAllowed (POST_TO_CLOSED) when a value belongs to a closed period.
    """
    by_sku: dict[int, list[Moved]] = defaultdict(list)
    for move in moved:
        if move.source != move.target:
            by_sku[move.draft.sku_id].append(move)
    if not by_sku:
        return 0
    lefts = _lefts({m.draft.reverses_id for ms in by_sku.values() for m in ms if m.draft.told is None})
    entries: list[Entry] = []
    states: list[tuple] = []
    again: dict[int, Place | None] = {}
    for sku, moves in by_sku.items():
        moves.sort(key=lambda m: (m.draft.effective_at, m.id))
        found = _continue(sku, moves, standing, lefts)
        if found is None:
            again[sku] = (moves[0].draft.effective_at, moves[0].id)
        else:
            entries += found
            states += _states(sku, {method: standing.pools[sku, method] for method in METHODS}, standing.through)
    if again:
        fresh = {move.id: move for sku in again for move in by_sku[sku]}
        causes: dict[int, int | None] = {sku: by_sku[sku][0].id for sku in again}
        more, states_again = _replayed(again, causes, fresh, {})
        entries += more
        states += states_again
    return _write(actor, calendar, entries, states)


def write_costs(actor: Actor, costs: Sequence[tuple[int, Told]]) -> None:
    """Append what moves cost, as told."""
    now = clock.now()
    bulk.insert(
        "inventory_cost",
        ("move_id", "amount", "currency", "rate", "base_amount", "reason", "posted_at", "actor_id", "actor_label"),
        [
            (move, t.amount, t.currency, t.rate, t.base, t.reason[:40], now, actor.id, actor.label[:120])
            for move, t in costs
        ],
    )


def revalue(actor: Actor, calendar: Calendar, since: dict[int, Place | None], costs: dict[int, Told]) -> int:
    """Play SKUs again and append the differences; their states must be locked.

    ``since``: {SKU: place of the move that changed something, None = everything}; ``costs``: {move: its new cost}.
    Returns how many entries were written.
    """
    causes = {sku: None if place is None else place[1] for sku, place in since.items()}
    entries, states = _replayed(since, causes, {}, costs)
    return _write(actor, calendar, entries, states)


def _continue(
    sku: int, moves: Sequence[Moved], standing: Standing, lefts: dict[tuple[int, str], Left]
) -> list[Entry] | None:
    """Entries when every move comes after all that is there and changes nothing earlier; else None."""
    entries = []
    for moved in moves:
        event, draft = moved.event, moved.draft
        place = (draft.effective_at, moved.id)
        touched = [pool for pool in (moved.source, moved.target) if pool is not None]
        if any((sku, pool) in standing.through and standing.through[sku, pool] > place for pool in touched):
            return None
        for method in METHODS:
            left = lefts.get((draft.reverses_id, method)) if draft.reverses_id is not None else None
            rows = costing.step(standing.pools[sku, method], event, left)
            if rows is None:
                return None
            for pool, (quantity, unvalued, amount) in rows:
                entries.append(_first(moved, method, pool, quantity, unvalued, amount))
        for pool in touched:
            standing.through[sku, pool] = place
    return entries


def _first(moved: Moved, method: str, pool: str, quantity: int, unvalued: int, amount: int) -> Entry:
    draft = moved.draft
    return Entry(
        moved.id,
        method,
        pool,
        draft.sku_id,
        draft.value_kind,
        draft.effective_at,
        quantity,
        unvalued,
        amount,
        told=draft.told,
    )


def _lefts(moves: set[int | None]) -> dict[tuple[int, str], Left]:
    """What issues still have to give back, by (move, method); only those without open units."""
    ids = sorted(move for move in moves if move is not None)
    if not ids:
        return {}
    rows = bulk.fetch(
        "WITH moves AS (SELECT m.id, CASE WHEN m.id = ANY(%s) THEN m.id ELSE m.reverses_id END AS root"
        " FROM inventory_move m WHERE m.id = ANY(%s) OR (m.reverses_id = ANY(%s)"
        " AND NOT EXISTS (SELECT 1 FROM inventory_cost c WHERE c.move_id = m.id))),"
        " worth AS (SELECT moves.root, v.method, sum(v.quantity) AS quantity, sum(v.amount) AS amount,"
        " abs(sum(v.unvalued)) AS open FROM moves JOIN inventory_valuation v ON v.move_id = moves.id"
        " GROUP BY moves.root, v.move_id, v.method)"
        " SELECT root, method, sum(quantity), (sum(amount) * 10000)::bigint, sum(open) FROM worth GROUP BY root, method",
        [ids, ids, ids],
    )
    return {
        (move, method): Left("", -int(quantity), -amount)
        for move, method, quantity, amount, unvalued in rows
        if not unvalued
    }


def _replayed(
    since: dict[int, Place | None], causes: dict[int, int | None], fresh: dict[int, Moved], costs: dict[int, Told]
) -> tuple[list[Entry], list[tuple]]:
    """Play the SKUs' histories again, from the place on that is named; entries for what differs, and the states."""
    entries: list[Entry] = []
    states: list[tuple] = []
    for again in history.load(since):
        through: dict[tuple[int, str], Place] = {}
        for event in again.events:
            for pool in (event.source, event.target):
                if pool is not None:
                    through[again.sku, pool] = (again.times[event.move], event.move)
        ends: dict[str, dict[str, Pool]] = {}
        for method in METHODS:
            played = costing.replay(again.events, method, again.past.get(method))
            ends[method] = {name: pool for name, pool in played.pools.items() if (again.sku, name) in through}
            for (move, pool), row in played.rows.items():
                former = again.books.get((move, method, pool))
                if former != tuple(row):
                    place = (again.sku, again.times[move], move)
                    entries.append(_difference(place, causes[again.sku], fresh, costs, method, pool, row, former))
        states += _states(again.sku, ends, through)
    return entries, states


def _difference(
    place: tuple[int, datetime, int],
    cause: int | None,
    fresh: dict[int, Moved],
    costs: dict[int, Told],
    method: str,
    pool: str,
    row: Sequence[int],
    former: tuple[int, int, int] | None,
) -> Entry:
    sku, effective_at, move = place
    if former is None and move in fresh:
        return _first(fresh[move], method, pool, *row)
    old = former or (0, 0, 0)
    quantity, unvalued, amount = (new - was for new, was in zip(row, old, strict=True))
    kind = "late_cost" if move in costs else "difference"
    return Entry(
        move, method, pool, sku, kind, effective_at, quantity, unvalued, amount, told=costs.get(move), origin=cause
    )


def _states(sku: int, ends: dict[str, dict[str, Pool]], through: dict[tuple[int, str], Place]) -> list[tuple]:
    return [
        (
            method,
            name,
            sku,
            pool.quantity,
            pool.unvalued,
            Decimal(pool.value).scaleb(-4),
            json.dumps(pool.stored()),
            *through.get((sku, name), (None, None)),
        )
        for method, pools in ends.items()
        for name, pool in pools.items()
    ]


def _write(actor: Actor, calendar: Calendar, entries: Sequence[Entry], states: Sequence[tuple]) -> int:
    now = clock.now()
    rows: list[tuple[Any, ...]] = []
    periods: dict[datetime, Any] = {}
    for e in entries:
        natural = periods.get(e.effective_at)
        if natural is None:
            natural = periods[e.effective_at] = calendar.natural(e.effective_at)
        attrs, origin, period = "{}", e.origin, natural
        if natural in calendar.closed:
            actor.require(POST_TO_CLOSED)
            period = calendar.open_from(natural)
            origin = origin or e.move
            attrs = json.dumps({"belongs_to": natural.isoformat()})
        told = e.told
        rows.append(
            (
                e.move,
                e.method,
                e.pool,
                e.sku,
                e.kind,
                period,
                e.quantity,
                e.unvalued,
                Decimal(e.amount).scaleb(-4),
                told.amount if told else None,
                told.currency if told else "",
                told.rate if told else None,
                origin,
                now,
                actor.id,
                actor.label[:120],
                attrs,
            )
        )
    bulk.insert("inventory_valuation", ENTRY_COLUMNS, rows, chunk=2000)
    if states:
        bulk.execute(
            "INSERT INTO inventory_poolstate (method, pool, sku_id, quantity, unvalued, value, layers,"
            " through_effective, through_move) SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::int[],"
            " %s::int[], %s::numeric[], %s::jsonb[], %s::timestamptz[], %s::bigint[])"
            " ON CONFLICT (sku_id, pool, method) DO UPDATE SET quantity = EXCLUDED.quantity,"
            " unvalued = EXCLUDED.unvalued, value = EXCLUDED.value, layers = EXCLUDED.layers,"
            " through_effective = EXCLUDED.through_effective, through_move = EXCLUDED.through_move",
            bulk.columns(states),
        )
    return len(rows)

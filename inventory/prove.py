"""Proof of the ledger: everything is played again from the moves, and every row that says otherwise is named.

Moves and told costs are the truth; levels, stock, value entries and pool states must follow from them, to the unit and
to 0.0001. Reads only, in one snapshot, so it may run while the tenant works.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from core import bulk
from core.tenancy import require_tenant
from inventory import prove_units
from inventory.models import Location, Valuation
from inventory.oracle import Fact, Reckoned, reckon
from inventory.prove_units import Difference

BATCH = 50_000  # moves in memory at a time
Key = tuple[int, str, str]  # move, method, pool
Sums = tuple[int, int, Decimal]  # units, open units, value


@dataclass(slots=True)
class Proof:
    """``unvalued``: units in stock whose cost is not known yet (not a difference, but worth telling)."""

    schema: str
    moves: int = 0
    skus: int = 0
    unvalued: int = 0
    differences: list[Difference] = field(default_factory=list)


def prove() -> Proof:
    """Prove the current tenant's ledger. Raises NoTenant."""
    proof = Proof(require_tenant())
    with transaction.atomic():
        if len(connection.savepoint_ids) == 0:
            bulk.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        proof.differences += prove_units.differences()
        pools = _pools()
        for skus in _batches():
            _prove_value(proof, skus, pools)
        proof.unvalued = int(
            bulk.fetch("SELECT coalesce(sum(unvalued), 0) FROM inventory_poolstate WHERE method = %s", ["fifo"])[0][0]
        )
    return proof


def _batches() -> Iterator[list[int]]:
    """SKUs that anything is known about, some 50,000 moves at a time."""
    rows = bulk.fetch(
        "SELECT sku_id, sum(n) FROM (SELECT sku_id, count(*) AS n FROM inventory_move GROUP BY sku_id"
        " UNION ALL SELECT DISTINCT sku_id, 0 FROM inventory_valuation"
        " UNION ALL SELECT DISTINCT sku_id, 0 FROM inventory_poolstate) s GROUP BY sku_id ORDER BY sku_id"
    )
    batch: list[int] = []
    size = 0
    for sku, count in rows:
        batch.append(sku)
        size += int(count) + 1
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _pools() -> dict[int, str | None]:
    rows = bulk.fetch(
        "SELECT l.id, l.kind, w.pool_ref FROM inventory_location l"
        " LEFT JOIN inventory_warehouse w ON w.id = l.warehouse_id"
    )
    return {location: pool if kind in Location.OWNED else None for location, kind, pool in rows}


def _prove_value(proof: Proof, skus: list[int], pools: dict[int, str | None]) -> None:
    facts, times = _facts(skus, pools)
    proof.moves += len(times)
    proof.skus += len(facts)
    found = _found(skus)
    states = _states(skus)
    for sku in skus:
        for method in Valuation.METHODS:
            reckoned = reckon(facts.get(sku, []), average=method == Valuation.AVERAGE)
            mine = found.get((sku, method), {})
            proof.differences += _compare_entries(sku, method, reckoned, mine, times)
            proof.differences += _compare_states(
                sku, method, reckoned, states.pop((sku, method), {}), _through(facts.get(sku, []), times)
            )
    for (sku, method), rest in states.items():
        proof.differences += [
            Difference("inventory_poolstate", row[0], "method_unknown", "", method, {"sku": sku})
            for row in rest.values()
        ]
    for (sku, method), entries in found.items():
        if method not in Valuation.METHODS:
            for move, pool in entries:
                proof.differences += _name(sku, method, move, pool, None, entries[move, pool], "method_unknown")


def _facts(skus: list[int], pools: dict[int, str | None]) -> tuple[dict[int, list[Fact]], dict[int, datetime]]:
    rows = bulk.fetch(
        "SELECT m.sku_id, m.id, m.effective_at, m.from_location_id, m.to_location_id, m.quantity, m.reverses_id,"
        " c.base_amount FROM inventory_move m LEFT JOIN (SELECT c.move_id, c.base_amount FROM inventory_cost c"
        " JOIN inventory_move t ON t.id = c.move_id AND t.sku_id = ANY(%s) WHERE NOT EXISTS (SELECT 1"
        " FROM inventory_cost n WHERE n.move_id = c.move_id AND n.id > c.id)) c ON c.move_id = m.id"
        " WHERE m.sku_id = ANY(%s) ORDER BY m.sku_id, m.effective_at, m.id",
        [skus, skus],
    )
    facts: dict[int, list[Fact]] = defaultdict(list)
    times: dict[int, datetime] = {}
    for sku, move, at, origin, goal, units, undoes, cost in rows:
        times[move] = at
        if pools.get(origin) != pools.get(goal):
            facts[sku].append(Fact(move, pools.get(origin), pools.get(goal), units, cost, undoes))
    return facts, times


def _found(skus: list[int]) -> dict[tuple[int, str], dict[tuple[int, str], Sums]]:
    rows = bulk.fetch(
        "SELECT sku_id, method, move_id, pool, sum(quantity)::bigint, sum(unvalued)::bigint, sum(amount)"
        " FROM inventory_valuation WHERE sku_id = ANY(%s) GROUP BY sku_id, method, move_id, pool",
        [skus],
    )
    found: dict[tuple[int, str], dict[tuple[int, str], Sums]] = defaultdict(dict)
    for sku, method, move, pool, units, unknown, value in rows:
        found[sku, method][move, pool] = (units, unknown, value)
    return found


def _compare_entries(
    sku: int, method: str, reckoned: Reckoned, found: dict[tuple[int, str], Sums], times: dict[int, datetime]
) -> list[Difference]:
    differences: list[Difference] = []
    for key in reckoned.entries.keys() | found.keys():
        expected, booked = reckoned.entries.get(key), found.get(key)
        if expected == booked:
            continue
        move, pool = key
        if booked is None:
            detail = {"method": method, "pool": pool, "sku": sku}
            differences.append(Difference("inventory_move", move, "valuation_missing", _say(expected), "", detail))
        elif expected is None:
            what = "valuation_unexpected" if move in times else "valuation_without_move"
            differences += _name(sku, method, move, pool, None, booked, what)
        else:
            differences += _name(sku, method, move, pool, expected, booked, "value")
    return differences


def _name(
    sku: int, method: str, move: int, pool: str, expected: Sums | None, booked: Sums, what: str
) -> list[Difference]:
    """Name the entries of a (move, method, pool) that do not add up: the one that is too much, if there is one."""
    rows = bulk.fetch(
        "SELECT id, quantity, unvalued, amount FROM inventory_valuation"
        " WHERE sku_id = %s AND move_id = %s AND method = %s AND pool = %s ORDER BY id",
        [sku, move, method, pool],
    )
    detail: dict[str, Any] = {"method": method, "pool": pool, "sku": sku, "move": move}
    if expected is None:
        return [Difference("inventory_valuation", row[0], what, "", _say(row[1:]), detail) for row in rows]
    over = (booked[0] - expected[0], booked[1] - expected[1], booked[2] - expected[2])
    too_much = [row[0] for row in rows if row[1:] == over]
    ids = [row[0] for row in rows]
    if len(ids) > 1:
        detail["rows"] = ids
    row = too_much[-1] if too_much and len(ids) > 1 else ids[-1]
    return [Difference("inventory_valuation", row, what, _say(expected), _say(booked), detail)]


def _states(skus: list[int]) -> dict[tuple[int, str], dict[str, tuple]]:
    rows = bulk.fetch(
        "SELECT sku_id, method, pool, id, quantity, unvalued, value, layers::text, through_effective, through_move"
        " FROM inventory_poolstate WHERE sku_id = ANY(%s)",
        [skus],
    )
    states: dict[tuple[int, str], dict[str, tuple]] = defaultdict(dict)
    for sku, method, pool, *state in rows:
        states[sku, method][pool] = tuple(state)
    return states


def _through(facts: list[Fact], times: dict[int, datetime]) -> dict[str, tuple[datetime, int]]:
    through = {}
    for fact in facts:
        for pool in (fact.origin, fact.goal):
            if pool is not None:
                through[pool] = (times[fact.move], fact.move)
    return through


def _compare_states(
    sku: int,
    method: str,
    reckoned: Reckoned,
    states: dict[str, tuple],
    through: dict[str, tuple[datetime, int]],
) -> list[Difference]:
    differences: list[Difference] = []
    totals = reckoned.totals()
    for pool in totals.keys() | states.keys():
        expected = totals.get(pool, (0, 0, Decimal(0)))
        detail = {"method": method, "pool": pool, "sku": sku}
        state = states.get(pool)
        if state is None:
            differences.append(Difference("inventory_poolstate", None, "state_missing", _say(expected), "", detail))
            continue
        row, quantity, unvalued, value, layers, effective, move = state
        if (quantity, unvalued, value) != expected:
            found = _say((quantity, unvalued, value))
            differences.append(Difference("inventory_poolstate", row, "state", _say(expected), found, detail))
        shelf = reckoned.shelves.get(pool)
        should = [
            [batch, units, None if worth is None else int(worth.scaleb(4))]
            for batch, units, worth in (shelf.layers() if shelf else [])
        ]
        if json.loads(layers) != should:
            differences.append(Difference("inventory_poolstate", row, "layers", json.dumps(should), layers, detail))
        if through.get(pool, (None, None)) != (effective, move):
            last = through.get(pool, (None, None))[1]
            differences.append(Difference("inventory_poolstate", row, "through", str(last), str(move), detail))
    return differences


def _say(sums: Any) -> str:
    if sums is None:
        return ""
    units, unknown, value = sums
    return f"{units} units, {unknown} open, {value:.4f}"

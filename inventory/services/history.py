"""What happened to SKUs, read back for playing it again: from the beginning, or only what follows a moment.

To play only what follows, the state before it is worked out from the books: what the pools hold now, less what the
following moves brought and took; FIFO's layers are the latest receipts before the moment, the oldest of them with what is
left of the value. That works where nothing was short or of unknown cost at that moment; else all is played.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core import bulk
from inventory.models import Move
from inventory.services.costing import FIFO, METHODS, POOLS, Event, Left, Past
from inventory.services.places import pools_of_locations

Place = tuple[datetime, int]  # effective order: (effective_at, move)
Booked = dict[tuple[int, str, str], tuple[int, int, int]]  # (move, method, pool): quantity, unvalued, amount
LAYERS = 400  # receipts that are looked back for
_ISSUES = ", ".join(f"'{kind}'" for kind in Move.ISSUE_KINDS)  # written out, so that the partial index fits

_MOVES = (
    "SELECT m.sku_id, m.id, m.from_location_id, m.to_location_id, m.quantity, (c.base_amount * 10000)::bigint,"
    " m.reverses_id, m.effective_at FROM inventory_move m"
)


@dataclass(slots=True)
class History:
    """Events of a SKU in effective order, with each move's time, what is booked for them, and what was before."""

    sku: int
    events: list[Event] = field(default_factory=list)
    times: dict[int, datetime] = field(default_factory=dict)
    books: Booked = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=dict)  # by method; empty: from the beginning


def load(since: dict[int, Place | None]) -> Iterator[History]:
    """Histories of the SKUs, each from its place on (None: all). A fixed number of statements."""
    pools = pools_of_locations()
    whole = {sku for sku, place in since.items() if place is None}
    parts = {sku: place for sku, place in since.items() if place is not None}
    if parts:
        tails = _read(_tail_rows(parts), pools)
        for sku in parts:
            tails.setdefault(sku, History(sku))
        _book(tails.values())
        _rewind(parts, tails, pools)
        for sku, history in tails.items():
            if history.past:
                yield history
            else:
                whole.add(sku)
    if whole:
        histories = _read(_all_rows(sorted(whole)), pools)
        _book(histories.values(), sorted(whole))
        yield from histories.values()


def _all_rows(skus: list[int]) -> list[tuple]:
    return bulk.fetch(
        f"{_MOVES} LEFT JOIN (SELECT DISTINCT ON (c.move_id) c.move_id, c.base_amount FROM inventory_cost c"
        " JOIN inventory_move t ON t.id = c.move_id WHERE t.sku_id = ANY(%s) ORDER BY c.move_id, c.id DESC) c"
        " ON c.move_id = m.id WHERE m.sku_id = ANY(%s) ORDER BY m.sku_id, m.effective_at, m.id",
        [skus, skus],
    )


def _tail_rows(parts: dict[int, Place]) -> list[tuple]:
    return bulk.fetch(
        f"{_MOVES} JOIN unnest(%s::bigint[], %s::timestamptz[], %s::bigint[]) AS w(sku_id, effective_at, id)"
        " ON w.sku_id = m.sku_id AND (m.effective_at, m.id) >= (w.effective_at, w.id)"
        " LEFT JOIN LATERAL (SELECT c.base_amount FROM inventory_cost c WHERE c.move_id = m.id ORDER BY c.id DESC LIMIT 1) c"
        " ON true ORDER BY m.sku_id, m.effective_at, m.id",
        bulk.columns([(sku, *place) for sku, place in parts.items()]),
    )


def _read(rows: Sequence[tuple], pools: dict[int, str | None]) -> dict[int, History]:
    histories: dict[int, History] = {}
    for sku, move, from_id, to_id, quantity, cost, reverses, effective_at in rows:
        source, target = pools.get(from_id), pools.get(to_id)
        if source != target:
            history = histories.get(sku)
            if history is None:
                history = histories[sku] = History(sku)
            history.events.append(Event(move, source, target, quantity, cost, reverses))
            history.times[move] = effective_at
    return histories


def _book(histories: Iterable[History], skus: list[int] | None = None) -> None:
    """Read what is booked: of the histories' moves, or of all moves of the SKUs."""
    by_sku = {history.sku: history for history in histories}
    where, wanted = (
        ("sku_id = ANY(%s)", skus)
        if skus is not None
        else ("move_id = ANY(%s)", [move for history in by_sku.values() for move in history.times])
    )
    rows = bulk.fetch(
        "SELECT sku_id, move_id, method, pool, sum(quantity)::bigint, sum(unvalued)::bigint,"
        f" (sum(amount) * 10000)::bigint FROM inventory_valuation WHERE {where} GROUP BY sku_id, move_id, method, pool",
        [wanted],
    )
    for sku, move, method, pool, *sums in rows:
        if sku in by_sku:
            by_sku[sku].books[move, method, pool] = (sums[0], sums[1], sums[2])


def _rewind(parts: dict[int, Place], tails: dict[int, History], pools: dict[int, str | None]) -> None:
    """Fill ``past`` of those histories where it can be worked out."""
    before = _before(tails)
    wanted = {
        (sku, pool): units
        for (sku, pool, method), (units, _, _) in before.items()
        if method == FIFO and units > 0 and before[sku, pool, method][1] == 0
    }
    layers = _layers(wanted, parts, pools)
    lefts = _lefts(parts, tails)
    known: dict[int, dict[str, Past]] = defaultdict(lambda: {method: Past() for method in METHODS})
    unknown: set[int] = {sku for sku in tails if lefts.get(sku) is None}
    for (sku, pool, method), (units, unvalued, value) in before.items():
        found = layers.get((sku, pool), []) if method == FIFO else []
        if units < 0 or unvalued or (method == FIFO and not _fits(found, units)):
            unknown.add(sku)
            continue
        if method == FIFO and found:  # the oldest has what is left
            found[0][1] = units - sum(layer[1] for layer in found[1:])
            found[0][2] = value - sum(layer[2] for layer in found[1:])
        known[sku][method].pools[pool] = POOLS[method].restored(units, unvalued, value, found)
    for sku, history in tails.items():
        if sku in unknown:
            continue
        history.past = known[sku]
        for method, mine in (lefts[sku] or {}).items():
            history.past[method].lefts = mine


def _fits(layers: list[list[int]], units: int) -> bool:
    """The layers, without the oldest, hold less than there is, and with it enough."""
    held = sum(layer[1] for layer in layers)
    return held == units == 0 if not layers else held - layers[0][1] < units <= held


def _before(tails: dict[int, History]) -> dict[tuple[int, str, str], tuple[int, int, int]]:
    """{(SKU, pool, method): (quantity, unvalued, value)} before the first event of each history."""
    rows = bulk.fetch(
        "SELECT sku_id, pool, method, quantity, unvalued, (value * 10000)::bigint FROM inventory_poolstate"
        " WHERE sku_id = ANY(%s)",
        [sorted(tails)],
    )
    before = {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in rows}
    for sku, history in tails.items():
        for (_, method, pool), sums in history.books.items():
            now = before.get((sku, pool, method), (0, 0, 0))
            before[sku, pool, method] = (now[0] - sums[0], now[1] - sums[1], now[2] - sums[2])
    return before


def _layers(
    wanted: dict[tuple[int, str], int], parts: dict[int, Place], pools: dict[int, str | None]
) -> dict[tuple[int, str], list[list[int]]]:
    """{(SKU, pool): [[move, units, value], …]} of the latest receipts before the place, enough for the wanted units."""
    if not wanted:
        return {}
    # Walks the small index of moves that may bring goods in, and asks for the worth of those alone that are needed.
    rows = bulk.fetch(
        "SELECT w.sku_id, w.pool, x.id, x.quantity, (v.amount * 10000)::bigint"
        " FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::bigint[], %s::int[])"
        " AS w(sku_id, pool, effective_at, id, units)"
        " CROSS JOIN LATERAL (SELECT l.id, l.quantity, l.effective_at, sum(l.quantity) OVER (ORDER BY l.effective_at DESC,"
        " l.id DESC) - l.quantity AS later FROM (SELECT m.id, m.quantity, m.effective_at FROM inventory_move m"
        " JOIN unnest(%s::bigint[], %s::text[]) AS t(id, pool) ON t.id = m.to_location_id AND t.pool = w.pool"
        " LEFT JOIN unnest(%s::bigint[], %s::text[]) AS f(id, pool) ON f.id = m.from_location_id AND f.pool = w.pool"
        f" WHERE m.sku_id = w.sku_id AND m.source_kind NOT IN ({_ISSUES}) AND (m.effective_at, m.id) < (w.effective_at,"
        " w.id) AND f.id IS NULL ORDER BY m.effective_at DESC, m.id DESC LIMIT %s) l) x"
        " CROSS JOIN LATERAL (SELECT sum(e.amount) AS amount FROM inventory_valuation e WHERE e.move_id = x.id"
        " AND e.method = %s AND e.pool = w.pool) v WHERE x.later < w.units ORDER BY x.effective_at DESC, x.id DESC",
        [
            *bulk.columns([(sku, pool, *parts[sku], units) for (sku, pool), units in wanted.items()]),
            *(2 * bulk.columns([(location, pool) for location, pool in pools.items() if pool is not None])),
            LAYERS,
            FIFO,
        ],
    )
    found: dict[tuple[int, str], list[list[int]]] = defaultdict(list)
    for sku, pool, move, quantity, amount in rows:
        found[sku, pool].insert(0, [move, quantity, amount])
    return found


def _lefts(parts: dict[int, Place], tails: dict[int, History]) -> dict[int, dict[str, dict[int, Left]] | None]:
    """What issues from before still have to give back to returns in the histories; None where that is not known."""
    result: dict[int, dict[str, dict[int, Left]] | None] = {sku: {m: {} for m in METHODS} for sku in tails}
    owner = {
        event.reverses: sku
        for sku, history in tails.items()
        for event in history.events
        if event.reverses is not None and event.cost is None and event.reverses not in history.times
    }
    if not owner:
        return result
    skus, times, moves = bulk.columns([(sku, *place) for sku, place in parts.items()])
    rows = bulk.fetch(
        "SELECT CASE WHEN m.id = ANY(%s) THEN m.id ELSE m.reverses_id END, m.id, v.method, v.pool, sum(v.quantity)::bigint,"
        " (sum(v.amount) * 10000)::bigint, sum(v.unvalued) FROM inventory_move m JOIN unnest(%s::bigint[],"
        " %s::timestamptz[], %s::bigint[]) AS w(sku_id, effective_at, id) ON w.sku_id = m.sku_id"
        " AND (m.effective_at, m.id) < (w.effective_at, w.id) JOIN inventory_valuation v ON v.move_id = m.id"
        " WHERE m.id = ANY(%s) OR (m.reverses_id = ANY(%s) AND NOT EXISTS (SELECT 1 FROM inventory_cost c"
        " WHERE c.move_id = m.id)) GROUP BY 1, m.id, v.method, v.pool",
        [list(owner), skus, times, moves, list(owner), list(owner)],
    )
    for issue, move, method, pool, quantity, amount, unvalued in rows:
        lefts = result[owner[issue]]
        if lefts is None:
            continue
        if unvalued:
            result[owner[issue]] = None
            continue
        left = lefts[method].setdefault(issue, Left("", 0, 0, past=True))
        left.known -= quantity
        left.amount -= amount
        if move == issue:
            left.pool = pool
    return result

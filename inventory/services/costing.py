"""The mathematics of stock value, FIFO and moving average. Plain numbers; no Django, no database.

All amounts are whole numbers of 0.0001 of the base currency, so nothing drifts. A *pool* is named by a text; what
happens to one SKU is a list of ``Event`` in effective order. The result of an event is a row
``[quantity, unvalued, amount]`` per pool it touches, signed: into the pool positive, out of it negative.

Rules, the same under both methods:

* **The last unit out takes what is left.** A part of ``q`` units worth ``v`` is ``v·t/q`` rounded half up; the rest
  stays, so parts always add up (2 @ 1.00 and 1 @ 1.01, three sold: 0.00 is left).
* **An unknown cost is open, never 0.** Such units are counted in ``unvalued``. FIFO hands them out in their turn;
  average hands out known units first, at the average of the known ones. When the cost comes, all is played again.
* **Negative stock.** Units that leave an empty pool are *short*: open until a receipt comes. The receipt covers them
  first, oldest first, at its own cost (2 sold from nothing, then 20 @ 3.30: 18 worth 59.40 remain).
* **Returns come back at the cost they left with**, known units first. A return of a unit that is still short just
  takes the shortage back; it and the issue get the cost of the issue's other units when that is known.
* **Transfers** enter the other pool at the cost they left with. When that cost becomes known only later (it was short),
  the SKU is played again with the cost now known until nothing changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple

FIFO, AVERAGE = "fifo", "avg"
METHODS = (FIFO, AVERAGE)
# A cost that travels in a circle (transfer there and back, both short) may never settle: after so many passes the moves
# that still change enter the other pool with their cost open.
PASSES = 12

Row = list[int]  # [quantity, unvalued, amount]
Known = tuple[int, int]  # units with a cost, and that cost


class Event(NamedTuple):
    """``source``/``target``: pool or None (outside). ``cost`` of the whole move, None while unknown.

    ``reverses`` is the move whose units come back; a cost told for the return itself wins over it.
    """

    move: int
    source: str | None
    target: str | None
    quantity: int
    cost: int | None = None
    reverses: int | None = None


def share(value: int, part: int, whole: int) -> int:
    """What ``part`` of ``whole`` units worth ``value`` take with them; everything when they are the last."""
    return value if part == whole else (2 * value * part + whole) // (2 * whole)


class Pool:
    """Where one method stands for one SKU in one pool. ``shorts``: [[issuing move, units], …], oldest first."""

    __slots__ = ("layers", "quantity", "shorts", "unvalued", "value")

    def __init__(self) -> None:
        self.quantity = self.unvalued = self.value = 0
        self.layers: deque[list] = deque()  # FIFO: [move, units, value or None]
        self.shorts: deque[list[int]] = deque()

    def leave(self, move: int, quantity: int) -> Known:
        """Take units out; returns those with a cost, and it. The others are open (or short)."""
        there = min(quantity, max(self.quantity, 0))
        known, amount = self._take(there) if there else (0, 0)
        if there < quantity:
            self.shorts.append([move, quantity - there])
        self.quantity -= quantity
        self.unvalued -= quantity - known
        self.value -= amount
        return known, amount

    def enter(self, move: int, quantity: int, value: int | None) -> list[tuple[int, int, int]]:
        """Bring units in; returns what was covered by them: [(short move, units, amount), …], known costs only."""
        self.quantity += quantity
        if value is None:
            self.unvalued += quantity
        else:
            self.value += value
        covered = []
        while quantity and self.shorts:
            short = self.shorts[0]
            units = min(quantity, short[1])
            if value is not None:
                part = share(value, units, quantity)
                covered.append((short[0], units, part))
                value -= part
                self.value -= part
                self.unvalued += units
            quantity -= units
            short[1] -= units
            if not short[1]:
                self.shorts.popleft()
        if quantity:
            self._lay(move, quantity, value)
        return covered

    def forgive(self, move: int, quantity: int) -> int:
        """Units of ``move`` come back while they are still short: take the shortage back; returns how many."""
        for short in self.shorts:
            if short[0] == move:
                units = min(quantity, short[1])
                short[1] -= units
                if not short[1]:
                    self.shorts.remove(short)
                self.quantity += units
                self.unvalued += units
                return units
        return 0

    def stored(self) -> list[list[int | None]]:
        """As ``PoolState.layers`` keeps it."""
        return [list(layer) for layer in self.layers] + [[move, -units, None] for move, units in self.shorts]

    @classmethod
    def restored(cls, quantity: int, unvalued: int, value: int, layers: Iterable[Sequence]) -> Pool:
        pool = cls()
        pool.quantity, pool.unvalued, pool.value = quantity, unvalued, value
        for move, units, worth in layers:
            if units < 0:
                pool.shorts.append([move, -units])
            else:
                pool.layers.append([move, units, worth])
        return pool

    def copy(self) -> Pool:
        return type(self).restored(self.quantity, self.unvalued, self.value, self.stored())

    def _take(self, quantity: int) -> Known:
        raise NotImplementedError

    def _lay(self, move: int, quantity: int, value: int | None) -> None:
        raise NotImplementedError


class FifoPool(Pool):
    __slots__ = ()

    def _take(self, quantity: int) -> Known:
        known = amount = 0
        layers = self.layers
        while quantity:
            layer = layers[0]
            units = layer[1]
            worth = layer[2]
            if units <= quantity:
                layers.popleft()
                if worth is not None:
                    known += units
                    amount += worth
                quantity -= units
                continue
            if worth is not None:
                part = share(worth, quantity, units)
                known += quantity
                amount += part
                layer[2] = worth - part
            layer[1] = units - quantity
            quantity = 0
        return known, amount

    def _lay(self, move: int, quantity: int, value: int | None) -> None:
        self.layers.append([move, quantity, value])


class AveragePool(Pool):
    __slots__ = ()

    def _take(self, quantity: int) -> Known:
        known = self.quantity - self.unvalued
        part = min(quantity, known)
        return part, share(self.value, part, known) if part else 0

    def _lay(self, move: int, quantity: int, value: int | None) -> None:
        return None


POOLS: dict[str, type[Pool]] = {FIFO: FifoPool, AVERAGE: AveragePool}


@dataclass(slots=True)
class Left:
    """What an outgoing move still has to give back: units with a cost, that cost; its pool.

    ``whole`` is what it left with; ``given`` says that this is of a former pass, with later covers in it already;
    ``past``: the move itself is not played here.
    """

    pool: str
    known: int
    amount: int
    whole: Known = (0, 0)
    given: bool = False
    past: bool = False


@dataclass(slots=True)
class Played:
    """Rows of every (move, pool), and the pools as they stand at the end."""

    rows: dict[tuple[int, str], Row] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)


@dataclass(slots=True)
class Past:
    """Where one method stood for a SKU before the first event to be played: pools, and what issues can give back."""

    pools: dict[str, Pool] = field(default_factory=dict)
    lefts: dict[int, Left] = field(default_factory=dict)


def replay(events: Sequence[Event], method: str, past: Past | None = None) -> Played:
    """Play the history of one SKU, given in effective order: all of it, or what follows ``past``."""
    past = past or Past()
    reversed_moves = {event.reverses for event in events if event.reverses is not None}
    given: dict[int, Known] = {}
    circles: set[int] = set()
    for attempt in count(1):
        run = _Run(POOLS[method], reversed_moves, given, past)
        for event in events:
            run.play(event)
        late = {move: known for move, known in run.late().items() if move not in circles}
        if not late:
            break
        if attempt >= PASSES:
            circles |= late.keys()
            late = dict.fromkeys(late, (0, 0))
        given = given | late
    run.settle_forgiven()
    return run.played


class _Run:
    """One pass over the history of a SKU."""

    def __init__(self, make: type[Pool], reversed_moves: set[int], given: dict[int, Known], past: Past) -> None:
        self.make = make
        self.reversed_moves = reversed_moves
        self.given = given
        self.played = Played(pools={name: pool.copy() for name, pool in past.pools.items()})
        self.left = {move: replace(left) for move, left in past.lefts.items()}
        self.used: dict[int, tuple[str, Known]] = {}  # moves whose cost crossed into another pool, with what was used
        self.forgiven: list[tuple[int, str, int, int]] = []  # (return, pool, issue, units)

    def pool(self, name: str) -> Pool:
        found = self.played.pools.get(name)
        if found is None:
            found = self.played.pools[name] = self.make()
        return found

    def play(self, event: Event) -> None:
        move, source, target, quantity, cost, reverses = event
        if source is None:
            assert target is not None
            if reverses is not None and cost is None and reverses in self.left:
                self._return(event, target, reverses)
                return
            self.played.rows[move, target] = [quantity, quantity if cost is None else 0, cost or 0]
            self._enter(target, move, quantity, cost)
            return
        known, amount = self.pool(source).leave(move, quantity)
        self.played.rows[move, source] = [-quantity, known - quantity, -amount]
        if target is not None:
            known, amount = self.given.get(move, (known, amount))
            self.used[move] = (source, (known, amount))
            self._enter_parts(target, move, quantity, known, amount)
        elif move in self.reversed_moves:
            override = self.given.get(move)
            whole = override or (known, amount)
            self.left[move] = Left(source, *whole, whole, override is not None)

    def late(self) -> dict[int, Known]:
        """Moves whose cost crossed into another pool and turned out differently, with what it is now."""
        found = {}
        for move, (pool, used) in self.used.items():
            quantity, unvalued, amount = self.played.rows[move, pool]
            now = (unvalued - quantity, -amount)
            if now != used:
                found[move] = now
        return found

    def settle_forgiven(self) -> None:
        """Units that were returned while short: worth what the issue's other units are worth, when that is known."""
        base: dict[tuple[int, str], Known] = {}
        for move, pool, issue, units in self.forgiven:
            row = self.played.rows[issue, pool]
            known, amount = base.setdefault((issue, pool), (row[1] - row[0], -row[2]))
            if known <= 0:
                continue
            worth = (2 * amount * units + known) // (2 * known)
            back = self.played.rows[move, pool]
            row[1] += units
            row[2] -= worth
            back[1] -= units
            back[2] += worth

    def _return(self, event: Event, target: str, issue: int) -> None:
        left = self.left[issue]
        rest = event.quantity
        if target == left.pool:
            pool = self.pool(target)
            forgiven = pool.forgive(issue, rest) if pool.shorts else 0
            if forgiven:
                self.forgiven.append((event.move, target, issue, forgiven))
                rest -= forgiven
        elif issue not in self.used and not left.past:
            self.used[issue] = (left.pool, left.whole)
        known = min(rest, left.known)
        amount = share(left.amount, known, left.known) if known else 0
        left.known -= known
        left.amount -= amount
        self._enter_parts(target, event.move, rest, known, amount)
        self.played.rows[event.move, target] = [event.quantity, event.quantity - known, amount]

    def _enter_parts(self, target: str, move: int, quantity: int, known: int, amount: int) -> None:
        self.played.rows[move, target] = [quantity, quantity - known, amount]
        if known:
            self._enter(target, move, known, amount)
        if quantity > known:
            self._enter(target, move, quantity - known, None)

    def _enter(self, target: str, move: int, quantity: int, value: int | None) -> None:
        for short, units, part in self.pool(target).enter(move, quantity, value):
            row = self.played.rows[short, target]
            row[1] += units
            row[2] -= part
            left = self.left.get(short)
            if left is not None and not left.given:
                left.known += units
                left.amount += part
                left.whole = (left.whole[0] + units, left.whole[1] + part)


def step(pools: dict[str, Pool], event: Event, left: Left | None) -> list[tuple[str, Row]] | None:
    """Play one event that comes after everything in ``pools`` (which change); rows by pool, or None: play it all again.

    None whenever the event would change what an earlier one is worth. ``left`` is what the reversed move still has to
    give back, None when that move, or another return of it, has open units. Nothing is changed when None is returned.
    """
    move, source, target, quantity, cost, reverses = event
    if target is not None and pools[target].shorts:
        return None
    if source is None:
        assert target is not None
        known, amount = (0, 0) if cost is None else (quantity, cost)
        if reverses is not None and cost is None:
            if left is None or left.known < quantity:
                return None
            known, amount = quantity, share(left.amount, quantity, left.known)
            left.known -= known
            left.amount -= amount
        return [(target, _bring(pools[target], move, quantity, known, amount))]
    if target is not None and pools[source].quantity < quantity:
        return None
    known, amount = pools[source].leave(move, quantity)
    rows = [(source, [-quantity, known - quantity, -amount])]
    if target is not None:
        rows.append((target, _bring(pools[target], move, quantity, known, amount)))
    return rows


def _bring(pool: Pool, move: int, quantity: int, known: int, amount: int) -> Row:
    if known:
        pool.enter(move, known, amount)
    if quantity > known:
        pool.enter(move, quantity - known, None)
    return [quantity, quantity - known, amount]

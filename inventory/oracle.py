"""A second, independent reckoning of stock value, for the proof only.

It shares no code with ``services.costing`` and is built the other way round: amounts are Decimals, both methods are the
same shelf of batches (average keeps one priced and one open batch), pools keep no totals: those are summed from the
entries at the end. It only knows how to play the whole history of a SKU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

ROUNDS = 12
_STEP = Decimal("0.0001")
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)


class Fact(NamedTuple):
    """A move between two pools (None: the outside world); ``cost`` None while unknown; ``undoes`` for a return."""

    move: int
    origin: str | None
    goal: str | None
    units: int
    cost: Decimal | None
    undoes: int | None


@dataclass(slots=True)
class Batch:
    move: int
    units: int
    value: Decimal | None


@dataclass(slots=True)
class Outgo:
    """Units that left: priced ones with their value, open ones, and of these those that are still owed to the shelf."""

    move: int
    pool: str
    units: int
    priced: int = 0
    value: Decimal = Decimal(0)
    owed: int = 0
    pardoned: dict[int, int] = field(default_factory=dict)  # return → units
    back_units: int = 0  # priced units that came back, with their value
    back_value: Decimal = Decimal(0)
    told: tuple[int, Decimal] | None = None  # what it was worth in the end, learnt in a former round
    quoted: tuple[int, Decimal] | None = None  # what another pool was told that it is worth

    @property
    def worth(self) -> tuple[int, Decimal]:
        return self.told or (self.priced, self.value)


@dataclass(slots=True)
class Shelf:
    average: bool
    batches: list[Batch] = field(default_factory=list)
    debtors: list[Outgo] = field(default_factory=list)
    start: int = 0  # batches before it are empty

    def put(self, batch: Batch) -> None:
        while batch.units and self.debtors:
            debtor = self.debtors[0]
            units = min(batch.units, debtor.owed)
            if batch.value is not None:
                value = portion(batch.value, units, batch.units)
                debtor.priced += units
                debtor.value += value
                batch.value -= value
            batch.units -= units
            debtor.owed -= units
            if not debtor.owed:
                del self.debtors[0]
        if not batch.units:
            return
        if not self.average:
            self.batches.append(batch)
            return
        for other in self.batches:
            if (other.value is None) == (batch.value is None):
                other.units += batch.units
                if other.value is not None and batch.value is not None:
                    other.value += batch.value
                return
        self.batches.insert(len(self.batches) if batch.value is None else 0, batch)

    def take(self, outgo: Outgo) -> None:
        wanted = outgo.units
        while wanted and self.start < len(self.batches):
            batch = self.batches[self.start]
            units = min(wanted, batch.units)
            if batch.value is not None:
                value = portion(batch.value, units, batch.units)
                outgo.priced += units
                outgo.value += value
                batch.value -= value
            batch.units -= units
            wanted -= units
            if not batch.units:
                self.start += 1
        if self.start > 64 or self.average:
            del self.batches[: self.start]
            self.start = 0
        if wanted:
            outgo.owed = wanted
            self.debtors.append(outgo)

    def layers(self) -> list[tuple[int, int, Decimal | None]]:
        stock = [] if self.average else [(b.move, b.units, b.value) for b in self.batches[self.start :]]
        return stock + [(debtor.move, -debtor.owed, None) for debtor in self.debtors]


@dataclass(slots=True)
class Reckoned:
    """{(move, pool): (units, open, value)} signed, and the shelves at the end."""

    entries: dict[tuple[int, str], tuple[int, int, Decimal]] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)

    def totals(self) -> dict[str, tuple[int, int, Decimal]]:
        sums: dict[str, tuple[int, int, Decimal]] = {}
        for (_, pool), (units, unknown, value) in self.entries.items():
            before = sums.get(pool, (0, 0, Decimal(0)))
            sums[pool] = (before[0] + units, before[1] + unknown, before[2] + value)
        return sums


def portion(value: Decimal, part: int, whole: int) -> Decimal:
    if part == whole:
        return value
    return _WIDE.quantize(_WIDE.divide(_WIDE.multiply(value, Decimal(part)), Decimal(whole)), _STEP)


def reckon(facts: Sequence[Fact], *, average: bool) -> Reckoned:
    """Play a SKU's facts, given in effective order, until what pools told each other is what it turned out to be."""
    learnt: dict[int, tuple[int, Decimal]] = {}
    endless: set[int] = set()  # costs that feed themselves: left open
    rounds = 0
    while True:
        rounds += 1
        result = Reckoned()
        outgoes = _play(facts, average, learnt, result)
        news = {
            o.move: (o.priced, o.value)
            for o in outgoes.values()
            if o.move not in endless and o.quoted is not None and o.quoted != (o.priced, o.value)
        }
        if not news:
            break
        for move, known in news.items():
            learnt[move] = known if rounds < ROUNDS else (0, Decimal(0))
        if rounds >= ROUNDS:
            endless |= set(news)
    _finish(outgoes, result)
    return result


def _play(
    facts: Sequence[Fact], average: bool, learnt: dict[int, tuple[int, Decimal]], result: Reckoned
) -> dict[int, Outgo]:
    outgoes: dict[int, Outgo] = {}
    sold: set[int] = set()
    for fact in facts:
        for pool in (fact.origin, fact.goal):
            if pool is not None and pool not in result.shelves:
                result.shelves[pool] = Shelf(average)
        if fact.origin is not None:
            outgo = Outgo(fact.move, fact.origin, fact.units, told=learnt.get(fact.move))
            outgoes[fact.move] = outgo
            result.shelves[fact.origin].take(outgo)
            if fact.goal is None:
                sold.add(fact.move)
                continue
            outgo.quoted = outgo.worth
            _bring(result, fact, *outgo.worth, pardoned=0)
        elif fact.cost is not None:
            _bring(result, fact, fact.units, fact.cost, pardoned=0)
        elif fact.undoes in sold:
            _take_back(result, fact, outgoes[fact.undoes])
        else:
            _bring(result, fact, 0, Decimal(0), pardoned=0)
    return outgoes


def _take_back(result: Reckoned, fact: Fact, outgo: Outgo) -> None:
    assert fact.goal is not None
    pardoned = 0
    if fact.goal == outgo.pool:
        pardoned = min(fact.units, outgo.owed)
        if pardoned:
            outgo.owed -= pardoned
            outgo.pardoned[fact.move] = pardoned
            if not outgo.owed:
                result.shelves[fact.goal].debtors.remove(outgo)
    elif outgo.quoted is None:
        outgo.quoted = outgo.worth
    rest_units, rest_value = outgo.worth[0] - outgo.back_units, outgo.worth[1] - outgo.back_value
    priced = min(fact.units - pardoned, rest_units)
    value = portion(rest_value, priced, rest_units) if priced else Decimal(0)
    outgo.back_units += priced
    outgo.back_value += value
    _bring(result, fact, priced, value, pardoned=pardoned)


def _bring(result: Reckoned, fact: Fact, priced: int, value: Decimal, *, pardoned: int) -> None:
    """``priced`` units come in with their value, the others open; pardoned ones only take a debt back."""
    assert fact.goal is not None
    shelf = result.shelves[fact.goal]
    result.entries[fact.move, fact.goal] = (fact.units, fact.units - priced, value)
    if priced:
        shelf.put(Batch(fact.move, priced, value))
    if fact.units - priced - pardoned:
        shelf.put(Batch(fact.move, fact.units - priced - pardoned, None))


def _finish(outgoes: dict[int, Outgo], result: Reckoned) -> None:
    """Entries of what left; units that came back while owed are worth what the others of the same issue are worth."""
    for outgo in outgoes.values():
        unknown, value = outgo.units - outgo.priced, outgo.value
        if outgo.priced:
            for back, units in outgo.pardoned.items():
                each = _WIDE.divide(_WIDE.multiply(outgo.value, Decimal(units)), Decimal(outgo.priced))
                price = _WIDE.quantize(each, _STEP)
                came, came_open, came_value = result.entries[back, outgo.pool]
                result.entries[back, outgo.pool] = (came, came_open - units, came_value + price)
                unknown -= units
                value += price
        result.entries[outgo.move, outgo.pool] = (-outgo.units, -unknown, -value)

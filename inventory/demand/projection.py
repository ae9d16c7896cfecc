"""Day by day: stock, what arrives, what is sold, when it runs out and what is lost until then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import NamedTuple

HORIZON_LIMIT = 730


@dataclass(frozen=True, slots=True)
class Demand:
    """Units a day over the coming days; day 0 is today. ``factors`` (season x event x trend) and ``overrides`` (planned
    units, they win over everything) by day."""

    velocity: float
    factors: Mapping[int, float] | None = None
    overrides: Mapping[int, float] | None = None
    factor: float = 1.0

    def on(self, day: int) -> float:
        if self.overrides and day in self.overrides:
            return self.overrides[day]
        return self.velocity * (self.factors.get(day, self.factor) if self.factors else self.factor)

    def over(self, days: float, start: int = 0) -> float:
        """Units asked in ``days`` days from day ``start``; a broken last day counts in part."""
        whole = int(days)
        if not self.factors and not self.overrides:
            return self.velocity * self.factor * days
        total = sum(self.on(start + day) for day in range(whole))
        return total + self.on(start + whole) * (days - whole)


class ProjectedDay(NamedTuple):  # many are made: a frozen dataclass takes three times as long
    """Units: ``start`` before arrivals, ``end`` after sales, ``lost`` what was asked and not there."""

    day: int
    start: float
    arriving: float
    asked: float
    lost: float
    end: float


@dataclass(frozen=True, slots=True)
class Projection:
    """``stock_out`` is the moment in days from now when the first unit is missing (17.8), None when it lasts."""

    days: tuple[ProjectedDay, ...]
    stock_out: float | None
    lost_days: float
    lost_units: float


def project(
    on_hand: float, demand: Demand, arrivals: Iterable[tuple[int, float]], horizon: int, keep: int | None = None
) -> Projection:
    """Simulate ``horizon`` days. ``arrivals``: (day, units), there from the start of that day; overdue ones come on day 0.

    ``lost_days`` and ``lost_units`` add up everything within the horizon, before and after later arrivals.
    ``keep``: only so many days are wanted one by one; after them an even demand on the last lots is reckoned at once.
    """
    if not 0 <= horizon <= HORIZON_LIMIT:
        raise ValueError(f"a projection covers up to {HORIZON_LIMIT} days")
    coming: dict[int, float] = {}
    for day, units in arrivals:
        coming[max(0, day)] = coming.get(max(0, day), 0) + units
    stock = max(0.0, on_hand)
    stock_out: float | None = None
    lost_days = lost_units = 0.0
    days: list[ProjectedDay] = []
    steady = None if demand.factors or demand.overrides else demand.on(0)
    last = horizon if keep is None or steady is None else min(horizon, max([keep, *(day + 1 for day in coming)]))
    for day in range(last):
        arriving, asked = coming.get(day, 0), demand.on(day) if steady is None else steady
        there = stock + arriving
        lost = asked - there if asked > there else 0.0
        # A thousandth of a unit is rounding of the floats, not a lost sale.
        if lost > 0.001:
            if stock_out is None:
                stock_out = day + there / asked
            lost_days += lost / asked
            lost_units += lost
        end = there - asked if there > asked else 0.0
        days.append(ProjectedDay(day, stock, arriving, asked, lost, end))
        stock = end
    short = (steady or 0.0) * (horizon - last) - stock
    if steady and short > 0.001:
        if stock_out is None:
            stock_out = last + _lasts(stock, steady)
        lost_days, lost_units = lost_days + short / steady, lost_units + short
    return Projection(tuple(days), stock_out, lost_days, lost_units)


def _lasts(stock: float, per_day: float) -> float:
    """Days until the first unit is missing; less than a thousandth of a unit short on a day is rounding."""
    days = stock / per_day
    whole = ceil(days)
    return float(whole) if (whole - days) * per_day <= 0.001 else days


@dataclass(frozen=True, slots=True)
class Route:
    """A way to bring goods in ``days`` days at ``cost_per_unit`` (``currency`` is the same for all routes compared)."""

    code: str
    days: int
    cost_per_unit: Decimal


def cheapest_in_time(routes: Sequence[Route], stock_out: float | None) -> Route | None:
    """The cheapest route that arrives before ``stock_out`` (any when it lasts); None when none does."""
    fitting = [route for route in routes if stock_out is None or route.days <= stock_out]
    return min(fitting, key=lambda route: (route.cost_per_unit, route.days, route.code), default=None)

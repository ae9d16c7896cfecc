"""Units a day: weighted windows over in-stock days, with the uplift capped and few days shrunk to the family's mean.

Days without stock say nothing about demand and are left out; a window with too few days left is dropped and the weights of the
others take its share. What out-of-stock days may add is capped, because a handful of good days is no proof of a season.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .terms import DAYS, FACTOR, PER_DAY, UNITS, Term


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``days`` days: units sold in them and how many of them had stock (``known``: since first availability)."""

    days: int
    sold: int
    in_stock: int
    known: int


@dataclass(frozen=True, slots=True)
class VelocitySettings:
    """``weights`` by window length in days. ``prior_days``: how many days the family's mean weighs; it counts only while the
    longest window has fewer than ``few_days`` in-stock days."""

    weights: Mapping[int, float] = field(default_factory=lambda: {7: 0.2, 30: 0.3, 90: 0.5})
    correct_stockouts: bool = True
    min_days: int = 3
    uplift_cap: float = 2.0
    prior_days: int = 14
    few_days: int = 30

    def __post_init__(self) -> None:
        if not self.weights or any(days < 1 for days in self.weights):
            raise ValueError("windows of at least one day are needed")
        if any(weight < 0 for weight in self.weights.values()) or sum(self.weights.values()) <= 0:
            raise ValueError("weights must not be negative, nor all zero")
        if self.uplift_cap < 1 or self.min_days < 1 or self.prior_days < 0:
            raise ValueError("uplift_cap and min_days are at least 1, prior_days at least 0")


def windows(sold: Sequence[int], in_stock: Sequence[bool], lengths: Sequence[int]) -> list[Window]:
    """Windows from daily history, oldest day first, the last day being yesterday; days before the first are unknown.

    A day on which something was sold had stock, whatever the snapshot of that day says. Raises ValueError when the two
    series are not equally long.
    """
    if len(sold) != len(in_stock):
        raise ValueError("sold and in_stock must cover the same days")
    made = []
    for days in lengths:
        part = range(max(0, len(sold) - days), len(sold))
        stocked = sum(1 for day in part if in_stock[day] or sold[day] > 0)
        made.append(Window(days, sum(sold[day] for day in part), stocked, len(part)))
    return made


def _window_term(window: Window, weight: float, settings: VelocitySettings) -> Term:
    inputs = [
        Term("window.sold", window.sold, UNITS, "sales"),
        Term("window.in_stock_days", window.in_stock, DAYS, "stock"),
        Term("window.known_days", window.known, DAYS, "stock"),
        Term("window.weight", weight, FACTOR, "setting"),
    ]
    params = {"days": window.days}
    days = window.in_stock if settings.correct_stockouts else window.known
    if window.known == 0 or days < min(settings.min_days, window.days):
        return Term(
            "velocity.window", None, PER_DAY, "formula", tuple(inputs), {**params, "dropped": True}, counted=False
        )
    plain = window.sold / window.known
    value = window.sold / days
    if value > plain * settings.uplift_cap:
        inputs.append(Term("window.uncapped", value, PER_DAY, "formula"))
        inputs.append(Term("window.uplift_cap", settings.uplift_cap, FACTOR, "setting"))
        value = plain * settings.uplift_cap
    return Term("velocity.window", value, PER_DAY, "formula", tuple(inputs), params)


def velocity(
    given: Sequence[Window], settings: VelocitySettings | None = None, family_mean: float | None = None
) -> Term:
    """Weighted in-stock velocity in units a day. ``family_mean``: units a day of similar SKUs, None when unknown.

    Without any usable window it is the family's mean, and 0 with ``params["no_data"]`` where there is none either.
    """
    settings = settings or VelocitySettings()
    by_days = {window.days: window for window in given}
    missing = sorted(set(settings.weights) - set(by_days))
    if missing:
        raise ValueError(f"no window of {missing} days")
    terms = [_window_term(by_days[days], weight, settings) for days, weight in sorted(settings.weights.items())]
    used = [(term.number, settings.weights[term.params["days"]]) for term in terms if term.counted]
    share = sum(weight for _, weight in used)
    base = sum(value * weight for value, weight in used) / share if share > 0 else None
    weighted = Term("velocity.weighted", base, PER_DAY, "formula", tuple(terms), {"weights_used": share})
    longest = by_days[max(settings.weights)]
    days = longest.in_stock if settings.correct_stockouts else longest.known
    if family_mean is not None and days < settings.few_days and days + settings.prior_days > 0:
        value = (longest.sold + settings.prior_days * family_mean) / (days + settings.prior_days)
        inputs = (
            weighted,
            Term("shrink.sold", longest.sold, UNITS, "sales"),
            Term("shrink.days", days, DAYS, "stock"),
            Term("shrink.family_mean", family_mean, PER_DAY, "sales"),
            Term("shrink.family_days", settings.prior_days, DAYS, "setting"),
        )
        return Term("velocity", value, PER_DAY, "formula", inputs, {"shrunk": True})
    if base is None:
        return Term("velocity", 0.0, PER_DAY, "formula", (weighted,), {"no_data": True})
    return Term("velocity", base, PER_DAY, "formula", (weighted,))


def days_of_supply(units: float, per_day: float) -> float | None:
    """How many days ``units`` last; None when nothing is sold."""
    return units / per_day if per_day > 0 else None

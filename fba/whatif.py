"""Pure: a stored line reckoned again with other values, by the same mathematics as the run, and its chart.

Everything else stays what the run saw (sales, stock, its day), so that only what was moved makes the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil
from typing import Any

from core.errors import BusinessError
from fba.options import Options
from fba.planning import grown
from inventory.demand import Demand, Packing, Request, Stock, Suggestion, Term, project, suggest
from inventory.demand.position import AT_PLATFORM, INBOUND

LONGEST_CHART = 240  # days


@dataclass(frozen=True, slots=True)
class Values:
    """What the sliders move. ``lead_days``: the supplier's; ``cover_days``: wanted beyond the lead time (review and
    safety); ``growth``: the coming sales against those measured; ``moq``: least quantity to buy."""

    lead_days: int
    cover_days: int
    growth: float
    moq: int


LIMITS: dict[str, tuple[float, float]] = {
    "lead_days": (0, 365),
    "cover_days": (1, 365),
    "growth": (0.1, 5.0),
    "moq": (0, 1_000_000),
}


def values(given: Mapping[str, str], otherwise: Values) -> Values:
    """From a form. Raises BusinessError ``restock.bad_what_if`` outside of LIMITS."""
    found: dict[str, Any] = {}
    for name, (least, most) in LIMITS.items():
        text = given.get(name, "").strip()
        if not text:
            continue
        try:
            number = float(text) if name == "growth" else int(text)
        except ValueError:
            raise BusinessError("restock.bad_what_if", field=name) from None
        if not least <= number <= most:
            raise BusinessError("restock.bad_what_if", field=name)
        found[name] = number
    return replace(otherwise, **found)


def term_of(data: Mapping[str, Any]) -> Term:
    """A term as ``fba.terms.unpack`` gives it, as a term again."""
    value = data.get("value")
    return Term(
        data["code"],
        date.fromisoformat(value) if data["unit"] == "date" and isinstance(value, str) else value,
        data["unit"],
        data["source"],
        tuple(term_of(inner) for inner in data.get("inputs", ())),
        data.get("params", {}),
        data.get("counted", True),
    )


def measured(terms: Mapping[str, Any]) -> tuple[Term, float]:
    """(units a day as they were sold, the growth that the run multiplied them with)."""
    speed = term_of(terms["velocity"])
    if speed.code == "velocity.grown":
        return speed.inputs[0], speed.inputs[1].number
    return speed, 1.0


def safety_of(options: Options, terms: Mapping[str, Any]) -> float:
    """Days of safety that the run took; those of the options where it took a service level."""
    for inner in terms["buy"]["reorder_point"].get("inputs", ()):
        for setting in inner.get("inputs", ()):
            if setting["code"] == "safety_days":
                return float(setting["value"])
    return options.safety_days


def present(terms: Mapping[str, Any], options: Options, moq: int) -> Values:
    """What the run reckoned with."""
    _speed, growth = measured(terms)
    production = [one["value"] for one in terms["lead_time"].get("inputs", ()) if one["code"] == "lead_time.production"]
    cover = options.review_days + safety_of(options, terms)
    return Values(int(production[0]) if production else 0, ceil(cover), growth, moq)


def reckon(
    terms: Mapping[str, Any],
    options: Options,
    day: date,
    *,
    chosen: Values,
    former: Values,
    carton: int,
    platform: bool,
) -> tuple[Suggestion, Request]:
    """The suggestion with ``chosen``; with ``former`` untouched it is the stored one."""
    speed, _ = measured(terms)
    parts = {
        str(one["code"]).removeprefix("position."): int(one["value"])
        for one in terms["buy"]["position"].get("inputs", ())
    }
    cover = options.cover()
    if chosen.cover_days != former.cover_days:
        review = min(cover.review_days, chosen.cover_days)
        cover = replace(cover, review_days=review, safety_days=chosen.cover_days - review, service_level=None)
    elif cover.service_level is None:
        cover = replace(cover, safety_days=safety_of(options, terms))
    request = Request(
        today=day,
        velocity=grown(speed, chosen.growth),
        stock=Stock(parts),
        buy_lead=options.bought(chosen.lead_days, for_platform=platform),
        send_lead=options.to_platform() if platform else None,
        cover=cover,
        position=options.position(),
        buy_packing=Packing(moq=chosen.moq if chosen.moq > 1 else 0, carton=max(1, carton)),
        send_packing=Packing(carton=max(1, carton)),
    )
    return suggest(request), request


@dataclass(frozen=True, slots=True)
class Chart:
    """By day from the run's: stock if nothing is ordered, if the suggestion is ordered today, and of what is there now
    without what is on its way. ``safety``: units of safety stock. Marks are days from the run's, None outside."""

    days: list[date]
    nothing: list[float]
    ordered: list[float]
    here: list[float]
    safety: int
    order_by: int | None
    out: int | None
    arrives: int | None


def chart(made: Suggestion, request: Request) -> Chart:
    demand = Demand(request.velocity.number)
    lead = ceil(request.buy_lead.days)
    held = made.buy.position.number
    coming = sum(
        int(term.number)
        for term in made.buy.position.inputs
        if term.counted and term.code.removeprefix("position.") in (*INBOUND, *_between())
    )
    span = max(30, lead + ceil(request.cover.review_days + request.cover.safety_days) + 14)
    if demand.on(0) > 0:
        span = max(span, min(LONGEST_CHART, ceil(held / demand.on(0)) + 14))
    span = min(LONGEST_CHART, span)
    arrivals = [(lead, float(made.buy.quantity))] if made.buy.quantity else []
    series = [
        project(held, demand, [], span),
        project(held, demand, arrivals, span),
        project(held - coming, demand, [], span),
    ]
    shown = [[round(day.start + day.arriving, 1) for day in one.days] for one in series]
    safety = next((t.number for t in made.buy.reorder_point.inputs if t.code == "safety"), 0.0)
    return Chart(
        [request.today + timedelta(days=n) for n in range(span)],
        shown[0],
        shown[1],
        shown[2] if coming else [],
        round(safety),
        _place(made.latest_order, request.today, span),
        _place(made.stock_out, request.today, span),
        lead if made.buy.quantity and lead < span else None,
    )


def _between() -> tuple[str, ...]:
    """At the platform, but not for sale yet."""
    return tuple(code for code in AT_PLATFORM if code != "available")


def _place(term: Term, today: date, span: int) -> int | None:
    if not isinstance(term.value, date):
        return None
    place = (term.value - today).days
    return max(0, place) if place < span else None

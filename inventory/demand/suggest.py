"""How much to buy and how much to send, when at the latest, and why: the reorder point and order-up-to rule, term by term.

*buy* asks the supplier and looks at everything that is there or coming over the whole lead time. *send* moves own stock to the
marketplace's warehouse, looks only at what is there or on its way there, and can never be more than the own free stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, floor
from typing import Any

from .position import AT_PLATFORM, INBOUND, OPEN_PO, OWN, PositionSettings, Stock, position, usable
from .projection import HORIZON_LIMIT, Demand, Projection, project
from .safety import normal_safety, poisson_quantile, z_value
from .terms import DATE, DAYS, FACTOR, UNITS, Term

# Float sums of whole cartons may lie a hair above them.
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class LeadTime:
    """``stages``: (code, days) such as purchase, production, qc, domestic, head_haul, receiving. ``sigma_days``: its spread."""

    stages: Sequence[tuple[str, float]]
    sigma_days: float = 0.0
    days: float = field(init=False, default=0.0, compare=False)
    _term: Term | None = field(init=False, default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Said once: thousands of SKUs share a lead time, and each suggestion names it four times.
        object.__setattr__(self, "days", sum(days for _, days in self.stages))
        parts = tuple(Term(f"lead_time.{code}", days, DAYS, "setting") for code, days in self.stages)
        object.__setattr__(self, "_term", Term("lead_time", self.days, DAYS, "formula", parts))

    def term(self) -> Term:
        assert self._term is not None
        return self._term


@dataclass(frozen=True, slots=True)
class CoverSettings:
    """``review_days``: how often one orders. Safety is ``safety_days`` of demand, or by ``service_level`` when that is given:
    Poisson below ``slow_below`` units over lead time and review, else normal with ``sigma_day`` (units)."""

    review_days: float = 7
    safety_days: float = 14
    service_level: float | None = None
    sigma_day: float = 0.0
    slow_below: float = 12


@dataclass(frozen=True, slots=True)
class Packing:
    """``carton``: units a carton. ``caps``: (code, units) upper limits: capacity, budget, free stock."""

    moq: int = 0
    carton: int = 1
    caps: Sequence[tuple[str, int]] = ()
    max_days: float | None = None

    def __post_init__(self) -> None:
        if self.carton < 1 or self.moq < 0:
            raise ValueError("a carton holds at least one unit, and a MOQ is not negative")


@dataclass(frozen=True, slots=True)
class Advice:
    """One quantity with all its terms. ``reorder_point``, ``order_up_to``, ``position``, ``raw``, then the ``steps`` of MOQ,
    carton and caps, each the quantity after it. ``due``: the position has reached the reorder point."""

    kind: str
    quantity: int
    due: bool
    reorder_point: Term
    order_up_to: Term
    position: Term
    raw: Term
    steps: tuple[Term, ...]

    def to_json(self) -> dict[str, Any]:
        terms = {
            "reorder_point": self.reorder_point,
            "order_up_to": self.order_up_to,
            "position": self.position,
            "raw": self.raw,
        }
        return {
            "kind": self.kind,
            "quantity": self.quantity,
            "due": self.due,
            **{name: term.to_json() for name, term in terms.items()},
            "steps": [term.to_json() for term in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Everything about one SKU (at one marketplace). ``state``: no_demand, out, late (out before new goods can come), order
    (reorder point reached), excess, ok. ``send`` is None for goods that no platform keeps."""

    state: str
    velocity: Term
    lead_time: Term
    buy: Advice
    send: Advice | None
    projection: Projection
    cover_days: Term
    stock_out: Term
    latest_order: Term
    lost_days: Term
    lost_units: Term

    def to_json(self) -> dict[str, Any]:
        names = ("velocity", "lead_time", "cover_days", "stock_out", "latest_order", "lost_days", "lost_units")
        return {
            "state": self.state,
            "buy": self.buy.to_json(),
            "send": self.send.to_json() if self.send else None,
            **{name: getattr(self, name).to_json() for name in names},
        }


@dataclass(frozen=True, slots=True)
class Request:
    """What ``suggest`` needs. ``today`` is a day in the marketplace's zone. ``send_lead`` None: nothing is sent anywhere."""

    today: date
    velocity: Term
    stock: Stock
    buy_lead: LeadTime
    send_lead: LeadTime | None = None
    cover: CoverSettings = field(default_factory=CoverSettings)
    position: PositionSettings = field(default_factory=PositionSettings)
    buy_packing: Packing = field(default_factory=Packing)
    send_packing: Packing = field(default_factory=Packing)
    demand: Demand | None = None  # None: the plain velocity on every day
    whole_projection: bool = True  # False: no day by day where demand is even, else only until an order could arrive


def _targets(demand: Demand, lead: LeadTime, cover: CoverSettings) -> tuple[Term, Term]:
    """Reorder point and order-up-to level in units."""
    both = lead.days + cover.review_days
    in_lead, in_both = demand.over(lead.days), demand.over(both)
    lead_term = Term("demand.lead_time", in_lead, UNITS, "formula", (lead.term(),))
    review = Term("review", cover.review_days, DAYS, "setting")
    both_term = Term("demand.lead_time_and_review", in_both, UNITS, "formula", (lead.term(), review))
    if cover.service_level is None:
        setting = Term("safety_days", cover.safety_days, DAYS, "setting")
        after_lead = demand.over(lead.days + cover.safety_days) - in_lead
        after_both = demand.over(both + cover.safety_days) - in_both
        safeties = [
            Term("safety", units, UNITS, "formula", (setting,), {"method": "days"})
            for units in (after_lead, after_both)
        ]
    else:
        safeties = [_statistical(demand, lead, cover, days) for days in (lead.days, both)]
    point = Term("reorder_point", in_lead + safeties[0].number, UNITS, "formula", (lead_term, safeties[0]))
    level = Term("order_up_to", in_both + safeties[1].number, UNITS, "formula", (both_term, safeties[1]))
    return point, level


def _statistical(demand: Demand, lead: LeadTime, cover: CoverSettings, days: float) -> Term:
    service = cover.service_level or 0.0
    mean = demand.over(days)
    inputs: tuple[Term, ...] = (
        Term("service_level", service, FACTOR, "setting"),
        Term("safety.mean", mean, UNITS, "formula"),
    )
    # One rule for both levels of an item, so that the reorder point never lies above the order-up-to level.
    if demand.over(lead.days + cover.review_days) < cover.slow_below:
        units = max(0.0, poisson_quantile(mean, service) - mean)
        return Term("safety", units, UNITS, "formula", inputs, {"method": "poisson"})
    z = z_value(service)
    per_day = mean / days if days else 0.0
    units = max(0.0, normal_safety(z, cover.sigma_day, days, per_day, lead.sigma_days))
    inputs += (
        Term("safety.z", z, FACTOR, "formula"),
        Term("safety.sigma_day", cover.sigma_day, UNITS, "sales"),
        Term("safety.sigma_lead_time", lead.sigma_days, DAYS, "setting"),
    )
    return Term("safety", units, UNITS, "formula", inputs, {"method": "normal"})


def _pack(raw: float, packing: Packing, per_day: float, have: float) -> tuple[int, tuple[Term, ...]]:
    """Round a raw quantity to what can be ordered: MOQ, whole cartons, caps (rounded down to cartons)."""
    steps: list[Term] = []
    if raw <= _HAIR:
        return 0, ()
    wanted = raw
    if packing.moq and wanted < packing.moq:
        wanted = float(packing.moq)
    steps.append(Term("step.moq", wanted, UNITS, "formula", (Term("moq", packing.moq, UNITS, "setting"),)))
    quantity = ceil(wanted / packing.carton - _HAIR) * packing.carton
    carton = Term("carton", packing.carton, UNITS, "setting")
    steps.append(Term("step.carton", quantity, UNITS, "formula", (carton,), {"cartons": quantity // packing.carton}))
    caps = list(packing.caps)
    if packing.max_days is not None:
        caps.append(("max_days", floor(max(0.0, packing.max_days * per_day - have))))
    for code, limit in caps:
        if limit < quantity:
            quantity = max(0, limit) // packing.carton * packing.carton
            cap = Term(f"cap.{code}", limit, UNITS, "setting")
            steps.append(Term("step.cap", quantity, UNITS, "formula", (cap,), {"cap": code}))
    if 0 < quantity < packing.moq:
        steps.append(Term("step.cap_below_moq", 0, UNITS, "formula", (Term("moq", packing.moq, UNITS, "setting"),)))
        quantity = 0
    return quantity, tuple(steps)


def advise(kind: str, demand: Demand, lead: LeadTime, cover: CoverSettings, held: Term, packing: Packing) -> Advice:
    """Reorder point, order-up-to level, raw quantity and what can really be ordered, for the position ``held``."""
    point, level = _targets(demand, lead, cover)
    raw = Term("raw", max(0.0, level.number - held.number), UNITS, "formula", (level, held))
    quantity, steps = _pack(raw.number, packing, demand.on(0), held.number)
    return Advice(kind, quantity, held.number <= point.number and demand.over(1) > 0, point, level, held, raw, steps)


def _send(request: Request, demand: Demand) -> Advice | None:
    if request.send_lead is None:
        return None
    horizon = int(request.send_lead.days + request.cover.review_days)
    held = position(request.stock, horizon, request.position, (*AT_PLATFORM, *INBOUND))
    free = request.stock.parts.get("local_free", 0)
    packing = Packing(
        request.send_packing.moq,
        request.send_packing.carton,
        (*request.send_packing.caps, ("free_stock", free)),
        request.send_packing.max_days,
    )
    return advise("send", demand, request.send_lead, request.cover, held, packing)


def _projection(request: Request, demand: Demand, horizon: int) -> tuple[Projection, float, float]:
    """(projection, units and days lost until goods ordered today could arrive).

    Counted stock day by day. What lies in own hands counts as here: it can be sent before the platform's stock is gone."""
    switches = request.position.switches
    here = sum(
        request.stock.parts.get(code, 0) for code in (*AT_PLATFORM, *INBOUND, *OWN, OPEN_PO) if switches.get(code)
    )
    lots = [
        (lot.day, float(lot.quantity))
        for lot in request.stock.arrivals
        if switches.get(lot.code) and usable(lot, request.position)
    ]
    until = ceil(request.buy_lead.days)
    if not request.whole_projection and not lots and not demand.factors and not demand.overrides:
        # An even demand on what is here needs no days one by one.
        asked = demand.on(0)
        lost = min(max(0.0, asked * until - max(0.0, here)), asked * until)
        lost = lost if lost > 0.001 else 0.0
        return project(here, demand, lots, horizon, 0), lost, lost / asked if asked else 0.0
    projection = project(here, demand, lots, horizon, None if request.whole_projection else until)
    before = projection.days[:until]
    return projection, sum(day.lost for day in before), sum(day.lost / day.asked for day in before if day.asked > 0)


def _state(
    velocity: float, available: float, lead: float, buy: Advice, projection: Projection, cover: float | None
) -> str:
    if velocity <= 0:
        return "no_demand"
    if available <= 0:
        return "out"
    if projection.stock_out is not None and projection.stock_out < lead:
        return "late"
    if buy.due:
        return "order"
    if cover is not None and cover > 2 * buy.order_up_to.number / velocity:
        return "excess"
    return "ok"


def suggest(request: Request) -> Suggestion:
    """The suggestion for one SKU, every figure with its terms. Quantities are whole units."""
    demand = request.demand or Demand(request.velocity.number)
    lead = request.buy_lead
    horizon = ceil(lead.days + request.cover.review_days)
    held = position(request.stock, int(horizon), request.position)
    buy = advise("buy", demand, lead, request.cover, held, request.buy_packing)
    per_day = request.velocity.number
    # A unit in a thousand years is no sale: days of cover would leave every calendar.
    cover = held.number / per_day if per_day > 1e-6 else None
    # Far enough to see the end of the stock; what is lost counts only until goods ordered today could arrive.
    far = min(HORIZON_LIMIT, max(horizon, ceil(cover or 0) + 1))
    projection, lost_units, lost_days = _projection(request, demand, far)
    out_day = projection.stock_out
    runs_out = request.today + timedelta(days=floor(out_day)) if out_day is not None else None
    latest = request.today + timedelta(days=floor(out_day - lead.days)) if out_day is not None else None
    params = {"in_days": out_day} if out_day is not None else {"beyond_days": far}
    sellable = AT_PLATFORM if request.send_lead is not None else (*AT_PLATFORM, *OWN)
    available = sum(request.stock.parts.get(code, 0) for code in sellable)
    cover_inputs = (held, request.velocity)
    state = _state(per_day, available, lead.days, buy, projection, cover)
    return Suggestion(
        state=state,
        velocity=request.velocity,
        lead_time=lead.term(),
        buy=buy,
        send=_send(request, demand),
        projection=projection,
        cover_days=Term("cover_days", cover, DAYS, "formula", cover_inputs, {"state": state}),
        stock_out=Term("stock_out", runs_out, DATE, "formula", (), params),
        latest_order=Term(
            "latest_order",
            latest,
            DATE,
            "formula",
            (lead.term(),),
            {"overdue": bool(latest and latest < request.today)},
        ),
        lost_days=Term("lost_days", lost_days, DAYS, "formula"),
        lost_units=Term("lost_units", lost_units, UNITS, "formula"),
    )

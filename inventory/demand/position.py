"""What is there or on its way: each part counted or left out by a switch, and shown either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .terms import UNITS, Term

# At the marketplace's warehouse; on the way there; in own hands; at the supplier.
AT_PLATFORM = ("available", "fc_transfer", "fc_processing")
INBOUND = ("inbound_shipped", "inbound_receiving", "inbound_working")
OWN = ("local_free", "overseas")
OPEN_PO = "open_po"
NEVER = ("customer_reserve", "unfulfillable")
PARTS = (*AT_PLATFORM, *INBOUND, *OWN, OPEN_PO, *NEVER)
_KNOWN = frozenset(PARTS)

# Inbound "working" is only an intention until somebody confirms it.
DEFAULT_SWITCHES: Mapping[str, bool] = {
    **dict.fromkeys((*AT_PLATFORM, *INBOUND, *OWN, OPEN_PO), True),
    "inbound_working": False,
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A lot that is expected: ``day`` counts from today (0; negative is overdue), ``code`` is its part of the position.

    ``open_share``: what is still open of the original quantity, for the rule about overdue remainders.
    """

    day: int
    quantity: int
    code: str = OPEN_PO
    ref: str = ""
    cancelled: bool = False
    open_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Stock:
    """Units by part of the position (keys of the tuples above), and the lots on their way.

    What stands in ``arrivals`` must not be in ``parts`` too: units there count as if they were here.
    """

    parts: Mapping[str, int]
    arrivals: Sequence[Arrival] = ()


@dataclass(frozen=True, slots=True)
class PositionSettings:
    """``switches`` by part; ``overdue_short``: an overdue remainder below this share of its lot is not waited for."""

    switches: Mapping[str, bool] = field(default_factory=lambda: dict(DEFAULT_SWITCHES))
    overdue_short: float = 0.06

    def __post_init__(self) -> None:
        forbidden = [code for code in NEVER if self.switches.get(code)]
        if forbidden:
            raise ValueError(f"{', '.join(forbidden)} can never be counted")


def usable(arrival: Arrival, settings: PositionSettings) -> bool:
    """Whether a lot will come: not cancelled, and not the small rest of a lot that is overdue."""
    if arrival.cancelled or arrival.quantity <= 0:
        return False
    return arrival.day >= 0 or arrival.open_share >= settings.overdue_short


def position(stock: Stock, horizon: int, settings: PositionSettings, only: Sequence[str] | None = None) -> Term:
    """Units that meet the demand of the next ``horizon`` days. ``only`` narrows to those parts (the rest is shown, not counted).

    Raises ValueError for a part that nobody knows.
    """
    strange = sorted({*stock.parts, *(arrival.code for arrival in stock.arrivals)} - _KNOWN)
    if strange:
        raise ValueError(f"unknown parts of a position: {', '.join(strange)}")
    terms: list[Term] = []
    for code in PARTS:
        here = stock.parts.get(code, 0)
        lots = [arrival for arrival in stock.arrivals if arrival.code == code] if stock.arrivals else ()
        if not here and not lots:
            continue
        counted = bool(settings.switches.get(code)) and code not in NEVER and (only is None or code in only)
        if here:
            terms.append(Term(f"position.{code}", here, UNITS, "stock", counted=counted))
        for lot in lots:
            coming = usable(lot, settings) and lot.day <= horizon
            params = {"day": lot.day, "ref": lot.ref, "cancelled": lot.cancelled}
            terms.append(Term(f"position.{code}", lot.quantity, UNITS, "plan", (), params, counted and coming))
    total = sum(int(term.number) for term in terms if term.counted)
    return Term("position", total, UNITS, "formula", tuple(terms), {"horizon_days": horizon})

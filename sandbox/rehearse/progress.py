"""How far a run is: counts of the tenant's own tables, and whether anything still moves."""

from __future__ import annotations

from dataclasses import dataclass, field

from core import bulk
from core.tenancy import public_context, tenant_context

from .people import steady

GONE = ("handed", "delivered", "returned")
ROUTED = ("ready", "booking", "failed", "booked", "packed", *GONE)
ENDED = ("delivered", "returned", "cancelled", "combined", "platform", "elsewhere")


@dataclass
class Progress:
    """Counts. ``open_work``: outbox rows of the tenant that are not done; ``dead``: those that were given up."""

    orders: int = 0
    routed: int = 0
    booked: int = 0
    handed: int = 0
    delivered: int = 0
    ended: int = 0
    confirmed: int = 0
    unconfirmed: int = 0
    refused: int = 0
    messages: int = 0
    answered: int = 0
    raw_new: int = 0
    raw_dead: int = 0
    open_work: int = 0
    dead: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        return (
            f"orders {self.orders}  routed {self.routed}  booked {self.booked}  handed {self.handed}"
            f"  confirmed {self.confirmed}  delivered {self.delivered}  ended {self.ended}"
            f"  answers {self.answered}/{self.messages}  open {self.open_work}"
        )

    def further(self, best: list[int]) -> bool:
        """Whether anything got further than ``best`` tells, which is brought up to date. To and fro is no movement."""
        now = [self.orders, self.booked, self.handed, self.confirmed, self.delivered, self.ended, self.messages]
        now += [self.answered, -self.raw_new]
        before = list(best) or [-1] * len(now)
        best[:] = [max(pair) for pair in zip(before, now, strict=True)]
        return best != before


def look(schema: str) -> Progress:
    return steady(lambda: _look(schema))


def _look(schema: str) -> Progress:
    found = Progress()
    with tenant_context(schema):
        found.states = dict(bulk.fetch("SELECT state, count(*) FROM orders_order GROUP BY state"))
        confirmations = dict(bulk.fetch("SELECT state, count(*) FROM channels_confirmation GROUP BY state"))
        found.raw_new, found.raw_dead = bulk.fetch(
            "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 2) FROM channels_rawpayload"
            " WHERE state IN (0, 2)"
        )[0]
        found.messages, found.answered = bulk.fetch(
            "SELECT count(*) FILTER (WHERE direction = 'in'), count(*) FILTER (WHERE direction = 'out' AND state = 'sent')"
            " FROM crm_message"
        )[0]
    with public_context():
        found.open_work, found.dead = bulk.fetch(
            "SELECT count(*) FILTER (WHERE state < 2), count(*) FILTER (WHERE state = 2) FROM public.central_outbox"
            " WHERE schema = %s",
            [schema],
        )[0]
    of = found.states
    found.orders = sum(of.values())
    found.routed = sum(of.get(state, 0) for state in ROUTED)
    found.booked = sum(of.get(state, 0) for state in ("booked", "packed", *GONE))
    found.handed = sum(of.get(state, 0) for state in GONE)
    found.delivered = of.get("delivered", 0) + of.get("returned", 0)
    found.ended = sum(of.get(state, 0) for state in ENDED)
    found.confirmed = confirmations.get("confirmed", 0)
    found.refused = confirmations.get("refused", 0) + confirmations.get("dropped", 0)
    found.unconfirmed = sum(confirmations.values()) - found.confirmed - found.refused
    return found

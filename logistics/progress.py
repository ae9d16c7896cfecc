"""Pure: where a parcel stands by its milestones, when to ask again, and what is the same milestone."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.values import TrackEvent
from logistics import canonical as c

# After delivery or return, only these say that it was not the end; a late "information received" does not.
CONTRADICTING = frozenset({c.IN_TRANSIT, c.OUT_FOR_DELIVERY, c.PICKUP, c.FAILED, c.EXCEPTION, c.DELIVERED, c.RETURNED})

_RANK = {main: rank for rank, main in enumerate(c.MAINS)}  # of milestones at the same moment (times are often rounded)

FIRST_ASK = timedelta(hours=6)
ASK_EVERY: dict[str, timedelta] = {
    "": timedelta(hours=12),
    c.NOT_FOUND: timedelta(hours=12),
    c.INFO_RECEIVED: timedelta(hours=12),
    c.IN_TRANSIT: timedelta(hours=8),
    c.OUT_FOR_DELIVERY: timedelta(hours=1),
    c.PICKUP: timedelta(hours=12),
    c.FAILED: timedelta(hours=6),
    c.EXCEPTION: timedelta(hours=12),
}
ASK_NO_LONGER = timedelta(days=120)  # after the hand-over


@dataclass(frozen=True, slots=True)
class Milestone:
    at: datetime
    main: str
    sub: str


@dataclass(frozen=True, slots=True)
class Standing:
    """``ended_at``: when it was delivered or returned; ``reopened_at``: when a later milestone contradicted an end."""

    main: str = ""
    sub: str = ""
    at: datetime | None = None
    ended_at: datetime | None = None
    reopened_at: datetime | None = None


def standing(milestones: Iterable[Milestone]) -> Standing:
    """The newest milestone counts; an end holds until a *later* one contradicts it, which reopens the parcel.

    The order in which they are told does not matter. Of two at the same moment, the end counts.
    """
    now = Standing()
    for mile in sorted(milestones, key=lambda m: (m.at, m.main in c.FINAL, _RANK.get(m.main, 0), m.sub)):
        final = mile.main in c.FINAL
        ended = now.ended_at
        if ended is None:
            now = Standing(mile.main, mile.sub, mile.at, mile.at if final else None, now.reopened_at)
        elif mile.main == now.main:
            continue  # delivered is told again, e.g. by a second source
        elif final and mile.at == ended:
            now = Standing(mile.main, mile.sub, mile.at, mile.at, now.reopened_at)
        elif mile.at > ended and mile.main in CONTRADICTING:
            now = Standing(mile.main, mile.sub, mile.at, mile.at if final else None, mile.at)
    return now


def ask_again_in(main: str) -> timedelta | None:
    """How long to wait before a source is asked again; None: never (delivered, returned, expired)."""
    if main in c.FINAL or main == c.EXPIRED:
        return None
    return ASK_EVERY.get(main, ASK_EVERY[c.IN_TRANSIT])


def event_key(carrier: str, event: TrackEvent) -> str:
    """32 hex digits; the same milestone told twice has the same, whatever its spacing and case."""
    text = " ".join(unicodedata.normalize("NFKC", event.description).lower().split())
    place = " ".join(unicodedata.normalize("NFKC", event.location).lower().split())
    whole = "|".join((carrier, event.time.isoformat(), event.code, text, place))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]

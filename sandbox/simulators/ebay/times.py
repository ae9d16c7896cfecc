"""Times of this platform: GMT with milliseconds and Z, and the Pacific day by which the call limit counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..base import clock

DAY = 86400.0


def seconds(text: str) -> float:
    """ISO text as epoch seconds; without a zone it is GMT. Raises ValueError for an impossible date."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def stamp(at: float) -> str:
    return clock.iso(at, millis=True)


def pacific_day() -> str:
    """The limit's day. Where the machine knows no zones, Pacific standard time without summer time stands in."""
    try:
        return clock.now().astimezone(ZoneInfo("America/Los_Angeles")).date().isoformat()
    except ZoneInfoNotFoundError:
        return (clock.now() - timedelta(hours=8)).date().isoformat()

"""The only source of time. Business time may be scaled for a rehearsal; leases and time-outs use the wall clock.

``SAMPAN_CLOCK="<real epoch>:<simulated epoch>:<speed>"`` (seconds) puts the product and the simulators on one scaled
clock. Production refuses it (``config.settings``).
"""

from __future__ import annotations

import os
import time as _time
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=8)
def _parse(raw: str) -> tuple[float, float, float]:
    real, simulated, speed = (float(part) for part in raw.split(":"))
    return real, simulated, speed


def epoch() -> float:
    """Seconds since 1970 on the business clock."""
    raw = os.environ.get("SAMPAN_CLOCK", "")
    if not raw:
        return _time.time()
    real, simulated, speed = _parse(raw)
    return simulated + (_time.time() - real) * speed


def speed() -> float:
    raw = os.environ.get("SAMPAN_CLOCK", "")
    return _parse(raw)[2] if raw else 1.0


def now() -> datetime:
    """Aware UTC on the business clock."""
    return datetime.fromtimestamp(epoch(), tz=UTC)


def wall() -> datetime:
    """Aware UTC of the machine: for leases, heartbeats and anything that guards real processes."""
    return datetime.fromtimestamp(_time.time(), tz=UTC)


def monotonic() -> float:
    return _time.monotonic()


def sleep(seconds: float) -> None:
    """Real seconds."""
    _time.sleep(seconds)


def day_in(zone: str, moment: datetime | None = None) -> date:
    """The calendar day of ``moment`` (default now) in the named zone."""
    return (moment or now()).astimezone(ZoneInfo(zone)).date()

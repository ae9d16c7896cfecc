"""The simulators' own clock; it follows the same scale as the product so that limits and windows agree.

``SAMPAN_CLOCK="<real epoch>:<simulated epoch>:<speed>"`` (all in seconds); unset means real time.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime


def _scale() -> tuple[float, float, float] | None:
    raw = os.environ.get("SAMPAN_CLOCK", "")
    if not raw:
        return None
    real, simulated, speed = (float(part) for part in raw.split(":"))
    return real, simulated, speed


def epoch() -> float:
    """Seconds since 1970 on the (perhaps scaled) clock."""
    scale = _scale()
    if scale is None:
        return time.time()
    real, simulated, speed = scale
    return simulated + (time.time() - real) * speed


def now() -> datetime:
    return datetime.fromtimestamp(epoch(), tz=UTC)


def iso(moment: datetime | float | None = None, *, millis: bool = False) -> str:
    """ISO 8601 with Z, as the platforms write it."""
    if moment is None:
        moment = now()
    if isinstance(moment, int | float):
        moment = datetime.fromtimestamp(moment, tz=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds" if millis else "seconds").replace("+00:00", "Z")

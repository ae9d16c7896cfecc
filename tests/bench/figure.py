"""One measured figure, as it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def figure(name: str, value: float, unit: str, yardstick: float, **more: Any) -> dict[str, Any]:
    """``ratio`` = value / yardstick, both in ``unit``; ``more``: further measurements of the same run."""
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "yardstick": round(yardstick, 4),
        "ratio": round(value / yardstick, 3) if yardstick else 0.0,
        **more,
    }


def median(values: Sequence[float]) -> float:
    return statistics.median(values)

"""How much more than the mean: days of cover, the normal formula, and exact Poisson quantiles for slow items."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, sqrt
from statistics import NormalDist, stdev

_NORMAL = NormalDist()


def z_value(service_level: float) -> float:
    """Standard normal quantile (0.95 gives 1.645). Raises ValueError outside ]0, 1[."""
    if not 0 < service_level < 1:
        raise ValueError("a service level lies between 0 and 1")
    return _NORMAL.inv_cdf(service_level)


def normal_safety(z: float, sigma_day: float, days: float, velocity: float, sigma_days: float = 0.0) -> float:
    """``z * sqrt(days * sigma_day² + velocity² * sigma_days²)`` in units; ``sigma_days`` is the lead time's own spread."""
    return z * sqrt(days * sigma_day**2 + velocity**2 * sigma_days**2)


def rolling_sigma(sold: Sequence[int], days: int) -> float | None:
    """Spread of the demand over ``days`` days, from rolling sums: right for series with a weekly rhythm. None if too short."""
    if days < 1 or len(sold) < days + 1:
        return None
    total = sum(sold[:days])
    sums = [total]
    for new, old in zip(sold[days:], sold, strict=False):
        total += new - old
        sums.append(total)
    return stdev(sums)


def poisson_quantile(mean: float, service_level: float) -> int:
    """Smallest whole number of units that covers Poisson demand of ``mean`` with the given probability."""
    if mean < 0:
        raise ValueError("a mean demand is not negative")
    if not 0 < service_level < 1:
        raise ValueError("a service level lies between 0 and 1")
    if mean == 0:
        return 0
    # Start eight sigmas low: what lies below has no weight, and exp(-mean) alone would vanish for large means.
    units = max(0, int(mean - 8 * sqrt(mean)) - 1)
    log_mean = log(mean)
    reached = 0.0
    while True:
        reached += exp(units * log_mean - mean - lgamma(units + 1))
        if reached >= service_level or units > mean + 40 * sqrt(mean) + 40:
            return units
        units += 1


def newsvendor(under: float, over: float, mean: float, sigma: float) -> tuple[float, float, float]:
    """(critical ratio, z, quantity) for one last order of normal demand; costs per unit short and per unit left over."""
    if under <= 0 or over <= 0:
        raise ValueError("both costs are positive")
    ratio = under / (under + over)
    z = z_value(ratio)
    return ratio, z, mean + z * sigma

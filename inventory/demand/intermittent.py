"""Demand with many empty days: classes of Syntetos and Boylan, and the forecasts that suit them (units a day)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, variance


def _smooth(values: Sequence[float], alpha: float) -> float:
    level = values[0]
    for value in values[1:]:
        level = alpha * value + (1 - alpha) * level
    return level


def _demands(series: Sequence[float]) -> tuple[list[float], list[float]]:
    """Sizes of the demands that are not zero, and the periods since the one before (the first counts from the start)."""
    sizes: list[float] = []
    gaps: list[float] = []
    last = -1
    for index, value in enumerate(series):
        if value:
            sizes.append(value)
            gaps.append(index - last)
            last = index
    return sizes, gaps


def demand_class(series: Sequence[float]) -> tuple[str, float | None, float | None]:
    """(``smooth``, ``erratic``, ``intermittent``, ``lumpy`` or ``none``; ADI; CV² of the sample).

    CV² is None below two demands.
    """
    sizes, _ = _demands(series)
    if not sizes:
        return "none", None, None
    adi = len(series) / len(sizes)
    cv2 = variance(sizes) / fmean(sizes) ** 2 if len(sizes) > 1 else None
    rough = cv2 is not None and cv2 >= 0.49
    if adi < 1.32:
        return "erratic" if rough else "smooth", adi, cv2
    return "lumpy" if rough else "intermittent", adi, cv2


def ses(series: Sequence[float], alpha: float = 0.1) -> float:
    """Simple exponential smoothing, started at the first value; 0 for an empty series."""
    return _smooth(series, alpha) if series else 0.0


def croston(series: Sequence[float], alpha: float = 0.1) -> float:
    sizes, gaps = _demands(series)
    return _smooth(sizes, alpha) / _smooth(gaps, alpha) if sizes else 0.0


def sba(series: Sequence[float], alpha: float = 0.1) -> float:
    """Croston without its bias (Syntetos and Boylan)."""
    return croston(series, alpha) * (1 - alpha / 2)


def tsb(series: Sequence[float], alpha_size: float = 0.1, alpha_chance: float = 0.1) -> float:
    """The chance of a demand is updated every period, so that the forecast of a dying item falls to 0."""
    sizes, _ = _demands(series)
    if not sizes:
        return 0.0
    return _smooth([1.0 if value else 0.0 for value in series], alpha_chance) * _smooth(sizes, alpha_size)


def _best_ses(series: Sequence[float]) -> float:
    """SES whose alpha in [0.1, 0.3] makes the smallest squared one-step errors, by golden section."""

    def error(alpha: float) -> float:
        level, total = series[0], 0.0
        for value in series[1:]:
            total += (value - level) ** 2
            level = alpha * value + (1 - alpha) * level
        return total

    low, high, ratio = 0.1, 0.3, 0.6180339887498949
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    for _ in range(40):
        if error(left) <= error(right):
            high, right = right, left
            left = high - ratio * (high - low)
        else:
            low, left = left, right
            right = low + ratio * (high - low)
    return _smooth(series, min((0.1, 0.3, (low + high) / 2), key=error))


def _aggregated(series: Sequence[float], level: int) -> float:
    rest = len(series) % level
    sums = [sum(series[start : start + level]) for start in range(rest, len(series), level)]
    return _best_ses(sums) / level


def adida(series: Sequence[float]) -> float:
    """Aggregate to the mean gap, forecast, disaggregate."""
    _, gaps = _demands(series)
    return _aggregated(series, max(1, round(fmean(gaps)))) if gaps else 0.0


def imapa(series: Sequence[float]) -> float:
    """Mean of the aggregated forecasts over all levels up to the mean gap."""
    _, gaps = _demands(series)
    if not gaps:
        return 0.0
    return fmean(_aggregated(series, level) for level in range(1, max(1, round(fmean(gaps))) + 1))

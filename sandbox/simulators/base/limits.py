"""Token buckets: the platform's published rate and burst, refilled on the simulated clock."""

from __future__ import annotations

from dataclasses import dataclass

from . import clock


@dataclass
class Bucket:
    rate: float
    burst: float
    tokens: float
    at: float


class Limiter:
    def __init__(self) -> None:
        self.enabled = True
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def take(self, key: tuple[str, ...], rate: float, burst: float) -> float:
        """Take one token. 0.0 when allowed, else the seconds (simulated) until one is there."""
        if not self.enabled:
            return 0.0
        now = clock.epoch()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate, burst, burst, now)
        bucket.tokens = min(bucket.burst, bucket.tokens + (now - bucket.at) * bucket.rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / bucket.rate

"""The shared rate budget: one token bucket per application × account × operation, in Valkey, on the business clock.

All processes take from the same bucket by one Lua script. Where Valkey does not answer, each process keeps buckets of
its own until it does: slower platforms then say 429 themselves, and nothing stops.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from core import clock
from core.cache import no_answer

log = logging.getLogger(__name__)

RETRY_STORE_SECONDS = 5.0

# KEYS[1] bucket, KEYS[2] names of the account's operations; ARGV now, rate, burst, seconds to keep, operation.
# Gives the seconds to wait as text, "0" when a token was taken.
_TAKE = """
local now, rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'learned')
local learned = tonumber(held[3])
if learned and learned < rate then rate = learned end
local tokens, at = tonumber(held[1]), tonumber(held[2])
if not tokens then tokens, at = burst, now end
if now > at then tokens = math.min(burst, tokens + (now - at) * rate) end
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now), 'rate', ARGV[2], 'burst', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if redis.call('SADD', KEYS[2], ARGV[5]) == 1 then redis.call('EXPIRE', KEYS[2], 604800) end
return tostring(wait)
"""
_LEARN = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 0
"""


@dataclass
class _Bucket:
    tokens: float
    at: float
    learned: float | None = None

    def take(self, now: float, rate: float, burst: float) -> float:
        rate = min(rate, self.learned or rate)
        if now > self.at:
            self.tokens = min(burst, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / rate


@dataclass(frozen=True, slots=True)
class Left:
    """Of an operation: calls that may be made at once, how many there are at most, how many a second come back."""

    operation: str
    calls: float
    most: float
    per_second: float

    @property
    def share(self) -> int:
        """Per cent."""
        return round(100 * self.calls / self.most) if self.most else 100

    @property
    def full_in(self) -> float:
        """Seconds until the bucket is full again."""
        return (self.most - self.calls) / self.per_second if self.per_second else 0.0


class Budget:
    """Token buckets; ``url`` of a Redis or Valkey server (settings.BROKER by default)."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._pid = -1
        self._client: Any = None
        self._take: Any = None
        self._learn: Any = None
        self._down_until = float("-inf")
        self._own: dict[str, _Bucket] = {}
        self._guard = threading.Lock()

    def take(self, application: str, account: str, operation: str, rate: tuple[float, float]) -> float:
        """Take a token: 0.0, or how many seconds of business time to wait."""
        if off():
            return 0.0
        per_second, burst = max(rate[0], 1e-6), max(rate[1], 1.0)
        key, now = _key(application, account, operation), clock.epoch()
        keep = int(burst / per_second / min(clock.speed(), 1.0)) + 60
        if self._store_up():
            try:
                names = _names_key(application, account)
                return float(
                    self._take(keys=[key, names], args=[repr(now), repr(per_second), repr(burst), keep, operation])
                )
            except no_answer() as error:
                self._store_failed(error)
        with self._guard:
            if len(self._own) > 50_000:
                self._own.clear()
            bucket = self._own.setdefault(key, _Bucket(burst, now))
            return bucket.take(now, per_second, burst)

    def left(self, application: str, account: str) -> list[Left]:
        """What is left of each operation's bucket, by operation; [] when Valkey does not answer. For pages: takes nothing."""
        if off() or not self._store_up():
            return []
        try:
            names = sorted(name.decode() for name in self._client.smembers(_names_key(application, account)))
            with self._client.pipeline(transaction=False) as asked:
                for name in names:
                    asked.hmget(_key(application, account, name), "tokens", "at", "rate", "burst", "learned")
                rows = asked.execute()
        except no_answer() as error:
            self._store_failed(error)
            return []
        now = clock.epoch()
        return [_left(name, [float(one or 0) for one in row], now) for name, row in zip(names, rows, strict=True)]

    def learn(self, application: str, account: str, operation: str, per_second: float) -> None:
        """The platform told its rate for us: from now on at most that many a second (a larger one changes nothing)."""
        if per_second > 0 and not off():
            self._note(_key(application, account, operation), "learned", per_second)

    def empty(self, application: str, account: str, operation: str) -> None:
        """The platform refused with 429: whatever we believed, there is no token left."""
        if not off():
            self._note(_key(application, account, operation), "tokens", 0.0)

    def _note(self, key: str, name: str, value: float) -> None:
        if self._store_up():
            try:
                self._learn(keys=[key], args=[name, repr(value)])
            except no_answer() as error:
                self._store_failed(error)
        with self._guard:
            bucket = self._own.get(key)
            if bucket is not None:
                setattr(bucket, name, value)

    def _store_up(self) -> bool:
        if clock.monotonic() < self._down_until:
            return False
        if self._pid != os.getpid():  # a connection does not survive a fork
            import redis  # the first who asks loads it

            url = self._url or str(settings.BROKER)
            self._client = redis.Redis.from_url(
                url.replace("redis+socket://", "unix://"), socket_timeout=1.0, socket_connect_timeout=0.5
            )
            self._take = self._client.register_script(_TAKE)
            self._learn = self._client.register_script(_LEARN)
            self._pid = os.getpid()
        return True

    def _store_failed(self, error: Exception) -> None:
        log.warning("rate budget without Valkey for %s s: %s", RETRY_STORE_SECONDS, type(error).__name__)
        self._down_until = clock.monotonic() + RETRY_STORE_SECONDS


def off() -> bool:
    """``SAMPAN_HTTP_LIMITS=off``: for benches against simulators without limits."""
    return os.environ.get("SAMPAN_HTTP_LIMITS", "") == "off"


def _left(operation: str, row: list[float], now: float) -> Left:
    tokens, at, rate, burst, learned = row
    if not burst:  # the bucket was forgotten, so it is full
        return Left(operation, 1.0, 1.0, 0.0)
    rate = min(rate, learned or rate)
    return Left(operation, max(0.0, min(burst, tokens + max(0.0, now - at) * rate)), burst, rate)


def _names_key(application: str, account: str) -> str:
    digest = hashlib.sha256(f"{application}\0{account}".encode()).hexdigest()[:32]
    return f"sampan:rates:{digest}"


def _key(application: str, account: str, operation: str) -> str:
    # A digest: account keys may hold a platform's name of a shop, and keys show up in monitoring.
    digest = hashlib.sha256(f"{application}\0{account}\0{operation}".encode()).hexdigest()[:32]
    return f"sampan:rate:{digest}"

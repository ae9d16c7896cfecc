"""Cache keys carry the tenant, so that no value crosses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

from django.core.cache import cache

from core import clock
from core.tenancy import PUBLIC, current_schema

# Users are global: counted by host, an attacker would have as many attempts at a password as there are tenants, and a
# one-time code could be used once on every host.
GLOBAL = "allauth"


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    schema = PUBLIC if key.startswith(GLOBAL) else current_schema()
    return f"sampan:{schema}:{key_prefix}:{version}:{key}"


def no_answer() -> tuple[type[Exception], ...]:
    """What is raised where Valkey does not answer. Its client is loaded by those who ask it: most commands never do."""
    from redis.exceptions import RedisError

    return RedisError, OSError


STALE = 10  # times as long as it is fresh a value is kept, for those who ask while one makes it anew
MAKING = 30  # seconds after which another may make it: who was at it is gone
WAIT, PAUSE = 10.0, 0.03  # seconds for which who finds nothing at all waits for who makes it


def kept(key: str, seconds: float, make: Callable[[], Any]) -> Any:
    """What ``make`` gives (never None), at most ``seconds`` old. A cache that does not answer costs time, never a page.

    One makes it at a time, however many ask: meanwhile the others get the former value, or wait where there is none.
    """
    found = _found(key)
    if found is not None and found[1] > clock.wall().timestamp():
        return found[0]
    token, end = token_hex(8), monotonic() + WAIT
    while monotonic() < end:
        try:
            if cache.add(_turn(key), token, MAKING):
                return _made(key, seconds, make, token)
        except no_answer():
            return make()
        if found is not None:
            return found[0]
        sleep(PAUSE)
        found = _found(key)
    return make()


def _made(key: str, seconds: float, make: Callable[[], Any], token: str) -> Any:
    """It is our turn. What was forgotten meanwhile is not put back: then the turn is no longer ours."""
    found = _found(key)
    try:
        if found is not None and found[1] > clock.wall().timestamp():  # another was at it just before
            return found[0]
        value = make()
        with contextlib.suppress(*no_answer()):
            if cache.get(_turn(key)) == token:
                cache.set(key, (value, clock.wall().timestamp() + seconds), seconds * STALE)
        return value
    finally:
        with contextlib.suppress(*no_answer()):
            if cache.get(_turn(key)) == token:
                cache.delete(_turn(key))


def _found(key: str) -> tuple[Any, float] | None:
    """(value, until when it is fresh)."""
    with contextlib.suppress(*no_answer()):
        found = cache.get(key)
        if isinstance(found, tuple) and len(found) == 2:
            return found
    return None


def _turn(key: str) -> str:
    return f"{key}.turn"


def forget(key: str) -> None:
    """Whoever asks next makes it anew."""
    with contextlib.suppress(*no_answer()):
        cache.delete_many([key, _turn(key)])

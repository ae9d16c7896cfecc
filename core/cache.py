"""Cache keys carry the tenant, so that no value crosses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

from core.tenancy import PUBLIC, current_schema

# Users are global: counted by host, an attacker would have as many attempts at a password as there are tenants, and a
# one-time code could be used once on every host.
GLOBAL = "allauth"


def tenant_key(key: str, key_prefix: str, version: int) -> str:
    schema = PUBLIC if key.startswith(GLOBAL) else current_schema()
    return f"sampan:{schema}:{key_prefix}:{version}:{key}"


def kept(key: str, seconds: float, make: Callable[[], Any]) -> Any:
    """What ``make`` gives (never None), at most ``seconds`` old. A cache that does not answer costs time, never a page."""
    found = None
    with contextlib.suppress(RedisError, OSError):
        found = cache.get(key)
    if found is None:
        found = make()
        with contextlib.suppress(RedisError, OSError):
            cache.set(key, found, seconds)
    return found


def forget(key: str) -> None:
    """Whoever asks next makes it anew."""
    with contextlib.suppress(RedisError, OSError):
        cache.delete(key)

"""Platforms' calls that a person is to be forgotten: verified with the installation's keys, told to every tenant.

A call names a person of any seller in the world, so every tenant is told, and nearly none has ever heard of them. The
ids are personal: they go through the outbox sealed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from core import clock
from core.central.hooks import Handover, HookCall, Reply
from core.http import client
from core.secrets import open_public, seal_public
from tenants.queries import kept_schemas

PERSON_DELETED = "channels.person_deleted"
KEEP_KEY = 3600.0  # real seconds: the platform asks not to fetch a key for each call
MOST_KEYS = 200

_keys: dict[tuple[str, str], tuple[float, str]] = {}  # (platform, key id) → (good until, key)


def installed(platform: str) -> Mapping[str, str]:
    """What the installation has at a platform: verification token, endpoint, application keys."""
    found: Mapping[str, str] = settings.INSTALLATION.get(platform, {})
    return found


def greet(adapter: Any, call: HookCall) -> Reply | None:
    content = adapter.greet_hook(call.query, installed(adapter.platform))
    return None if content is None else Reply(200, content, "application/json")


def read(adapter: Any, call: HookCall) -> list[Handover]:
    """Raises Rejected when the call is not from the platform, Transient when its key cannot be had now."""
    ids = adapter.deleted_person(call.body, call.headers, lambda kid: _key(adapter, kid))
    if not ids:
        return []
    payload = {"platform": adapter.platform, "sealed": base64.b64encode(seal_public(json.dumps(ids).encode())).decode()}
    return [Handover(schema, PERSON_DELETED, payload) for schema in kept_schemas()]


def subject(payload: Mapping[str, Any]) -> list[str]:
    """The person's ids in an event's payload."""
    return list(json.loads(open_public(base64.b64decode(payload["sealed"]))))


def _key(adapter: Any, kid: str) -> str:
    place, now = (adapter.platform, kid), clock.monotonic()
    found = _keys.get(place)
    if found is None or found[0] < now:
        held = installed(adapter.platform)
        text = adapter.fetch_hook_key(client(f"{adapter.platform}:installation", "keys"), held, kid)
        if len(_keys) >= MOST_KEYS:
            _keys.clear()
        found = _keys[place] = (now + KEEP_KEY, text)
    return found[1]


def forget_keys() -> None:
    """Drop the keys kept in this process (tests)."""
    _keys.clear()

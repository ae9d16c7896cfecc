"""Wrapping the tenants' data keys, and sealing second factors, anew after the installation got a new master key."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django_tenants.utils import get_tenant_model

from core.secrets.box import SEALED, Unreadable, _master, key_id_of, open_text, seal_text, unwrap, wrap


def rotate() -> Iterator[tuple[str, bool]]:
    """Wrap every tenant's data key by the newest of SECRET_KEYS. A commit per tenant: stopped anywhere, run it again.

    Yields (schema, whether it was changed). Raises Unreadable (``tenants``: their schemas) after the others are done
    when no key of SECRET_KEYS opens some.
    """
    newest = _master(settings.SECRET_KEYS[0])[0]
    tenants = get_tenant_model().objects
    closed = []
    rows = tenants.exclude(wrapped_key=None).order_by("pk").values_list("pk", "schema_name", "uid", "wrapped_key")
    for pk, schema, uid, wrapped in rows:
        try:
            if key_id_of(bytes(wrapped)) == newest:
                yield schema, False
                continue
            fresh = wrap(str(uid), unwrap(str(uid), bytes(wrapped)))
        except Unreadable:
            closed.append(schema)
            continue
        # Only over what we read: a second rotation at the same time does not meet us half-way.
        changed = tenants.filter(pk=pk, wrapped_key=wrapped).update(wrapped_key=fresh, key_id=newest)
        yield schema, changed == 1
    if closed:
        raise Unreadable(tenants=closed)


def reseal_second_factors() -> int:
    """Seal users' second factors by the newest key; returns how many rows changed. Can be run again.

    Raises Unreadable (``users``: how many) after the others are done.
    """
    newest, changed, closed = _master(settings.SECRET_KEYS[0])[0], 0, 0
    for pk in list(Authenticator.objects.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            try:
                fresh = _resealed(row.data, newest)
            except Unreadable:
                closed += 1
                continue
            if fresh != row.data:
                row.data = fresh
                row.save(update_fields=["data"])
                changed += 1
    if closed:
        raise Unreadable(users=closed)
    return changed


def _resealed(value: Any, newest: str) -> Any:
    if isinstance(value, dict):
        return {name: _resealed(one, newest) for name, one in value.items()}
    if isinstance(value, list):
        return [_resealed(one, newest) for one in value]
    if not isinstance(value, str) or not value.startswith(SEALED):
        return value
    if key_id_of(base64.b64decode(value[len(SEALED) :])) == newest:
        return value
    return seal_text(open_text(value))

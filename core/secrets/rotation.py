"""Wrapping the tenants' data keys anew after the installation got a new master key."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django_tenants.utils import get_tenant_model

from core.secrets.box import Unreadable, _master, key_id_of, unwrap, wrap


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

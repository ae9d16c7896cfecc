"""Settings that belong to a tenant's work (automatic booking, tolerances, …): a name and a JSON value each.

Read in one query per piece of work and kept no longer than that: the next event or request sees a change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from core import audit, bulk
from core.permissions import MANAGER, Actor, operation
from core.tenancy import require_tenant

CHANGE = operation("settings.change", MANAGER)

# schema -> name -> value, only inside of ``remembered``
_known: ContextVar[dict[str, dict[str, Any]] | None] = ContextVar("settings", default=None)


def get(name: str, default: Any = None) -> Any:
    """The tenant's value of ``name``, or ``default``. Raises NoTenant."""
    schema, known = require_tenant(), _known.get()
    if known is None:
        rows = bulk.fetch("SELECT value FROM records_tenantsetting WHERE name = %s", [name])
        return bulk.unpacked(rows[0][0]) if rows else default
    if schema not in known:
        rows = bulk.fetch("SELECT name, value FROM records_tenantsetting")
        known[schema] = {str(row[0]): bulk.unpacked(row[1]) for row in rows}
    return known[schema].get(name, default)


def put(actor: Actor, name: str, value: Any) -> None:
    """Set a value (anything JSON can hold), with an audit entry. Raises NotAllowed, NoTenant."""
    actor.require(CHANGE)
    keep(name, value)
    audit.record(actor, "setting", None, "setting.changed", name=name)


def alone(name: str) -> None:
    """Before a value is read to be changed: whoever else changes it waits until our transaction has ended, and what is
    read from here on is what those before us left. In the caller's transaction."""
    schema, known = require_tenant(), _known.get()
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{schema}:setting {name}"])
    if known is not None:
        known.pop(schema, None)


def keep(name: str, value: Any) -> None:
    """Set what a service derives from its own rows, to be read here without a query of its own: no right, no history."""
    schema, known = require_tenant(), _known.get()
    conflict = "(name) DO UPDATE SET value = EXCLUDED.value"
    bulk.insert("records_tenantsetting", ("name", "value"), [(name, json.dumps(value))], conflict=conflict)
    if known is not None:
        known.pop(schema, None)


@contextmanager
def remembered() -> Iterator[None]:
    """Within one request or one piece of background work: read all settings once."""
    if _known.get() is not None:
        yield  # within another
        return
    before = _known.set({})
    try:
        yield
    finally:
        _known.reset(before)

"""The audit trail: who did what to which object. Append-only; also the history that an object's page shows.

Never put a personal value into ``params``: name the field, and give ``core.secrets.keyed_hash`` of old and new value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from core import bulk
from core.clock import now
from core.permissions import Actor

# (kind of object, its id or None, code of the sentence, parameters of the sentence)
Row = tuple[str, "int | None", str, dict[str, Any]]

COLUMNS = ("at", "actor_kind", "actor_id", "actor_label", "kind", "object_id", "code", "params")


def record(actor: Actor, kind: str, object_id: int | None, code: str, **params: Any) -> None:
    """Write one entry in the caller's transaction. ``code`` names a sentence of ``core.words``."""
    record_many(actor, [(kind, object_id, code, params)])


def record_many(actor: Actor, rows: Iterable[Row]) -> int:
    """As ``record`` for many, with one INSERT. Returns how many were written."""
    at, label = now(), actor.label[:120]
    made = [
        (at, actor.kind, actor.id, label, kind, object_id, code, json.dumps(params, default=str))
        for kind, object_id, code, params in rows
    ]
    bulk.insert("records_auditentry", COLUMNS, made)
    return len(made)

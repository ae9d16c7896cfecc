"""The audit trail: who did what to which object, when. Rows are only added (a trigger keeps it so)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core import bulk, clock
from core.permissions import Actor

Entry = tuple[str, int | None, str, dict[str, Any]]  # kind of object, its id, code, parameters

_COLUMNS = ("at", "actor_kind", "actor_id", "actor_label", "kind", "object_id", "code", "params")


def record_many(actor: Actor, rows: Sequence[Entry]) -> None:
    """Add entries with one INSERT, inside the caller's transaction. Never put a personal value into the parameters."""
    if not rows:
        return
    at = clock.now()
    bulk.insert(
        "records_auditentry",
        _COLUMNS,
        [
            (at, actor.kind, actor.id, actor.label, kind, object_id, code, json.dumps(params, ensure_ascii=False))
            for kind, object_id, code, params in rows
        ],
    )


def record(actor: Actor, kind: str, object_id: int | None, code: str, **params: Any) -> None:
    """Add one entry."""
    record_many(actor, [(kind, object_id, code, params)])

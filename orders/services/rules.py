"""Rule sets: published versions, the compiled one in force, drafts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record_many
from core.errors import BusinessError
from core.permissions import Actor
from core.rules import CompiledRules, compile_rules, validate
from core.tenancy import current_schema
from orders import permissions
from orders.models import RuleSet
from orders.routing import ACTIONS, FIELDS

_compiled: dict[tuple[str, int, datetime | None], CompiledRules] = {}
_KEEP = 200


def as_set(version: int, rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The engine's shape. A published version never changes, so it stands for the versions of its rules."""
    return {"version_id": str(version), "rules": [{"version_id": str(version), **rule} for rule in rules]}


def compiled(version: int | None = None) -> CompiledRules:
    """The rule set in force (or a named version), compiled once per process. Without any: an empty set, version 0.

    The moment of publishing is part of the key: a schema that was dropped and made anew begins at version 1 again.
    """
    wanted = "(SELECT max(version) FROM orders_ruleset)" if version is None else "%s"
    rows = bulk.fetch(
        f"SELECT version, published_at FROM orders_ruleset WHERE version = {wanted}",
        [] if version is None else [version],
    )
    number, published = rows[0] if rows else (0, None)
    key = (current_schema(), number, published)
    found = _compiled.get(key)
    if found is None:
        rules = RuleSet.objects.values_list("rules", flat=True).get(version=number) if number else []
        found = compile_rules(as_set(number, rules), FIELDS, ACTIONS)
        if len(_compiled) > _KEEP:
            _compiled.clear()
        _compiled[key] = found
    return found


@transaction.atomic
def publish(*, actor: Actor, rules: Sequence[dict[str, Any]], note: str = "") -> RuleSet:
    """Put a new version in force. Raises BusinessError ``rules.invalid`` with every problem and its path."""
    actor.require(permissions.RULES)
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"rules:{current_schema()}"])
    version = (bulk.fetch("SELECT max(version) FROM orders_ruleset")[0][0] or 0) + 1
    problems = validate(as_set(version, rules), FIELDS, ACTIONS)
    if problems:
        raise BusinessError(
            "rules.invalid",
            problems=[
                {"code": p.code, "path": p.path, "params": {k: str(v) for k, v in p.params.items()}} for p in problems
            ],
        )
    rule_set = RuleSet.objects.create(
        version=version,
        rules=list(rules),
        note=note[:200],
        published_at=clock.now(),
        actor_id=actor.id,
        actor_label=actor.label,
    )
    record_many(actor, [("ruleset", rule_set.pk, "rules.published", {"version": version, "rules": len(rules)})])
    return rule_set

"""Rule sets: published versions and the compiled one in force. Edits gather in a draft (``rule_edits``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
MOST_RULES = 200  # a trace of so many fits beside each order
# Kept with a rule, and no business of the engine's: off (it is not asked), note, who changed it in the draft, and when.
OFF, NOTE, BY, AT = "off", "note", "by", "at"
_OURS = frozenset({OFF, NOTE, BY, AT})
DRAFT = "draft"


def as_set(version: int | str, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The engine's shape of the rules that are on. A published version never changes, so it stands for those of its
    rules."""
    return {
        "version_id": str(version),
        "rules": [
            {"version_id": str(version), **{name: value for name, value in rule.items() if name not in _OURS}}
            for rule in rules
            if not rule.get(OFF)
        ],
    }


def compile_draft(rules: Sequence[Mapping[str, Any]], version: int | str = DRAFT) -> CompiledRules:
    """Rules that are not published, as the engine would ask them. Raises InvalidRuleSet."""
    return compile_rules(as_set(version, rules), FIELDS, ACTIONS)


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
    """Put a new version in force. Raises BusinessError ``rules.too_many``, ``rules.invalid`` with every problem and its
    path."""
    actor.require(permissions.RULES)
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"rules:{current_schema()}"])
    version = (bulk.fetch("SELECT max(version) FROM orders_ruleset")[0][0] or 0) + 1
    if len(rules) > MOST_RULES:
        raise BusinessError("rules.too_many", most=MOST_RULES)
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
        rules=[{name: value for name, value in rule.items() if name not in (BY, AT)} for rule in rules],
        note=note[:200],
        published_at=clock.now(),
        actor_id=actor.id,
        actor_label=actor.label,
    )
    record_many(actor, [("ruleset", rule_set.pk, "rules.published", {"version": version, "rules": len(rules)})])
    return rule_set

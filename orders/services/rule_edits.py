"""Arranging rules by hand: order, on and off, simple new ones. Every change is a new published version.

A published version holds only rules that are on; those that are off wait in the draft, at their place.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions
from orders.models import RuleDraft, RuleSet
from orders.services import rules

OFF = "off"


def current() -> tuple[int, list[dict[str, Any]]]:
    """(version in force, rules in order), those that are off marked with ``off`` True."""
    published = RuleSet.objects.order_by("-version").first()
    version = published.version if published is not None else 0
    on = list(published.rules) if published is not None else []
    draft = RuleDraft.objects.order_by("pk").first()
    if draft is None:
        return version, on
    if draft.based_on == version:
        return version, list(draft.rules)
    # Somebody published past the draft: what is off there and not in force stays known, at the end.
    names = {str(rule.get("id")) for rule in on}
    left = [rule for rule in draft.rules if rule.get(OFF) and str(rule.get("id")) not in names]
    return version, [*on, *left]


@transaction.atomic
def arrange(*, actor: Actor, based_on: int, order: Sequence[str], off: Sequence[str]) -> RuleSet:
    """Put the rules in ``order`` (ids) in force without those in ``off``; rules that ``order`` leaves out are removed.

    Raises BusinessError ``rules.changed_meanwhile`` when another version is in force than the page showed.
    """
    actor.require(permissions.RULES)
    version, known = _held(based_on)
    by_id = {str(rule["id"]): rule for rule in known}
    wanted = [by_id[pk] for pk in dict.fromkeys(order) if pk in by_id]
    return _publish(actor, version, [_marked(rule, str(rule["id"]) in set(off)) for rule in wanted])


@transaction.atomic
def add(*, actor: Actor, based_on: int, rule: Mapping[str, Any]) -> RuleSet:
    """Add a rule before the last one that always holds (which would hide it), else at the end."""
    actor.require(permissions.RULES)
    version, known = _held(based_on)
    made = {"id": uuid.uuid4().hex[:10], **rule}
    last_open = bool(known) and known[-1].get("conditions") == {"all": []}
    place = len(known) - 1 if last_open and rule.get("conditions") != {"all": []} else len(known)
    return _publish(actor, version, [*known[:place], made, *known[place:]])


def _held(based_on: int) -> tuple[int, list[dict[str, Any]]]:
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ':rule_edits'))")
    version, known = current()
    if version != based_on:
        raise BusinessError("rules.changed_meanwhile", version=version)
    return version, known


def _marked(rule: Mapping[str, Any], off: bool) -> dict[str, Any]:
    plain = {name: value for name, value in rule.items() if name != OFF}
    return {**plain, OFF: True} if off else plain


def _publish(actor: Actor, version: int, ordered: list[dict[str, Any]]) -> RuleSet:
    made = rules.publish(actor=actor, rules=[rule for rule in ordered if not rule.get(OFF)])
    RuleDraft.objects.all().delete()
    RuleDraft.objects.create(rules=ordered, based_on=made.version, updated_at=clock.now(), actor_label=actor.label)
    return made

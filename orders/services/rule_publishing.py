"""Putting rules in force, and finding out at once which open orders they would route otherwise."""

from __future__ import annotations

from django.db import transaction

from core.permissions import Actor
from orders.models import RuleSet
from orders.services import rule_edits, rule_trials


@transaction.atomic
def publish(*, actor: Actor, stamp: str, note: str = "") -> RuleSet:
    """As ``rule_edits.publish``; a trial of the open orders starts with it."""
    made = rule_edits.publish(actor=actor, stamp=stamp, note=note)
    rule_trials.of_version(actor=actor, published=made)
    return made


@transaction.atomic
def roll_back(*, actor: Actor, version: int, in_force: int, note: str = "") -> RuleSet:
    """As ``rule_edits.roll_back``; a trial of the open orders starts with it."""
    made = rule_edits.roll_back(actor=actor, version=version, in_force=in_force, note=note)
    rule_trials.of_version(actor=actor, published=made)
    return made

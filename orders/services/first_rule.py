"""The simplest rule set: everything from one warehouse with one service. For a company that has none yet."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core import bulk
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions
from orders.models import RuleSet
from orders.services import rules


def publish_simplest(*, actor: Actor) -> RuleSet:
    """Publish it with the first warehouse and the first service in use.

    Raises BusinessError ``rules.there_already``, ``rules.no_warehouse``, ``rules.no_service``, NotAllowed.
    """
    actor.require(permissions.RULES)
    if RuleSet.objects.exists():
        raise BusinessError("rules.there_already")
    places = bulk.fetch(
        "SELECT code, name FROM inventory_warehouse WHERE active AND kind = 'own' ORDER BY priority, id LIMIT 1"
    )
    if not places:
        raise BusinessError("rules.no_warehouse")
    services = bulk.fetch(
        "SELECT s.key, s.name FROM logistics_service s JOIN logistics_carrieraccount c ON c.id = s.carrier_account_id"
        " WHERE s.active AND c.active ORDER BY s.id LIMIT 1"
    )
    if not services:
        raise BusinessError("rules.no_service")
    made = [
        _rule("r1", _("Everything from {name}").format(name=places[0][1]), "warehouse", places[0][0]),
        _rule("r2", _("Everything with {name}").format(name=services[0][1]), "service", services[0][0]),
    ]
    return rules.publish(actor=actor, rules=made, note=_("First rule"))


def _rule(key: str, name: str, act: str, value: str) -> dict[str, Any]:
    return {"id": key, "name": name[:80], "conditions": {"all": []}, "actions": [{"do": act, "value": value}]}

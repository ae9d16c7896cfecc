"""What each role may do, in plain rows for the members' page. Computed from the operations that roles really have."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.permissions import ROLES, operations
from core.words import say

# (what a person does, the operation that stands for it)
ACTS: tuple[tuple[Promise, str], ...] = (
    (_("See orders and parcels"), "orders.view"),
    (_("See buyers' names and addresses"), "fields.personal"),
    (_("Edit, route and cancel orders"), "orders.edit"),
    (_("Put orders on hold"), "orders.hold"),
    (_("Book parcels and print labels"), "orders.book"),
    (_("Weigh and hand over"), "fulfilment.ship"),
    (_("Publish rules"), "orders.rules"),
    (_("Answer buyers"), "crm.answer"),
    (_("Change products"), "inventory.edit_catalogue"),
    (_("Receive and adjust stock"), "inventory.adjust"),
    (_("See costs and stock value"), "fields.cost"),
    (_("Change costs, close periods"), "inventory.edit_cost"),
    (_("Plan restocking"), "fba.run"),
    (_("Work on dead letters"), "channels.deadletters"),
    (_("Connect channels"), "channels.connect"),
    (_("Connect carriers"), "logistics.connect"),
    (_("Company settings"), "settings.change"),
    (_("See the members"), "tenants.see_members"),
    (_("Invite and shut out members"), "tenants.manage_members"),
)


@dataclass(frozen=True, slots=True)
class RoleTable:
    """``rows``: (act, whether each of ``names``' roles may)."""

    names: list[str]
    rows: list[tuple[str, list[bool]]]


def table() -> RoleTable:
    known = operations()
    rows = [(str(label), [role in known[name] for role in ROLES]) for label, name in ACTS if name in known]
    return RoleTable([say(f"role.{role}") for role in ROLES], rows)

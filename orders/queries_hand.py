"""Reads of the pages by hand: SKUs by code, colleagues, notes, chosen routes, what may be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import bulk
from core.permissions import Actor, operations
from core.tenancy import current_schema
from inventory.codes import code_key
from orders import permissions
from orders.models import OrderNote
from orders.queries_page import named
from tenants.models import Membership, User


@dataclass(frozen=True, slots=True)
class Known:
    """A SKU as the forms know it."""

    id: int
    code: str
    name: str
    state: str
    successor: str


def key_of(code: str) -> str:
    return code_key(code)


def skus_by_code(codes: Sequence[str]) -> dict[str, Known]:
    """{``key_of(code)``: SKU} of those that exist; spaces and case do not count."""
    keys = sorted({code_key(code) for code in codes if code.strip()})
    if not keys:
        return {}
    rows = bulk.fetch(
        "SELECT s.code_key, s.id, s.code, s.title, s.title_zh, s.state, coalesce(n.code, '') FROM inventory_sku s"
        " LEFT JOIN inventory_sku n ON n.id = s.successor_id WHERE s.code_key = ANY(%s)",
        [keys],
    )
    return {key: Known(pk, code, named(title, zh), state, after) for key, pk, code, title, zh, state, after in rows}


def colleagues(actor: Actor) -> list[tuple[int, str]]:
    """(user id, name) of those who may look after orders, by name."""
    actor.require(permissions.VIEW)
    roles = operations()[permissions.ASSIGN]
    rows = (
        Membership.objects.filter(
            tenant__schema_name=current_schema(), active=True, user__is_active=True, role__in=sorted(roles)
        )
        .order_by("user__name", "user__email")
        .values_list("user_id", "user__name", "user__email")
    )
    return [(pk, name or email) for pk, name, email in rows]


def names_of_users(ids: Sequence[int]) -> dict[int, str]:
    """{user: name}, of former colleagues too; no query for nobody."""
    wanted = sorted({pk for pk in ids if pk is not None})
    if not wanted:
        return {}
    rows = User.objects.filter(pk__in=wanted, memberships__tenant__schema_name=current_schema())
    return {pk: name or email for pk, name, email in rows.values_list("pk", "name", "email")}


def assignees(actor: Actor) -> list[tuple[str, str]]:
    """Choices of the list's filter: oneself first, nobody, then the others."""
    from django.utils.translation import gettext as _

    everybody = colleagues(actor)
    mine = [(str(actor.id), _("me"))] if actor.id is not None else []
    return [*mine, ("0", _("nobody")), *((str(pk), name) for pk, name in everybody if pk != actor.id)]


def notes(order_id: int) -> list[OrderNote]:
    """Internal notes, newest first."""
    return list(OrderNote.objects.filter(order_id=order_id).order_by("-id")[:50])


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person said about an order beside its row. ``copied``: (key, number) of the order that this one repeats;
    ``copies``: those that repeat this one."""

    reference: str = ""
    copied: tuple[int, str] | None = None
    copies: tuple[tuple[int, str], ...] = ()
    warehouse_id: int | None = None
    service_id: int | None = None
    warehouse: str = ""
    service: str = ""
    note: str = ""
    who: str = ""
    at: datetime | None = None

    @property
    def chosen(self) -> bool:
        return self.warehouse_id is not None or self.service_id is not None


def by_hand(order_id: int) -> ByHand:
    """One query for everything that few orders have."""
    row = bulk.fetch(
        "SELECT m.reference, m.copied_from_id, v.warehouse_id, v.service_id, w.name, s.name, s.name_zh, v.note,"
        " v.actor_label, v.at, (SELECT array_agg(c.order_id ORDER BY c.id) FROM orders_manualorder c"
        " WHERE c.copied_from_id = o.id) FROM orders_order o LEFT JOIN orders_manualorder m ON m.order_id = o.id"
        " LEFT JOIN orders_routeoverride v ON v.order_id = o.id LEFT JOIN inventory_warehouse w ON w.id = v.warehouse_id"
        " LEFT JOIN logistics_service s ON s.id = v.service_id WHERE o.id = %s",
        [order_id],
    )[0]
    reference, copied, place_id, service_id, place, service, service_zh, note, who, at, copies = row
    return ByHand(
        reference or "",
        (copied, f"S-{copied}") if copied else None,
        tuple((pk, f"S-{pk}") for pk in copies or () if pk is not None),
        place_id,
        service_id,
        place or "",
        named(service or "", service_zh or ""),
        note or "",
        who or "",
        at,
    )


def places(actor: Actor) -> list[tuple[int, str]]:
    """Warehouses that orders may be sent from, as far as the actor sees them."""
    rows = bulk.fetch(
        "SELECT id, name FROM inventory_warehouse WHERE active AND kind <> 'platform' ORDER BY priority, id"
    )
    return [(pk, name) for pk, name in rows if actor.sees_warehouse(pk)]


def services() -> list[dict[str, Any]]:
    rows = bulk.fetch(
        "SELECT s.id, s.name, s.name_zh FROM logistics_service s JOIN logistics_carrieraccount c"
        " ON c.id = s.carrier_account_id WHERE s.active AND c.active ORDER BY s.name"
    )
    return [{"id": pk, "name": named(name, name_zh), "reason": None} for pk, name, name_zh in rows]


def currencies(own: str) -> list[str]:
    """Currencies to choose from: the house's own, those of recent orders, then what the world trades in."""
    rows = bulk.fetch(
        "SELECT DISTINCT currency FROM (SELECT currency FROM orders_order ORDER BY placed_at DESC, id DESC LIMIT 500) x"
    )
    usual = ["USD", "EUR", "GBP", "JPY", "CNY", "CAD", "AUD", "HKD", "SGD", "MXN", "BRL", "PLN", "SEK", "CHF", "KRW"]
    return list(dict.fromkeys([own, *sorted(row[0] for row in rows), *usual]))


def by_number(actor: Actor, number: str) -> list[dict[str, Any]]:
    """Orders with this number that the actor sees: {id, number, state}."""
    tail = number.removeprefix("M-")
    own = int(tail) if number.startswith("M-") and tail.isdecimal() and len(tail) < 18 else 0
    rows = bulk.fetch(
        "SELECT o.id, o.external_id, o.state, o.account_id FROM orders_order o WHERE o.id IN"
        " (SELECT m.order_id FROM orders_manualorder m WHERE m.id = %s UNION SELECT x.id FROM orders_order x"
        "  WHERE x.account_id = ANY(SELECT id FROM channels_account) AND x.external_id = %s)",
        [own, number],
    )
    return [
        {"id": pk, "number": one, "state": state} for pk, one, state, account in rows if actor.sees_account(account)
    ]

"""Who one is, and what ids of accounts, warehouses and services mean."""

from __future__ import annotations

from typing import Any

from ninja import Router

from api import scopes
from api.v1.base import Call, Out, read
from channels import queries as channels
from channels.permissions import VIEW as SEE_CHANNELS
from inventory import queries as inventory
from inventory.permissions import VIEW as SEE_STOCK
from logistics import queries as logistics
from logistics.permissions import VIEW as SEE_PARCELS

router = Router(tags=["About"])


class Me(Out):
    """``scopes``: what the key may do now; ``accounts`` and ``warehouses``: only these, null for all."""

    name: str
    scopes: list[str]
    accounts: list[int] | None
    warehouses: list[int] | None
    company: str
    timezone: str
    currency: str


class Account(Out):
    id: int
    name: str
    platform: str
    health: str
    marketplaces: list[str]


class Warehouse(Out):
    id: int
    code: str
    name: str
    kind: str
    country: str
    timezone: str
    active: bool


class Service(Out):
    id: int
    key: str
    name: str
    name_zh: str


@read(router, "/me", None, Me, "What this key is and may do")
def get_me(request: Call) -> Any:
    actor, tenant = request.actor, request.tenant
    return {
        "name": actor.label,
        "scopes": sorted(actor.operations & scopes.ALL),
        "accounts": None if actor.accounts is None else sorted(actor.accounts),
        "warehouses": None if actor.warehouses is None else sorted(actor.warehouses),
        "company": tenant.name,
        "timezone": tenant.timezone,
        "currency": tenant.currency,
    }


@read(router, "/accounts", SEE_CHANNELS, list[Account], "Marketplace accounts")
def list_accounts(request: Call) -> Any:
    return [
        {
            "id": one.pk,
            "name": one.name,
            "platform": one.platform,
            "health": one.health,
            "marketplaces": [str(name) for name in one.marketplaces or ()],
        }
        for one in channels.accounts(request.actor)[:500]
    ]


@read(router, "/warehouses", SEE_STOCK, list[Warehouse], "Warehouses, also those not in use")
def list_warehouses(request: Call) -> Any:
    return [
        {
            "id": one.pk,
            "code": one.code,
            "name": one.name,
            "kind": one.kind,
            "country": one.country,
            "timezone": one.timezone,
            "active": one.active,
        }
        for one in inventory.warehouses(request.actor, inactive=True)
    ]


@read(router, "/services", SEE_PARCELS, list[Service], "Carriers' services in use")
def list_services(request: Call) -> Any:
    return [
        {"id": one.pk, "key": one.key, "name": one.name, "name_zh": one.name_zh}
        for one in logistics.services(request.actor)
    ]

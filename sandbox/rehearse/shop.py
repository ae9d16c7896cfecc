"""A seller who has just moved in: tenant, warehouses, catalogue, stock, carriers, rules, templates. All through services."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from core import clock, settings_store
from core.permissions import Actor, system
from core.tenancy import tenant_context
from crm import services as crm
from inventory import services as stock
from inventory.models import Sku
from orders.services import booking, rules
from tenants import queries as tenant_queries
from tenants import services as tenants

from . import carriers
from .carriers import FREIGHT, YUN
from .control import Control
from .plan import PlannedSku
from .scenario import CARRIER_SERVES_NOT, COMBINE_NOTE, EAST, LOOK_NOTE, MAIN, SECOND, Scenario, sku_row

HEAVY_G = 29_000  # with its packaging a parcel of more would be refused by the carrier
MOST_LINES = 200  # that anybody would declare one by one
CURRENCY = "CNY"
ACTOR = system("rehearsal")
SENDER = {
    "name": "Sampan Depot",
    "lines": ["Bantian Street 5"],
    "city": "Shenzhen",
    "region": "Guangdong",
    "postcode": "518129",
    "country": "CN",
    "phone": "0755 1234567",
}
TEMPLATES = {
    "en": "Hello, thank you for your message. We look after it at once.",
    "de": "Guten Tag, danke für Ihre Nachricht. Wir kümmern uns sofort darum.",
    "fr": "Bonjour, merci de votre message. Nous nous en occupons tout de suite.",
    "zh": "您好，已收到您的留言，我们马上处理。",
}
TEMPLATE = "We are on it"


@dataclass
class Shop:
    """Ids of what was made. ``owner`` acts for the people of the house; ``accounts``: our account id by planned name."""

    schema: str
    host: str
    owner: Actor
    warehouses: dict[str, int] = field(default_factory=dict)
    skus: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    carrier_account: str = ""
    tracker_account: str = ""
    freight_account: int = 0


def open_shop(number: str, name: str) -> Shop:
    """A fresh tenant ``t_rehearse_<number>`` with its owner."""
    schema, host, email = f"t_rehearse_{number}", f"rehearse-{number}.localhost", f"owner@rehearse-{number}.example"
    tenant = tenants.provision(
        name=name,
        schema=schema,
        host=host,
        owner_email=email,
        owner_name="Rehearsal",
        password=None,
        timezone="Asia/Shanghai",
        currency=CURRENCY,
        language="en",
        actor=ACTOR,
    )
    membership = tenant_queries.members_of(tenant)[0]
    return Shop(schema, host, tenant_queries.actor_of(membership.user, membership, tenant))


def furnish(shop: Shop, scenario: Scenario, control: Control, number: str, web_url: str, seed: int) -> None:
    """Everything that is there before the first order is read."""
    with tenant_context(shop.schema):
        _warehouses(shop)
        _catalogue(shop, [sku for sku in scenario.plan.skus if sku.sku not in scenario.unlisted])
        _stock(shop, scenario, seed)
        _carriers(shop, scenario, control, number, web_url)
        rules.publish(actor=shop.owner, rules=rule_set(), note="rehearsal")
        for language, body in TEMPLATES.items():
            crm.save_template(actor=shop.owner, name=TEMPLATE, language=language, body=body)
        settings_store.put(shop.owner, booking.AUTO_BOOK, True)


def _warehouses(shop: Shop) -> None:
    for place, (code, name) in enumerate(((MAIN, "Shenzhen"), (SECOND, "Yiwu"))):
        made = stock.create_warehouse(
            actor=shop.owner,
            code=code,
            name=name,
            country="CN",
            timezone="Asia/Shanghai",
            sender=SENDER,
            priority=place,
        )
        shop.warehouses[code] = made.pk


def _catalogue(shop: Shop, skus: list[PlannedSku]) -> None:
    result = stock.import_skus(actor=shop.owner, rows=[sku_row(sku) for sku in skus])
    if result.errors:
        raise ValueError(f"the catalogue was not taken: {result.errors[:3]}")
    shop.skus = dict(Sku.objects.values_list("code", "pk"))


def unit_cost(seed: int, sku: str, batch: int) -> Decimal:
    """What a unit of this batch was bought for, in the base currency."""
    return Decimal(Random(f"{seed}|cost|{sku}|{batch}").randrange(50, 9000)).scaleb(-2)


def _stock(shop: Shop, scenario: Scenario, seed: int) -> None:
    """Opening stock, and a delivery at another price; what comes late is left out."""
    before: datetime = clock.now() - timedelta(hours=8)
    for place, warehouse in shop.warehouses.items():
        opening: list[Any] = []
        delivery: list[Any] = []
        for (code, sku), units in scenario.stock.items():
            now_there = units - scenario.late.get((code, sku), 0)
            if code != place or sku in scenario.unlisted or now_there <= 0:
                continue
            first = max(1, now_there * 6 // 10)
            opening.append((shop.skus[sku], first, unit_cost(seed, sku, 1), CURRENCY))
            if now_there > first:
                delivery.append((shop.skus[sku], now_there - first, unit_cost(seed, sku, 2), CURRENCY))
        if opening:
            stock.opening(
                actor=shop.owner, warehouse_id=warehouse, lines=opening, key=f"open:{place}", effective_at=before
            )
        if delivery:
            stock.receive(actor=shop.owner, warehouse_id=warehouse, lines=delivery, key=f"delivery:{place}")


def _carriers(shop: Shop, scenario: Scenario, control: Control, number: str, web_url: str) -> None:
    standard = {"key": YUN, "code": "BKPHR", "name": "YunExpress Standard", "name_zh": "云途标快", "battery": True}
    carriers.connect_yunexpress(shop, control, number, "YunExpress", [standard])
    carriers.connect_freight(shop, "Freight", "Post freight", {"name": "Freight", "battery": True})
    carriers.give_numbers(shop, number, max(200, len(scenario.plan.orders) // 3))
    carriers.connect_tracker(shop, control, *carriers.be_called(control, number, web_url))


def rule_set() -> list[dict[str, Any]]:
    """Ordered; the first rule that gives a service, a warehouse or a hold decides it."""

    def rule(number: int, name: str, conditions: dict[str, Any], *actions: tuple[str, str]) -> dict[str, Any]:
        done = [{"do": kind, "value": value} for kind, value in actions]
        return {"id": f"r{number}", "name": name, "conditions": conditions, "actions": done}

    def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
        return {"field": field, "op": op, "value": value}

    too_much = [leaf("weight_g", "gt", HEAVY_G), leaf("lines", "gt", MOST_LINES)]
    not_served = leaf("country", "in", list(CARRIER_SERVES_NOT))
    return [
        rule(1, "Combine first", leaf("note", "contains", COMBINE_NOTE), ("hold", "combine?")),
        rule(2, "Buyer wants a call", leaf("note", "contains", LOOK_NOTE), ("hold", "call the buyer")),
        rule(3, "East from Yiwu", leaf("country", "in", list(EAST)), ("warehouse", SECOND)),
        rule(4, "Everything else from Shenzhen", {"all": []}, ("warehouse", MAIN)),
        rule(5, "Freight", {"any": [*too_much, not_served]}, ("service", FREIGHT), ("tag", "freight")),
        rule(6, "Good customers", leaf("repeat_buyer", "eq", True), ("tag", "repeat")),
        rule(7, "Dear ones", leaf("amount", "gt", 500), ("tag", "dear")),
        rule(8, "Standard", {"all": []}, ("service", YUN)),
    ]

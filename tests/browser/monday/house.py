"""The seller's house on a Monday: goods on the shelf, carriers, rules with one mistake in them, a clerk and a manager."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

from django.contrib.auth.hashers import ScryptPasswordHasher, make_password

from core.permissions import CLERK, MANAGER
from core.tenancy import public_context, tenant_context
from crm import services as crm
from inventory import services as stock
from inventory.models import Sku
from orders.services import rules
from sandbox.rehearse import carriers, seeding
from sandbox.rehearse.carriers import YUN
from sandbox.rehearse.control import Control
from sandbox.rehearse.plan import json_by_account
from sandbox.rehearse.reconcile import Report, reconcile
from sandbox.rehearse.reconcile.facts import AccountFacts, Facts
from sandbox.rehearse.run import CARRIER_NAMES
from sandbox.rehearse.scenario import Scenario, horizon
from sandbox.rehearse.seeding import World
from sandbox.rehearse.shop import SENDER, Shop
from sandbox.starter.services import HOOK_EVENTS
from tenants import queries as tenant_queries
from tenants.models import User
from tenants.services import members
from tests.browser.monday.story import WHOLESALE, Monday
from tests.support.database import ACME, PASSWORD, TENANTS

CARL, MEI = "carl@acme.localhost", "mei@acme.localhost"
SHELF, COST, CURRENCY = 3000, Decimal("3.20"), "CNY"
UK_LINE, MISTAKEN = "yun-uk", "British Isles by the UK line"
TEMPLATE = "We are on it"


def move_in(monday: Monday, control: Control, number: str) -> Shop:
    """Everything that stands before the first account is connected."""
    with public_context():
        tenant = tenant_queries.tenant_of_host(TENANTS[ACME][1])
        assert tenant is not None
        membership = tenant_queries.members_of(tenant)[0]
        owner = tenant_queries.actor_of(membership.user, membership, tenant)
        for email, name, role in ((CARL, "Carl", CLERK), (MEI, "Mei", MANAGER)):
            asked = members.invite(actor=owner, tenant=tenant, email=email, role=role)
            members.accept_invitation(token=asked.token, user=None, name=name, password=PASSWORD, language="en")
        # The tests' hasher is a quick one that the server, a process of its own, does not take.
        strong = make_password(PASSWORD, hasher=ScryptPasswordHasher())
        User.objects.filter(email__in=(CARL, MEI)).update(password=strong)
    shop = Shop(ACME, TENANTS[ACME][1], owner)
    with tenant_context(ACME):
        place = stock.create_warehouse(
            actor=owner, code="SZ", name="Shenzhen", country="CN", timezone="Asia/Shanghai", sender=SENDER, priority=0
        )
        shop.warehouses["SZ"] = place.pk
        result = stock.import_skus(actor=owner, rows=[sku.row() for sku in monday.skus])
        assert not result.errors, result.errors
        shop.skus = dict(Sku.objects.values_list("code", "pk"))
        lines: list[Any] = [
            (pk, monday.size.few if code == monday.scarce else SHELF, COST, CURRENCY) for code, pk in shop.skus.items()
        ]
        stock.opening(actor=owner, warehouse_id=place.pk, lines=lines, key="opening")
        connect_carriers(shop, control, number)
        rules.publish(actor=owner, rules=rule_list(), note="First rules")
        crm.save_template(
            actor=owner, name=TEMPLATE, language="en", body="Thank you, we look after order {order.number} at once."
        )
    return shop


def open_accounts(shop: Shop, monday: Monday, control: Control, web_url: str) -> World:
    """Connect the accounts, then let their buyers order and ask: eBay tells of each by a call to ``web_url``."""
    world = World(control, {one.account: one for one in monday.plan.accounts})
    hook = {"url": f"{web_url}/hooks/ebay", "events": HOOK_EVENTS}
    for account in monday.plan.accounts:
        seeding.make_seller(control, account, hook if account.platform == "ebay" else None)
    seeding.connect(shop, Scenario(monday.plan), world, horizon(monday.plan.orders[0].placed_at, 0))
    for name, orders in json_by_account(monday.plan.orders).items():
        control.plan_orders(world.platform(name), name, orders)
    for name, messages in json_by_account(monday.plan.messages).items():
        control.plan_messages(world.platform(name), name, messages)
    return world


def compare(shop: Shop, world: World, control: Control) -> Report:
    """Both sides, order by order, once the day is over."""
    facts = Facts(
        schema=shop.schema,
        accounts=[AccountFacts(world.platform(name), name, pk) for name, pk in sorted(shop.accounts.items())],
        carrier_account=shop.carrier_account,
        carrier_names=CARRIER_NAMES,
        must_arrive=False,
    )
    return reconcile(facts, control)


def rule_list() -> list[dict[str, Any]]:
    def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
        return {"field": field, "op": op, "value": value}

    def rule(number: int, name: str, conditions: dict[str, Any], *actions: tuple[str, str]) -> dict[str, Any]:
        done = [{"do": kind, "value": value} for kind, value in actions]
        return {"id": f"r{number}", "name": name, "conditions": conditions, "actions": done}

    return [
        rule(1, "Wholesale?", {"all": [leaf("units", "gte", WHOLESALE)]}, ("hold", "looks like wholesale")),
        rule(2, MISTAKEN, {"all": [leaf("country", "in", ["GB", "IE"])]}, ("service", UK_LINE)),
        rule(3, "Everything else", {"all": []}, ("warehouse", "SZ"), ("service", YUN)),
    ]


def connect_carriers(shop: Shop, control: Control, number: str) -> None:
    lines: list[dict[str, Any]] = [
        {"key": YUN, "code": "BKPHR", "name": "YunExpress Standard"},
        {"key": UK_LINE, "code": "GBZXR", "name": "YunExpress UK line"},
    ]
    carriers.connect_yunexpress(shop, control, number, "YunExpress", lines)
    carriers.connect_freight(shop, "Freight", "Post freight", {"name": "Freight"})
    carriers.give_numbers(shop, number, 20 + crc32(number.encode()) % 5)

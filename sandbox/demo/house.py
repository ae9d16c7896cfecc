"""The demo seller moves in: tenant, people, warehouses, catalogue, stock, carriers, rules, answers. All through services."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from core import settings_store
from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, Actor, system
from core.tenancy import public_context, tenant_context
from crm import services as crm
from inventory import services as stock
from inventory.models import Product, Sku
from orders.services import booking, rules
from sandbox.rehearse import carriers
from sandbox.rehearse import shop as rehearsal
from sandbox.rehearse.carriers import YUN
from sandbox.rehearse.control import Control
from sandbox.rehearse.scenario import MAIN, SECOND
from sandbox.rehearse.shop import CURRENCY, SENDER, Shop
from tenants import queries as tenant_queries
from tenants.models import User
from tenants.services import members, provision

from .catalogue import DemoSku, product_titles
from .story import Story

SCHEMA, HOST = tenant_queries.DEMO_SCHEMA, "demo.localhost"
OWNER, PASSWORD = "demo@sampan.example", "sampan-demo-2026"
ACTOR = system("demo")
UK_LINE = "yun-uk"
PEOPLE = (
    ("mei@sampan.example", "Mei (manager)", MANAGER, "zh-hans"),
    ("carl@sampan.example", "Carl (clerk)", CLERK, "en"),
    ("wang@sampan.example", "Wang (warehouse)", WAREHOUSE, "zh-hans"),
    ("sara@sampan.example", "Sara (service)", SERVICE, "en"),
    ("fred@sampan.example", "Fred (finance)", FINANCE, "en"),
    ("vera@sampan.example", "Vera (viewer)", VIEWER, "en"),
)
TEMPLATES = (
    ("Where is it?", "en", "Hello {buyer.first_name},\n\nyour order {order.number} is on its way.\n\nKind regards"),
    (
        "Where is it?",
        "de",
        "Guten Tag {buyer.first_name},\n\nIhre Bestellung {order.number} ist unterwegs.\n\nViele Grüße",
    ),
    ("Thank you", "en", "Thank you for your message. We look after it at once."),
    ("Thank you", "de", "Danke für Ihre Nachricht. Wir kümmern uns sofort darum."),
    ("Thank you", "zh", "您好，已收到您的留言，我们马上处理。"),
)
ANSWER = "Thank you"


def open_tenant() -> Shop:
    """The demo tenant with its owner; the same again when it is there."""
    tenant = provision(
        name="Demo Trading",
        schema=SCHEMA,
        host=HOST,
        owner_email=OWNER,
        owner_name="Demo Owner",
        password=PASSWORD,
        timezone="Asia/Shanghai",
        currency=CURRENCY,
        language="en",
        actor=ACTOR,
    )
    owner = next(each for each in tenant_queries.members_of(tenant) if each.user.email == OWNER)
    return Shop(SCHEMA, HOST, tenant_queries.actor_of(owner.user, owner, tenant))


def invite_people(shop: Shop) -> None:
    """One person for each role, all with the demo's password."""
    with public_context():
        tenant = tenant_queries.tenant_of_host(HOST)
        assert tenant is not None
        there = {each.user.email for each in tenant_queries.members_of(tenant)}
        for email, name, role, language in PEOPLE:
            if email in there:
                continue
            asked = members.invite(actor=shop.owner, tenant=tenant, email=email, role=role)
            # Known from a demo that was made anew: then the person keeps name and password.
            known = User.objects.filter(email=email).first()
            members.accept_invitation(token=asked.token, user=known, name=name, password=PASSWORD, language=language)


def furnish(shop: Shop, story: Story, skus: list[DemoSku], control: Control, number: str, seed: int) -> None:
    """Warehouses, goods, opening stock, carriers, rules and templates, as of now on the (travelling) clock."""
    with tenant_context(shop.schema):
        _warehouses(shop)
        result = stock.import_skus(actor=shop.owner, rows=[sku.row() for sku in skus])
        if result.errors:
            raise ValueError(f"the demo's catalogue was not taken: {result.errors[:3]}")
        shop.skus = dict(Sku.objects.values_list("code", "pk"))
        name_products(shop.owner)
        receive(shop, story, skus, Decimal("0.5"), "opening", seed, opening=True)
        _carriers(shop, control, number)
        rules.publish(actor=shop.owner, rules=rule_set(), note="First rules")
        for name, language, body in TEMPLATES:
            crm.save_template(actor=shop.owner, name=name, language=language, body=body)
        settings_store.put(shop.owner, booking.AUTO_BOOK, True)


def name_products(actor: Actor) -> None:
    """A sheet of SKUs names its products by code only; here they get their titles."""
    titles = product_titles()
    for pk, code in Product.objects.filter(code__in=list(titles)).values_list("pk", "code"):
        title, title_zh = titles[code]
        stock.update_product(actor=actor, product_id=pk, title=title, title_zh=title_zh)


def _warehouses(shop: Shop) -> None:
    for place, (code, name) in enumerate(((MAIN, "Shenzhen 深圳仓"), (SECOND, "Yiwu 义乌仓"))):
        fields: dict[str, Any] = {"country": "CN", "timezone": "Asia/Shanghai", "sender": SENDER, "priority": place}
        shop.warehouses[code] = stock.create_warehouse(actor=shop.owner, code=code, name=name, **fields).pk


def receive(
    shop: Shop, story: Story, skus: list[DemoSku], share: Decimal, key: str, seed: int, *, opening: bool = False
) -> None:
    """A delivery: that share of what the past needs, and once (with the opening) what still lies there today."""
    cost = {sku.code: sku.cost for sku in skus}
    for code, warehouse in shop.warehouses.items():
        lines = []
        for sku in skus:
            source = Random(f"{seed}|{key}|{code}|{sku.code}")
            needed = story.needed.get((code, sku.code), 0)
            if sku.code in story.short:  # all of it at once, and nothing beyond: sold out today
                units = needed if opening else 0
            else:
                units = round(needed * share + Decimal("0.499"))
            if opening and sku.code not in story.short:
                units += source.randrange(15, 160) if code == MAIN else source.randrange(5, 40)
            if units > 0:
                price = (cost[sku.code] * Decimal(source.randrange(90, 112)) / 100).quantize(Decimal("0.0001"))
                lines.append((shop.skus[sku.code], units, price, CURRENCY))
        if lines:
            post = stock.opening if opening else stock.receive
            post(actor=shop.owner, warehouse_id=warehouse, lines=lines, key=f"demo:{key}:{code}")


def _carriers(shop: Shop, control: Control, number: str) -> None:
    lines: list[dict[str, Any]] = [
        {"key": YUN, "code": "BKZXR", "name": "YunExpress Standard", "name_zh": "云途标快", "battery": True},
        {"key": UK_LINE, "code": "GBZXR", "name": "YunExpress UK line", "name_zh": "云途英国专线"},
    ]
    carriers.connect_yunexpress(shop, control, number, "YunExpress 云途", lines)
    freight = {"name": "Post freight", "name_zh": "邮政大货", "battery": True}
    carriers.connect_freight(shop, "Post freight 邮政大货", "Post", freight)
    carriers.give_numbers(shop, number, 300)


def call_us(control: Control, number: str, web_url: str) -> tuple[str, str]:
    return carriers.be_called(control, number, web_url, host="localhost")


def connect_tracker(shop: Shop, control: Control, number: str, web_url: str) -> None:
    account, token = call_us(control, number, web_url)
    with tenant_context(shop.schema):
        carriers.connect_tracker(shop, control, account, token)


def rule_set() -> list[dict[str, Any]]:
    """The rehearsal's rules without their combinations, and one mistake: Ireland goes with the line for Britain."""

    def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
        return {"field": field, "op": op, "value": value}

    kept = [rule for rule in rehearsal.rule_set() if rule["id"] != "r1"]
    islands = {
        "id": "r21",
        "name": "British Isles by the UK line",
        "conditions": {
            "all": [leaf("country", "in", ["GB", "IE"]), leaf("weight_g", "lt", 14_000), leaf("battery", "eq", False)]
        },
        "actions": [{"do": "service", "value": UK_LINE}],
    }
    return [*kept[:3], islands, *kept[3:]]

"""Orders that came in and wait for a person: why stands on their page and in their tab, and what is offered helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.models import Account, Listing
from core.central import due
from core.tenancy import tenant_context
from inventory.services import catalogue
from orders.models import Order
from tests.support import amazon
from tests.support.database import ACME
from tests.trouble.stage import ACTOR, Shop, Stage, leaks, sentence

RECIPIENT = amazon.plan("x")["recipient"]


def to(**changes: Any) -> dict[str, Any]:
    return {"recipient": RECIPIENT | changes}


def one(sku: str, quantity: int = 1, price: str = "10.00", title: str = "") -> dict[str, Any]:
    return {"lines": [{"sku": sku, "title": title or sku.title(), "quantity": quantity, "unit_price": price}]}


@dataclass(frozen=True)
class Wait:
    """An order as the platform tells it, where it has to stand, why, and what a person does about it."""

    name: str
    plan: dict[str, Any]
    state: str
    code: str = ""
    says: tuple[str, ...] = ()
    mend: Callable[[Stage, Shop, Order], None] | None = None
    spoil: Callable[[dict[str, Any]], None] | None = field(default=None)  # changes the platform's own payload


def _edit(**changes: str) -> Callable[[Stage, Shop, Order], None]:
    def mend(stage: Stage, shop: Shop, order: Order) -> None:
        """The form of the page, with everything that it shows and the changes."""
        fields = {
            "ship_name": order.ship_name,
            "ship_lines": "\n".join(order.ship_lines),
            "ship_city": order.ship_city,
            "ship_region": order.ship_region,
            "ship_postcode": order.ship_postcode,
            "ship_country": order.ship_country,
            "ship_phone": order.ship_phone,
            "version": str(order.version),
        }
        refused = stage.post(stage.order_page(order, "address"), status=200, **fields)
        assert not leaks(refused)
        stage.post(stage.order_page(order, "address"), **fields | changes)

    return mend


def _match(sku: str) -> Callable[[Stage, Shop, Order], None]:
    return lambda stage, shop, order: stage.match(order, sku)


def _match_old(stage: Stage, shop: Shop, order: Order) -> None:
    """The discontinued SKU is refused with its successor's name, which is then taken."""
    listing = Listing.objects.get(account=shop.account, seller_sku="OLD-TEE")
    path = stage.order_page(order, f"listing/{listing.pk}/match")
    refused = stage.post(path, status=422, sku=stage.skus["OLD-TEE"].pk, units=1)
    assert "no longer sold" in refused and "TEE-RED" in refused
    assert not leaks(refused)
    stage.post(path, sku=stage.skus["TEE-RED"].pk, units=1)


def _let_go(stage: Stage, shop: Shop, order: Order) -> None:
    stage.post(stage.order_page(order, "route"))


def _receive(stage: Stage, shop: Shop, order: Order) -> None:
    stage.receive(100, "LAMP")


def _currency(code: str) -> Callable[[dict[str, Any]], None]:
    def spoil(body: dict[str, Any]) -> None:
        body["proceeds"]["grandTotal"]["currencyCode"] = code

    return spoil


def _total(body: dict[str, Any]) -> None:
    body["proceeds"]["grandTotal"]["amount"] = "1.00"


def _no_address(body: dict[str, Any]) -> None:
    body["recipient"] = {}


def _country(code: str) -> Callable[[dict[str, Any]], None]:
    def spoil(body: dict[str, Any]) -> None:
        body["recipient"]["deliveryAddress"]["countryCode"] = code

    return spoil


def _never(body: dict[str, Any]) -> None:
    for name in ("shipByWindow", "deliverByWindow"):
        body["fulfillment"][name] = {"latestDateTime": "9999-12-31T23:59:59Z"}


def _asked(body: dict[str, Any]) -> None:
    wish = {"requester": "BUYER", "cancelReason": "Order created by mistake"}
    body["orderItems"][0]["cancellation"] = {"cancellationRequest": wish}


def _texts(body: dict[str, Any]) -> None:
    place = body["recipient"]["deliveryAddress"]
    place["name"] = "👩‍👩‍👧‍👦 ليلى \u202eGERMANY\u202c <script>alert(1)</script>"
    place["addressLine1"] = "شارع الملك فهد \u0000 12 " + "長" * 120
    place["addressLine2"] = "half \ud83d of it"
    body["orderItems"][0]["product"]["title"] = "Ω" * 5000 + "\u0000"
    body["buyer"]["buyerName"] = "\u0000"
    body["recipient"]["deliveryPreference"] = {"addressInstruction": "note " * 4000}


TABS = {"ready": "booked"}
WAITS = [
    Wait("unknown SKU", one("NEVER-SEEN"), "unmatched", "order.unmatched", ("NEVER-SEEN", "Pick a SKU"), _match("CUP")),
    Wait("discontinued SKU", one("OLD-TEE"), "unmatched", "order.unmatched", ("OLD-TEE",), _match_old),
    Wait("line without SKU", one("  "), "unmatched", "order.unmatched", (), _match("CUP")),
    Wait("test currency", {}, "held", "order.currency_unknown", ("XTS",), _let_go, _currency("XTS")),
    Wait("no name", {}, "address", "order.address_incomplete", ("name",), _edit(ship_name="Ann Lee"),
         lambda body: body["recipient"]["deliveryAddress"].pop("name")),
    Wait("no street", {}, "address", "order.address_incomplete", ("street",), _edit(ship_lines="1 Long Road"),
         lambda body: body["recipient"]["deliveryAddress"].update(addressLine1="", addressLine2=" ")),
    Wait("no country", {}, "address", "order.address_incomplete", ("country",), _edit(ship_country="US"), _country("")),
    Wait("country in words", {}, "address", "order.address_incomplete", ("country",), _edit(ship_country="US"),
         _country("United States")),
    Wait("no postcode", to(postcode=""), "address", "order.address_incomplete", ("postcode",), _edit(ship_postcode="98101")),
    Wait("no postcode needed", to(postcode="", country="HK", city="Hong Kong", region="Kowloon"), "booked"),
    Wait("no address at all", {}, "address", "order.address_incomplete", ("name", "street", "country"),
         _edit(ship_name="A", ship_lines="1 Road", ship_city="Seattle", ship_region="WA", ship_postcode="98101",
               ship_country="US", ship_phone="+1 206 5550100"), _no_address),
    Wait("stock short", one("LAMP", 550), "short", "order.short", ("LAMP", "550"), _receive),
    Wait("ten thousand", one("CUP", 10_000), "short", "order.short", ("CUP", "10000")),
    Wait("ten million", one("CUP", 9_999_999, "0.01"), "held", "route.service_weight", ("Yun Standard",)),
    Wait("the buyer wants to cancel", {}, "held", "order.cancel_requested", ("asked to cancel",), _let_go, _asked),
    Wait("totals do not add up", {}, "booked", spoil=_total),
    Wait("never to be sent", {}, "booked", spoil=_never),
    Wait("odd texts", {}, "booked", spoil=_texts),
]  # fmt: skip
NAMES = [wait.name for wait in WAITS]


def _id(at: int) -> str:
    return f"903-{at:07d}-0000001"


@pytest.fixture(scope="module")
def shop(house: Stage) -> Shop:
    """All of them and three good ones in one page."""
    with tenant_context(ACME):
        new = house.sku("OLD-TEE", 180)
        catalogue.discontinue_sku(actor=ACTOR, sku_id=new.pk, successor_id=house.skus["TEE-RED"].pk)
        house.service = house.sell(
            "BKPHR", "yun-std", "Yun Standard", service_id=house.service.pk, max_weight_g=10_000_000
        )
        shop = house.amazon()
        shop.plan(*(amazon.plan(f"g{n}") for n in range(3)))
        source = amazon.Seller(house.base)  # another seller, whose payloads are taken as patterns
        made = source.plan(*(amazon.plan(f"w{at}", **wait.plan) for at, wait in enumerate(WAITS)))
        found = {order["orderId"]: order for order in source.search(includedData=amazon.EVERYTHING).json()["orders"]}
        bodies = []
        for at, wait in enumerate(WAITS):
            body = found[made[f"w{at}"]]
            body["orderId"] = _id(at)
            if wait.spoil is not None:
                wait.spoil(body)
            bodies.append(body)
        shop.raw(*bodies)
        house.pull(shop)
        return shop


def _order(stage: Stage, name: str) -> Order:
    return stage.order(_id(NAMES.index(name)))


@pytest.mark.parametrize("wait", WAITS, ids=NAMES)
def test_where_it_stands_and_why(stage: Stage, shop: Shop, wait: Wait) -> None:
    order = _order(stage, wait.name)
    assert (order.state, order.reason_code) == (wait.state, wait.code)
    page = stage.page(stage.order_page(order))
    assert not leaks(page)
    listed = stage.page(f"/orders/?tab={TABS.get(wait.state, wait.state)}")
    assert order.number in listed and not leaks(listed)
    if wait.code:
        said = sentence(wait.code, order.reason_params)
        assert said in page
        assert all(part in said for part in wait.says), said
        assert not leaks(stage.page(stage.order_page(order), lang="zh-hans"))


def test_the_others_of_the_page_went_through(stage: Stage, shop: Shop) -> None:
    assert not stage.dead(shop)
    assert Order.objects.filter(account=shop.account, state="booked").count() >= 3 + 4
    account = Account.objects.get(pk=shop.account.pk)
    assert (account.health, account.health_code) == ("ok", "")


def test_today_counts_them(stage: Stage, shop: Shop) -> None:
    today = stage.today()
    for words in ("Listing without SKU", "Address to correct", "On hold", "Short of stock"):
        assert words in today


@pytest.mark.parametrize("wait", [one for one in WAITS if one.mend], ids=[one.name for one in WAITS if one.mend])
def test_what_is_offered_lets_it_go_on(stage: Stage, shop: Shop, wait: Wait) -> None:
    order = _order(stage, wait.name)
    assert wait.mend is not None
    wait.mend(stage, shop, order)
    stage.settle()
    order.refresh_from_db()
    assert (order.state, order.reason_code) == ("booked", ""), order.reason_params
    assert not leaks(stage.page(stage.order_page(order)))


def test_withheld_then_given(stage: Stage, shop: Shop) -> None:
    """Amazon holds the receiver back for a while; nobody has to do anything."""
    other = stage.amazon()
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
    other.seller.control("@/withhold-pii", {"until": until})
    ids = other.plan(amazon.plan("withheld"))
    stage.pull(other)
    order = stage.order(ids["withheld"])
    assert (order.state, order.reason_code) == ("address", "order.address_incomplete")
    assert "Pull this order again" in stage.page(stage.order_page(order))
    other.seller.control("@/withhold-pii", {"until": ""})
    due.run_now(ACME, "orders.reread", str(other.account.pk))
    stage.settle()
    order.refresh_from_db()
    assert (order.state, order.ship_name) == ("booked", "Zoë 李")


def test_shipped_and_confirmed_in_the_end(stage: Stage, shop: Shop) -> None:
    """Planned at the platform with an unknown SKU, matched on the page, sent, and known there."""
    ids = shop.plan(amazon.plan("whole", **one("NEW-THING")))
    stage.pull(shop)
    order = stage.order(ids["whole"])
    assert order.state == "unmatched"
    stage.match(order, "TEE-RED")
    stage.settle()
    order.refresh_from_db()
    stage.ship(order)
    order.refresh_from_db()
    assert order.state == "handed"
    known = shop.known(order.external_id)
    assert [told["tracking_number"] for told in known["confirmations"]] == [stage.parcel(order).tracking_number]

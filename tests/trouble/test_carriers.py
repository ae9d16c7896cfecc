"""Parcels that the carrier or a check refuses: the order says why, what is offered helps, nobody else waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from core.tenancy import tenant_context
from core.values import Parcel, ShipmentRequest
from inventory.services import catalogue
from logistics.models import Service
from logistics.registry import carrier_of
from logistics.services import accounts as carriers
from logistics.services.booking import address_of, customs_line_of
from logistics.services.sessions import open_account
from orders.models import Order
from tests.support import amazon
from tests.support.database import ACME
from tests.support.parcels import open_carrier
from tests.trouble.stage import ACTOR, Shop, Stage, leaks, sentence

RECIPIENT = amazon.plan("x")["recipient"]
Mend = Callable[[Stage, Order], None]


def line(sku: str, quantity: int = 1, price: str = "10.00") -> list[dict[str, Any]]:
    return [{"sku": sku, "title": sku.title(), "quantity": quantity, "unit_price": price}]


@dataclass(frozen=True)
class Refusal:
    """``note`` names the service for the rules; ``mend`` is what a person does; afterwards the order is booked."""

    name: str
    code: str
    says: str
    mend: Mend
    note: str = ""
    plan: dict[str, Any] | None = None


def book(stage: Stage, order: Order) -> None:
    stage.post(stage.order_page(order, "book"))


def reroute(stage: Stage, order: Order) -> None:
    stage.post(stage.order_page(order, "route"))


def accept(stage: Stage, order: Order) -> None:
    """Booking again is not offered, for the carrier has the parcel; the number can be accepted."""
    page = stage.page(stage.order_page(order))
    assert "Accept the number" in page and "Take the parcel back" in page
    assert stage.parcel(order).tracking_number in page
    stage.post(stage.order_page(order, "accept-number"))


def take_back(stage: Stage, order: Order) -> None:
    """The parcel is given up at the carrier, the service's format is corrected, and another one is booked."""
    stage.post(stage.order_page(order, "take-back"), close="0")
    stage.settle()
    order.refresh_from_db()
    assert order.state == "held"
    Service.objects.filter(key="fmt2").update(number_format="")
    reroute(stage, order)


def correct_service(key: str, **fields: Any) -> Mend:
    """On the service's form, then the rules are asked again."""

    def mend(stage: Stage, order: Order) -> None:
        found = Service.objects.get(key=key)
        given = {"name": found.name, "code": found.code, "key": key, "divisor": 8000, "active": "on", "battery": "on"}
        stage.post(f"/carriers/{found.carrier_account_id}/services/{found.pk}/", **given | fields)
        reroute(stage, order)

    return mend


def switch_service(stage: Stage, order: Order) -> None:
    """New rules choose another service."""
    stage.use("yun-std")
    reroute(stage, order)


def weigh_sku(stage: Stage, order: Order) -> None:
    catalogue.update_sku(actor=ACTOR, sku_id=stage.skus["AIR"].pk, weight_g=120)
    book(stage, order)


def name_sku(stage: Stage, order: Order) -> None:
    catalogue.update_sku(actor=ACTOR, sku_id=stage.skus["PLAIN"].pk, customs_name_zh="商品")
    book(stage, order)


def value_sku(stage: Stage, order: Order) -> None:
    given = {"customs_value": Decimal("2.00"), "customs_currency": "USD"}
    catalogue.update_sku(actor=ACTOR, sku_id=stage.skus["GIFT"].pk, **given)
    book(stage, order)


def fill_pool(stage: Stage, order: Order) -> None:
    pool = Service.objects.get(key="pool").carrier_account_id
    page = stage.post(f"/carriers/{pool}/numbers", status=200, numbers="SW000001\nbad number!\nSW000001\nSW000002")
    assert "is no tracking number" in page and "stands twice" in page and not leaks(page)
    book(stage, order)


def correct_pool(stage: Stage, order: Order) -> None:
    """The form of the pool's numbers was wrong; it is corrected with the carrier."""
    pool = Service.objects.get(key="poolf").carrier_account_id
    stage.post(f"/carriers/{pool}/keys", **{"settings-carrier_name": "Swift", "settings-number_format": "SX[0-9]+"})
    book(stage, order)


def edit(**changes: str) -> Mend:
    def mend(stage: Stage, order: Order) -> None:
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
        stage.post(stage.order_page(order, "address"), **fields | changes)

    return mend


REFUSALS = [
    Refusal("number of another form", "number.not_the_services_format", "does not have the format", accept, "fmt1"),
    Refusal("number of another form, again", "number.not_the_services_format", "Check the number", take_back, "fmt2"),
    Refusal("product that is gone", "carrier.service_unknown", "Correct its code", correct_service("nope", code="BKPHR"), "nope"),
    Refusal("country not served", "carrier.country_not_served", "does not serve United States", switch_service, "ukonly"),
    Refusal("too heavy", "carrier.weight_too_high", "at most 2", switch_service, "small", {"lines": line("POT-1", 4)}),
    Refusal("country of nobody", "carrier.address_refused", "Correct it", edit(ship_country="US"), "",
            {"recipient": RECIPIENT | {"country": "XX"}}),
    Refusal("no weight", "booking.no_weight", "AIR", weigh_sku, "", {"lines": line("AIR")}),
    Refusal("no Chinese name", "customs.name_local_missing", "PLAIN has no customs name", name_sku, "",
            {"lines": line("PLAIN")}),
    Refusal("worth nothing", "customs.value_missing", "GIFT has no customs value", value_sku, "",
            {"lines": line("GIFT", 1, "0.00")}),
    Refusal("empty pool", "pool.empty", "Add tracking numbers", fill_pool, "pool"),
    Refusal("number that the pool's form refuses", "number.not_the_services_format", "does not have the format",
            correct_pool, "poolf"),
]  # fmt: skip
NAMES = [one.name for one in REFUSALS]


@pytest.fixture(scope="module")
def shop(house: Stage) -> Shop:
    """All refusals and three good orders, read and booked together."""
    with tenant_context(ACME):
        for code, more in {"AIR": {"grams": None}, "PLAIN": {}, "GIFT": {}}.items():
            house.sku(code, **more)
        catalogue.update_sku(actor=ACTOR, sku_id=house.skus["PLAIN"].pk, customs_name_zh="")
        house.receive(50, "AIR", "PLAIN", "GIFT")
        house.sell("BKPHR", "fmt1", "Format one", number_format="AB[0-9]{4}")
        house.sell("BKPHR", "fmt2", "Format two", number_format="AB[0-9]{4}")
        house.sell("NOPE", "nope", "Gone")
        house.sell("GBZXR", "ukonly", "United Kingdom")
        house.sell("PYZXR", "small", "Small")
        house.sell("THPHR", "late", "Economy")
        for key, settings in {"pool": {}, "poolf": {"number_format": "SQ[0-9]+"}}.items():
            made = carriers.connect_carrier(actor=ACTOR, carrier="pool", name=key, credentials={}, settings=settings)
            house.sell("SWIFT", key, key.title(), made)
            if key == "poolf":
                carriers.add_pool_numbers(actor=ACTOR, account_id=made.pk, text="SX000001\nSX000002")
        keys = ["fmt1", "fmt2", "nope", "ukonly", "small", "late", "poolf", "pool"]
        house.use("yun-std", *keys)
        shop = house.amazon()
        plans = [amazon.plan(f"g{n}") for n in range(3)]
        plans += [amazon.plan(f"c{at}", **_note(one.note), **(one.plan or {})) for at, one in enumerate(REFUSALS)]
        shop.good = shop.plan(*plans)
        house.pull(shop)
        return shop


def _note(service: str) -> dict[str, Any]:
    return {"buyer_note": service} if service else {}


def _order(stage: Stage, shop: Shop, name: str) -> Order:
    return stage.order(shop.good[f"c{NAMES.index(name)}"])


@pytest.mark.parametrize("one", REFUSALS, ids=NAMES)
def test_the_order_says_why(stage: Stage, shop: Shop, one: Refusal) -> None:
    order = _order(stage, shop, one.name)
    assert (order.state, order.reason_code) == ("failed", one.code)
    said = sentence(order.reason_code, order.reason_params)
    assert one.says in said, said
    page = stage.page(stage.order_page(order))
    assert said in page and not leaks(page)
    assert not leaks(stage.page(stage.order_page(order), lang="zh-hans"))


def test_the_others_were_booked(stage: Stage, shop: Shop) -> None:
    assert {stage.order(shop.good[f"g{n}"]).state for n in range(3)} == {"booked"}
    listed = stage.page("/orders/?tab=failed")
    assert not leaks(listed)
    assert "Booking failed" in stage.today()
    assert not leaks(stage.page("/channels/desk/?tab=booking"))


@pytest.mark.parametrize("one", REFUSALS, ids=NAMES)
def test_what_is_offered_helps(stage: Stage, shop: Shop, one: Refusal) -> None:
    order = _order(stage, shop, one.name)
    one.mend(stage, order)
    stage.settle()
    order.refresh_from_db()
    assert (order.state, order.reason_code) == ("booked", ""), order.reason_params
    assert stage.parcel(order).state == "ready"


def test_mended_ones_are_confirmed(stage: Stage, shop: Shop) -> None:
    orders = [_order(stage, shop, one.name) for one in REFUSALS]
    sent = [order for order in orders if order.state == "booked"]
    stage.ship(*sent)
    for order in sent:
        (told,) = shop.known(order.external_id)["confirmations"]
        assert told["tracking_number"] in (stage.parcel(order).tracking_number, stage.parcel(order).waybill)


def test_a_label_that_never_comes(stage: Stage, shop: Shop) -> None:
    """The carrier owes number and label; the page says so, the parcel can be taken back and sent another way."""
    stage.use("yun-std", "late")
    ids = shop.plan(amazon.plan("late", buyer_note="late"))
    stage.pull(shop)
    order = stage.order(ids["late"])
    assert (order.state, stage.parcel(order).state) == ("booking", "waiting")
    page = stage.page(stage.order_page(order))
    assert "the carrier still owes" in page and stage.parcel(order).waybill in page and not leaks(page)
    assert "Being booked" in page or "Waits for the carrier" in page
    stage.post(stage.order_page(order, "take-back"), close="0")
    stage.settle()
    order.refresh_from_db()
    assert (order.state, order.reason_code) == ("failed", "order.parcel_cancelled")
    stage.use("yun-std")
    reroute(stage, order)
    stage.settle()
    order.refresh_from_db()
    assert order.state == "booked"


def test_a_reference_that_is_taken(stage: Stage, shop: Shop) -> None:
    """Another parcel stands at the carrier under our reference: it is not taken for ours, and not booked over."""
    ids = shop.plan(amazon.plan("taken", lines=line("TAKEN-LATER")))
    stage.pull(shop)
    order = stage.order(ids["taken"])
    assert order.state == "unmatched"
    other = stage.order(shop.good["g0"])
    request = _request_of(stage, other, f"S{order.pk}-1")
    opened = open_account(stage.carrier_account)
    carrier_of("yunexpress").book(opened.session, request)
    stage.match(order, "TEE-RED")
    stage.settle()
    order.refresh_from_db()
    assert (order.state, order.reason_code) == ("failed", "carrier.reference_taken")
    assert sentence(order.reason_code, order.reason_params) in stage.page(stage.order_page(order))
    book(stage, order)
    stage.settle()
    order.refresh_from_db()
    assert (order.state, stage.parcel(order).reference) == ("booked", f"S{order.pk}-2")


def _request_of(stage: Stage, order: Order, reference: str) -> Any:
    """The parcel of ``order`` once more, to Berlin and under another reference."""
    found = stage.parcel(order)
    receiver = address_of(found.receiver).with_(country="DE", postcode="10999", city="Berlin", region="Berlin")
    customs = tuple(customs_line_of(one) for one in found.customs)
    return ShipmentRequest(reference, "BKPHR", receiver, address_of(found.sender), Parcel(500), customs)


def test_credentials_that_the_carrier_revoked(stage: Stage, shop: Shop) -> None:
    """Its parcels wait, others go on; the carrier's page and Today say what to do; new keys let them go on."""
    own = open_carrier(stage.base)
    account = stage.connect_carrier(own)
    stage.sell("BKPHR", "revoked", "Revoked", account)
    stage.use("yun-std", "revoked")
    own.control(f"/{own.account}/revoke", {})
    ids = shop.plan(amazon.plan("waits", buyer_note="revoked"), amazon.plan("goes"))
    stage.pull(shop)
    waits, goes = stage.order(ids["waits"]), stage.order(ids["goes"])
    assert (waits.state, goes.state) == ("booking", "booked")
    account.refresh_from_db()
    assert (account.health, account.health_code) == ("reconnect", "carrier.credentials_refused")
    said = sentence(account.health_code, account.health_params)
    for path in (f"/carriers/{account.pk}/", stage.order_page(waits)):
        page = stage.page(path)
        assert said in page and not leaks(page), path
    assert "Carriers to look after" in stage.today()
    spec = {"account_id": own.account, "app_id": f"app-{own.account}-2", "app_secret": "fresh"}
    own.control("", spec)
    stage.post(
        f"/carriers/{account.pk}/keys",
        **{
            "secret-app_id": spec["app_id"],
            "secret-app_secret": "fresh",
            "settings-base_url": f"{stage.base}/yunexpress",
        },
    )
    stage.settle()
    waits.refresh_from_db()
    account.refresh_from_db()
    assert (waits.state, account.health) == ("booked", "ok")
    assert len(own.shipments()) == 1, "booked once"

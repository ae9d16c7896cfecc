"""Orders that cannot be read: each lies on the desk with its reason, and everybody else in the page goes through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from channels.models import Account, Cursor, RawPayload
from channels.services import pull
from core.tenancy import tenant_context
from core.words import say
from orders.models import Order
from tests.support import amazon, ebay_wire
from tests.support.database import ACME
from tests.trouble import payloads
from tests.trouble.stage import ACTOR, Shop, Stage, leaks, plain, sentence

GOOD = 6


@pytest.fixture(scope="module")
def amazon_shop(house: Stage) -> Shop:
    """A seller with good orders and one bad one of each kind, read in one go."""
    with tenant_context(ACME):
        shop = house.amazon()
        ids = list(shop.plan(*(amazon.plan(f"g{n}") for n in range(GOOD))).values())
        shop.good = shop.seller.order(ids[0])
        shop.raw(*(payloads.amazon(shop.good, bad, at) for at, bad in enumerate(payloads.AMAZON)))
        house.pull(shop)
        return shop


@pytest.fixture(scope="module")
def ebay_shop(house: Stage) -> Shop:
    with tenant_context(ACME):
        shop = house.ebay()
        shop.plan(*(ebay_wire.planned(f"g{n}") for n in range(GOOD)))
        page = etree.fromstring(shop.seller.orders("<DetailLevel>ReturnAll</DetailLevel>" + _window()).text.encode())
        good = page.find(".//e:Order", ebay_wire.NS)
        shop.raw(*(payloads.ebay(good, bad, at) for at, bad in enumerate(payloads.EBAY)))
        house.pull(shop)
        return shop


def _window() -> str:
    return f"<ModTimeFrom>{ebay_wire.ago(hours=1)}</ModTimeFrom><ModTimeTo>{ebay_wire.ahead(minutes=1)}</ModTimeTo>"


def _letter(shop: Shop, made: Any) -> RawPayload:
    """The raw row of a case: by its text, for some have no id."""
    found = [row for row in RawPayload.objects.filter(account=shop.account, kind="order") if made(row.payload)]
    assert len(found) == 1, [row.external_id for row in found]
    return found[0]


def _look(stage: Stage, row: RawPayload, bad: payloads.Bad) -> None:
    assert (row.state, row.error_code) == (RawPayload.DEAD, bad.code)
    said = sentence(row.error_code, row.error_params)
    assert bad.says in said or bad.says == "", said
    page = stage.page(f"/channels/desk/raw/{row.pk}/")
    assert said in page
    assert say("todo.letter.raw") in page
    assert not leaks(page, but=bad.code)


@pytest.mark.parametrize("at", range(len(payloads.AMAZON)), ids=[bad.name for bad in payloads.AMAZON])
def test_a_bad_amazon_order_lies_on_the_desk(stage: Stage, amazon_shop: Shop, at: int) -> None:
    bad = payloads.AMAZON[at]
    served = payloads.amazon(amazon_shop.good, bad, at)
    row = _letter(amazon_shop, lambda text: json.loads(text) == served)
    _look(stage, row, bad)


@pytest.mark.parametrize("at", range(len(payloads.EBAY)), ids=[bad.name for bad in payloads.EBAY])
def test_a_bad_ebay_order_lies_on_the_desk(stage: Stage, ebay_shop: Shop, at: int) -> None:
    bad = payloads.EBAY[at]
    marks = (f"5{at:05d}-1", f"77-{at:05d}-00001")
    row = _letter(ebay_shop, lambda text: any(mark in text for mark in marks))
    if not bad.code:  # what is odd about it does not keep it from being an order
        assert row.state == RawPayload.INGESTED
        return
    _look(stage, row, bad)


@pytest.mark.parametrize("name", ["amazon_shop", "ebay_shop"])
def test_everybody_else_went_through(stage: Stage, request: pytest.FixtureRequest, name: str) -> None:
    shop: Shop = request.getfixturevalue(name)
    kinds = payloads.AMAZON if name == "amazon_shop" else payloads.EBAY
    orders = Order.objects.filter(account=shop.account)
    fine = GOOD + sum(not bad.code for bad in kinds)
    assert (orders.count(), len(stage.dead(shop))) == (fine, len(kinds) - fine + GOOD)
    assert set(orders.values_list("state", flat=True)) == {"booked"}
    account = Account.objects.get(pk=shop.account.pk)
    assert (account.health, account.health_code) == ("ok", "")


def test_where_a_person_looks(stage: Stage, amazon_shop: Shop, ebay_shop: Shop) -> None:
    """The desk's list in both languages, Today, and the account's page say that something lies there."""
    waiting = len(stage.dead(amazon_shop)) + len(stage.dead(ebay_shop))
    desk = stage.page("/channels/desk/?tab=raw")
    assert not leaks(desk)
    assert "Amazon" in desk or amazon_shop.account.name in desk
    assert not leaks(stage.page("/channels/desk/?tab=raw", lang="zh-hans"))
    today = stage.today()
    assert f"{waiting} Could not be read" in today, today[:1500]
    account = stage.page(f"/channels/{amazon_shop.account.pk}/")
    assert str(len(stage.dead(amazon_shop))) in account


def test_mended_on_the_desk_it_goes_its_whole_way(stage: Stage, amazon_shop: Shop) -> None:
    """A person reads the payload, corrects the quantity, and the order goes on; another order's payload is refused."""
    other = amazon_shop.good["orderId"]
    row = next(row for row in stage.dead(amazon_shop) if '"two"' in row.payload)
    text = json.loads(row.payload)
    wrong = json.dumps(text | {"orderId": other})
    refused = stage.post(f"/channels/desk/raw/{row.pk}/mend", status=422, payload=json.dumps(text))
    assert "orderItems[0].quantityOrdered" in refused
    text["orderItems"][0]["quantityOrdered"] = 2
    assert "another order" in stage.post(
        f"/channels/desk/raw/{row.pk}/mend", status=422, payload=wrong.replace('"two"', "2")
    )
    stage.post(f"/channels/desk/raw/{row.pk}/mend", payload=json.dumps(text))
    stage.settle()
    found = stage.order(text["orderId"])
    assert found.state == "booked"
    assert found.ship_name in stage.page(stage.order_page(found))


@pytest.mark.parametrize(
    "mended",
    ["", "{", "<html>", "[]", "null", '{"orderId": 5}', "[" * 100_000, "9" * 5000, '"\\ud800"'],
    ids=["empty", "cut", "html", "list", "null", "number", "a well", "long number", "half"],
)
def test_what_a_person_types_on_the_desk_is_refused_in_words(stage: Stage, amazon_shop: Shop, mended: str) -> None:
    row = stage.dead(amazon_shop)[0]
    page = stage.post(f"/channels/desk/raw/{row.pk}/mend", status=422, payload=mended)
    assert "still" in page and not leaks(page)
    row.refresh_from_db()
    assert row.state == RawPayload.DEAD


def test_retried_and_dropped_from_the_list(stage: Stage, amazon_shop: Shop) -> None:
    one, other = stage.dead(amazon_shop)[:2]
    stage.post(f"/channels/desk/raw/{one.pk}/retry")
    stage.settle()
    one.refresh_from_db()
    assert (one.state, one.attempts) == (RawPayload.DEAD, 2)
    stage.post(f"/channels/desk/raw/{other.pk}/drop", status=422, reason=" ")
    stage.post(f"/channels/desk/raw/{other.pk}/drop", reason="a test of theirs")
    other.refresh_from_db()
    assert other.state == RawPayload.DROPPED
    assert plain(other.payload), "nothing is lost by dropping"


@pytest.mark.parametrize("kind", ["die_mid_page", "html503", "empty200", "server_error", "timeout_before"])
def test_a_page_that_is_no_page_is_read_again(stage: Stage, kind: str) -> None:
    """Cut, HTML, nothing: the account's page says so until the next reading, which misses nothing."""
    shop = stage.amazon()
    ids = shop.plan(amazon.plan(kind))
    shop.seller.script(kind, "searchOrders")
    pull.fetch_orders(account_id=shop.account.pk, actor=ACTOR)
    cursor = Cursor.objects.get(account=shop.account, job="orders")
    said = sentence(cursor.error_code, cursor.error_params)
    page = stage.page(f"/channels/{shop.account.pk}/")
    assert said in page and not leaks(page)
    stage.pull(shop)
    assert stage.order(ids[kind]).state == "booked"
    cursor.refresh_from_db()
    assert (cursor.failures, cursor.error_code) == (0, "")


NOT_XML = {
    "bare ampersand": ("<BuyerCheckoutMessage>Fish & Chips</BuyerCheckoutMessage></Order>", "payload.no_xml"),
    "cut in the middle": ("<TransactionArray><Transaction>", "payload.no_xml"),
    # Without its bells it is XML, and so it is read; this one lacks all the rest.
    "control characters": ("<BuyerCheckoutMessage>\x0b bell \x07</BuyerCheckoutMessage></Order>", "payload.time"),
}


@pytest.mark.parametrize("name", NOT_XML)
def test_an_ebay_order_that_is_no_xml_stops_nobody(stage: Stage, name: str) -> None:
    """It would make the whole page unreadable: the others are taken out of it, and it lies on the desk as it came."""
    rest, code = NOT_XML[name]
    external_id = f"66-{list(NOT_XML).index(name):05d}-00001"
    shop = stage.ebay()
    before = shop.plan(ebay_wire.planned("before"))["before"]
    shop.raw(f"<Order><OrderID>{external_id}</OrderID>{rest}")
    after = shop.plan(ebay_wire.planned("after"))["after"]
    stage.pull(shop)
    assert {stage.order(made).state for made in (before, after)} == {"booked"}
    (row,) = stage.dead(shop)
    assert (row.error_code, row.external_id) == (code, external_id)
    assert row.payload.strip().startswith(f"<Order><OrderID>{external_id}")
    assert sentence(row.error_code, row.error_params) in stage.page(f"/channels/desk/raw/{row.pk}/")
    account = Account.objects.get(pk=shop.account.pk)
    assert (account.health, account.health_code) == ("ok", "")
    stage.pull(shop)
    assert len(stage.dead(shop)) == 1, "read again it is recognised"

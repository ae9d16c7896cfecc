"""News that crosses our own acts: late and disordered revisions, cancellations, combined orders; told to the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.canonical import RawItem
from channels.services import inbox
from core.central import due
from core.tenancy import tenant_context
from inventory.models import Reservation
from orders.models import Order
from tests.support import amazon, ebay_wire
from tests.support.database import ACME
from tests.trouble.stage import Shop, Stage, leaks, sentence

NEW_HOME = amazon.plan("x")["recipient"] | {"name": "Zoë Moved", "lines": ["99 Other Street"], "city": "Tacoma"}


@pytest.fixture(scope="module")
def services(house: Stage) -> None:
    with tenant_context(ACME):
        house.sell("THPHR", "late", "Economy")
        house.use("yun-std", "late")


@pytest.fixture
def shop(request: pytest.FixtureRequest, stage: Stage, services: None) -> Shop:
    made: Shop = getattr(stage, getattr(request, "param", "amazon"))()
    return made


BOTH = pytest.mark.parametrize("shop", ["amazon", "ebay"], indirect=True)


def plan(shop: Shop, ref: str, **more: Any) -> dict[str, Any]:
    make = amazon.plan if isinstance(shop.seller, amazon.Seller) else ebay_wire.planned
    return make(ref, **more)


def taken(stage: Stage, shop: Shop, ref: str = "one", **more: Any) -> Order:
    ids = shop.plan(plan(shop, ref, **more))
    stage.pull(shop)
    return stage.order(ids[ref])


def again(stage: Stage, order: Order) -> Order:
    order.refresh_from_db()
    page = stage.page(stage.order_page(order))
    assert not leaks(page)
    return order


def conflict(stage: Stage, order: Order, code: str) -> str:
    order.refresh_from_db()
    assert order.conflict == code
    said = sentence(f"conflict.{code}", {})
    page = stage.page(stage.order_page(order))
    assert said in page and not leaks(page)
    assert not leaks(stage.page(stage.order_page(order), lang="zh-hans"))
    assert order.number in stage.page("/orders/?tab=all&conflict=1")
    return page


def nothing_reserved(order: Order) -> bool:
    lines = list(order.lines.values_list("pk", flat=True))
    return not Reservation.objects.filter(owner_id__in=lines, closed_at=None).exists()


def carried(stage: Stage, order: Order) -> list[dict[str, Any]]:
    """What the carrier has for the order, by its reference."""
    return [one for one in stage.carrier.shipments() if one["reference"].startswith(f"S{order.pk}-")]


def test_an_older_revision_that_comes_late_changes_nothing(stage: Stage, shop: Shop) -> None:
    ids = shop.plan(plan(shop, "one", lines=[{"sku": "NOT-YET", "title": "x", "quantity": 1, "unit_price": "1.00"}]))
    old = shop.seller.http.get(
        f"{amazon.ORDERS}/{ids['one']}",
        params={"includedData": amazon.EVERYTHING},
        headers={"x-amz-access-token": shop.seller.token()},
    ).text
    shop.act(ids["one"], "change_address", recipient=NEW_HOME)
    stage.pull(shop)
    order = stage.order(ids["one"])
    assert order.ship_name == "Zoë Moved"
    payload = json.dumps(json.loads(old)["order"])
    inbox.store(account_id=shop.account.pk, kind="order", items=[RawItem(ids["one"], payload)])
    due.run_now(ACME, "orders.sweep", "")
    stage.settle()
    order.refresh_from_db()
    assert (order.ship_name, order.ship_city) == ("Zoë Moved", "Tacoma")
    assert not stage.dead(shop)


@BOTH
def test_cancelled_before_booking(stage: Stage, shop: Shop) -> None:
    order = taken(stage, shop, lines=[{"sku": "NO-SUCH", "title": "x", "quantity": 1, "unit_price": "1.00"}])
    assert order.state == "unmatched"
    shop.act(order.external_id, "cancel")
    stage.pull(shop)
    assert again(stage, order).state == "cancelled"
    assert nothing_reserved(order) and not carried(stage, order)


@BOTH
@pytest.mark.parametrize("note", ["late", ""], ids=["while booking", "after booking"])
def test_cancelled_with_a_parcel_at_the_carrier(stage: Stage, shop: Shop, note: str) -> None:
    order = taken(stage, shop, **({"buyer_note": note} if note else {}))
    assert order.state == ("booking" if note else "booked")
    shop.act(order.external_id, "cancel")
    stage.pull(shop)
    assert (again(stage, order).state, order.conflict) == ("cancelled", "")
    assert nothing_reserved(order)
    assert [one["cancelled"] for one in carried(stage, order)] == [True]


def test_cancelled_and_the_carrier_keeps_the_parcel(stage: Stage, shop: Shop) -> None:
    order = taken(stage, shop)
    (there,) = carried(stage, order)
    stage.carrier.advance(there["waybill"], {"auto": True})
    shop.act(order.external_id, "cancel")
    stage.pull(shop)
    page = conflict(stage, order, "cancelled_in_flight")
    assert "Take the parcel back and cancel" in page and "Go on as it is" in page
    assert "The carrier keeps the parcel" in page
    stage.post(stage.order_page(order, "settle"), version=order.version)
    assert again(stage, order).conflict == ""


@BOTH
def test_cancelled_after_hand_over(stage: Stage, shop: Shop) -> None:
    order = taken(stage, shop)
    shop.act(order.external_id, "cancel")  # before we know of it the parcel leaves
    stage.ship(order)
    assert again(stage, order).state == "handed"
    refused = [one for one in stage.told(order) if one.state == "refused"]
    assert len(refused) == 1
    said = sentence(refused[0].error_code, refused[0].error_params)
    assert said in stage.page(stage.order_page(order))
    assert said in stage.page(f"/channels/desk/confirm/{refused[0].pk}/")
    stage.pull(shop)
    page = conflict(stage, order, "cancelled_after_handover")
    assert "Go on as it is" in page
    stage.post(stage.order_page(order, "settle"), version=order.version)
    assert again(stage, order).conflict == ""
    stage.post(f"/channels/desk/confirm/{refused[0].pk}/drop", reason="cancelled there")
    assert again(stage, order).state == "handed"


@BOTH
def test_the_buyer_asks_to_cancel_while_a_parcel_exists(stage: Stage, shop: Shop) -> None:
    order = taken(stage, shop)
    shop.act(order.external_id, "request_cancel")
    stage.pull(shop)
    conflict(stage, order, "cancel_requested")
    stage.post(stage.order_page(order, "take-back"), close="1")
    stage.settle()
    assert (again(stage, order).state, order.conflict) == ("cancelled", "")
    assert nothing_reserved(order)


@BOTH
def test_the_address_changes_while_a_parcel_exists(stage: Stage, shop: Shop) -> None:
    """The parcel is taken back, another one goes to the new address, and that one is told."""
    order = taken(stage, shop)
    shop.act(order.external_id, "change_address", recipient=NEW_HOME)
    stage.pull(shop)
    conflict(stage, order, "address_changed")
    stage.post(stage.order_page(order, "take-back"), close="0")
    stage.settle()
    assert (again(stage, order).state, order.reason_code) == ("held", "order.parcel_cancelled")
    stage.post(stage.order_page(order, "route"))
    stage.settle()
    assert again(stage, order).state == "booked"
    first, second = carried(stage, order)
    assert (first["cancelled"], second["cancelled"]) == (True, False)
    assert "99 Other Street" in second["recipient"]["address_lines"]
    stage.ship(order)
    told = [one["tracking_number"] for one in shop.known(order.external_id)["confirmations"]]
    assert told == [stage.parcel(order).tracking_number]


NOBODY_HAS = [{"sku": "UNKNOWN-THING", "title": "x", "quantity": 1, "unit_price": "1.00"}]
TOO_MANY = [{"sku": "MUG-RED", "title": "x", "quantity": 5_000, "unit_price": "1.00"}]
# What stood there of each of the two orders, and where the new one stands.
PAIRS = {
    "both wait for a SKU": ({"lines": NOBODY_HAS}, {"lines": NOBODY_HAS}, "unmatched"),
    "both booked": ({}, {}, "booked"),
    "one booked, one without SKU": ({}, {"lines": NOBODY_HAS}, "unmatched"),
    "one booked, one short": ({}, {"lines": TOO_MANY}, "short"),
    "one booked, one being booked": ({}, {"buyer_note": "late"}, "booking"),
    "both unpaid": ({"paid_at": None}, {"paid_at": None}, "pending"),
}


@pytest.mark.parametrize("shop", ["ebay"], indirect=True)
@pytest.mark.parametrize("old", ["vanish", "inactive"])
@pytest.mark.parametrize("name", PAIRS)
def test_combined_in_every_state(stage: Stage, shop: Shop, name: str, old: str) -> None:
    """Two orders become one at eBay: lines stand once, parcels stay once, and the new order can go on to its end."""
    first, second, state = PAIRS[name]
    ids = shop.plan(plan(shop, "a", **first), plan(shop, "b", **second))
    stage.pull(shop)
    parts = [stage.order(ids[ref]) for ref in ("a", "b")]
    made = shop.act(ids["a"], "combine", **{"with": [ids["b"]], "old": old})["external_id"]
    stage.pull(shop)
    whole = stage.order(made)
    assert (whole.state, {again(stage, part).state for part in parts}) == (state, {"combined"})
    assert again(stage, whole).lines.count() == sum(len(plan(shop, "x", **one)["lines"]) for one in (first, second))
    assert not stage.dead(shop)
    booked = sum(not one for one in (first, second))
    alive = [one for part in (*parts, whole) for one in carried(stage, part) if not one["cancelled"]]
    assert len(alive) == booked + ("buyer_note" in second)


@pytest.mark.parametrize("shop", ["ebay"], indirect=True)
def test_combined_after_one_was_handed_over(stage: Stage, shop: Shop) -> None:
    ids = shop.plan(plan(shop, "a"), plan(shop, "b"))
    stage.pull(shop)
    one, other = (stage.order(ids[ref]) for ref in ("a", "b"))
    stage.ship(one)
    made = shop.act(ids["a"], "combine", **{"with": [ids["b"]], "old": "inactive"})["external_id"]
    stage.pull(shop)
    whole = stage.order(made)
    assert again(stage, whole).state == "booked"
    stage.ship_rest(whole)
    assert again(stage, whole).state == "handed"
    numbers = {one["tracking_number"] for one in shop.known(made)["confirmations"]}
    assert len(numbers) == 2
    assert {again(stage, one).state, again(stage, other).state} == {"combined"}


@pytest.mark.parametrize("shop", ["ebay"], indirect=True)
def test_combined_while_one_waits_goes_on_to_the_end(stage: Stage, shop: Shop) -> None:
    """The booked parcel leaves for the new order; the rest gets a parcel of its own once its SKU is known."""
    ids = shop.plan(plan(shop, "a"), plan(shop, "b", lines=[NOBODY_HAS[0] | {"sku": "LATER-KNOWN"}]))
    stage.pull(shop)
    made = shop.act(ids["a"], "combine", **{"with": [ids["b"]], "old": "vanish"})["external_id"]
    stage.pull(shop)
    whole = stage.order(made)
    assert whole.state == "unmatched"
    stage.match(whole, "POT-1")
    stage.settle()
    assert again(stage, whole).state == "booked"
    stage.ship_rest(whole)
    assert again(stage, whole).state == "handed"
    known = shop.known(made)
    assert len({one["tracking_number"] for one in known["confirmations"]}) == 2
    assert sum(len(one["lines"]) for one in known["confirmations"]) == 3

"""The desks in a real browser: scan, weigh, hand over by keyboard alone; a dead letter; an answer; phone and axe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from channels.models import Account, RawPayload
from crm.models import Message
from crm.services import answer, save_template
from logistics.models import Shipment
from orders.models import Order
from tests.browser.conftest import Visit, press
from tests.support.parcels import ACTOR
from tests.ui2.conftest import EXPECTED, ask, dead_payload, make_floor

pytestmark = pytest.mark.browser


@pytest.fixture
def parcels(visit: Visit) -> list[Shipment]:
    with visit.house.inside():
        return list(Shipment.objects.filter(pk__in=floor_of(visit)).order_by("pk"))


def floor_of(visit: Visit) -> list[int]:
    """Parcels beside the house's own shop: its warehouse has the code that a floor wants."""
    shop = visit.house.shop
    shop.warehouse.code = "OLD"
    shop.warehouse.save(update_fields=["code"])
    for sku in shop.skus.values():
        sku.code = sku.code_key = f"OLD-{sku.code}"
        sku.save(update_fields=["code", "code_key"])
    return make_floor()[1]


def test_scan_weigh_hand_over_by_keyboard_alone(visit: Visit, parcels: list[Shipment]) -> None:
    page = visit.page
    visit.open("/ship/")
    expect(page.locator("[data-scan]")).to_be_focused()
    page.keyboard.type(parcels[0].tracking_number)
    page.keyboard.press("Enter")
    expect(page.locator(".ship-card")).to_contain_text("LAMP")
    expect(page.locator("[data-scan]")).to_be_focused()
    page.keyboard.type(str(EXPECTED + 3))
    page.keyboard.press("Enter")
    expect(page.locator(".ship-said.good")).to_contain_text("223 g, as expected")
    expect(page.locator("[data-scan]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".ship-said.good")).to_contain_text("Handed over")
    with visit.house.inside():
        assert Shipment.objects.get(pk=parcels[0].pk).state == "handed"

    # outside of the tolerance: only + accepts; the next scan leaves it as it is
    page.keyboard.type(parcels[1].tracking_number)
    page.keyboard.press("Enter")
    page.keyboard.type("999")
    page.keyboard.press("Enter")
    expect(page.locator(".ship-said.bad")).to_contain_text("It weighs 999 g")
    page.keyboard.type("+")
    page.keyboard.press("Enter")
    expect(page.locator(".ship-said.good")).to_contain_text("999 g")

    # a click beside the field does not lose what a scanner types
    page.mouse.click(700, 600)
    page.keyboard.type(parcels[2].tracking_number)
    page.keyboard.press("Enter")
    expect(page.locator(".ship-card")).to_contain_text(parcels[2].tracking_number)
    with visit.house.inside():
        assert Shipment.objects.get(pk=parcels[1].pk).state == "packed"

    # undo by its button
    page.keyboard.type(str(EXPECTED))
    page.keyboard.press("Enter")
    expect(page.locator(".ship-entry.step-hand")).to_be_visible()
    page.keyboard.press("Enter")
    page.click(".ship-said >> text=Undo")
    expect(page.locator(".ship-entry.step-hand")).to_be_visible()
    assert not visit.complaints


def test_labels_are_printed_from_the_list(visit: Visit, parcels: list[Shipment]) -> None:
    page = visit.page
    visit.open("/ship/parcels/")
    page.check("thead input")
    page.click("#bulk >> text=Hand over")
    expect(page.locator(".outcome")).to_contain_text("3 parcels handed over.")
    visit.open("/ship/lists/")
    page.click("text=Close the list")
    expect(page.locator("[data-toast]")).to_contain_text("closed with 3 parcels")
    assert not visit.complaints


def test_a_dead_letter_is_opened_dropped_and_tried_again(visit: Visit) -> None:
    page = visit.page
    with visit.house.inside():
        account = Account.objects.get()
        first, second = dead_payload(account, "A-1", "<broken>"), dead_payload(account, "A-2")
    visit.open("/channels/desk/")
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.click("text=A-1 >> xpath=../a")
    page.click("text=Show and mend")
    expect(page.locator("textarea")).to_have_value("<broken>")
    page.fill("textarea", "<still broken>")
    page.click("text=Save and read in")
    expect(page.locator("#payload [role=alert]")).to_be_visible()
    expect(page.locator("textarea")).to_have_value("<still broken>")
    page.click("text=Drop…")
    page.fill("#ask-drop [name=reason]", "a test order")
    page.click("#ask-drop button[type=submit]")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.check("tbody input")
    page.click("#bulk >> text=Try again")
    expect(page.locator(".outcome")).to_contain_text("1 is tried again.")
    with visit.house.inside():
        states = dict(RawPayload.objects.values_list("pk", "state"))
        assert (states[first.pk], states[second.pk]) == (RawPayload.DROPPED, RawPayload.NEW)
    assert [said for said in visit.complaints if "422" not in said] == []


def test_a_buyer_is_answered_with_a_template(visit: Visit) -> None:
    page = visit.page
    with visit.house.inside():
        account = Account.objects.get()
        talk = ask(account, "Where is my lamp?", Order.objects.get(external_id="READY-1"))
        save_template(actor=ACTOR, name="Soon", language="en", body="Order {order.number} leaves soon.")
    visit.open("/inbox/")
    page.click("text=Delivery")
    page.fill("#body", "Dear Hannah,")
    page.select_option("[name=template]", "Soon")
    page.click("text=Put it into the answer")
    expect(page.locator("#body")).to_have_value("Dear Hannah,\n\nOrder READY-1 leaves soon.")
    with visit.house.inside():  # a colleague is quicker
        answer(actor=ACTOR, conversation_id=talk.pk, body="Quick answer", key="other")
    page.click("text=Send through")
    expect(page.locator("#answer [role=alert]")).to_contain_text("What you wrote is kept below")
    expect(page.locator("#body")).to_have_value("Dear Hannah,\n\nOrder READY-1 leaves soon.")
    with visit.house.inside():
        Message.objects.filter(direction="out").update(state="sent", next_at=None)
    page.click("text=Send through")
    expect(page.locator("[data-toast]")).to_contain_text("on its way")
    with visit.house.inside():
        assert Message.objects.filter(direction="out").count() == 2
    assert not visit.complaints


def test_a_template_chosen_before_the_scripts_came_is_not_lost(visit: Visit) -> None:
    """On a slow line the page stands and is used while htmx is still on its way."""
    page = visit.page
    with visit.house.inside():
        ask(Account.objects.get(), "Where is my lamp?", Order.objects.get(external_id="READY-1"))
        save_template(actor=ACTOR, name="Soon", language="en", body="Order {order.number} leaves soon.")
    visit.open("/inbox/")
    held: list[Route] = []
    page.route("**/htmx*.js*", lambda route: held.append(route))
    page.click("text=Delivery", no_wait_after=True)
    page.select_option("[name=template]", "Soon")
    held[0].continue_()
    page.click("text=Put it into the answer")
    expect(page.locator("#body")).to_have_value("Order READY-1 leaves soon.")
    assert not visit.complaints


def test_an_answer_that_comes_late_fetches_nobody_back(visit: Visit) -> None:
    """Somebody acts on a slow line and goes on to another page before the answer is there: that page is what he gets."""
    page = visit.page
    book, to_list = re.compile(r"/orders/\d+/book"), re.compile(r"/orders/$")
    with visit.house.inside():
        pk = Order.objects.get(external_id="READY-1").pk
    visit.open(f"/orders/{pk}/")
    acts: list[Route] = []
    lists: list[Route] = []
    page.route(book, lambda route: acts.append(route))
    page.route(to_list, lambda route: lists.append(route))
    with page.expect_request(book):
        page.click(".head .btn-primary:has-text('Book')")
    with page.expect_request(to_list):
        page.click("nav a[href='/orders/']", no_wait_after=True)
    with page.expect_response(book) as answer:
        acts[0].continue_()
    assert answer.value.headers["hx-redirect"].startswith(f"/orders/{pk}/")
    page.wait_for_timeout(300)  # time to be fetched back in
    lists[0].continue_()
    page.wait_for_url(to_list)
    expect(page.locator("h1")).to_have_text("Orders")
    with visit.house.inside():
        assert Order.objects.get(pk=pk).state == "booking"  # the act itself is done
    assert not visit.complaints


def test_an_orders_page_follows_in_place_and_works_on(visit: Visit) -> None:
    page = visit.page
    with visit.house.inside():
        mine = Order.objects.filter(external_id="READY-1")
        pk = mine.get().pk
        mine.update(state="booking")
    visit.open(f"/orders/{pk}/")
    expect(page.locator(".moving")).to_be_visible()
    page.evaluate("window.stood = true")
    with visit.house.inside():
        mine.update(state="ready")
    expect(page.locator(".moving")).to_have_count(0)
    assert page.evaluate("window.stood")  # no other page: the same one
    page.click("summary:has-text('More')")
    page.click("text=Tags")
    page.fill("#ask-tags [name=add]", "call first")
    press(page, "#ask-tags .btn-primary")
    expect(page.locator(".head .btn-primary:has-text('Book')")).to_be_visible()
    with visit.house.inside():
        assert "call first" in mine.get().tags
    assert not visit.complaints

"""The day's work in a real browser: list, keyboard, search, hold, let go, address, both languages, a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from orders.models import Order
from tests.browser import axe
from tests.browser.conftest import PHONE, Visit

pytestmark = pytest.mark.browser


def test_a_morning_with_orders(visit: Visit) -> None:
    page = visit.page
    expect(page.locator("h1")).to_have_text("Today")
    page.click("nav.menu a:has-text('Orders')")
    expect(page.locator("tr[data-id]")).to_have_count(6)

    # keyboard: second row, select, help, search
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#bulk")).to_be_visible()
    expect(page.locator("[data-bulk-count]")).to_have_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("READY-1")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-id]")).to_have_count(1)

    # hold it from the bulk bar, with a reason
    page.check("thead input")
    page.click("#bulk >> text=Hold")
    page.fill("#act-hold [name=note]", "ask the buyer")
    page.click("#act-hold button[type=submit]")
    expect(page.locator(".outcome")).to_contain_text("1 order held.")
    visit.open("/orders/?tab=held")
    expect(page.locator("tr[data-id] .c-status")).to_contain_text("by hand ask the buyer")

    # open it by Enter and let it go by the one blue button
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*/?tab=held")
    expect(page.locator(".head .btn-primary")).to_have_text("Let go")
    page.click(".head .btn-primary")
    expect(page.locator("[data-toast]")).to_contain_text("goes through the rules again")
    with visit.house.inside():
        assert visit.house.order("ready").state == "new"
    assert not visit.complaints


def test_an_address_is_corrected_and_nothing_typed_is_lost(visit: Visit) -> None:
    page = visit.page
    visit.open(visit.house.path("address"))
    page.click("text=Correct the address")
    (region,) = page.select_option("[name=ship_region]", index=7)  # Japan's prefectures are chosen
    page.click("text=Save the address")
    expect(page.locator("#receiver .error")).to_have_text("Write street and house number.")
    expect(page.locator("[name=ship_region]")).to_have_value(region)
    with visit.house.inside():  # somebody is quicker
        Order.objects.filter(pk=visit.house.ids["address"]).update(version=99)
    page.fill("[name=ship_lines]", "1-2-3 Umeda")
    page.click("text=Save the address")
    expect(page.locator("#receiver .note")).to_contain_text("Somebody saved this order while you were editing")
    expect(page.locator("[name=ship_lines]")).to_have_value("1-2-3 Umeda")
    visit.open(visit.house.path("address"))
    page.click("#receiver >> text=edit")
    page.fill("[name=ship_lines]", "1-2-3 Umeda")
    page.click("text=Save the address")
    expect(page.locator("[data-toast]")).to_contain_text("Address saved.")
    expect(page.locator("#receiver")).to_contain_text("1-2-3 Umeda")

    # the phone is shown on demand only
    expect(page.locator("#f-phone")).to_contain_text("••••")
    page.click("#f-phone button")
    expect(page.locator("#f-phone")).to_contain_text("+81 6 1234 5678")
    assert not visit.complaints


def test_a_refusal_is_a_toast_and_the_page_stays(visit: Visit) -> None:
    page = visit.page
    visit.open(visit.house.path("ready"))
    with visit.house.inside():
        Order.objects.filter(pk=visit.house.ids["ready"]).update(state="cancelled")
    page.click("text=Hold…")
    page.fill("#ask-hold [name=note]", "my reason")
    page.click("#ask-hold button[type=submit]")
    expect(page.locator("[data-toast].bad")).to_contain_text("This cannot go from “Cancelled” to “On hold”")
    expect(page.locator("#ask-hold [name=note]")).to_have_value("my reason")
    assert [said for said in visit.complaints if "422" not in said] == []  # the browser itself reports the 422


def test_both_languages_and_a_phone(visit: Visit) -> None:
    page = visit.page
    visit.open("/orders/?tab=short")
    page.click(".head .corner button:has-text('简体中文')")
    expect(page.locator("h1")).to_have_text("订单")
    assert page.url.endswith("/orders/?tab=short")
    expect(page.locator("tr[data-id] .c-status")).to_contain_text("CABLE：需 99，可用 10")
    page.set_viewport_size(PHONE)
    for path in ("/", "/orders/", "/orders/?tab=all", visit.house.path("ready"), visit.house.path("unmatched")):
        visit.open(path)
        assert visit.width() == 390, path
    visit.open("/orders/")
    page.click(".burger")
    expect(page.locator(".side")).to_be_visible()
    page.click(".side-corner button:has-text('English')")
    expect(page.locator("h1")).to_have_text("Orders")
    page.locator("tr[data-id] input").first.check()
    expect(page.locator("#bulk")).to_be_in_viewport()
    assert visit.width() == 390
    assert not visit.complaints


def test_nothing_bars_anybody(visit: Visit) -> None:
    """axe finds no violation of WCAG 2.2 A and AA on the pages, light and dark, wide and narrow."""
    page = visit.page
    found: list[str] = []
    for theme in ("light", "dark"):
        page.context.add_cookies([{"name": "theme", "value": theme, "url": visit.url}])
        for path in (
            "/",
            "/orders/?tab=all",
            visit.house.path("ready"),
            visit.house.path("address", "address"),
            "/no/such",
        ):
            visit.open(path)
            found += axe.faults(page, f"{theme} {path}")
    assert not found, "\n".join(found)

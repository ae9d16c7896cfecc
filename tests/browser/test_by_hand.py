"""An order entered by hand and lines changed, as a clerk does it: by typing, pasting, keyboard; also on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order
from orders.services.release import release
from tests.browser.conftest import PHONE, Visit
from tests.orders.conftest import ACTOR

pytestmark = pytest.mark.browser
ADDRESS = "Hannah Weiss\nAcme GmbH\nBergstr. 12\n10999 Berlin\nGermany\n+49 30 1234573\nhannah@x.example"


def paste(page: Page, selector: str, text: str) -> None:
    """As Ctrl-V does it: the event first, then the text unless somebody took it."""
    page.eval_on_selector(
        selector,
        """(field, text) => {
            const data = new DataTransfer();
            data.setData("text", text);
            field.focus();
            const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
            if (field.dispatchEvent(event)) { field.value = text; field.dispatchEvent(new Event("input", { bubbles: true })); }
        }""",
        text,
    )


def test_an_order_is_entered_by_keyboard_and_paste(visit: Visit) -> None:
    page = visit.page
    visit.open("/orders/")
    page.click("text=New order")
    # the SKU is found while one types, Enter takes it, the cursor goes to the pieces
    page.fill("[data-item]:nth-of-type(2) [data-sku]", "")
    page.type("[data-item]:nth-of-type(2) [data-sku]", "lam")
    expect(page.locator(".sku-list:visible [data-sku-code]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("[data-item]").first.locator("[data-sku]")).to_have_value("LAMP")
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    page.keyboard.type("12,50")
    expect(page.locator("[data-total]")).to_have_text("25.00")
    # two more at once
    paste(page, "[data-item] ~ [data-item] [data-sku]", "CUP\t1\t3.00\nCABLE\tx2\t1.25")
    expect(page.locator("[data-total]")).to_have_text("30.50")
    page.fill("[name=shipping]", "4")
    expect(page.locator("[data-total]")).to_have_text("34.50")
    # what is missing is said beside its field, and nothing is lost
    page.click("text=Enter the order")
    expect(page.locator(".f-ship_name .error")).to_have_text("Write a name or a company.")
    expect(page.locator("[name=shipping]")).to_have_value("4")
    # a pasted address is read at once, in the fields of its country
    page.click(".paste summary") if not page.locator("[name=paste]").is_visible() else None
    paste(page, "[name=paste]", ADDRESS)
    expect(page.locator("[name=ship_name]")).to_have_value("Hannah Weiss")
    expect(page.locator("[name=ship_company]")).to_have_value("Acme GmbH")
    expect(page.locator("[name=ship_postcode]")).to_have_value("10999")
    page.select_option("[name=ship_country]", "US")
    expect(page.locator("select[name=ship_region]")).to_be_visible()
    page.select_option("[name=ship_country]", "DE")
    expect(page.locator("[name=ship_city]")).to_have_value("Berlin")
    page.dblclick("text=Enter the order")
    # that receiver has an open order: a warning, not a second parcel by mistake
    expect(page.locator("[role=alert]").first).to_contain_text("This looks entered already:")
    page.check("[name=anyway]")
    page.dblclick("text=Enter the order")
    page.wait_for_url("**/orders/*/")
    expect(page.locator("h1")).to_contain_text("S-")
    with visit.house.inside():
        made = Order.objects.get(platform="manual")
        assert (made.units, str(made.grand_total), made.ship_city) == (5, "34.5000", "Berlin")
        release(order_ids=[made.pk], actor=ACTOR)
    visit.open(f"/orders/{made.pk}/")
    expect(page.locator(".head .btn-primary")).to_have_text("Book")
    assert not [one for one in visit.complaints if "422" not in one]


def test_lines_are_changed_in_place_and_taken_back(visit: Visit) -> None:
    page = visit.page
    visit.open(visit.house.path("other"))
    page.click("#lines >> text=change")
    expect(page.locator("#lines h2")).to_have_text("Change the lines")
    page.locator("#lines [data-quantity]").first.fill("1")
    page.click("text=Add a line")
    page.keyboard.type("cab")
    expect(page.locator(".sku-list:visible [data-sku-code]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.select_option("[name=reason]", "gift")
    page.dblclick("text=Save the lines")
    expect(page.locator("[data-toast]")).to_contain_text("Lines saved")
    expect(page.locator("#lines")).to_contain_text("1 kept back")
    expect(page.locator("#lines")).to_contain_text("added by hand")
    expect(page.locator("#history")).to_contain_text("CABLE × 1 added")
    with visit.house.inside():
        assert visit.house.order("other").lines.count() == 2
    page.click("#history >> text=undo")
    expect(page.locator("[data-toast]")).to_contain_text("Taken back: the change of lines")
    expect(page.locator("#lines")).not_to_contain_text("kept back")
    assert not visit.complaints


def test_route_colleague_and_note_on_a_phone(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size(PHONE)
    visit.open(visit.house.path("ready"))
    page.click("#why >> text=choose by hand")
    page.select_option("#ask-choose [name=service]", label="Yun Standard")
    page.fill("#ask-choose [name=note]", "the buyer asked")
    page.click("#ask-choose .btn-primary")
    expect(page.locator("#why")).to_contain_text("the buyer asked")
    page.click("text=More")
    page.click("text=Assign")
    page.click("#ask-assign .btn-primary")
    expect(page.locator("[data-toast]")).to_contain_text("Assigned to")
    page.fill("#notes [name=text]", "Rang twice")
    page.click("#notes button")
    expect(page.locator("#notes")).to_contain_text("Rang twice")
    assert visit.width() <= 390
    for path in ("/orders/new", visit.house.path("other", "lines")):
        visit.open(path)
        assert visit.width() <= 390, path
    assert not visit.complaints

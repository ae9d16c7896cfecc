"""Products, a SKU out of sale, a view with its columns and the switch of booking, in a real browser at both widths."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.tenancy import tenant_context
from inventory import services as goods
from inventory.models import Sku
from tests.browser.conftest import DESK, PHONE, Visit
from tests.browser.test_goods import no_serious_fault
from tests.support.database import ACME
from tests.support.parcels import ACTOR

pytestmark = pytest.mark.browser


def at_both_widths(visit: Visit) -> None:
    for size in (PHONE, DESK):
        visit.page.set_viewport_size(size)
        no_serious_fault(visit)
        assert visit.width() <= size["width"], visit.page.url


def test_a_clerk_makes_a_product_and_fills_it(visit: Visit) -> None:
    page = visit.page
    with tenant_context(ACME):
        goods.import_skus(actor=ACTOR, rows=[{"sku": f"HOSE-{n}", "title": f"Garden hose {n} m"} for n in (10, 20, 30)])
    visit.open("/stock/products/new")
    page.fill("[name=code]", "HOSE")
    page.fill("[name=title]", "Garden hose")
    page.fill("[name=title_zh]", "花园水管")
    at_both_widths(visit)
    page.click("text=Save")
    page.fill("[name=codes]", "hose-10\nHOSE-99")
    page.click("form button:has-text('Add')")
    expect(page.locator("#toasts")).to_contain_text("HOSE-99")
    expect(page.locator("[name=codes]")).to_have_value("hose-10\nHOSE-99")  # nothing typed is lost
    page.fill("[name=codes]", "hose-10\nHOSE-20")
    page.click("form button:has-text('Add')")
    expect(page.locator("main table")).to_contain_text("HOSE-20")
    at_both_widths(visit)
    visit.open("/stock/products/?q=hose-20")
    expect(page.locator("table.lst")).to_contain_text("Garden hose")
    visit.open("/stock/skus/?tab=all&q=HOSE")
    page.locator("tr", has_text="HOSE-30").locator(".c-check input").check()
    page.click("[data-bulk] >> text=Move to a product")
    page.fill("dialog[open] [name=product]", "HOSE")
    page.click("dialog[open] button.btn-primary")
    expect(page.locator(".outcome")).to_contain_text("1 SKU moved.")
    with tenant_context(ACME):
        sku = Sku.objects.select_related("product").get(code="HOSE-30")
        assert sku.product is not None and sku.product.code == "HOSE"
    visit.open(f"/stock/skus/{sku.pk}/")
    page.click("button[data-dialog=sku-stop]")
    page.fill("dialog[open] [name=successor]", "hose-20")
    no_serious_fault(visit)
    page.click("dialog[open] button.btn-danger")
    expect(page.locator("main")).to_contain_text("its successor is HOSE-20")
    at_both_widths(visit)
    assert not [one for one in visit.complaints if "422" not in one]


def test_booking_by_itself_and_sales_in_money(visit: Visit) -> None:
    page = visit.page
    visit.open("/carriers/")
    at_both_widths(visit)
    page.click("#auto-book button")
    expect(page.locator("#auto-book")).to_contain_text("Automatic booking switched on")
    visit.open("/")
    at_both_widths(visit)
    assert not visit.complaints

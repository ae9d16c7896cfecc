"""Goods in a real browser: a sheet from upload to result, listings matched by mouse and keyboard, sliders of restocking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from channels.models import Listing
from core import clock
from core.central import outbox
from fba.models import RestockLine
from fba.services import restock
from inventory import services as goods
from inventory.models import Sku
from orders.models import Order
from tests.browser import axe
from tests.browser.conftest import DESK, PHONE, Visit, visiting
from tests.support.database import WorkerDatabase
from tests.support.parcels import ACTOR

pytestmark = pytest.mark.browser

SHEET = "商品编码;中文名称;重量(克);长\nTENT-1;帐篷;2400;x\nTENT-2;睡袋;1,100;30\nTENT-2;again;1;30\n"


def no_serious_fault(visit: Visit) -> None:
    found = axe.faults(visit.page)
    assert not found, "\n".join(found)


@pytest.fixture
def working(committed_db: WorkerDatabase, browser: Browser) -> Iterator[Visit]:
    """As ``visit``, with a worker process: files that the browser sends lie where the worker looks."""
    with visiting(committed_db, browser, "worker", "beat") as tab:
        yield tab


def test_a_sheet_from_upload_to_result(working: Visit) -> None:
    visit, page = working, working.page
    visit.open("/stock/import/")
    no_serious_fault(visit)
    given = {"name": "camping.csv", "mimeType": "text/csv", "buffer": SHEET.encode("gb18030")}
    page.set_input_files("[data-drop-input]", given)
    expect(page.locator("[data-drop-name]")).to_have_text("camping.csv")
    page.click("form.bring button[type=submit].btn-primary")
    expect(page.locator("select[name=column-0]")).to_have_value("code")
    expect(page.locator("select[name=column-2]")).to_have_value("weight_g")
    expect(page.locator("select[name=column-3]")).to_have_value("length_mm")
    no_serious_fault(visit)
    page.select_option("select[name=column-3]", "code")  # taken from the other column, which lets go of it
    expect(page.locator("select[name=column-0]")).to_have_value("")
    page.select_option("select[name=column-0]", "code")
    page.select_option("select[name=column-3]", "length_cm")
    page.click("text=See what would happen")
    expect(page.locator("[data-count=new]")).to_contain_text("1")
    expect(page.locator("[data-count=refused]")).to_contain_text("2")
    expect(page.locator("main")).to_contain_text("“x” is no number")
    no_serious_fault(visit)
    with page.expect_download() as download:
        page.click("text=These rows as a file")
    assert download.value.suggested_filename.endswith(".xlsx")
    page.click("text=Bring in 1 row")
    # The page goes on by itself when the worker is done.
    expect(page.locator("main")).to_contain_text("Brought in, but for the rows below", timeout=60_000)
    with visit.house.inside():
        assert (Sku.objects.get(code="TENT-2").weight_g, Sku.objects.get(code="TENT-2").length_mm) == (1100, 300)
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert visit.width() <= size["width"]
    assert not visit.complaints


def test_listings_are_matched_by_mouse_and_by_keyboard(visit: Visit) -> None:
    page, account = visit.page, visit.house.shop.account
    with visit.house.inside():
        goods.create_sku(actor=ACTOR, code="GARDEN-9-GN", title="Garden hose")
        Listing.objects.create(account=account, seller_sku="typed-one", title="Cup", seen_at=clock.now())
        Listing.objects.create(account=account, seller_sku="ticked_lamp", title="Desk", seen_at=clock.now())
        outbox.drain(20)
    visit.open("/orders/listings/")
    no_serious_fault(visit)
    page.click("button:has-text('GARDEN-9-GN')")
    expect(page.locator("#toasts")).to_contain_text("Matched. 1 order goes on.")
    row = page.locator("tr", has_text="typed-one")
    row.locator("input[name^=sku-]").fill("cup")
    expect(row.locator(".c-check input")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(".outcome")).to_contain_text("1 listing matched.")
    with visit.house.inside():
        outbox.drain(20)
        assert Listing.objects.get(seller_sku="typed-one").sku.code == "CUP"
        assert Listing.objects.get(seller_sku="ticked_lamp").sku_id is None
        assert Order.objects.get(external_id="NOSKU-1").state == "short"
    visit.open("/orders/listings/?tab=matched&q=typed")
    page.locator("tr", has_text="typed-one").locator(".c-check input").check()
    page.click("[data-bulk] >> text=Take the match back")
    expect(page.locator(".outcome")).to_contain_text("1 match taken back.")
    page.set_viewport_size(PHONE)
    visit.open("/orders/listings/")
    assert visit.width() <= PHONE["width"]
    assert not visit.complaints


def test_sliders_reckon_while_they_are_moved(visit: Visit) -> None:
    page = visit.page
    with visit.house.inside():
        restock.run_now(actor=ACTOR)
        outbox.drain(30)
        line = RestockLine.objects.filter(sku__code="CUP")[0]
    visit.open(f"/restock/{line.pk}/")
    expect(page.locator("[data-lines] svg")).to_be_visible()
    no_serious_fault(visit)
    before = page.locator("[data-buy]").inner_text()
    page.fill("input[name=cover_days]", "90")
    page.fill("input[name=growth]", "2")
    page.fill("input[name=moq]", "480")
    expect(page.locator("#reckoned")).to_contain_text("tried out, not kept")
    expect(page.locator("[data-buy]")).not_to_have_text(before)
    expect(page.locator("[data-lines] svg")).to_be_visible()
    page.click("button[type=reset]")
    expect(page.locator("[data-buy]")).to_have_text(before)
    visit.open(f"/stock/skus/{line.sku_id}/")
    page.set_viewport_size(PHONE)
    assert visit.width() <= PHONE["width"]
    no_serious_fault(visit)
    assert not visit.complaints

"""What every page has, in a real browser: the palette, keys, notifications, saved views, files, long lists."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from orders.models import Order
from tests.browser import axe
from tests.browser.conftest import PHONE, Visit
from tests.orders.conftest import order, take

pytestmark = pytest.mark.browser


def test_the_palette_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Control+k")
    box = page.locator("#palette input")
    expect(box).to_be_focused()
    expect(page.locator("#palette [role=option]").first).to_contain_text("Today")
    # a page by its name, chosen with the arrows
    page.keyboard.type("orders")
    expect(page.locator("#palette [role=option][aria-selected=true]")).to_contain_text("Orders")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("found-1-1"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/")
    # an order by the receiver; typed and entered faster than the answer comes, as a scanner does
    page.keyboard.press("Control+k")
    page.keyboard.type(f"S-{visit.house.ids['short']}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{visit.house.path('short')}*")
    page.keyboard.press("Control+k")
    page.keyboard.type("tanaka")
    found = page.locator("#palette [role=option]", has_text="Yuki Tanaka")
    expect(found).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.click("[data-palette]")
    expect(box).to_be_focused()
    page.fill("#palette input", "nothing-at-all")
    expect(page.locator("#palette-found")).to_contain_text("Nothing is called “nothing-at-all”")
    page.fill("#palette input", "<b>x</b>")
    expect(page.locator("#palette-found")).to_contain_text("<b>x</b>")
    assert not visit.complaints


def test_keys_on_every_page(visit: Visit) -> None:
    page = visit.page
    for path in ("/", "/jobs/", visit.house.path("ready")):
        visit.open(path)
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        expect(page.locator("#help")).to_contain_text("Orders")
        page.keyboard.press("Escape")
        expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("k")
    page.wait_for_url("**/stock/")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/orders/")
    page.keyboard.press("/")  # letters are letters where one types
    page.keyboard.type("gt?")
    expect(page.locator("[data-search]")).to_have_value("gt?")
    assert page.url.endswith("/orders/") and not visit.complaints


def test_a_view_is_saved_opened_renamed_and_deleted(visit: Visit) -> None:
    page = visit.page
    visit.open("/orders/?tab=all&country=JP")
    page.click("[data-dialog=view-new]")
    page.fill("#view-new [name=name]", "Japan")
    page.check("#view-new [name=shared]")
    page.check("#view-new [name=default]")
    page.click("#view-new button[type=submit]")
    expect(page.locator(".view.on")).to_contain_text("Japan")
    expect(page.locator("[data-toast]")).to_contain_text("View saved.")
    page.click("nav.menu a:has-text('Orders')")
    page.wait_for_url("**/orders/?tab=all&country=JP&cols=*")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.click(".view.on button")
    page.fill("dialog[open] [name=name]", "日本")
    page.click("dialog[open] .btn-primary")
    expect(page.locator(".view.on")).to_contain_text("日本")
    page.click(".view.on button")
    page.click("dialog[open] >> text=Open the list with its first tab again")
    expect(page.locator("[data-toast]")).to_contain_text("first tab again")
    visit.open("/orders/")
    expect(page.locator(".tabs a[aria-current]")).to_contain_text("To ship")
    page.click(".view a")
    page.click(".view.on button")
    page.click("dialog[open] >> text=Delete")
    expect(page.locator(".view")).to_have_count(0)
    assert not visit.complaints


def test_a_file_is_told_of_on_another_page(staffed: Visit, tmp_path: Path) -> None:
    page = staffed.page
    with page.expect_response("**/ui/bell"):  # this page's bell has looked: it will not be the one that is told
        staffed.open("/orders/?tab=all")
    page.click("summary[title='Take out as a file']")
    page.click("text=Text (CSV)")
    expect(page.locator("[data-toast]").first).to_contain_text("The file is being made")
    staffed.open("/stock/")
    note = page.locator(".toast-s.told")
    expect(note).to_contain_text("File of Orders: 7 done", timeout=30_000)
    with page.expect_download() as coming:
        note.locator("a", has_text="Download").click()
    coming.value.save_as(tmp_path / "orders.csv")
    with (tmp_path / "orders.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][0] == "Order" and len(rows) == 1 + 7
    # the bell keeps it until it is looked at
    expect(page.locator("#bell b.good")).to_be_visible()
    page.click(".bell-pick summary")
    expect(page.locator(".note-s.unseen")).to_contain_text("File of Orders")
    expect(page.locator(".note-s a", has_text="Download")).to_be_visible()
    page.keyboard.press("Escape")
    staffed.open("/")
    page.wait_for_timeout(1500)
    expect(page.locator("#bell b")).to_have_count(0)
    assert not staffed.complaints


def test_everything_in_the_view_in_the_background(staffed: Visit) -> None:
    page = staffed.page
    with staffed.house.inside():
        take(staffed.house.shop, *[order(f"MORE-{n}") for n in range(230)])
    staffed.open("/orders/?tab=all&size=100")
    page.check("thead input")
    page.click("[data-bulk-every]")
    expect(page.locator("[data-bulk-count]")).to_have_text("All 237 in this view are selected")
    page.click("#bulk >> text=Hold")
    page.fill("#act-hold [name=note]", "stock taking")
    page.click("#act-hold button[type=submit]")
    expect(page.locator("[data-toast]").first).to_contain_text("goes on in the background")
    expect(page.locator(".toast-s.told")).to_contain_text("1 not", timeout=40_000)
    page.click(".bell-pick summary")
    expect(page.locator(".note-s").first).to_contain_text("This cannot go from “Unpaid” to “On hold”")
    page.click("text=All long work")
    page.click(".why-not summary")
    page.click(f".why-not a:has-text('S-{staffed.house.ids['unpaid']}')")
    page.wait_for_url(f"**{staffed.house.path('unpaid')}*")
    with staffed.house.inside():
        assert set(Order.objects.filter(external_id__startswith="MORE-").values_list("state", flat=True)) == {"held"}
    assert not staffed.complaints


def test_a_long_list_by_keyboard_and_its_weight(visit: Visit) -> None:
    """500 rows: endless scroll goes on behind them, j k x Enter work, columns can be chosen, the page stays light."""
    page = visit.page
    with visit.house.inside():
        take(visit.house.shop, *[order(f"LONG-{n}") for n in range(620)])
    visit.open("/orders/?tab=all&size=50")
    expect(page.locator("tr[data-id]")).to_have_count(50)
    for count in (100, 150):
        page.locator("tr.more").scroll_into_view_if_needed()
        expect(page.locator("tr[data-id]")).to_have_count(count)
    with page.expect_response(lambda got: "size=500" in got.url) as coming:
        page.select_option("[name=size]", "500")
    expect(page.locator("tr[data-id]")).to_have_count(500)
    assert len(coming.value.body()) < 1_000_000, "half a thousand rows weigh less than 2 kB each"
    ready = page.evaluate(
        "() => { const t = performance.getEntriesByType('navigation')[0];"
        " return t.domContentLoadedEventEnd - t.responseEnd }"
    )
    assert ready < 3000, f"{ready:.0f} ms from the last byte to a page that can be used"
    for key in "jjjk":
        page.keyboard.press(key)
    rows = page.locator("tr[data-id]")
    expect(rows.nth(1)).to_have_class(re.compile("current"))
    page.keyboard.press("x")
    expect(rows.nth(1)).to_have_class(re.compile("picked"))
    rows.nth(4).locator("input").click(modifiers=["Shift"])  # from nowhere: only itself
    page.keyboard.press("Escape")
    rows.nth(0).locator("input").click()
    rows.nth(4).locator("input").click(modifiers=["Shift"])
    expect(page.locator("[data-bulk-count]")).to_have_text("5 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk")).to_be_hidden()
    page.click("summary[title=Columns]")
    page.uncheck("input[name=column][value=channel]")
    page.click("text=Show these")
    expect(page.locator("th.c-receiver")).to_be_visible()
    expect(page.locator("th.c-channel")).to_have_count(0)
    expect(page.locator("tr[data-id]")).to_have_count(500)  # the size is remembered
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    for key in ("]", "["):  # a key that is pressed while the page goes is nobody's
        with page.expect_navigation():
            page.keyboard.press(key)
    assert not visit.complaints


def test_on_a_phone_and_in_chinese(visit: Visit) -> None:
    page = visit.page
    page.context.add_cookies([{"name": "lang", "value": "zh-hans", "url": visit.url}])
    page.set_viewport_size(PHONE)
    for path in ("/", "/orders/?tab=all", "/stock/", "/jobs/"):
        visit.open(path)
        assert visit.width() == 390, path
    page.click("[data-palette]")
    page.fill("#palette input", "订单")
    expect(page.locator("#palette [role=option]").first).to_contain_text("订单")
    assert visit.width() == 390
    page.click("#palette [data-close]")
    page.click(".bell-pick summary")
    expect(page.locator(".bell-box")).to_contain_text("全部")
    expect(page.locator(".bell-box")).to_be_in_viewport(ratio=0.99)
    assert not visit.complaints


def test_nothing_of_the_shell_bars_anybody(visit: Visit) -> None:
    page = visit.page
    found: list[str] = []
    for theme in ("light", "dark"):
        page.context.add_cookies([{"name": "theme", "value": theme, "url": visit.url}])
        for path, opened in (
            ("/orders/?tab=all", "[data-palette]"),
            ("/orders/?tab=all", "[data-dialog=view-new]"),
            ("/stock/", ".bell-pick summary"),
            ("/stock/", "summary[title='Take out as a file']"),
            ("/jobs/", ".user summary"),
        ):
            visit.open(path)
            page.click(opened)
            page.wait_for_timeout(400)
            found += axe.faults(page, f"{theme} {path} {opened}")
    assert not found, "\n".join(found)

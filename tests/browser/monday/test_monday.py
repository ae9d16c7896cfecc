"""A clerk's Monday, by clicks and keys alone: from the weekend's orders to the last answer, then both sides are compared.

A small Monday by default; the whole one (800 orders, 41 on hold, 17 short) with MONDAY=whole, and pictures of every station
with MONDAY_SHOTS=folder.
"""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pikepdf
import pytest
from playwright.sync_api import Browser, Page, expect

from core import bulk, clock
from core.tenancy import tenant_context
from sandbox.rehearse.control import Control
from sandbox.rehearse.seeding import World
from sandbox.rehearse.shop import Shop
from tests.browser.conftest import DESK, press
from tests.browser.monday.house import CARL, MEI, MISTAKEN, TEMPLATE, compare, move_in, open_accounts
from tests.browser.monday.recording import Recording
from tests.browser.monday.story import SMALL, WHOLE, Monday, tell
from tests.support.browser import settled
from tests.support.database import ACME, PASSWORD, WorkerDatabase
from tests.support.simulators import simulators
from tests.support.web import served

__all__ = ["simulators"]
pytestmark = pytest.mark.browser
SIZE = WHOLE if os.environ.get("MONDAY") == "whole" else SMALL
PATIENCE = 600 if SIZE is WHOLE else 90  # seconds for what goes on in the background
STATES = "SELECT state, reason_code, count(*) FROM orders_order GROUP BY 1, 2"
FETCHED = """async (path) => {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`${answer.status} ${path}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 30000) text += String.fromCharCode(...bytes.subarray(at, at + 30000));
    return btoa(text);
}"""
SHOTS = os.environ.get("MONDAY_SHOTS", "")
RECORD = os.environ.get("MONDAY_RECORD", "")


@dataclass
class Person:
    """Somebody before a browser of his or her own."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note what the browser complains of."""
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "response", lambda got: self.complaints.append(f"{got.status} {got.url}") if got.status > 499 else None
        )

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)
        settled(self.page)

    def count(self, tab: str) -> int:
        """What the orders list says about a tab; 0 where it is hidden."""
        self.go("/orders/")
        found = self.page.locator(f".tabs [data-tab={tab}] b")
        return int(found.inner_text().replace(",", "")) if found.count() else 0

    def shot(self, name: str) -> None:
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))

    def download(self, path: str) -> bytes:
        """A file as the browser gets it."""
        return base64.b64decode(self.page.evaluate(FETCHED, path))

    def everything(self) -> None:
        """Tick all, and where there is more than the page shows, all of the view."""
        self.page.check("thead input")
        more = self.page.locator("[data-bulk-every]")
        if more.count() and more.is_visible():
            more.click()

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")


@dataclass
class House:
    carl: Person
    mei: Person
    shop: Shop
    world: World
    control: Control
    monday: Monday
    recording: Recording

    def rows(self, sql: str, params: list[Any] | None = None) -> list[Any]:
        with tenant_context(ACME):
            return bulk.fetch(sql, params or [])

    def until(self, done: Callable[[], bool], what: str) -> None:
        """What goes on by itself: looked at again and again, as a person does."""
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end, f"{what}: {self.rows(STATES)}"
            time.sleep(0.5)

    def states(self) -> dict[str, int]:
        return dict(self.rows("SELECT state, count(*)::int FROM orders_order GROUP BY state"))


@pytest.fixture
def house(committed_db: WorkerDatabase, browser: Browser, simulators: str, settings: Any) -> Iterator[House]:
    settings.SANDBOX_URL = simulators  # where accounts may be connected without encryption
    number = uuid4().hex[:6]
    control = Control(simulators)
    monday = tell(SIZE, clock.now(), f"mo{number}")
    shop = move_in(monday, control, number)
    with served(committed_db.url, "worker", "beat", sandbox_url=simulators, web_processes=2) as site:
        world = open_accounts(shop, monday, control, site.url)
        people, recording = [], Recording()
        for email in (CARL, MEI):
            context = browser.new_context(viewport=DESK, locale="en-GB")
            person = Person(context.new_page(), f"http://acme.localhost:{site.port}")
            person.page.set_default_timeout(30_000)
            person.watch()
            person.page.goto(person.url + "/accounts/login/", timeout=60_000)
            person.page.fill("[name=login]", email)
            person.page.fill("[name=password]", PASSWORD)
            person.page.click("form button[type=submit].btn-primary")
            person.page.wait_for_url(person.url + "/")
            people.append(person)
            recording.watch(email.partition("@")[0], person.page)
        yield House(people[0], people[1], shop, world, control, monday, recording)
        for person in people:
            person.page.context.close()


def test_a_clerks_monday(house: House) -> None:
    for station in (
        the_weekends_orders_come_in,
        what_is_on_hold_is_settled,
        what_is_short_comes_in,
        a_rule_is_changed_with_a_dry_run,
        all_are_booked_and_two_fail,
        the_two_are_mended,
        labels_are_printed,
        parcels_are_weighed_and_handed_over,
        three_buyers_are_answered,
        both_sides_agree,
    ):
        house.recording.station = station.__name__
        station(house)
    assert house.carl.complaints == [] and house.mei.complaints == []
    if RECORD:
        house.recording.save(Path(RECORD))


def the_weekends_orders_come_in(house: House) -> None:
    size, carl = house.monday.size, house.carl

    def routed() -> bool:
        found = house.states()
        return sum(found.values()) == size.orders and not {"new", "pending"} & set(found)

    house.until(routed, "orders in and routed")
    carl.go("/")
    for label, count in (
        ("On hold", size.held),
        ("Short of stock", size.short),
        ("Ready to book", size.orders - size.held - size.short),
    ):
        expect(carl.page.locator(".tile", has_text=label).locator("b")).to_have_text(str(count))
    carl.shot("01-today")


def what_is_on_hold_is_settled(house: House) -> None:
    size, carl, page = house.monday.size, house.carl, house.carl.page
    page.click(".tile:has-text('On hold')")
    expect(page.locator("tr[data-id]")).to_have_count(min(50, size.held))
    carl.shot("02-on-hold")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*/**")
    expect(page.locator(".reason")).to_contain_text("looks like wholesale")
    page.fill("#notes [name=text]", "Asked the buyer: it is for a club, send it")
    page.click("#notes button")
    expect(page.locator("#notes")).to_contain_text("for a club")
    carl.shot("03-held-order")
    page.click(".head .btn-primary:has-text('Let go')")
    expect(page.locator("[data-toast]")).to_contain_text("goes through the rules again")
    carl.go("/orders/?tab=held")
    carl.everything()
    press(page, "#bulk >> text=Let go")
    expect(page.locator(".outcome")).to_be_visible()
    carl.shot("04-let-go")
    house.until(lambda: "held" not in house.states() and "new" not in house.states(), "holds settled")
    assert carl.count("held") == 0


def what_is_short_comes_in(house: House) -> None:
    size, carl, mei = house.monday.size, house.carl, house.mei
    assert carl.count("short") == size.short
    carl.go("/orders/?tab=short")
    expect(carl.page.locator("tr[data-id] .c-status").first).to_contain_text(house.monday.scarce)
    carl.shot("05-short")
    mei.go("/stock/receive")
    mei.page.fill("[name=lines]", f"{house.monday.scarce} {size.short + 20} 3.35")
    mei.page.select_option("[name=currency]", "CNY") if mei.page.locator("select[name=currency]").count() else None
    mei.shot("06-receive")
    mei.page.click("main button[type=submit].btn-primary")
    expect(mei.page.locator("[data-toast]")).to_be_visible()
    house.until(lambda: "short" not in house.states(), "what was short finds its goods")
    assert carl.count("short") == 0
    carl.go(f"/stock/?q={house.monday.scarce}")
    carl.shot("07-stock")


def a_rule_is_changed_with_a_dry_run(house: House) -> None:
    size, mei, page = house.monday.size, house.mei, house.mei.page
    mei.go("/orders/rules/")
    mei.shot("08-rules")
    page.click(f".rule-name a:has-text('{MISTAKEN}')")
    page.wait_for_url("**/orders/rules/rule/**")
    page.locator(".rb-chip", has_text="IE").locator("button").click()
    expect(page.locator(".rb-chip")).to_have_count(1)
    mei.shot("09-rule")
    page.click("button:has-text('Save in the draft')")
    page.wait_for_url("**/orders/rules/")
    page.click(".draft-bar a:has-text('Try')")
    page.check("#k-open")
    page.click("main button[type=submit].btn-primary")
    page.wait_for_url("**/rules/try/*/")
    tile = page.locator(".trial-tiles .tile").first
    expect(tile).to_contain_text("go another way", timeout=PATIENCE * 1000)
    expect(tile.locator("b")).to_have_text(str(size.irish))
    mei.shot("10-dry-run")
    page.locator(".trial-rows a:has-text('Why')").first.click()
    page.wait_for_url("**/rules/why/**")
    mei.shot("11-why-another-way")
    mei.go("/orders/rules/")
    page.click("button:has-text('Publish…')")
    page.fill("#publish [name=note]", "Ireland is not served by the UK line")
    page.click("#publish button[type=submit]")
    page.wait_for_url("**/rules/versions/2/")
    again = page.locator("button", has_text="again")
    expect(again).to_be_visible(timeout=PATIENCE * 1000)
    mei.shot("12-published")
    again.click()
    wrong = (
        "SELECT count(*) FROM orders_order o JOIN logistics_service s ON s.id = o.service_id"
        " WHERE o.ship_country = 'IE' AND s.key = 'yun-uk'"
    )
    house.until(lambda: house.rows(wrong)[0][0] == 0 and "new" not in house.states(), "Ireland goes another way")


def all_are_booked_and_two_fail(house: House) -> None:
    size, carl, page = house.monday.size, house.carl, house.carl.page
    assert carl.count("ready") == size.orders
    carl.go("/orders/?tab=ready")
    carl.everything()
    carl.shot("13-book-all")
    press(page, "#bulk >> text=Book")
    carl.go("/jobs/")
    carl.shot("14-booking")

    def booked() -> bool:
        found = house.states()
        return found.get("booked", 0) + found.get("failed", 0) == size.orders

    house.until(booked, "all booked but those that failed")
    carl.go("/")
    expect(page.locator(".tile", has_text="Booking failed").locator("b")).to_have_text(str(size.far))
    carl.shot("15-two-failed")


def the_two_are_mended(house: House) -> None:
    size, carl, page = house.monday.size, house.carl, house.carl.page
    for place in range(size.far):
        carl.go("/orders/?tab=failed")
        page.locator("tbody tr[data-id] a").first.click()
        page.wait_for_url("**/orders/*/**")
        expect(page.locator(".reason")).to_be_visible()
        if place == 0:
            carl.shot("16-refused-by-the-carrier")
        page.click("summary:has-text('More')")
        page.click("text=Warehouse and service")
        page.select_option("#ask-choose [name=service]", label="Freight")
        page.fill("#ask-choose [name=note]", "YunExpress does not go there")
        page.click("#ask-choose .btn-primary")
        expect(page.locator("#why")).to_contain_text("YunExpress does not go there")
        press(page, ".head .btn-primary:has-text('Book')")
        booked = size.orders - size.far + place + 1
        house.until(lambda booked=booked: house.states().get("booked", 0) == booked, "booked by freight")
    assert house.rows("SELECT count(*) FROM logistics_shipment WHERE state = 'failed'")[0][0] == 0
    carl.go("/orders/?tab=booked")
    carl.shot("17-all-have-labels")


def labels_are_printed(house: House) -> None:
    size, carl, page = house.monday.size, house.carl, house.carl.page
    carl.go("/ship/parcels/?tab=ready")
    carl.everything()
    page.click("#bulk >> text=Print labels")
    carl.shot("18-print")
    with page.expect_response(lambda got: "/ship/" in got.url and got.request.method == "POST"):
        page.click("#act-print button[type=submit]")
    file = "SELECT count(*) FROM logistics_shipment WHERE print_count > 0"
    house.until(lambda: house.rows(file)[0][0] == size.orders, "labels printed")
    pages = 0
    for (uid,) in house.rows("SELECT uid::text FROM records_storedfile WHERE starts_with(name, 'labels-') ORDER BY id"):
        with pikepdf.open(io.BytesIO(carl.download(f"/files/{uid}/"))) as paper:
            pages += len(paper.pages)
    assert pages == size.orders
    carl.go("/ship/board/")
    carl.shot("19-parcels-by-carrier")


def parcels_are_weighed_and_handed_over(house: House) -> None:
    carl, page = house.carl, house.carl.page
    parcels = house.rows(
        "SELECT tracking_number, expected_weight_g FROM logistics_shipment WHERE state = 'ready' ORDER BY id"
    )
    assert len(parcels) == house.monday.size.orders
    carl.go("/ship/")
    for place, (number, expected) in enumerate(parcels):
        carl.type(number)
        expect(page.locator(".ship-card")).to_contain_text(number)
        carl.type(str(expected + place % 3))
        expect(page.locator(".ship-entry.step-hand")).to_be_visible()
        if place == 0:
            carl.shot("20-weighed")
        page.keyboard.press("Enter")
        expect(page.locator(".ship-said.good")).to_contain_text("Handed over")
    carl.shot("21-handed-over")
    carl.go("/ship/lists/")
    carl.shot("22-lists")
    while page.locator("text=Close the list").count():
        page.locator("text=Close the list").first.click()
        expect(page.locator("[data-toast]")).to_contain_text("closed with")
        carl.go("/ship/lists/")
    told = "SELECT count(*) FROM channels_confirmation WHERE state = 'confirmed'"
    house.until(lambda: house.rows(told)[0][0] >= house.monday.size.orders, "the marketplaces are told")


def three_buyers_are_answered(house: House) -> None:
    size, carl, page = house.monday.size, house.carl, house.carl.page
    carl.go("/inbox/")
    expect(page.locator("tbody tr[data-id]")).to_have_count(size.questions)
    carl.shot("23-inbox")
    page.locator("tbody tr[data-id] a").first.click()
    for place in range(size.questions):
        page.select_option("[name=template]", TEMPLATE)
        page.click("text=Put it into the answer")
        expect(page.locator("#body")).not_to_have_value("")
        if place == 0:
            carl.shot("24-answer")
        here = page.url
        page.focus("#body")
        page.keyboard.press("Control+Enter")
        if place < size.questions - 1:
            page.wait_for_url(lambda url, here=here: url != here)
    sent = "SELECT count(*) FROM crm_message WHERE direction = 'out' AND state = 'sent'"
    house.until(lambda: house.rows(sent)[0][0] == size.questions, "answers sent")


def both_sides_agree(house: House) -> None:
    carl = house.carl
    open_rows = "SELECT count(*) FROM public.central_outbox WHERE schema = %s"
    house.until(lambda: house.rows(open_rows, [ACME])[0][0] == 0, "nothing is left to do")
    report = compare(house.shop, house.world, house.control)
    assert report.differences == []
    assert report.counts["orders"] == house.monday.size.orders
    carl.go("/")
    expect(carl.page.locator("main")).not_to_contain_text("Waiting for you")
    carl.shot("25-evening")

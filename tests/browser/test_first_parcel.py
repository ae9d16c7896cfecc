"""From sign-up to the first parcel that the marketplace knows of, as a new seller clicks it, with nothing but the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESK, press
from tests.support.database import WorkerDatabase
from tests.support.simulators import simulators
from tests.support.web import served

__all__ = ["simulators"]
pytestmark = pytest.mark.browser
ROWS = "[data-list] table, [data-list] > .empty"
SLOW = 60_000  # milliseconds; the machine may be busy
WAREHOUSE = {
    "code": "SZ",
    "name": "Shenzhen",
    "sender_name": "Ann Li",
    "sender_lines": "Bantian Street 5",
    "sender_city": "Shenzhen",
    "sender_region": "Guangdong",
    "sender_postcode": "518129",
    "sender_phone": "0755 1234567",
}


@pytest.fixture
def newcomer(committed_db: WorkerDatabase, browser: Browser, simulators: str) -> Iterator[tuple[Page, list[str]]]:
    with served(committed_db.url, "worker", "beat", sandbox_url=simulators) as site:
        context = browser.new_context(viewport=DESK, locale="en-GB")
        page, complaints = context.new_page(), list[str]()
        page.set_default_timeout(SLOW)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status > 499 else None)
        page.goto(f"http://www.localhost:{site.port}/")
        yield page, complaints
        context.close()


def home(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])


def until(page: Page, path: str, text: str, within: str = "main", tries: int = 40) -> None:
    """Look again until the page says it, as a person would."""
    for _ in range(tries):
        page.goto(home(page) + path)
        if text in page.locator(within).inner_text():
            return
        page.wait_for_timeout(1000)
    expect(page.locator(within)).to_contain_text(text, timeout=SLOW)


def weigh(page: Page, typed: str, said: str) -> None:
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    expect(page.locator(".ship-said")).to_contain_text(said, timeout=SLOW)


def test_from_sign_up_to_the_first_parcel(newcomer: tuple[Page, list[str]]) -> None:
    page, complaints = newcomer
    page.click("text=Open an account for your company")
    for name, value in (
        ("company", f"Blue Sea {uuid4().hex[:6]}"),
        ("name", "Ann"),
        ("email", f"ann-{uuid4().hex[:6]}@example.com"),
        ("password", "correct horse battery 9"),
    ):
        page.fill(f"[name={name}]", value)
    page.click("button:has-text('Open the account')")
    expect(page.locator(".first-run")).to_contain_text("0 of 8", timeout=SLOW)

    page.click("text=Add a sandbox store")
    expect(page.locator("h1")).to_have_text("eBay sandbox 1", timeout=SLOW)
    until(page, "/", "2 of 8")  # the store brings a carrier with it

    page.click("text=Add the warehouse")
    page.locator("a", has_text="Add a warehouse").first.click()
    for name, value in WAREHOUSE.items():
        page.fill(f"[name={name}]", value)
    press(page, "main button[type=submit]:has-text('Save')")
    page.goto(home(page) + "/")
    page.click("text=Add the sandbox store's products")
    expect(page.locator(".first-run")).to_contain_text("4 of 8", timeout=SLOW)
    page.click("text=Put 60 of each on the shelf")
    expect(page.locator(".first-run")).to_contain_text("5 of 8", timeout=SLOW)
    page.click("text=Publish the simplest rule")
    expect(page.locator(".first-run")).to_contain_text("6 of 8", timeout=SLOW)

    # Orders came in by the marketplace's calls; they were matched by code and can be booked.
    until(page, "/orders/?tab=ready", "Ready to book", within=ROWS)
    page.locator("tbody tr[data-id] a").first.click()
    press(page, ".head button:has-text('Book')")
    expect(page.locator(".head a:has-text('Print label')")).to_be_visible(timeout=SLOW)  # the page follows by itself
    until(page, "/orders/?tab=booked", "Label ready", within=ROWS)
    number = page.locator("tbody tr[data-id] a").first.inner_text()
    page.goto(home(page) + "/ship/")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.locator(".ship-card")).to_be_visible(timeout=SLOW)
    weigh(page, "500", "500 g")
    if page.locator(".ship-said.bad").count():  # not the weight that was expected: accepted on purpose
        weigh(page, "+", "500 g")
        expect(page.locator(".ship-said.bad")).to_have_count(0, timeout=SLOW)
    page.keyboard.press("Enter")
    expect(page.locator(".ship-said.good")).to_contain_text("Handed over", timeout=SLOW)

    # The last two: a listing of another code is matched by hand, and the marketplace has been told of the parcel.
    page.goto(home(page) + "/orders/listings/?tab=open")
    while page.locator("text=like code").count():
        press(page, "text=like code >> nth=0")
    until(page, "/", "All first steps are done")
    assert not complaints

"""A buyer's picture comes in from the marketplace, and one goes back with the answer, as a person at the inbox sees it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from channels.services import accounts
from core import clock
from core.tenancy import tenant_context
from tests.browser.conftest import PHONE, Visit, press, visiting
from tests.support.database import ACME, WorkerDatabase
from tests.support.ebay_wire import Seller, ago
from tests.support.parcels import ACTOR
from tests.support.pictures import media, png
from tests.support.simulators import simulators

__all__ = ["simulators"]
pytestmark = pytest.mark.browser
SLOW = 60_000
SHOTS = os.environ.get("SAMPAN_SHOTS", "")  # a folder for pictures, for whoever wants to look


@pytest.fixture
def seller(simulators: str, settings: Any) -> Seller:
    settings.SANDBOX_URL = simulators
    made = Seller(simulators)
    asked = {"ref": "q", "order_ref": None, "buyer_id": "b9", "subject": "Cracked", "body": "See the crack"}
    shown = [media("crack.png", png(90, 300)), media("page.png", b"<html>", media_type="image/png")]
    made.control("messages", messages=[{**asked, "sent_at": ago(minutes=30), "media": shown}])
    return made


@pytest.fixture
def desk(committed_db: WorkerDatabase, browser: Browser, seller: Seller, simulators: str) -> Iterator[Visit]:
    with visiting(committed_db, browser, "worker", "beat", sandbox_url=simulators) as tab:
        with tenant_context(ACME):
            accounts.connect_account(
                actor=ACTOR,
                platform="ebay",
                name="lampenhaus",
                external_id=seller.credentials["user_id"],
                settings={"base_url": f"{simulators}/ebay"},
                credentials=seller.credentials,
                marketplaces=["US"],
                read_from=clock.now() - timedelta(days=1),
            )
        yield tab


def test_a_picture_comes_in_and_one_goes_out(desk: Visit, seller: Seller, tmp_path: Path) -> None:
    page = desk.page
    for _ in range(60):  # it comes in by itself
        desk.open("/inbox/")
        if page.get_by_text("Cracked").count():
            break
        page.wait_for_timeout(500)
    press(page, "text=Cracked")
    picture = page.locator(".said li.in img")
    for _ in range(40):
        if picture.count() and page.get_by_text("It is no PNG, JPEG or PDF").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(picture).to_have_count(1)
    assert picture.evaluate("one => [one.complete, one.naturalWidth]") == [True, 300]
    assert picture.get_attribute("src", timeout=SLOW).startswith("/")  # from us, never from the marketplace
    expect(page.locator(".said .file.bad")).to_contain_text("It is no PNG, JPEG or PDF")
    small = picture.bounding_box()
    page.locator(".shot summary").focus()
    page.keyboard.press("Enter")  # larger, by keyboard
    large = picture.bounding_box()
    assert small is not None and large is not None and small["width"] < 100 < large["width"]

    if SHOTS:
        page.screenshot(path=f"{SHOTS}/inbox-pictures.png", full_page=True)
    ours = tmp_path / "lid.png"
    ours.write_bytes(png(40))
    page.fill("#body", "Here is how it should look.")
    page.set_input_files("[name=picture]", str(ours))
    page.click("text=Send through")
    expect(page.locator("[data-toast]")).to_contain_text("on its way")
    for _ in range(60):
        (known,) = seller.known("messages")
        if known["answers"]:
            break
        page.wait_for_timeout(500)
    (sent,) = known["answers"]
    assert sent["body"] == "Here is how it should look." and known["answer_calls"] == 1
    assert [one["name"] for one in sent["media"]] == ["lid.png"]
    assert seller.http.get(sent["media"][0]["url"]).content == png(40)
    page.reload()
    expect(page.locator(".said li.out img")).to_have_count(1)
    page.set_viewport_size(PHONE)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/inbox-pictures-phone.png", full_page=True)
    assert desk.width() <= PHONE["width"]
    assert not desk.complaints

"""Shipments and inbox in a browser: an alarm settled, labels asked about twice, many handed over, answers by Ctrl-Enter."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from channels.models import Account
from core import clock
from core.values import TrackEvent
from crm.models import Message, Visit
from crm.services import note, save_template
from fulfilment import printing
from logistics.canonical import Tracked
from logistics.models import Shipment
from logistics.services import tracking
from orders.models import Order
from tests.browser.conftest import DESK, PHONE
from tests.browser.conftest import Visit as Tab
from tests.browser.test_desks import floor_of
from tests.support.parcels import ACTOR
from tests.ui2.conftest import ask

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SAMPAN_SHOTS", "")  # a folder: pictures of the pages are put there


@pytest.fixture
def parcels(visit: Tab) -> list[Shipment]:
    with visit.house.inside():
        found = list(Shipment.objects.filter(pk__in=floor_of(visit)).order_by("pk"))
        then = clock.now() - timedelta(days=4)
        Shipment.objects.filter(pk=found[0].pk).update(state="handed", handed_at=then, poll_at=clock.now())
        miles = (
            TrackEvent(
                then + timedelta(hours=5), "InTransit", "", "PU10", "Picked up", "Shenzhen", utc_offset_minutes=480
            ),
            TrackEvent(then + timedelta(hours=30), "InTransit", "departure", "LH20", "Flight has left", "Hong Kong"),
            TrackEvent(
                clock.now(), "DeliveryFailure", "no_one", "LM50", "Nobody at home", "Berlin", utc_offset_minutes=60
            ),
        )
        tracking.record_tracking(tracked=[Tracked(found[0].tracking_number, miles)], source="carrier")
        printing.print_labels(actor=ACTOR, shipment_ids=[found[1].pk])
        return found


def wait_for(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)


def shots(visit: Tab, paths: dict[str, str]) -> None:
    """Pictures for people to look at, in both languages, widths and themes; nothing without the folder."""
    if not SHOTS:
        return
    for language, theme, size in (("en", "light", DESK), ("zh-hans", "dark", DESK), ("zh-hans", "light", PHONE)):
        visit.page.context.add_cookies(
            [{"name": name, "value": value, "url": visit.url} for name, value in (("lang", language), ("theme", theme))]
        )
        visit.page.set_viewport_size(size)
        for name, path in paths.items():
            visit.open(path)
            target = Path(SHOTS) / f"{name}-{language}-{theme}-{size['width']}.png"
            visit.page.screenshot(path=str(target), full_page=True)
    visit.page.set_viewport_size(DESK)
    visit.page.context.add_cookies([{"name": "lang", "value": "en", "url": visit.url}])


def test_an_alarm_a_reprint_and_many_at_once(visit: Tab, parcels: list[Shipment]) -> None:
    page = visit.page
    first, second, third = parcels
    shots(
        visit,
        {
            "parcels": "/ship/parcels/?tab=all",
            "alarms": "/ship/parcels/?tab=alarm",
            "parcel": f"/ship/parcels/{first.pk}/?tab=all",
            "ready": f"/ship/parcels/{second.pk}/?tab=all",
            "board": "/ship/board/",
            "hours": "/ship/alarms/",
            "lists": "/ship/lists/",
            "batch": "/ship/batch/",
            "desk": f"/ship/?parcel={second.pk}",
        },
    )
    visit.open("/ship/parcels/?tab=alarm")
    page.click("tbody a.mono")
    expect(page.locator(".alarm-box")).to_contain_text("Delivery failed")
    page.fill("#alarm-note", "wrote to the buyer")
    page.click(".alarm-box >> text=Settled")
    expect(page.locator(".alarm-box")).to_contain_text("wrote to the buyer")
    page.keyboard.press("[")  # nothing newer rings: one stays
    visit.open("/ship/parcels/?tab=alarm")
    expect(page.locator(".empty")).to_be_visible()

    visit.open("/ship/parcels/?tab=ready")
    page.check("thead input")
    page.click("#bulk >> text=Print labels")
    page.select_option("#act-print [name=layout]", "a4x4")
    page.click("#act-print button[type=submit]")
    expect(page.locator("h1")).to_contain_text("Printed before")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/again.png", full_page=True)
    with visit.house.inside():
        assert Shipment.objects.get(pk=third.pk).print_count == 0

    visit.open("/ship/batch/")
    page.fill("[name=numbers]", f"{second.tracking_number}\n{third.tracking_number}\nNOPE-1")
    page.click("button[value=look]")
    expect(page.locator("main")).to_contain_text("2 may leave")
    page.click("button[value=hand]")
    expect(page.locator("main")).to_contain_text("2 parcels handed over.")
    expect(page.locator("[name=numbers]")).to_have_value("NOPE-1")
    visit.open("/ship/")
    page.keyboard.type("-")
    page.keyboard.press("Enter")
    expect(page.locator(".ship-card")).to_be_visible()
    with visit.house.inside():
        assert Shipment.objects.filter(pk__in=[second.pk, third.pk], state="handed").count() == 1
    assert not visit.complaints


def test_answers_one_after_the_other_with_a_colleague_at_the_same_thread(visit: Tab) -> None:
    page = visit.page
    with visit.house.inside():
        account = Account.objects.get()
        first = ask(account, "Where is my lamp?", Order.objects.get(external_id="READY-1"), hours=1)
        second = ask(account, "Is it dimmable?", hours=3)
        note(actor=ACTOR, conversation_id=first.pk, body="Asked the warehouse about it")
        save_template(actor=ACTOR, name="Soon", language="de", body="Die Bestellung {order.number} geht bald raus.")
    shots(visit, {"inbox": "/inbox/", "talk": f"/inbox/{first.pk}/?tab=open", "deadlines": "/inbox/deadlines/"})
    visit.open(f"/inbox/{first.pk}/?tab=open")
    page.fill("#body", "Dear Hannah, it")
    expect(page.locator("#others")).to_be_hidden()
    with visit.house.inside():
        wait_for(lambda: Visit.objects.filter(draft="Dear Hannah, it").exists())
    visit.open("/inbox/")  # the page is left
    visit.open(f"/inbox/{first.pk}/?tab=open")
    expect(page.locator("#body")).to_have_value("Dear Hannah, it")
    with visit.house.inside():  # a colleague comes
        me = Visit.objects.get()
        Visit.objects.create(
            conversation_id=first.pk,
            user_id=me.user_id + 1000,
            user_label="Wu",
            seen_at=clock.wall(),
            writing_at=clock.wall(),
        )
    page.fill("#body", "Dear Hannah, it leaves today.")
    expect(page.locator("#others")).to_contain_text("Wu is writing an answer here.")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/collision.png", full_page=True)
    page.focus("#body")
    page.keyboard.press("Control+Enter")
    expect(page).to_have_url(f"{visit.url}/inbox/{second.pk}/?tab=open")
    with visit.house.inside():
        assert Message.objects.get(direction="out").body == "Dear Hannah, it leaves today."
        assert Visit.objects.get(user_id=me.user_id, conversation_id=first.pk).draft == ""
    page.wait_for_load_state()
    page.keyboard.press("[")
    assert not visit.complaints

"""Tracking by carrier and by aggregator: each milestone once, ends that hold, webhooks twice and out of order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from core import clock
from core.central.models import InboundHook
from core.errors import BusinessError
from core.tenancy import public_context
from fulfilment import services as floor
from logistics import queries
from logistics.carriers.seventeentrack.carrier import signature
from logistics.models import Shipment, TrackingEvent
from logistics.services import accounts, trackers, tracking
from orders.models import Order
from tests.support.parcels import ACTOR, booked_orders, parcel_of, settle, states_of


def handed(shop, count: int = 1) -> list[int]:
    ids = booked_orders(shop, count)
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(pk).pk for pk in ids])
    settle()
    return ids


def ask() -> None:
    Shipment.objects.exclude(poll_at=None).update(poll_at=clock.now() - timedelta(seconds=1))
    trackers.poll_due()
    settle()


def test_the_carriers_life_of_a_parcel_ends_the_order(shop, carrier) -> None:
    ids = handed(shop)
    waybill = parcel_of(ids[0]).waybill
    ask()
    assert parcel_of(ids[0]).track_main == "InfoReceived"
    seen = []
    for _ in range(6):
        carrier.advance(waybill, {"auto": True})
        ask()
        ask()
        seen.append(parcel_of(ids[0]).track_main)
    parcel = parcel_of(ids[0])
    assert seen == ["InTransit"] * 4 + ["OutForDelivery", "Delivered"]
    assert (parcel.state, parcel.poll_at) == ("delivered", None)
    assert parcel.delivered_at is not None and parcel.purge_at == parcel.delivered_at + timedelta(days=30)
    assert TrackingEvent.objects.count() == 7
    assert states_of(ids) == {"delivered"}


def test_asking_is_put_off_by_state_and_survives_a_busy_carrier(shop, carrier) -> None:
    ids = handed(shop)
    carrier.script("html503", op="track")
    ask()
    parcel = parcel_of(ids[0])
    assert parcel.track_main == "" and parcel.poll_at > clock.now() + timedelta(hours=11)
    ask()
    assert parcel_of(ids[0]).track_main == "InfoReceived"


def test_codes_that_nobody_knows_are_kept_and_mapped_by_the_package(shop, carrier) -> None:
    ids = handed(shop)
    carrier.advance(parcel_of(ids[0]).waybill, {"events": [{"code": "MOON_LANDING", "description": "On the moon"}]})
    ask()
    event = TrackingEvent.objects.get(code="MOON_LANDING")
    assert event.description == "On the moon"
    assert event.main == parcel_of(ids[0]).track_main == "InfoReceived"


# -- the aggregator


@dataclass
class Aggregator:
    http: httpx.Client
    account: str
    token: str

    def post(self, path: str, body: Any) -> Any:
        answer = self.http.post(f"/_control/seventeentrack/accounts{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def numbers(self) -> list[dict[str, Any]]:
        found = self.http.get(f"/_control/seventeentrack/accounts/{self.account}/numbers").json()
        return list(found["numbers"])


@pytest.fixture
def aggregator(shop, carrier) -> Aggregator:
    made = Aggregator(carrier.http, f"t-{carrier.account}", f"key-{carrier.account}")
    made.post("", {"account_id": made.account, "token": made.token, "webhook": None})
    accounts.connect_tracker(
        actor=ACTOR,
        kind="17track",
        name="17",
        external_id=made.account,
        credentials={"token": made.token},
        settings={"base_url": f"{carrier.base}/seventeentrack"},
    )
    return made


def test_handed_parcels_are_registered_once_forty_a_call(shop, carrier, aggregator) -> None:
    ids = handed(shop, 43)
    assert trackers.register_due() == 43
    assert trackers.register_due() == 0
    there = {found["number"]: found["register_calls"] for found in aggregator.numbers()}
    assert there == {parcel_of(pk).tracking_number: 1 for pk in ids}


def test_a_registration_whose_answer_was_lost_is_repeated_without_harm(shop, carrier, aggregator) -> None:
    handed(shop)
    rule = {"kind": "timeout_after", "op": "register", "account": aggregator.account, "times": 1}
    carrier.http.post("/_control/faults", json={"script": [rule]})
    with pytest.raises(Exception, match="http.no_answer"):
        trackers.register_due()
    assert trackers.register_due() == 1
    assert [found["register_calls"] for found in aggregator.numbers()] == [2]


def test_a_used_up_quota_is_said_and_nothing_is_lost(shop, carrier, aggregator) -> None:
    aggregator.post("", {"account_id": aggregator.account, "token": aggregator.token, "webhook": None, "quota": 1})
    handed(shop, 2)
    with pytest.raises(BusinessError) as error:
        trackers.register_due()
    assert error.value.code == "tracker.quota"
    assert Shipment.objects.filter(registered_at=None).count() == 1


def hook(aggregator: Aggregator, body: dict[str, Any], sign: str | None = None) -> int:
    raw = json.dumps(body).encode()
    headers = {"sign": signature(raw, aggregator.token) if sign is None else sign}
    with public_context():  # a request leaves the connection where it was
        answer = Client(headers={"host": "localhost"}).post(
            f"/hooks/17track/{aggregator.account}", raw, content_type="application/json", headers=headers
        )
    return answer.status_code


def update(number: str, *events: tuple[str, str, str]) -> dict[str, Any]:
    """``events``: (time, sub-status, text), newest first as on the wire."""
    wire = [
        {"time_iso": at, "time_utc": at, "description": text, "location": "Köln", "stage": None, "sub_status": sub}
        for at, sub, text in events
    ]
    latest = {"status": events[0][1].partition("_")[0], "sub_status": events[0][1]}
    info = {"latest_status": latest, "tracking": {"providers": [{"provider": {"key": 1}, "events": wire}]}}
    return {"event": "TRACKING_UPDATED", "data": {"number": number, "carrier": 190008, "track_info": info}}


ARRIVED = ("2026-11-22T09:00:00Z", "InTransit_Arrival", "Arrived")
OUT = ("2026-11-23T08:00:00Z", "OutForDelivery_Other", "Out for delivery")
DONE = ("2026-11-23T15:00:00Z", "Delivered_Other", "Delivered")
BACK = ("2026-11-25T10:00:00Z", "Exception_Returned", "Returned to sender")


def test_webhooks_twice_and_in_the_wrong_order(shop, aggregator, acme) -> None:
    ids = handed(shop)
    number = parcel_of(ids[0]).tracking_number
    first, last = update(number, OUT, ARRIVED), update(number, DONE, OUT, ARRIVED)
    assert [hook(aggregator, body) for body in (last, first, last, first)] == [200] * 4
    settle()
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.track_main, parcel.delivered_at.isoformat()) == (
        "delivered",
        "Delivered",
        "2026-11-23T15:00:00+00:00",
    )
    assert TrackingEvent.objects.count() == 3
    assert states_of(ids) == {"delivered"}
    hook(aggregator, update(number, BACK, DONE, OUT, ARRIVED))
    settle()
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.track_main, parcel.reopened_at is not None) == ("returned", "Returned", True)
    assert states_of(ids) == {"returned"}


def test_an_unsigned_webhook_changes_nothing_and_is_refused(shop, aggregator) -> None:
    ids = handed(shop)
    body = update(parcel_of(ids[0]).tracking_number, DONE)
    assert hook(aggregator, body, sign="0" * 64) == 401
    settle()
    assert (states_of(ids), TrackingEvent.objects.count()) == ({"handed"}, 0)
    assert InboundHook.objects.get().error_code == "hook.signature"


def test_a_webhook_for_a_number_that_is_not_ours(shop, aggregator) -> None:
    handed(shop)
    assert hook(aggregator, update("YT9999999999999999", DONE)) == 200
    settle()
    assert TrackingEvent.objects.count() == 0


def test_delivery_told_before_the_hand_over_was_worked_on(shop, aggregator) -> None:
    """The scan at the desk and the carrier's news may be worked on in any order."""
    ids = booked_orders(shop)
    parcel = parcel_of(ids[0])
    tracking.record_tracking(tracked=_told(parcel.tracking_number, DONE), source="17track")
    settle()
    assert (parcel_of(ids[0]).state, states_of(ids)) == ("ready", {"booked"})
    assert [alarm.kind for alarm in queries.alarms(ACTOR)] == ["moving"]
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel.pk])
    settle()
    assert (parcel_of(ids[0]).state, states_of(ids)) == ("delivered", {"delivered"})


def _told(number: str, *events: tuple[str, str, str]):
    from logistics.carriers.seventeentrack.mapping import tracked

    return [tracked(update(number, *events)["data"])]


def test_alarms_name_what_wants_a_person(shop, carrier) -> None:
    ids = handed(shop, 3)
    now = clock.now()
    silent, trouble, fine = (parcel_of(pk).pk for pk in ids)
    Shipment.objects.filter(pk=silent).update(handed_at=now - timedelta(days=6))
    Shipment.objects.filter(pk=trouble).update(track_main="Exception", track_sub="lost", track_at=now)
    assert [(alarm.kind, alarm.shipment_id) for alarm in queries.alarms(ACTOR)] == [
        ("silent", silent),
        ("problem", trouble),
    ]
    Shipment.objects.filter(pk=fine).update(
        track_main="InTransit", track_sub="customs", track_at=now - timedelta(hours=50)
    )
    assert {alarm.kind for alarm in queries.alarms(ACTOR)} == {"silent", "problem", "customs"}


def test_expiry_is_a_milestone_and_stops_the_asking(shop) -> None:
    ids = handed(shop)
    number = parcel_of(ids[0]).tracking_number
    told = _told(number, ARRIVED)
    expired = [type(told[0])(number, told[0].events, "Expired", "")]
    for _ in range(2):
        tracking.record_tracking(tracked=expired, source="17track")
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.track_main, parcel.poll_at) == ("handed", "Expired", None)
    assert TrackingEvent.objects.count() == 2
    assert Order.objects.get(pk=ids[0]).state == "handed"

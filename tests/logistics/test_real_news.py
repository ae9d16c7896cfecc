"""News as aggregators and carriers really send it: statuses without a sub-status, times without a zone, cut emojis,
numbers in another spelling, one answer among many that cannot be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from logistics.carriers.seventeentrack import mapping
from logistics.carriers.seventeentrack.carrier import SeventeenTrack
from logistics.carriers.yunexpress import carrier as yunexpress
from logistics.carriers.yunexpress import mapping as yun
from logistics.models import Shipment, TrackingEvent
from logistics.services import trackers
from tests.logistics.test_tracking import aggregator, ask, handed, hook
from tests.support.parcels import parcel_of, settle, states_of

__all__ = ["aggregator"]


def told(*events: dict[str, Any], latest: tuple[str, str] = ("InTransit", "InTransit_Other"), **info: Any) -> Any:
    status = {"status": latest[0], "sub_status": latest[1], "sub_status_descr": None}
    info |= {"latest_status": status, "tracking": {"providers": [{"provider": {"key": 1}, "events": list(events)}]}}
    return {"number": "YT1", "carrier": 190008, "tag": None, "track_info": info}


def event(at: str | None, stage: str | None, **more: Any) -> dict[str, Any]:
    """As version 2.2 writes it: a milestone, no sub-status."""
    return {"time_iso": at, "time_utc": None, "description": "x", "location": None, "stage": stage} | more


@pytest.mark.parametrize(
    ("stage", "main", "sub"),
    [
        ("PickedUp", "InTransit", "picked_up"),
        ("Departure", "InTransit", "departed"),
        ("Arrival", "InTransit", "arrived_hub"),
        ("OutForDelivery", "OutForDelivery", ""),
        ("Delivered", "Delivered", "other"),
        ("Returning", "Exception", "returning"),
        ("Returned", "Returned", ""),
        (None, "InTransit", "other"),
    ],
)
def test_a_milestone_without_a_sub_status_is_understood(stage: str | None, main: str, sub: str) -> None:
    found = mapping.tracked(told(event("2026-11-20T10:00:00+01:00", stage))).events[0]
    assert (found.main, found.sub, found.time.isoformat(), found.utc_offset_minutes) == (
        main,
        sub,
        "2026-11-20T09:00:00+00:00",
        60,
    )


@pytest.mark.parametrize(
    ("more", "at", "offset"),
    [
        ({"time_iso": "2026-11-20T10:00:00"}, "2026-11-20T10:00:00+00:00", None),
        (
            {"time_raw": {"date": "2026-11-20", "time": "10:00:00", "timezone": "+08:00"}},
            "2026-11-20T02:00:00+00:00",
            480,
        ),
        ({"time_raw": {"date": "2026-11-20", "time": "10:00:00", "timezone": None}}, "2026-11-20T10:00:00+00:00", None),
        ({"time_raw": {"date": "2026-11-20", "time": "10:00", "timezone": "CET"}}, "2026-11-20T10:00:00+00:00", None),
        ({"time_raw": {"date": "2026-11-20", "time": None, "timezone": None}}, "2026-11-20T00:00:00+00:00", None),
        ({"time_iso": "0001-01-01T00:00:00+08:00", "time_utc": "0001-01-01T00:00:00Z"}, None, None),
        ({"time_raw": {"date": None, "time": None, "timezone": None}}, None, None),
        ({"time_raw": "2026"}, None, None),
    ],
)
def test_times_that_the_aggregator_could_not_place(more: dict[str, Any], at: str | None, offset: int | None) -> None:
    found, minutes = mapping.moment(event(None, None) | more)
    assert (found.isoformat() if found else None, minutes) == (at, offset)


def test_a_delivery_whose_day_alone_is_told_comes_after_that_days_way() -> None:
    day = {"date": "2026-11-20", "time": None, "timezone": None}
    found = mapping.tracked(
        told(event(None, "Delivered", time_raw=day), event("2026-11-20T09:00:00Z", "OutForDelivery"))
    )
    assert [one.main for one in found.events] == ["OutForDelivery", "Delivered"]


@pytest.mark.parametrize(
    ("info", "at"),
    [
        ({"milestone": [{"key_stage": "Delivered", "time_utc": "2026-11-21T12:00:00Z"}]}, "2026-11-21T12:00:00+00:00"),
        ({"milestone": [{"key_stage": "Delivered", "time_utc": None}]}, "2026-11-20T09:00:00+00:00"),
        ({"latest_event": {"time_utc": "2026-11-22T12:00:00Z"}, "milestone": None}, "2026-11-22T12:00:00+00:00"),
    ],
)
def test_an_end_that_only_the_summary_tells(info: dict[str, Any], at: str) -> None:
    body = told(event("2026-11-20T09:00:00Z", None), latest=("Delivered", "Delivered_Other"), **info)
    found = mapping.tracked(body)
    assert [(one.main, one.code, one.time.isoformat()) for one in found.events[1:]] == [("Delivered", "summary", at)]


@pytest.mark.parametrize(
    "body",
    [
        {"number": "YT1", "track_info": None},
        {"number": "YT1", "track_info": {"latest_status": None, "tracking": {"providers": [None, {"events": None}]}}},
        {"number": "YT1", "track_info": {"tracking": {"providers": [{"events": [None, "x", {"address": None}]}]}}},
        {"number": None, "track_info": []},
    ],
)
def test_what_is_no_object_is_passed_over(body: dict[str, Any]) -> None:
    assert mapping.tracked(body).events == ()


def test_a_webhook_with_half_an_emoji_and_an_end_in_the_summary_alone(shop, aggregator) -> None:
    ids = handed(shop)
    number = parcel_of(ids[0]).tracking_number
    body = told(
        event("2026-11-23T15:00:00Z", None, description="Left with neighbour \ud83d", location="K\u0000öln"),
        latest=("Delivered", "Delivered_Other"),
    )
    body["number"] = number.lower()
    assert [hook(aggregator, {"event": "TRACKING_UPDATED", "data": body}) for _ in range(2)] == [200, 200]
    settle()
    assert (parcel_of(ids[0]).state, states_of(ids)) == ("delivered", {"delivered"})
    kept = TrackingEvent.objects.get(code="")
    assert (kept.description, kept.place) == ("Left with neighbour \ufffd", "K\ufffdöln")
    assert TrackingEvent.objects.count() == 2


def test_numbers_that_the_aggregator_spells_its_own_way_are_registered_once(shop, aggregator, monkeypatch) -> None:
    ids = handed(shop, 2)
    Shipment.objects.filter(pk=parcel_of(ids[0]).pk).update(tracking_number="yt 2532507-000000042")
    asked: list[list[str]] = []

    def register(self: Any, session: Any, rows: Any) -> dict[str, str]:
        asked.append([number for number, _, _ in rows])
        return {number.replace(" ", "").replace("-", "").upper(): "" for number in asked[-1]}

    monkeypatch.setattr(SeventeenTrack, "register", register)
    assert trackers.register_due() == 2
    assert (trackers.register_due(), len(asked)) == (0, 1)


# -- YunExpress


@pytest.mark.parametrize(
    ("event", "at"),
    [
        # its own clock marked as UTC, and the true one beside it
        (
            {"process_time": "2026-06-18T16:54:51Z", "process_utc_time": "2026-06-18T08:54:51Z"},
            "2026-06-18T08:54:51+00:00",
        ),
        ({"process_time": "2026-06-18T16:54:51", "process_utc_time": None}, "2026-06-18T08:54:51+00:00"),
        ({"process_time": "2026-06-18 16:54:51", "time_zone": "UTC"}, "2026-06-18T16:54:51+00:00"),
        ({"process_time": "2026-06-18 16:54:51", "time_zone": "GMT"}, "2026-06-18T16:54:51+00:00"),
        ({"process_time": "2026-06-18 16:54:51", "time_zone": 8}, "2026-06-18T08:54:51+00:00"),
        ({"process_time": "2026-06-18 16:54:51", "time_zone": 0}, "2026-06-18T16:54:51+00:00"),
        ({"process_time": "2026-06-18 16:54:51", "time_zone": "-3:30"}, "2026-06-18T20:24:51+00:00"),
        (
            {"process_utc_time": "0001-01-01T00:00:00", "event_date": "2026-06-18T10:00:00Z"},
            "2026-06-18T10:00:00+00:00",
        ),
        ({"process_time": "0001-01-01T00:00:00"}, None),
        ({"process_time": "0001-01-01T00:00:00+08:00"}, None),
        ({"process_time": "9999-12-31T23:59:59-08:00"}, None),
    ],
)
def test_times_of_the_carrier(event: dict[str, Any], at: str | None) -> None:
    found = yun.moment(event)
    assert (found.isoformat() if found else None) == at


@pytest.mark.parametrize(
    ("code", "main", "sub"),
    [
        ("PACKAGE_LOST", "Exception", "lost"),
        ("CUSTOMS_HOLD", "Exception", "held"),
        ("CUSTOMS_PROCESSING", "InTransit", "customs"),
        ("DELIVERY_ATTEMPT", "DeliveryFailure", "other"),
        ("RETURNED_BACK", "Exception", "returning"),
        ("RETURNED_TO_SENDER", "Returned", ""),
    ],
)
def test_node_codes_of_the_carriers_own_table(code: str, main: str, sub: str) -> None:
    """Whatever the state of the package says beside them: it knows no *on its way back*."""
    found = yun.events({"track_events": [{"process_utc_time": "2026-06-18T08:00:00", "track_node_code": code}]}, "R")
    assert [(one.main, one.sub) for one in found] == [(main, sub)]


def test_an_answer_that_cannot_be_read_keeps_no_other_parcel_back(shop, carrier, monkeypatch) -> None:
    ids = handed(shop, 3)
    odd = parcel_of(ids[1]).tracking_number or parcel_of(ids[1]).waybill
    track = yunexpress.CARRIER.track

    def some(session: Any, numbers: Any) -> Any:
        if numbers == [odd]:
            raise AttributeError("'int' object has no attribute 'get'")
        return track(session, numbers)

    monkeypatch.setattr(yunexpress.CARRIER, "track", some)
    ask()
    assert [parcel_of(pk).track_main for pk in ids] == ["InfoReceived", "", "InfoReceived"]
    assert parcel_of(ids[1]).poll_at > clock.now() + timedelta(hours=11)

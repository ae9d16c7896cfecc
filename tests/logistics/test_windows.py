"""A process that dies, or is overtaken, between two statements."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.central.hooks import HookCall
from core.http.door import counting
from core.tenancy import public_context
from logistics.carriers.seventeentrack.carrier import signature
from logistics.models import Shipment, TrackingEvent
from logistics.services import booking as parcels
from logistics.services.trackers import TrackerHook
from orders.services import booking
from tests.logistics.test_tracking import DONE, OUT, Aggregator, aggregator, handed, hook, update
from tests.support.parcels import ACTOR, Carrier, parcel_of, ready_orders, settle, states_of

__all__ = ["aggregator"]


def test_a_process_that_dies_between_the_milestones_and_their_news(shop: Any, aggregator: Aggregator) -> None:
    """The aggregator's first call got as far as the milestones; it calls again, and says nothing that is new."""
    ids = handed(shop)
    body = update(parcel_of(ids[0]).tracking_number, DONE, OUT)
    raw = json.dumps(body).encode()
    with public_context():
        TrackerHook("17track").read(
            HookCall("17track", aggregator.account, raw, {"sign": signature(raw, aggregator.token)})
        )
    settle()
    assert (TrackingEvent.objects.count(), states_of(ids)) == (2, {"handed"})
    assert hook(aggregator, body) == 200
    settle()
    assert (TrackingEvent.objects.count(), parcel_of(ids[0]).state, states_of(ids)) == (2, "delivered", {"delivered"})


def test_a_pass_that_waited_too_long_for_its_token_sends_nothing_of_what_another_one_took_over(
    shop: Any, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease has run out and the other one's look-up found nothing: both would send."""
    ids = ready_orders(shop)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    pk, real = parcel_of(ids[0]).pk, parcels.open_accounts

    def slow(*args: Any) -> Any:
        monkeypatch.setattr(parcels, "open_accounts", real)
        opened = real(*args)
        long_ago = clock.wall() - timedelta(seconds=60)
        Shipment.objects.filter(pk=pk).update(lease_until=long_ago, call_sent_at=long_ago)
        with counting() as other:
            parcels.book_many([pk])
        assert other["create"] == 1
        return opened

    monkeypatch.setattr(parcels, "open_accounts", slow)
    with counting() as first:
        parcels.book_many([pk])
    assert first["create"] == 0
    settle()
    assert (parcel_of(ids[0]).state, len(carrier.shipments())) == ("ready", 1)

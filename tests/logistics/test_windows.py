"""A process that dies between the milestones of a call and the news of them."""

from __future__ import annotations

import json
from typing import Any

from core.central.hooks import HookCall
from core.tenancy import public_context
from logistics.carriers.seventeentrack.carrier import signature
from logistics.models import TrackingEvent
from logistics.services.trackers import TrackerHook
from tests.logistics.test_tracking import DONE, OUT, Aggregator, aggregator, handed, hook, update
from tests.support.parcels import parcel_of, settle, states_of

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

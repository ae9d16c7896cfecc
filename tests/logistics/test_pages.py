"""A page costs a fixed number of statements, whatever its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.records.models import AuditEntry
from fulfilment import services as floor
from logistics.models import Shipment
from logistics.services import booking as parcels
from logistics.services import tracking
from orders.services import booking, carrier_answers, shipping
from tests.logistics.test_tracking import ARRIVED, _told
from tests.support.parcels import ACTOR, booked_orders, parcel_of, ready_orders


def statements(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        call()
    return len([one for one in seen.captured_queries if "SAVEPOINT" not in one["sql"]])


def test_booking_orders(shop) -> None:
    few, many = ready_orders(shop, 2, prefix="A"), ready_orders(shop, 60, prefix="B")
    booking.book_orders(actor=ACTOR, order_ids=ready_orders(shop, 1, prefix="W"))
    first = statements(lambda: booking.book_orders(actor=ACTOR, order_ids=few))
    assert first == statements(lambda: booking.book_orders(actor=ACTOR, order_ids=many)) <= 25


def test_a_pass_at_the_carrier_and_its_news(shop) -> None:
    counts = []
    for size, prefix in ((1, "W"), (2, "A"), (30, "B")):  # the first one warms up: a token, what is cached for good
        ids = ready_orders(shop, size, prefix=prefix)
        booking.book_orders(actor=ACTOR, order_ids=ids)
        shipments = [parcel_of(pk).pk for pk in ids]
        made = statements(lambda shipments=shipments: parcels.book_many(shipments))
        told = statements(lambda shipments=shipments: carrier_answers.booked(shipment_ids=shipments, actor=ACTOR))
        counts.append((made, told))
        assert set(Shipment.objects.filter(pk__in=shipments).values_list("state", flat=True)) == {"ready"}
    assert counts[1] == counts[2]
    assert max(counts[2]) <= 15


def test_handing_over_and_what_follows(shop) -> None:
    counts = []
    for size, prefix in ((1, "W"), (2, "A"), (40, "B")):
        ids = booked_orders(shop, size, prefix=prefix)
        shipments = [parcel_of(pk).pk for pk in ids]
        handed = statements(lambda shipments=shipments: floor.hand_over(actor=ACTOR, shipment_ids=shipments))
        issued = statements(lambda shipments=shipments: shipping.handed(shipment_ids=shipments, actor=ACTOR))
        told = [one for pk in ids for one in _told(parcel_of(pk).tracking_number, ARRIVED)]
        tracked = statements(lambda told=told: tracking.record_tracking(tracked=told, source="17track"))
        counts.append((handed, issued, tracked))
    assert counts[1] == counts[2]
    assert AuditEntry.objects.filter(code="order.handed").count() == 43


def test_the_same_news_twice_changes_nothing(shop) -> None:
    ids = booked_orders(shop, 3)
    shipments = [parcel_of(pk).pk for pk in ids]
    floor.hand_over(actor=ACTOR, shipment_ids=shipments)
    shipping.handed(shipment_ids=shipments, actor=ACTOR)
    before = AuditEntry.objects.count(), shop.stock("CABLE").sellable
    for _ in range(2):
        shipping.handed(shipment_ids=shipments, actor=ACTOR)
        carrier_answers.booked(shipment_ids=shipments, actor=ACTOR)
        carrier_answers.failed(shipment_ids=shipments, actor=ACTOR)
    assert (AuditEntry.objects.count(), shop.stock("CABLE").sellable) == before

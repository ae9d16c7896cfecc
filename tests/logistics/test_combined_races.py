"""A marketplace combines orders in the very moment in which a carrier's news of their parcels is worked on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, transaction

from core import bulk, clock
from core.tenancy import tenant_context
from fulfilment import services as floor
from logistics.models import Shipment
from orders.models import Order
from orders.services import booking, carrier_answers, shipping
from orders.services.release import release
from tests.orders.conftest import Shop, line, order, take
from tests.support.database import ACME, WorkerDatabase, back_to_public
from tests.support.parcels import ACTOR, Carrier, connect, open_shop, parcel_of, settle, states_of

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    " AND pid <> pg_backend_pid()"
)


def while_combined(combine: Callable[[], Any], news: Callable[[], Any]) -> None:
    """``news`` begins while the transaction of ``combine`` is open, waits for its locks, and goes on after its commit."""

    def work() -> None:
        try:
            with tenant_context(ACME), transaction.atomic():
                news()
        finally:
            close_old_connections()

    other = threading.Thread(target=work)
    with transaction.atomic():
        combine()
        other.start()
        end = time.monotonic() + 20
        while not bulk.fetch(WAITING)[0][0]:
            bulk.fetch("SELECT pg_stat_clear_snapshot()")  # a transaction sees the activity as it was at its first look
            assert time.monotonic() < end, "the other one does not wait"
            time.sleep(0.01)
    other.join(20)
    assert not other.is_alive()


def two_with_labels(carrier: Carrier) -> tuple[Shop, list[int]]:
    """Two orders whose parcels are booked, which the marketplace may combine."""
    shop = open_shop(connect(carrier))
    ids = take(shop, order("one", line("one-1")), order("two", line("two-1", "CUP"))).created
    release(order_ids=ids, actor=ACTOR)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    return shop, ids


@pytest.mark.parametrize("news", ["delivered", "handed", "booked"])
def test_news_of_a_parcel_reach_the_order_that_it_lies_in_now(
    committed_db: WorkerDatabase, carrier: Carrier, settings: Any, news: str
) -> None:
    settings.SANDBOX_URL = carrier.base
    with tenant_context(ACME):
        shop, ids = two_with_labels(carrier)
        parcels = [parcel_of(pk).pk for pk in ids]
        now = clock.now()
        if news == "delivered":
            floor.hand_over(actor=ACTOR, shipment_ids=parcels)
            settle()
            Shipment.objects.filter(pk__in=parcels).update(state="delivered", delivered_at=now)
        elif news == "handed":
            Shipment.objects.filter(pk__in=parcels).update(state="handed", handed_at=now)
        else:
            Order.objects.filter(pk__in=ids).update(state="booking")
        act = {"delivered": shipping.delivered, "handed": shipping.handed, "booked": carrier_answers.booked}[news]
        made: list[int] = []
        while_combined(
            lambda: made.extend(take(shop, order("both", line("one-1"), line("two-1", "CUP"))).created),
            lambda: act(shipment_ids=parcels, actor=ACTOR),
        )
        assert states_of(ids) == {"combined"}
        assert states_of(made) == {news}
    back_to_public()


def test_whoever_stands_at_the_scale_holds_the_order_that_the_parcel_lies_in_now(
    committed_db: WorkerDatabase, carrier: Carrier, settings: Any
) -> None:
    """Else a hand-over could be taken back while its stock is issued."""
    settings.SANDBOX_URL = carrier.base
    with tenant_context(ACME):
        shop, ids = two_with_labels(carrier)
        parcels, free = [parcel_of(pk).pk for pk in ids], []

        def stand() -> None:
            floor._lock(parcels)
            other = threading.Thread(target=look)
            other.start()
            other.join(20)

        def look() -> None:
            try:
                with tenant_context(ACME), transaction.atomic():
                    free.extend(bulk.fetch("SELECT external_id FROM orders_order FOR UPDATE SKIP LOCKED"))
            finally:
                close_old_connections()

        while_combined(lambda: take(shop, order("both", line("one-1"), line("two-1", "CUP"))), stand)
        assert free == []
    back_to_public()

"""Two who need the same things take them in the same order: one waits for the other, and neither is thrown out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import close_old_connections, transaction

from core import bulk, clock
from core.tenancy import tenant_context
from inventory.models import Reservation
from inventory.reservation import lock, release_many
from orders.models import Order, OrderLine
from orders.services import acts, release
from tests.logistics.test_combined_races import WAITING
from tests.orders.conftest import ACTOR, line, make_shop, order, take
from tests.support.database import ACME, WorkerDatabase, back_to_public


def crossed(first: Callable[[], Any], other: Callable[[], Any], then: Callable[[], Any]) -> list[Any]:
    """``first`` and ``then`` in one transaction; ``other`` begins in between and waits. What it gave, or its error."""
    found: list[Any] = []

    def work() -> None:
        try:
            with tenant_context(ACME), transaction.atomic():
                found.append(other())
        except Exception as error:  # shown by the assertion
            found.append(repr(error))
        finally:
            close_old_connections()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        first()
        thread.start()
        end = time.monotonic() + 20
        while not bulk.fetch(WAITING)[0][0]:
            bulk.fetch("SELECT pg_stat_clear_snapshot()")
            assert time.monotonic() < end, "the other one does not wait"
            time.sleep(0.01)
        then()
    thread.join(20)
    assert not thread.is_alive()
    return found


def test_what_is_given_back_and_what_is_taken_are_locked_in_one_order(committed_db: WorkerDatabase) -> None:
    """A line lost its stock, the other one's lies behind it in the order of locks; a second order wants both."""
    with tenant_context(ACME):
        shop = make_shop()
        ids = take(shop, order("one", line("one-1"), line("one-2", "CUP"))).created
        release.release(order_ids=ids, actor=ACTOR)
        with transaction.atomic():
            release_many([OrderLine.objects.get(external_line_id="one-1").pk])
        Order.objects.update(state="new")
        lamp, cup = ((shop.warehouse.pk, shop.skus[code].pk) for code in ("LAMP", "CUP"))
        found = crossed(lambda: lock([lamp]), lambda: release.release(order_ids=ids, actor=ACTOR), lambda: lock([cup]))
        assert found == [{"ready": ids}]
        assert Reservation.objects.filter(closed_at=None).count() == 2
        assert (shop.stock("LAMP").reserved, shop.stock("CUP").reserved) == (1, 1)
    back_to_public()


def test_an_order_that_is_combined_while_a_person_edits_its_lines(committed_db: WorkerDatabase) -> None:
    with tenant_context(ACME):
        shop = make_shop()
        (old,) = take(shop, order("one", line("one-1"))).created
        found = crossed(
            lambda: Order.objects.select_for_update().get(pk=old),
            lambda: take(shop, order("both", line("one-1"), line("two-1", "CUP"))).created,
            lambda: OrderLine.objects.filter(order_id=old).update(title="Edited"),
        )
        assert found == [[Order.objects.get(external_id="both").pk]]
        assert Order.objects.get(pk=old).state == "combined"
        assert OrderLine.objects.get(external_line_id="one-1").order_id == found[0][0]
    back_to_public()


def test_an_unpaid_order_that_is_paid_as_its_time_ends_keeps_its_stock(committed_db: WorkerDatabase) -> None:
    with tenant_context(ACME):
        shop = make_shop()
        unpaid = order("one", status="pending", paid_at=None)
        ids = take(shop, unpaid).created
        release.release(order_ids=ids, actor=ACTOR)
        Reservation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        paid = order("one", updated_at=unpaid.updated_at + timedelta(hours=1))
        found = crossed(lambda: take(shop, paid), lambda: acts.expire_unpaid(actor=ACTOR), lambda: None)
        release.release(order_ids=ids, actor=ACTOR)
        assert (found, Order.objects.get().state) == ([0], "ready")
        assert [(one.kind, one.expires_at, one.closed_at) for one in Reservation.objects.all()] == [
            ("paid", None, None)
        ]
    back_to_public()


def test_unpaid_orders_give_back_what_they_held_too_long(committed_db: WorkerDatabase) -> None:
    with tenant_context(ACME):
        shop = make_shop()
        ids = take(shop, order("one", line("one-1"), line("one-2", "CUP"), status="pending", paid_at=None)).created
        release.release(order_ids=ids, actor=ACTOR)
        Reservation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
        assert acts.expire_unpaid(actor=ACTOR) == 2
        assert {one.closed_as for one in Reservation.objects.all()} == {"expired"}
        assert (shop.stock("LAMP").reserved, Order.objects.get().state) == (0, "pending")
    back_to_public()

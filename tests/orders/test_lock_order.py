"""Two who need the same things take them in the same order: one waits for the other, and neither is thrown out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import close_old_connections, transaction

from core import bulk
from core.tenancy import tenant_context
from inventory.models import Reservation
from inventory.reservation import lock, release_many
from orders.models import Order, OrderLine
from orders.services import release
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

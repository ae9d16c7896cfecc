"""Orders that wait: for goods, behind others that still lack something; for a moment that a person puts off."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import close_old_connections, transaction

from core import bulk, clock
from core.central import outbox
from core.central.models import Outbox
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from inventory.models import Stock
from orders.models import Order
from orders.services import acts, release
from tests.logistics.test_combined_races import WAITING
from tests.orders.conftest import ACTOR, T0, Shop, line, make_shop, order, take
from tests.support.database import WorkerDatabase, back_to_public


def state_of(shop: Shop) -> dict[str, str]:
    return dict(Order.objects.filter(account_id=shop.account.pk).values_list("external_id", "state"))


def test_goods_reach_the_order_behind_many_that_lack_something_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "SHORT_AT_ONCE", 2)
    Stock.objects.update(sellable=0)
    both = [order(f"B{n}", line(f"B{n}-1"), line(f"B{n}-2", "CUP")) for n in range(3)]
    ids = take(shop, *both, order("Z1"), order("Z2")).created
    release.release(order_ids=ids, actor=ACTOR)
    assert set(state_of(shop).values()) == {"short"}
    Stock.objects.filter(sku=shop.skus["LAMP"]).update(sellable=5)
    with transaction.atomic():
        acts.retry_short(actor=ACTOR, sku_ids=[shop.skus["LAMP"].pk])
    outbox.drain()
    assert state_of(shop) == {"B0": "short", "B1": "short", "B2": "short", "Z1": "ready", "Z2": "ready"}
    assert not Outbox.objects.exclude(event="orders.ready").exists()


def test_many_orders_are_routed_a_page_a_transaction(shop: Shop) -> None:
    """One transaction over thousands would hold stock while it waits for orders that others hold."""
    ids = take(shop, *[order(f"M{n}") for n in range(release.PAGE + 1)]).created
    with transaction.atomic():
        acts.route_later(ids)
    sizes = [len(row.payload["ids"]) for row in Outbox.objects.filter(event="orders.imported").order_by("id")]
    assert sizes == [release.PAGE, 1]


def test_a_hold_that_is_prolonged_as_it_ends_lasts(committed_db: WorkerDatabase, acme: str) -> None:
    with tenant_context(acme):
        shop = make_shop()
        ids = take(shop, order("one")).created
        later = clock.now() + timedelta(days=3)
        acts.hold(actor=ACTOR, order_ids=ids, until=clock.now() - timedelta(seconds=1))
        woken: list[int] = []

        def wake() -> None:
            try:
                with tenant_context(acme):
                    woken.append(acts.wake_held(actor=ACTOR))
            finally:
                close_old_connections()

        other = threading.Thread(target=wake)
        with transaction.atomic():
            Order.objects.filter(pk__in=ids).update(hold_until=later)
            other.start()
            end = time.monotonic() + 3
            while other.is_alive() and not bulk.fetch(WAITING)[0][0] and time.monotonic() < end:
                bulk.fetch("SELECT pg_stat_clear_snapshot()")
                time.sleep(0.01)
        other.join(20)
        found = Order.objects.get()
        assert (woken, found.state, found.hold_until) == ([0], "held", later)
    back_to_public()


def test_a_wish_to_cancel_outlasts_a_hold_that_ends_by_itself(shop: Shop) -> None:
    ids = take(shop, order("one")).created
    release.release(order_ids=ids, actor=ACTOR)
    acts.hold(actor=ACTOR, order_ids=ids, until=clock.now() + timedelta(hours=1))
    asked = order("one", cancel_requested=True, updated_at=T0 + timedelta(hours=2))
    take(shop, asked)
    take(shop, replace(asked, updated_at=T0 + timedelta(hours=3)))
    Order.objects.exclude(hold_until=None).update(hold_until=clock.now() - timedelta(seconds=1))
    assert acts.wake_held(actor=ACTOR) == 0
    found = Order.objects.get()
    assert (found.state, found.reason_code) == ("held", "order.cancel_requested")
    told = AuditEntry.objects.filter(kind="order", object_id=ids[0], code="order.to_held")
    assert told.count() == 1
    assert acts.route_again(actor=ACTOR, order_ids=ids).done == ids  # a person decides

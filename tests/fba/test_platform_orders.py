"""Goods that the platform ships leave its warehouse in the books, each line once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from channels import canonical
from core import clock
from core.central import due, outbox
from core.permissions import system
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from inventory.models import Level, Move, Warehouse
from inventory.prove import prove
from inventory.services import opening
from orders.models import Order, OrderLine
from orders.services import platform
from tests.fba.conftest import sell
from tests.orders.conftest import T0, Shop, line, make_shop, order, take

ACTOR = system("test")
FBA: dict[str, Any] = {"fulfilment": canonical.PLATFORM}
SHIPPED: dict[str, Any] = FBA | {"status": canonical.SHIPPED}


def issue(*external_ids: str) -> list[int]:
    ids = list(Order.objects.filter(external_id__in=external_ids).values_list("pk", flat=True))
    with transaction.atomic():
        return platform.issue_shipped(order_ids=ids, actor=ACTOR)


def moved() -> list[tuple[str, int]]:
    return sorted(Move.objects.filter(source_kind=platform.SOURCE).values_list("sku__code", "quantity"))


def test_shipped_lines_leave_the_platforms_warehouse_once(shop: Shop) -> None:
    take(shop, order("A1", line("A1-1", "LAMP", 2), line("A1-2", "CUP", 3, cancelled=1), **SHIPPED))
    OrderLine.objects.filter(external_line_id="A1-2").update(units=12)  # four units in a sold piece
    place = platform.warehouse_of(account_id=shop.account.pk, actor=ACTOR)
    opening(actor=ACTOR, warehouse_id=place, lines=[(shop.skus["LAMP"].pk, 10, None)], key="o", effective_at=T0)
    assert issue("A1") == [Order.objects.get().pk]
    assert moved() == [("CUP", 8), ("LAMP", 2)]
    assert issue("A1") == [] and len(moved()) == 2
    move = Move.objects.get(source_kind=platform.SOURCE, sku__code="LAMP")
    assert (move.source_id, move.effective_at) == (Order.objects.get().pk, T0)
    assert Level.objects.get(location_id=move.from_location_id, sku__code="LAMP").quantity == 8
    warehouse = Warehouse.objects.get(account_ref=shop.account.pk)
    assert (warehouse.pk, warehouse.kind, warehouse.code) == (place, "platform", f"AMAZON-{shop.account.pk}")
    assert AuditEntry.objects.filter(code="order.issued_by_platform").count() == 1
    assert shop.stock("LAMP").sellable == 0  # ours was not touched
    assert not prove().differences


def test_only_what_really_left(shop: Shop) -> None:
    take(
        shop,
        order("PAID", line("p", "CUP"), **FBA),
        order("OURS", line("o", "CUP"), status=canonical.SHIPPED),
        order("GONE", line("g", "CUP"), **FBA | {"status": canonical.CANCELLED}),
        order("NOSKU", line("n", "NOSUCH"), line("n2", "CUP"), **SHIPPED),
        order(
            "PART",
            line("s", "CUP", 2, shipped=2),
            line("t", "LAMP", 2, shipped=1),
            **FBA | {"status": "partly_shipped"},
        ),
    )
    assert len(issue("PAID", "OURS", "GONE", "NOSKU", "PART")) == 2
    assert moved() == [("CUP", 1), ("CUP", 2)]
    OrderLine.objects.filter(external_line_id="n").update(sku=shop.skus["LAMP"])
    Order.objects.filter(external_id="PART").update(channel_status=canonical.SHIPPED)
    assert len(issue("NOSKU", "PART")) == 2
    assert moved() == [("CUP", 1), ("CUP", 2), ("LAMP", 1), ("LAMP", 2)]


def test_a_change_to_shipped_is_told_and_the_sweep_finds_the_rest(shop: Shop, acme: str) -> None:
    take(shop, order("A1", line("a", "CUP"), **FBA))
    written = take(
        shop, order("A1", line("a", "CUP", shipped=1), **SHIPPED | {"updated_at": T0 + timedelta(minutes=9)})
    )
    assert written.changed
    from core.events import emit

    with transaction.atomic():
        emit("orders.changed", {"account": shop.account.pk, "ids": written.changed})
    outbox.drain()
    assert moved() == [("CUP", 1)]
    recent = {"placed_at": clock.now() - timedelta(days=2), "updated_at": clock.now() - timedelta(days=1)}
    take(shop, *[order(f"B{n}", line(f"b{n}", "LAMP"), **SHIPPED | recent) for n in range(5)])
    old = sell(shop, "LAMP", 9, 80, **SHIPPED)
    due.schedule(acme, "orders.platform_sweep", "", 300, first_at=clock.now() - timedelta(seconds=5))
    while due.drain():
        pass
    assert moved() == [("CUP", 1)] + [("LAMP", 1)] * 5
    assert platform.sweep(actor=ACTOR) == 0
    assert len(issue(old)) == 1


def test_what_left_before_the_opening_stock_was_counted_is_left_alone(shop: Shop) -> None:
    platform.issue_from(actor=ACTOR, moment=T0)
    take(
        shop,
        order("OLD", line("a", "CUP"), **SHIPPED | {"updated_at": T0 - timedelta(seconds=1)}),
        order("NEW", line("b", "CUP", 3), **SHIPPED),
    )
    issue("OLD", "NEW")
    assert moved() == [("CUP", 3)]


def test_the_number_of_statements_is_the_same_for_one_and_for_fifty(shop: Shop) -> None:
    take(shop, *[order(f"A{n}", line(f"a{n}", "CUP"), **SHIPPED) for n in range(51)])
    platform.warehouse_of(account_id=shop.account.pk, actor=ACTOR)

    def statements(*external_ids: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert len(issue(*external_ids)) == len(external_ids)
        return len(seen)

    issue("A0")
    one = statements("A1")
    assert abs(statements(*[f"A{n}" for n in range(2, 51)]) - one) <= 1


def test_workers_at_once_post_each_line_once(committed_db: Any, acme: str) -> None:
    with tenant_context(acme):
        shop = make_shop(stock=0)
        recent = {"placed_at": clock.now() - timedelta(days=2), "updated_at": clock.now() - timedelta(days=1)}
        take(shop, *[order(f"A{n}", line(f"a{n}", "CUP"), **SHIPPED | recent) for n in range(20)])
    start, problems = threading.Barrier(4), []

    def work() -> None:
        try:
            with tenant_context(acme):
                start.wait()
                platform.sweep(actor=ACTOR)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with tenant_context(acme):
        assert moved() == [("CUP", 1)] * 20
        assert Warehouse.objects.filter(kind="platform").count() == 1

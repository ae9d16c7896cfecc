"""Postings: once only, in a fixed number of statements, append-only, refused where they must be."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core import bulk, clock
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor
from inventory import permissions, services
from inventory.models import Move, Reservation, Stock, Valuation
from inventory.prove import prove
from inventory.reservation import Want, WantedLine, reserve_many
from tests.inventory.conftest import AVERAGE, FIFO, Shop


def issues(shop: Shop, number: int, lines: int = 2) -> list[services.Issue]:
    return [
        services.Issue(
            f"issue:shipment:{n}",
            shop.warehouse,
            None,
            "shipment",
            n,
            [services.IssueLine(n * 10 + i, shop.skus[(n + i) % len(shop.skus)], 1) for i in range(lines)],
        )
        for n in range(number)
    ]


def statements(run) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        run()
    return [query["sql"] for query in captured.captured_queries]


def test_a_page_of_issues_takes_as_many_statements_as_one(shop: Shop, django_assert_max_num_queries) -> None:
    shop.receive(shop.skus[0], 1000, "1", 1)
    one, many = issues(shop, 1), issues(shop, 151)[1:]
    first = statements(lambda: services.issue_many(actor=shop.actor, issues=one))
    with django_assert_max_num_queries(len(first)):
        result = services.issue_many(actor=shop.actor, issues=many)
    assert len(first) <= 18
    assert len(result) == 150 and not any(issued.repeated for issued in result)
    assert Move.objects.filter(source_kind="shipment").count() == 302
    assert prove().differences == []


def test_the_same_page_again_gives_the_former_result(shop: Shop) -> None:
    shop.receive(shop.skus[0], 100, "1", 1)
    page = issues(shop, 20)
    first = services.issue_many(actor=shop.actor, issues=page)
    turned = [
        services.Issue(i.key, i.warehouse_id, i.effective_at, i.source_kind, i.source_id, list(i.lines)[::-1])
        for i in page
    ]
    again = services.issue_many(actor=shop.actor, issues=turned)
    assert [i.moves for i in again] == [i.moves for i in first]
    assert all(i.repeated for i in again)
    half = services.issue_many(actor=shop.actor, issues=page[:3] + [issues(shop, 30)[-1]])
    assert [i.repeated for i in half] == [True, True, True, False]
    assert prove().differences == []


def test_a_key_with_other_content_is_refused(shop: Shop) -> None:
    services.receive(actor=shop.actor, warehouse_id=shop.warehouse, lines=[(shop.skus[0], 5, D(1))], key="po:1")
    again = services.receive(actor=shop.actor, warehouse_id=shop.warehouse, lines=[(shop.skus[0], 5, D(1))], key="po:1")
    assert again.repeated
    with pytest.raises(BusinessError) as refused:
        services.receive(actor=shop.actor, warehouse_id=shop.warehouse, lines=[(shop.skus[0], 6, D(1))], key="po:1")
    assert refused.value.code == "ledger.key_reused"
    assert Move.objects.count() == 1


def test_issues_use_up_reservations_whole_and_in_part(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 10, "1", 1)
    reserve_many([Want(1, (shop.warehouse,), (WantedLine(71, sku, 4), WantedLine(72, sku, 3)))])
    lines = [services.IssueLine(1, sku, 4, "order_line", 71), services.IssueLine(2, sku, 1, "order_line", 72)]
    issue = services.Issue("issue:shipment:1", shop.warehouse, None, "shipment", 1, lines)
    services.issue_many(actor=shop.actor, issues=[issue])
    assert Reservation.objects.get(owner_id=71).closed_as == Reservation.ISSUED
    rest = Reservation.objects.get(owner_id=72)
    assert (rest.quantity, rest.closed_at) == (2, None)
    stock = Stock.objects.get()
    assert (stock.sellable, stock.reserved) == (5, 2)
    services.issue_many(actor=shop.actor, issues=[issue])
    assert Stock.objects.get().reserved == 2
    assert prove().differences == []


def test_what_is_not_there_or_promised_is_not_taken_away(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 5, "1", 1)
    reserve_many([Want(1, (shop.warehouse,), (WantedLine(71, sku, 4),))])
    act = {"actor": shop.actor, "warehouse_id": shop.warehouse, "reason": "broken"}
    with pytest.raises(BusinessError) as refused:
        services.freeze(lines=[(sku, 2)], key="f:1", **act)
    assert refused.value.code == "ledger.reserved"
    with pytest.raises(BusinessError) as refused:
        services.adjust(lines=[(sku, -6)], key="a:1", **act)
    assert refused.value.code == "ledger.not_there"
    services.freeze(lines=[(sku, 2)], key="f:1", force=True, **act)
    services.unfreeze(lines=[(sku, 1)], key="u:1", **act)
    services.adjust(lines=[(sku, -1), (sku, 3, None, "", None, True)], key="a:2", force=True, **act)
    assert Stock.objects.get().sellable == 6
    assert shop.stock_value(sku, AVERAGE) == (7, 0, D(7))
    assert prove().differences == []


def test_more_than_was_issued_cannot_come_back(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 5, "1", 1)
    sold = shop.issue(sku, 3, 2)
    shop.back(sku, 2, sold, 3)
    for wrong, code in (
        ((sku, 2, sold), "too_many"),
        ((shop.skus[1], 1, sold), "unknown"),
        ((sku, 1, 10**9), "unknown"),
    ):
        with pytest.raises(BusinessError) as refused:
            services.return_goods(actor=shop.actor, warehouse_id=shop.warehouse, lines=[wrong], key=shop.key())
        assert refused.value.code == f"ledger.return_{code}"
    assert prove().differences == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ((0, 1, D(1)), "sku.unknown"),
        ((None, 0, D(1)), "ledger.bad_quantity"),
        ((None, -2, D(1)), "ledger.bad_quantity"),
        ((None, 1, D(-1)), "cost.negative"),
        ((None, 1, D(1), "XXX"), "cost.unknown_currency"),
        ((None, 1, D(1), "USD"), "cost.rate_missing"),
    ],
)
def test_bad_receipts_are_refused_by_name(shop: Shop, line: tuple, code: str) -> None:
    line = (shop.skus[0] if line[0] is None else line[0], *line[1:])
    with pytest.raises(BusinessError) as refused:
        services.receive(actor=shop.actor, warehouse_id=shop.warehouse, lines=[line], key="po:1")
    assert refused.value.code == code
    assert Move.objects.count() == 0


def test_a_cost_in_another_currency_keeps_original_and_rate(shop: Shop) -> None:
    line = (shop.skus[0], 3, D("10.01"), "USD", D("7.1234567891"))
    services.receive(actor=shop.actor, warehouse_id=shop.warehouse, lines=[line], key="po:1")
    entry = Valuation.objects.filter(method=FIFO).get()
    assert (entry.original_amount, entry.original_currency, entry.rate) == (D("30.03"), "USD", D("7.1234567891"))
    assert entry.amount == D("213.9174")
    assert prove().differences == []


@pytest.mark.parametrize("table", ["inventory_move", "inventory_valuation", "inventory_cost"])
def test_the_ledger_is_only_added_to(shop: Shop, table: str) -> None:
    shop.receive(shop.skus[0], 1, "1", 1)
    bulk.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE is refused for another reason
    for statement in (f"UPDATE {table} SET actor_label = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DatabaseError, match="only added"), transaction.atomic():
            bulk.execute(statement)


def test_a_closed_period_takes_no_value_and_needs_a_permission(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sku = shop.skus[0]
    january = shop.receive(sku, 10, "5", 1)
    shop.issue(sku, 4, 24 * 40)
    services.close_period(actor=shop.actor, period=date(2026, 1, 20))
    clerk = Actor("user", 7, "Li", operations=frozenset({permissions.EDIT_COST}))
    with pytest.raises(NotAllowed):
        services.late_cost(actor=clerk, costs=[(january, D("70"))])
    services.late_cost(actor=shop.actor, costs=[(january, D("70"))])
    late = Valuation.objects.filter(kind="late_cost", method=AVERAGE).get()
    assert late.period == date(2026, 2, 1) and late.origin_id == january
    assert late.attrs == {"belongs_to": "2026-01-01"} and late.amount == D("20")
    assert Valuation.objects.filter(kind="difference", method=AVERAGE).get().period == date(2026, 2, 1)
    with pytest.raises(BusinessError):
        services.close_period(actor=shop.actor, period=clock.now().date())
    assert prove().differences == []


def test_scope_and_permission_guard_every_act(shop: Shop) -> None:
    everything = frozenset({permissions.RECEIVE, permissions.ISSUE})
    elsewhere = Actor("user", 7, "Li", operations=everything, warehouses=frozenset({shop.warehouse + 1}))
    nobody = Actor("user", 8, "Wu")
    for actor in (elsewhere, nobody):
        with pytest.raises(NotAllowed):
            services.receive(actor=actor, warehouse_id=shop.warehouse, lines=[(shop.skus[0], 1, D(1))], key="po:1")
        with pytest.raises(NotAllowed):
            services.issue_many(actor=actor, issues=issues(shop, 1))
    assert Move.objects.count() == 0


def test_a_back_dated_move_reads_and_writes_only_what_follows(shop: Shop) -> None:
    sku = shop.skus[0]
    for n in range(6):
        shop.receive(sku, 10, f"{n + 1}.01", n * 10)
        shop.issue(sku, 7, n * 10 + 5)
    before = Valuation.objects.count()
    sql = statements(lambda: shop.issue(sku, 1, 52))
    assert not any("DISTINCT ON (c.move_id)" in statement for statement in sql)  # the whole history was not read
    moves = list(Valuation.objects.filter(pk__gt=0).order_by("-pk")[: Valuation.objects.count() - before])
    assert {entry.move.effective_at for entry in moves} <= {shop.at(52), shop.at(55)}
    assert prove().differences == []


def test_acts_of_this_moment_are_posted_in_effective_order(shop: Shop) -> None:
    """A worker whose clock is a little behind does not make a back-dated move."""
    sku = shop.skus[0]
    ahead = clock.now() + timedelta(minutes=2)
    services.receive(
        actor=shop.actor, warehouse_id=shop.warehouse, lines=[(sku, 9, D(1))], key="po:1", effective_at=ahead
    )
    issue = services.Issue("issue:1", shop.warehouse, None, "shipment", 1, [(1, sku, 2)])
    (issued,) = services.issue_many(actor=shop.actor, issues=[issue])
    assert Move.objects.get(pk=issued.moves[0]).effective_at == ahead
    assert prove().differences == []


def test_playing_everything_again_changes_nothing_and_mends_what_was_lost(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 10, "5", 1)
    shop.issue(sku, 4, 3)
    shop.receive(sku, 10, "8", 2)
    assert services.revalue_all(actor=shop.actor) == 0
    bulk.execute("SET CONSTRAINTS ALL IMMEDIATE")
    bulk.execute("SET LOCAL session_replication_role = replica")
    bulk.execute("DELETE FROM inventory_valuation WHERE id = (SELECT max(id) FROM inventory_valuation)")
    bulk.execute("SET LOCAL session_replication_role = DEFAULT")
    assert prove().differences
    assert services.revalue_all(actor=shop.actor) == 1
    assert prove().differences == []

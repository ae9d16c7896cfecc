"""The worked examples 14–18 of the reference, to the cent, and what must hold around them."""

from __future__ import annotations

from decimal import Decimal as D

from inventory import services
from inventory.prove import prove
from tests.inventory.conftest import AVERAGE, FIFO, Shop


def clean() -> None:
    assert prove().differences == []


def test_example_14_fifo_and_average_side_by_side(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 10, "50", 1)
    shop.receive(sku, 10, "30", 2)
    sold = shop.issue(sku, 12, 3)
    assert shop.worth(sold, FIFO) == (-12, 0, D("-560"))
    assert shop.stock_value(sku, FIFO) == (8, 0, D("240"))
    assert shop.worth(sold, AVERAGE) == (-12, 0, D("-480"))
    assert shop.stock_value(sku, AVERAGE) == (8, 0, D("320"))
    clean()


def test_example_15_the_last_unit_takes_what_is_left(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 2, "1.00", 1)
    shop.receive(sku, 1, "1.01", 2)
    sold = [shop.issue(sku, 1, 3 + n) for n in range(3)]
    for method in (FIFO, AVERAGE):
        assert sum(shop.worth(move, method)[2] for move in sold) == D("-3.01")
        assert shop.stock_value(sku, method) == (0, 0, D("0"))
    clean()


def test_example_16_sold_from_nothing_then_received(shop: Shop) -> None:
    sku = shop.skus[0]
    sold = shop.issue(sku, 2, 1)
    assert shop.worth(sold, AVERAGE) == (-2, -2, D("0"))  # open, not 0
    shop.receive(sku, 20, "3.30", 2)
    for method in (FIFO, AVERAGE):
        assert shop.worth(sold, method) == (-2, 0, D("-6.60"))
        assert shop.stock_value(sku, method) == (18, 0, D("59.40"))
    clean()


def test_example_17_fifo_batches(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 10, "50", 1)
    shop.receive(sku, 10, "30", 2)
    sold = [shop.issue(sku, 10, 3), shop.issue(sku, 10, 4)]
    assert [shop.worth(move, FIFO)[2] for move in sold] == [D("-500"), D("-300")]
    assert shop.stock_value(sku, FIFO) == (0, 0, D("0"))
    clean()


def test_example_18_a_bill_corrects_a_wild_cost(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 100, "5", 1)
    wild = shop.receive(sku, 15, "2000", 2)
    sold = shop.issue(sku, 10, 3)
    services.late_cost(actor=shop.actor, costs=[(wild, D("75"))], reason="bill")
    assert shop.stock_value(sku, AVERAGE) == (105, 0, D("525.00"))
    assert shop.worth(sold, AVERAGE) == (-10, 0, D("-50"))
    assert shop.stock_value(sku, FIFO) == (105, 0, D("525.00"))
    clean()


def test_an_unknown_cost_is_open_until_it_is_told(shop: Shop) -> None:
    sku = shop.skus[0]
    unknown = shop.receive(sku, 10, None, 1)
    sold = shop.issue(sku, 4, 2)
    for method in (FIFO, AVERAGE):
        assert shop.stock_value(sku, method) == (6, 6, D("0"))
        assert shop.worth(sold, method) == (-4, -4, D("0"))
    clean()
    assert services.late_cost(actor=shop.actor, costs=[(unknown, D("100"))]) > 0
    for method in (FIFO, AVERAGE):
        assert shop.stock_value(sku, method) == (6, 0, D("60"))
        assert shop.worth(sold, method) == (-4, 0, D("-40"))
    assert services.late_cost(actor=shop.actor, costs=[(unknown, D("100"))]) == 0  # told already
    clean()


def test_back_dated_receipt_revalues_only_what_follows(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 10, "10", 1)
    before = shop.issue(sku, 5, 2)
    after = shop.issue(sku, 5, 10)
    shop.receive(sku, 5, "20", 5)
    assert shop.worth(before, AVERAGE)[2] == D("-50")
    assert shop.worth(after, AVERAGE)[2] == D("-75")
    assert shop.worth(after, FIFO)[2] == D("-50")
    assert shop.stock_value(sku, FIFO) == (5, 0, D("100"))
    assert shop.stock_value(sku, AVERAGE) == (5, 0, D("75"))
    clean()


def test_return_at_the_cost_it_left_with(shop: Shop) -> None:
    sku = shop.skus[0]
    shop.receive(sku, 10, "50", 1)
    sold = shop.issue(sku, 3, 2)
    shop.receive(sku, 10, "80", 3)
    back = shop.back(sku, 2, sold, 4)
    for method in (FIFO, AVERAGE):
        assert shop.worth(back, method) == (2, 0, D("100"))
    clean()


def test_return_of_what_was_short_is_worth_what_the_rest_is(shop: Shop) -> None:
    sku = shop.skus[0]
    sold = shop.issue(sku, 3, 1)
    back = shop.back(sku, 2, sold, 2)
    clean()
    shop.receive(sku, 10, "4", 3)
    for method in (FIFO, AVERAGE):
        assert shop.worth(sold, method) == (-3, 0, D("-12"))
        assert shop.worth(back, method) == (2, 0, D("8"))
        assert shop.stock_value(sku, method) == (9, 0, D("36"))
    clean()


def test_transfer_between_pools_carries_the_cost_also_when_it_comes_late(shop: Shop) -> None:
    sku = shop.skus[0]
    far = services.create_warehouse(actor=shop.actor, code="LA", name="Los Angeles", pool_ref="us").pk
    received = shop.receive(sku, 10, "5", 1)
    services.transfer(
        actor=shop.actor,
        from_warehouse_id=shop.warehouse,
        to_warehouse_id=far,
        lines=[(sku, 4)],
        key=shop.key(),
        effective_at=shop.at(2),
        into="stock",
    )
    sold = shop.issue(sku, 1, 3, warehouse=far)
    for method in (FIFO, AVERAGE):
        assert shop.stock_value(sku, method, "us") == (3, 0, D("15"))
    clean()
    services.late_cost(actor=shop.actor, costs=[(received, D("70"))])
    for method in (FIFO, AVERAGE):
        assert shop.stock_value(sku, method, "us") == (3, 0, D("21"))
        assert shop.worth(sold, method)[2] == D("-7")
    clean()

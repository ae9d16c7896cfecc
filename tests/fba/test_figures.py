"""What a run is computed from: sales by the tenant's day, days without stock, the platform's parts."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from channels import canonical
from channels.models import Listing
from fba import figures
from fba.figures import LENGTHS, LONGEST, Sold
from inventory.demand import windows
from inventory.models import DailyStock, Product, Sku, Stock, Warehouse
from orders.models import Order
from tests.fba.conftest import CA, US, ZONE, at_platform, evening, moment, platform_warehouse, sell, today
from tests.orders.conftest import Shop

FBA = {"fulfilment": canonical.PLATFORM, "status": canonical.SHIPPED}


def read(shop: Shop, *codes: str) -> figures.Figures:
    ids = [shop.skus[code].pk for code in codes or shop.skus]
    return figures.load(ids, today(), ZONE)


def test_days_are_the_tenants(shop: Shop) -> None:
    sell(shop, "CUP", 1, 7, hour=0)  # its first minute is the day before in UTC
    sell(shop, "CUP", 2, 8, hour=23)
    sell(shop, "CUP", 4, 0, hour=0)  # today is not over
    sell(shop, "CUP", 8, 90, hour=0)
    sell(shop, "CUP", 16, 91, hour=23)
    found = read(shop).own_sold[shop.skus["CUP"].pk, shop.warehouse.pk]
    assert found.units == [1, 3, 11] and found.first == today() - timedelta(days=90)


def test_only_what_was_really_sold_counts(shop: Shop) -> None:
    cup = shop.skus["CUP"].pk
    sell(shop, "CUP", 3, 1, status=canonical.CANCELLED)
    sell(shop, "CUP", 3, 1, status=canonical.PENDING, paid_at=None)
    external = sell(shop, "CUP", 5, 1)
    Order.objects.get(external_id=external).lines.update(cancelled=2, units=10)  # two units in one sold piece
    assert read(shop).own_sold[cup, shop.warehouse.pk].units == [6, 6, 6]


def test_platform_sales_go_to_their_marketplace(shop: Shop) -> None:
    at_platform(shop, "CUP", US, fulfillable=10)
    at_platform(shop, "CUP", CA, fulfillable=1)
    sell(shop, "CUP", 1, 3, country="US", **FBA)
    sell(shop, "CUP", 2, 3, country="CA", **FBA)
    sell(shop, "CUP", 4, 3, country="JP", **FBA)
    sell(shop, "CUP", 8, 3)
    found, cup, account = read(shop), shop.skus["CUP"].pk, shop.account.pk
    sold = {key: value.units[0] for key, value in found.platform_sold.items()}
    assert sold[cup, account, US] == 1
    assert sold[cup, account, CA] == 6  # Japan is neither: it counts for the first one
    assert found.own_sold[cup, shop.warehouse.pk].units[0] == 8


def test_parts_are_in_units_of_the_sku(shop: Shop) -> None:
    Listing.objects.create(account=shop.account, seller_sku="CUP", sku=shop.skus["CUP"], units=3, seen_at=moment(0))
    at_platform(shop, "CUP", fulfillable=10, inbound_shipped=2, reserved_customer=1, unfulfillable=4)
    found = read(shop).parts[shop.skus["CUP"].pk, shop.account.pk, US]
    assert found == {"available": 30, "inbound_shipped": 6, "customer_reserve": 3, "unfulfillable": 12}


def test_free_stock_is_what_is_not_reserved_and_never_the_platforms(shop: Shop) -> None:
    cup = shop.skus["CUP"]
    Stock.objects.filter(sku=cup).update(sellable=9, reserved=4)
    Stock.objects.create(warehouse=platform_warehouse(shop), sku=cup, sellable=100)
    assert read(shop).free == {(shop.skus[code].pk, shop.warehouse.pk): 5 if code == "CUP" else 0 for code in shop.skus}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("by_platform", [False, True])
def test_windows_are_those_of_the_daily_series(shop: Shop, seed: int, by_platform: bool) -> None:
    """Random histories: what SQL counts is what ``inventory.demand.windows`` counts over the days."""
    rng, cup = random.Random(seed), shop.skus["CUP"]
    place = platform_warehouse(shop) if by_platform else shop.warehouse
    at_platform(shop, "CUP", fulfillable=1)
    begin = rng.choice([100, 90, 60, 12, 3])
    sold, stocked = [0] * LONGEST, [False] * LONGEST
    for ago in range(1, LONGEST + 10):
        kind = rng.random()
        if ago <= begin and kind < 0.75:  # an evening that nobody wrote down had stock
            sellable = rng.choice([0, 0, 5])
            evening(place, cup, ago, sellable)
            if ago <= LONGEST:
                stocked[LONGEST - ago] = sellable > 0
        elif ago <= LONGEST:
            stocked[LONGEST - ago] = ago <= begin
        if ago <= begin and rng.random() < 0.1:
            sell(shop, "CUP", ago % 5 + 1, ago, **(FBA if by_platform else {}))
            if ago <= LONGEST:
                sold[LONGEST - ago] += ago % 5 + 1
    found = read(shop, "CUP")
    shelf = found.shelves.get((cup.pk, -shop.account.pk if by_platform else place.pk))
    have = (
        found.platform_sold.get((cup.pk, shop.account.pk, US))
        if by_platform
        else found.own_sold.get((cup.pk, place.pk))
    )
    firsts = [day for day in range(LONGEST) if sold[day] or (stocked[day] and _written(place, cup, LONGEST - day))]
    if not firsts:
        assert have is None and shelf is None
        return
    first = firsts[0]
    expected = windows(sold[first:], stocked[first:], LENGTHS)
    assert found.windows(have or Sold(), shelf) == expected


def _written(place: Warehouse, sku: Sku, ago: int) -> bool:
    return DailyStock.objects.filter(
        warehouse=place, sku=sku, day=today() - timedelta(days=ago), sellable__gt=0
    ).exists()


def test_batches_never_cut_a_product(shop: Shop) -> None:
    made = Product.objects.create(code="P", title="P", created_at=moment(1))
    Sku.objects.filter(code__in=("LAMP", "CUP")).update(product=made)
    first = figures.next_skus((-1, 0), 2)
    assert [sku for _, sku in first] == [shop.skus["CABLE"].pk, shop.skus["LAMP"].pk, shop.skus["CUP"].pk]
    assert figures.next_skus(first[-1], 2) == []
    assert len(figures.next_skus((-1, 0), 1)) == 1
    Sku.objects.filter(code="CABLE").update(state="discontinued")
    assert len(figures.next_skus((-1, 0), 5)) == 2

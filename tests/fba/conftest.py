"""A tenant with a shop, FBA stock, sales history and evening stocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channels import canonical
from channels.models import PlatformStock
from core import clock
from core.tenancy import tenant_context
from inventory.models import DailyStock, Warehouse
from tests.orders.conftest import Shop, line, make_shop, order, take

ZONE = "Asia/Shanghai"  # of the tests' tenants
US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"


@pytest.fixture
def shop(db: None, acme: str) -> Iterator[Shop]:
    with tenant_context(acme):
        yield make_shop(stock=0)


def today() -> date:
    return clock.day_in(ZONE)


def moment(days_ago: int, hour: int = 12) -> datetime:
    """That hour of a day in the tenant's zone."""
    return datetime.combine(today() - timedelta(days=days_ago), time(hour), ZoneInfo(ZONE))


_n = iter(range(1, 10**9))


def sell(
    shop: Shop, code: str, quantity: int, days_ago: int, *, hour: int = 12, country: str = "US", **more: Any
) -> str:
    """An order of one line; ``fulfilment="platform"`` for FBA. Returns its external id."""
    number = next(_n)
    at = moment(days_ago, hour)
    values = {"placed_at": at, "paid_at": at, "updated_at": at} | more
    made = order(f"T{number}", line(f"T{number}-1", code, quantity), **values)
    take(shop, canonical_at(made, country))
    return f"T{number}"


def canonical_at(made: canonical.Order, country: str) -> canonical.Order:
    return replace(made, receiver=made.receiver.with_(country=country))


def at_platform(shop: Shop, code: str, marketplace: str = US, **counts: int) -> PlatformStock:
    return PlatformStock.objects.create(
        account=shop.account,
        marketplace=marketplace,
        seller_sku=code,
        sku=shop.skus[code],
        seen_at=clock.now(),
        **counts,
    )


def platform_warehouse(shop: Shop) -> Warehouse:
    made, _ = Warehouse.objects.get_or_create(
        code="FBA", defaults={"name": "FBA", "kind": Warehouse.PLATFORM, "account_ref": shop.account.pk}
    )
    return made


def evening(warehouse: Warehouse, sku: Any, days_ago: int, sellable: int) -> None:
    DailyStock.objects.create(
        day=today() - timedelta(days=days_ago), zone=ZONE, warehouse=warehouse, sku=sku, sellable=sellable
    )

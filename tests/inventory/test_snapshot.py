"""A day ends when the warehouse's day ends, also when the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from core import clock
from inventory import services
from inventory.models import DailyStock
from inventory.services.snapshot import snapshot_days
from tests.inventory.conftest import Shop


def days(warehouse: int) -> dict[date, int]:
    return dict(DailyStock.objects.filter(warehouse=warehouse).values_list("day", "sellable"))


def test_days_are_the_warehouses_own(shop: Shop) -> None:
    far = services.create_warehouse(actor=shop.actor, code="LA", name="LA", timezone="America/Los_Angeles").pk
    sku = shop.skus[0]

    def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, month, day, hour, minute, tzinfo=UTC)

    def post(key: str, units: int, when: datetime) -> None:
        line = services.AdjustLine(sku, units)
        services.adjust(
            actor=shop.actor, warehouse_id=far, lines=[line], key=key, reason="count", effective_at=when, force=True
        )

    post("a", 10, at(3, 7, 12))
    post("b", -4, at(3, 8, 7, 59))  # 23:59 on the 7th, an hour before the clocks change
    post("c", -6, at(3, 9, 6, 59))  # 23:59 on the 8th, in summer time now
    post("d", 2, at(3, 9, 7, 1))  # 00:01 on the 9th
    assert snapshot_days(first=date(2026, 3, 1), last=date(2026, 3, 10)) == 4
    assert days(far) == {date(2026, 3, 7): 6, date(2026, 3, 8): 0, date(2026, 3, 9): 2, date(2026, 3, 10): 2}
    assert snapshot_days(first=date(2026, 3, 1), last=date(2026, 3, 10)) == 0
    post("e", 1, at(3, 9, 12))
    assert snapshot_days(first=date(2026, 3, 9), last=date(2026, 3, 10)) == 2
    assert days(far)[date(2026, 3, 10)] == 3 and days(far)[date(2026, 3, 8)] == 0


def test_today_is_not_over(shop: Shop) -> None:
    shop.receive(shop.skus[0], 5, "1", 1)
    today = clock.day_in("Asia/Shanghai")
    assert snapshot_days(first=today - timedelta(days=2), last=today) == 2
    assert days(shop.warehouse) == {today - timedelta(days=2): 5, today - timedelta(days=1): 5}

"""A small shop inside a tenant: one warehouse, some SKUs, an actor who may do everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from core import bulk
from core.permissions import Actor, system
from core.tenancy import tenant_context
from inventory import services
from inventory.models import Valuation

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
D = Decimal


@dataclass
class Shop:
    actor: Actor
    warehouse: int
    skus: list[int]
    keys: count = field(default_factory=count)

    def key(self) -> str:
        return f"test:{next(self.keys)}"

    def at(self, hours: float) -> datetime:
        return START + timedelta(hours=hours)

    def receive(self, sku: int, units: int, unit_cost: str | None, hour: float, warehouse: int | None = None) -> int:
        cost = None if unit_cost is None else D(unit_cost)
        posted = services.receive(
            actor=self.actor,
            warehouse_id=warehouse or self.warehouse,
            lines=[(sku, units, cost)],
            key=self.key(),
            effective_at=self.at(hour),
        )
        return posted.moves[0]

    def issue(self, sku: int, units: int, hour: float, warehouse: int | None = None) -> int:
        issue = services.Issue(
            self.key(), warehouse or self.warehouse, self.at(hour), "shipment", None, [(None, sku, units)]
        )
        return services.issue_many(actor=self.actor, issues=[issue])[0].moves[0]

    def back(self, sku: int, units: int, issue: int, hour: float, warehouse: int | None = None) -> int:
        posted = services.return_goods(
            actor=self.actor,
            warehouse_id=warehouse or self.warehouse,
            lines=[(sku, units, issue)],
            key=self.key(),
            effective_at=self.at(hour),
        )
        return posted.moves[0]

    def worth(self, move: int, method: str) -> tuple[int, int, Decimal]:
        """(units, open units, value) of a move, over all its entries and pools."""
        row = bulk.fetch(
            "SELECT coalesce(sum(quantity), 0), coalesce(sum(unvalued), 0), coalesce(sum(amount), 0)"
            " FROM inventory_valuation WHERE move_id = %s AND method = %s",
            [move, method],
        )[0]
        return int(row[0]), int(row[1]), row[2]

    def stock_value(self, sku: int, method: str, pool: str = "") -> tuple[int, int, Decimal]:
        rows = bulk.fetch(
            "SELECT quantity, unvalued, value FROM inventory_poolstate WHERE sku_id = %s AND method = %s AND pool = %s",
            [sku, method, pool],
        )
        return rows[0] if rows else (0, 0, D(0))


FIFO, AVERAGE = Valuation.METHODS


def build(schema: str, skus: int = 3) -> Shop:
    actor = system("test")
    warehouse = services.create_warehouse(actor=actor, code="SZ", name="Shenzhen")
    made = [services.create_sku(actor=actor, code=f"SKU-{n}", title=f"Thing {n}").pk for n in range(skus)]
    return Shop(actor, warehouse.pk, made)


@pytest.fixture
def shop(db: None, acme: str) -> Iterator[Shop]:
    """Rolled back after the test."""
    with tenant_context(acme):
        yield build(acme)

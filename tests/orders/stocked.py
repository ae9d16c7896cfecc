"""As the shop of conftest, with a ledger behind its stock: goods can leave it."""

from __future__ import annotations

from decimal import Decimal

from inventory.models import Stock
from inventory.services import create_warehouse, movements
from tests.orders.conftest import ACTOR, Shop, make_shop


def stocked(units: int = 100) -> Shop:
    """Warehouse SZ with ``units`` of each SKU, LAMP at 4.00 and CABLE at 2.50 of the base currency, CUP's cost unknown."""
    shop = make_shop()
    Stock.objects.all().delete()
    shop.warehouse.delete()
    shop.warehouse = create_warehouse(actor=ACTOR, code="SZ", name="SZ main", country="CN", timezone="Asia/Shanghai")
    costs = {"LAMP": Decimal("4.00"), "CABLE": Decimal("2.50"), "CUP": None}
    movements.opening(
        actor=ACTOR,
        warehouse_id=shop.warehouse.pk,
        lines=[movements.ReceiptLine(sku.pk, units, costs[code]) for code, sku in shop.skus.items()],
        key="opening",
    )
    return shop

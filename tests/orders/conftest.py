"""A seller with one account, one warehouse, stock, a service and a rule set; orders made in canonical form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from channels import canonical
from channels.models import Account
from core import clock
from core.permissions import system
from core.tenancy import tenant_context
from core.values import Address
from inventory.codes import code_key
from inventory.models import Sku, Stock, Warehouse
from logistics.models import CarrierAccount, Service
from orders import incoming
from orders.services import pages, rules
from orders.services.pages import Incoming

ACTOR = system("test")
T0 = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
ANY_COUNTRY = {"all": []}


@dataclass
class Shop:
    account: Account
    warehouse: Warehouse
    service: Service
    skus: dict[str, Sku]

    def stock(self, code: str, warehouse: Warehouse | None = None) -> Stock:
        return Stock.objects.get(sku=self.skus[code], warehouse=warehouse or self.warehouse)


def make_shop(stock: int = 100) -> Shop:
    now = clock.now()
    account = Account.objects.create(platform="amazon", name="store-1", external_id="S1", created_at=now)
    warehouse = Warehouse.objects.create(code="SZ", name="SZ main")
    carrier = CarrierAccount.objects.create(carrier="yunexpress", name="Yun", created_at=now)
    service = Service.objects.create(
        carrier_account=carrier, code="THPHR", key="yun-std", name="Yun Standard", battery=True
    )
    skus = {}
    for code in ("LAMP", "CABLE", "CUP"):
        skus[code] = Sku.objects.create(
            code=code, code_key=code_key(code), title=code.title(), weight_g=200, created_at=now, updated_at=now
        )
        Stock.objects.create(warehouse=warehouse, sku=skus[code], sellable=stock)
    rules.publish(
        actor=ACTOR,
        rules=[
            {"id": "1", "name": "All", "conditions": ANY_COUNTRY, "actions": [{"do": "service", "value": "yun-std"}]}
        ],
    )
    return Shop(account, warehouse, service, skus)


def line(external: str, sku: str = "LAMP", quantity: int = 1, price: str = "10.00", **more: Any) -> canonical.Line:
    return canonical.Line(external, sku, sku.title(), quantity, Decimal(price), Decimal(price) * quantity, **more)


def order(external: str, *lines: canonical.Line, **changes: Any) -> canonical.Order:
    goods = lines or (line(f"{external}-1"),)
    total = sum((item.line_total for item in goods), Decimal(0))
    base = canonical.Order(
        external_id=external,
        status=canonical.PAID,
        raw_status="UNSHIPPED",
        updated_at=T0,
        placed_at=T0 - timedelta(hours=1),
        paid_at=T0 - timedelta(minutes=50),
        currency="EUR",
        lines=goods,
        items_total=total,
        shipping_total=Decimal(0),
        tax_total=Decimal(0),
        discount_total=Decimal(0),
        grand_total=total,
        buyer=canonical.Buyer("buyer-1", "h_weiss88", "x1@relay.example"),
        receiver=Address("Hannah Weiss", "", ("Bergstr. 12",), "Berlin", "", "", "10999", "DE", "+49 30 1234573"),
    )
    return replace(base, **changes)


def take(shop: Shop, *orders: canonical.Order) -> pages.Written:
    """Ingest canonical orders as one page (raw id 0: the raw inbox is not part of these tests)."""
    page = []
    for item in orders:
        incoming.check(item)
        page.append(Incoming(0, item, incoming.row_of(item)))
    return pages.write_page(account_id=shop.account.pk, platform="amazon", page=page, actor=ACTOR)


@pytest.fixture
def shop(db: None, acme: str) -> Iterator[Shop]:
    with tenant_context(acme):
        yield make_shop()

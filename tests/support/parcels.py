"""A shop that books parcels at the simulated carrier: warehouse with stock, SKUs ready for customs, services, orders."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from channels.models import Account
from core import bulk, clock
from core.central import outbox
from core.permissions import system
from inventory import services as stock
from inventory.models import Sku, Warehouse
from logistics.models import CarrierAccount, Service, Shipment
from logistics.services import accounts
from orders.models import Order
from orders.services import booking, rules
from orders.services.release import release
from tests.orders.conftest import ANY_COUNTRY, Shop, line, order, take

ACTOR = system("test")
SENDER = {
    "name": "Sampan Depot",
    "lines": ["Bantian 5"],
    "city": "Shenzhen",
    "region": "Guangdong",
    "postcode": "518129",
    "country": "CN",
    "phone": "0755 1234567",
}
SKUS = {"LAMP": 200, "CABLE": 80, "CUP": 300}


@dataclass
class Carrier:
    """The carrier's side, over the control interface."""

    base: str
    account: str
    http: httpx.Client = field(repr=False)

    def control(self, path: str, body: Any = None, **params: Any) -> Any:
        url = f"/_control/yunexpress/accounts{path}"
        answer = self.http.get(url, params=params) if body is None else self.http.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def shipments(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control(f"/{self.account}/shipments", **params)["shipments"]
        return found

    def by_reference(self) -> dict[str, dict[str, Any]]:
        return {found["reference"]: found for found in self.shipments()}

    def script(self, kind: str, op: str = "create", times: int = 1) -> None:
        rule = {"kind": kind, "op": op, "account": self.account, "times": times}
        assert self.http.post("/_control/faults", json={"script": [rule]}).status_code == 200

    def advance(self, waybill: str, body: dict[str, Any]) -> Any:
        return self.control(f"/{self.account}/shipments/{waybill}/advance", body)


def open_carrier(base: str, **more: Any) -> Carrier:
    account = f"y-{uuid.uuid4().hex[:10]}"
    carrier = Carrier(base, account, httpx.Client(base_url=base, timeout=20))
    secret = f"secret-of-{account}"
    carrier.control("", {"account_id": account, "app_id": f"app-{account}", "app_secret": secret, **more})
    return carrier


def connect(carrier: Carrier, **settings: Any) -> CarrierAccount:
    return accounts.connect_carrier(
        actor=ACTOR,
        carrier="yunexpress",
        name="Yun",
        credentials={"app_id": f"app-{carrier.account}", "app_secret": f"secret-of-{carrier.account}"},
        settings={"base_url": f"{carrier.base}/yunexpress", **settings},
    )


def open_shop(account: CarrierAccount, units: int = 1000, **service: Any) -> Shop:
    """One channel account, one warehouse with stock, one service of the carrier account, rules that choose it."""
    now = clock.now()
    channel = Account.objects.create(
        platform="amazon",
        name="store-1",
        external_id=uuid.uuid4().hex,
        health=Account.PAUSED,  # confirmations are asked for, but not sent
        created_at=now,
    )
    warehouse: Warehouse = stock.create_warehouse(actor=ACTOR, code="SZ", name="SZ main", sender=SENDER)
    skus: dict[str, Sku] = {
        code: stock.create_sku(
            actor=ACTOR,
            code=code,
            title=code.title(),
            weight_g=grams,
            customs_name_en=f"{code} item",
            customs_name_zh="商品",
        )
        for code, grams in SKUS.items()
    }
    stock.receive(
        actor=ACTOR,
        warehouse_id=warehouse.pk,
        lines=[(sku.pk, units, Decimal("2.50"), "CNY") for sku in skus.values()],
        key="test:receipt",
    )
    fields = {"code": "BKPHR", "key": "yun-std", "name": "Yun Standard", "battery": True} | service
    made: Service = accounts.save_service(actor=ACTOR, account_id=account.pk, **fields)
    rules.publish(
        actor=ACTOR,
        rules=[
            {"id": "1", "name": "All", "conditions": ANY_COUNTRY, "actions": [{"do": "service", "value": made.key}]}
        ],
    )
    return Shop(channel, warehouse, made, skus)


def ready_orders(shop: Shop, count: int = 1, prefix: str = "O", **changes: Any) -> list[int]:
    """Orders of one lamp and two cables each, routed and reserved."""
    made = [
        order(f"{prefix}-{n}", line(f"{prefix}-{n}-1"), line(f"{prefix}-{n}-2", "CABLE", 2, "3.33"), **changes)
        for n in range(count)
    ]
    ids = take(shop, *made).created
    release(order_ids=ids, actor=ACTOR)
    return ids


def booked_orders(shop: Shop, count: int = 1, **changes: Any) -> list[int]:
    ids = ready_orders(shop, count, **changes)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    return ids


def settle() -> None:
    """Work on the outbox until nothing is left that could be worked on now."""
    outbox.drain(60)


def states_of(ids: list[int]) -> set[str]:
    return set(Order.objects.filter(pk__in=ids).values_list("state", flat=True))


def parcel_of(order_id: int) -> Shipment:
    """The newest shipment of an order."""
    pk = bulk.fetch("SELECT max(shipment_id) FROM orders_consignment WHERE order_id = %s", [order_id])[0][0]
    found: Shipment = Shipment.objects.get(pk=pk)
    return found


def due_now(*ids: int) -> None:
    """Make shipments due, as time would."""
    Shipment.objects.filter(pk__in=ids).exclude(next_at=None).update(next_at=clock.now())

"""A person who let an order go is not asked again because it had to wait for goods."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inventory.models import Stock
from orders.models import Order
from orders.services import acts, rules
from orders.services.release import release
from tests.orders.conftest import ACTOR, T0, Shop, line, order, take

HOLD = [
    {
        "id": "1",
        "name": "Look at lamps",
        "conditions": {"all": [{"field": "sku", "op": "eq", "value": "LAMP"}]},
        "actions": [{"do": "hold", "value": "look"}],
    },
    {"id": "2", "name": "All", "conditions": {"all": []}, "actions": [{"do": "service", "value": "yun-std"}]},
]


@pytest.fixture
def shop(shop: Shop) -> Shop:
    rules.publish(actor=ACTOR, rules=HOLD)
    return shop


def state(pk: int) -> str:
    return str(Order.objects.values_list("state", flat=True).get(pk=pk))


def short_after_letting_go(shop: Shop) -> int:
    Stock.objects.filter(sku=shop.skus["LAMP"]).update(sellable=0)
    (pk,) = take(shop, order("a", line("a-1", "LAMP"))).created
    release(order_ids=[pk], actor=ACTOR)
    assert state(pk) == "held"
    acts.route_again(actor=ACTOR, order_ids=[pk])
    release(order_ids=[pk], actor=ACTOR)
    assert state(pk) == "short"
    Stock.objects.filter(sku=shop.skus["LAMP"]).update(sellable=50)
    return pk


def test_goods_come_and_it_goes_on(shop: Shop) -> None:
    pk = short_after_letting_go(shop)
    release(order_ids=[pk], actor=ACTOR)
    assert state(pk) == "ready"


def test_other_goods_are_looked_at_again(shop: Shop) -> None:
    pk = short_after_letting_go(shop)
    more = order("a", line("a-1", "LAMP"), line("a-2", "CUP"), updated_at=T0 + timedelta(hours=1))
    take(shop, more)
    release(order_ids=[pk], actor=ACTOR)
    assert state(pk) == "held"

"""Hostile but legitimate people: members of acme by role and scope, members of beta, and strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.permissions import OWNER
from core.tenancy import tenant_context
from inventory.models import Warehouse
from orders.models import Order
from tenants.models import Membership, Tenant, User
from tests.orders.conftest import Shop, make_shop, order, take
from tests.support.database import ACME

PASSWORD = "long-enough-word"
SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """``sign_in(role, accounts=[…], warehouses=[…], schema=…)`` gives a client of a new member."""

    def make(role: str = OWNER, *, schema: str = ACME, **scope: Any) -> Client:
        host = f"{schema.removeprefix('t_')}.localhost"
        user = User.objects.create_user(f"{role}-{User.objects.count()}@{host}", PASSWORD, name=role)
        tenant = Tenant.objects.get(schema_name=schema)
        Membership.objects.create(user=user, tenant=tenant, role=role, created_at=clock.now(), **scope)
        client = Client(HTTP_HOST=host, raise_request_exception=False)
        client.force_login(user)
        return client

    return make


@dataclass(frozen=True)
class Two:
    """A seller with two warehouses and an order of each, ready to be booked."""

    shop: Shop
    near: Order
    far: Order
    far_place: Warehouse

    def state(self, one: Order) -> str:
        with tenant_context(ACME):
            return str(Order.objects.values_list("state", flat=True).get(pk=one.pk))


@pytest.fixture
def two(db: None) -> Two:
    with tenant_context(ACME):
        shop = make_shop()
        far_place = Warehouse.objects.create(code="LA", name="Los Angeles")
        take(shop, order("NEAR-1"), order("FAR-1"))
        Order.objects.filter(external_id="NEAR-1").update(warehouse=shop.warehouse, state="ready")
        Order.objects.filter(external_id="FAR-1").update(warehouse=far_place, state="ready")
        near, far = Order.objects.get(external_id="NEAR-1"), Order.objects.get(external_id="FAR-1")
    return Two(shop, near, far, far_place)

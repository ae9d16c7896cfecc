"""Signed-in clients of the tenant acme, by role."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from channels import canonical
from core import clock
from core.permissions import OWNER
from core.tenancy import tenant_context
from core.values import Address
from orders.models import Order
from orders.services.release import release
from tenants.models import Membership, Tenant, User
from tests.orders.conftest import ACTOR, Shop, line, make_shop, take
from tests.orders.conftest import order as make_order
from tests.support.database import ACME

HOST = "acme.localhost"
TIME = re.compile(r"'\d{4}-\d\d-\d\d [^']*'")
SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """``sign_in(role, accounts=[…])`` gives a client whose user has that role at acme."""

    def make(role: str = OWNER, *, accounts: list[int] | None = None, name: str = "Li Na") -> Client:
        user = User.objects.create_user(f"{role}-{User.objects.count()}@acme.example", "long-enough-word", name=name)
        Membership.objects.create(
            user=user,
            tenant=Tenant.objects.get(schema_name="t_acme"),
            role=role,
            accounts=accounts,
            created_at=clock.now(),
        )
        client = Client(HTTP_HOST=HOST)
        client.force_login(user)
        return client

    return make


@pytest.fixture
def owner(sign_in: SignIn) -> Client:
    return sign_in()


@dataclass
class House:
    """A seller at acme with orders in many states, by name. ``inside()`` is acme's schema, for looking at the rows."""

    shop: Shop
    ids: dict[str, int]

    def inside(self) -> AbstractContextManager[None]:
        return tenant_context(ACME)

    def order(self, name: str) -> Order:
        return Order.objects.get(pk=self.ids[name])

    def path(self, name: str, rest: str = "") -> str:
        return f"/orders/{self.ids[name]}/{rest}"


@pytest.fixture
def house(db: None) -> House:
    with tenant_context(ACME):
        return make_house()


def make_house() -> House:
    """Orders: ready (two), short, unmatched, address, unpaid, late. Inside the tenant's schema."""
    shop = make_shop(stock=10)
    soon = clock.now() + timedelta(hours=20)
    no_street = Address("Yuki Tanaka", "", (), "Osaka", "", "", "530-0001", "JP", "+81 6 1234 5678")
    german = make_order("READY-1", ship_by=soon, placed_at=clock.now() - timedelta(hours=1))
    made = [
        german,
        make_order(
            "READY-2", line("READY-2-1", "CUP", 2), ship_by=soon, buyer=canonical.Buyer("b2", "b2", "b2@x.example")
        ),
        make_order("SHORT-1", line("SHORT-1-1", "CABLE", 99), ship_by=soon),
        make_order("NOSKU-1", line("NOSKU-1-1", "GARDEN-9"), ship_by=soon),
        make_order("STREET-1", ship_by=soon, receiver=no_street),
        make_order("UNPAID-1", status=canonical.PENDING, paid_at=None),
        make_order("LATE-1", ship_by=clock.now() - timedelta(hours=3)),
    ]
    take(shop, *made)
    release(order_ids=list(Order.objects.order_by("pk").values_list("pk", flat=True)), actor=ACTOR)
    names = ("ready", "other", "short", "unmatched", "address", "unpaid", "late")
    by_external = dict(Order.objects.values_list("external_id", "pk"))
    return House(shop, {name: by_external[one.external_id] for name, one in zip(names, made, strict=True)})


def cost(client: Client, path: str) -> list[str]:
    """Statements of a page beyond those of the shell (sign-in, menu with its counts), which every page pays alike."""
    client.get(path)
    with CaptureQueriesContext(connection) as shell:
        assert client.get("/ui/counts").status_code == 200
    with CaptureQueriesContext(connection) as whole:
        assert client.get(path).status_code == 200
    known = [TIME.sub("", query["sql"]) for query in shell.captured_queries]
    out = []
    for query in whole.captured_queries:
        sql = TIME.sub("", query["sql"])
        if sql in known:
            known.remove(sql)
        else:
            out.append(sql[:200])
    return out

"""A seller at acme with orders, stock and a conversation, and programs with keys that call its interface."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from api import scopes
from api.models import ApiKey
from api.services import keys
from core import clock
from core.http import door
from core.permissions import OWNER, Actor, of_role
from core.tenancy import tenant_context
from crm.models import Conversation
from orders.services.release import release
from tenants.models import Membership, Tenant, User
from tests.orders.conftest import ACTOR, line, order, take
from tests.support.database import ACME, BETA
from tests.ui2.conftest import ask, make_floor

EVERYTHING = sorted(scopes.ALL)
HOSTS = {ACME: "acme.localhost", BETA: "beta.localhost"}
_marks = itertools.count(1)


def member(schema: str, role: str = OWNER, **scope: Any) -> tuple[User, Membership]:
    user = User.objects.create_user(f"{role}-{User.objects.count()}@{schema}.example", "long-enough-word", name="Li Na")
    tenant = Tenant.objects.get(schema_name=schema)
    return user, Membership.objects.create(user=user, tenant=tenant, role=role, created_at=clock.now(), **scope)


def actor_of(user: User, membership: Membership) -> Actor:
    return Actor(
        "user",
        user.pk,
        user.name,
        of_role(membership.role),
        accounts=None if membership.accounts is None else frozenset(membership.accounts),
        warehouses=None if membership.warehouses is None else frozenset(membership.warehouses),
    )


@dataclass
class Program:
    """A program with a key. ``get`` and ``post`` give the response; bodies are JSON; writes get a fresh idempotency key."""

    host: str
    secret: str
    key: ApiKey
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def call(self, method: str, path: str, body: Any = None, *, mark: str | None = None, **headers: str) -> Any:
        given = {"HTTP_HOST": self.host, "HTTP_AUTHORIZATION": f"Bearer {self.secret}", **headers}
        if method != "get":
            given["HTTP_IDEMPOTENCY_KEY"] = f"mark-{next(_marks)}" if mark is None else mark
        data = b"" if body is None else json.dumps(body)
        if method == "get":
            return self.client.get(f"/api/v1{path}", **given)
        return self.client.generic(method.upper(), f"/api/v1{path}", data, content_type="application/json", **given)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("get", path, **headers)

    def post(self, path: str, body: Any = None, *, mark: str | None = None, **headers: str) -> Any:
        return self.call("post", path, body, mark=mark, **headers)

    def put(self, path: str, body: Any = None, *, mark: str | None = None) -> Any:
        return self.call("put", path, body, mark=mark)


def program(
    schema: str = ACME,
    operations: Sequence[str] = EVERYTHING,
    *,
    role: str = OWNER,
    scope: dict[str, Any] | None = None,
    **more: Any,
) -> Program:
    """A key made by a fresh member of that role (``scope``: of the member)."""
    user, membership = member(schema, role, **(scope or {}))
    with tenant_context(schema):
        made = keys.make(actor=actor_of(user, membership), name="Shop sync", operations=operations, **more)
    return Program(HOSTS[schema], made.secret, made.key)


@pytest.fixture(autouse=True)
def full_buckets() -> Iterator[None]:
    """Every test begins with all tokens: buckets are kept in the process here, there is no Valkey."""
    door.budget._own.clear()
    yield
    door.budget._own.clear()


@pytest.fixture
def caller(db: None) -> Program:
    return program()


@dataclass
class Floor:
    """``orders``: [two that are ready, one that is short], besides those of the parcels."""

    shop: Any
    shipments: list[int]
    talk: Conversation
    orders: list[int]

    def inside(self) -> AbstractContextManager[None]:
        return tenant_context(ACME)


@pytest.fixture
def floor(db: None, settings: Any, tmp_path: Any) -> Floor:
    """Parcels with labels, orders before booking, and a buyer who asks."""
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        return make(ACME)


def make(schema: str) -> Floor:
    """Inside the tenant's schema."""
    shop, ids = make_floor(2)
    lines = (line("OPEN-1-1"), line("OPEN-2-1", "CABLE", 2), line("SHORT-1-1", "CUP", 5000))
    orders = take(shop, *[order(one.external_line_id[:-2], one) for one in lines]).created
    release(order_ids=orders, actor=ACTOR)
    return Floor(shop, ids, ask(shop.account), orders)


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem of that status and code, with a sentence."""
    assert answer.status_code == status, (answer.status_code, answer.content[:600])
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["code"], body["status"], body["type"]) == (code, status, f"urn:sampan:problem:{code}")
    assert body["detail"] and body["detail"] != code and body["title"]
    return body


def good(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, (answer.status_code, answer.content[:1500])
    return answer.json()

"""Signed-in clients of the tenant acme, by role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from core import clock
from core.permissions import OWNER
from tenants.models import Membership, Tenant, User

HOST = "acme.localhost"
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

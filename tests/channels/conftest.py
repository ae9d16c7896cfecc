"""A seller on the Amazon simulator, connected to the tenant acme; rows are really committed, HTTP is real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from channels.models import Account
from channels.services import accounts
from core import clock
from core.http import door
from core.permissions import system
from core.tenancy import tenant_context
from tests.support.amazon import Seller, seller
from tests.support.database import WorkerDatabase
from tests.support.simulators import simulators

__all__ = ["simulators"]
ACTOR = system("test")


@pytest.fixture
def sandbox(simulators: str, settings: Any) -> str:
    """The simulators, as the one private address that the product may call. Breakers begin closed."""
    settings.SANDBOX_URL = simulators
    door.breaker._states.clear()
    return simulators


@pytest.fixture
def shop(sandbox: str) -> Iterator[Seller]:
    with seller(sandbox) as one:
        yield one


@pytest.fixture
def connect(committed_db: WorkerDatabase, acme: str, sandbox: str) -> Callable[..., Account]:
    """Connect a seller to acme (or the current tenant); orders are read from a day ago on."""

    def make(shop: Seller, schema: str = acme, **changes: Any) -> Account:
        values: dict[str, Any] = {
            "platform": "amazon",
            "name": shop.account_id,
            "external_id": shop.account_id,
            "settings": {"base_url": f"{sandbox}/amazon"},
            "credentials": shop.credentials,
            "marketplaces": ["US"],
            "read_from": clock.now() - timedelta(days=1),
        }
        with tenant_context(schema):
            return accounts.connect_account(actor=ACTOR, **values | changes)

    return make


@pytest.fixture
def account(connect: Callable[..., Account], shop: Seller) -> Account:
    return connect(shop)


@pytest.fixture
def inside(account: Account, acme: str) -> Iterator[Account]:
    """The connected account, with its tenant current."""
    with tenant_context(acme):
        yield account

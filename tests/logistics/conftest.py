"""A shop and its carrier: the product on our side, the simulator over real HTTP on the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.tenancy import tenant_context
from tests.orders.conftest import Shop
from tests.support.parcels import Carrier, connect, open_carrier, open_shop
from tests.support.simulators import simulators

__all__ = ["simulators"]


@pytest.fixture
def carrier(simulators: str) -> Iterator[Carrier]:
    made = open_carrier(simulators)
    yield made
    made.http.close()


@pytest.fixture
def shop(db: None, acme: str, carrier: Carrier, settings) -> Iterator[Shop]:
    settings.SANDBOX_URL = carrier.base
    with tenant_context(acme):
        yield open_shop(connect(carrier))

"""One stage for all tests of a file: making the tenant's house takes longer than most of the troubles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from channels.adapters.ebay.adapter import Ebay
from core.http import door
from core.tenancy import tenant_context
from tests.support import database
from tests.support.simulators import simulators
from tests.trouble.stage import Stage

__all__ = ["simulators"]


@pytest.fixture(scope="module")
def house(
    worker_database: database.WorkerDatabase, django_db_blocker: DjangoDbBlocker, simulators: str
) -> Iterator[Stage]:
    """Committed rows, as with ``committed_db``, laid anew after the file's last test."""
    from django.db import connections

    patch = pytest.MonkeyPatch()
    # Otherwise nothing of the last two minutes would be read, and the simulator dates orders to when it is told of them.
    patch.setattr(Ebay, "lag_seconds", 0)
    door.breaker._states.clear()
    door.budget._own.clear()
    with django_db_blocker.unblock(), override_settings(SANDBOX_URL=simulators):
        try:
            with tenant_context(database.ACME):
                made = Stage(simulators).build()
            yield made
        finally:
            patch.undo()
            connections.close_all()
            worker_database.lay()


@pytest.fixture
def stage(house: Stage) -> Iterator[Stage]:
    """The stage with its tenant current."""
    with tenant_context(database.ACME):
        yield house

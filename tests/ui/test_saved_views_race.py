"""Two windows that save at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from core.errors import BusinessError
from core.permissions import CLERK, Actor, of_role
from core.records import saved_views
from core.records.models import SavedView, ViewDefault
from core.tenancy import tenant_context
from tests.support.database import ACME, WorkerDatabase

LI = Actor("user", 1, "Li", of_role(CLERK))
QUERY = {"tab": "all", "text": "", "chosen": {}}


def at_once(names: list[str]) -> list[str]:
    """Save a view of each name, all in the same moment, and open the list with it; gives what was refused."""
    gate = Barrier(len(names))

    def one(name: str) -> str:
        try:
            with tenant_context(ACME):
                gate.wait(10)
                made = saved_views.save(actor=LI, list_name="orders", name=name, query=QUERY)
                saved_views.set_default(actor=LI, list_name="orders", view_id=made.pk)
            return ""
        except BusinessError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(names)) as pool:
        return sorted(filter(None, pool.map(one, names)))


def test_the_same_name_is_one_view(committed_db: WorkerDatabase) -> None:
    assert at_once(["late"] * 4) == []
    with tenant_context(ACME):
        assert SavedView.objects.count() == ViewDefault.objects.count() == 1


def test_the_limit_holds(committed_db: WorkerDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    assert at_once(["a", "b", "c", "d"]) == ["view.too_many"] * 2
    with tenant_context(ACME):
        assert SavedView.objects.count() == 2 and ViewDefault.objects.count() == 1

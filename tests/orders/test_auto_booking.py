"""The switch of automatic booking: who may, what it changes, one entry however often it is pressed."""

from __future__ import annotations

import pytest
from django.test import Client

from core import settings_store
from core.permissions import CLERK, MANAGER, VIEWER
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from orders.services import auto_booking
from orders.services.booking import AUTO_BOOK
from tests.inventory.test_races import at_once
from tests.support.database import ACME, BETA, WorkerDatabase
from tests.support.parcels import ACTOR
from tests.ui.conftest import SignIn, cost, owner, sign_in

__all__ = ["cost", "owner", "sign_in"]


def codes() -> list[str]:
    with tenant_context(ACME):
        return list(AuditEntry.objects.filter(kind="setting").order_by("id").values_list("code", flat=True))


@pytest.mark.django_db
def test_it_is_seen_by_all_and_switched_by_those_who_may(owner: Client, sign_in: SignIn) -> None:
    page = owner.get("/carriers/").content.decode()
    assert "Automatic booking" in page and "Switch on" in page
    before = len(cost(owner, "/carriers/"))
    for _ in range(2):  # pressed twice: one entry
        assert owner.post("/orders/settings/auto-book", {"on": "1"}).status_code == 302
    with tenant_context(ACME):
        assert settings_store.get(AUTO_BOOK) is True and auto_booking.is_on()
    with tenant_context(BETA):
        assert not auto_booking.is_on()
    page = owner.get("/carriers/").content.decode()
    assert "Switch off" in page and "Automatic booking switched on" in page
    assert len(cost(owner, "/carriers/")) == before
    assert sign_in(MANAGER).post("/orders/settings/auto-book", {"on": "0"}).status_code == 302
    for role in (CLERK, VIEWER):
        client = sign_in(role)
        assert client.post("/orders/settings/auto-book", {"on": "1"}).status_code == 403
        page = client.get("/carriers/").content.decode()
        assert "Automatic booking" in page and "Switch on" not in page
    assert codes() == ["setting.auto_book_on", "setting.auto_book_off"]
    owner.cookies["lang"] = "zh-hans"
    assert "自动下单" in owner.get("/carriers/").content.decode()


def test_two_who_press_at_once_leave_one_entry(committed_db: WorkerDatabase) -> None:
    assert sorted(at_once(2, lambda _n: auto_booking.switch(actor=ACTOR, on=True), ACME)) == [False, True]
    assert codes() == ["setting.auto_book_on"]

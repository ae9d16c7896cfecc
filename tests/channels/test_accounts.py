"""Connecting: what is checked, what is stored and how, pausing, scopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from channels import queries
from channels.models import Account, Cursor
from channels.services import accounts, pull
from core.central.models import Due
from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, MANAGER, Actor, of_role, system
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from tests.support.amazon import Seller, plan

ACTOR = system("test")


def person(role: str, **scope: Any) -> Actor:
    return replace(Actor(kind="user", id=1, label="p", operations=of_role(role)), **scope)


def test_secrets_are_encrypted_and_jobs_are_due(inside: Account, shop: Seller, acme: str) -> None:
    row = Account.objects.get()
    for secret in shop.credentials.values():
        assert secret.encode() not in bytes(row.credentials)
    assert row.token is not None
    assert "Atza" not in bytes(row.token).decode("latin-1")
    assert set(Cursor.objects.values_list("job", flat=True)) == {"orders", "inventory"}
    jobs = set(Due.objects.filter(schema=acme, key=str(inside.pk)).values_list("job", flat=True))
    assert jobs == {"orders.pull", "orders.reread", "stock.pull", "channels.confirm"}
    entry = AuditEntry.objects.get(kind="account")
    assert (entry.code, entry.params) == ("account.connected", {"platform": "amazon", "name": inside.name})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"marketplaces": []}, "account.marketplace_missing"),
        ({"marketplaces": ["XX"]}, "account.marketplace_unknown"),
        ({"marketplaces": ["US", "DE"]}, "account.marketplaces_of_two_regions"),
        ({"credentials": {"client_id": "a"}}, "account.invalid"),
        ({"settings": {"usage_plan": "many"}}, "account.invalid"),
        ({"timezone": "Mars/Olympus"}, "account.invalid"),
        ({"name": " "}, "account.invalid"),
        ({"platform": "bazaar"}, "channel.unknown"),
    ],
)
def test_what_a_person_can_mend_is_said(
    connect: Callable[..., Account], shop: Seller, acme: str, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(BusinessError) as refused:
        connect(shop, **changes)
    assert refused.value.code == code
    with tenant_context(acme):
        assert not Account.objects.exists()


def test_refused_credentials_are_not_connected(connect: Callable[..., Account], shop: Seller, acme: str) -> None:
    with pytest.raises(BusinessError) as refused:
        connect(shop, credentials=shop.credentials | {"refresh_token": "Atzr|no"})
    assert refused.value.code == "account.refused"


def test_an_account_is_connected_once_a_tenant(connect: Callable[..., Account], shop: Seller, beta: str) -> None:
    connect(shop)
    with pytest.raises(BusinessError) as refused:
        connect(shop)
    assert refused.value.code == "account.exists"
    assert connect(shop, schema=beta).pk


def test_a_sandbox_store_is_made_and_connected(committed_db: Any, sandbox: str, acme: str) -> None:
    with tenant_context(acme):
        account = accounts.connect_sandbox_store(actor=ACTOR, platform="amazon", name="Demo", marketplace="DE")
        assert account.marketplaces == ["A1PA6795UKMFR9"]
        assert pull.fetch_orders(account_id=account.pk, actor=ACTOR).done


def test_a_paused_account_asks_nothing_and_goes_on_where_it_stood(inside: Account, shop: Seller) -> None:
    shop.plan(plan("one"))
    accounts.pause(actor=ACTOR, account_id=inside.pk)
    assert pull.fetch_orders(account_id=inside.pk, actor=ACTOR).busy
    assert not Due.objects.filter(key=str(inside.pk), paused=False).exists()
    accounts.resume(actor=ACTOR, account_id=inside.pk)
    assert not Due.objects.filter(key=str(inside.pk), paused=True).exists()
    assert pull.fetch_orders(account_id=inside.pk, actor=ACTOR).fresh == 1
    codes = list(AuditEntry.objects.filter(kind="account").order_by("id").values_list("code", flat=True))
    assert codes == ["account.connected", "account.paused", "account.ok"]


def test_who_may(inside: Account) -> None:
    with pytest.raises(NotAllowed):
        accounts.pause(actor=person(CLERK), account_id=inside.pk)
    elsewhere = person(MANAGER, accounts=frozenset({inside.pk + 1}))
    with pytest.raises(BusinessError):
        accounts.pause(actor=elsewhere, account_id=inside.pk)
    assert queries.account_health(elsewhere) == []
    with pytest.raises(NotAllowed):
        queries.account_health(replace(person(CLERK), operations=frozenset()))


def test_health_tells_how_far_each_job_is(inside: Account, shop: Seller) -> None:
    shop.plan(plan("one"))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    (health,) = queries.account_health(ACTOR)
    assert (health.health, health.waiting, health.dead, health.platform_title) == ("ok", 1, 0, "Amazon")
    reading = {one.job: one for one in health.readings}["orders"]
    assert (reading.pages, reading.items, reading.fresh, reading.failures) == (1, 1, 1, 0)
    assert 100 < reading.lag_seconds < 300

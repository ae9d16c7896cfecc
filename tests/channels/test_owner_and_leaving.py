"""Whose keys they are, addresses without encryption, disconnecting and coming back, the runs that are kept, reading again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from channels import queries
from channels.models import Account, Confirmation, Cursor, RawPayload
from channels.registry import adapter_of
from channels.services import accounts, pull, runs, wishes
from channels.services.sessions import application_of, credentials_of
from core import clock
from core.central import outbox
from core.central.models import Due
from core.errors import BusinessError
from core.http import door
from core.permissions import CLERK, MANAGER
from core.records.models import AuditEntry, Job
from core.tenancy import tenant_context
from tenants.models import WebhookRoute
from tests.channels.conftest import ACTOR
from tests.channels.test_accounts import person
from tests.support.amazon import Seller, plan, seller


def ebay(sandbox: str, **changes: Any) -> Account:
    """Connect a new eBay seller of the simulators."""
    draft = adapter_of("ebay").sandbox_draft(sandbox, "DE")
    answer = door.Door("sandbox", "x").send(
        "POST",
        draft.register_url,
        operation="register",
        headers={"content-type": "application/json"},
        content=__import__("json").dumps(dict(draft.register)).encode(),
    )
    assert answer.status == 200
    values: dict[str, Any] = {
        "platform": "ebay",
        "name": "lamps",
        "external_id": draft.external_id,
        "settings": dict(draft.settings),
        "credentials": dict(draft.credentials),
        "marketplaces": list(draft.marketplaces),
    }
    return accounts.connect_account(actor=ACTOR, **values | changes)


def test_keys_of_another_seller_are_refused(committed_db: Any, sandbox: str, acme: str) -> None:
    with tenant_context(acme):
        with pytest.raises(BusinessError) as refused:
            ebay(sandbox, external_id="somebody-else")
        assert refused.value.code == "account.other_owner"
        assert refused.value.params["given"] == "somebody-else" and "seller_" in refused.value.params["owner"]
        assert not Account.objects.exists()


def test_an_id_that_is_left_out_is_filled_in_and_case_does_not_matter(
    committed_db: Any, sandbox: str, acme: str
) -> None:
    with tenant_context(acme):
        assert ebay(sandbox, external_id="").external_id.startswith("seller_")
        draft = adapter_of("ebay").sandbox_draft(sandbox, "DE")
        assert ebay(sandbox, external_id="", name="second").pk and draft.external_id


def test_a_seller_who_does_not_sell_there_is_refused(connect: Callable[..., Account], sandbox: str, acme: str) -> None:
    with seller(sandbox, "CA") as shop, pytest.raises(BusinessError) as refused:
        connect(shop, marketplaces=["US", "CA"])
    assert refused.value.code == "account.not_selling_there"
    assert refused.value.params["marketplaces"] == "ATVPDKIKX0DER"
    with tenant_context(acme):
        assert not Account.objects.exists()


def test_amazon_does_not_tell_the_id_so_it_is_asked_for(connect: Callable[..., Account], shop: Seller) -> None:
    with pytest.raises(BusinessError) as refused:
        connect(shop, external_id="")
    assert (refused.value.code, refused.value.params["fields"]) == ("account.invalid", "external_id")


@pytest.mark.parametrize("address", ["http://api.example.com", "http://127.0.0.1:9", "ftp://x.example", "javascript:x"])
def test_only_the_simulators_may_be_called_without_encryption(
    connect: Callable[..., Account], shop: Seller, address: str
) -> None:
    with pytest.raises(BusinessError) as refused:
        connect(shop, settings={"base_url": address}, check=False)
    assert refused.value.code == "account.plain_http"


def test_production_calls_nothing_without_encryption(settings: Any, no_network: list[str]) -> None:
    from core.errors import Rejected

    settings.SESSION_COOKIE_SECURE = True
    with pytest.raises(Rejected, match="not_encrypted"):
        door.Door("carrier", "x").send("GET", "http://api.example.com/", operation="x")


def test_disconnecting_deletes_the_keys_and_keeps_the_rest(inside: Account, shop: Seller, acme: str) -> None:
    shop.plan(plan("one"))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    Confirmation.objects.create(
        account=inside,
        order_external_id="X",
        reference="1",
        order_ref=1,
        carrier="Post",
        tracking_number="1",
        lines=[],
        shipped_at=clock.now(),
        next_at=clock.now(),
    )
    accounts.disconnect(actor=ACTOR, account_id=inside.pk)
    accounts.disconnect(actor=ACTOR, account_id=inside.pk)  # twice does no harm
    held = Account.objects.get(pk=inside.pk)
    assert (held.health, held.credentials, held.token) == (Account.GONE, None, None)
    assert not Due.objects.filter(schema=acme, key=str(inside.pk)).exists()
    assert RawPayload.objects.filter(account=inside).count() == 1
    assert Confirmation.objects.get().state == Confirmation.REFUSED
    assert pull.fetch_orders(account_id=inside.pk, actor=ACTOR).busy
    for act in (accounts.pause, accounts.resume):
        with pytest.raises(BusinessError) as refused:
            act(actor=ACTOR, account_id=inside.pk)
        assert refused.value.code == "account.reconnect_first"
    with pytest.raises(BusinessError):
        wishes.pull_now(actor=ACTOR, account_id=inside.pk)
    assert AuditEntry.objects.filter(kind="account", code="account.gone").count() == 1


def test_who_comes_back_finds_the_history(inside: Account, shop: Seller, sandbox: str, acme: str) -> None:
    shop.plan(plan("one"))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    before = Cursor.objects.get(account=inside, job="orders").position
    accounts.disconnect(actor=ACTOR, account_id=inside.pk)
    shop.plan(plan("two"))
    again = accounts.connect_account(
        actor=ACTOR,
        platform="amazon",
        name="Back",
        external_id=shop.account_id,
        settings={"base_url": f"{sandbox}/amazon"},
        credentials=shop.credentials,
        marketplaces=["US"],
    )
    assert again.pk == inside.pk and again.name == "Back" and again.health == Account.OK
    assert Cursor.objects.get(account=inside, job="orders").position == before
    assert Due.objects.filter(schema=acme, key=str(inside.pk), paused=False).count() >= 3
    Cursor.objects.filter(account=inside, job="orders").update(position=clock.now() - timedelta(hours=2))
    assert pull.fetch_orders(account_id=inside.pk, actor=ACTOR).fresh == 1


def test_the_way_in_for_calls_goes_and_comes_with_the_account(committed_db: Any, sandbox: str, acme: str) -> None:
    with tenant_context(acme):
        account = ebay(sandbox)
        assert WebhookRoute.objects.filter(account_id=account.pk).count() == 1
        held = credentials_of(account)
        accounts.disconnect(actor=ACTOR, account_id=account.pk)
        assert not WebhookRoute.objects.filter(account_id=account.pk).exists()
        accounts.reconnect(actor=ACTOR, account_id=account.pk, credentials=held)
        assert WebhookRoute.objects.filter(account_id=account.pk).count() == 1


def test_only_who_may_connect_may_disconnect(inside: Account) -> None:
    from core.errors import NotAllowed

    with pytest.raises(NotAllowed):
        accounts.disconnect(actor=person(CLERK), account_id=inside.pk)
    with pytest.raises(BusinessError):
        accounts.disconnect(actor=person(MANAGER, accounts=frozenset({inside.pk + 1})), account_id=inside.pk)
    assert Account.objects.get(pk=inside.pk).health == Account.OK


def test_whose_account_it_is_not_takes_it_not_back(inside: Account, shop: Seller, sandbox: str) -> None:
    """A manager of other accounts connects the disconnected seller: nothing of it is changed."""
    accounts.disconnect(actor=ACTOR, account_id=inside.pk)
    before = Account.objects.values("name", "settings", "marketplaces", "health").get(pk=inside.pk)
    with pytest.raises(BusinessError) as refused:
        accounts.connect_account(
            actor=person(MANAGER, accounts=frozenset({inside.pk + 1})),
            platform="amazon",
            name="Mine now",
            external_id=shop.account_id,
            settings={"base_url": f"{sandbox}/amazon"},
            credentials=shop.credentials,
            marketplaces=["CA"],
        )
    assert refused.value.code == "account.exists"
    assert Account.objects.values("name", "settings", "marketplaces", "health").get(pk=inside.pk) == before


# -- runs ---------------------------------------------------------------------------------------------------------------


def test_runs_are_kept_with_their_figures_and_errors(inside: Account, shop: Seller) -> None:
    shop.plan(plan("one"), plan("two"))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    Cursor.objects.filter(account=inside, job="orders").update(position=clock.now() - timedelta(hours=3))
    shop.script("html503", "searchOrders")
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    reading = queries.account_health(ACTOR, inside.pk)[0].readings
    kept = next(one.runs for one in reading if one.job == "orders")
    assert [(run.items, run.fresh, bool(run.code)) for run in kept] == [(0, 0, True), (2, 2, False)]
    assert all(run.seconds >= 0 for run in kept)


def test_quiet_runs_in_a_row_are_one_entry_and_the_list_is_short() -> None:
    at = clock.now()
    kept: list[dict[str, Any]] = []
    for minute in range(5):
        kept = runs.added(kept, runs.entry(at=at + timedelta(minutes=minute), seconds=0.1, pages=1, items=0, fresh=0))
    shown = runs.read(kept)
    assert [(run.times, run.since, run.at) for run in shown] == [(5, at, at + timedelta(minutes=4))]
    for minute in range(60):
        kept = runs.added(kept, runs.entry(at=at, seconds=1, pages=1, items=minute + 1, fresh=0))
    assert len(kept) == runs.KEPT and kept[0]["items"] == 60


def test_the_rate_budget_is_shown_after_calls(inside: Account, shop: Seller) -> None:
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    held = credentials_of(inside)
    left = {one.operation: one for one in door.budget.left(application_of(inside, held), inside.external_id)}
    if not left:
        pytest.skip("no Valkey in this test run: buckets are in the process")
    assert left["searchOrders"].most == 20 and left["searchOrders"].calls < 20


# -- reading a period again ---------------------------------------------------------------------------------------------


def test_reading_a_period_again_is_a_job_with_progress(inside: Account, shop: Seller) -> None:
    shop.plan(plan("one"))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    with tenant_context("t_acme"):
        made = wishes.read_again(actor=ACTOR, account_id=inside.pk, since=clock.now() - timedelta(hours=20))
        assert queries.account_health(ACTOR, inside.pk)[0].readings[-1].share == 0
    outbox.drain(20)
    with tenant_context("t_acme"):
        job = Job.objects.get(pk=made.pk)
        assert (job.state, job.done, job.total) == (Job.DONE, 100, 100)
        assert RawPayload.objects.filter(account=inside).count() == 1
        cursor = Cursor.objects.get(account=inside, job="orders")
        assert cursor.position > clock.now() - timedelta(minutes=10)
        assert queries.account_health(ACTOR, inside.pk)[0].readings[-1].share is None


def test_a_job_of_an_account_that_stands_still_ends_with_the_reason(inside: Account) -> None:
    with tenant_context("t_acme"):
        made = wishes.read_again(actor=ACTOR, account_id=inside.pk, since=clock.now() - timedelta(hours=20))
        accounts.pause(actor=ACTOR, account_id=inside.pk)
    outbox.drain(20)
    with tenant_context("t_acme"):
        job = Job.objects.get(pk=made.pk)
        assert (job.state, job.error_code) == (Job.FAILED, "account.stands_still")

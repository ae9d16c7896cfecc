"""Accounts: list, one account, connecting; secrets are never shown; every page in both languages."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from channels.models import Account
from channels.registry import all_adapters
from core import clock, i18n
from core.central import due
from core.central.models import Due
from core.permissions import system
from core.secrets import encrypt
from core.tenancy import tenant_context
from core.ui import desk
from core.words import knows
from fba.options import Options
from logistics.registry import all_carriers, all_trackers
from tests.support.database import ACME
from tests.ui2.conftest import cost, dead_payload, make_account, post, refused_confirmation, text

pytestmark = pytest.mark.django_db
SECRET = {"app_id": "app-1", "dev_id": "dev-1", "cert_id": "very-secret-cert", "refresh_token": "very-secret-token"}


@pytest.fixture
def account() -> Account:
    with tenant_context(ACME):
        return make_account(
            credentials=encrypt(json.dumps(SECRET).encode()),
            health=Account.RECONNECT,
            health_code="adapter.auth_revoked",
            marketplaces=["EBAY_DE"],
        )


def test_what_is_sick_comes_first_with_its_reason_and_what_to_do(owner: Client, account: Account) -> None:
    with tenant_context(ACME):
        fine = make_account("amazon", "Alpha")
        dead_payload(fine)
        refused_confirmation(fine)
    page = text(owner, "/channels/")
    assert page.index("lampenhaus") < page.index("Alpha")
    assert "The seller&#x27;s consent is gone." in page and "Connect the account again with fresh keys" in page
    assert "1 unreadable" in page and "1 confirmation refused" in page
    assert 'data-tab="sick"' in page and '<b class="red">1</b>' in page
    only = text(owner, "/channels/?tab=sick")
    assert "lampenhaus" in only and "Alpha" not in only
    assert "Alpha" not in text(owner, "/channels/?q=lampen")
    owner.cookies["lang"] = "zh-hans"
    chinese = text(owner, "/channels/")
    assert "卖家授权已失效" in chinese or "授权" in chinese
    assert "重新授权" in chinese and "渠道" in chinese


def test_the_number_of_queries_does_not_grow_with_the_accounts(owner: Client, account: Account) -> None:
    few = cost(owner, "/channels/")
    with tenant_context(ACME):
        for n in range(20):
            make_account(name=f"store {n}")
    many = cost(owner, "/channels/")
    assert len(many) == len(few) <= 9, "\n".join(many)


def test_an_account_shows_no_secret_anywhere(owner: Client, account: Account) -> None:
    for path in ("", "reconnect", "settings"):
        page = text(owner, f"/channels/{account.pk}/{path}")
        assert "very-secret" not in page, path
    page = text(owner, f"/channels/{account.pk}/reconnect")
    assert page.count('type="password"') == 4


def test_only_who_may_connect_sees_and_may_change(sign_in, account: Account) -> None:
    clerk = sign_in("clerk")
    page = text(clerk, f"/channels/{account.pk}/")
    assert "reconnect" not in page.split("<main")[1].split("reason tone")[0]
    for path in ("reconnect", "settings", "pause", "resume"):
        answer = clerk.post(f"/channels/{account.pk}/{path}")
        assert answer.status_code == 403, path
    stranger = sign_in("clerk", accounts=[account.pk + 1])
    assert stranger.get(f"/channels/{account.pk}/").status_code == 404
    assert "lampenhaus" not in text(stranger, "/channels/")


def test_rename_keeps_the_address_of_the_api(owner: Client, account: Account) -> None:
    with tenant_context(ACME):
        Account.objects.filter(pk=account.pk).update(settings={"base_url": "https://api.example"})
    page = text(owner, f"/channels/{account.pk}/settings")
    assert "base_url" not in page
    to = post(owner, f"/channels/{account.pk}/settings", {"name": "Neu", "timezone": "Europe/Berlin"})
    assert to == f"/channels/{account.pk}/"
    with tenant_context(ACME):
        found = Account.objects.get(pk=account.pk)
        assert (found.name, found.timezone, found.settings["base_url"]) == (
            "Neu",
            "Europe/Berlin",
            "https://api.example",
        )
    again = post(owner, f"/channels/{account.pk}/settings", {"name": "", "timezone": "Europe/Berlin"}, htmx=False)
    assert 'aria-invalid="true"' in again


def test_pull_now_makes_the_jobs_due_and_is_refused_while_it_stands_still(owner: Client, account: Account) -> None:
    assert "has to be connected again" in post(owner, f"/channels/{account.pk}/pull", status=422)
    with tenant_context(ACME):
        Account.objects.filter(pk=account.pk).update(health=Account.OK)
        due.schedule(ACME, "orders.pull", str(account.pk), 300, first_at=clock.now() + timedelta(hours=1))
    assert post(owner, f"/channels/{account.pk}/pull") == f"/channels/{account.pk}/"
    row = Due.objects.get(schema=ACME, job="orders.pull", key=str(account.pk))
    assert row.due_at <= clock.now()
    assert "Read out of turn" in text(owner, f"/channels/{account.pk}/")


def test_connecting_shows_what_is_missing_beside_its_field_and_keeps_what_was_typed(owner: Client) -> None:
    assert "Add a sandbox store" in text(owner, "/channels/connect/")
    given = {"name": "DE lamps", "external_id": "", "marketplaces": "DE", "timezone": "Europe/Berlin"}
    page = post(owner, "/channels/connect/ebay/", given | {"secret-app_id": "typed-app"}, htmx=False)
    assert 'value="DE lamps"' in page and "typed-app" not in page  # a secret is not sent back
    assert page.count('role="alert"') >= 3
    unknown = post(owner, "/channels/connect/nothing/", status=422)
    assert "nothing" in unknown


def test_texts_of_every_plug_in_have_their_chinese() -> None:
    models = [one.settings_model for one in (*all_adapters().values(), *all_carriers().values())]
    models += [one.credentials_model for one in (*all_adapters().values(), *all_carriers().values())]
    models += [model for one in all_trackers().values() for model in (one.settings_model, one.credentials_model)]
    models.append(Options)
    known = i18n.read("zh_Hans")
    missing = {
        words
        for model in models
        for info in model.model_fields.values()
        for words in (info.title, info.description)
        if words and (known.get(words) is None or not known.get(words).string)
    }
    assert not missing, "name them in channels/labels.py or logistics/labels.py and translate them"


def test_every_source_of_the_desk_says_what_to_do(owner: Client) -> None:
    found = {one.key: one for one in desk.sources(system("test"))}
    assert set(found) == {"raw", "confirm", "event", "booking", "message"}
    assert all(knows(one.advice) for one in found.values())

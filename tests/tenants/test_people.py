"""Secrecy of sign-up, names nobody gets, one's own name and language, what the members' page shows of people."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.permissions import ROLES, operations
from tenants import roles, views
from tenants.models import Membership, Tenant, User
from tenants.services import signup
from tests.tenants.test_signup_pages import FORM

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')


@pytest.fixture
def proven(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Addresses are proven by mail, as in production; gives how long each sign-up was made to take."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    slept: list[float] = []
    monkeypatch.setattr(views.clock, "sleep", slept.append)
    cache.clear()
    return slept


def public() -> Client:
    return Client(HTTP_HOST="www.localhost")


def test_sign_up_says_the_same_to_who_has_an_account_and_to_who_has_none(
    proven: list[float], mailoutbox: list[Any]
) -> None:
    known, new = public(), public()
    first = known.post("/signup/", FORM | {"email": "owner@acme.localhost"})
    before = Tenant.objects.count()
    second = new.post("/signup/", FORM | {"email": "nobody@example.com", "company": "Other"})
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"] == "/accounts/confirm-email/"
    assert set(first.cookies) == set(second.cookies)
    pages = [
        TOKEN.sub("", client.get(answer["Location"]).content.decode().replace(email, "E-MAIL"))
        for client, answer, email in ((known, first, "owner@acme.localhost"), (new, second, "nobody@example.com"))
    ]
    assert pages[0] == pages[1] and "E-MAIL" in pages[0]
    # Each is told by mail; only the new one has a company now, and both took as long.
    assert [mail.to for mail in mailoutbox] == [["owner@acme.localhost"], ["nobody@example.com"]]
    assert "has an account already" in mailoutbox[0].body and "/accounts/login/" in mailoutbox[0].body
    assert Tenant.objects.count() == before + 1
    assert len(proven) == 2 and all(0 <= seconds <= views.SIGN_UP_SECONDS for seconds in proven)


def test_a_weak_password_is_refused_before_the_address_is_looked_at(proven: list[float]) -> None:
    for email in ("owner@acme.localhost", "nobody@example.com"):
        answer = public().post("/signup/", FORM | {"email": email, "password": "short"})
        assert list(answer.context["form"].errors) == ["password"]


@pytest.mark.parametrize(
    "label", ["demo", "admin", "api", "no-reply", "noreply", "rehearse-9", "xn--abc", "hooks", "s-so"]
)
def test_names_of_the_house_are_nobodys(label: str) -> None:
    answer = public().post("/signup/", FORM | {"address": label})
    assert list(answer.context["form"].errors) == ["address"]
    assert not signup.is_reserved("blue-sea")
    assert not signup.is_reserved(signup.free_address(label))


def inside(user: User) -> Client:
    client = Client(HTTP_HOST="acme.localhost")
    client.force_login(user)
    return client


@pytest.fixture
def owner(acme: str) -> User:
    return Membership.objects.get(tenant__schema_name=acme, role="owner").user


def test_one_changes_ones_own_name_and_language(owner: User) -> None:
    client = inside(owner)
    assert "Second factor" in client.get("/settings/me/").content.decode()
    answer = client.post("/settings/me/", {"name": "  李娜 ", "language": "zh-hans"})
    assert answer.status_code == 302
    owner.refresh_from_db()
    assert (owner.name, owner.language) == ("李娜", "zh-hans")
    assert '<html lang="zh-hans"' in client.get("/settings/me/").content.decode()
    assert client.post("/settings/me/", {"name": "", "language": "xx"}).status_code == 422
    owner.refresh_from_db()
    assert owner.name == "李娜"


def test_every_role_may_change_its_own_name(acme: str) -> None:
    for role in ROLES:
        user = User.objects.create_user(f"{role}@example.com", "correct-horse-battery")
        Membership.objects.create(
            user=user, tenant=Tenant.objects.get(schema_name=acme), role=role, created_at=clock.now()
        )
        assert inside(user).get("/settings/me/").status_code == 200


def test_last_visit_is_noted_once_an_hour_and_for_this_company_only(owner: User, acme: str, beta: str) -> None:
    tenant = Tenant.objects.get(schema_name=beta)
    elsewhere = Membership.objects.create(user=owner, tenant=tenant, role="viewer", created_at=clock.now())
    client = inside(owner)
    client.get("/")
    here = Membership.objects.get(user=owner, tenant__schema_name=acme)
    first = here.last_seen_at
    assert first is not None
    client.get("/")
    here.refresh_from_db()
    assert here.last_seen_at == first
    Membership.objects.filter(pk=here.pk).update(last_seen_at=clock.now() - timedelta(hours=2))
    client.get("/")
    here.refresh_from_db()
    assert here.last_seen_at is not None and here.last_seen_at >= first
    elsewhere.refresh_from_db()
    assert elsewhere.last_seen_at is None


def test_the_members_page_shows_second_factor_visit_and_roles_in_few_queries(owner: User, acme: str) -> None:
    client = inside(owner)
    tenant = Tenant.objects.get(schema_name=acme)
    Authenticator.objects.create(user=owner, type=Authenticator.Type.TOTP, data={})
    client.get("/settings/members/")
    with CaptureQueriesContext(connection) as few:
        page = client.get("/settings/members/").content.decode()
    assert "just now" in page or "ago" in page
    assert page.count("What each role may do") >= 1 and "Connect channels" in page
    for number in range(30):
        user = User.objects.create_user(f"m{number}@example.com", "correct-horse-battery")
        Membership.objects.create(user=user, tenant=tenant, role="clerk", created_at=clock.now())
    with CaptureQueriesContext(connection) as many:
        page = client.get("/settings/members/").content.decode()
    assert len(many) == len(few)
    assert page.count("never") >= 30


def test_the_table_of_roles_is_what_roles_may_do() -> None:
    found = roles.table()
    known = operations()
    assert len(found.rows) == len(roles.ACTS)  # no operation of the table is gone
    for (_, name), (_label, cells) in zip(roles.ACTS, found.rows, strict=True):
        assert cells == [role in known[name] for role in ROLES]
        assert cells[ROLES.index("owner")]

"""From one company to another: only where one has a place, by a pass that is good once, never without a click."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from tenants.models import EntryPass, Membership, Tenant, User

pytestmark = pytest.mark.django_db
ACME, BETA = "acme.localhost", "beta.localhost"


@pytest.fixture
def both() -> User:
    """A person with a place at acme and one at beta."""
    user = User.objects.create_user("two@places.example", "long-enough-word", name="Li Na")
    for schema, role in (("t_acme", "owner"), ("t_beta", "viewer")):
        tenant = Tenant.objects.get(schema_name=schema)
        Membership.objects.create(user=user, tenant=tenant, role=role, created_at=clock.now())
    return user


def client(user: User, host: str = ACME) -> Client:
    made = Client(HTTP_HOST=host)
    made.force_login(user)
    return made


def beta() -> Tenant:
    return Tenant.objects.get(schema_name="t_beta")


def test_who_has_several_may_change(both: User) -> None:
    here = client(both)
    assert 'data-load="/ui/companies"' in here.get("/").content.decode()
    shown = here.get("/ui/companies").content.decode()
    assert 'aria-current="true"' in shown and f"/ui/companies/{beta().pk}/enter" in shown
    assert shown.count("<form") == 1  # not to where one is
    answer = here.post(f"/ui/companies/{beta().pk}/enter")
    there = re.fullmatch(r"http://beta\.localhost(/enter/[^/]+/)", answer["Location"])
    assert answer.status_code == 302 and there
    browser = Client(HTTP_HOST=BETA)  # its cookies are that host's own
    assert browser.get("/").status_code == 302
    assert browser.get(there[1])["Location"] == "/"
    assert "Beta" in browser.get("/").content.decode()
    assert Client(HTTP_HOST=BETA).get(there[1])["Location"] == "/accounts/login/"  # spent
    assert "no-store" in answer["Cache-Control"]


def test_who_has_one_is_offered_nothing() -> None:
    user = User.objects.create_user("one@place.example", "long-enough-word")
    Membership.objects.create(
        user=user, tenant=Tenant.objects.get(schema_name="t_acme"), role="owner", created_at=clock.now()
    )
    here = client(user)
    assert "/ui/companies" not in here.get("/").content.decode()
    assert here.post(f"/ui/companies/{beta().pk}/enter").status_code == 404
    assert not EntryPass.objects.exists()


def test_a_former_place_is_none(both: User) -> None:
    here = client(both)
    Membership.objects.filter(user=both, tenant=beta()).update(active=False)
    assert "/ui/companies" not in here.get("/").content.decode()
    assert here.post(f"/ui/companies/{beta().pk}/enter").status_code == 404
    assert here.post("/ui/companies/999999/enter").status_code == 404


def test_a_company_that_is_closed_or_not_ready(both: User) -> None:
    here = client(both)
    Tenant.objects.filter(pk=beta().pk).update(state=Tenant.PAUSED)
    shown = here.get("/ui/companies").content.decode()
    assert "Beta" in shown and "<form" not in shown
    assert here.post(f"/ui/companies/{beta().pk}/enter").status_code == 404
    Tenant.objects.filter(pk=beta().pk).update(state=Tenant.CLOSED)
    assert "/ui/companies" not in here.get("/").content.decode()


def test_it_takes_a_click_and_its_token(both: User) -> None:
    """Neither a picture's address nor another site's form takes anybody anywhere."""
    assert client(both).get(f"/ui/companies/{beta().pk}/enter").status_code == 405
    strict = Client(HTTP_HOST=ACME, enforce_csrf_checks=True)
    strict.force_login(both)
    assert strict.post(f"/ui/companies/{beta().pk}/enter").status_code == 403
    assert Client(HTTP_HOST=ACME).post(f"/ui/companies/{beta().pk}/enter").status_code == 302  # to the sign-in
    assert not EntryPass.objects.exists()


def test_it_costs_no_query_more(both: User) -> None:
    here, spent = client(both), []
    for several in (True, False):
        Membership.objects.filter(user=both, tenant=beta()).update(active=several)
        here.get("/ui/bell")
        with CaptureQueriesContext(connection) as queries:
            here.get("/ui/bell")
        spent.append([query["sql"] for query in queries.captured_queries])
    assert len(spent[0]) == len(spent[1])
    assert sum("tenants_membership" in sql for sql in spent[0]) == 1

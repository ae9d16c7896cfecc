"""Hosts, sessions, passes, forged forms and redirects."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client

from core import clock
from core.permissions import OWNER, VIEWER
from core.tenancy import tenant_context
from orders.models import Order
from tenants import services
from tenants.models import EntryPass, Membership, Tenant, User
from tests.isolation.routes import MEMBERS
from tests.security.conftest import SignIn, Two
from tests.support.database import ACME, BETA

pytestmark = pytest.mark.django_db


def owner(schema: str) -> User:
    return Membership.objects.get(tenant__schema_name=schema, role=OWNER).user


@pytest.mark.parametrize(
    "host",
    [
        "acme.localhost.evil.example",
        "evil.example",
        "acme.localhost@evil.example",
        "acme.localhost,beta.localhost",
        "acme%2elocalhost",
        "xn--acme.localhost",
        ".localhost",
        "t_acme.localhost",
        "public.localhost",
        "acme..localhost",
        " ",
    ],
)
def test_other_hosts_are_not_there(host: str) -> None:
    response = Client(HTTP_HOST=host, raise_request_exception=False).get("/orders/")
    assert response.status_code in (400, 404)
    assert b"Acme" not in response.content


def test_forwarded_hosts_change_nothing(sign_in: SignIn, two: Two) -> None:
    stranger = sign_in(schema=BETA)
    headers = {"HTTP_X_FORWARDED_HOST": "acme.localhost", "HTTP_FORWARDED": "host=acme.localhost"}
    page = stranger.get("/orders/?tab=all", **headers)
    assert page.status_code == 200
    assert b"NEAR-1" not in page.content
    page = Client(HTTP_HOST="acme.localhost").get("/orders/", HTTP_X_ORIGINAL_URL="/health", HTTP_X_REWRITE_URL="/")
    assert page.status_code == 302


@pytest.mark.parametrize("host", ["ACME.LOCALHOST", "acme.localhost:8000", "acme.localhost."])
def test_spellings_of_a_host_are_the_same_tenant_or_none(sign_in: SignIn, two: Two, host: str) -> None:
    stranger = sign_in(schema=BETA)
    response = stranger.get("/orders/?tab=all", HTTP_HOST=host)
    assert response.status_code in (400, 404)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "10.0.0.7"])
def test_a_bare_host_is_no_tenants_outside_of_the_demo(acme: str, settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    demo = Tenant.objects.get(schema_name=ACME)
    Tenant.objects.filter(pk=demo.pk).update(schema_name="t_demo")
    try:
        client = Client(HTTP_HOST=host)
        client.force_login(owner("t_demo"))
        assert client.get("/orders/").status_code == 404
    finally:
        Tenant.objects.filter(pk=demo.pk).update(schema_name=ACME)


def test_a_session_is_worth_nothing_where_one_is_no_member(sign_in: SignIn, two: Two) -> None:
    stranger = sign_in(schema=BETA)
    there = Client(HTTP_HOST="acme.localhost")
    there.cookies.load(stranger.cookies)
    for path in ("/", "/orders/", f"/orders/{two.near.pk}/", "/accounts/password/change/", "/accounts/2fa/"):
        assert there.get(path).status_code == 404, path


def test_staff_and_superusers_are_no_members() -> None:
    boss = User.objects.create_superuser("root@sampan.example", "long-enough-word")
    client = Client(HTTP_HOST="acme.localhost")
    client.force_login(boss)
    assert client.get("/orders/").status_code == 404


def test_a_pass_opens_its_tenant_once_and_for_its_user() -> None:
    user, acme = owner(ACME), Tenant.objects.get(schema_name=ACME)
    beta = Tenant.objects.get(schema_name=BETA)
    Membership.objects.create(user=user, tenant=beta, role=VIEWER, created_at=clock.now())
    token = services.entry_pass(user=user, tenant=acme)
    client = Client(HTTP_HOST="beta.localhost")
    assert client.get(f"/enter/{token}/")["Location"] == "/accounts/login/"
    first = Client(HTTP_HOST="acme.localhost")
    assert first.get(f"/enter/{token}/")["Location"] == "/"
    second = Client(HTTP_HOST="acme.localhost")
    assert second.get(f"/enter/{token}/")["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in second.session
    assert token not in str(list(EntryPass.objects.values()))


def test_a_pass_made_up_or_of_another_purpose_is_worth_nothing() -> None:
    for token in ("x", "x:y", signing.Signer().sign("x"), signing.Signer(salt="tenants.entry_pass").sign("x"), "%00"):
        client = Client(HTTP_HOST="acme.localhost")
        assert client.get(f"/enter/{token}/").status_code in (302, 404)
        assert "_auth_user_id" not in client.session


def test_a_pass_dies_with_the_membership() -> None:
    acme = Tenant.objects.get(schema_name=ACME)
    user = User.objects.create_user("temp@acme.example", "long-enough-word")
    member = Membership.objects.create(user=user, tenant=acme, role=VIEWER, created_at=clock.now())
    token = services.entry_pass(user=user, tenant=acme)
    Membership.objects.filter(pk=member.pk).update(active=False)
    client = Client(HTTP_HOST="acme.localhost", raise_request_exception=False)
    client.get(f"/enter/{token}/")
    assert client.get("/orders/").status_code in (302, 404)


def test_signing_in_changes_the_session_key() -> None:
    client = Client(HTTP_HOST="acme.localhost")
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = "x"
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    token = services.entry_pass(user=owner(ACME), tenant=Tenant.objects.get(schema_name=ACME))
    client.get(f"/enter/{token}/")
    assert client.cookies["sessionid"].value != session.session_key
    assert not Session.objects.filter(pk=session.session_key).exists()


def test_every_form_wants_its_token(sign_in: SignIn, two: Two) -> None:
    member = sign_in()
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="acme.localhost", raise_request_exception=False)
    strict.cookies.load(member.cookies)
    from django.urls import NoReverseMatch, reverse

    checked = 0
    for name, given in MEMBERS.items():
        try:
            path = reverse(name, urlconf="config.urls_tenant", kwargs=given)
        except NoReverseMatch:
            continue
        for headers in ({}, {"HTTP_HX_REQUEST": "true"}, {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"}):
            response = strict.post(path, {"id": two.near.pk, "all": "1", "note": "x", "add": "x"}, **headers)
            # The interface for programs takes no sign-in of a browser for its writes: it asks for a key.
            fine = (401, 403, 404, 405) if name.startswith("api-v1:") else (403, 404, 405)
            assert response.status_code in fine, f"{name}: {response.status_code}"
            checked += response.status_code == 403
    assert checked > 50
    assert two.state(two.near) == "ready"


def test_reading_changes_nothing(sign_in: SignIn, two: Two) -> None:
    client = sign_in()
    with tenant_context(ACME):
        before = list(Order.objects.order_by("pk").values_list("state", "version", "tags"))
    acts = "hold route cancel book tag take-back settle pull".split()
    for path in [f"/orders/{two.near.pk}/{act}" for act in acts] + ["/orders/bulk/cancel?all=1", "/orders/bulk/hold"]:
        assert client.get(path).status_code == 405, path
        assert client.head(path).status_code == 405, path
        assert client.post(path.replace("/orders/", "/nothing/"), HTTP_X_HTTP_METHOD_OVERRIDE="POST").status_code == 404
        assert client.get(path, HTTP_X_HTTP_METHOD_OVERRIDE="POST").status_code == 405
    with tenant_context(ACME):
        assert list(Order.objects.order_by("pk").values_list("state", "version", "tags")) == before


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "\t//evil.example",
    ],
)
def test_nobody_is_sent_elsewhere(sign_in: SignIn, to: str) -> None:
    client = sign_in()
    for path, field in (("/ui/language", "language"), ("/ui/theme", "theme"), ("/ui/columns/orders", "column")):
        response = client.post(path, {"next": to, field: "en"})
        assert response["Location"].startswith("/") and "evil" not in response["Location"], path
        response = client.post(path, {field: "en"}, HTTP_REFERER=to)
        assert "evil" not in response["Location"] and "javascript" not in response["Location"]
    stranger = Client(HTTP_HOST="acme.localhost")
    given = {"login": "owner@acme.localhost", "password": "correct-horse-battery", "next": to}
    response = stranger.post("/accounts/login/", given)
    assert response.status_code == 302
    assert response["Location"] == "/"
    asked = Client(HTTP_HOST="acme.localhost").get("//evil.example/orders/")
    assert not asked.get("Location", "").startswith("//")


def test_an_asking_fragment_leads_back_inside_only() -> None:
    stranger = Client(HTTP_HOST="acme.localhost")
    headers = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "https://evil.example//evil.example/x"}
    to = stranger.get("/orders/", **headers)["HX-Redirect"]
    assert to.startswith("/accounts/login/?next=")
    response = stranger.post(to, {"login": "owner@acme.localhost", "password": "correct-horse-battery"})
    assert response["Location"] in ("/", "/x") or not response["Location"].startswith("//")


def test_cookies_stay_on_their_host_and_out_of_scripts(sign_in: SignIn) -> None:
    client = Client(HTTP_HOST="acme.localhost")
    response = client.post("/accounts/login/", {"login": "owner@acme.localhost", "password": "correct-horse-battery"})
    cookie = response.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and not cookie["domain"]
    page = client.get("/")
    assert page["X-Frame-Options"] == "DENY"
    assert (
        "script-src 'self'" in page["Content-Security-Policy"] and "unsafe-eval" not in page["Content-Security-Policy"]
    )
    assert "no-store" in page["Cache-Control"]

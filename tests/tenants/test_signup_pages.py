"""Sign-up, the list of companies, invitations and the door, as a browser sees them on two hosts."""

from __future__ import annotations

import itertools
import re
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from allauth.core.internal import ratelimit as counting
from django.core.cache import cache
from django.test import Client, RequestFactory

from core.clock import now
from core.permissions import system
from tenants import services
from tenants.models import Membership, Tenant, User
from tenants.services import signup

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
FORM = {
    "company": "Blue Sea Ltd.",
    "address": "",
    "name": "Ann",
    "email": "Ann@Example.com",
    "password": PASSWORD,
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "language": "en",
}


@pytest.fixture
def public() -> Client:
    return Client(HTTP_HOST="www.localhost")


def follow(client: Client, response) -> tuple[Client, str]:
    """Follow redirects over hosts, as a browser with host-only cookies does; gives the last client and path."""
    clients = {client.defaults["HTTP_HOST"]: client}
    host = client.defaults["HTTP_HOST"]
    for _hop in range(8):
        if response.status_code not in (301, 302, 303):
            return clients[host], response.request["PATH_INFO"]
        to = urlsplit(response["Location"])
        host = to.netloc or host
        at = clients.setdefault(host, Client(HTTP_HOST=host))
        if to.path == "/" and host.partition(":")[0] not in ("localhost", "www.localhost"):
            return at, "/"
        response = at.get(f"{to.path}?{to.query}" if to.query else to.path)
    raise AssertionError("redirects without end")


def user_of(client: Client) -> int | None:
    key = client.session.get("_auth_user_id")
    return int(key) if key else None


def test_sign_up_opens_a_company_and_ends_signed_in_on_its_host(public):
    assert public.get("/signup/").status_code == 200
    inside, path = follow(public, public.post("/signup/", FORM))
    tenant = Tenant.objects.get(schema_name="t_blue_sea_ltd")
    user = User.objects.get(email="ann@example.com")
    assert (tenant.name, tenant.state, tenant.currency) == ("Blue Sea Ltd.", Tenant.ACTIVE, "CNY")
    assert inside.defaults["HTTP_HOST"] == "blue-sea-ltd.localhost"
    assert path == "/"
    assert user_of(inside) == user.pk
    assert Membership.objects.get(tenant=tenant, user=user).role == "owner"
    assert EmailAddress.objects.filter(user=user, email="ann@example.com").exists()


def test_the_port_of_the_browser_is_kept(public):
    public.defaults["HTTP_HOST"] = "localhost:8000"
    inside, _ = follow(public, public.post("/signup/", FORM))
    assert inside.defaults["HTTP_HOST"] == "blue-sea-ltd.localhost:8000"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "123456789012"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"email": "no address"}, "email"),
        ({"email": "owner@acme.localhost"}, "email"),
        ({"address": "acme"}, "address"),
        ({"address": "www"}, "address"),
        ({"address": "-x-"}, "address"),
        ({"company": " "}, "company"),
        ({"currency": "ZZZ"}, "currency"),
    ],
)
def test_what_is_refused_is_said_beside_the_field(public, changes, field):
    before = Tenant.objects.count()
    response = public.post("/signup/", FORM | changes)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert "tenants." not in str(response.context["form"].errors)  # a sentence, not a code
    assert Tenant.objects.count() == before
    assert user_of(public) is None


def test_a_chinese_name_gets_an_address(public):
    inside, _ = follow(public, public.post("/signup/", FORM | {"company": "深圳市蓝海贸易有限公司"}))
    assert re.fullmatch(r"seller-\d{6}\.localhost", inside.defaults["HTTP_HOST"])


def test_the_same_name_twice_gets_two_addresses():
    taken = {services.free_address("Acme")} | {services.free_address("ACME!")}
    assert all(re.fullmatch(r"acme-\d{5}", label) for label in taken)
    assert services.free_address("www").startswith("seller-www")


def test_a_second_company_of_one_user(public, acme):
    owner = Membership.objects.get(tenant__schema_name=acme).user
    public.force_login(owner)
    page = public.get("/signup/").content.decode()
    assert 'name="password"' not in page
    inside, _ = follow(public, public.post("/signup/", FORM | {"email": "evil@example.com"}))
    assert inside.defaults["HTTP_HOST"] == "blue-sea-ltd.localhost"
    assert not User.objects.filter(email="evil@example.com").exists()
    page = public.get("/tenants/").content.decode()
    assert "Blue Sea Ltd." in page
    assert "Acme" in page
    assert "Beta" not in page


def test_an_unconfirmed_address_does_not_get_in_where_confirmation_is_asked_for(public, settings, mailoutbox):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    response = public.post("/signup/", FORM)
    assert response["Location"] == "/accounts/confirm-email/"
    assert user_of(public) is None
    assert len(mailoutbox) == 1
    link = re.search(r"https?://\S+(/accounts/confirm-email/\S+)", mailoutbox[0].body)
    assert link
    public.post(link[1])
    assert EmailAddress.objects.get(email="ann@example.com").verified


def test_one_place_opens_no_thousand_companies_a_day(public, monkeypatch):
    """Slowly enough for the limit of a minute."""
    cache.clear()
    at = itertools.count(1_790_000_000, 4)
    monkeypatch.setattr(counting.time, "time", lambda: next(at))
    asked = RequestFactory().post("/signup/", REMOTE_ADDR="127.0.0.1")
    assert all(ratelimit.consume(asked, action="signup") for _ in range(199))
    assert [public.post("/signup/", {"company": ""}).status_code for _ in range(2)] == [200, 429]
    cache.clear()


def test_who_signs_up_with_an_address_that_gets_its_account_meanwhile_is_not_let_into_it(public, monkeypatch):
    """Two at once: the sign-up has looked, then the other's account is made, then the company is."""
    real = signup.provision

    def later(**given):
        User.objects.create_user("ann@example.com", "the-other-ones-word")
        return real(**given)

    monkeypatch.setattr(signup, "provision", later)
    response = public.post("/signup/", FORM)
    assert list(response.context["form"].errors) == ["email"]
    assert user_of(public) is None
    assert not Membership.objects.filter(user__email="ann@example.com").exists()
    assert not Tenant.objects.filter(name=FORM["company"]).exists()


def test_only_members_enter(public, acme, beta):
    owner = Membership.objects.get(tenant__schema_name=acme).user
    theirs = Tenant.objects.get(schema_name=beta)
    assert public.get(f"/tenants/{theirs.pk}/enter/").status_code == 302  # to the sign-in
    public.force_login(owner)
    assert public.get(f"/tenants/{theirs.pk}/enter/").status_code == 404
    assert public.get("/tenants/999999/enter/").status_code == 404


def test_a_void_pass_leads_to_the_sign_in(acme):
    inside = Client(HTTP_HOST="acme.localhost")
    assert inside.get("/enter/nonsense/")["Location"] == "/accounts/login/"
    assert user_of(inside) is None


def test_an_invited_person_joins_by_the_link(public, acme):
    tenant = Tenant.objects.get(schema_name=acme)
    invitation = services.invite(actor=system("test"), tenant=tenant, email="new@example.com", role="clerk")
    link = f"/invitations/{invitation.token}/"
    assert "Acme" in public.get(link).content.decode()
    weak = public.post(link, {"name": "New", "password": "short"})
    assert list(weak.context["form"].errors) == ["password"]
    inside, _ = follow(public, public.post(link, {"name": "New", "password": PASSWORD}))
    assert inside.defaults["HTTP_HOST"] == "acme.localhost"
    assert user_of(inside) == User.objects.get(email="new@example.com").pk
    assert public.get(link).status_code == 404


def test_a_known_person_signs_in_to_join(public, acme, beta):
    known = Membership.objects.get(tenant__schema_name=beta).user
    tenant = Tenant.objects.get(schema_name=acme)
    invitation = services.invite(actor=system("test"), tenant=tenant, email=known.email, role="clerk")
    link = f"/invitations/{invitation.token}/"
    page = public.get(link).content.decode()
    assert "/accounts/login/?next=" in page
    # Knowing the link is not enough to take over the account.
    public.post(link, {"name": "x", "password": "another-password-9"})
    assert user_of(public) is None
    assert not Membership.objects.filter(user=known, tenant=tenant).exists()
    response = public.post(f"/accounts/login/?next={link}", {"login": known.email, "password": PASSWORD})
    assert response["Location"] == link
    public.post(link)
    assert Membership.objects.get(user=known, tenant=tenant).role == "clerk"


def test_somebody_else_cannot_use_the_invitation(public, acme, beta):
    tenant = Tenant.objects.get(schema_name=acme)
    other = Membership.objects.get(tenant__schema_name=beta).user
    invitation = services.invite(actor=system("test"), tenant=tenant, email="new@example.com", role="owner")
    public.force_login(other)
    public.post(f"/invitations/{invitation.token}/")
    assert not Membership.objects.filter(user=other, tenant=tenant).exists()


# -- signing in


def sign_in(host: str, email: str, password: str = PASSWORD):
    client = Client(HTTP_HOST=host)
    return client, client.post("/accounts/login/", {"login": email, "password": password})


@pytest.mark.parametrize("host", ["acme.localhost", "localhost"])
def test_signing_in(host, acme):
    client, response = sign_in(host, "owner@acme.localhost")
    assert response.status_code == 302
    assert user_of(client) is not None
    cookie = client.cookies["sessionid"]
    assert cookie["domain"] == ""  # of this host only
    assert cookie["httponly"]


def test_on_a_tenants_host_only_members_sign_in(acme):
    client, response = sign_in("acme.localhost", "owner@beta.localhost")
    other, wrong = sign_in("acme.localhost", "owner@beta.localhost", "wrong-password-1")
    assert user_of(client) is None
    assert user_of(other) is None
    # The same answer, whether the password was right or not.
    assert response.context["form"].errors == wrong.context["form"].errors


@pytest.mark.parametrize(("language", "words"), [("en", "does not belong to this company"), ("zh-hans", "该公司")])
def test_a_wrong_password_is_said_in_the_readers_language(language, words, acme):
    client = Client(HTTP_HOST="acme.localhost", HTTP_ACCEPT_LANGUAGE=language)
    response = client.post("/accounts/login/", {"login": "owner@acme.localhost", "password": "wrong-password-1"})
    assert words in response.content.decode()


def test_after_five_wrong_passwords_the_account_rests_on_every_host(acme):
    cache.clear()
    for host in ("acme.localhost", "localhost", "beta.localhost", "acme.localhost", "localhost"):
        sign_in(host, "owner@acme.localhost", "wrong-password-1")
    client, response = sign_in("acme.localhost", "owner@acme.localhost")  # with the right password
    assert user_of(client) is None
    assert "Too many" in str(response.context["form"].errors)


def test_sign_ups_are_limited(public):
    cache.clear()
    codes = [public.post("/signup/", FORM | {"password": "short"}).status_code for _ in range(21)]
    assert codes == [200] * 20 + [429]


def test_accounts_are_not_opened_on_a_tenants_host(acme):
    client = Client(HTTP_HOST="acme.localhost")
    assert "By invitation" in client.get("/accounts/signup/").content.decode()
    client.post("/accounts/signup/", {"email": "x@example.com", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.filter(email="x@example.com").exists()


def test_two_factors(acme):
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import (
        TOTP,
        format_hotp_value,
        generate_totp_secret,
        hotp_value,
        yield_hotp_counters_from_time,
    )

    user = User.objects.get(email="owner@acme.localhost")
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    assert Authenticator.objects.filter(user=user).count() >= 1
    client, response = sign_in("acme.localhost", "owner@acme.localhost")
    assert response["Location"].startswith("/accounts/2fa/authenticate/")
    assert user_of(client) is None
    page = client.get("/accounts/2fa/authenticate/")
    assert page.status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert user_of(client) is None
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert user_of(client) == user.pk


# -- the check on every request


def test_a_deactivated_member_is_out_at_once(acme):
    client, _ = sign_in("acme.localhost", "owner@acme.localhost")
    assert client.get("/accounts/email/").status_code == 200
    member = Membership.objects.get(tenant__schema_name=acme)
    second = Membership.objects.create(
        user=User.objects.create_user("2@example.com", PASSWORD), tenant=member.tenant, role="owner", created_at=now()
    )
    services.deactivate_member(actor=system("test"), tenant=second.tenant, membership_id=member.pk)
    assert client.get("/accounts/email/").status_code == 404
    services.reactivate_member(actor=system("test"), tenant=second.tenant, membership_id=member.pk)
    assert client.get("/accounts/email/").status_code == 200
    User.objects.filter(pk=member.user_id).update(is_active=False)
    assert client.get("/accounts/email/").status_code in (302, 404)


def test_a_session_of_one_host_is_worth_nothing_on_another(acme, beta):
    client, _ = sign_in("acme.localhost", "owner@acme.localhost")
    stolen = Client(HTTP_HOST="beta.localhost")
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert stolen.get("/accounts/email/").status_code == 404
    assert stolen.post("/accounts/logout/").status_code == 302


@pytest.mark.parametrize("state", [Tenant.PAUSED, Tenant.PROVISIONING])
def test_a_tenant_that_is_worked_on_says_so(state, acme):
    Tenant.objects.filter(schema_name=acme).update(state=state)
    response = Client(HTTP_HOST="acme.localhost").get("/accounts/login/")
    assert response.status_code == 503
    assert response["Retry-After"] == "60"


def test_closed_and_unknown_hosts_are_not_there(acme):
    Tenant.objects.filter(schema_name=acme).update(state=Tenant.CLOSED)
    for host in ("acme.localhost", "nobody.localhost"):
        assert Client(HTTP_HOST=host).get("/accounts/login/").status_code == 404


def test_every_account_page_shows(acme):
    """Pages of allauth in the product's look, signed in and not, in both languages."""
    for language in ("en", "zh-hans"):
        client = Client(HTTP_HOST="acme.localhost", HTTP_ACCEPT_LANGUAGE=language)
        for path in ("login/", "password/reset/", "password/reset/done/", "signup/", "inactive/", "confirm-email/"):
            page = client.get(f"/accounts/{path}")
            assert page.status_code == 200, path
            assert "plain-card" in page.content.decode(), path
        client.force_login(User.objects.get(email="owner@acme.localhost"))
        for path in ("logout/", "email/", "password/change/", "2fa/"):
            page = client.get(f"/accounts/{path}", follow=True)
            assert page.status_code == 200, path
            assert "plain-card" in page.content.decode(), path

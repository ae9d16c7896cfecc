"""Passwords, lock-out, who is known, second factors, resetting."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client

from core import clock
from core.permissions import OWNER
from tenants.models import Membership, User
from tests.security.conftest import PASSWORD, SignIn

pytestmark = pytest.mark.django_db
OWNER_MAIL = "owner@acme.localhost"
RIGHT = "correct-horse-battery"


def try_to_sign_in(email: str, password: str, **headers: str) -> Client:
    client = Client(HTTP_HOST="acme.localhost")
    client.post("/accounts/login/", {"login": email, "password": password}, **headers)
    return client


def test_spellings_of_an_address_share_their_attempts() -> None:
    """Five wrong ones, each spelt otherwise (also with letters whose capital is an ASCII one), from other places."""
    user = User.objects.create_user("kiss@acme.example", RIGHT)
    Membership.objects.create(
        user=user,
        tenant_id=Membership.objects.get(user__email=OWNER_MAIL).tenant_id,
        role=OWNER,
        created_at=clock.now(),
    )
    spellings = [
        "kiss@acme.example",
        "KISS@acme.example",
        " kiss@acme.example ",
        "ki\u017f\u017f@acme.example",
        "\u212aiss@acme.example",
        "ki\u017fs@acme.example",
        "k\u0131ss@acme.example",
        "kis\u017f@acme.example",
        "Kiss@ACME.example",
    ]
    for number, spelling in enumerate(spellings):
        try_to_sign_in(spelling, "wrong-word-wrong", REMOTE_ADDR=f"10.0.1.{number}")
    client = try_to_sign_in("kiss@acme.example", RIGHT, REMOTE_ADDR="10.0.1.99")
    assert "_auth_user_id" not in client.session
    for spelling in spellings[3:]:
        client = try_to_sign_in(spelling, RIGHT, REMOTE_ADDR="10.0.1.98")
        assert "_auth_user_id" not in client.session, spelling


def test_a_made_up_client_address_gives_no_new_attempts() -> None:
    for number in range(12):
        try_to_sign_in(f"nobody{number}@acme.example", "wrong-word-wrong", HTTP_X_FORWARDED_FOR=f"10.9.8.{number}")
    client = try_to_sign_in(OWNER_MAIL, RIGHT, HTTP_X_FORWARDED_FOR="10.9.8.200")
    assert "_auth_user_id" not in client.session


def test_signing_in_tells_nobody_who_is_known() -> None:
    answers = []
    for email in (OWNER_MAIL, "owner@beta.localhost", "nobody@acme.example"):
        client = Client(HTTP_HOST="acme.localhost")
        page = client.post("/accounts/login/", {"login": email, "password": "wrong-word-wrong"})
        answers.append((page.status_code, re.sub(r'value="[^"]*"|' + re.escape(email), "", page.content.decode())))
    assert answers[0] == answers[1] == answers[2]


def test_resetting_tells_nobody_who_is_known_and_links_to_the_own_host() -> None:
    answers = []
    for email in (OWNER_MAIL, "nobody@acme.example"):
        client = Client(HTTP_HOST="acme.localhost")
        page = client.post("/accounts/password/reset/", {"email": email}, HTTP_X_FORWARDED_HOST="evil.example")
        answers.append((page.status_code, page["Location"]))
    assert answers[0] == answers[1]
    assert len(mail.outbox) == 2
    assert all("evil" not in one.body for one in mail.outbox)
    assert "http://acme.localhost/accounts/password/reset/key/" in mail.outbox[0].body
    assert "/key/" not in mail.outbox[1].body


def test_a_reset_goes_to_the_stored_address_only() -> None:
    User.objects.create_user("mike@acme.example", RIGHT)
    Client(HTTP_HOST="acme.localhost").post("/accounts/password/reset/", {"email": "mı\u212ae@acme.example"})
    assert all(one.to != ["mı\u212ae@acme.example"] or "/key/" not in one.body for one in mail.outbox)


def test_a_reset_ends_other_sessions(sign_in: SignIn) -> None:
    stolen = sign_in()
    user = User.objects.get(pk=stolen.session["_auth_user_id"])
    client = Client(HTTP_HOST="acme.localhost")
    client.post("/accounts/password/reset/", {"email": user.email})
    link = re.search(r"http://acme\.localhost(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
    assert link is not None
    form = client.get(link[1], follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "another-long-word", "password2": "another-long-word"})
    assert stolen.get("/orders/").status_code == 302
    # The link is spent.
    again = Client(HTTP_HOST="acme.localhost")
    page = again.get(link[1], follow=True)
    assert b"password1" not in page.content


@pytest.mark.parametrize("word", ["short", "123456789012", "password1234", "owner@acme.localhost", "qwertyuiop123"])
def test_weak_passwords_are_refused_wherever_one_is_set(sign_in: SignIn, word: str) -> None:
    client = sign_in()
    user = User.objects.get(pk=client.session["_auth_user_id"])
    User.objects.filter(pk=user.pk).update(name="owner@acme.localhost")
    given = {"oldpassword": PASSWORD, "password1": word, "password2": word}
    client.post("/accounts/password/change/", given)
    assert User.objects.get(pk=user.pk).check_password(PASSWORD)


def second_factor(client: Client) -> str:
    """Switch TOTP on; gives the secret."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    from allauth.mfa.totp.internal import auth

    secret = client.session["mfa.totp.secret"]
    assert secret in page
    code = auth.format_hotp_value(auth.hotp_value(secret, next(auth.yield_hotp_counters_from_time())))
    response = client.post("/accounts/2fa/totp/activate/", {"code": code})
    assert response.status_code == 302, response.content
    return str(secret)


def test_secrets_of_second_factors_are_not_in_the_database(sign_in: SignIn) -> None:
    client = sign_in()
    secret = second_factor(client)
    assert Authenticator.objects.count() == 2  # and recovery codes
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        kept = " ".join(row[0] for row in cursor.fetchall())
    assert secret not in kept
    codes = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert "recovery" in codes.lower()


def test_the_second_factor_stands_before_everything(sign_in: SignIn) -> None:
    client = sign_in()
    email = User.objects.get(pk=client.session["_auth_user_id"]).email
    second_factor(client)
    half = try_to_sign_in(email, PASSWORD)
    for path in ("/", "/orders/", "/accounts/2fa/", "/accounts/password/change/", "/files/" + "0" * 8 + "/"):
        assert half.get(path).status_code in (302, 404), path
    assert "_auth_user_id" not in half.session
    for number in range(12):
        half.post("/accounts/2fa/authenticate/", {"code": f"{number:06}"})
    assert "_auth_user_id" not in half.session
    client.post("/accounts/logout/")
    assert client.get("/orders/").status_code == 302


def test_switching_the_second_factor_off_asks_for_the_password_again(sign_in: SignIn) -> None:
    client = sign_in()
    second_factor(client)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    response = client.post("/accounts/2fa/totp/deactivate/")
    assert response.status_code == 302 and "reauthenticate" in response["Location"]
    assert Authenticator.objects.filter(type="totp").exists()


def test_second_factors_survive_a_change_of_the_master_key(sign_in: SignIn, settings) -> None:
    from django.core.management import call_command

    client = sign_in()
    email = User.objects.get(pk=client.session["_auth_user_id"]).email
    secret = second_factor(client)
    former = settings.SECRET_KEYS
    settings.SECRET_KEYS = ["a-newer-master-key", *former]
    call_command("rotate_keys")
    settings.SECRET_KEYS = ["a-newer-master-key"]
    half = try_to_sign_in(email, PASSWORD)
    from allauth.mfa.totp.internal import auth

    code = auth.format_hotp_value(auth.hotp_value(secret, list(auth.yield_hotp_counters_from_time())[-1]))
    half.post("/accounts/2fa/authenticate/", {"code": code})
    assert half.session.get("_auth_user_id")

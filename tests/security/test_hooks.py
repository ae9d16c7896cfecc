"""Calls from outside: forged, repeated, old, huge, broken, for somebody else's account."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from channels.models import Account
from channels.registry import adapter_of
from channels.services import deletion
from core import clock, http
from core.central import hooks
from core.central.models import InboundHook, Outbox
from core.errors import Rejected
from core.secrets import encrypt
from core.tenancy import tenant_context
from core.wire import HttpAnswer
from tenants.models import Tenant, WebhookRoute
from tests.support.database import ACME, BETA

pytestmark = pytest.mark.django_db
KEYS = {
    ACME: {"app_id": "a-app", "dev_id": "a-dev", "cert_id": "a-cert", "refresh_token": "r"},
    BETA: {"app_id": "b-app", "dev_id": "b-dev", "cert_id": "b-cert", "refresh_token": "r"},
}


def account(schema: str, external: str) -> None:
    with tenant_context(schema):
        made = Account.objects.create(
            platform="ebay",
            name=external,
            external_id=external,
            settings={},
            credentials=encrypt(KEYS[schema]),
            created_at=clock.now(),
        )
    tenant = Tenant.objects.get(schema_name=schema)
    WebhookRoute.objects.create(platform="ebay", external_id=external, tenant=tenant, account_id=made.pk)


def notice(user: str, keys: dict[str, str], *, at: Any = None, order: str = "O-1", head: str = "") -> bytes:
    stamp = (at or clock.now()).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    text = f"{stamp}{keys['dev_id']}{keys['app_id']}{keys['cert_id']}"
    sign = base64.b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest()).decode()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>'
        '<ebl:RequesterCredentials xmlns:ebl="urn:ebay:apis:eBLBaseComponents"><ebl:NotificationSignature>'
        f"{sign}</ebl:NotificationSignature></ebl:RequesterCredentials></soapenv:Header><soapenv:Body>"
        '<GetItemTransactionsResponse xmlns="urn:ebay:apis:eBLBaseComponents">'
        f"<Timestamp>{stamp}</Timestamp><Ack>Success</Ack><NotificationEventName>FixedPriceTransaction"
        f"</NotificationEventName><RecipientUserID>{user}</RecipientUserID><OrderID>{order}</OrderID>"
        "</GetItemTransactionsResponse></soapenv:Body></soapenv:Envelope>"
    ).encode()


def call(body: bytes, path: str = "/hooks/ebay", **headers: Any) -> int:
    client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True, raise_request_exception=False)
    return client.post(path, body, content_type="text/xml", **headers).status_code


def news(schema: str) -> int:
    return Outbox.objects.filter(schema=schema, event="channels.hook_news").count()


def test_a_forged_call_does_nothing() -> None:
    account(ACME, "shop-a")
    assert call(notice("shop-a", KEYS[BETA])) == 401
    assert call(notice("shop-a", dict.fromkeys(KEYS[ACME], ""))) == 401
    assert (news(ACME), news(BETA)) == (0, 0)
    assert call(notice("shop-a", KEYS[ACME])) == 200
    assert (news(ACME), news(BETA)) == (1, 0)


def test_who_claims_a_foreign_sellers_id_hears_and_says_nothing_there() -> None:
    account(ACME, "shop-a")
    account(BETA, "shop-a")
    assert call(notice("shop-a", KEYS[BETA])) == 200
    assert (news(ACME), news(BETA)) == (0, 1)
    assert call(notice("shop-a", KEYS[ACME])) == 200
    assert (news(ACME), news(BETA)) == (1, 1)


def test_the_same_call_again_and_an_old_one_do_nothing() -> None:
    account(ACME, "shop-a")
    body = notice("shop-a", KEYS[ACME])
    assert [call(body) for _ in range(3)] == [200] * 3
    assert news(ACME) == 1
    assert call(notice("shop-a", KEYS[ACME], at=clock.now() - timedelta(days=1))) == 401
    assert call(notice("shop-a", KEYS[ACME], at=clock.now() + timedelta(days=1))) == 401
    assert news(ACME) == 1


def test_entities_are_not_followed(tmp_path: Any) -> None:
    account(ACME, "shop-a")
    secret = tmp_path / "secret"
    secret.write_text("SECRETFILE")
    laughs = (
        '<!DOCTYPE x [<!ENTITY a "'
        + "ha" * 1000
        + '">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(8))
        + "]>"
    )
    for head, order in (
        (f'<!DOCTYPE x [<!ENTITY xx SYSTEM "file://{secret}">]>', "&xx;"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', "O-2"),
        (laughs, "&i;"),
    ):
        assert call(notice("shop-a", KEYS[ACME], head=head, order=order)) in (200, 401)
    assert "SECRETFILE" not in str(list(Outbox.objects.values_list("payload", flat=True)))
    assert all(len(str(one)) < 5000 for one in Outbox.objects.values_list("payload", flat=True))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/hooks/ebay", b""),
        ("/hooks/ebay", b"\x00\xff\xfe"),
        ("/hooks/ebay", b"<a>" * 50_000),
        ("/hooks/ebay", b"{" * 50_000),
        ("/hooks/ebay", b"[" * 100_000),
        ("/hooks/ebay/%00", b"<a/>"),
        ("/hooks/ebay/" + "x" * 3000, b"<a/>"),
        ("/hooks/ebay?%00=%00&a=\ud83d", b"<a/>"),
        ("/hooks/17track/%00", b"{}"),
        ("/hooks/17track/" + "x" * 3000, b"{}"),
        ("/hooks/17track", b"{}"),
        ("/hooks/seventeentrack/%00", b"{}"),
        ("/hooks/nothing", b"x"),
    ],
)
def test_nonsense_is_answered(path: str, body: bytes) -> None:
    path = path.encode("utf-8", "replace").decode()
    deep = base64.b64encode(b"[" * 5000).decode()
    for headers in (
        {},
        {"HTTP_X_EBAY_SIGNATURE": "\u00ff"},
        {"HTTP_X_EBAY_SIGNATURE": deep},
        {"HTTP_SIGN": "\u00ff" * 10},
        {"CONTENT_LENGTH": "-1"},
    ):
        assert call(body, path, **headers) < 500


def test_large_and_packed_bodies_are_not_read() -> None:
    assert call(b"x" * (hooks.MOST_BYTES + 1)) == 413
    packed = gzip.compress(b"<a>" + b"x" * 5_000_000 + b"</a>")
    assert call(packed, HTTP_CONTENT_ENCODING="gzip") in (200, 401)
    assert call(b"x", CONTENT_LENGTH="nonsense") == 400


def test_nobody_fills_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unsigned calls about accounts that nobody has are kept for the operators, but not without end."""
    monkeypatch.setattr(hooks, "MOST_KEPT", 5)
    account(ACME, "shop-a")
    for number in range(20):
        assert call(notice(f"nobody-{number}", KEYS[ACME])) == 200
        assert call(notice("shop-a", KEYS[BETA], order=str(number))) == 401
        signature = base64.b64encode(b'{"kid": "0123456789%d", "signature": "x"}' % number).decode()
        assert call(b'{"n": %d}' % number, HTTP_X_EBAY_SIGNATURE=signature) in (200, 401, 503)
    assert InboundHook.objects.count() <= 15
    assert call(notice("shop-a", KEYS[ACME])) == 200
    assert news(ACME) == 1


def test_what_is_kept_is_sealed() -> None:
    call(notice("nobody", KEYS[ACME], order="ORDERTEXT"))
    row = InboundHook.objects.get()
    assert b"ORDERTEXT" not in bytes(row.body)


def test_a_page_is_no_hook_and_a_hook_no_page() -> None:
    client = Client(HTTP_HOST="acme.localhost", raise_request_exception=False)
    assert client.post("/hooks/ebay", b"x", content_type="text/xml").status_code == 404
    assert Client(HTTP_HOST="localhost").get("/hooks/ebay").status_code == 405
    answer = Client(HTTP_HOST="localhost").get("/hooks/ebay?challenge_code=<script>alert(1)</script>")
    assert b"<script>" not in answer.content


def test_invented_key_ids_make_us_call_the_platform_seldom() -> None:
    """Each made us mint a token of the application, of which eBay gives some hundred a day; then genuine calls about
    closed accounts could not be judged any more."""
    deletion.forget_keys()
    adapter = adapter_of("ebay")
    installed = {"base_url": "https://192.0.2.7", "app_id": "flood", "cert_id": "x"}  # nobody lives there: not called
    refused = []
    with http.counting() as counted:
        for number in range(60):
            with pytest.raises(Rejected) as error:
                adapter.fetch_hook_key(
                    http.client("ebay:installation", f"flood-{id(refused)}"), installed, f"kid-{number:08}"
                )
            refused.append(error.value.code)
    assert counted["all"] <= 21
    assert refused[-1] == "hook.key_unknown"


def test_the_token_of_the_application_is_kept_while_it_is_good() -> None:
    class Platform:
        """eBay, as far as it answers by its documentation; ``good`` is the token that it knows."""

        def __init__(self) -> None:
            self.asked: list[str] = []
            self.good = ""

        def send(self, method: str, url: str, **given: Any) -> HttpAnswer:
            assert given["rate"], "every call has its budget"
            self.asked.append(given["operation"])
            if method == "POST":
                self.good = f"t{len(self.asked)}"
                body = {"access_token": self.good, "expires_in": 7200}
                return HttpAnswer(200, {}, json.dumps(body).encode(), url)
            status = 200 if given["headers"]["authorization"] == f"Bearer {self.good}" else 401
            return HttpAnswer(status, {}, b'{"key": "K"}', url)

    adapter, platform = adapter_of("ebay"), Platform()
    installed = {"base_url": "", "app_id": f"kept-{id(platform)}", "cert_id": "x"}
    keys = [adapter.fetch_hook_key(platform, installed, f"kid-{number:08}") for number in range(5)]
    assert keys == ["K"] * 5
    assert platform.asked == ["application_token", *["public_key"] * 5]
    platform.good = "taken back"
    assert adapter.fetch_hook_key(platform, installed, "kid-00000009") == "K"
    assert platform.asked[-3:] == ["public_key", "application_token", "public_key"]

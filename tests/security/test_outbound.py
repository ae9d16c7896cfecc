"""Addresses that a seller types: where they may lead, and what they may never get."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from channels.models import Account
from channels.services import accounts, sessions
from core import clock
from core.errors import BusinessError, Rejected
from core.http import addresses, client
from core.http.addresses import allowed
from core.permissions import MANAGER, Actor, of_role
from core.secrets import encrypt
from core.tenancy import tenant_context
from logistics.protocol import CarrierSession
from tests.security.conftest import SignIn
from tests.support.database import ACME

PRIVATE = [
    "http://127.0.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://0:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::7f00:1]:{port}/",
    "http://[::]:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://user:pw@127.0.0.1:{port}/",
    "http://8.8.8.8@127.0.0.1:{port}/",
    "http://127.0.0.1%23.example.com:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://\u2460\u2461\u2466.0.0.1:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
]


class Inner(BaseHTTPRequestHandler):
    """Something in our own network."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.path} {self.headers.get('authorization', '')}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"access_token": "t", "expires_in": 3600}')

    do_POST = do_GET

    def log_message(self, *args: Any) -> None:
        return


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    handler: Any = type("Handler", (Inner,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, handler.asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("address", PRIVATE)
def test_no_way_into_our_own_network(settings: Any, address: str) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    with listening() as (port, asked):
        with pytest.raises(Exception) as error:  # refused, or no address at all
            client("app", f"t:{address}").send("GET", address.format(port=port), operation="op", timeout=2)
        assert error.type.__name__ in ("Rejected", "Transient")
        assert asked == []


def test_a_name_that_leads_to_us_is_refused_at_each_connection(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers a public address first and a private one after (or both together)."""
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    public, private = ("8.8.8.8", 80), ("127.0.0.1", 80)
    for answers in ([private], [public, private], [("::1", 80, 0, 0)]):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in answers]
        monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *a, _found=found, **k: _found)
        with pytest.raises(Rejected):
            addresses.resolve("shop.example", 80)
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", public)])
    # What was judged is what is connected to: an address and not the name.
    assert addresses.resolve("shop.example", 80) == "8.8.8.8"


@pytest.mark.parametrize(
    "address",
    ["::127.0.0.1", "::7f00:1", "fec0::1", "100::1", "2001:db8::1", "ff02::1", "64:ff9b:1::7f00:1", "::ffff:0:7f00:1",
     "198.18.0.1", "192.0.0.1", "240.0.0.1", "255.255.255.255", "fe80::1%lo", "2002:0a00:0001::"],
)  # fmt: skip
def test_addresses_of_no_public_host(address: str) -> None:
    assert not allowed(address)


@pytest.mark.django_db
def test_connecting_to_a_private_address_says_so(sign_in: SignIn, settings: Any) -> None:
    """A sentence for the person, and nothing of what stands there."""
    settings.SANDBOX_URL = "http://127.0.0.1:1"
    actor = Actor("user", 7, "m", of_role(MANAGER))
    with listening() as (port, asked), tenant_context(ACME), pytest.raises(BusinessError) as error:
        connect_ebay(actor, f"http://127.0.0.1:{port}")
    assert asked == []
    assert "access_token" not in str(error.value)


def connect_ebay(actor: Actor, base_url: str) -> Account:
    return accounts.connect_account(
        actor=actor,
        platform="ebay",
        name="x",
        external_id="victim-seller",
        settings={"base_url": base_url},
        credentials={"app_id": "a", "dev_id": "d", "cert_id": "c", "refresh_token": "r"},
        marketplaces=["US"],
    )


def secret_account(base_url: str) -> Account:
    """Inside the tenant: an account whose secrets are kept."""
    secret = {"app_id": "app", "dev_id": "dev", "cert_id": "CERTSECRET", "refresh_token": "REFRESHSECRET"}
    return Account.objects.create(
        platform="ebay",
        name="x",
        external_id="seller",
        settings={"base_url": base_url},
        credentials=encrypt(secret),
        token=encrypt(b"TOKENSECRET"),
        token_expires_at=clock.now() + timedelta(days=1),
        created_at=clock.now(),
    )


@pytest.mark.django_db
def test_secrets_never_follow_a_changed_address() -> None:
    """Secrets are never shown again; so whoever may change settings must not send them to a server of their own."""
    actor = Actor("user", 7, "m", of_role(MANAGER))
    with tenant_context(ACME):
        account = secret_account("")
        with pytest.raises(BusinessError) as error:
            accounts.change_settings(
                actor=actor,
                account_id=account.pk,
                name="x",
                settings={"base_url": "https://collector.example"},
                timezone="UTC",
            )
        assert error.value.params["fields"] == "base_url"
        account.refresh_from_db()
        assert account.settings == {"base_url": ""}
        # Everything else may be changed.
        changed = accounts.change_settings(
            actor=actor, account_id=account.pk, name="new", settings={"base_url": ""}, timezone="UTC"
        )
        assert changed.name == "new"


@pytest.mark.django_db
def test_another_tenants_server_does_not_use_up_ones_calls() -> None:
    """Who connects a foreign seller's id at a server of their own has a budget of their own."""
    with tenant_context(ACME):
        mine, theirs = (
            secret_account(""),
            Account(platform="ebay", external_id="seller", settings={"base_url": "https://x.example"}),
        )
        theirs.credentials = mine.credentials
        here: Any = sessions.session_of(mine).http
        there: Any = sessions.session_of(theirs).http
    assert (here.application, here.account) != (there.application, there.account)


def test_secrets_are_not_in_what_gets_logged_or_shown() -> None:
    session = sessions.Session(
        client("a", "b"), "s", {}, {"refresh_token": "REFRESHSECRET"}, (), "TOKENSECRET", now=clock.now
    )
    carrier = CarrierSession(None, {}, {"key": "KEYSECRET"}, "TOKENSECRET", now=clock.now)
    assert "SECRET" not in repr(carrier)
    assert "SECRET" not in repr(session) and "SECRET" not in str(session)

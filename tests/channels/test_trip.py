"""Nothing is called by hand: stores of the simulators are connected, then only due jobs and the outbox work."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.test import Client

from channels.models import Account, RawPayload
from channels.services import accounts
from channels.services.sessions import credentials_of
from core.central import due, outbox
from core.central.models import Due, InboundHook
from core.permissions import system
from core.tenancy import public_context, tenant_context
from orders.models import Order
from tests.contract.checks import _plan

ACTOR = system("test")
NS = "urn:ebay:apis:eBLBaseComponents"


@pytest.fixture
def stores(committed_db: Any, sandbox: str, acme: str) -> dict[str, Account]:
    with tenant_context(acme):
        return {
            platform: accounts.connect_sandbox_store(
                actor=ACTOR, platform=platform, name=platform.title(), marketplace="US"
            )
            for platform in ("amazon", "ebay")
        }


def control(sandbox: str, account: Account, path: str, body: Any) -> Any:
    url = f"{sandbox}/_control/{account.platform}/accounts/{account.external_id}/{path}"
    answer = httpx.post(url, json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


def work(until: Callable[[], bool], seconds: float = 60) -> None:
    """As beat and workers do, in this process, until it is so."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, list(Due.objects.values_list("job", "error_code", "due_at"))
        due.drain()
        outbox.drain(5)


def test_orders_and_messages_of_both_come_in(stores: dict[str, Account], sandbox: str, acme: str) -> None:
    ids = {
        name: control(sandbox, account, "orders", {"orders": [_plan(f"r{i}") for i in range(3)]})["ids"]
        for name, account in stores.items()
    }
    sent = (datetime.now(UTC) - timedelta(minutes=30)).isoformat(timespec="seconds").replace("+00:00", "Z")
    message = {"ref": "m", "order_ref": "r0", "buyer_id": "b-r0", "subject": "?", "body": "When?", "sent_at": sent}
    control(sandbox, stores["ebay"], "messages", {"messages": [message]})
    amazon, ebay = stores["amazon"].pk, stores["ebay"].pk
    with tenant_context(acme):
        work(lambda: Order.objects.filter(account_id=amazon).count() == 3)
        work(lambda: RawPayload.objects.filter(account_id=ebay, kind="message").count() == 1)
        # eBay's simulator dates orders to the moment it is told of them, and we read up to two minutes ago.
        assert not Order.objects.filter(account_id=ebay).exists()
        outbox.drain(10)
        assert not RawPayload.objects.filter(state=RawPayload.DEAD).exists()
        found = set(Order.objects.filter(account_id=amazon).values_list("external_id", flat=True))
        assert found == set(ids["amazon"].values())
        assert not Due.objects.filter(schema=acme, failures__gt=0).exists()


def _notice(credentials: dict[str, Any], seller: str, order_id: str) -> bytes:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    text = f"{moment}{credentials['dev_id']}{credentials['app_id']}{credentials['cert_id']}"
    signature = base64.b64encode(hashlib.md5(text.encode()).digest()).decode()
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>'
        f'<ebl:RequesterCredentials xmlns:ebl="{NS}"><ebl:NotificationSignature>{signature}</ebl:NotificationSignature>'
        f'</ebl:RequesterCredentials></soapenv:Header><soapenv:Body><GetItemTransactionsResponse xmlns="{NS}">'
        f"<Timestamp>{moment}</Timestamp><NotificationEventName>ItemMarkedPaid</NotificationEventName>"
        f"<RecipientUserID>{seller}</RecipientUserID><TransactionArray><Transaction><ContainingOrder>"
        f"<OrderID>{order_id}</OrderID></ContainingOrder></Transaction></TransactionArray>"
        "</GetItemTransactionsResponse></soapenv:Body></soapenv:Envelope>"
    ).encode()


def test_a_notification_brings_the_order_at_once(stores: dict[str, Account], sandbox: str, acme: str) -> None:
    """Long before the next reading would; and once only, however often it is sent."""
    ebay = stores["ebay"]
    (order_id,) = control(sandbox, ebay, "orders", {"orders": [_plan("r")]})["ids"].values()
    with tenant_context(acme):
        body = _notice(credentials_of(ebay), ebay.external_id, order_id)
    post = Client(headers={"host": "localhost"}).post
    with public_context():
        for _ in range(2):
            assert post("/hooks/ebay", data=body, content_type="text/xml").status_code == 200
        forged = body.replace(b"ItemMarkedPaid", b"ItemMarkedPaid ").replace(b"NotificationSignature>", b"X>")
        assert post("/hooks/ebay", data=forged, content_type="text/xml").status_code == 401
        other = body.replace(ebay.external_id.encode(), b"nobody_here")
        assert post("/hooks/ebay", data=other, content_type="text/xml").status_code == 200
        states = list(InboundHook.objects.order_by("id").values_list("state", "times"))
        assert states == [(InboundHook.HANDED, 2), (InboundHook.REFUSED, 1), (InboundHook.UNROUTED, 1)]
    outbox.drain(10)
    with tenant_context(acme):
        assert Order.objects.get().external_id == order_id
        assert RawPayload.objects.filter(kind="order").count() == 1

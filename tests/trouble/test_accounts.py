"""Consent that is gone, calls that are forged, repeated, stale or nobody's: said, lost nothing, and mended."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from channels.models import Account, Confirmation, RawPayload
from channels.services import pull
from channels.services.sessions import credentials_of
from core.central import due
from core.central.models import InboundHook
from core.tenancy import public_context, tenant_context
from core.words import knows, say
from crm.models import Message
from fulfilment import services as floor
from orders.models import Order
from tests.support import amazon, ebay_wire
from tests.support.database import ACME
from tests.trouble.stage import ACTOR, Shop, Stage, leaks, sentence

NS = "urn:ebay:apis:eBLBaseComponents"


def plans(shop: Shop, *refs: str, **more: Any) -> list[dict[str, Any]]:
    make = amazon.plan if isinstance(shop.seller, amazon.Seller) else ebay_wire.planned
    return [make(ref, **more) for ref in refs]


def says_connect_again(stage: Stage, shop: Shop) -> None:
    """The account's page, the list and Today tell the same thing, in both languages."""
    account = Account.objects.get(pk=shop.account.pk)
    assert account.health == "reconnect"
    said = sentence(account.health_code, account.health_params)
    page = stage.page(f"/channels/{account.pk}/")
    assert said in page and say("todo.health.reconnect") in page and not leaks(page)
    assert account.name in stage.page("/channels/?tab=sick")
    assert not leaks(stage.page(f"/channels/{account.pk}/", lang="zh-hans"))
    assert "Accounts to look after" in stage.today()


def connect_again(stage: Stage, shop: Shop) -> None:
    """On the page: wrong keys are refused in words and change nothing, right ones heal."""
    fresh = shop.consent_again()
    path = f"/channels/{shop.account.pk}/reconnect"
    wrong = {f"secret-{name}": value for name, value in (fresh | {"refresh_token": "made-up"}).items()}
    refused = stage.post(path, status=200, **wrong)
    assert "refuses these credentials" in refused and not leaks(refused)
    assert Account.objects.get(pk=shop.account.pk).health == "reconnect"
    stage.post(path, **{f"secret-{name}": value for name, value in fresh.items()})
    stage.settle()
    assert Account.objects.get(pk=shop.account.pk).health == "ok"


@pytest.fixture(params=["amazon", "ebay"])
def shop(request: pytest.FixtureRequest, stage: Stage) -> Shop:
    made: Shop = getattr(stage, request.param)()
    return made


def test_revoked_between_two_pulls(stage: Stage, shop: Shop) -> None:
    """The other account goes on; what came before stays; after the new consent nothing is missing."""
    other = stage.amazon()
    before = shop.plan(*plans(shop, "before"))
    stage.pull(shop)
    shop.revoke()
    ids = {**shop.plan(*plans(shop, "meanwhile")), **before}
    fine = other.plan(*plans(other, "fine"))
    stage.pull(shop, other)
    says_connect_again(stage, shop)
    assert stage.order(fine["fine"]).state == "booked"
    assert list(Order.objects.filter(account=shop.account).values_list("external_id", flat=True)) == [before["before"]]
    connect_again(stage, shop)
    stage.pull(shop)
    assert set(Order.objects.filter(account=shop.account).values_list("external_id", flat=True)) == set(ids.values())


def test_revoked_in_the_middle_of_a_pull(stage: Stage) -> None:
    """Page one is in, the token dies before page two, and the consent with it: reading goes on at page two."""
    shop = stage.amazon()
    many = shop.plan(*plans(shop, *(f"p{n}" for n in range(130)), lines=[
        {"sku": "NOBODY-HAS", "title": "x", "quantity": 1, "unit_price": "1.00"}
    ]))  # fmt: skip
    account = shop.account

    done = pull.fetch_orders(account_id=account.pk, actor=ACTOR, on_page=lambda fresh: shop.revoke())
    assert (done.pages, done.done) == (1, False)
    says_connect_again(stage, shop)
    assert RawPayload.objects.filter(account=account).count() == 100
    stage.settle()
    assert Order.objects.filter(account=account).count() == 100, "what was read is not held back"
    connect_again(stage, shop)
    due.run_now(ACME, "orders.pull", str(account.pk))
    stage.settle()
    assert Order.objects.filter(account=account).count() == len(many)
    assert not stage.dead(shop)


def test_an_access_token_that_only_ran_out(stage: Stage, shop: Shop) -> None:
    shop.plan(*plans(shop, "one"))
    if isinstance(shop.seller, amazon.Seller):
        shop.seller.control("@/expire", {})
    else:
        shop.seller.control("expire")
    stage.pull(shop)
    assert Order.objects.filter(account=shop.account).count() == 1
    assert Account.objects.get(pk=shop.account.pk).health == "ok"


def test_revoked_when_the_platform_is_to_be_told(stage: Stage, shop: Shop) -> None:
    ids = shop.plan(*plans(shop, "told"))
    stage.pull(shop)
    order = stage.order(ids["told"])
    shop.revoke()
    floor.hand_over(actor=ACTOR, shipment_ids=[stage.parcel(order).pk])
    stage.settle()
    order.refresh_from_db()
    waiting = Confirmation.objects.get(order_ref=order.pk)
    assert (order.state, waiting.state) == ("handed", "wanted")
    says_connect_again(stage, shop)
    page = stage.page(stage.order_page(order))
    assert "To be told" in page and not leaks(page)
    connect_again(stage, shop)
    waiting.refresh_from_db()
    assert waiting.state == "confirmed"
    (told,) = shop.known(order.external_id)["confirmations"]
    assert told["tracking_number"] == stage.parcel(order).tracking_number
    assert shop.known(order.external_id)["confirm_calls"] == 1


def test_revoked_when_a_message_is_to_be_sent(stage: Stage) -> None:
    shop = stage.ebay()
    asked = {
        "ref": "q",
        "order_ref": None,
        "buyer_id": "b-q",
        "subject": "?",
        "body": "When?",
        "sent_at": ebay_wire.ago(minutes=30),
    }
    shop.seller.control("messages", messages=[asked])
    stage.pull(shop, job="messages")
    message = Message.objects.get(account_id=shop.account.pk)
    shop.revoke()
    stage.post(f"/inbox/{message.conversation_id}/answer", body="Tomorrow.", key="k-revoked", seen=message.pk)
    stage.settle()
    answer = Message.objects.get(key="k-revoked")
    assert answer.state == "queued"
    says_connect_again(stage, shop)
    page = stage.page(f"/inbox/{message.conversation_id}/")
    assert "Tomorrow." in page and not leaks(page)
    connect_again(stage, shop)
    answer.refresh_from_db()
    assert answer.state == "sent"
    (there,) = shop.seller.known("messages")
    assert [one["body"] for one in there["answers"]] == ["Tomorrow."]


# -- calls from outside -------------------------------------------------------------------------------------------------


def notice(secret: dict[str, str], seller: str, order_id: str, at: datetime | None = None, key: str = "") -> bytes:
    moment = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    text = f"{moment}{secret['dev_id']}{secret['app_id']}{key or secret['cert_id']}"
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


CALLS = ("wrong signature", "changed on its way", "too old", "from the future", "nobody's", "no XML", "empty")


@pytest.fixture(scope="module")
def caller(house: Stage) -> tuple[Shop, str, dict[str, str]]:
    with tenant_context(ACME):
        shop = house.ebay()
        due.pause(ACME, "orders.pull", str(shop.account.pk))  # only calls bring orders here
        (order_id,) = shop.plan(*plans(shop, "called")).values()
        return shop, order_id, credentials_of(Account.objects.get(pk=shop.account.pk))


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_not_believed(stage: Stage, caller: tuple[Shop, str, dict[str, str]], name: str) -> None:
    """It does nothing, is kept for the operators with its reason, and is answered as the platform expects."""
    shop, order_id, secret = caller
    seller = shop.account.external_id
    good = notice(secret, seller, order_id)
    body, status, state, code = {
        "wrong signature": (notice(secret, seller, order_id, key="guessed"), 401, InboundHook.REFUSED, "hook.bad_signature"),
        "changed on its way": (good.replace(b"<Timestamp>", b"<Timestamp> "), 401, InboundHook.REFUSED, "hook.bad_signature"),
        "too old": (
            notice(secret, seller, order_id, datetime.now(UTC) - timedelta(hours=2)), 401, InboundHook.REFUSED, "hook.too_old"
        ),
        "from the future": (
            notice(secret, seller, order_id, datetime.now(UTC) + timedelta(hours=2)), 401, InboundHook.REFUSED, "hook.too_old"
        ),
        "nobody's": (notice(secret, "nobody_here", order_id), 200, InboundHook.UNROUTED, "hook.unrouted"),
        "no XML": (b"<html>\xff", 200, InboundHook.UNROUTED, "hook.unrouted"),
        "empty": (b"", 200, InboundHook.UNROUTED, "hook.unrouted"),
    }[name]  # fmt: skip
    with public_context():
        answer = Client(headers={"host": "localhost"}).post("/hooks/ebay", data=body, content_type="text/xml")
        assert answer.status_code == status
        row = InboundHook.objects.order_by("-id")[0]
        assert (row.state, row.error_code) == (state, code)
    sentence(code, {})
    stage.settle()
    assert not Order.objects.filter(external_id=order_id).exists()


def test_a_replayed_call_is_answered_and_done_once(stage: Stage, caller: tuple[Shop, str, dict[str, str]]) -> None:
    shop, order_id, secret = caller
    body = notice(secret, shop.account.external_id, order_id)
    with public_context():
        post = Client(headers={"host": "localhost"}).post
        for _ in range(3):
            assert post("/hooks/ebay", data=body, content_type="text/xml").status_code == 200
        row = InboundHook.objects.get(state=InboundHook.HANDED, platform="ebay")
        assert (row.times, row.body) == (3, None)
    stage.settle()
    assert Order.objects.get(external_id=order_id).state == "booked"
    assert RawPayload.objects.filter(account=shop.account, kind="order").count() == 1


def test_reasons_of_platforms_have_sentences() -> None:
    codes = ("adapter.auth_revoked", "amazon.consent_gone", "amazon.application", "adapter.permission_missing")
    assert all(knows(code) for code in codes)

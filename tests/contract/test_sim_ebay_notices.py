"""The eBay simulator over real HTTP: platform notifications and marketplace account deletion."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from tests.support.ebay_wire import NS, Seller, ago, planned
from tests.support.receiver import Received, Receiver, listening
from tests.support.simulators import running


@pytest.fixture
def receiver():
    with listening() as found:
        yield found


@pytest.fixture
def seller(simulators: str, receiver: Receiver):
    found = Seller(simulators, webhook={"url": f"{receiver.url}/ebay"})
    yield found
    found.faults()
    # Nothing more is sent to the receiver, which is closed now.
    found.call("SetNotificationPreferences", DISABLE)


DISABLE = (
    "<ApplicationDeliveryPreferences><ApplicationEnable>Disable</ApplicationEnable></ApplicationDeliveryPreferences>"
)


def read(found: Received) -> etree._Element:
    root = etree.fromstring(found.body)
    assert root.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
    return root


def text(root: etree._Element, name: str) -> str:
    return root.findtext(f".//e:{name}", "", NS)


def signed(root: etree._Element, seller: Seller) -> bool:
    credentials = seller.credentials
    clear = text(root, "Timestamp") + credentials["dev_id"] + credentials["app_id"] + credentials["cert_id"]
    wanted = base64.b64encode(hashlib.md5(clear.encode()).digest()).decode()
    return text(root, "NotificationSignature") == wanted


def events(received: list[Received]) -> list[str]:
    return sorted(text(read(found), "NotificationEventName") for found in received)


def test_a_sale_is_told_line_by_line_and_signed(seller: Seller, receiver: Receiver):
    (order_id,) = seller.plan(planned("a"))
    received = receiver.wait(4)
    assert events(received) == ["FixedPriceTransaction"] * 2 + ["ItemMarkedPaid"] * 2
    known = {line["external_line_id"] for line in seller.order(order_id)["lines"]}
    assert {text(read(found), "OrderLineItemID") for found in received} == known
    for found in received:
        root = read(found)
        assert signed(root, seller) and text(root, "RecipientUserID") == seller.credentials["user_id"]
        assert text(root, "OrderID") == order_id and text(root, "Ack") == "Success"
        assert found.headers["soapaction"].strip('"').endswith(text(root, "NotificationEventName"))
    assert len({text(read(found), "CorrelationID") for found in received}) == 4
    good, seller.credentials = seller.credentials, {**seller.credentials, "cert_id": "another"}
    assert not signed(read(received[0]), seller)
    seller.credentials = good


def test_shipping_paying_and_asking_are_told(seller: Seller, receiver: Receiver):
    (order_id,) = seller.plan(planned("a", status="pending", paid_at=None))
    receiver.wait(2)
    seller.control(f"orders/{order_id}/act", act="pay")
    receiver.wait(4)
    seller.ship(order_id)
    receiver.wait(6)
    seller.ship(order_id)
    asked = {"ref": "q", "buyer_id": "b", "subject": "?", "body": "<Wo> & 哪里?", "sent_at": ago()}
    seller.control("messages", messages=[asked])
    received = receiver.wait(7)
    assert events(received[2:]) == ["AskSellerQuestion"] + ["ItemMarkedPaid"] * 2 + ["ItemMarkedShipped"] * 2
    assert text(read(received[6]), "Body") == "<Wo> & 哪里?" and signed(read(received[6]), seller)


def test_the_seller_chooses_events_and_address(seller: Seller, receiver: Receiver):
    def enable(event: str, how: str) -> str:
        return (
            f"<NotificationEnable><EventType>{event}</EventType><EventEnable>{how}</EventEnable></NotificationEnable>"
        )

    where = f"<ApplicationURL>{receiver.url}/other</ApplicationURL><ApplicationEnable>Enable</ApplicationEnable>"
    chosen = (
        enable("FixedPriceTransaction", "Disable") + enable("ItemMarkedPaid", "Disable") + enable("ItemSold", "Enable")
    )
    inner = f"<ApplicationDeliveryPreferences>{where}</ApplicationDeliveryPreferences>"
    inner += f"<UserDeliveryPreferenceArray>{chosen}</UserDeliveryPreferenceArray>"
    assert seller.call("SetNotificationPreferences", inner).ack == "Success"
    told = seller.call("GetNotificationPreferences", "<PreferenceLevel>User</PreferenceLevel>")
    on = told.all("UserDeliveryPreferenceArray/NotificationEnable/EventType")
    assert sorted(on) == ["AskSellerQuestion", "ItemMarkedShipped", "ItemSold"]
    seller.plan(planned("a"))
    received = receiver.wait(2)
    assert events(received) == ["ItemSold"] * 2 and {found.path for found in received} == {"/other"}
    wrong = f"<UserDeliveryPreferenceArray>{enable('Nonsense', 'Enable')}</UserDeliveryPreferenceArray>"
    assert seller.call("SetNotificationPreferences", wrong).codes == [37]


def test_it_is_sent_until_it_is_taken(tmp_path: Path, receiver: Receiver):
    """A kill between two attempts loses nothing; on a fast clock the pauses are short."""
    now = time.time()
    clock = f"{now}:{now}:60"
    one = planned(
        "a", lines=[{"sku": "A", "title": "A", "quantity": 1, "unit_price": "1"}], status="pending", paid_at=None
    )
    receiver.answer = lambda _: (500, "text/plain", b"")
    with running(tmp_path, clock=clock) as server:
        seller = Seller(server.url, webhook={"url": receiver.url})
        seller.plan(one)
        receiver.wait(2)
        server.kill()
    receiver.answer = lambda _: (200, "text/plain", b"")
    before = len(receiver.received)
    with running(tmp_path, clock=clock, port=int(server.url.rsplit(":", 1)[1])):
        received = receiver.wait(before + 1)
        time.sleep(0.5)
        (told,) = seller.known("notifications")
    # The kill may strike between an attempt and its record: then one attempt was made that is not counted.
    assert told["delivered"] and 0 <= len(receiver.received) - told["attempts"] <= 1
    assert len(receiver.received) >= 3
    assert len({text(read(found), "CorrelationID") for found in received}) == 1
    assert all(signed(read(found), seller) for found in received)


def test_repeats_are_the_same_bytes(seller: Seller, receiver: Receiver):
    seller.faults({"kind": "double_webhook", "op": "FixedPriceTransaction", "times": 1})
    seller.plan(planned("a", lines=[{"sku": "A", "title": "A", "quantity": 1, "unit_price": "1"}]))
    bodies = [found.body for found in receiver.wait(3)]
    assert len(bodies) == 3 and len(set(bodies)) == 2


def test_late_and_unordered_notices_wait(seller: Seller, receiver: Receiver):
    seller.faults(
        {"kind": "late_webhook", "op": "FixedPriceTransaction"}, {"kind": "unordered_webhook", "op": "ItemMarkedPaid"}
    )
    seller.plan(planned("a", lines=[{"sku": "A", "title": "A", "quantity": 1, "unit_price": "1"}]))
    time.sleep(0.5)
    assert receiver.received == []
    assert [told["delivered"] for told in seller.known("notifications")] == [False, False]


# -- marketplace account deletion --------------------------------------------------------------------------------------

VERIFICATION = "a-verification-token-of-at-least-32-characters"


def test_account_deletion_is_challenged_signed_and_sent_again(seller: Seller, receiver: Receiver):
    endpoint = f"{receiver.url}/deletion"
    posts: list[Received] = []

    def answer(found: Received) -> tuple[int, str, bytes]:
        if found.method == "GET":
            code = parse_qs(urlsplit(found.path).query)["challenge_code"][0]
            digest = hashlib.sha256(f"{code}{VERIFICATION}{endpoint}".encode()).hexdigest()
            return 200, "application/json", json.dumps({"challengeResponse": digest}).encode()
        posts.append(found)
        return (500 if len(posts) == 1 else 204), "text/plain", b""

    receiver.answer = answer
    body = {
        "url": endpoint,
        "username": "jo & 乔",
        "userId": "ma8vp1jySJC",
        "eiasToken": "nY+sHZ2PrBmdj6wVnY+sEZ2PrA2dj6",
    }
    path = "/_control/ebay/account-deletion"
    told = seller.http.post(path, json={**body, "verification_token": VERIFICATION}).json()
    assert told["challenge"] == {"status": "200", "ok": True} and told["delivered"] and told["status"] == ["500", "204"]
    notices = [json.loads(post.body) for post in posts]
    assert notices[0]["metadata"]["topic"] == "MARKETPLACE_ACCOUNT_DELETION"
    assert [each["notification"]["publishAttemptCount"] for each in notices] == [1, 2]
    assert {each["notification"]["notificationId"] for each in notices} == {told["notificationId"]}
    assert notices[0]["notification"]["data"] == {key: body[key] for key in ("username", "userId", "eiasToken")}

    said = json.loads(base64.b64decode(posts[0].headers["x-ebay-signature"]))
    application = seller.ask_token(grant_type="client_credentials")
    assert application.status_code == 400, "a refresh token is no parameter of this grant"
    token = seller.http.post(
        "/ebay/identity/v1/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(seller.credentials["app_id"], seller.credentials["cert_id"]),
    ).json()["access_token"]
    where = f"/ebay/commerce/notification/v1/public_key/{said['kid']}"
    assert seller.http.get(where).status_code == 401
    key = seller.http.get(where, headers={"Authorization": f"Bearer {token}"}).json()
    der = base64.b64decode(
        key["key"].removeprefix("-----BEGIN PUBLIC KEY-----").removesuffix("-----END PUBLIC KEY-----")
    )
    public = serialization.load_der_public_key(der)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(said["signature"])
    public.verify(signature, posts[0].body, ec.ECDSA(hashes.SHA1()))
    with pytest.raises(InvalidSignature):
        public.verify(signature, posts[0].body + b" ", ec.ECDSA(hashes.SHA1()))


def test_a_wrong_challenge_answer_is_seen(seller: Seller, receiver: Receiver):
    receiver.answer = lambda _: (200, "application/json", b'{"challengeResponse": "no"}')
    body = {"url": receiver.url, "username": "u", "userId": "i", "eiasToken": "e", "verification_token": VERIFICATION}
    told = seller.http.post("/_control/ebay/account-deletion", json=body).json()
    assert told["challenge"] == {"status": "200", "ok": False}

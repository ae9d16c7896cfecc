"""The eBay adapter against the simulator over real HTTP, and its reading of odd answers without any wire."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from channels import canonical
from channels.adapters.ebay import client, mapping
from channels.adapters.ebay.adapter import ADAPTER
from channels.canonical import Answer, ShipNotice, Window
from channels.protocol import Session
from core.errors import AuthExpired, AuthRevoked, BadPayload, Rejected, Throttled, Transient, UnknownOutcome
from core.wire import HttpAnswer
from tests.support.ebay_wire import Seller, planned


class Wire:
    """The way out with nothing in between: what core.http adds is tested there."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def send(self, method: str, url: str, *, operation: str, headers: Mapping[str, str] | None = None, params: Any = None,
             content: bytes | None = None, writes: bool = False, timeout: float = 30.0,
             rate: tuple[float, float] | None = None) -> HttpAnswer:  # fmt: skip
        self.calls.append(operation)
        try:
            answer = httpx.request(
                method, url, headers=dict(headers or {}), params=params, content=content, timeout=timeout
            )
        except httpx.TransportError as error:
            raise (UnknownOutcome if writes else Transient)() from error
        return HttpAnswer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)


@pytest.fixture
def seller(simulators: Any) -> Seller:
    return Seller(simulators if isinstance(simulators, str) else simulators.url)


def session(seller: Seller, token: str = "") -> Session:
    base = str(seller.http.base_url).rstrip("/")
    made = Session(
        http=Wire(),
        external_account=seller.id,
        settings={"base_url": f"{base}/ebay"},
        credentials=seller.credentials,
        marketplaces=("EBAY_US",),
        access_token=token,
        now=lambda: datetime.now(UTC),
    )
    if token:
        return made
    return session(seller, ADAPTER.refresh_token(made).access)


def window() -> Window:
    now = datetime.now(UTC)
    return Window(now - timedelta(hours=2), now + timedelta(hours=1))


def everything(at: Session, where: Window) -> list[canonical.Order]:
    found, token = [], ""
    while True:
        page = ADAPTER.fetch_orders(at, where, token)
        found += [ADAPTER.parse_order(item.payload) for item in page.items]
        token = page.next_token
        if not token:
            return found


def test_an_order_is_read_to_the_cent(seller: Seller) -> None:
    (order_id,) = seller.plan(planned("r1"))
    (order,) = everything(session(seller), window())
    assert order.external_id == order_id and order.status == canonical.PAID
    assert (order.items_total, order.shipping_total, order.grand_total) == (
        Decimal("39.98"),
        Decimal("4.5"),
        Decimal("44.48"),
    )
    assert sum(line.line_total for line in order.lines) == order.items_total
    known = seller.order(order_id)
    assert [line.external_line_id for line in order.lines] == [line["external_line_id"] for line in known["lines"]]
    assert order.receiver.name == known["recipient"]["name"] and order.placed_at.tzinfo is not None
    assert order.buyer.id == known["buyer"]["id"]


def test_pages_give_every_order_once(seller: Seller) -> None:
    ids = seller.plan(*[planned(f"r{i}") for i in range(230)])
    found = [order.external_id for order in everything(session(seller), window())]
    assert sorted(found) == sorted(ids)


def test_when_the_total_moves_the_window_is_read_again(seller: Seller) -> None:
    ids = seller.plan(*[planned(f"r{i}") for i in range(150)])
    at, where = session(seller), Window(datetime.now(UTC) - timedelta(hours=2), datetime.now(UTC))
    first = ADAPTER.fetch_orders(at, where, "")
    seller.control(
        f"orders/{first.items[0].external_id}/act",
        act="change_address",
        recipient={"name": "New Name", "lines": ["1 A St"], "city": "X", "postcode": "1", "country": "US"},
    )
    second = ADAPTER.fetch_orders(at, where, first.next_token)
    assert second.next_token.startswith("1|")
    seen = {item.external_id for item in (*first.items, *second.items)}
    third = ADAPTER.fetch_orders(at, where, second.next_token)
    assert seen | {item.external_id for item in third.items} == set(ids)


def notice(order: canonical.Order, number: str, **changes: Any) -> ShipNotice:
    base: dict[str, Any] = {
        "order_external_id": order.external_id,
        "reference": "1",
        "carrier": "YunExpress",
        "tracking_number": number,
        "shipped_at": datetime.now(UTC),
        "lines": tuple((line.external_line_id, line.quantity) for line in order.lines),
    }
    return ShipNotice(**(base | changes))


@pytest.mark.parametrize("whole", [True, False])
def test_confirming_is_known_afterwards(seller: Seller, whole: bool) -> None:
    seller.plan(planned("r1"))
    at = session(seller)
    (order,) = everything(at, window())
    told = notice(order, f"YT{seller.id[-8:]}01".upper(), whole_order=whole)
    assert not ADAPTER.shipment_known(at, told)
    ADAPTER.confirm_shipment(at, told)
    assert ADAPTER.shipment_known(at, told)
    known = seller.order(order.external_id)["confirmations"]
    assert {item["tracking_number"] for item in known} == {told.tracking_number}
    assert sorted(line["external_line_id"] for item in known for line in item["lines"]) == sorted(dict(told.lines))
    (again,) = everything(at, window())
    assert again.status == canonical.SHIPPED and all(line.shipped == line.quantity for line in again.lines)


def test_a_success_without_effect_is_noticed(seller: Seller) -> None:
    seller.plan(planned("r1"))
    at = session(seller)
    (order,) = everything(at, window())
    told = notice(order, f"YT{seller.id[-8:]}02".upper(), whole_order=True)
    seller.faults({"kind": "partial", "op": "CompleteSale"})
    with pytest.raises(Transient):
        ADAPTER.confirm_shipment(at, told)
    ADAPTER.confirm_shipment(at, told)


def test_a_lost_answer_is_an_unknown_outcome(seller: Seller) -> None:
    seller.plan(planned("r1"))
    at = session(seller)
    (order,) = everything(at, window())
    told = notice(order, f"YT{seller.id[-8:]}03".upper(), whole_order=True)
    seller.faults({"kind": "timeout_after", "op": "CompleteSale"})
    with pytest.raises(UnknownOutcome):
        ADAPTER.confirm_shipment(at, told)
    assert ADAPTER.shipment_known(at, told)


class Breaking(Wire):
    """Every third writing call meets an error before it acts."""

    def send(self, method: str, url: str, **given: Any) -> HttpAnswer:
        if given["operation"] == "CompleteSale" and self.calls.count("CompleteSale") % 3 == 2:
            self.calls.append("CompleteSale")
            raise Transient
        return super().send(method, url, **given)


def test_a_parcel_of_many_lines_is_told_in_few_tries(seller: Seller) -> None:
    line = planned("r1")["lines"][0]
    seller.plan(planned("r1", lines=[line | {"sku": f"MUG-{n}"} for n in range(8)]))
    at = session(seller)
    (order,) = everything(at, window())
    wire = Breaking()
    at = replace(at, http=wire)
    told = notice(order, f"YT{seller.id[-8:]}04".upper())
    for calls in (8, 10):  # all eight, of which two fail; those two, of which one fails
        with pytest.raises(Transient):
            ADAPTER.confirm_shipment(at, told)
        assert wire.calls.count("CompleteSale") == calls
    ADAPTER.confirm_shipment(at, told)
    assert wire.calls.count("CompleteSale") == 11
    assert ADAPTER.shipment_known(at, told)
    known = seller.order(order.external_id)["confirmations"]
    assert sorted(line["external_line_id"] for item in known for line in item["lines"]) == sorted(dict(told.lines))


def test_tracking_that_ebay_would_refuse(seller: Seller) -> None:
    seller.plan(planned("r1"))
    at = session(seller)
    (order,) = everything(at, window())
    with pytest.raises(Rejected) as refused:
        ADAPTER.confirm_shipment(at, notice(order, "号码 1/2"))
    assert refused.value.code == "ebay.tracking_format"


def test_question_is_read_once_answered_once_and_found(seller: Seller) -> None:
    seller.control(
        "messages",
        messages=[
            {
                "ref": "m1",
                "order_ref": None,
                "buyer_id": "buyer_9",
                "subject": "Size?",
                "body": "How <big> & heavy?\n多大?",
                "sent_at": datetime.now(UTC).isoformat(),
            }
        ],
    )
    at = session(seller)
    page = ADAPTER.fetch_messages(at, window(), "")
    (message,) = [ADAPTER.parse_message(item.payload) for item in page.items]
    assert message.body == "How <big> & heavy?\n多大?" and message.buyer_id == "buyer_9"
    answer = Answer("k1", message.external_id, message.buyer_id, "30 cm & <2 kg>, 很轻", message.item_ref)
    assert ADAPTER.find_answer(at, answer) is None
    ADAPTER.send_answer(at, answer)
    assert ADAPTER.find_answer(at, answer) is not None
    (known,) = seller.known("messages")
    assert [found["body"] for found in known["answers"]] == [answer.body]


def test_dead_and_revoked_tokens(seller: Seller) -> None:
    at = session(seller)
    seller.control("expire")
    with pytest.raises(AuthExpired):
        ADAPTER.fetch_orders(at, window(), "")
    seller.control("revoke")
    with pytest.raises(AuthRevoked):
        session(seller)


ERRORS = (
    "<Errors><ErrorCode>{0}</ErrorCode><SeverityCode>Error</SeverityCode><LongMessage>no</LongMessage>"
    "<ErrorClassification>{1}</ErrorClassification></Errors>"
)


def answered(inner: str, ack: str = "Failure") -> bytes:
    return f'<GetOrdersResponse xmlns="{client.NS}"><Ack>{ack}</Ack>{inner}</GetOrdersResponse>'.encode()


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (200, b"", Transient),
        (200, b"<html><body>busy</body></html>", Transient),
        (503, b"<html/>", Transient),
        (500, b"", Transient),
        (429, b"", Throttled),
        (200, answered(ERRORS.format(518, "RequestError")), Throttled),
        (200, answered(ERRORS.format(931, "RequestError")), AuthExpired),
        (200, answered(ERRORS.format(932, "RequestError")), AuthRevoked),
        (200, answered(ERRORS.format(10007, "SystemError")), Transient),
        (200, answered(ERRORS.format(37, "RequestError")), Rejected),
        (200, answered("", "Failure"), Transient),
    ],
)
def test_every_odd_answer_is_an_error_and_never_an_empty_result(
    status: int, content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.read("GetOrders", status, {}, content, writes=False)


def test_the_same_oddities_leave_a_write_unknown() -> None:
    for status, content in ((200, b""), (503, b"x"), (200, answered(ERRORS.format(10007, "SystemError")))):
        with pytest.raises(UnknownOutcome):
            client.read("GetOrders", status, {}, content, writes=True)


def test_values_cannot_break_out_of_the_request() -> None:
    assert client.xml({"A": ["</A><B>", "&"], "C": True}) == "<A>&lt;/A&gt;&lt;B&gt;</A><A>&amp;</A><C>true</C>"


@pytest.mark.parametrize("payload", ["", "<Order>", "{}", "<Order/>", "<Order><OrderID>1</OrderID></Order>"])
def test_what_cannot_be_an_order_says_where(payload: str) -> None:
    with pytest.raises(BadPayload):
        mapping.parse_order(payload)


def soap(credentials: Mapping[str, str], at: datetime, signature: str = "") -> bytes:
    moment = client.stamp(at)
    text = f"{moment}{credentials['dev_id']}{credentials['app_id']}{credentials['cert_id']}"
    signature = signature or base64.b64encode(hashlib.md5(text.encode()).digest()).decode()
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Header>'
        f'<ebl:RequesterCredentials xmlns:ebl="{client.NS}"><ebl:NotificationSignature>{signature}</ebl:NotificationSignature>'
        f'</ebl:RequesterCredentials></soapenv:Header><soapenv:Body><GetItemTransactionsResponse xmlns="{client.NS}">'
        f"<Timestamp>{moment}</Timestamp><Ack>Success</Ack><NotificationEventName>ItemSold</NotificationEventName>"
        "<RecipientUserID>seller_1</RecipientUserID></GetItemTransactionsResponse></soapenv:Body></soapenv:Envelope>"
    ).encode()


def test_hooks_are_believed_by_signature_and_age() -> None:
    keys = {"dev_id": "d", "app_id": "a", "cert_id": "c"}
    now = datetime.now(UTC)
    raw = soap(keys, now)
    assert ADAPTER.hook_account(raw, {}) == "seller_1"
    assert ADAPTER.verify_hook(raw, {}, keys, now).kind == "order"
    for bad in (soap(keys, now, "wrong"), soap(keys, now - timedelta(hours=1)), b"<x/>", b""):
        with pytest.raises(Rejected):
            ADAPTER.verify_hook(bad, {}, keys, now)

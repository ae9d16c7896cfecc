"""The eBay simulator over real HTTP: what happens to orders, what the seller does (ship, answer), and faults."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.ebay_wire import NS, Reply, Seller, ago, ahead, planned

LINE = "OrderArray/Order/TransactionArray/Transaction"


@pytest.fixture
def seller(simulators: str):
    found = Seller(simulators)
    yield found
    found.faults()


def fresh() -> str:
    return f"LX{uuid4().hex[:12].upper()}"


# -- what happens to orders ------------------------------------------------------------------------------------------


def test_acts_move_the_change_time_and_the_state(seller: Seller):
    unpaid = planned("p", status="pending", paid_at=None)
    ids = seller.plan(unpaid, planned("c"), planned("q"), planned("m"), planned("r"))
    order = "OrderArray/Order"
    assert (
        seller.orders(f"<OrderIDArray><OrderID>{ids[0]}</OrderID></OrderIDArray>").one(f"{order}/OrderStatus")
        == "Active"
    )
    passed = ago()
    acts: list[dict[str, Any]] = [
        {"act": "pay"},
        {"act": "cancel"},
        {"act": "request_cancel"},
        {"act": "change_address", "recipient": {"name": "New", "lines": ["9 New St"], "city": "Reno", "country": "US"}},
        {"act": "return", "refund": "9.99"},
    ]
    for order_id, act in zip(ids, acts, strict=True):
        assert seller.control(f"orders/{order_id}/act", **act) == {"external_id": order_id}
    reply = seller.orders(f"<ModTimeFrom>{passed}</ModTimeFrom><ModTimeTo>{ahead(hours=1)}</ModTimeTo>")
    assert reply.order_ids == ids
    assert reply.all(f"{order}/OrderStatus") == ["Completed", "Cancelled", "CancelPending", "Completed", "Completed"]
    cancels = ["NotApplicable", "CancelClosedWithRefund", "CancelRequested", "NotApplicable", "NotApplicable"]
    assert reply.all(f"{order}/CancelStatus") == cancels
    assert reply.all(f"{order}/ShippingAddress/CityName")[3] == "Reno"
    assert reply.all(f"{order}/TransactionArray/Transaction/Status/ReturnStatus")[-2:] == ["ReturnOpen", "ReturnOpen"]
    refunds = list(map(Decimal, reply.all(f"{order}/MonetaryDetails/Refunds/Refund/RefundAmount")))
    assert refunds == [Decimal("44.48"), Decimal("9.99")]
    cancelled = seller.order(ids[1])
    assert [line["cancelled_quantity"] for line in cancelled["lines"]] == [2, 1] and not cancelled["seller_ships"]


@pytest.mark.parametrize("old", ["vanish", "inactive"])
def test_combined_orders_get_a_new_number_and_keep_their_lines(seller: Seller, old: str):
    first, second = seller.plan(planned("a"), planned("b"))
    lines = [line["external_line_id"] for order in seller.known() for line in order["lines"]]
    merged = seller.control(f"orders/{first}/act", **{"act": "combine", "old": old, "with": [second]})["external_id"]
    reply = seller.orders()
    assert sorted(reply.order_ids) == sorted([merged] if old == "vanish" else [merged, first, second])
    order = next(
        node for node in reply.root.iterfind("e:OrderArray/e:Order", NS) if node.findtext("e:OrderID", "", NS) == merged
    )
    assert [node.text for node in order.iterfind(".//e:OrderLineItemID", NS)] == lines
    assert Decimal(order.findtext("e:Total", "", NS)) == 2 * Decimal("44.48")
    known = seller.order(merged)
    assert known["refs"] == ["a", "b"] and known["combined_from"] == [first, second] and known["seller_ships"]
    assert seller.order(first)["combined_into"] == merged and not seller.order(first)["seller_ships"]
    # The old number is gone; a line leads to the new order.
    assert seller.ship(first, ("A1", "USPS")).codes == [37]
    assert seller.ship(lines[0], ("A1", "USPS"), tag="OrderLineItemID").ack == "Success"
    assert seller.order(merged)["confirmations"][0]["lines"] == [{"external_line_id": lines[0], "quantity": 2}]


def test_only_orders_of_one_buyer_and_payment_state_are_combined(seller: Seller):
    stranger = planned("b", buyer={"id": "somebody", "name": "S"})
    first, second, third = seller.plan(planned("a"), stranger, planned("c", status="pending", paid_at=None))
    for other in (second, third, first):
        path = f"/_control/ebay/accounts/{seller.id}/orders/{first}/act"
        assert seller.http.post(path, json={"act": "combine", "with": [other]}).status_code == 400
    assert len(seller.orders().order_ids) == 3


# -- CompleteSale ----------------------------------------------------------------------------------------------------


def test_a_confirmation_shows_in_the_next_pull_and_repeats_change_nothing(seller: Seller):
    (order_id,) = seller.plan(planned("a"))
    passed, number = ago(), fresh()
    assert seller.ship(order_id, (number, "USPS")).ack == "Success"
    once = seller.order(order_id)
    assert seller.ship(order_id, (number, "USPS")).ack == "Success"
    twice = seller.order(order_id)
    assert twice == {**once, "confirm_calls": 2}
    (told,) = twice["confirmations"]
    lines = [{"external_line_id": line["external_line_id"], "quantity": line["quantity"]} for line in twice["lines"]]
    assert (told["tracking_number"], told["carrier"], told["lines"]) == (number, "USPS", lines)
    reply = seller.orders(f"<ModTimeFrom>{passed}</ModTimeFrom><ModTimeTo>{ahead(hours=1)}</ModTimeTo>")
    assert reply.one("OrderArray/Order/ShippedTime")
    assert reply.all(f"{LINE}/ShippingDetails/ShipmentTrackingDetails/ShipmentTrackingNumber") == [number, number]
    assert seller.orders("<NumberOfDays>2</NumberOfDays><OrderStatus>Shipped</OrderStatus>").order_ids == [order_id]


def test_lines_ship_apart_and_in_several_packages(seller: Seller):
    (order_id,) = seller.plan(planned("a"))
    first, second = (line["external_line_id"] for line in seller.order(order_id)["lines"])
    numbers = [fresh(), fresh(), fresh()]
    assert seller.ship(first, (numbers[0], "UPS"), (numbers[1], "UPS"), tag="OrderLineItemID").ack == "Success"
    assert seller.order(order_id)["shipped_at"] is None
    item, transaction = second.split("-")
    more = f"<Shipped>1</Shipped><Shipment><ShipmentTrackingDetails><ShipmentTrackingNumber>{numbers[2]}"
    more += (
        "</ShipmentTrackingNumber><ShippingCarrierUsed>Other</ShippingCarrierUsed></ShipmentTrackingDetails></Shipment>"
    )
    pair = f"<ItemID>{item}</ItemID><TransactionID>{transaction}</TransactionID>"
    assert seller.call("CompleteSale", pair + more).ack == "Success"
    told = seller.order(order_id)
    assert told["shipped_at"]
    assert [
        (each["tracking_number"], [line["external_line_id"] for line in each["lines"]])
        for each in told["confirmations"]
    ] == [
        (numbers[0], [first]),
        (numbers[1], [first]),
        (numbers[2], [second]),
    ]


def test_another_number_replaces_the_first_and_stays_seen(seller: Seller):
    (order_id,) = seller.plan(planned("a"))
    old, new = fresh(), fresh()
    seller.ship(order_id, (old, "USPS"))
    seller.ship(order_id, (new, "USPS"))
    assert seller.orders().all(f"{LINE}/ShippingDetails/ShipmentTrackingDetails/ShipmentTrackingNumber") == [new, new]
    first, second = seller.order(order_id)["confirmations"]
    assert first["tracking_number"] == old and all(line["superseded"] for line in first["lines"])
    assert second["tracking_number"] == new and not any(line.get("superseded") for line in second["lines"])


@pytest.mark.parametrize(
    ("packages", "more", "tag"),
    [
        ([("", "USPS")], "", "ShipmentTrackingNumber"),
        ([("LX1", "")], "", "ShippingCarrierUsed"),
        ([("LX-1 2", "USPS")], "", "ShipmentTrackingNumber"),
        ([("单号1", "USPS")], "", "ShipmentTrackingNumber"),
        ([("LX1", "USPS")], f"<ShippedTime>{ahead(days=4)}</ShippedTime>", "ShippedTime"),
    ],
)
def test_tracking_is_checked(seller: Seller, packages: list[tuple[str, str]], more: str, tag: str):
    (order_id,) = seller.plan(planned("a"))
    reply = seller.ship(order_id, *packages, more=more)
    assert reply.codes == [37] and reply.all("Errors/ErrorParameters/Value")[0] == tag
    assert seller.order(order_id)["confirmations"] == []


def test_a_number_belongs_to_one_buyer(simulators: str):
    seller = Seller(simulators)
    neighbour = Seller(simulators, app=seller.credentials["app_id"])
    stranger = planned("b", buyer={"id": "buyer-8", "name": "X"})
    mine, same_buyer, other_buyer = seller.plan(planned("a"), planned("a2"), stranger)
    (theirs,) = neighbour.plan(planned("a"))
    number = fresh()
    assert seller.ship(mine, (number, "USPS")).ack == "Success"
    assert seller.ship(same_buyer, (number, "USPS")).ack == "Success"
    assert seller.ship(other_buyer, (number, "USPS")).codes == [21916964]
    assert neighbour.ship(theirs, (number, "USPS")).codes == [21916964]
    assert seller.order(other_buyer)["confirmations"] == []


def test_unknown_and_cancelled_orders_cannot_be_shipped(seller: Seller):
    (order_id,) = seller.plan(planned("a", status="cancelled"))
    assert seller.ship(order_id, (fresh(), "USPS")).codes == [37]
    assert seller.ship("01-00000-00000", (fresh(), "USPS")).codes == [37]
    assert seller.call("CompleteSale", "<Shipped>true</Shipped>").codes == [37]
    assert seller.call("CompleteSale", f"<OrderID>{order_id}</OrderID><Shipped>True</Shipped>").codes == [5]


def test_shipped_can_be_taken_back_and_paid_can_be_set(seller: Seller):
    (order_id,) = seller.plan(planned("a", status="pending", paid_at=None))
    assert seller.ship(order_id).ack == "Success" and seller.order(order_id)["shipped_at"]
    back = f"<OrderID>{order_id}</OrderID><Shipped>false</Shipped><Paid>true</Paid>"
    assert seller.call("CompleteSale", back).ack == "Success"
    told = seller.order(order_id)
    assert told["shipped_at"] is None and told["paid_at"] and told["status"] == "paid"


def test_success_without_effect(seller: Seller):
    (order_id,) = seller.plan(planned("a"))
    seller.faults({"kind": "partial", "op": "CompleteSale"})
    number = fresh()
    assert seller.ship(order_id, (number, "USPS")).ack == "Success"
    told = seller.order(order_id)
    assert told["confirmations"] == [] and told["confirm_calls"] == 1 and told["shipped_at"] is None
    assert seller.ship(order_id, (number, "USPS")).ack == "Success"
    assert len(seller.order(order_id)["confirmations"]) == 1


def test_best_effort_is_a_partial_failure(seller: Seller):
    (order_id,) = seller.plan(planned("a"))
    say = "<FeedbackInfo><CommentText>good</CommentText><CommentType>Positive</CommentType></FeedbackInfo>"
    order = f"<OrderID>{order_id}</OrderID>"
    assert seller.call("CompleteSale", order + say).ack == "Success"
    assert seller.call("CompleteSale", order + say + "<Shipped>true</Shipped>").codes == [37]
    assert seller.order(order_id)["shipped_at"] is None
    reply = seller.call(
        "CompleteSale", order + say + "<Shipped>true</Shipped><ErrorHandling>BestEffort</ErrorHandling>"
    )
    assert reply.ack == "PartialFailure" and reply.codes == [37] and seller.order(order_id)["shipped_at"]


# -- messages --------------------------------------------------------------------------------------------------------


def question(ref: str, **changes: object) -> dict[str, object]:
    body = "Where is my 包裹 <b>& parcel</b>? 🙏"
    return {
        "ref": ref,
        "order_ref": None,
        "buyer_id": "buyer-7",
        "subject": "Parcel",
        "body": body,
        "sent_at": ago(minutes=5),
        **changes,
    }


def asked(seller: Seller, more: str = "", page: int = 1, size: int = 25) -> Reply:
    inner = f"<MailMessageType>All</MailMessageType><StartCreationTime>{ago(hours=1)}</StartCreationTime>"
    inner += f"<EndCreationTime>{ago()}</EndCreationTime>{more}<Pagination><EntriesPerPage>{size}</EntriesPerPage>"
    return seller.call("GetMemberMessages", f"{inner}<PageNumber>{page}</PageNumber></Pagination>")


EXCHANGE = "MemberMessage/MemberMessageExchange"


def answer(seller: Seller, parent: str, body: str, to: str = "buyer-7") -> Reply:
    inner = f"<ParentMessageID>{parent}</ParentMessageID><RecipientID>{to}</RecipientID><Body>{body}</Body>"
    return seller.call("AddMemberMessageRTQ", f"<MemberMessage>{inner}</MemberMessage>")


def test_questions_come_with_their_item(seller: Seller):
    (order_id,) = seller.plan(planned("a"))
    ids = seller.control("messages", messages=[question("q1", order_ref="a"), question("q2", buyer_id="other")])["ids"]
    assert seller.control("messages", messages=[question("q1", order_ref="a")]) == {
        "created": 0,
        "ids": {"q1": ids["q1"]},
    }
    reply = asked(seller)
    assert reply.all(f"{EXCHANGE}/Question/MessageID") == [ids["q1"], ids["q2"]]
    assert reply.all(f"{EXCHANGE}/Question/SenderID") == ["buyer-7", "other"]
    assert reply.all(f"{EXCHANGE}/Question/RecipientID") == [seller.credentials["user_id"]] * 2
    assert reply.all(f"{EXCHANGE}/Question/Body")[0] == question("q1")["body"]
    assert reply.all(f"{EXCHANGE}/Item/ItemID")[0] == seller.order(order_id)["lines"][0]["item_id"]
    assert seller.known("messages")[0]["order_external_id"] == order_id


def test_message_pages_and_filters(seller: Seller):
    ids = seller.control("messages", messages=[question(f"q{n}") for n in range(60)])["ids"]
    pages = [asked(seller, page=page) for page in (1, 2, 3)]
    assert [page.one("HasMoreItems") for page in pages] == ["true", "true", "false"]
    got = [found for page in pages for found in page.all(f"{EXCHANGE}/Question/MessageID")]
    assert sorted(got) == sorted(ids.values()) and pages[0].one("PaginationResult/TotalNumberOfEntries") == "60"
    assert asked(seller, size=100).codes == [] and asked(seller, size=30).codes == [37]
    answer(seller, ids["q0"], "Soon")
    left = asked(seller, "<MessageStatus>Unanswered</MessageStatus>")
    assert left.one("PaginationResult/TotalNumberOfEntries") == "59"
    assert seller.call("GetMemberMessages", "<MailMessageType>All</MailMessageType>").codes == [37]
    assert seller.call("GetMemberMessages", f"<StartCreationTime>{ago()}</StartCreationTime>").codes == [37]


def test_a_message_never_comes_before_what_was_read(seller: Seller):
    assert asked(seller).all(EXCHANGE) == []
    passed = ago()
    seller.control("messages", messages=[question("late", sent_at=ago(minutes=30))])
    (told,) = seller.known("messages")
    assert told["sent_at"] >= passed


def test_answers_are_counted_one_by_one(seller: Seller):
    ids = seller.control("messages", messages=[question("q")])["ids"]
    text = "您好 &amp; hello &lt;3"
    assert answer(seller, ids["q"], text).ack == "Success"
    assert answer(seller, ids["q"], text).ack == "Success"
    (told,) = seller.known("messages")
    assert [each["body"] for each in told["answers"]] == ["您好 & hello <3"] * 2 and told["answer_calls"] == 2
    reply = asked(seller)
    assert reply.one(f"{EXCHANGE}/MessageStatus") == "Answered" and len(reply.all(f"{EXCHANGE}/Response")) == 2


def test_answers_are_checked(seller: Seller):
    ids = seller.control("messages", messages=[question("q")])["ids"]
    assert answer(seller, ids["q"], "x" * 2001).codes == [37]
    assert answer(seller, ids["q"], "&lt;br/&gt;hello").codes == [37]
    assert answer(seller, ids["q"], "hello", to="somebody").codes == [37]
    assert answer(seller, "12345", "hello").codes == [37]
    assert seller.known("messages")[0]["answers"] == []


def test_my_messages_have_numbers_of_their_own(seller: Seller):
    ids = seller.control("messages", messages=[question("q")])["ids"]
    heads = seller.call("GetMyMessages", "<DetailLevel>ReturnHeaders</DetailLevel>")
    number = heads.one("Messages/Message/MessageID")
    assert heads.one("Messages/Message/ExternalMessageID") == ids["q"] != number
    bodies = f"<DetailLevel>ReturnMessages</DetailLevel><MessageIDs><MessageID>{number}</MessageID></MessageIDs>"
    assert "&lt;b&gt;" in seller.call("GetMyMessages", bodies).one("Messages/Message/Text")
    assert seller.call("GetMyMessages").codes == [37]


# -- faults ----------------------------------------------------------------------------------------------------------


def get_orders(seller: Seller) -> httpx.Response:
    return seller.send(
        "GetOrders", f'<GetOrdersRequest xmlns="{NS["e"]}"><NumberOfDays>2</NumberOfDays></GetOrdersRequest>'
    )


def test_faults_of_the_edge(seller: Seller):
    seller.plan(planned("a"))
    seller.orders()
    seller.faults(*({"kind": kind} for kind in ("throttle", "throttle_bare", "html503", "empty200")))
    answers = [get_orders(seller) for _ in range(4)]
    assert [(found.status_code, "retry-after" in found.headers) for found in answers] == [
        (429, True),
        (429, False),
        (503, False),
        (200, False),
    ]
    assert "<html>" in answers[2].text and answers[3].content == b""
    seller.faults(*({"kind": kind} for kind in ("server_error", "token_dead", "call_limit", "warning")))
    replies = [Reply(get_orders(seller)) for _ in range(5)]
    assert [reply.codes for reply in replies] == [[10007], [21917053], [518], [37], []]
    assert [reply.ack for reply in replies[3:]] == ["Warning", "Success"] and len(replies[3].order_ids) == 1


def test_connections_are_cut_before_or_after_the_act(seller: Seller):
    before, after = seller.plan(planned("a"), planned("b"))
    seller.orders()
    seller.faults({"kind": "timeout_before", "op": "CompleteSale"})
    with pytest.raises(httpx.TransportError):
        seller.ship(before, (fresh(), "USPS"))
    assert seller.order(before)["confirm_calls"] == 0
    seller.faults({"kind": "timeout_after", "op": "CompleteSale"})
    with pytest.raises(httpx.TransportError):
        seller.ship(after, (fresh(), "USPS"))
    assert len(seller.order(after)["confirmations"]) == 1
    seller.faults({"kind": "die_mid_page", "op": "GetOrders"})
    with pytest.raises(httpx.TransportError):
        get_orders(seller)
    seller.faults({"kind": "timeout_after", "op": "token"}, {"kind": "server_error", "op": "token"})
    assert seller.ask_token().status_code == 500
    with pytest.raises(httpx.TransportError):
        seller.ask_token()
    assert seller.ask_token().status_code == 200


def test_pages_repeat_reorder_and_shift(seller: Seller):
    ids = seller.plan(*(planned(f"r{n}") for n in range(20)))
    seller.faults({"kind": "repeat", "op": "GetOrders"})
    assert seller.orders(page=2, per_page=10).order_ids == ids[9:]
    seller.faults({"kind": "repeat", "op": "GetOrders"})
    assert seller.orders().order_ids == [*ids, ids[0]]
    seller.faults({"kind": "reorder", "op": "GetOrders"})
    mixed = seller.orders().order_ids
    assert mixed != ids and sorted(mixed) == sorted(ids)
    seller.faults({"kind": "page_shift", "op": "GetOrders"})
    assert seller.orders(page=1, per_page=10).order_ids == ids[:10]
    assert seller.orders(page=2, per_page=10).order_ids == [*ids[11:], ids[0]], "ids[10] slipped to page 1"


def test_personal_data_is_withheld_and_given_later(seller: Seller):
    ids = seller.plan(planned("a"), planned("b"))
    seller.control("withhold-pii", until=ahead(seconds=1))
    hidden, name = seller.orders(), "OrderArray/Order/ShippingAddress/Name"
    assert hidden.all(name) == ["", ""] and "jo@example.com" not in hidden.text and "12 Any Street" not in hidden.text
    assert hidden.all("OrderArray/Order/ShippingAddress/PostalCode") == ["97201", "97201"]
    passed = ago()
    time.sleep(1.1)
    later = seller.orders(f"<ModTimeFrom>{passed}</ModTimeFrom><ModTimeTo>{ahead(hours=1)}</ModTimeTo>")
    assert later.order_ids == ids and later.all(name) == ["Jo Doe", "Jo Doe"]
    seller.faults({"kind": "withhold", "op": "GetOrders"})
    assert sorted(seller.orders().all(name)) == ["", "Jo Doe"]
    assert seller.orders().all(name) == ["Jo Doe", "Jo Doe"]

"""Messages come in once, with their order and their clock; what is bad stands apart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from channels.canonical import RawItem
from channels.models import Account, RawPayload
from channels.services import inbox
from core import clock
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from crm.services import answers, incoming, linking, sending
from orders.models import Customer, Order
from tests.crm.conftest import ACTOR, LI, again, read, take_orders
from tests.support.ebay_wire import Seller, ago, planned

Ask = Callable[..., Conversation]


def raw(external: str, *, sender: str = "b1", item: str = "110", body: str = "Hello", at: str = "2026-11-01T09:00:00Z",
        status: str = "Unanswered") -> RawItem:  # fmt: skip
    return RawItem(
        external,
        '<MemberMessageExchange xmlns="urn:ebay:apis:eBLBaseComponents">'
        f"<Item><ItemID>{item}</ItemID></Item><Question><SenderID>{sender}</SenderID><Subject>S</Subject>"
        f"<Body>{body}</Body><MessageID>{external}</MessageID></Question><MessageStatus>{status}</MessageStatus>"
        f"<CreationDate>{at}</CreationDate></MemberMessageExchange>",
    )


def store(account: Account, *items: RawItem) -> incoming.Result:
    inbox.store(account_id=account.pk, kind="message", items=items)
    return incoming.ingest_pending(account_id=account.pk)


def test_a_question_is_linked_to_its_order_and_waits(seller: Seller, ask: Ask, inside: Account) -> None:
    old, new = seller.plan(planned("o1", placed_at=ago(days=3)), planned("o2"))
    take_orders(inside, old, new)
    found = ask("Where is my mug?", order_ref="o1")
    order = Order.objects.get(external_id=new)
    assert found.order_id == order.pk and Order.objects.filter(external_id=old).exists()
    assert found.customer == Customer.objects.get() and found.state == Conversation.OPEN
    message = Message.objects.get()
    assert found.waiting_since == message.at and message.body == "Where is my mug?"
    assert found.answer_by == message.at + timedelta(hours=24)
    assert (found.messages_count, found.buyer_id, found.last_at) == (1, "buyer-7", message.at)


def test_reading_the_same_window_again_changes_nothing(ask: Ask, inside: Account) -> None:
    found = ask("One")
    ask("Two", sent_at=ago(minutes=20))
    again(inside)
    read(inside)
    assert Message.objects.count() == 2 and Conversation.objects.get().pk == found.pk
    assert Conversation.objects.get().messages_count == 2


def test_a_question_before_buying_finds_its_order_later(seller: Seller, ask: Ask, inside: Account) -> None:
    (external,) = seller.plan(planned("o1"))
    item = seller.order(external)["lines"][0]["external_line_id"].split("-")[0]
    store(inside, raw("m1", sender="buyer-7", item=item))
    assert Conversation.objects.get().order_id is None
    take_orders(inside, external)
    with transaction.atomic():
        linking.link_open()
    assert Conversation.objects.get().order.external_id == external


def test_bad_ones_are_set_aside_with_their_reason_and_the_others_go_on(inside: Account) -> None:
    bad = RawItem("m2", "<MemberMessageExchange><oops>")
    nameless = RawItem("m3", raw("m3").payload.replace("<SenderID>b1</SenderID>", ""))
    long = raw("m4", sender="b" * 161)
    result = store(inside, raw("m1"), bad, nameless, long, raw("m5", at="yesterday"), raw("m6", body="你好 &#128512;"))
    assert (len(result.created), result.dead) == (2, 4)
    dead = dict(RawPayload.objects.filter(state=RawPayload.DEAD).values_list("external_id", "error_code"))
    assert set(dead) == {"m2", "m3", "m4", "m5"} and all(dead.values())
    assert Message.objects.get(external_id="m6").body == "你好 😀"
    assert not RawPayload.objects.filter(state=RawPayload.NEW).exists()


def test_what_the_database_refuses_is_found_by_halving(inside: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "check", lambda message: None)
    result = store(inside, *[raw(f"m{n}") for n in range(7)], RawItem("m7", raw("7" * 121).payload), raw("m8"))
    assert (len(result.created), result.dead) == (8, 1)
    assert RawPayload.objects.get(state=RawPayload.DEAD).error_code == "payload.refused_by_database"


def test_several_of_one_buyer_are_one_conversation_in_order(inside: Account) -> None:
    store(
        inside,
        raw("m2", body="second", at="2026-11-01T09:05:00Z"),
        raw("m1", body="first"),
        raw("m3", body="other item", item="111"),
    )
    assert sorted(Conversation.objects.values_list("item_ref", "messages_count")) == [("110", 2), ("111", 1)]
    both = Conversation.objects.get(item_ref="110")
    assert list(both.messages.order_by("at", "pk").values_list("body", flat=True)) == ["first", "second"]
    assert both.waiting_since == datetime.fromisoformat("2026-11-01T09:00:00Z")


def test_what_was_answered_at_the_platform_waits_no_more(inside: Account) -> None:
    store(inside, raw("m1"), raw("m2", item="111", status="Answered"))
    assert Conversation.objects.get(item_ref="111").state == Conversation.ANSWERED
    assert Conversation.objects.get(item_ref="110").state == Conversation.OPEN
    result = store(inside, raw("m1", status="Answered"))
    assert result.known == 1 and Message.objects.count() == 2
    first = Conversation.objects.get(item_ref="110")
    assert (first.state, first.waiting_since, first.answer_by) == (Conversation.ANSWERED, None, None)
    # an older reading that comes late does not make it wait again
    RawPayload.objects.filter(external_id="m1").update(state=RawPayload.NEW)
    incoming.ingest_pending(account_id=inside.pk)
    first.refresh_from_db()
    assert first.state == Conversation.ANSWERED


def test_a_new_message_opens_what_was_closed(ask: Ask, inside: Account) -> None:
    found = ask("One")
    answers.close(actor=LI, conversation_id=found.pk)
    found.refresh_from_db()
    assert (found.state, found.waiting_since) == (Conversation.CLOSED, None)
    answers.reopen(actor=LI, conversation_id=found.pk)
    found.refresh_from_db()
    assert found.state == Conversation.OPEN and found.waiting_since is not None
    answers.close(actor=LI, conversation_id=found.pk)
    ask("Two", sent_at=ago(minutes=20))
    found.refresh_from_db()
    assert found.state == Conversation.OPEN
    assert found.waiting_since == Message.objects.get(body="Two").at


def test_a_new_message_after_an_answer_starts_the_clock_anew(ask: Ask, inside: Account) -> None:
    found = ask("One")
    answers.answer(actor=LI, conversation_id=found.pk, body="Soon", key="k1")
    sending.send_due(account_id=inside.pk, actor=ACTOR)
    found.refresh_from_db()
    assert (found.state, found.waiting_since) == (Conversation.ANSWERED, None)
    ask("Two", sent_at=ago(minutes=20))
    found.refresh_from_db()
    assert found.waiting_since == Message.objects.get(body="Two").at


def test_a_page_costs_the_same_whatever_is_in_it(inside: Account) -> None:
    def statements(count: int, mark: str) -> int:
        items = [raw(f"{mark}{n}", sender=f"{mark}{n % 7}", item=str(n % 3)) for n in range(count)]
        inbox.store(account_id=inside.pk, kind="message", items=items)
        with CaptureQueriesContext(connection) as seen:
            incoming.ingest_pending(account_id=inside.pk)
        return len(seen)

    assert statements(2, "x") == statements(100, "y")
    assert clock.now() > Message.objects.first().at


def test_two_workers_on_one_inbox_take_each_message_once(inside: Account, acme: str) -> None:
    inbox.store(account_id=inside.pk, kind="message", items=[raw(f"m{n}") for n in range(150)])
    results: list[incoming.Result] = []

    def work() -> None:
        try:
            with tenant_context(acme):
                results.append(incoming.ingest_pending(account_id=inside.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(result.created) for result in results) == 150 == Message.objects.count()

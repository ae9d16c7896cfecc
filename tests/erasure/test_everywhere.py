"""A planted buyer goes through the house; eBay says that the account is closed; nothing of them is left anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels import canonical
from channels.canonical import RawItem
from channels.models import Account, RawPayload
from channels.services import inbox
from core import clock, files
from core.central import outbox
from core.central.models import InboundHook, Outbox
from core.permissions import OWNER, Actor, of_role
from core.records.models import AuditEntry, Job, SavedView, StoredFile
from core.tenancy import public_context, tenant_context
from core.values import Address
from crm.models import Conversation, Message
from crm.services import answers
from fulfilment.printing import print_labels
from logistics.models import Shipment, TrackingEvent
from orders import incoming, queries
from orders.models import Customer, CustomerIdentity, FormerAddress, Order
from orders.services import acts, booking, pages
from orders.services.ingest import ingest_pending
from orders.services.pages import Incoming
from tests.crm.conftest import take_orders
from tests.erasure.conftest import VERIFICATION, Person, prove
from tests.orders.conftest import order
from tests.support.ebay_wire import planned
from tests.support.parcels import ACTOR, connect, open_shop

LI = Actor("user", 7, "Li", of_role(OWNER))
LINES = [{"sku": "LAMP", "title": "Lamp", "quantity": 1, "unit_price": "9.99"}]


def plan(person: Person, ref: str, **changes: Any) -> dict[str, Any]:
    return planned(
        ref,
        lines=LINES,
        buyer={"id": person.id, "name": person.name, "email": person.email},
        recipient={
            "name": person.name,
            "company": "",
            "lines": [person.street],
            "city": "Portland",
            "region": "OR",
            "postcode": "97201",
            "country": "US",
            "phone": person.phone,
        },
        **changes,
    )


def token_of(external_id: str) -> str:
    """The member's token as it stands in the payload of an order."""
    found = re.search(r"<EIASToken>([^<]+)<", RawPayload.objects.filter(external_id=external_id)[0].payload)
    assert found
    return found[1]


@pytest.fixture
def planted(data: Path, inside: Account, seller: Any, carrier: Any, ask: Callable[..., Conversation]) -> Person:
    """Booked and printed, asked and answered, edited, refused, searched for, logged; in the tenant acme."""
    person = Person()
    shop = open_shop(connect(carrier))
    first, second = seller.plan(plan(person, "p1"), plan(person, "p2"))
    other = seller.plan(planned("q", lines=LINES))[0]
    take_orders(inside, first, second, other)
    person = replace(person, eias=token_of(first))
    outbox.drain(60)
    sent, open_ = (Order.objects.get(external_id=external) for external in (first, second))
    assert (sent.state, open_.state) == ("ready", "ready"), (sent.reason_code, open_.reason_code)
    booking.book_orders(actor=ACTOR, order_ids=[sent.pk, Order.objects.get(external_id=other).pk])
    outbox.drain(60)
    printed = print_labels(actor=ACTOR, shipment_ids=list(Shipment.objects.values_list("pk", flat=True)))
    assert len(printed.done) == 2
    parcel = Shipment.objects.get(platform_order_ids=[first])
    TrackingEvent.objects.create(
        shipment=parcel, key="k", at=clock.now(), main="delivered", description=f"Signed by {person.name}",
        source="carrier", received_at=clock.now(),
    )  # fmt: skip
    acts.edit_address(
        actor=LI,
        order_id=open_.pk,
        version=Order.objects.get(pk=open_.pk).version,
        changes={"ship_name": "Somebody Else"},
    )
    outbox.drain(60)
    found = ask(person.words, buyer=person.id, order_ref="p1")
    answers.answer(actor=LI, conversation_id=found.pk, body=f"Dear {person.name}, we are sorry.", key="k1")
    answers.note(actor=LI, conversation_id=found.pk, body=f"{person.name} called from {person.phone}")
    broken = (
        f"<Order><BuyerUserID>{person.id}</BuyerUserID><Name>{person.name}</Name><Street1>{person.street}</Street1>"
    )
    inbox.store(account_id=inside.pk, kind="order", items=[RawItem("broken-1", broken)])
    ingest_pending(account_id=inside.pk, platform="ebay", actor=ACTOR)
    assert RawPayload.objects.filter(state=RawPayload.DEAD).count() == 1
    Job.objects.create(
        kind="x", title_code="job.test", actor_label="Li", created_at=clock.now(), state=Job.DONE,
        log=[{"id": 1, "label": person.name, "code": "a", "params": {}}, {"id": 2, "label": "S-2", "code": "a", "params": {}}],
    )  # fmt: skip
    SavedView.objects.create(list_name="orders", name="her", query={"q": person.email}, user_id=7)
    assert shop.account.platform == "amazon"
    return person


# Every place that must hold the person before, or the proof would prove nothing.
EVERYWHERE = {
    "orders_order.ship_name",
    "orders_order.ship_phone",
    "orders_order.buyer_id",
    "orders_order.buyer_email",
    "orders_order.ship_lines",
    "orders_ordersearch.text",
    "orders_ordersearch.grams",
    "orders_customer.name",
    "orders_customeridentity.external_id",
    "orders_customeridentity.email",
    "orders_formeraddress.address",
    "logistics_shipment.receiver",
    "logistics_trackingevent.description",
    "channels_rawpayload.payload",
    "crm_conversation.buyer_id",
    "crm_conversation.thread",
    "crm_message.body",
    "records_job.log",
    "records_savedview.query",
    "file",
}


def test_a_closed_account_leaves_nothing_of_the_person(
    planted: Person, acme: str, beta: str, close_account: Callable[..., dict[str, Any]], data: Path, sandbox: str
) -> None:
    with tenant_context(beta):
        abroad = _plain_order(planted, "ebay")
    with tenant_context(acme):
        elsewhere = _plain_order(
            replace(planted, name="Xavier Otherplace", phone="+49 30 999 8877", street="Weg 1"), "amazon"
        )
        found = queries.page(LI, queries.Filter(text="zaphodsson"))
        assert len(found.rows) == 3  # the third by its e-mail address
    before = prove(*planted.texts, tenant="acme")
    assert before.code == 1 and EVERYWHERE <= before.where, EVERYWHERE - before.where
    labels = [place for place in before.places if place["kind"] == "file"]
    assert len({place["where"] for place in labels}) == 2  # her label, and the sheet of two

    told = close_account(planted)
    assert told["challenge"] == {"status": "200", "ok": True} and told["status"] == ["200"]
    with public_context():
        assert InboundHook.objects.get().state == InboundHook.HANDED
        rows = Outbox.objects.filter(event="channels.person_deleted")
        assert {row.schema for row in rows} == {acme, beta}
        assert not any(planted.id in json.dumps(row.payload) for row in rows)
    outbox.drain(60)

    with tenant_context(acme):
        # The person's Amazon purchases are another platform's: its own rules forget them.
        kept = {place["where"] for place in prove(*planted.texts, tenant="acme").places}
        assert {where.split(".")[1] for where in kept} <= {
            "orders_order", "orders_ordersearch", "orders_customer", "orders_customeridentity",
        }, kept  # fmt: skip
        assert Order.objects.get(pk=elsewhere).buyer_email == planted.email
        Order.objects.filter(pk=elsewhere).delete()
        CustomerIdentity.objects.filter(email=planted.email).delete()
        Customer.objects.filter(name=planted.name).delete()
    after = prove(*planted.texts)
    assert (after.code, after.found, after.places) == (0, 0, [])

    with tenant_context(acme):
        _what_stays()
    with tenant_context(beta):
        order_ = Order.objects.get(pk=abroad)
        assert (order_.ship_name, order_.ship_country, order_.purged_at is not None) == ("", "DE", True)
        assert Order.objects.filter(purged_at=None).count() == 1
    told = close_account(planted, challenge=False)
    outbox.drain(60)
    with tenant_context(acme):
        assert told["delivered"] and AuditEntry.objects.filter(code="person.erased").count() == 1


def _plain_order(person: Person, platform: str) -> int:
    """The same buyer in another tenant or at another platform, and a stranger beside."""
    account = Account.objects.create(platform=platform, name="x", external_id=f"x-{platform}", created_at=clock.now())
    buyer = canonical.Buyer(person.id, person.name, person.email)
    place = Address(person.name, "", (person.street,), "Berlin", "", "", "10999", "DE", person.phone)
    made = [order(f"{platform}-1", buyer=buyer, receiver=place), order(f"{platform}-2")]
    page = [Incoming(0, item, incoming.row_of(item)) for item in made]
    written = pages.write_page(account_id=account.pk, platform=platform, page=page, actor=ACTOR)
    return written.created[0]


def _what_stays() -> None:
    """Goods, money, numbers and states; the stranger whole; an open order waits for a person."""
    erased = Order.objects.filter(platform="ebay").exclude(purged_at=None)
    assert set(erased.values_list("state", "reason_code")) == {("booked", ""), ("held", "order.person_erased")}
    for one in erased:
        assert (one.ship_country, one.ship_region, one.grand_total > 0, one.merge_key) == ("US", "OR", True, "")
        assert one.customer is not None and one.customer.name == ""
        assert queries.page(LI, queries.Filter(text=one.external_id)).rows, "an order is still found by its number"
    stranger = Order.objects.get(platform="ebay", purged_at=None)
    assert (stranger.ship_name, stranger.buyer_email) == ("Jo Doe", "jo@example.com")
    parcel = Shipment.objects.get(platform_order_ids=[stranger.external_id])
    label = StoredFile.objects.get(pk=parcel.label_file_id or 0)
    assert parcel.receiver["name"] == "Jo Doe" and files.read(label).startswith(b"%PDF-")
    assert StoredFile.objects.count() == 1
    conversation = Conversation.objects.get()
    assert (conversation.state, conversation.waiting_since, conversation.thread) == (
        Conversation.CLOSED, None, f"erased:{conversation.pk}",
    )  # fmt: skip
    assert set(Message.objects.values_list("direction", "body")) == {("in", ""), ("out", ""), ("note", "")}
    assert RawPayload.objects.get(external_id="broken-1").state == RawPayload.DROPPED
    assert RawPayload.objects.exclude(payload="").count() == 1  # the stranger's
    assert [entry["label"] for entry in Job.objects.get().log] == ["S-2"]
    assert not FormerAddress.objects.exists() and not SavedView.objects.exists()
    entry = AuditEntry.objects.get(code="person.erased")
    assert entry.params["platform"] == "ebay" and entry.params["counts"]["orders"] == 2
    assert entry.actor_label == "ebay"


def test_what_the_platform_says_later_brings_nothing_back(
    planted: Person, inside: Account, close_account: Callable[..., dict[str, Any]], seller: Any
) -> None:
    close_account(planted)
    outbox.drain(60)
    external = Order.objects.exclude(purged_at=None).values_list("external_id", flat=True)
    for one in external:
        assert seller.ship(one, ("LATE0001", "DHL")).ack == "Success"
    take_orders(inside, *external)
    outbox.drain(60)
    assert Order.objects.exclude(purged_at=None).filter(channel_status="shipped").count() == 2
    assert prove(*planted.texts, tenant="acme").places == []


def test_the_token_that_never_changes_finds_orders_that_came_in_lately(
    data: Path, inside: Account, seller: Any, close_account: Callable[..., dict[str, Any]]
) -> None:
    """The member was renamed: only the payload knows the token."""
    person = Person()
    seller.plan(plan(person, "p1"))
    (external,) = [one["external_id"] for one in seller.known()]
    take_orders(inside, external)
    eias = token_of(external)
    close_account(replace(person, id="another_name_now", eias=eias))
    outbox.drain(60)
    assert prove(*person.texts, eias, tenant="acme").places == []


def test_forged_and_foreign_calls_erase_nobody(
    planted: Person, endpoint: str, close_account: Callable[..., dict[str, Any]], acme: str, settings: Any
) -> None:
    told = close_account(planted, sign=False)
    assert (told["delivered"], set(told["status"])) == (False, {"401"})
    body = json.dumps({"metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION"}}).encode()
    for header in ("", "nonsense", _header("x" * 12), _header("../../etc"), _header("unknown-key-id-0001")):
        answer = httpx.post(endpoint, content=body, headers={"X-EBAY-SIGNATURE": header})
        assert answer.status_code == 401, header
    outbox.drain(5)
    with tenant_context(acme):
        assert not AuditEntry.objects.filter(code="person.erased").exists()
        assert Order.objects.filter(buyer_id=planted.id).count() == 2
    # A stranger's closed account: nobody here has heard of them.
    assert close_account(Person(id="never_seen_here"))["delivered"]
    outbox.drain(30)
    with tenant_context(acme):
        assert not AuditEntry.objects.filter(code="person.erased").exists()
        assert Order.objects.filter(buyer_id=planted.id).count() == 2


def _header(kid: str) -> str:
    told = {"alg": "ECDSA", "kid": kid, "signature": base64.b64encode(b"no").decode(), "digest": "SHA1"}
    return base64.b64encode(json.dumps(told).encode()).decode()


def test_the_challenge_is_answered_with_this_installations_token(endpoint: str, settings: Any) -> None:
    answer = httpx.get(endpoint, params={"challenge_code": "abc"})
    wanted = hashlib.sha256(f"abc{VERIFICATION}{endpoint}".encode()).hexdigest()
    assert answer.headers["content-type"] == "application/json" and answer.json() == {"challengeResponse": wanted}
    assert httpx.get(endpoint).status_code == 405
    settings.INSTALLATION = {"ebay": settings.INSTALLATION["ebay"] | {"verification_token": ""}}
    assert httpx.get(endpoint, params={"challenge_code": "abc"}).status_code == 405


def test_a_key_that_cannot_be_had_is_asked_for_later(
    planted: Person, close_account: Callable[..., dict[str, Any]], acme: str, settings: Any
) -> None:
    """The call is kept sealed and judged again; nothing is lost and nothing erased meanwhile."""
    from core.central import hooks

    good = settings.INSTALLATION["ebay"]
    settings.INSTALLATION = {"ebay": good | {"cert_id": "wrong"}}
    assert close_account(planted, challenge=False)["delivered"]
    with public_context():
        kept = InboundHook.objects.get()
        assert (kept.state, kept.error_code) == (InboundHook.NEW, "hook.no_key")
        assert planted.id.encode() not in bytes(kept.body)
    assert any("opened" in place["where"] for place in prove(planted.id).places), "the proof opens what it can"
    settings.INSTALLATION = {"ebay": good}
    with public_context():
        hooks.sweep()
    outbox.drain(60)
    with tenant_context(acme):
        assert AuditEntry.objects.filter(code="person.erased").count() == 1
    assert prove(*planted.texts).places == []

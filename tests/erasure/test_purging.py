"""What goes by itself when the platforms' days are over, what stays, and what happens to who comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from channels import canonical
from channels.canonical import RawItem
from channels.models import Account, RawPayload
from channels.services import inbox
from core import clock, erasure
from core.central import due
from core.errors import BusinessError, NotAllowed
from core.permissions import OWNER, VIEWER, Actor, of_role, system
from core.records.models import AuditEntry, StoredFile
from core.tenancy import tenant_context
from crm.models import Conversation, Message
from logistics.models import Shipment
from orders import incoming
from orders.models import Consignment, Customer, CustomerIdentity, FormerAddress, Order, OrderSearch
from orders.services import erasing, pages
from orders.services.pages import Incoming
from tests.orders.conftest import ACTOR, T0, Shop, order, shop

__all__ = ["shop"]
PURGE = system("purge")


def purge() -> dict[str, int]:
    return erasure.purge_due(actor=PURGE)


def made(shop: Shop, ref: str, platform: str = "amazon", raw: bool = False, **changes: Any) -> Order:
    """An order of a buyer of its own (buyer-<ref>), taken in like any other."""
    account = shop.account
    if platform != "amazon":
        account = Account.objects.get_or_create(
            platform=platform, defaults={"name": platform, "external_id": platform, "created_at": clock.now()}
        )[0]
    buyer = canonical.Buyer(f"buyer-{ref}", f"Member {ref}", f"{ref}@relay.example", changes.pop("aliases", ()))
    item = order(ref, **{"buyer": buyer, **changes})
    (raw_id,) = inbox.store(account_id=account.pk, kind="order", items=[RawItem(ref, f"<x>{clock.now()}{ref}</x>")])
    page = [Incoming(raw_id, item, incoming.row_of(item))]
    pages.write_page(account_id=account.pk, platform=platform, page=page, actor=ACTOR)
    found: Order = Order.objects.get(external_id=ref, account=account)
    return found


def ended(one: Order, state: str, days: float, **changes: Any) -> None:
    moment = clock.now() - timedelta(days=days)
    Order.objects.filter(pk=one.pk).update(
        state=state, state_at=moment, placed_at=moment - timedelta(days=9), channel_updated_at=moment, **changes
    )


def parcel(shop: Shop, one: Order, days: float) -> Shipment:
    """A parcel that was delivered so many days ago."""
    sent: Shipment = Shipment.objects.create(
        reference=f"R-{one.pk}",
        service=shop.service,
        warehouse_ref=shop.warehouse.pk,
        state="delivered",
        receiver={"name": one.ship_name, "country": "DE"},
        country="DE",
        extras={"note": "ring at Hannah's", "ioss": "IM1"},
        created_at=clock.now(),
        delivered_at=clock.now() - timedelta(days=days),
        label_file_id=StoredFile.objects.create(
            uid=f"00000000-0000-0000-0000-{one.pk:012}", kind="label", path=f"t/x/{one.pk}", name="l.pdf", size=1,
            media_type="application/pdf", sha256="", operation="fields.personal", created_at=clock.now(),
        ).pk,
    )  # fmt: skip
    Consignment.objects.create(order=one, warehouse=shop.warehouse, shipment=sent, created_at=clock.now())
    return sent


def gone(one: Order) -> bool:
    one.refresh_from_db()
    search = OrderSearch.objects.get(order=one).text
    empty = not any(getattr(one, name) for name in Order.personal)
    assert empty == (one.purged_at is not None) == ("weiss" not in search)
    assert one.ship_country == "DE" and one.external_id.lower() in search
    return empty


@pytest.mark.parametrize(
    ("state", "days", "changes", "expected"),
    [
        ("delivered", 29, {}, False),
        ("delivered", 31, {}, True),
        ("returned", 31, {}, True),
        ("cancelled", 31, {}, True),
        ("cancelled", 29, {}, False),
        ("combined", 31, {}, True),
        ("elsewhere", 31, {}, True),
        ("platform", 31, {}, True),
        ("handed", 31, {}, False),  # it may still be on its way
        ("handed", 91, {}, True),
        ("pending", 91, {}, True),  # never paid
        ("ready", 400, {}, False),
        ("failed", 400, {}, False),
        ("packed", 400, {}, False),
    ],
)
def test_orders_go_days_after_their_end(shop: Shop, state: str, days: int, changes: dict[str, Any], expected: bool):
    one = made(shop, "A-1")
    ended(one, state, days, **changes)
    purge()
    assert gone(one) == expected


def test_what_the_platform_promised_counts_for_what_it_sends_itself(shop: Shop) -> None:
    one = made(shop, "A-1")
    ended(one, "platform", 31, deliver_by=clock.now() - timedelta(days=20))
    assert purge() == {} and not gone(one)


def test_the_last_parcel_counts_and_all_goes_with_the_order(shop: Shop) -> None:
    early, late = made(shop, "A-1"), made(shop, "A-2")
    sent = parcel(shop, early, 31)
    ended(early, "delivered", 31)
    ended(late, "delivered", 40)  # the news came early, the parcel says otherwise
    kept = parcel(shop, late, 5)
    for one in (early, late):
        FormerAddress.objects.create(
            order=one,
            address={"ship_name": "Old"},
            replaced_at=T0,
            replaced_by="Li",
            purge_at=clock.now() + timedelta(9),
        )
    counts = purge()
    assert gone(early) and not gone(late)
    assert (counts["orders"], counts["parcels"], counts["files"], counts["payloads"]) == (1, 1, 1, 1)
    sent.refresh_from_db()
    assert (sent.receiver, sent.extras) == ({"country": "DE"}, {"ioss": "IM1"})
    ends = dict(StoredFile.objects.values_list("pk", "purge_at"))
    assert sent.label_file_id and kept.label_file_id
    assert ends[sent.label_file_id] is not None and ends[kept.label_file_id] is None
    assert FormerAddress.objects.get().order_id == late.pk
    assert RawPayload.objects.get(payload="").external_id == "A-1"
    entry = AuditEntry.objects.get(code="person.purged")
    assert entry.params["counts"]["orders"] == 1 and entry.actor_label == "purge"
    assert purge() == {}, "once is enough"


def test_a_customer_is_forgotten_with_the_last_order(shop: Shop) -> None:
    one, two = made(shop, "A-1"), made(shop, "A-2", buyer=canonical.Buyer("buyer-A-1", "Member A-1", "a@relay.example"))
    assert one.customer_id == two.customer_id
    ended(one, "delivered", 31)
    ended(two, "delivered", 3)
    purge()
    assert CustomerIdentity.objects.get().external_id == "buyer-A-1" and Customer.objects.get().name == "Member A-1"
    ended(two, "delivered", 31)
    purge()
    identity, customer = CustomerIdentity.objects.get(), Customer.objects.get()
    assert identity.external_id.startswith("erased:") and (identity.member_name, identity.email) == ("", "")
    assert (customer.name, customer.orders, customer.country) == ("", 2, "DE")


def test_who_buys_again_is_known_where_the_platform_allows_it(shop: Shop) -> None:
    first = made(shop, "E-1", "ebay", aliases=("token-1",))
    other = made(shop, "A-1")
    for one in (first, other):
        ended(one, "delivered", 91)
    merge_key = first.merge_key
    purge()
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.merge_key, other.merge_key) == (merge_key, "") and merge_key
    marks = set(CustomerIdentity.objects.values_list("external_id", flat=True))
    assert len(marks) == 3 and all(mark.startswith("erased:") for mark in marks)
    again = made(shop, "E-2", "ebay", buyer=canonical.Buyer("buyer-E-1", "Back", "b@x.example", ("token-1",)))
    assert again.customer_id == first.customer_id and again.customer.orders == 2 and again.customer.name == "Back"
    assert set(CustomerIdentity.objects.filter(customer=again.customer).values_list("external_id", "email")) == {
        ("buyer-E-1", "b@x.example"),
        ("token-1", ""),
    }
    stranger = made(shop, "A-2", buyer=canonical.Buyer("buyer-A-1", "Back", "b@x.example"))
    assert stranger.customer_id != other.customer_id, "Amazon wants nothing kept"


def test_a_renamed_member_is_the_same_customer(shop: Shop) -> None:
    one = made(shop, "E-1", "ebay", aliases=("token-1",))
    two = made(shop, "E-2", "ebay", buyer=canonical.Buyer("new-name", "New", "n@x.example", ("token-1",)))
    assert one.customer_id == two.customer_id and two.customer.orders == 2
    assert CustomerIdentity.objects.count() == 3


def test_nothing_personal_comes_back(shop: Shop) -> None:
    one = made(shop, "A-1")
    ended(one, "delivered", 31)
    purge()
    later = order(
        "A-1", status=canonical.REFUNDED, updated_at=clock.now(), buyer=canonical.Buyer("b", "Hannah", "h@x.example")
    )
    raw = inbox.store(account_id=shop.account.pk, kind="order", items=[RawItem("A-1", "{Hannah Weiss}")])
    page = [Incoming(raw[0], later, incoming.row_of(later))]
    pages.write_page(account_id=shop.account.pk, platform="amazon", page=page, actor=ACTOR)
    assert gone(one) and one.channel_status == "refunded"
    assert RawPayload.objects.get(pk=raw[0]).payload == ""
    # The same answer once more is known by its digest.
    assert inbox.store(account_id=shop.account.pk, kind="order", items=[RawItem("A-1", "{Hannah Weiss}")]) == []


def test_a_purge_that_was_killed_goes_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [made(shop, f"A-{n}") for n in range(5)]
    for one in every:
        ended(one, "delivered", 31)
    monkeypatch.setattr(erasing, "PAGE", 2)
    real = erasing.reindex
    seen: list[list[int]] = []

    def dies(ids: list[int]) -> None:
        seen.append(ids)
        if len(seen) == 2:
            raise KeyboardInterrupt
        real(ids)

    monkeypatch.setattr(erasing, "reindex", dies)
    with pytest.raises(KeyboardInterrupt):
        purge()
    assert [gone(one) for one in every] == [True, True, False, False, False]
    monkeypatch.setattr(erasing, "reindex", real)
    assert purge()["orders"] == 3
    assert all(gone(one) for one in every)


@pytest.fixture
def talk(shop: Shop) -> Callable[..., Conversation]:
    account = Account.objects.create(platform="ebay", name="e", external_id="e", created_at=clock.now())

    def make(days: float, **message: Any) -> Conversation:
        at = clock.now() - timedelta(days=days)
        found: Conversation = Conversation.objects.create(
            account=account, thread=f"anna:{days}", buyer_id="anna", buyer_name="Anna", subject="Hello from Anna",
            last_at=at, created_at=at, state=Conversation.ANSWERED,
        )  # fmt: skip
        values = {"direction": "in", "state": "answered", "purge_at": at + timedelta(days=90), **message}
        Message.objects.create(
            conversation=found, account=account, external_id=str(days), body="I am Anna", at=at, **values
        )
        return found

    return make


def test_texts_go_by_their_date_and_silent_conversations_with_them(talk: Callable[..., Conversation]) -> None:
    old, new = talk(91), talk(89)
    mixed = talk(95)
    Message.objects.create(
        conversation=mixed, account=mixed.account, direction="out", state="sent", body="Dear Anna", at=clock.now()
    )
    Conversation.objects.filter(pk=mixed.pk).update(last_at=clock.now())
    waiting = talk(92, direction="out", state="queued", next_at=clock.now(), purge_at=None)
    counts = purge()
    assert counts["crm expired"] == 3  # two texts, one conversation
    for one in (old, new, mixed, waiting):
        one.refresh_from_db()
    assert (old.thread, old.buyer_id, old.subject, old.messages.get().body) == (f"erased:{old.pk}", "", "", "")
    assert (new.buyer_name, new.messages.get().body) == ("Anna", "I am Anna")
    assert mixed.buyer_id == "anna" and sorted(m.body for m in mixed.messages.all()) == ["", "Dear Anna"]
    assert waiting.messages.get().body == "I am Anna", "an answer under way is still to be sent"


def test_the_due_job_runs_daily_in_every_tenant(shop: Shop, acme: str) -> None:
    assert due._defaults["records.forget"] == 86400
    one = made(shop, "A-1")
    ended(one, "cancelled", 31)
    due._jobs["records.forget"]("")
    assert gone(one)


def test_a_person_is_erased_by_order_or_address_too(shop: Shop) -> None:
    one, two, three = made(shop, "A-1"), made(shop, "A-2"), made(shop, "A-3")
    assert erasure.erase_person(actor=PURGE, order_ids=[one.pk])["orders"] == 1
    assert gone(one) and one.state == "held" and one.reason_code == "order.person_erased"
    assert erasure.erase_person(actor=PURGE, emails=["A-2@RELAY.example "])["orders"] == 1
    assert gone(two) and not gone(three)
    assert erasure.erase_person(actor=PURGE, buyer_ids=["nobody"]) == {}
    assert erasure.erase_person(actor=PURGE, buyer_ids=["buyer-A-3"], platform="ebay") == {}
    with pytest.raises(BusinessError):
        erasure.erase_person(actor=PURGE, buyer_ids=[" "])
    for actor in (
        Actor("user", 1, "V", of_role(VIEWER)),
        Actor("user", 2, "O", of_role(OWNER), accounts=frozenset({shop.account.pk})),
    ):
        with pytest.raises(NotAllowed):
            erasure.erase_person(actor=actor, order_ids=[three.pk])
    assert "buyer-A" not in str(list(AuditEntry.objects.values_list("params", flat=True)))


def test_the_other_tenant_keeps_its_own(shop: Shop, beta: str) -> None:
    one = made(shop, "A-1")
    with tenant_context(beta):
        erasure.erase_person(actor=PURGE, order_ids=[one.pk], buyer_ids=["buyer-A-1"])
    assert not gone(one)

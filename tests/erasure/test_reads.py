"""Who opened what is written down, and read by those who may."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from channels.models import Account, RawPayload
from channels.services import deadletters
from core import clock, files
from core.errors import NotAllowed
from core.permissions import CLERK, OWNER, VIEWER, Actor, of_role
from core.personal import personal_reads
from core.records.models import PersonalRead
from core.tenancy import public_context
from crm import queries
from crm.models import Conversation, Message
from orders.models import Order
from orders.services import personal
from tenants.models import User
from tests.erasure.conftest import data
from tests.orders.conftest import Shop, order, shop, take

__all__ = ["data", "shop"]
LI = Actor("user", 7, "Li", of_role(CLERK))
WU = Actor("user", 8, "Wu", of_role(OWNER))
VI = Actor("user", 9, "Vi", of_role(VIEWER))


def reads() -> list[tuple[str, str, int, str]]:
    return [(one.actor_label, one.kind, one.object_id, one.field) for one in personal_reads(WU)]


def test_order_payload_and_conversation(shop: Shop) -> None:
    take(shop, order("A-1"))
    one = Order.objects.get()
    assert personal.reveal(actor=LI, order_id=one.pk, field="ship_phone") == "+49 30 1234573"
    raw = RawPayload.objects.create(
        account=shop.account, kind="order", external_id="1", digest=b"1", payload="Hannah", state=RawPayload.DEAD,
        fetched_at=clock.now(), purge_at=clock.now(),
    )  # fmt: skip
    deadletters.payload(actor=WU, raw_id=raw.pk)
    ebay = Account.objects.create(platform="ebay", name="e", external_id="e", created_at=clock.now())
    talk = Conversation.objects.create(account=ebay, thread="t", last_at=clock.now(), created_at=clock.now())
    Message.objects.create(conversation=talk, account=ebay, direction="in", body="Hannah here", at=clock.now())
    for _ in range(3):  # a page that refreshes itself
        assert queries.thread(LI, talk.pk).messages[0]["body"] == "Hannah here"
    queries.thread(WU, talk.pk)
    assert reads() == [
        ("Wu", "conversation", talk.pk, "messages"),
        ("Li", "conversation", talk.pk, "messages"),
        ("Wu", "raw", raw.pk, "payload"),
        ("Li", "order", one.pk, "ship_phone"),
    ]


def test_who_sees_it_masked_has_read_nothing(shop: Shop) -> None:
    take(shop, order("A-1"))
    one = Order.objects.get()
    with pytest.raises(NotAllowed):
        personal.reveal(actor=VI, order_id=one.pk, field="ship_phone")
    assert reads() == []


def test_the_log_is_read_by_kind_person_and_time(shop: Shop) -> None:
    take(shop, order("A-1"), order("A-2"))
    first, second = Order.objects.order_by("pk")
    personal.reveal(actor=LI, order_id=first.pk, field="ship_phone")
    personal.reveal(actor=WU, order_id=second.pk, field="buyer_email")
    old = PersonalRead.objects.get(object_id=first.pk)
    PersonalRead.objects.filter(pk=old.pk).update(at=clock.now() - timedelta(days=3))
    assert [one.object_id for one in personal_reads(WU, kind="order")] == [second.pk, first.pk]
    assert [one.object_id for one in personal_reads(WU, reader_id=7)] == [first.pk]
    assert [one.object_id for one in personal_reads(WU, object_ids=[second.pk])] == [second.pk]
    assert [one.object_id for one in personal_reads(WU, since=clock.now() - timedelta(days=1))] == [second.pk]
    assert [one.object_id for one in personal_reads(WU, until=clock.now() - timedelta(days=1))] == [first.pk]
    newest = personal_reads(WU, limit=1)
    assert [one.pk for one in personal_reads(WU, before_id=newest[0].pk)] == [old.pk]
    assert personal_reads(WU, kind="raw") == []
    with pytest.raises(NotAllowed):
        personal_reads(LI)


def test_a_label_that_is_opened_is_logged_a_manifest_is_not(shop: Shop, data: Path, acme: str) -> None:
    made = [
        files.store(kind, f"{kind}.pdf", b"%PDF-1.4 x", files.PDF, "fields.personal", purge_at=None)
        for kind in ("label", "manifest")
    ]
    client = Client(headers={"host": "acme.localhost"})
    with public_context():
        client.force_login(User.objects.get(email="owner@acme.localhost"))
        for one in made:
            assert client.get(f"/files/{one.uid}/").status_code == 200
    assert [(kind, pk, field) for _, kind, pk, field in reads()] == [("file", made[0].pk, "label")]

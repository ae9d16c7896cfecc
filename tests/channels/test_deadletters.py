"""The desk: reading, mending, retrying and dropping what could not be ingested; who may see personal data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels import queries
from channels.models import Account, RawPayload
from channels.services import deadletters, pull
from core import clock
from core.central import outbox
from core.central.models import Outbox
from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, MANAGER, Actor, of_role, system
from core.records.models import AuditEntry, PersonalRead
from orders import jobs
from orders.models import Order
from tests.support.amazon import Seller, ago, plan

ACTOR = system("test")


@pytest.fixture
def bad(inside: Account, shop: Seller) -> RawPayload:
    """An order whose quantity is no number, beside a good one; both were pulled and ingested."""
    (good,) = shop.plan(plan("good")).values()
    broken: dict[str, Any] = shop.order(good)
    broken["orderId"], broken["lastUpdatedTime"] = "111-1234567-1234567", ago(minutes=30)
    broken["orderItems"] = [dict(item, orderItemId="9" + item["orderItemId"]) for item in broken["orderItems"]]
    broken["orderItems"][1]["quantityOrdered"] = "three"
    shop.control("@/raw-orders", {"orders": [broken]})
    jobs.pull_orders(str(inside.pk))
    return RawPayload.objects.get(state=RawPayload.DEAD)


def test_one_bad_order_stops_nobody(bad: RawPayload, inside: Account) -> None:
    assert Order.objects.count() == 1
    (letter,) = queries.dead_letters(ACTOR, deadletters.RAW)
    assert (letter.label, letter.code, letter.account) == ("111-1234567-1234567", "amazon.malformed", inside.name)
    assert letter.params["path"] == "orderItems[1].quantityOrdered"
    assert queries.dead_counts(ACTOR) == {"raw": 1, "confirm": 0, "event": 0}


def test_mended_it_becomes_an_order(bad: RawPayload) -> None:
    text = deadletters.payload(actor=ACTOR, raw_id=bad.pk)
    assert PersonalRead.objects.get().object_id == bad.pk
    with pytest.raises(BusinessError) as refused:
        deadletters.mend(actor=ACTOR, raw_id=bad.pk, payload=text)
    assert refused.value.params["path"] == "orderItems[1].quantityOrdered"
    body = json.loads(text)
    body["orderItems"][1]["quantityOrdered"] = 3
    with pytest.raises(BusinessError) as refused:
        deadletters.mend(actor=ACTOR, raw_id=bad.pk, payload=json.dumps(body | {"orderId": "222-1234567-1234567"}))
    assert refused.value.code == "deadletter.other_id"
    deadletters.mend(actor=ACTOR, raw_id=bad.pk, payload=json.dumps(body))
    outbox.drain(20)
    assert Order.objects.filter(external_id="111-1234567-1234567").exists()
    assert not RawPayload.objects.filter(state=RawPayload.DEAD).exists()
    mended = AuditEntry.objects.get(code="deadletter.mended")
    assert set(mended.params) == {"before", "after"}
    assert all(len(value) == 40 for value in mended.params.values())


def test_retried_as_it_is_it_comes_back_and_dropped_it_stays_away(
    bad: RawPayload, shop: Seller, inside: Account
) -> None:
    assert deadletters.retry(actor=ACTOR, kind=deadletters.RAW, ids=[bad.pk]) == 1
    outbox.drain(20)
    bad.refresh_from_db()
    assert (bad.state, bad.attempts) == (RawPayload.DEAD, 2)
    with pytest.raises(BusinessError):
        deadletters.drop(actor=ACTOR, kind=deadletters.RAW, ids=[bad.pk], reason=" ")
    assert deadletters.drop(actor=ACTOR, kind=deadletters.RAW, ids=[bad.pk], reason="a test of theirs") == 1
    with pytest.raises(BusinessError):
        deadletters.retry(actor=ACTOR, kind=deadletters.RAW, ids=[bad.pk])
    pull.read_again_from(actor=ACTOR, account_id=inside.pk, since=_yesterday())
    jobs.pull_orders(str(inside.pk))
    bad.refresh_from_db()
    assert bad.state == RawPayload.DROPPED, "read again it is still dropped"


def _yesterday() -> Any:
    return clock.now() - timedelta(days=1)


def test_who_may(bad: RawPayload, inside: Account) -> None:
    clerk = Actor(kind="user", id=1, label="c", operations=of_role(CLERK))
    assert len(queries.dead_letters(clerk, deadletters.RAW)) == 1
    with pytest.raises(NotAllowed):
        deadletters.payload(actor=clerk, raw_id=bad.pk)
    manager = Actor(kind="user", id=1, label="m", operations=of_role(MANAGER))
    assert "orderItems" in deadletters.payload(actor=manager, raw_id=bad.pk)
    elsewhere = replace(manager, accounts=frozenset({inside.pk + 1}))
    assert queries.dead_letters(elsewhere, deadletters.RAW) == []
    with pytest.raises(BusinessError):
        deadletters.payload(actor=elsewhere, raw_id=bad.pk)
    with pytest.raises(BusinessError):
        deadletters.retry(actor=elsewhere, kind=deadletters.RAW, ids=[bad.pk])
    with pytest.raises(NotAllowed):
        deadletters.retry(actor=elsewhere, kind=deadletters.EVENT, ids=[1])


def test_dead_work_of_ours_is_retried_and_dropped(inside: Account, acme: str) -> None:
    def dead() -> Outbox:
        return Outbox.objects.create(
            schema=acme,
            event="channels.raw_ready",
            handler="orders.ingest_left",
            payload={"account_id": inside.pk},
            state=Outbox.DEAD,
            created_at=clock.wall(),
            available_at=clock.wall(),
            error_code="work.crashed",
        )

    row = dead()
    (letter,) = queries.dead_letters(ACTOR, deadletters.EVENT)
    assert (letter.id, letter.label, letter.code) == (row.pk, "orders.ingest_left", "work.crashed")
    deadletters.retry(actor=ACTOR, kind=deadletters.EVENT, ids=[row.pk])
    assert outbox.drain(20) == 1
    other = dead()
    assert deadletters.drop(actor=ACTOR, kind=deadletters.EVENT, ids=[other.pk], reason="old") == 1
    assert not Outbox.objects.filter(schema=acme).exists()

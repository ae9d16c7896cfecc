"""Webhooks out: signed, told at least once, in order per object, retried, logged, given up with a notice; ids only."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from api import news
from api.models import Attempt, Delivery, Endpoint, News
from api.services import delivering, endpoints
from config.launch.places import ROOT
from core import clock, jobs, settings_store
from core.central import due, outbox
from core.central.models import Due, Outbox
from core.errors import BusinessError, NotAllowed
from core.http import door
from core.permissions import OWNER, Actor, of_role
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from crm.models import Conversation
from inventory.services import adjust
from logistics.models import Shipment
from orders.models import Order
from orders.services import acts
from tests.api.conftest import Floor, make
from tests.support.database import ACME, WorkerDatabase
from tests.support.receiver import Receiver, listening

ACTOR = Actor("user", 1, "Li Na", of_role(OWNER))
EVERY = sorted(news.TYPES)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A server that the house may call, as the one private address that is allowed."""
    with listening() as found:
        settings.SANDBOX_URL = found.url
        door.breaker._states.clear()
        yield found
        door.breaker._states.clear()


@pytest.fixture
def house(committed_db: WorkerDatabase, settings: Any, tmp_path: Any) -> Floor:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        floor = make(ACME)
    outbox.drain()
    return floor


def listen(receiver: Receiver, events: list[str] | None = None, actor: Actor = ACTOR) -> endpoints.Made:
    with tenant_context(ACME):
        return endpoints.create(actor=actor, url=f"{receiver.url}/hook", events=events or EVERY, name="shop")


def work() -> None:
    """The outbox is worked off, then what is due is told; waits of merged news are over."""
    for _ in range(3):
        outbox.drain()
        with tenant_context(ACME):
            Delivery.objects.filter(state=0).update(next_at=clock.now() - timedelta(seconds=1))
            for pk in Endpoint.objects.values_list("pk", flat=True):
                delivering.deliver(pk)


def said(receiver: Receiver) -> list[tuple[str, Any]]:
    return [(one["type"], one["object"]["id"]) for one in (json.loads(got.body) for got in receiver.received)]


def test_an_event_holds_ids_only_and_is_signed(house: Floor, receiver: Receiver) -> None:
    made = listen(receiver)
    with house.inside():
        acts.hold(actor=ACTOR, order_ids=[house.orders[0]], note="Hannah Weiss called")
    work()
    got = receiver.received[0]
    body = json.loads(got.body)
    assert set(body) == {"id", "type", "occurred_at", "object"} and body["type"] == "order.changed"
    assert body["object"] == {"kind": "order", "id": house.orders[0], "url": f"/api/v1/orders/{house.orders[0]}"}
    assert b"Hannah" not in got.body and got.headers["sampan-event-id"] == body["id"]
    parts = dict(one.split("=", 1) for one in got.headers["sampan-signature"].split(","))
    wanted = hmac.new(made.secret.encode(), f"{parts['t']}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert parts["v1"] == wanted and abs(int(parts["t"]) - clock.wall().timestamp()) < 60
    with house.inside(), connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM api_endpoint e")
        assert made.secret not in cursor.fetchone()[0]
    with house.inside():
        fresh = endpoints.new_secret(actor=ACTOR, endpoint_id=made.endpoint.pk)
        endpoints.ping(actor=ACTOR, endpoint_id=made.endpoint.pk)
    work()
    last = receiver.received[-1]
    marks = [one[3:] for one in last.headers["sampan-signature"].split(",") if one.startswith("v1=")]
    moment = last.headers["sampan-signature"].split(",")[0][2:]
    assert marks == [
        hmac.new(one.encode(), f"{moment}.".encode() + last.body, hashlib.sha256).hexdigest()
        for one in (fresh.secret, made.secret)
    ]


def test_every_kind_of_event_is_told(house: Floor, receiver: Receiver) -> None:
    from crm.services import incoming
    from logistics.services import tracking
    from orders.services import booking, manual
    from orders.services.release import release
    from tests.orders.conftest import line, order, take
    from tests.support.parcels import settle

    assert incoming and tracking
    listen(receiver)
    with house.inside():
        made = take(house.shop, order("NEW-1", line("NEW-1-1"))).created
        from django.db import transaction

        from core.events import emit

        with transaction.atomic():  # as ``ingest`` does with what the page made
            emit("orders.created", {"ids": made})
            release(order_ids=made, actor=ACTOR)
        booking.book_orders(actor=ACTOR, order_ids=made)
        settle()
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])
        assert manual.MOST_ITEMS
        from fulfilment.services import hand_over

        hand_over(actor=ACTOR, shipment_ids=house.shipments)
        message = house.talk.pk
        with transaction.atomic():
            emit("messages.stored", {"account_id": 1, "ids": list(_messages(house.talk))})
        with transaction.atomic():
            emit("shipments.delivered", {"ids": house.shipments[:1]})
        job = jobs.start(ACTOR, jobs.registered()[0], "list.trail", {}, {})
        jobs.cancel(ACTOR, job.pk)
    work()
    heard = said(receiver)
    assert {kind for kind, _ in heard} == set(EVERY)
    assert ("order.created", made[0]) in heard and ("order.released", made[0]) in heard
    assert ("order.cancelled", house.orders[0]) in heard and ("conversation.message_received", message) in heard
    with house.inside():
        shipped = set(Order.objects.filter(external_id__startswith="FLOOR").values_list("pk", flat=True))
        booked = Shipment.objects.exclude(pk__in=house.shipments).get().pk
    assert {pk for kind, pk in heard if kind == "order.shipped"} == shipped
    assert ("shipment.booked", booked) in heard and ("shipment.delivered", house.shipments[0]) in heard
    assert {pk for kind, pk in heard if kind == "shipment.handed_over"} == set(house.shipments)
    assert ("job.finished", job.pk) in heard
    assert len([1 for kind, _ in heard if kind == "order.created"]) == 1


def _messages(talk: Conversation) -> list[int]:
    from crm.models import Message

    return list(Message.objects.filter(conversation=talk).values_list("pk", flat=True))


def test_what_people_and_rules_do_to_an_order_is_a_change(house: Floor, receiver: Receiver) -> None:
    listen(receiver, ["order.changed"])
    ready, other, short = house.orders
    with house.inside():
        before = Order.objects.get(pk=ready)
        acts.tag(actor=ACTOR, order_ids=[ready], add=["urgent"])
        assert Order.objects.get(pk=ready).updated_at > before.updated_at
    work()
    with house.inside():
        version = Order.objects.get(pk=other).version
        acts.edit_address(actor=ACTOR, order_id=other, version=version, changes={"ship_city": "Potsdam"})
    work()
    with house.inside():
        acts.route_again(actor=ACTOR, order_ids=[short])  # the rules find it short again
    work()
    heard = said(receiver)
    assert {pk for _, pk in heard} == {ready, other, short} and {kind for kind, _ in heard} == {"order.changed"}
    with house.inside():
        assert Order.objects.get(pk=short).state == "short"
        assert Order.objects.get(pk=short).updated_at > before.updated_at


def test_where_nobody_listens_nothing_is_written(house: Floor, receiver: Receiver) -> None:
    with house.inside():
        acts.hold(actor=ACTOR, order_ids=[house.orders[0]])
        assert not Outbox.objects.filter(handler__startswith="api.").exists()
    made = listen(receiver, ["order.cancelled"])
    with house.inside():
        acts.route_again(actor=ACTOR, order_ids=[house.orders[0]])
        adjust(
            actor=ACTOR,
            warehouse_id=house.shop.warehouse.pk,
            lines=[(house.shop.skus["CUP"].pk, 1)],
            key="k",
            reason="x",
        )
        assert not Outbox.objects.filter(handler="api.stock_changed").exists()
        acts.cancel(actor=ACTOR, order_ids=[house.orders[1]])
    work()
    assert said(receiver) == [("order.cancelled", house.orders[1])]
    with house.inside():
        endpoints.switch(actor=ACTOR, endpoint_id=made.endpoint.pk, on=False)
        assert settings_store.get(news.SETTING) == []
        acts.cancel(actor=ACTOR, order_ids=[house.orders[2]])
        assert not Outbox.objects.filter(handler__startswith="api.").exists()


def test_many_changes_of_stock_are_told_once(house: Floor, receiver: Receiver) -> None:
    listen(receiver, ["stock.changed"])
    cup = house.shop.skus["CUP"].pk
    with house.inside():
        for n in range(5):
            adjust(actor=ACTOR, warehouse_id=house.shop.warehouse.pk, lines=[(cup, 1)], key=f"k{n}", reason="x")
    work()
    assert said(receiver) == [("stock.changed", cup)]
    with house.inside():
        adjust(actor=ACTOR, warehouse_id=house.shop.warehouse.pk, lines=[(cup, 1)], key="later", reason="x")
    work()
    assert said(receiver) == [("stock.changed", cup)] * 2
    assert len({json.loads(one.body)["id"] for one in receiver.received}) == 2


def test_a_failure_is_tried_again_under_the_same_id_and_what_follows_waits(house: Floor, receiver: Receiver) -> None:
    made = listen(receiver, ["order.changed", "order.cancelled"])
    receiver.answer = lambda got: (
        (500, "text/plain", b"no\0pe") if len(receiver.received) <= 1 else (204, "text/plain", b"")
    )
    with house.inside():
        acts.hold(actor=ACTOR, order_ids=[house.orders[0]])
    outbox.drain()
    with house.inside():
        Delivery.objects.update(next_at=clock.now())
        wait = delivering.deliver(made.endpoint.pk)
        assert 3 < (wait or 0) <= 5.5
        row = Delivery.objects.get()
        assert (row.state, row.attempts) == (Delivery.WAITING, 1)
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])
    outbox.drain()
    with house.inside():  # the cancellation's time has come, the change's has not: it waits behind it
        assert delivering.deliver(made.endpoint.pk) is not None and len(receiver.received) == 1
    work()
    assert said(receiver) == [("order.changed", house.orders[0])] * 2 + [("order.cancelled", house.orders[0])]
    ids = [json.loads(one.body)["id"] for one in receiver.received]
    assert ids[0] == ids[1] != ids[2]
    with house.inside():
        log = list(Attempt.objects.order_by("pk").values_list("status", "error_code", "response"))
        assert log == [(500, "webhook.refused", "nope"), (204, "", ""), (204, "", "")]
        assert Endpoint.objects.get().failures == 0 and Endpoint.objects.get().last_ok_at is not None


def test_waits_grow_to_a_day_and_then_it_is_given_up(house: Floor, receiver: Receiver) -> None:
    made = listen(receiver, ["order.cancelled"])
    receiver.answer = lambda got: (410, "text/plain", b"gone")
    with house.inside():
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])
    outbox.drain()
    waits = []
    with house.inside():
        for _ in range(len(delivering.WAITS) + 1):
            Delivery.objects.filter(state=0).update(next_at=clock.now())
            delivering.deliver(made.endpoint.pk)
            row = Delivery.objects.get()
            waits.append((row.next_at - clock.now()).total_seconds())
        assert (row.state, row.attempts) == (Delivery.GIVEN_UP, len(delivering.WAITS) + 1)
        assert 22 * 3600 < sum(delivering.WAITS) < 28 * 3600 and waits[0] < 10 < waits[3]
        assert delivering.deliver(made.endpoint.pk) is None
        endpoints.resend(actor=ACTOR, delivery_id=row.pk)
    receiver.answer = lambda got: (200, "text/plain", b"")
    work()
    assert len({one.headers["sampan-event-id"] for one in receiver.received}) == 1
    with house.inside():
        assert Delivery.objects.get().state == Delivery.DONE


def test_an_endpoint_that_fails_for_days_is_switched_off_with_a_notice(house: Floor, receiver: Receiver) -> None:
    made = listen(receiver, ["order.cancelled"])
    receiver.answer = lambda got: (500, "text/plain", b"")
    with house.inside():
        acts.cancel(actor=ACTOR, order_ids=house.orders)
    work()
    with house.inside():
        assert Endpoint.objects.get().active and Endpoint.objects.get().failures >= 3
        calls = len(receiver.received)
        Delivery.objects.filter(state=0).update(next_at=clock.now())
        assert (
            delivering.deliver(made.endpoint.pk) or 0
        ) >= delivering.PROBE_EVERY  # one call shows whether it is back
        assert len(receiver.received) == calls + 1
        Endpoint.objects.update(failing_since=clock.now() - delivering.OFF_AFTER)
    work()
    with house.inside():
        off = Endpoint.objects.get()
        assert (off.active, off.off_code) == (False, "webhook.off_failing")
        assert AuditEntry.objects.filter(kind="webhook", code="webhook.off_failing", actor_kind="system").count() == 1
        assert settings_store.get(news.SETTING) == []
        from api.pages import tiles

        assert [one.count for one in tiles(ACTOR)] == [1]
        with pytest.raises(BusinessError, match="webhook.is_off"):
            endpoints.ping(actor=ACTOR, endpoint_id=off.pk)
        receiver.answer = lambda got: (200, "text/plain", b"")
        endpoints.switch(actor=ACTOR, endpoint_id=off.pk, on=True)
        assert [one.count for one in tiles(ACTOR)] == [0]
    work()
    with house.inside():
        assert not Delivery.objects.exclude(state=Delivery.DONE).exists()  # what waited was told


def test_an_endpoint_hears_of_its_makers_accounts_and_warehouses_only(house: Floor, receiver: Receiver) -> None:
    from dataclasses import replace

    narrow = replace(ACTOR, accounts=frozenset({999_999}), warehouses=frozenset({house.shop.warehouse.pk}))
    made = listen(receiver, EVERY, narrow)
    mine = listen(receiver, ["order.cancelled"], replace(ACTOR, accounts=frozenset({house.shop.account.pk})))
    with house.inside():
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])
        adjust(
            actor=ACTOR,
            warehouse_id=house.shop.warehouse.pk,
            lines=[(house.shop.skus["CUP"].pk, 1)],
            key="k",
            reason="x",
        )
    work()
    with house.inside():
        told = set(Delivery.objects.values_list("endpoint_id", "type"))
        assert (mine.endpoint.pk, "order.cancelled") in told
        assert {kind for pk, kind in told if pk == made.endpoint.pk} == {"stock.changed"}
        with pytest.raises(BusinessError, match="webhook.not_found"):  # nor may such a person touch a wider one
            endpoints.remove(actor=narrow, endpoint_id=mine.endpoint.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "https://", "ftp://example.com", "https://user:pw@example.com/", "https://exa mple.com/",
     "//example.com", "https://example.com:99999/", "https://example.com/#x", "https://müller.example/", "x" * 501],
)  # fmt: skip
def test_addresses_that_cannot_be_called_are_refused(url: str) -> None:
    with tenant_context(ACME), pytest.raises(BusinessError, match="webhook.bad_address"):
        endpoints.create(actor=ACTOR, url=url, events=["order.created"])


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.8:8443/", "https://[::1]/"]
)
def test_private_addresses_are_refused_by_the_door(committed_db: WorkerDatabase, url: str) -> None:
    door.breaker._states.clear()
    with tenant_context(ACME):
        made = endpoints.create(actor=ACTOR, url=url, events=["order.created"])
        endpoints.ping(actor=ACTOR, endpoint_id=made.endpoint.pk)
        delivering.deliver(made.endpoint.pk)
        attempt = Attempt.objects.get()
        assert attempt.status is None and attempt.error_code == "http.address_refused"
    door.breaker._states.clear()


@pytest.mark.django_db
def test_only_those_with_the_right(acme: str) -> None:
    with tenant_context(acme), pytest.raises(NotAllowed):
        endpoints.create(
            actor=Actor("user", 2, "x", of_role("clerk")), url="https://example.com", events=["order.created"]
        )


def test_no_call_is_made_inside_a_transaction(house: Floor, receiver: Receiver) -> None:
    from django.db import transaction

    made = listen(receiver, ["order.cancelled"])
    with house.inside():
        endpoints.ping(actor=ACTOR, endpoint_id=made.endpoint.pk)
        with pytest.raises(door.InTransaction), transaction.atomic():
            delivering.deliver(made.endpoint.pk)
        assert receiver.received == []


def test_the_runner_of_recurring_work_tells_it_and_news_makes_it_due(house: Floor, receiver: Receiver) -> None:
    listen(receiver, ["order.cancelled"])
    with house.inside():
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])
    outbox.drain()
    assert Due.objects.get(job="api.deliver").due_at <= clock.now()
    due.drain(200)
    assert said(receiver) == [("order.cancelled", house.orders[0])]
    assert Due.objects.get(job="api.deliver").due_at > clock.now() + timedelta(minutes=30)


def test_old_news_goes_with_its_log(house: Floor, receiver: Receiver) -> None:
    made = listen(receiver, ["order.cancelled"])
    with house.inside():
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])
    work()
    with house.inside():
        endpoints.ping(actor=ACTOR, endpoint_id=made.endpoint.pk)
        News.objects.update(at=clock.now() - timedelta(days=31))
        due._jobs["api.purge"]("")
        assert list(News.objects.values_list("type", flat=True)) == [news.PING]  # it waits, so it stays
        assert Attempt.objects.count() == 0


def test_news_that_waits_for_one_who_is_switched_off_keeps_no_other_from_going(
    house: Floor, receiver: Receiver
) -> None:
    off, on = listen(receiver, ["order.cancelled"]), listen(receiver, ["order.cancelled"])
    with house.inside():
        endpoints.ping(actor=ACTOR, endpoint_id=off.endpoint.pk)
        endpoints.ping(actor=ACTOR, endpoint_id=off.endpoint.pk)
        endpoints.switch(actor=ACTOR, endpoint_id=off.endpoint.pk, on=False)
        endpoints.ping(actor=ACTOR, endpoint_id=on.endpoint.pk)
        delivering.deliver(on.endpoint.pk)
        News.objects.update(at=clock.now() - timedelta(days=31))
        assert [delivering.purge(clock.now(), limit=2), delivering.purge(clock.now(), limit=2)] == [1, 0]
        assert Delivery.objects.filter(endpoint_id=off.endpoint.pk, state=Delivery.WAITING).count() == 2


KILLED = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
settings.SANDBOX_URL, point = sys.argv[1:3]
from api import news
from api.services import delivering
from core.central import outbox
from core.tenancy import tenant_context
die = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
if point == "telling":       # news written, the outbox row not closed: both roll back
    real = news.tell
    news.tell = lambda items: (real(items), die())
if point == "marked":        # the row is marked, nothing was sent
    delivering._call = die
if point == "sent":          # they have it, we have not written so
    delivering._keep = die
outbox.drain()
with tenant_context("t_acme"):
    from api.models import Delivery, Endpoint
    from core import clock
    Delivery.objects.filter(state=0).update(next_at=clock.now())
    for pk in Endpoint.objects.values_list("pk", flat=True):
        delivering.deliver(pk)
"""


@pytest.mark.kill
def test_killed_anywhere_it_is_told_and_twice_only_under_the_same_id(
    house: Floor, receiver: Receiver, committed_db: WorkerDatabase
) -> None:
    listen(receiver, ["order.cancelled"])
    with house.inside():
        acts.cancel(actor=ACTOR, order_ids=[house.orders[0]])

    def run(point: str) -> int:
        env = {**os.environ, "DATABASE_URL": committed_db.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        args = [sys.executable, "-W", "ignore", "-c", KILLED, receiver.url, point]
        return subprocess.run(args, env=env, cwd=ROOT, capture_output=True, timeout=120, check=False).returncode

    assert run("telling") == -9
    with house.inside():
        assert News.objects.count() == 0
        Outbox.objects.update(lease_until=clock.wall() - timedelta(seconds=1))  # the dead worker's lease runs out
    assert run("marked") == -9 and receiver.received == []
    with house.inside():
        assert (News.objects.count(), Delivery.objects.get().state) == (1, Delivery.WAITING)
    assert run("sent") == -9 and len(receiver.received) == 1
    assert run("") == 0 and len(receiver.received) == 2
    assert len({one.headers["sampan-event-id"] for one in receiver.received}) == 1
    assert said(receiver) == [("order.cancelled", house.orders[0])] * 2
    with house.inside():
        assert Delivery.objects.get().state == Delivery.DONE

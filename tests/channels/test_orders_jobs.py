"""From the platform to orders: the jobs that orders run, personal data that comes later, calls from outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from channels.models import Account, RawPayload
from channels.services import pull
from core import clock
from core.central import hooks, outbox
from core.central.models import Due, InboundHook, Outbox
from core.errors import Rejected
from core.permissions import system
from core.tenancy import public_context
from orders import jobs
from orders.models import Order
from tests.support.amazon import Seller, iso, plan

ACTOR = system("test")


def test_pulled_orders_are_ingested_page_by_page(inside: Account, shop: Seller) -> None:
    ids = shop.plan(*[plan(f"o{i}") for i in range(101)])
    assert jobs.pull_orders(str(inside.pk)) is None
    assert Order.objects.count() == 101
    assert not RawPayload.objects.filter(state=RawPayload.NEW).exists()
    order = Order.objects.get(external_id=ids["o0"])
    known = shop.known(ids["o0"])
    assert f"{order.grand_total:.2f}" == known["total"]
    assert (order.ship_name, order.ship_city, order.ship_lines) == ("Zoë 李", "Seattle", ["12 Rue d'Été", "Apt 4"])


def test_what_a_killed_worker_left_is_ingested_by_the_next_run_and_by_the_sweep(inside: Account, shop: Seller) -> None:
    shop.plan(plan("one"))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    assert Order.objects.count() == 0
    jobs.sweep("")
    assert Order.objects.count() == 1
    shop.plan(plan("two"))
    pull.read_again_from(actor=ACTOR, account_id=inside.pk, since=clock.now() - timedelta(days=1))
    pull.fetch_orders(account_id=inside.pk, actor=ACTOR)
    jobs.pull_orders(str(inside.pk))
    assert Order.objects.count() == 2


def test_personal_data_that_was_held_back_is_read_later(inside: Account, shop: Seller) -> None:
    """Amazon gives it later and does not move the order's last-update time: no list shows it again."""
    shop.control("@/withhold-pii", {"until": iso(datetime.now(UTC) + timedelta(hours=1))})
    (order_id,) = shop.plan(plan("one")).values()
    jobs.pull_orders(str(inside.pk))
    order = Order.objects.get()
    assert order.ship_name == ""
    outbox.drain(20)
    jobs.reread_orders(str(inside.pk))
    order.refresh_from_db()
    assert order.ship_name == ""
    shop.control("@/withhold-pii", {"until": None})
    jobs.reread_orders(str(inside.pk))
    order.refresh_from_db()
    assert (order.ship_name, order.buyer_name) == ("Zoë 李", "Ann Lee")
    # Held back again, what is known stays known.
    shop.control("@/withhold-pii", {"until": iso(datetime.now(UTC) + timedelta(hours=1))})
    shop.act(order_id, "touch")
    jobs.hook_news({"account_id": inside.pk, "kind": "order", "external_ids": [order_id]})
    order.refresh_from_db()
    assert order.ship_name == "Zoë 李"


def test_orders_that_lists_left_out_are_read_when_they_were_silent(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    jobs.pull_orders(str(inside.pk))
    shop.act(order_id, "cancel", at=iso(datetime.now(UTC) - timedelta(days=2)))
    jobs.pull_orders(str(inside.pk))
    assert Order.objects.get().channel_status == "paid", "the list does not show it"
    Order.objects.update(updated_at=clock.now() - timedelta(days=2), channel_updated_at=clock.now() - timedelta(days=3))
    jobs.reread_orders(str(inside.pk))
    assert Order.objects.get().channel_status == "cancelled"


def test_throttled_the_job_says_when_to_come_again(inside: Account, shop: Seller) -> None:
    shop.script("throttle", "searchOrders")
    assert jobs.pull_orders(str(inside.pk)) == pytest.approx(1 / 0.0056, rel=0.01)


# -- calls from outside -----------------------------------------------------------------------------------------------


class Reader:
    """A platform of the test: the body is JSON, signed by the word ``good``."""

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def greet(self, call: hooks.HookCall) -> hooks.Reply | None:
        code = call.query.get("challenge")
        return hooks.Reply(200, code[::-1].encode()) if code else None

    def read(self, call: hooks.HookCall) -> list[hooks.Handover]:
        if call.headers.get("x-signature") != "good":
            raise Rejected("hook.bad_signature")
        body = json.loads(call.body)
        return [hooks.Handover(self.schema, "channels.hook_news", body)] if body else []


@pytest.fixture
def door(inside: Account, acme: str) -> Any:
    hooks.register("testbazaar", Reader(acme))
    yield _post
    del hooks._readers["testbazaar"]


def _post(body: Any, signature: str = "good", **more: Any) -> int:
    answer = Client(headers={"host": "localhost"}).post(
        "/hooks/testbazaar/shop-1",
        data=json.dumps(body).encode(),
        content_type="application/json",
        headers={"x-signature": signature},
    )
    return answer.status_code


def news(account: Account, *ids: str) -> dict[str, Any]:
    return {"account_id": account.pk, "kind": "order", "external_ids": list(ids)}


def test_a_call_is_handed_over_once_and_leaves_nothing_in_public(
    door: Callable[..., int], inside: Account, shop: Seller, acme: str
) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    with public_context():
        assert [door(news(inside, order_id)) for _ in range(3)] == [200, 200, 200]
        row = InboundHook.objects.get()
        assert (row.state, row.body, row.headers, row.times) == (InboundHook.HANDED, None, {}, 3)
        assert Outbox.objects.filter(schema=acme, event="channels.hook_news").count() == 1
    outbox.drain(20)
    assert Order.objects.get().external_id == order_id


def test_a_forged_call_is_refused_and_kept_encrypted(door: Callable[..., int], inside: Account, acme: str) -> None:
    with public_context():
        assert door(news(inside, "123-1234567-1234567"), "bad") == 401
        row = InboundHook.objects.get()
        assert (row.state, row.error_code) == (InboundHook.REFUSED, "hook.bad_signature")
        assert b"123-1234567" not in bytes(row.body)
        assert not Outbox.objects.filter(event="channels.hook_news").exists()
        assert Due.objects.filter(schema="public", job="hooks.sweep").exists()


def test_a_call_that_is_nobodys_waits_for_the_operators(door: Callable[..., int], inside: Account, acme: str) -> None:
    with public_context():
        assert door({}) == 200
        row = InboundHook.objects.get()
        assert (row.state, row.error_code) == (InboundHook.UNROUTED, hooks.UNROUTED)
        hooks.register("testbazaar", _Now(acme, news(inside)))
        assert hooks.again(row.pk) == ""
        row.refresh_from_db()
        assert (row.state, row.body) == (InboundHook.HANDED, None)


class _Now(Reader):
    def __init__(self, schema: str, payload: dict[str, Any]) -> None:
        super().__init__(schema)
        self.payload = payload

    def read(self, call: hooks.HookCall) -> list[hooks.Handover]:
        assert call.headers["x-signature"] == "good"
        assert call.body == b"{}"
        return [hooks.Handover(self.schema, "channels.hook_news", self.payload)]


def test_the_door_answers_what_it_should(door: Callable[..., int], acme: str) -> None:
    client = Client(headers={"host": "localhost"})
    with public_context():
        assert client.get("/hooks/testbazaar?challenge=abc").content == b"cba"
        assert client.get("/hooks/testbazaar").status_code == 405
        assert client.post("/hooks/nobody").status_code == 404
        assert client.post("/hooks/amazon").status_code == 404, "it has no webhooks"
        large = client.post("/hooks/testbazaar", data=b"x" * (hooks.MOST_BYTES + 1), content_type="text/plain")
        assert large.status_code == 413
        tenant = Client(headers={"host": "acme.localhost"}).post("/hooks/testbazaar")
        assert tenant.status_code == 404, "only on the public host"
        assert not InboundHook.objects.exists()


def test_an_account_without_room_for_more_forged_calls(door: Callable[..., int], monkeypatch: Any) -> None:
    monkeypatch.setattr(hooks, "MOST_KEPT", 2)
    with public_context():
        assert [door({"n": n}, "bad") for n in range(4)] == [401] * 4
        assert InboundHook.objects.count() == 2

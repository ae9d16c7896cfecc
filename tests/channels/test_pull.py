"""Reading orders into the raw inbox: pages, kills, dead tokens, throttling, withdrawn consent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from channels.adapters.amazon.adapter import Amazon
from channels.models import Account, Cursor, RawPayload
from channels.services import accounts, inbox, pull, tokens
from core import clock
from core.central.models import Due
from core.errors import BusinessError, Rejected, Transient
from core.http import door
from core.permissions import system
from core.tenancy import tenant_context
from tests.support.amazon import Seller, ago, plan

ACTOR = system("test")


def orders(account: Account, **options: Any) -> pull.Pulled:
    return pull.fetch_orders(account_id=account.pk, actor=ACTOR, **options)


def many(shop: Seller, n: int, prefix: str = "o") -> dict[str, str]:
    return shop.plan(*[plan(f"{prefix}{i}") for i in range(n)])


def stored() -> list[str]:
    return sorted(RawPayload.objects.filter(kind="order").values_list("external_id", flat=True))


class Killed(BaseException):
    """The process ends here."""


def test_everything_is_read_once_and_the_cursor_moves(inside: Account, shop: Seller) -> None:
    ids = many(shop, 101)
    before = clock.now()
    seen: list[int] = []
    done = orders(inside, on_page=seen.append)
    assert (done.done, done.pages, done.items, done.fresh, done.wait) == (True, 2, 101, 101, None)
    assert seen == [100, 1]
    assert stored() == sorted(ids.values())
    cursor = Cursor.objects.get(account=inside, job="orders")
    assert cursor.window_to is None
    assert cursor.lease_token is None
    assert before - timedelta(seconds=200) < cursor.position < clock.now() - timedelta(seconds=120)
    inside.refresh_from_db()
    assert inside.health == Account.OK
    assert inside.last_success_at is not None
    again = orders(inside)
    assert (again.items, again.fresh) == (0, 0)


def test_the_overlap_brings_nothing_twice(inside: Account, shop: Seller) -> None:
    shop.plan(plan("one", placed_at=ago(minutes=5), paid_at=ago(minutes=5)))
    assert orders(inside).fresh == 1
    again = orders(inside)
    assert (again.items, again.fresh) == (1, 0)
    assert RawPayload.objects.count() == 1


def test_a_changed_order_is_stored_beside_the_former(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    orders(inside)
    shop.act(order_id, "request_cancel", at=ago(minutes=3))
    assert orders(inside).fresh == 1
    assert stored() == [order_id, order_id]


@pytest.mark.parametrize("place", ["before", "inside", "after"])
def test_killed_at_a_page_and_read_to_the_end_by_the_next(
    inside: Account, shop: Seller, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Before the page's transaction, in the middle of it, and between its commit and whatever follows."""
    ids = many(shop, 205)
    kill = _killer(place, on_page=2)
    name = {"before": "_store", "inside": "_move", "after": "_store"}[place]
    real = getattr(pull._Run, name)
    monkeypatch.setattr(pull._Run, name, lambda run, *a, **k: kill(real, run, *a, **k))
    # A kill -9 releases nothing.
    monkeypatch.setattr(pull._Run, "_release", lambda *a, **k: None)
    with pytest.raises(Killed):
        orders(inside)
    monkeypatch.undo()
    cursor = Cursor.objects.get(account=inside, job="orders")
    position = cursor.position
    assert len(stored()) == {"before": 100, "inside": 100, "after": 200}[place]
    assert bool(cursor.page_token) is True
    assert orders(inside).busy, "the lease of the dead worker still holds"
    Cursor.objects.update(lease_until=clock.wall())
    done = orders(inside)
    assert done.done
    assert done.pages == {"before": 2, "inside": 2, "after": 1}[place], "it goes on with the token"
    assert stored() == sorted(ids.values())
    cursor.refresh_from_db()
    assert cursor.position > position


def _killer(place: str, on_page: int) -> Callable[..., Any]:
    calls = {"n": 0}

    def kill(real: Callable[..., Any], run: Any, *args: Any, **more: Any) -> Any:
        calls["n"] += 1
        if calls["n"] == on_page and place in ("before", "inside"):
            raise Killed
        value = real(run, *args, **more)
        if calls["n"] == on_page and place == "after":
            raise Killed
        return value

    return kill


def test_two_workers_read_an_account_once(inside: Account, shop: Seller, acme: str) -> None:
    ids = many(shop, 150)
    results: list[pull.Pulled] = []

    def work() -> None:
        with tenant_context(acme):
            results.append(orders(inside))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored() == sorted(ids.values())
    assert sum(result.fresh for result in results) == 150
    assert len([result for result in results if not result.busy]) >= 1


def test_a_cursor_set_back_takes_the_lease_from_the_reader(inside: Account, shop: Seller) -> None:
    many(shop, 101)
    back = clock.now() - timedelta(days=3)

    def on_page(fresh: int) -> None:
        pull.read_again_from(actor=ACTOR, account_id=inside.pk, since=back)

    done = orders(inside, on_page=on_page)
    assert done.busy
    assert done.pages == 1
    cursor = Cursor.objects.get(account=inside, job="orders")
    assert cursor.position == back
    assert (cursor.window_from, cursor.page_token) == (None, "")
    assert orders(inside).fresh == 1, "the second page; the first is known"
    with pytest.raises(BusinessError):
        pull.read_again_from(actor=ACTOR, account_id=inside.pk, since=clock.now() + timedelta(days=1))


def test_an_access_token_that_dies_in_mid_window_is_replaced(inside: Account, shop: Seller) -> None:
    many(shop, 101)
    generation = Account.objects.get(pk=inside.pk).token_generation
    done = orders(inside, on_page=lambda fresh: shop.control("@/expire", {}))
    assert (done.done, done.pages, done.fresh) == (True, 2, 101)
    assert Account.objects.get(pk=inside.pk).token_generation == generation + 1


def test_throttling_ends_the_run_and_the_next_goes_on(inside: Account, shop: Seller) -> None:
    many(shop, 101)
    done = orders(inside, on_page=lambda fresh: shop.script("throttle", "searchOrders"))
    assert (done.done, done.pages) == (False, 1)
    assert done.wait == pytest.approx(1 / 0.0056, rel=0.01)
    assert done.code == "adapter.throttled"
    account = Account.objects.get(pk=inside.pk)
    assert account.health == Account.OK, "being told to wait is no failure"
    assert Cursor.objects.get(account=inside, job="orders").failures == 0
    # Our own budget believes the platform's answer: nothing goes out before a token is there again.
    assert orders(inside).wait
    _refill()
    assert orders(inside).pages == 1
    assert len(stored()) == 101


def _refill() -> None:
    door.budget._own.clear()


@pytest.mark.parametrize("fault", ["html503", "empty200", "server_error", "timeout_before", "die_mid_page"])
def test_a_storm_is_no_empty_page(inside: Account, shop: Seller, fault: str) -> None:
    ids = many(shop, 3)
    position = Cursor.objects.get(account=inside, job="orders").position
    shop.script(fault, "searchOrders")
    done = orders(inside)
    assert not done.done
    assert done.wait == 15
    cursor = Cursor.objects.get(account=inside, job="orders")
    assert (cursor.position, cursor.failures) == (position, 1)
    assert orders(inside).done
    assert stored() == sorted(ids.values())
    assert Cursor.objects.get(account=inside, job="orders").failures == 0


def test_failing_is_said_after_some_tries_and_taken_back(inside: Account, shop: Seller) -> None:
    shop.script("server_error", "searchOrders", times=3)
    waits = [orders(inside).wait for _ in range(3)]
    assert waits == [15, 30, 60]
    account = Account.objects.get(pk=inside.pk)
    assert (account.health, account.health_code) == (Account.FAILING, "amazon.unavailable")
    assert orders(inside).done
    account.refresh_from_db()
    assert (account.health, account.health_code) == (Account.OK, "")


def test_withdrawn_consent_stops_the_account_until_it_is_connected_again(inside: Account, shop: Seller) -> None:
    many(shop, 2)
    shop.control("@/revoke", {})
    assert not orders(inside).done
    account = Account.objects.get(pk=inside.pk)
    assert (account.health, account.health_code) == (Account.RECONNECT, "amazon.consent_gone")
    assert {row.paused for row in Due.objects.filter(key=str(inside.pk))} == {True}
    assert orders(inside).busy
    with pytest.raises(BusinessError) as refused:
        accounts.resume(actor=ACTOR, account_id=inside.pk)
    assert refused.value.code == "account.reconnect_first"
    with pytest.raises(BusinessError) as refused:
        accounts.reconnect(actor=ACTOR, account_id=inside.pk, credentials=shop.credentials)
    assert refused.value.code == "account.refused"
    fresh = shop.credentials | {"refresh_token": shop.credentials["refresh_token"] + "2"}
    shop.control("/accounts", shop.spec | {"credentials": fresh})
    accounts.reconnect(actor=ACTOR, account_id=inside.pk, credentials=fresh)
    account.refresh_from_db()
    assert account.health == Account.OK
    assert not Due.objects.filter(key=str(inside.pk), paused=True).exists()
    assert orders(inside).fresh == 2


def test_a_dead_page_token_begins_the_window_anew(inside: Account, shop: Seller) -> None:
    ids = many(shop, 101)

    def spoil(fresh: int) -> None:
        if Cursor.objects.get(account=inside, job="orders").page_token:
            Cursor.objects.filter(account=inside, job="orders").update(page_token="gone")

    assert orders(inside, on_page=spoil, seconds=-1).pages == 1
    done = orders(inside)
    assert (done.done, done.pages, done.fresh) == (True, 2, 1)
    assert stored() == sorted(ids.values())


def test_a_run_ends_between_two_pages_when_its_time_is_over(inside: Account, shop: Seller) -> None:
    many(shop, 101)
    assert orders(inside, seconds=-1).wait == 0
    assert orders(inside, seconds=-1).done
    assert len(stored()) == 101


def test_pages_that_repeat_and_reorder_bring_each_order_once(inside: Account, shop: Seller) -> None:
    ids = many(shop, 210)
    rules = [{"kind": k, "op": "searchOrders", "account": shop.account_id, "times": 3} for k in ("repeat", "reorder")]
    assert shop.http.post("/_control/faults", json={"script": rules}).status_code == 200
    done = orders(inside)
    assert done.items > done.fresh
    assert stored() == sorted(ids.values())


def test_malformed_payloads_are_stored_as_they_came(inside: Account, shop: Seller) -> None:
    odd = {"orderId": "odd", "lastUpdatedTime": ago(hours=1), "x": "a \u0000"}
    text = json.dumps({"orders": [odd, {}, {"orderId": 7}]})
    assert shop.http.post(f"/_control/amazon/accounts/{shop.account_id}/raw-orders", content=text).status_code == 200
    done = orders(inside)
    assert done.done
    assert "odd" in stored()
    assert not any("\x00" in text for text in RawPayload.objects.values_list("payload", flat=True))


def test_a_window_that_is_too_big_is_halved(inside: Account, shop: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that refuses long periods is read in shorter ones, to the same end."""
    ids = many(shop, 5)
    real, asked = Amazon.fetch_orders, []

    def strict(self: Amazon, session: Any, window: Any, token: str) -> Any:
        asked.append(window.end - window.start)
        if asked[-1] > timedelta(hours=8):
            raise Rejected(pull.WINDOW_TOO_BIG)
        return real(self, session, window, token)

    monkeypatch.setattr(Amazon, "fetch_orders", strict)
    done = orders(inside)
    assert done.done
    assert stored() == sorted(ids.values())
    assert asked[0] > timedelta(hours=8)
    assert Cursor.objects.get(account=inside, job="orders").position > clock.now() - timedelta(minutes=10)


def test_one_worker_mints_for_all(inside: Account, shop: Seller, acme: str) -> None:
    Account.objects.update(token_expires_at=None)
    found: list[tuple[str, int]] = []

    def work() -> None:
        with tenant_context(acme):
            found.append(tokens.access(account_id=inside.pk, actor=ACTOR))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len({token for token, _ in found}) == 1
    assert Account.objects.get(pk=inside.pk).token_generation == 1


def test_a_minter_who_died_holds_nobody_up_for_long(inside: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    Account.objects.update(token_expires_at=None, token_lease_until=clock.wall() + timedelta(seconds=30))
    monkeypatch.setattr(tokens, "WAIT_SECONDS", 0.3)
    with pytest.raises(Transient):
        tokens.access(account_id=inside.pk, actor=ACTOR)
    Account.objects.update(token_lease_until=clock.wall() - timedelta(seconds=1))
    assert tokens.access(account_id=inside.pk, actor=ACTOR)[1] == 1


def test_old_rows_are_purged_and_dead_ones_later(inside: Account, shop: Seller) -> None:
    many(shop, 4)
    orders(inside)
    ids = list(RawPayload.objects.order_by("pk").values_list("pk", flat=True))
    states = [RawPayload.INGESTED, RawPayload.DEAD, RawPayload.NEW, RawPayload.DROPPED]
    for row, state in zip(ids, states, strict=True):
        RawPayload.objects.filter(pk=row).update(state=state, purge_at=clock.now() - timedelta(days=1))
    assert inbox.purge() == 2
    assert list(RawPayload.objects.order_by("pk").values_list("state", flat=True)) == [2, 0]
    RawPayload.objects.update(purge_at=clock.now() - timedelta(days=61))
    assert inbox.purge() == 2


def test_text_that_postgresql_cannot_keep_is_cleaned() -> None:
    assert inbox.clean("a\x00b\ud800c 李") == "a\ufffdb\ufffdc 李"

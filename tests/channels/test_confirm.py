"""Telling the marketplace once: time-outs after acting, kills, two workers, refusals, revoked consent."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from channels import queries
from channels.models import Account, Confirmation
from channels.services import confirm, deadletters, pull
from core import clock
from core.central.models import Outbox
from core.errors import BusinessError
from core.http import door
from core.permissions import system
from core.tenancy import tenant_context
from tests.support.amazon import Seller, lines_of, plan, seller

ACTOR = system("test")


@pytest.fixture(autouse=True)
def plenty() -> None:
    door.budget._own.clear()


def parcel(shop: Seller, account: Account, order_id: str, reference: str = "7001", **changes: Any) -> confirm.Wanted:
    lines = tuple(lines_of(shop.order(order_id)).items())
    values: dict[str, Any] = {
        "account_id": account.pk,
        "order_external_id": order_id,
        "order_ref": int(reference) * 10,
        "reference": reference,
        "carrier": "YunExpress",
        "service": "Standard",
        "tracking_number": f"YT26{reference}",
        "shipped_at": clock.now() - timedelta(minutes=1),
        "lines": lines,
    }
    return confirm.Wanted(**values | changes)


def want(*wanted: confirm.Wanted) -> int:
    with transaction.atomic():
        return confirm.want(wanted)


def send(account: Account) -> confirm.Sent:
    return confirm.send_due(account_id=account.pk, actor=ACTOR)


def hurry() -> None:
    """Let the waiting and the leases be over."""
    Confirmation.objects.update(next_at=clock.now() - timedelta(seconds=1))
    Confirmation.objects.exclude(lease_until=None).update(lease_until=clock.wall() - timedelta(seconds=1))


def row() -> Confirmation:
    return Confirmation.objects.get()


def test_a_parcel_is_confirmed_once_with_all_it_holds(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    wanted = parcel(shop, inside, order_id)
    assert want(wanted) == 1
    assert want(wanted) == 0, "asked again"
    sent = send(inside)
    assert sent.confirmed == [70010]
    known = shop.known(order_id)
    (there,) = known["confirmations"]
    assert (there["tracking_number"], there["carrier"], there["service"]) == ("YT267001", "Yun Express", "Standard")
    assert {line["external_line_id"]: line["quantity"] for line in there["lines"]} == dict(wanted.lines)
    assert (known["status"], known["confirm_calls"]) == ("SHIPPED", 1)
    assert (row().state, row().attempts) == (Confirmation.CONFIRMED, 1)
    assert row().confirmed_at is not None
    assert send(inside).confirmed == []
    assert shop.known(order_id)["confirm_calls"] == 1


def test_wanting_tells_a_worker_and_the_end_tells_the_others(inside: Account, shop: Seller, acme: str) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    want(parcel(shop, inside, order_id))
    assert [r.event for r in Outbox.objects.filter(schema=acme)] == ["channels.confirm_wanted"]


def test_a_time_out_after_acting_ends_in_one_confirmation(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    want(parcel(shop, inside, order_id))
    shop.script("timeout_after", "confirmShipment")
    assert send(inside).confirmed == [70010], "the look-up found it"
    assert shop.known(order_id)["confirm_calls"] == 1


def test_a_time_out_before_acting_is_looked_up_and_sent_again(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    want(parcel(shop, inside, order_id))
    shop.script("timeout_before", "confirmShipment")
    assert send(inside).confirmed == []
    assert (row().state, row().error_code) == (Confirmation.UNKNOWN, "http.no_answer")
    assert send(inside).confirmed == [], "not before its time"
    hurry()
    assert send(inside).confirmed == [70010]
    assert shop.known(order_id)["confirm_calls"] == 1
    assert len(shop.known(order_id)["confirmations"]) == 1


class Killed(BaseException):
    pass


@pytest.mark.parametrize("acted", [False, True])
def test_killed_between_sent_and_result(
    inside: Account, shop: Seller, monkeypatch: pytest.MonkeyPatch, acted: bool
) -> None:
    """Whoever finds *sent* looks up; the platform has one package whether the dead worker had called or not."""
    (order_id,) = shop.plan(plan("one")).values()
    want(parcel(shop, inside, order_id))
    real = confirm._call_all

    def dies(*args: Any) -> Any:
        if acted:
            real(*args)
        raise Killed

    monkeypatch.setattr(confirm, "_call_all", dies)
    with pytest.raises(Killed):
        send(inside)
    monkeypatch.undo()
    assert row().state == Confirmation.SENT
    assert send(inside).confirmed == [], "leased"
    hurry()
    calls = shop.known(order_id)["confirm_calls"]
    assert calls == int(acted)
    assert send(inside).confirmed == [70010]
    assert shop.known(order_id)["confirm_calls"] == 1


def test_two_workers_confirm_each_parcel_once(inside: Account, shop: Seller, acme: str) -> None:
    ids = shop.plan(*[plan(f"o{i}") for i in range(9)])
    want(*[parcel(shop, inside, order_id, str(100 + i)) for i, order_id in enumerate(ids.values())])
    found: list[int] = []

    def work() -> None:
        with tenant_context(acme):
            found.extend(send(inside).confirmed)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [1000 + 10 * i for i in range(9)]
    assert {shop.known(order_id)["confirm_calls"] for order_id in ids.values()} == {1}


def test_throttled_by_our_own_budget_the_rest_waits(inside: Account, shop: Seller) -> None:
    ids = shop.plan(*[plan(f"o{i}") for i in range(14)])
    want(*[parcel(shop, inside, order_id, str(100 + i)) for i, order_id in enumerate(ids.values())])
    sent = send(inside)
    assert 10 <= len(sent.confirmed) < 14
    assert sent.wait == confirm.REST_SECONDS
    assert set(Confirmation.objects.values_list("state", flat=True)) == {"confirmed", "wanted"}
    total = len(sent.confirmed)
    for _ in range(20):
        clock.sleep(0.3)
        hurry()
        total += len(send(inside).confirmed)
        if total == 14:
            break
    assert {shop.known(order_id)["confirm_calls"] for order_id in ids.values()} == {1}


def test_a_dead_access_token_is_replaced(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    want(parcel(shop, inside, order_id))
    shop.control("@/expire", {})
    sent = send(inside)
    assert sent.confirmed == [70010]


def test_a_refusal_stands_on_the_desk_and_is_mended_there(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    (line, _), *_ = parcel(shop, inside, order_id).lines
    want(parcel(shop, inside, order_id, lines=((line, 99),)))
    assert send(inside).refused == [70010]
    letter = row()
    assert (letter.state, letter.error_code) == (Confirmation.REFUSED, "amazon.refused")
    assert "99" in letter.error_params["reason"]
    (shown,) = queries.dead_letters(ACTOR, deadletters.CONFIRM)
    assert (shown.label, shown.account, shown.code) == (order_id, inside.name, "amazon.refused")
    deadletters.retry(actor=ACTOR, kind=deadletters.CONFIRM, ids=[letter.pk])
    assert send(inside).refused == [70010], "nothing has changed"
    Confirmation.objects.update(lines=[[line, 1]])
    deadletters.correct_confirmation(
        actor=ACTOR, confirmation_id=letter.pk, carrier="Some Courier", tracking_number="SC1"
    )
    assert send(inside).confirmed == [70010]
    (there,) = shop.known(order_id)["confirmations"]
    assert (there["carrier"], there["tracking_number"]) == ("Some Courier", "SC1"), "Other with its name"
    with pytest.raises(BusinessError):
        deadletters.retry(actor=ACTOR, kind=deadletters.CONFIRM, ids=[letter.pk])


def test_another_parcel_is_known_there(inside: Account, shop: Seller) -> None:
    """Somebody confirmed the order by hand in Seller Central, with another number."""
    (order_id,) = shop.plan(plan("one")).values()
    assert shop.confirm(order_id, lines_of(shop.order(order_id)), "9").status_code == 204
    want(parcel(shop, inside, order_id))
    assert send(inside).refused == [70010]
    assert row().error_code == confirm.OTHER_PARCEL
    deadletters.drop(actor=ACTOR, kind=deadletters.CONFIRM, ids=[row().pk], reason="told by hand")
    assert row().state == Confirmation.DROPPED


def test_the_same_parcel_is_known_there(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    wanted = parcel(shop, inside, order_id)
    assert shop.confirm(order_id, dict(wanted.lines), "9", trackingNumber=wanted.tracking_number).status_code == 204
    want(wanted)
    assert send(inside).confirmed == [70010]
    assert shop.known(order_id)["confirm_calls"] == 1


def test_revoked_consent_keeps_the_parcels_wanted(inside: Account, shop: Seller) -> None:
    (order_id,) = shop.plan(plan("one")).values()
    want(parcel(shop, inside, order_id))
    shop.control("@/revoke", {})
    send(inside)
    hurry()
    send(inside)
    assert Account.objects.get().health == Account.RECONNECT
    assert row().state == Confirmation.WANTED


def test_an_order_of_another_marketplace_of_the_account_is_told_there(connect: Any, sandbox: str, acme: str) -> None:
    with seller(sandbox, "CA") as shop:
        account = connect(shop, marketplaces=["US", "CA"], check=False)  # a seller of Canada alone would be refused
        with tenant_context(acme):
            ids = shop.plan(plan("one", currency="CAD"))
            pull.fetch_orders(account_id=account.pk, actor=ACTOR)
            want(parcel(shop, account, ids["one"]))
            assert send(account).confirmed == [70010]


def test_storms_end_in_one_confirmation_each(inside: Account, shop: Seller) -> None:
    ids = shop.plan(*[plan(f"o{i}") for i in range(6)])
    want(*[parcel(shop, inside, order_id, str(100 + i)) for i, order_id in enumerate(ids.values())])
    kinds = ("timeout_after", "html503", "timeout_before", "server_error", "timeout_after")
    rules = [{"kind": k, "op": "confirmShipment", "account": shop.account_id, "times": 1} for k in kinds]
    rules += [{"kind": "html503", "op": "getOrder", "account": shop.account_id, "times": 2}]
    assert shop.http.post("/_control/faults", json={"script": rules}).status_code == 200
    done: list[int] = []
    for _ in range(8):
        done += send(inside).confirmed
        hurry()
        door.breaker._states.clear()
    assert sorted(done) == [1000 + 10 * i for i in range(6)]
    for order_id in ids.values():
        assert len(shop.known(order_id)["confirmations"]) == 1

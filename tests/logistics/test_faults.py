"""A carrier that throttles, times out, forgets and refuses: always one booking per reference, never a lost parcel."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from logistics.models import CarrierAccount, Shipment
from logistics.services import accounts
from logistics.services import booking as parcels
from orders.models import Consignment, Order
from orders.services import booking, recall
from tests.support.parcels import (
    ACTOR,
    booked_orders,
    due_now,
    parcel_of,
    ready_orders,
    settle,
    states_of,
)


def book(ids: list[int]) -> None:
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()


def again(pk: int) -> Shipment:
    """Time passes: the shipment is due again, and a call that was on its way has long arrived."""
    Shipment.objects.filter(pk=pk).update(next_at=clock.now())
    Shipment.objects.filter(pk=pk, call_sent_at__isnull=False).update(call_sent_at=clock.wall() - timedelta(minutes=5))
    parcels.book_due()
    settle()
    return Shipment.objects.get(pk=pk)


@pytest.mark.parametrize("kind", ["timeout_after", "empty200"])
def test_an_answer_lost_after_the_act_is_found_and_taken_over(shop, carrier, kind) -> None:
    ids = ready_orders(shop)
    carrier.script(kind)
    book(ids)
    (theirs,) = carrier.shipments()
    assert theirs["create_calls"] == 1
    assert parcel_of(ids[0]).tracking_number == theirs["tracking_number"]
    assert states_of(ids) == {"booked"}


def test_a_call_that_never_arrived_is_sent_again_only_after_a_while(shop, carrier) -> None:
    ids = ready_orders(shop)
    carrier.script("timeout_before")
    book(ids)
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.error_code) == ("booking", "http.no_answer")
    assert parcel.call_sent_at is not None and parcel.next_at > clock.now() + timedelta(seconds=30)
    # Asked too early, the look-up proves nothing, so nothing is sent.
    Shipment.objects.update(next_at=clock.now())
    parcels.book_due()
    assert carrier.shipments() == []
    assert again(parcel.pk).state == "ready"
    assert [found["create_calls"] for found in carrier.shipments()] == [1]
    assert states_of(ids) == {"booked"}


@pytest.mark.parametrize("kind", ["html503", "server_error"])
def test_a_broken_server_is_looked_up_not_asked_again(shop, carrier, kind) -> None:
    ids = ready_orders(shop)
    carrier.script(kind)
    book(ids)
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.error_code) == ("booking", "carrier.server_error")
    assert again(parcel.pk).state == "ready"
    assert [found["create_calls"] for found in carrier.shipments()] == [1]


@pytest.mark.parametrize("kind", ["throttle", "throttle_bare", "token_dead"])
def test_short_refusals_are_overcome_in_the_same_pass(shop, carrier, kind) -> None:
    ids = ready_orders(shop, 3)
    carrier.script(kind, times=2)
    book(ids)
    assert states_of(ids) == {"booked"}
    assert [found["create_calls"] for found in carrier.shipments()] == [1, 1, 1]


def test_a_lost_label_is_fetched_later(shop, carrier) -> None:
    ids = ready_orders(shop)
    carrier.script("html503", op="label")
    book(ids)
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.needs, parcel.error_code) == ("waiting", "label", "carrier.server_error")
    assert parcel.tracking_number
    assert again(parcel.pk).state == "ready"
    assert parcel_of(ids[0]).error_code == ""
    assert states_of(ids) == {"booked"}
    assert [found["create_calls"] for found in carrier.shipments()] == [1]


def test_a_worker_that_died_after_sending_leaves_one_booking(shop, carrier) -> None:
    """The row stands as kill -9 leaves it: committed as sent, the lease still there, the carrier has acted."""
    ids = ready_orders(shop)
    book(ids)
    parcel = parcel_of(ids[0])
    Shipment.objects.filter(pk=parcel.pk).update(
        state="booking",
        waybill="",
        tracking_number="",
        needs="",
        label_file_id=None,
        call_sent_at=clock.wall() - timedelta(seconds=35),
        next_at=clock.now(),
        lease_token="00000000-0000-0000-0000-000000000001",
        lease_until=clock.wall() + timedelta(seconds=20),
    )
    Order.objects.update(state="booking")
    assert parcels.book_due() == 0  # the dead worker's lease still holds
    Shipment.objects.update(lease_until=clock.wall() - timedelta(seconds=1))
    assert parcels.book_due() == 1
    settle()
    assert parcel_of(ids[0]).waybill == parcel.waybill
    assert [found["create_calls"] for found in carrier.shipments()] == [1]
    assert states_of(ids) == {"booked"}


def test_a_reference_that_is_known_there_is_adopted(shop, carrier) -> None:
    """A create call answered with *duplicate reference*: the booking is ours when receiver and place agree."""
    ids = ready_orders(shop)
    book(ids)
    waybill = parcel_of(ids[0]).waybill
    Shipment.objects.update(
        state="queued", waybill="", tracking_number="", needs="", call_sent_at=None, next_at=clock.now()
    )
    parcels.book_due()
    assert parcel_of(ids[0]).waybill == waybill
    assert [found["create_calls"] for found in carrier.shipments()] == [2]


def test_a_strangers_booking_under_our_reference_is_not_adopted(shop, carrier) -> None:
    ids = ready_orders(shop)
    book(ids)
    parcel = parcel_of(ids[0])
    Shipment.objects.update(
        state="queued",
        waybill="",
        tracking_number="",
        needs="",
        call_sent_at=None,
        next_at=clock.now(),
        receiver=parcel.receiver | {"postcode": "20095"},
    )
    Order.objects.update(state="booking")
    parcels.book_due()
    settle()
    order = Order.objects.get(pk=ids[0])
    assert (order.state, order.reason_code) == ("failed", "carrier.reference_taken")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ship_phone": ""}, "ready"),  # the sender's is given instead
        ({"ship_city": "", "ship_region": ""}, "shipment.address_incomplete"),
        ({"ship_postcode": ""}, "carrier.address_refused"),
        ({"ship_country": "AQ"}, "carrier.address_refused"),
        ({"ship_lines": ["x" * 199, "y" * 199, "z" * 150, "w" * 150]}, "shipment.address_too_long"),
    ],
)
def test_what_the_carrier_refuses_is_a_reason_on_the_order(shop, carrier, changes, code) -> None:
    ids = ready_orders(shop, 2)
    Order.objects.filter(pk=ids[0]).update(**changes)
    book(ids)
    orders = {order.pk: order for order in Order.objects.all()}
    if code == "ready":
        assert orders[ids[0]].state == "booked"
    else:
        assert (orders[ids[0]].state, orders[ids[0]].reason_code) == ("failed", code)
        assert Consignment.objects.get(order_id=ids[0]).state == "cancelled"
    assert orders[ids[1]].state == "booked"


def test_customs_faults_name_the_sku(shop) -> None:
    ids = ready_orders(shop)
    shop.skus["CABLE"].customs_name_zh = ""
    shop.skus["CABLE"].save()
    book(ids)
    order = Order.objects.get(pk=ids[0])
    assert order.reason_code == "customs.name_local_missing"
    assert order.reason_params["item"] == "CABLE"
    shop.skus["CABLE"].customs_name_zh = "数据线"
    shop.skus["CABLE"].save()
    book(ids)
    assert states_of(ids) == {"booked"}
    assert parcel_of(ids[0]).reference == f"S{ids[0]}-2"


def test_a_service_that_does_not_exist_is_said_so(shop) -> None:
    shop.service.code = "NOSUCH"
    shop.service.save()
    ids = ready_orders(shop)
    book(ids)
    assert Order.objects.get(pk=ids[0]).reason_code == "carrier.service_unknown"


def test_revoked_credentials_stop_nothing_and_lose_nothing(shop, carrier) -> None:
    ids = ready_orders(shop)
    account = CarrierAccount.objects.get()
    account.settings = account.settings | {}
    accounts.reconnect_carrier(actor=ACTOR, account_id=account.pk, credentials={"app_id": "app", "app_secret": "wrong"})
    book(ids)
    parcel, account = parcel_of(ids[0]), CarrierAccount.objects.get()
    assert (parcel.state, parcel.error_code) == ("queued", "carrier.credentials_refused")
    assert (account.health, account.health_code) == ("reconnect", "carrier.credentials_refused")
    assert states_of(ids) == {"booking"}
    good = {"app_id": f"app-{carrier.account}", "app_secret": f"secret-of-{carrier.account}"}
    accounts.reconnect_carrier(actor=ACTOR, account_id=account.pk, credentials=good)
    parcels.book_due()
    settle()
    assert states_of(ids) == {"booked"}
    assert CarrierAccount.objects.get().health == "ok"


# -- numbers that come later, and numbers that cannot be right


def test_a_number_that_comes_later(shop, carrier) -> None:
    shop.service.code = "THPHR"
    shop.service.save()
    carrier.control(
        "",
        {
            "account_id": carrier.account,
            "app_id": f"app-{carrier.account}",
            "app_secret": f"secret-of-{carrier.account}",
            "products": [{"code": "THPHR", "number": "later", "later_minutes": 0.02}],
        },
    )
    ids = ready_orders(shop)
    book(ids)
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.needs, parcel.tracking_number) == ("waiting", "number,label", "")
    assert states_of(ids) == {"booking"}
    clock.sleep(1.3)
    due_now(parcel.pk)
    parcels.book_due()
    settle()
    parcel = parcel_of(ids[0])
    assert (parcel.state, parcel.needs) == ("ready", "")
    assert parcel.tracking_number == carrier.shipments()[0]["tracking_number"] != parcel.waybill
    assert states_of(ids) == {"booked"}


def test_a_number_that_the_service_cannot_have_stops_the_parcel_and_loses_nothing(shop, carrier) -> None:
    shop.service.number_format = r"XX\d{10}"
    shop.service.save()
    ids = ready_orders(shop)
    book(ids)
    parcel, order = parcel_of(ids[0]), Order.objects.get(pk=ids[0])
    assert (parcel.state, parcel.error_code) == ("failed", "number.not_the_services_format")
    assert parcel.tracking_number == carrier.shipments()[0]["tracking_number"]
    assert (order.state, order.reason_code) == ("failed", "number.not_the_services_format")
    assert order.reason_params["item"] == parcel.tracking_number
    # It exists at the carrier: a second parcel is not made.
    assert booking.book_orders(actor=ACTOR, order_ids=ids).refused[ids[0]][0] == "booking.nothing_left"
    parcels.accept_number(actor=ACTOR, shipment_id=parcel.pk)
    settle()
    assert states_of(ids) == {"booked"}
    assert len(carrier.shipments()) == 1


# -- cancelling


def test_cancelled_at_the_carrier_and_booked_again_under_a_new_reference(shop, carrier) -> None:
    ids = booked_orders(shop)
    out = recall.cancel_shipment(actor=ACTOR, order_ids=ids)
    assert out.done == ids
    settle()
    assert states_of(ids) == {"held"}
    assert carrier.by_reference()[f"S{ids[0]}-1"]["cancelled"]
    assert shop.stock("LAMP").reserved == 1
    Order.objects.update(state="ready")
    book(ids)
    assert states_of(ids) == {"booked"}
    assert sorted(carrier.by_reference()) == [f"S{ids[0]}-1", f"S{ids[0]}-2"]


def test_closing_an_order_takes_its_parcel_back_and_frees_its_stock(shop, carrier) -> None:
    ids = booked_orders(shop)
    recall.cancel_shipment(actor=ACTOR, order_ids=ids, close=True)
    assert Order.objects.get(pk=ids[0]).conflict == "cancelling_parcel"
    settle()
    order = Order.objects.get(pk=ids[0])
    assert (order.state, order.conflict) == ("cancelled", "")
    assert (shop.stock("LAMP").reserved, shop.stock("CABLE").reserved) == (0, 0)


def test_a_parcel_that_the_carrier_has_is_not_cancelled(shop, carrier) -> None:
    ids = booked_orders(shop)
    carrier.advance(parcel_of(ids[0]).waybill, {"auto": True})
    Order.objects.update(conflict="cancelled_in_flight", channel_status="cancelled")
    recall.channel_cancelled(order_ids=ids, actor=ACTOR)
    settle()
    order, parcel = Order.objects.get(pk=ids[0]), parcel_of(ids[0])
    assert (order.state, order.conflict) == ("booked", "cancelled_in_flight")
    assert (parcel.state, parcel.error_code) == ("ready", "carrier.cancel_too_late")


@pytest.mark.parametrize("kind", ["timeout_after", "timeout_before", "html503", "empty200"])
def test_a_cancellation_whose_answer_is_lost(shop, carrier, kind) -> None:
    ids = booked_orders(shop)
    carrier.script(kind, op="cancel")
    recall.cancel_shipment(actor=ACTOR, order_ids=ids)
    settle()
    assert parcel_of(ids[0]).state == "cancelling"
    assert again(parcel_of(ids[0]).pk).state == "cancelled"
    assert carrier.shipments()[0]["cancelled"]
    assert states_of(ids) == {"held"}


def test_cancelling_while_nobody_knows_whether_it_was_booked(shop, carrier) -> None:
    ids = ready_orders(shop)
    carrier.script("timeout_before")
    book(ids)
    recall.cancel_shipment(actor=ACTOR, order_ids=ids)
    settle()
    parcel = parcel_of(ids[0])
    assert parcel.state == "cancelling"
    due_now(parcel.pk)
    parcels.book_due()
    assert parcel_of(ids[0]).state == "cancelling"  # too early to be sure that nothing arrives
    assert again(parcel.pk).state == "cancelled"
    assert carrier.shipments() == []
    assert states_of(ids) == {"failed"}


def test_cancelled_before_anything_was_sent(shop, carrier) -> None:
    ids = ready_orders(shop)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    recall.cancel_shipment(actor=ACTOR, order_ids=ids, close=True)
    settle()
    assert states_of(ids) == {"cancelled"}
    assert carrier.shipments() == []

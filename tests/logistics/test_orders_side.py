"""What orders make of their parcels' news: settings, combined orders, cancellations that cross."""

from __future__ import annotations

from datetime import timedelta

from channels import canonical
from channels.models import Confirmation
from core import options, settings_store
from fulfilment import services as floor
from inventory.models import Reservation
from logistics.models import Shipment
from logistics.services import booking as parcels
from orders.models import Consignment, Order, OrderLine
from orders.options import AT_LABEL, BookingOptions
from orders.services import booking, carrier_answers, recall
from tests.orders.conftest import T0, line, order, take
from tests.support.parcels import ACTOR, booked_orders, parcel_of, ready_orders, settle, states_of


def test_orders_are_booked_by_themselves_where_the_tenant_wants_it(shop) -> None:
    waiting = ready_orders(shop, 1, prefix="W")
    settle()
    assert states_of(waiting) == {"ready"}
    settings_store.put(ACTOR, booking.AUTO_BOOK, True)
    ids = ready_orders(shop, 2)
    settle()
    assert states_of(ids) == {"booked"}
    assert states_of(waiting) == {"ready"}


def test_the_marketplace_is_told_at_the_label_where_the_tenant_wants_it(shop) -> None:
    ids = booked_orders(shop, 1, prefix="A")
    assert not Confirmation.objects.exists()
    options.change(BookingOptions, actor=ACTOR, tell=AT_LABEL)
    late = booked_orders(shop, 1, prefix="B")
    told = Confirmation.objects.get()
    assert (told.order_ref, told.tracking_number) == (late[0], parcel_of(late[0]).tracking_number)
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(pk).pk for pk in ids + late])
    settle()
    assert sorted(Confirmation.objects.values_list("order_ref", flat=True)) == sorted(ids + late)


def test_the_name_that_a_platform_is_told_is_the_services_own(shop) -> None:
    shop.service.channel_names = {"amazon": "Yanwen"}
    shop.service.save()
    ids = booked_orders(shop)
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(ids[0]).pk])
    settle()
    assert Confirmation.objects.get().carrier == "Yanwen"


def test_a_parcel_of_combined_orders_is_told_for_the_order_that_has_the_lines(shop) -> None:
    """eBay combines two orders after one was booked: the parcel goes with its lines."""
    ids = take(shop, order("one", line("one-1")), order("two", line("two-1", "CUP"))).created
    from orders.services.release import release

    release(order_ids=ids, actor=ACTOR)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    sent = [parcel_of(pk).pk for pk in ids]
    (combined,) = take(shop, order("both", line("one-1"), line("two-1", "CUP"))).created
    assert states_of(ids) == {"combined"}
    assert states_of([combined]) == {"booked"}
    floor.hand_over(actor=ACTOR, shipment_ids=sent)
    settle()
    assert states_of([combined]) == {"handed"}
    told = list(Confirmation.objects.order_by("id"))
    assert {one.order_external_id for one in told} == {"both"}
    assert sorted(name for one in told for name, _ in one.lines) == ["one-1", "two-1"]


def test_what_one_part_sent_is_never_asked_for_again_by_the_combined_order(shop) -> None:
    """eBay combines an order that has left, of which it has not heard, with one that waits: only the rest is to be sent."""
    from inventory.models import Move
    from orders.services.release import release

    (gone,) = take(shop, order("one", line("one-1"))).created
    release(order_ids=[gone], actor=ACTOR)
    booking.book_orders(actor=ACTOR, order_ids=[gone])
    settle()
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(gone).pk])
    settle()
    take(shop, order("two", line("two-1", "CUP")))
    (combined,) = take(shop, order("both", line("one-1"), line("two-1", "CUP"))).created
    release(order_ids=[combined], actor=ACTOR)
    lines = {one.external_line_id: one for one in Order.objects.get(pk=combined).lines.all()}
    assert lines["one-1"].shipped == lines["one-1"].quantity
    open_ones = Reservation.objects.filter(closed_at=None).values_list("owner_id", flat=True)
    assert list(open_ones) == [lines["two-1"].pk]
    take(
        shop, order("both", line("one-1"), line("two-1", "CUP"), updated_at=T0 + timedelta(hours=5))
    )  # a revision that still has not heard of it
    lines["one-1"].refresh_from_db()
    assert lines["one-1"].shipped == lines["one-1"].quantity
    booking.book_orders(actor=ACTOR, order_ids=[combined])
    settle()
    floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(combined).pk])
    settle()
    assert states_of([combined]) == {"handed"}
    assert Move.objects.filter(source_kind="shipment").count() == 2


def test_an_order_of_two_parcels_is_handed_over_with_the_last_one(shop) -> None:
    (pk,) = booked_orders(shop)
    first = parcel_of(pk)
    Consignment.objects.filter(order_id=pk).first().lines.filter(line__seller_sku="CABLE").delete()
    Order.objects.filter(pk=pk).update(state="ready")
    booking.book_orders(actor=ACTOR, order_ids=[pk])
    settle()
    second = parcel_of(pk)
    assert (second.reference, states_of([pk])) == (f"S{pk}-2", {"booked"})
    floor.hand_over(actor=ACTOR, shipment_ids=[first.pk])
    settle()
    assert states_of([pk]) == {"booked"}
    assert dict(OrderLine.objects.values_list("seller_sku", "shipped")) == {"LAMP": 1, "CABLE": 0}
    floor.hand_over(actor=ACTOR, shipment_ids=[second.pk])
    settle()
    assert states_of([pk]) == {"handed"}
    assert sorted(quantity for one in Confirmation.objects.all() for _, quantity in one.lines) == [1, 2]
    assert not Reservation.objects.filter(closed_at=None).exists()


def test_a_channel_cancellation_that_crosses_a_booking(shop, carrier) -> None:
    ids = ready_orders(shop)
    booking.book_orders(actor=ACTOR, order_ids=ids)
    gone = order(
        "O-0",
        line("O-0-1", cancelled=1),
        line("O-0-2", "CABLE", 2, "3.33", cancelled=2),
        status=canonical.CANCELLED,
        updated_at=T0.replace(hour=11),
    )
    written = take(shop, gone)
    assert written.ask_cancel == ids
    recall.channel_cancelled(order_ids=ids, actor=ACTOR)
    settle()
    found = Order.objects.get(pk=ids[0])
    assert (found.state, found.conflict) == ("cancelled", "")
    assert not Reservation.objects.filter(closed_at=None).exists()
    assert all(one["cancelled"] for one in carrier.shipments())


def test_a_channel_cancellation_after_the_booking_failed(shop) -> None:
    ids = ready_orders(shop)
    Order.objects.update(ship_postcode="")
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    assert states_of(ids) == {"failed"}
    Order.objects.update(channel_status="cancelled", conflict="cancelled_in_flight")
    recall.channel_cancelled(order_ids=ids, actor=ACTOR)
    found = Order.objects.get(pk=ids[0])
    assert (found.state, found.conflict) == ("cancelled", "")
    assert not Reservation.objects.filter(closed_at=None).exists()


def test_a_parcel_that_failed_is_never_booked_beside_the_one_that_replaces_it(shop, carrier) -> None:
    """The first is refused; the order is mended and booked anew. Whoever still has the first in a list gets no second."""
    ids = ready_orders(shop)
    Order.objects.update(ship_postcode="")
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    (first,) = Shipment.objects.all()
    assert states_of(ids) == {"failed"} and first.state == "cancelled"
    assert parcels.retry(actor=ACTOR, ids=[first.pk]) == []
    Order.objects.update(ship_postcode="10999")
    booking.book_orders(actor=ACTOR, order_ids=ids)
    settle()
    assert states_of(ids) == {"booked"}
    assert parcels.retry(actor=ACTOR, ids=[first.pk]) == []
    settle()
    assert len([one for one in carrier.shipments() if not one["cancelled"]]) == 1
    assert not Shipment.objects.filter(state="failed").exists()


def test_a_failed_parcel_that_somebody_books_again_before_its_news_is_read_stands(shop, carrier) -> None:
    ids = ready_orders(shop)
    Order.objects.update(ship_postcode="")
    booking.book_orders(actor=ACTOR, order_ids=ids)
    shipment = Shipment.objects.get()
    Shipment.objects.update(state="failed", next_at=None)
    assert parcels.retry(actor=ACTOR, ids=[shipment.pk]) == [shipment.pk]
    carrier_answers.failed(shipment_ids=[shipment.pk], actor=ACTOR)
    shipment.refresh_from_db()
    assert shipment.state == "queued" and Consignment.objects.get().state == "open"
    assert states_of(ids) == {"booking"}


def test_the_receivers_snapshot_does_not_follow_the_order(shop) -> None:
    ids = booked_orders(shop)
    Order.objects.update(ship_city="Hamburg")
    assert Shipment.objects.get().receiver["city"] == "Berlin"
    assert parcel_of(ids[0]).country == "DE"

"""From ready orders to delivered ones, with the simulated carrier over real HTTP."""

from __future__ import annotations

from channels.models import Confirmation
from core.records.models import StoredFile
from fulfilment import services as floor
from inventory.models import Move, Reservation
from logistics.models import Shipment
from orders.models import Consignment, Order, OrderLine
from orders.services import booking
from tests.support.parcels import ACTOR, booked_orders, parcel_of, ready_orders, settle, states_of


def test_booked_weighed_handed_issued_and_told(shop, carrier) -> None:
    ids = ready_orders(shop, 3)
    out = booking.book_orders(actor=ACTOR, order_ids=ids)
    assert (out.done, out.refused) == (ids, {})
    assert states_of(ids) == {"booking"}
    settle()
    assert states_of(ids) == {"booked"}
    there = carrier.by_reference()
    parcels = list(Shipment.objects.order_by("id"))
    assert sorted(there) == sorted(parcel.reference for parcel in parcels) == [f"S{pk}-1" for pk in ids]
    for parcel in parcels:
        theirs = there[parcel.reference]
        assert (parcel.state, parcel.tracking_number, parcel.needs) == ("ready", theirs["tracking_number"], "")
        assert theirs["create_calls"] == 1
        assert theirs["weight_g"] == parcel.expected_weight_g == 200 + 2 * 80 + 20
        assert StoredFile.objects.get(pk=parcel.label_file_id).media_type == "application/pdf"
    first = parcel_of(ids[0])
    weighed = floor.weigh(actor=ACTOR, shipment=first.tracking_number, weight_g=385, size_mm=(200, 150, 100))
    assert (weighed.verdict, weighed.volumetric_g, weighed.chargeable_g) == ("ok", 375, 385)
    assert states_of([ids[0]]) == {"packed"}
    handed = floor.hand_over(actor=ACTOR, codes=[first.waybill], shipment_ids=[parcel_of(pk).pk for pk in ids[1:]])
    assert (len(handed.done), handed.refused) == (3, {})
    settle()
    assert states_of(ids) == {"handed"}
    assert Move.objects.filter(source_kind="shipment").count() == 6
    assert not Reservation.objects.filter(closed_at=None).exists()
    assert set(OrderLine.objects.values_list("shipped", "quantity")) == {(1, 1), (2, 2)}
    assert shop.stock("CABLE").sellable == 1000 - 6
    for pk in ids:
        told = Confirmation.objects.get(order_ref=pk)
        assert told.tracking_number == parcel_of(pk).tracking_number
        assert sorted(quantity for _, quantity in told.lines) == [1, 2]
        assert told.reference.isdigit()
    assert Consignment.objects.filter(issued_at=None).count() == 0


def test_the_order_is_found_by_its_tracking_number(shop) -> None:
    (pk,) = booked_orders(shop)
    from orders.models import OrderSearch

    text = OrderSearch.objects.get(order_id=pk).text
    assert parcel_of(pk).tracking_number.lower() in text.lower()


def test_orders_in_other_states_are_refused_by_name(shop) -> None:
    (pk,) = booked_orders(shop)
    out = booking.book_orders(actor=ACTOR, order_ids=[pk, 999_999])
    assert out.refused == {
        pk: ("state.illegal_move", {"state": "booked", "target": "booking"}),
        999_999: ("order.not_found", {}),
    }
    assert Shipment.objects.count() == 1


def test_an_order_without_weights_fails_with_the_skus(shop) -> None:
    (pk,) = ready_orders(shop)
    shop.skus["CABLE"].weight_g = None
    shop.skus["CABLE"].save()
    booking.book_orders(actor=ACTOR, order_ids=[pk])
    order = Order.objects.get(pk=pk)
    assert (order.state, order.reason_code) == ("failed", "booking.no_weight")
    assert order.reason_params == {"skus": ["CABLE"], "more": 0}

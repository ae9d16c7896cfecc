"""An order that failed with a parcel at the carrier (a number that its format refuses): the parcel is not forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from channels import canonical
from channels.models import Listing
from core.errors import BusinessError
from inventory.models import Reservation
from orders.models import Order, OrderLine
from orders.services import acts, listings, recall
from tests.logistics.test_faults import book
from tests.orders.conftest import T0, Shop, line, order, take
from tests.support.parcels import ACTOR, Carrier, parcel_of, ready_orders, settle, states_of


@pytest.fixture
def failed(shop: Shop) -> list[int]:
    shop.service.number_format = r"XX\d{10}"
    shop.service.save()
    ids = ready_orders(shop)
    book(ids)
    assert (states_of(ids), parcel_of(ids[0]).state) == ({"failed"}, "failed")
    return ids


def revision(**changes: Any) -> canonical.Order:
    goods = changes.pop("lines", (line("O-0-1"), line("O-0-2", "CABLE", 2, "3.33")))
    return order("O-0", *goods, updated_at=T0.replace(hour=11), **changes)


def test_the_marketplace_cancels_it_and_the_parcel_is_taken_back(
    shop: Shop, carrier: Carrier, failed: list[int]
) -> None:
    gone = (line("O-0-1", cancelled=1), line("O-0-2", "CABLE", 2, "3.33", cancelled=2))
    written = take(shop, revision(lines=gone, status=canonical.CANCELLED))
    assert (written.ask_cancel, Order.objects.get().conflict) == (failed, "cancelled_in_flight")
    recall.channel_cancelled(order_ids=failed, actor=ACTOR)
    settle()
    assert [one["cancelled"] for one in carrier.shipments()] == [True]
    assert (states_of(failed), Order.objects.get().conflict) == ({"cancelled"}, "")
    assert not Reservation.objects.filter(closed_at=None).exists()


def test_another_address_is_a_question_as_with_every_parcel(shop: Shop, failed: list[int]) -> None:
    home = order("x").receiver
    take(shop, revision(receiver=type(home)(**{**vars_of(home), "lines": ("Elsewhere 9",), "city": "Bonn"})))
    found = Order.objects.get()
    assert (found.state, found.conflict) == ("failed", "address_changed")


def vars_of(address: Any) -> dict[str, Any]:
    return {name: getattr(address, name) for name in address.__dataclass_fields__}


@pytest.mark.parametrize("act", [acts.cancel, acts.hold, acts.route_again])
def test_a_person_is_sent_to_the_parcel_first(carrier: Carrier, failed: list[int], act: Any) -> None:
    out = act(actor=ACTOR, order_ids=failed)
    assert (out.done, out.refused[failed[0]]) == ([], ("order.too_late", {"state": "failed"}))
    assert states_of(failed) == {"failed"}
    recall.cancel_shipment(actor=ACTOR, order_ids=failed)
    settle()
    assert [one["cancelled"] for one in carrier.shipments()] == [True]
    assert states_of(failed) == {"held"}
    assert act(actor=ACTOR, order_ids=failed).refused.get(failed[0], ("",))[0] != "order.too_late"


def test_the_address_of_a_parcel_that_exists_is_not_changed_by_hand(failed: list[int]) -> None:
    version = Order.objects.get().version
    with pytest.raises(BusinessError, match="order.too_late"):
        acts.edit_address(actor=ACTOR, order_id=failed[0], version=version, changes={"ship_city": "Bonn"})


def test_a_match_that_is_taken_back_leaves_what_lies_in_the_parcel(shop: Shop, failed: list[int]) -> None:
    """Else nothing would be issued when it leaves."""
    listing = Listing.objects.get(seller_sku="LAMP")
    assert listings.take_back(actor=ACTOR, listing_ids=[listing.pk]).orders == 0
    assert states_of(failed) == {"failed"}
    assert OrderLine.objects.get(seller_sku="LAMP").sku_id == shop.skus["LAMP"].pk
    assert shop.stock("LAMP").reserved == 1

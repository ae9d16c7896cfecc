"""What a tenant chooses about booking and weighing: on the page, in the trail, and in the parcels booked afterwards."""

from __future__ import annotations

import pytest

from core import options
from core.errors import BusinessError, NotAllowed
from core.permissions import WAREHOUSE, Actor, of_role
from core.records.models import AuditEntry
from core.words import SENTENCES
from fulfilment import options as floor
from logistics.models import Shipment
from orders.models import Order
from orders.options import BookingOptions
from orders.services import booking
from tests.support.parcels import ACTOR, parcel_of, ready_orders

NUMBER = "IM2760000742"  # the shape that a marketplace's number has


@pytest.mark.parametrize(
    ("country", "postcode", "goes"),
    [
        ("DE", "10115", True),
        ("MC", "98000", True),
        ("GB", "bt1 5gs", True),  # Northern Ireland
        ("GB", "SW1A 1AA", False),
        ("US", "10001", False),
        ("CH", "8001", False),
        ("NO", "0150", False),
    ],
)
def test_the_import_schemes_number_goes_where_it_holds(country, postcode, goes) -> None:
    given = BookingOptions(ioss={"ebay": NUMBER})
    assert given.ioss_for("ebay", country, postcode) == (NUMBER if goes else "")
    assert given.ioss_for("amazon", country, postcode) == ""


def test_a_parcel_follows_what_was_chosen(shop) -> None:
    first, second = ready_orders(shop, 2)
    floor.choose(actor=ACTOR, booking={"packaging_g": 35, "ioss": {"ebay": "im 276 0000742"}}, weighing={})
    platform = Order.objects.get(pk=first).platform
    options.change(BookingOptions, actor=ACTOR, ioss={platform: NUMBER})
    Order.objects.filter(pk=second).update(ship_country="US")
    booking.book_orders(actor=ACTOR, order_ids=[first, second])
    german, american = parcel_of(first), parcel_of(second)
    assert (german.extras.get("ioss"), american.extras.get("ioss")) == (NUMBER, None)
    assert german.expected_weight_g == 200 + 2 * 80 + 35
    assert Shipment.objects.count() == 2


def test_every_choice_has_a_name_in_the_trail() -> None:
    stored = [model.stored(name) for model in options.Options.__subclasses__() for name in model.model_fields]
    assert len(stored) >= 8
    assert not [name for name in stored if f"setting.name.{name}" not in SENTENCES]


def test_both_or_nothing_and_no_entry_for_what_stays(shop) -> None:
    with pytest.raises(BusinessError, match="setting.bad") as refused:
        floor.choose(actor=ACTOR, booking={"packaging_g": 30}, weighing={"tolerance_g": -1})
    assert refused.value.params == {"fields": "tolerance_g"}
    assert floor.chosen()["packaging_g"] == 20
    for wrong in (
        {"ioss": {"ebay": "IM123"}},
        {"packaging_g": 1_000_000},
        {"customs_name_en": "礼物"},
        {"tell": "never"},
    ):
        with pytest.raises(BusinessError, match="setting.bad"):
            floor.choose(actor=ACTOR, booking=wrong, weighing={})
    floor.choose(actor=ACTOR, booking=floor.chosen() | {"tell": "label"}, weighing={"must_weigh": True})
    names = [entry.params["name"] for entry in AuditEntry.objects.filter(code="setting.changed").order_by("id")]
    assert names == ["tell_marketplace", "weigh_before_handover"]
    packer = Actor("user", 7, "packer", operations=of_role(WAREHOUSE))
    with pytest.raises(NotAllowed):
        floor.choose(actor=packer, booking={"packaging_g": 30}, weighing={})

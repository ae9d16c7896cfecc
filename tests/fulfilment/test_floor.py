"""The ship desk: finding, weighing, handing over, taking back."""

from __future__ import annotations

import pytest

from core import options
from core.errors import BusinessError, NotAllowed
from core.permissions import WAREHOUSE, Actor, of_role
from fulfilment import services as floor
from fulfilment.models import Weighing
from fulfilment.options import WeighingOptions
from inventory.models import Move
from logistics.models import Shipment
from orders.models import Order
from tests.support.parcels import ACTOR, booked_orders, parcel_of, ready_orders, settle, states_of

EXPECTED = 200 + 2 * 80 + 20  # two SKUs and the packaging


def packer(**scope) -> Actor:
    return Actor("user", 7, "packer", operations=of_role(WAREHOUSE), **scope)


@pytest.mark.parametrize(
    ("expected", "grams", "percent", "allowed"), [(380, 20, 5, 20), (1000, 20, 5, 50), (380, 0, 0, 0), (380, 5, 10, 38)]
)
def test_the_larger_tolerance_counts(expected, grams, percent, allowed) -> None:
    assert floor.tolerance(expected, grams, percent) == allowed


@pytest.mark.parametrize(
    ("weight", "verdict"),
    [(EXPECTED, "ok"), (EXPECTED + 20, "ok"), (EXPECTED + 21, "over"), (EXPECTED - 20, "ok"), (EXPECTED - 21, "under")],
)
def test_the_edges_of_the_tolerance(weight, verdict) -> None:
    assert floor.judge(weight, EXPECTED, 20) == verdict


def test_a_parcel_is_found_by_all_its_names(shop) -> None:
    (pk,) = booked_orders(shop)
    parcel, order = parcel_of(pk), Order.objects.get(pk=pk)
    codes = [
        parcel.tracking_number,
        parcel.tracking_number.lower(),
        f" {parcel.waybill} ",
        parcel.reference,
        order.number,
        f"s{pk}",
        order.external_id,
    ]
    found = [floor.scan(actor=ACTOR, code=code) for code in codes]
    assert {one.shipment_id for one in found} == {parcel.pk}
    one = found[0]
    assert (one.order_id, one.expected_g, one.problem) == (pk, EXPECTED, None)
    assert [(line.sku, line.units) for line in one.lines] == [("LAMP", 1), ("CABLE", 2)]
    assert one.receiver == order.ship_name


@pytest.mark.parametrize(("code", "reason"), [("", "scan.empty"), ("  ", "scan.empty"), ("NOPE-1", "scan.not_found")])
def test_codes_that_mean_nothing(shop, code, reason) -> None:
    with pytest.raises(BusinessError, match=reason):
        floor.scan(actor=ACTOR, code=code)


def test_who_may_see_what(shop) -> None:
    (pk,) = booked_orders(shop)
    number = parcel_of(pk).tracking_number
    assert floor.scan(actor=packer(), code=number).receiver
    blind = Actor("user", 8, "temp", operations=frozenset({"fulfilment.ship"}))
    assert floor.scan(actor=blind, code=number).receiver == ""
    with pytest.raises(BusinessError, match="scan.not_found"):
        floor.scan(actor=packer(warehouses=frozenset({999})), code=number)
    with pytest.raises(NotAllowed):
        floor.scan(actor=Actor("user", 9, "clerk"), code=number)


def test_outside_of_the_tolerance_is_refused_with_both_figures_and_kept(shop) -> None:
    (pk,) = booked_orders(shop)
    parcel = parcel_of(pk)
    with pytest.raises(BusinessError) as error:
        floor.weigh(actor=ACTOR, shipment=parcel.tracking_number, weight_g=700)
    assert error.value.code == "weigh.outside"
    assert error.value.params == {"verdict": "over", "measured_g": 700, "expected_g": EXPECTED, "tolerance_g": 20}
    assert parcel_of(pk).state == "ready"
    assert list(Weighing.objects.values_list("weight_g", "verdict", "accepted")) == [(700, "over", False)]
    done = floor.weigh(actor=packer(), shipment=parcel.pk, weight_g=700, size_mm=(300, 200, 200), accept=True)
    assert (done.volumetric_g, done.chargeable_g) == (1500, 1500)
    parcel = parcel_of(pk)
    assert (parcel.state, parcel.weight_g, parcel.chargeable_g) == ("packed", 700, 1500)
    assert Order.objects.get(pk=pk).state == "packed"


def test_accepting_needs_its_own_permission(shop) -> None:
    (pk,) = booked_orders(shop)
    clerk = Actor("user", 9, "clerk", operations=frozenset({"fulfilment.ship"}))
    with pytest.raises(BusinessError, match="weigh.outside"):
        floor.weigh(actor=clerk, shipment=parcel_of(pk).pk, weight_g=700, accept=True)


@pytest.mark.parametrize(("weight", "size"), [(0, None), (-5, None), (2_000_000, None), (300, (0, 1, 1))])
def test_impossible_measures(shop, weight, size) -> None:
    (pk,) = booked_orders(shop)
    with pytest.raises(BusinessError, match="weigh.impossible"):
        floor.weigh(actor=ACTOR, shipment=parcel_of(pk).pk, weight_g=weight, size_mm=size)


def test_the_tenants_tolerance(shop) -> None:
    options.change(WeighingOptions, actor=ACTOR, tolerance_g=500)
    (pk,) = booked_orders(shop)
    assert floor.weigh(actor=ACTOR, shipment=parcel_of(pk).pk, weight_g=800).verdict == "ok"


def test_weighed_and_handed_over_with_one_scan(shop) -> None:
    (pk,) = booked_orders(shop)
    floor.weigh_and_hand_over(actor=packer(), code=parcel_of(pk).tracking_number, weight_g=EXPECTED)
    settle()
    assert states_of([pk]) == {"handed"}


def test_what_may_not_leave_is_refused_while_the_others_go(shop) -> None:
    ids = booked_orders(shop, 3)
    waiting = ready_orders(shop, 1, prefix="W")
    Order.objects.filter(pk=ids[1]).update(conflict="cancelled_in_flight")
    out = floor.hand_over(
        actor=packer(), codes=[parcel_of(pk).tracking_number for pk in ids] + ["S-999999"], shipment_ids=[888]
    )
    assert out.done == sorted(parcel_of(pk).pk for pk in (ids[0], ids[2]))
    assert {key: reason[0] for key, reason in out.refused.items()} == {
        parcel_of(ids[1]).tracking_number: "ship.order_conflict",
        "S-999999": "scan.not_found",
        888: "shipment.not_found",
    }
    again = floor.hand_over(actor=packer(), shipment_ids=[parcel_of(pk).pk for pk in ids], despite_conflict=True)
    assert sorted(again.done) == sorted(parcel_of(pk).pk for pk in ids)
    settle()
    assert states_of(ids) == {"handed"}
    assert Move.objects.filter(source_kind="shipment").count() == 6
    assert states_of(waiting) == {"ready"}


def test_a_parcel_without_its_label_is_not_handed_over(shop, carrier) -> None:
    carrier.script("html503", op="label")
    (pk,) = booked_orders(shop)
    out = floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(pk).pk])
    assert [reason[0] for reason in out.refused.values()] == ["ship.state_waiting"]


def test_a_tenant_that_weighs_everything(shop) -> None:
    options.change(WeighingOptions, actor=ACTOR, must_weigh=True)
    (pk,) = booked_orders(shop)
    out = floor.hand_over(actor=ACTOR, shipment_ids=[parcel_of(pk).pk])
    assert list(out.refused.values()) == [("ship.not_weighed", {})]


def test_mistakes_are_taken_back_while_nothing_followed(shop) -> None:
    (pk,) = booked_orders(shop)
    parcel = parcel_of(pk)
    floor.weigh_and_hand_over(actor=packer(), code=parcel.tracking_number, weight_g=EXPECTED)
    assert floor.undo_hand_over(actor=packer(), shipment_id=parcel.pk) == "packed"
    settle()
    assert states_of([pk]) == {"packed"}
    assert Move.objects.filter(source_kind="shipment").count() == 0
    floor.undo_weighing(actor=packer(), shipment_id=parcel.pk)
    parcel = Shipment.objects.get(pk=parcel.pk)
    assert (parcel.state, parcel.weight_g, states_of([pk])) == ("ready", None, {"booked"})
    with pytest.raises(BusinessError, match="weigh.nothing_to_undo"):
        floor.undo_weighing(actor=packer(), shipment_id=parcel.pk)
    floor.hand_over(actor=packer(), shipment_ids=[parcel.pk])
    settle()
    with pytest.raises(BusinessError, match="handover.too_late"):
        floor.undo_hand_over(actor=packer(), shipment_id=parcel.pk)
    assert states_of([pk]) == {"handed"}

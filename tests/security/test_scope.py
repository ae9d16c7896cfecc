"""A member who is narrowed to warehouses or accounts does nothing outside of them, whatever ids are sent."""

from __future__ import annotations

import pytest

from core import clock
from core.errors import BusinessError
from core.permissions import MANAGER, WAREHOUSE, Actor, of_role
from core.tenancy import tenant_context
from logistics.models import Shipment
from logistics.services import booking as parcels
from orders.models import Consignment, Order
from orders.services import acts, recall
from tests.security.conftest import SignIn, Two
from tests.support.database import ACME

pytestmark = pytest.mark.django_db
ACTS = [("hold", {}), ("route", {}), ("cancel", {}), ("tag", {"add": "mine"})]


def narrowed(two: Two, role: str = MANAGER) -> Actor:
    return Actor("user", 7, "narrow", of_role(role), warehouses=frozenset({two.shop.warehouse.pk}))


@pytest.mark.parametrize(("act", "given"), ACTS)
def test_single_acts_stay_in_ones_warehouses(sign_in: SignIn, two: Two, act: str, given: dict[str, str]) -> None:
    client = sign_in(MANAGER, warehouses=[two.shop.warehouse.pk])
    assert client.get(f"/orders/{two.far.pk}/").status_code == 404
    assert client.post(f"/orders/{two.far.pk}/{act}", given).status_code in (404, 422)
    assert two.state(two.far) == "ready"
    with tenant_context(ACME):
        assert Order.objects.get(pk=two.far.pk).tags == []


@pytest.mark.parametrize(("act", "given"), ACTS)
def test_bulk_acts_stay_in_ones_warehouses(sign_in: SignIn, two: Two, act: str, given: dict[str, str]) -> None:
    client = sign_in(MANAGER, warehouses=[two.shop.warehouse.pk])
    client.post(f"/orders/bulk/{act}", {"id": [str(two.far.pk)], **given})
    client.post(f"/orders/bulk/{act}", {"all": "1", "view": f"tab=all&warehouse={two.far_place.pk}", **given})
    assert two.state(two.far) == "ready"
    with tenant_context(ACME):
        assert Order.objects.get(pk=two.far.pk).tags == []


def test_bulk_acts_stay_in_ones_accounts(sign_in: SignIn, two: Two) -> None:
    client = sign_in(MANAGER, accounts=[two.shop.account.pk + 1])
    for act, given in ACTS:
        client.post(f"/orders/bulk/{act}", {"id": [str(two.near.pk)], **given})
        client.post(f"/orders/bulk/{act}", {"all": "1", "view": f"tab=all&account={two.shop.account.pk}", **given})
        assert client.post(f"/orders/{two.near.pk}/{act}", given).status_code in (404, 422)
    assert two.state(two.near) == "ready"


def test_an_address_of_another_warehouse_is_not_edited(two: Two) -> None:
    with tenant_context(ACME), pytest.raises(BusinessError) as error:
        acts.edit_address(
            actor=narrowed(two), order_id=two.far.pk, version=two.far.version, changes={"ship_city": "Elsewhere"}
        )
    assert error.value.code == "order.not_found"


def parcel_of(two: Two, state: str) -> Shipment:
    """A parcel of the far warehouse; inside the tenant's schema."""
    shipment = Shipment.objects.create(
        reference=f"P-{state}",
        service=two.shop.service,
        warehouse_ref=two.far_place.pk,
        state=state,
        receiver={"name": "Hannah Weiss"},
        country="DE",
        expected_weight_g=100,
        created_at=clock.now(),
    )
    Consignment.objects.create(
        order=two.far, warehouse=two.far_place, service=two.shop.service, shipment=shipment, created_at=clock.now()
    )
    return shipment


def test_a_parcel_of_another_warehouse_is_not_taken_back(two: Two) -> None:
    with tenant_context(ACME):
        parcel = parcel_of(two, "queued")
        out = recall.cancel_shipment(actor=narrowed(two), order_ids=[two.far.pk], close=True)
        assert not out.done
        parcel.refresh_from_db()
        assert parcel.state == "queued"


def test_a_parcel_of_another_warehouse_is_not_booked_again(two: Two) -> None:
    with tenant_context(ACME):
        parcel = parcel_of(two, "failed")
        assert parcels.retry(actor=narrowed(two, WAREHOUSE), ids=[parcel.pk]) == []
        parcel.refresh_from_db()
        assert parcel.state == "failed"


def test_a_number_of_another_warehouse_is_not_accepted(two: Two) -> None:
    with tenant_context(ACME):
        parcel = parcel_of(two, "failed")
        Shipment.objects.filter(pk=parcel.pk).update(waybill="W1", tracking_number="X1", needs="number")
        with pytest.raises(BusinessError):
            parcels.accept_number(actor=narrowed(two, WAREHOUSE), shipment_id=parcel.pk)
        parcel.refresh_from_db()
        assert parcel.state == "failed"

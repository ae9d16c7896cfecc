"""Roles without personal data or costs find neither: not on pages, not by searching, not in fragments, files or errors."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.test import Client

from core import clock, files
from core.permissions import CLERK, FINANCE, MANAGER, SERVICE, VIEWER, WAREHOUSE, Actor, of_role
from core.tenancy import tenant_context
from logistics.models import Shipment
from orders import queries
from orders.models import Consignment, Order
from orders.services.pages import reindex
from tests.security.conftest import SignIn, Two
from tests.support.database import ACME

pytestmark = pytest.mark.django_db
# Everything of the buyer and the receiver in tests.orders.conftest.order.
PERSONAL = ("Hannah", "Weiss", "Bergstr", "1234573", "relay.example", "h_weiss88", "buyer-1", "10999", "SECRETNOTE")
SEARCHES = ("Hannah", "weiss", "Hannah Weiss", "+49 30 1234573", "1234573", "h_weiss88", "x1@relay.example", "10999")


@pytest.fixture
def parcel(two: Two) -> Shipment:
    """A parcel of the near order with a freight of 83.17."""
    with tenant_context(ACME):
        Order.objects.filter(pk=two.near.pk).update(buyer_note="SECRETNOTE", state="booked")
        shipment = Shipment.objects.create(
            reference="P-1",
            service=two.shop.service,
            warehouse_ref=two.shop.warehouse.pk,
            state="ready",
            receiver={"name": "Hannah Weiss", "lines": ["Bergstr. 12"]},
            country="DE",
            waybill="WB1",
            tracking_number="TRACK123456",
            cost=Decimal("83.17"),
            cost_currency="CNY",
            created_at=clock.now(),
        )
        Consignment.objects.create(
            order=two.near,
            warehouse=two.shop.warehouse,
            service=two.shop.service,
            shipment=shipment,
            created_at=clock.now(),
        )
        reindex([two.near.pk])
    return shipment


def found(role: str, text: str) -> list[str]:
    actor = Actor("user", 7, "x", of_role(role))
    with tenant_context(ACME):
        return [row["external_id"] for row in queries.page(actor, queries.Filter("all", text)).rows]


@pytest.mark.parametrize("text", SEARCHES)
def test_searching_does_not_tell_who_bought(two: Two, text: str) -> None:
    assert found(CLERK, text), "whoever may see it finds by it"
    for role in (VIEWER, FINANCE):
        assert found(role, text) == []


def test_without_personal_data_one_still_finds_by_numbers_and_skus(two: Two, parcel: Shipment) -> None:
    for text in ("NEAR-1", "near", "TRACK123456", "123456", "WB1", f"S-{two.near.pk}"):
        assert found(VIEWER, text) == ["NEAR-1"], text
    assert set(found(VIEWER, "lamp")) == {"NEAR-1", "FAR-1"}
    assert found(VIEWER, "lamp near") == ["NEAR-1"]
    assert found(VIEWER, "lamp weiss") == []


def links(client: Client, path: str) -> set[str]:
    found = set(re.findall(r'(?:href|hx-get)="(/[^"#]*)"', client.get(path).content.decode()))
    return {one.replace("&amp;", "&") for one in found if not one.startswith("/static/") and "logout" not in one}


@pytest.mark.parametrize("role", [VIEWER, FINANCE])
def test_no_page_shows_who_bought(sign_in: SignIn, two: Two, parcel: Shipment, role: str) -> None:
    """Walk from Today over every link, two deep, and over lists in all tabs."""
    client = sign_in(role)
    seen: set[str] = set()
    todo = {"/", f"/orders/{two.near.pk}/", f"/orders/{two.near.pk}/?tab=all", "/orders/?tab=all", "/orders/?part=rows"}
    for _ in range(3):
        for path in sorted(todo - seen)[:40]:
            seen.add(path)
            response = client.get(path)
            body = response.content.decode(errors="replace") if not response.streaming else ""
            assert response.status_code < 500, path
            told = [word for word in PERSONAL if word in body]
            assert not told, f"{path} tells {told}"
        todo = {one for path in sorted(todo) for one in links(client, path)}
    assert f"/orders/{two.near.pk}/" in seen


@pytest.mark.parametrize("role", [VIEWER, FINANCE])
def test_personal_fields_are_not_opened_one_by_one(sign_in: SignIn, two: Two, role: str) -> None:
    client = sign_in(role)
    for field in ("ship_phone", "ship_email", "buyer_email", "ship_name"):
        assert client.post(f"/orders/{two.near.pk}/reveal/{field}").status_code == 403
    assert client.get(f"/orders/{two.near.pk}/address").status_code == 403
    assert client.post(f"/orders/{two.near.pk}/address", {"version": "1"}).status_code == 403


def test_only_fields_made_for_it_are_revealed(sign_in: SignIn, two: Two) -> None:
    client = sign_in(CLERK)
    for field in ("ship_name", "trace", "merge_key", "buyer_note", "__class__", "pk"):
        assert client.post(f"/orders/{two.near.pk}/reveal/{field}").status_code in (404, 422)
    assert b"1234573" in client.post(f"/orders/{two.near.pk}/reveal/ship_phone").content
    assert client.get(f"/orders/{two.near.pk}/reveal/ship_phone").status_code == 405


@pytest.mark.parametrize(
    ("role", "sees"), [(VIEWER, 0), (WAREHOUSE, 0), (SERVICE, 0), (CLERK, 0), (MANAGER, 1), (FINANCE, 1)]
)
def test_freight_is_a_cost(sign_in: SignIn, two: Two, parcel: Shipment, role: str, sees: int) -> None:
    page = sign_in(role).get(f"/orders/{two.near.pk}/").content.decode()
    assert "TRACK123456" in page
    assert ("83.17" in page) == bool(sees)


def test_a_file_asks_for_its_permission_and_scope(sign_in: SignIn, two: Two, tmp_path, settings) -> None:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        label = files.store(
            "label", "l.pdf", b"%PDF-1.4 x", files.PDF, "logistics.label", warehouse_id=two.far_place.pk
        )
        report = files.store("export", "r.csv", b"a,b", "text/csv", "orders.export", account_id=two.shop.account.pk)
    for client, file, status in (
        (sign_in(VIEWER), label, 404),
        (sign_in(SERVICE), label, 404),
        (sign_in(WAREHOUSE, warehouses=[two.shop.warehouse.pk]), label, 404),
        (sign_in(WAREHOUSE, warehouses=[two.far_place.pk]), label, 200),
        (sign_in(WAREHOUSE), report, 404),
        (sign_in(CLERK, accounts=[two.shop.account.pk + 1]), report, 404),
        (sign_in(CLERK), report, 200),
    ):
        assert client.get(f"/files/{file.uid}/").status_code == status
        assert client.get(f"/files/{file.uid}/?inline=1").status_code == status
    other = sign_in(schema="t_beta")
    assert other.get(f"/files/{label.uid}/").status_code == 404
    assert Client(HTTP_HOST="acme.localhost").get(f"/files/{label.uid}/").status_code == 404

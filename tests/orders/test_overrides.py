"""A person's choice of warehouse and service: above the rules, kept, refused where it cannot be, given back to the rules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.permissions import Actor, of_role
from core.tenancy import tenant_context
from inventory.models import Sku, Stock, Warehouse
from logistics.models import Service
from orders.models import Order, RouteOverride
from orders.services import acts, booking, overrides, people
from orders.services.release import release
from tests.orders.conftest import ACTOR, Shop, line, make_shop, order, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(db: None, acme: str) -> Iterator[tuple[Shop, Service, Warehouse]]:
    """A shop with a second service (Germany only, to 500 g, no batteries) and a second warehouse with stock."""
    with tenant_context(acme):
        shop = make_shop()
        other = Service.objects.create(
            carrier_account=shop.service.carrier_account,
            code="DE",
            key="yun-de",
            name="Yun DE",
            countries=["DE"],
            max_weight_g=500,
            battery=False,
        )
        place = Warehouse.objects.create(code="GZ", name="GZ", priority=900)
        for sku in shop.skus.values():
            Stock.objects.create(warehouse=place, sku=sku, sellable=50)
        yield shop, other, place


def made(shop: Shop, name: str, *lines: object, **changes: object) -> Order:
    take(shop, order(name, *(lines or (line(f"{name}-1"),)), **changes))
    found = Order.objects.get(external_id=name)
    release(order_ids=[found.pk], actor=ACTOR)
    found.refresh_from_db()
    return found


def again(found: Order) -> Order:
    release(order_ids=[found.pk], actor=ACTOR)
    found.refresh_from_db()
    return found


def test_the_choice_stands_above_the_rules_and_stays(two: tuple[Shop, Service, Warehouse]) -> None:
    shop, other, place = two
    found = made(shop, "A-1")
    assert (found.service_id, found.warehouse_id) == (shop.service.pk, shop.warehouse.pk)
    choice = {"service": other.pk, "warehouse": place.pk}
    out = overrides.choose(actor=ACTOR, order_ids=[found.pk], choice=choice, note="asked")
    assert out.done == [found.pk]
    again(found)
    assert (found.state, found.service_id, found.warehouse_id) == ("ready", other.pk, place.pk)
    assert shop.stock("LAMP").reserved == 0 and shop.stock("LAMP", place).reserved == 1
    acts.route_again(actor=ACTOR, order_ids=[found.pk])
    assert again(found).service_id == other.pk and found.trace["v"] == "1"  # the rules' decision is kept beside it
    overrides.choose(actor=ACTOR, order_ids=[found.pk], choice={"service": None})
    assert again(found).service_id == shop.service.pk and found.warehouse_id == place.pk
    overrides.choose(actor=ACTOR, order_ids=[found.pk], choice={"warehouse": None})
    assert again(found).warehouse_id == shop.warehouse.pk and not RouteOverride.objects.exists()


def test_what_cannot_be_is_refused_by_order(two: tuple[Shop, Service, Warehouse]) -> None:
    shop, other, place = two
    Sku.objects.filter(code="CUP").update(battery=True)
    far = made(shop, "A-1")
    Order.objects.filter(pk=far.pk).update(ship_country="US")
    heavy = made(shop, "A-2", line("A-2-1", "LAMP", 3))
    battery = made(shop, "A-3", line("A-3-1", "CUP"))
    booked = made(shop, "A-4")
    booking.book_orders(actor=ACTOR, order_ids=[booked.pk])
    fine = made(shop, "A-5")
    ids = [far.pk, heavy.pk, battery.pk, booked.pk, fine.pk, 999_999]
    out = overrides.choose(actor=ACTOR, order_ids=ids, choice={"service": other.pk})
    assert out.done == [fine.pk]
    assert {pk: code for pk, (code, _) in out.refused.items()} == {
        far.pk: "route.cannot_country",
        heavy.pk: "route.cannot_weight",
        battery.pk: "route.cannot_battery",
        booked.pk: "order.too_late",
        999_999: "order.not_found",
    }
    place.active = False
    place.save()
    out = overrides.choose(actor=ACTOR, order_ids=[fine.pk], choice={"warehouse": place.pk})
    assert out.refused[fine.pk][0] == "route.chosen_warehouse_closed"
    narrow = Actor("user", 1, "W", operations=of_role("clerk"), warehouses=frozenset({shop.warehouse.pk}))
    place.active = True
    place.save()
    out = overrides.choose(actor=narrow, order_ids=[fine.pk], choice={"warehouse": place.pk})
    assert out.refused[fine.pk][0] == "route.chosen_warehouse_closed"


def test_a_chosen_place_or_service_that_is_gone_holds_the_order(two: tuple[Shop, Service, Warehouse]) -> None:
    shop, other, place = two
    found = made(shop, "A-1")
    overrides.choose(actor=ACTOR, order_ids=[found.pk], choice={"service": other.pk})
    Service.objects.filter(pk=other.pk).update(active=False)
    assert (again(found).state, found.reason_code) == ("held", "route.chosen_service_gone")
    # Held by its route: another choice sets it free.
    overrides.choose(actor=ACTOR, order_ids=[found.pk], choice={"service": None, "warehouse": place.pk})
    assert (again(found).state, found.warehouse_id) == ("ready", place.pk)
    Warehouse.objects.filter(pk=place.pk).update(active=False)
    acts.route_again(actor=ACTOR, order_ids=[found.pk])
    assert (again(found).state, found.reason_code) == ("held", "route.chosen_warehouse_closed")


def test_a_hold_by_hand_stays_and_the_same_choice_twice_says_nothing(two: tuple[Shop, Service, Warehouse]) -> None:
    shop, other, _place = two
    found = made(shop, "A-1")
    acts.hold(actor=ACTOR, order_ids=[found.pk], note="ask")
    overrides.choose(actor=ACTOR, order_ids=[found.pk], choice={"service": other.pk})
    version = again(found).version
    assert found.state == "held"
    out = overrides.choose(actor=ACTOR, order_ids=[found.pk], choice={"service": other.pk})
    assert out.done == [found.pk] and again(found).version == version


def test_assigning_is_by_scope_and_keeps_who_had_it(two: tuple[Shop, Service, Warehouse]) -> None:
    shop, _other, _place = two
    found = made(shop, "A-1")
    blind = Actor("user", 1, "W", operations=of_role("clerk"), accounts=frozenset({shop.account.pk + 1}))
    assert found.pk in people.assign(actor=blind, order_ids=[found.pk], user_id=1).refused
    assert people.assign(actor=ACTOR, order_ids=[found.pk], user_id=5, label="Li").done == [found.pk]
    from orders.queries import history

    people.assign(actor=ACTOR, order_ids=[found.pk], user_id=5, label="Li")
    people.assign(actor=ACTOR, order_ids=[found.pk], user_id=None)
    told = [entry for entry in history(found.pk) if "assigned" in entry["code"]]
    assert [(entry["code"], entry["params"]["was"]) for entry in told] == [
        ("order.unassigned", 5),
        ("order.assigned", None),
    ]

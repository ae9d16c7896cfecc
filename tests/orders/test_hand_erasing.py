"""What persons wrote about an order goes with its buyer, and so does what was sent to the buyer again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from core import clock
from core.erasure import ORDER, Trail
from orders.models import Order, OrderNote
from orders.services import erasing, manual, people
from tests.orders.conftest import ACTOR, Shop, order, take
from tests.orders.test_manual import given

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=200)


def sent_again(shop: Shop) -> tuple[Order, Order]:
    take(shop, order("A-1"))
    first = Order.objects.get()
    second = manual.enter(actor=ACTOR, given=given(shop, copied_from=first.pk, why="lost"))
    for one in (first, second):
        people.note(actor=ACTOR, order_id=one.pk, text="Hannah rang")
    return first, second


def erase(trail: Trail) -> None:
    with transaction.atomic():
        erasing.find(trail)
        erasing.find(trail)  # core asks until nothing is added
        erasing.erase(trail)


def test_who_is_forgotten_is_forgotten_in_the_second_parcel_too(shop: Shop) -> None:
    first, second = sent_again(shop)
    trail = Trail(platform="amazon")
    trail.add(ORDER, [first.pk])
    erase(trail)
    assert not OrderNote.objects.exists()
    for one in Order.objects.filter(pk__in=[first.pk, second.pk]):
        assert (one.ship_name, one.ship_lines, one.ship_phone) == ("", [], "") and one.purged_at is not None


def test_when_an_orders_time_is_over_its_copy_has_a_time_of_its_own(shop: Shop) -> None:
    first, second = sent_again(shop)
    now = clock.now()
    Order.objects.filter(pk=first.pk).update(state="cancelled", state_at=now - LONG_AGO, placed_at=now - LONG_AGO)
    due = {pk for trail in erasing.due() for pk in trail.get(ORDER)}
    assert due == {first.pk}
    trail = Trail(whole=False)
    trail.add(ORDER, [first.pk])
    erase(trail)
    second.refresh_from_db()
    assert second.ship_name and OrderNote.objects.filter(order=second).exists()
    Order.objects.filter(pk=second.pk).update(state="cancelled", state_at=now - LONG_AGO, placed_at=now - LONG_AGO)
    assert {pk for trail in erasing.due() for pk in trail.get(ORDER)} == {second.pk}


def test_an_order_by_hand_belongs_to_no_platform_and_stays(shop: Shop) -> None:
    made = manual.enter(actor=ACTOR, given=given(shop))
    now = clock.now()
    Order.objects.filter(pk=made.pk).update(state="cancelled", state_at=now - LONG_AGO, placed_at=now - LONG_AGO)
    assert list(erasing.due()) == []

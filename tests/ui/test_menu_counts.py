"""The menu's counts are kept for some seconds; whoever acts sees the effect of it at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.ui.conftest import House, SignIn


@pytest.fixture
def kept(settings: Any) -> None:
    cache.clear()
    settings.MENU_COUNTS_SECONDS = 60


def held(client: Client) -> str:
    page = client.get("/jobs/").content.decode()
    return page.split('id="count-orders">')[1].split("<")[0]


def test_counts_are_kept_until_one_acts_oneself(house: House, sign_in: SignIn, kept: None) -> None:
    client = sign_in("manager")
    before = held(client)
    with house.inside():
        from orders.models import Order

        order = Order.objects.get(pk=house.ids["ready"])
        Order.objects.filter(pk=order.pk).update(state="delivered")  # somebody else's doing
    assert held(client) == before
    client.post(f"/orders/{house.ids['other']}/tag", {"add": "seen"})
    assert held(client) == str(int(before) - 1)


def test_the_counts_of_a_menu_ask_afresh(house: House, sign_in: SignIn, kept: None) -> None:
    client = sign_in("manager")
    before = held(client)
    with house.inside():
        from orders.models import Order

        Order.objects.filter(pk=house.ids["ready"]).update(state="delivered")
    client.get("/ui/counts")
    assert held(client) == str(int(before) - 1)


def test_two_tenants_and_two_people_share_nothing(house: House, sign_in: SignIn, kept: None) -> None:
    everything, narrow = sign_in("manager"), sign_in("manager", accounts=[])
    assert held(everything) != "0"
    assert held(narrow) in ("", "0")

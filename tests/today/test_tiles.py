"""Today's tiles: each counts exactly what the list that it opens shows, for every role and scope; fixed cost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from channels.models import Account, Confirmation, RawPayload
from core import clock
from core.permissions import CLERK, FINANCE, MANAGER, OWNER, ROLES, SERVICE
from crm.models import Conversation
from tenants.models import Membership
from tests.ui.conftest import House, SignIn, cost

pytestmark = pytest.mark.django_db
ROW = re.compile(r'<tr data-id="')


@pytest.fixture
def trouble(house: House) -> House:
    """The house with a dead payload, a refused confirmation, a sick account and a buyer who waits."""
    with house.inside():
        now = clock.now()
        mine = house.shop.account.pk
        other = Account.objects.create(
            platform="ebay", name="Other", external_id="other", health=Account.RECONNECT, created_at=now
        )
        for number, account in enumerate((mine, other.pk, other.pk)):
            RawPayload.objects.create(
                account_id=account,
                kind="order",
                external_id=f"DEAD-{number}",
                digest=bytes([number]) * 16,
                payload="{}",
                state=RawPayload.DEAD,
                error_code="payload.unreadable",
                fetched_at=now,
                purge_at=now,
            )
            Confirmation.objects.create(
                account_id=account,
                order_external_id=f"X-{number}",
                reference=str(number),
                order_ref=house.ids["ready"],
                carrier="Post",
                tracking_number="1",
                lines=[],
                shipped_at=now,
                state=Confirmation.REFUSED,
                next_at=now,
            )
            Conversation.objects.create(
                account_id=account,
                thread=f"c{number}",
                buyer_id=f"b{number}",
                state="open",
                waiting_since=now,
                answer_by=now,
                last_at=now,
                created_at=now,
            )
    return house


def shown(client: Client, href: str) -> int:
    """Rows of the list behind a tile, all of its pages."""
    joint = "&" if "?" in href else "?"
    answer = client.get(f"{href}{joint}size=500")
    assert answer.status_code == 200, href
    return len(ROW.findall(answer.content.decode()))


def tiles(client: Client) -> dict[str, Any]:
    return {tile.key: tile for _, group in client.get("/").context["tiles"] for tile in group}


LISTED = re.compile(r"^/(orders|channels|inbox|restock|ship)/")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("scope", ["all", "one account", "one warehouse", "none"])
def test_a_tile_counts_what_its_list_shows(trouble: House, sign_in: SignIn, role: str, scope: str) -> None:
    mine = trouble.shop.account.pk
    client = sign_in(role, accounts={"one account": [mine], "none": []}.get(scope))
    if scope == "one warehouse":
        Membership.objects.filter(user__pk=client.session["_auth_user_id"]).update(
            warehouses=[trouble.shop.warehouse.pk]
        )
    found = tiles(client)
    for tile in found.values():
        if LISTED.match(tile.href):
            assert tile.count == shown(client, tile.href), (tile.key, tile.href)
    if scope == "none":
        assert not [tile for tile in found.values() if LISTED.match(tile.href)]
    if role in (OWNER, MANAGER, CLERK) and scope == "all":
        assert found["dead.raw"].count == found["dead.confirm"].count == 3
        assert found["reconnect"].count == 1
        assert {"overdue", "unmatched", "address", "short"} <= set(found)
    if role in (OWNER, MANAGER, CLERK) and scope == "one account":
        assert found["dead.raw"].count == 1 and "reconnect" not in found


def test_the_most_urgent_come_first_and_none_is_empty(trouble: House, owner: Client) -> None:
    groups = owner.get("/").context["tiles"]
    assert [urgency for urgency, _ in groups] == ["late", "now", "soon"]
    assert all(tile.count for _, group in groups for tile in group)


def test_who_may_not_see_dead_letters_has_no_tile_of_them(trouble: House, sign_in: SignIn) -> None:
    for role in (FINANCE, SERVICE):
        assert not [key for key in tiles(sign_in(role)) if key.startswith("dead.")]


def test_today_costs_the_same_with_many_orders(trouble: House, owner: Client) -> None:
    few = cost(owner, "/")
    with trouble.inside():
        from tests.orders.conftest import order, take

        take(trouble.shop, *[order(f"MANY-{n}") for n in range(120)])
    many = cost(owner, "/")
    assert len(many) == len(few)
    assert len(few) <= 26, "\n".join(few)

"""Today's tiles: each counts exactly what the list that it opens shows, for every role and scope; fixed cost."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from time import sleep
from typing import Any

import pytest
from django.test import Client

from api.models import Endpoint
from channels.models import Account, Confirmation, RawPayload
from core import clock
from core.permissions import CLERK, FINANCE, MANAGER, OWNER, ROLES, SERVICE, system
from core.tenancy import tenant_context
from crm.models import Conversation
from logistics.models import CarrierAccount
from orders import queries_today
from orders.models import Order
from tenants.models import Membership, Tenant
from tests.support.database import ACME
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


def test_tiles_of_carriers_and_webhooks_open_exactly_what_they_count(trouble: House, sign_in: SignIn) -> None:
    """These are the company's: no account or warehouse narrows them."""
    with trouble.inside():
        now = clock.now()
        for number, (health, active) in enumerate(
            (("reconnect", True), ("failing", True), ("failing", False), ("ok", True))
        ):
            CarrierAccount.objects.create(
                carrier="pool", name=f"C{number}", health=health, active=active, created_at=now
            )
        for number, off in enumerate(("webhook.off_failing", "", "webhook.off_by_hand")):
            Endpoint.objects.create(
                name=f"E{number}", url="https://example.com/", events=["order.created"], off_code=off, created_at=now
            )
    for role in (OWNER, MANAGER):
        found = tiles(sign_in(role))
        assert (found["carriers"].count, found["webhooks"].count) == (2, 1)
        for key in ("carriers", "webhooks"):
            page = sign_in(role).get(found[key].href).content.decode()
            assert len(ROW.findall(page)) == found[key].count, key
    assert not {"carriers", "webhooks"} & set(tiles(sign_in(CLERK)))
    owner = sign_in(OWNER)
    page = owner.get("/carriers/").content.decode()
    assert all(name in page for name in ("C0", "C1", "C2", "C3"))


def test_every_tile_of_the_house_is_looked_at_here(trouble: House, owner: Client) -> None:
    """A tile whose list is not compared with its count would be believed without proof."""
    for tile in tiles(owner).values():
        assert LISTED.match(tile.href) or tile.key in ("carriers", "webhooks"), tile.key


def charted(client: Client, currency: str) -> Any:
    """What the chart's bars come to together."""
    page = client.get("/", {"sales": currency}).content.decode()
    found = re.search(r'id="orders-by-day" type="application/json">(.*?)</script>', page)
    assert found
    return sum(sum(one["values"]) for one in json.loads(found[1])["series"])


def test_sales_by_day_add_no_two_currencies(trouble: House, sign_in: SignIn, owner: Client) -> None:
    with trouble.inside():
        Order.objects.filter(pk=trouble.ids["ready"]).update(
            placed_at=clock.now(), currency="JPY", grand_total=Decimal(900)
        )
        lately = [trouble.ids["short"], trouble.ids["unpaid"]]
        Order.objects.filter(pk__in=lately).update(placed_at=clock.now() - timedelta(days=2), currency="EUR")
        zone = Tenant.objects.get(schema_name=ACME).timezone
        rows = queries_today.by_day(system("test"), 14, zone)
    assert sum(row[4] for row in rows if row[2] == "JPY") == 900
    sums = {query: charted(owner, query) for query in ("", "EUR", "JPY", "XXX")}
    assert sums["JPY"] == 900 and sums[""] == sums["XXX"] == sum(row[3] for row in rows)
    assert Decimal(str(sums["EUR"])) == sum(row[4] for row in rows if row[2] == "EUR")
    shown = owner.get("/").content.decode()
    assert shown.index(">EUR</a>") < shown.index(">JPY</a>")  # most orders first
    assert len(cost(owner, "/?sales=JPY")) == len(cost(owner, "/"))
    blind = sign_in(CLERK, accounts=[])
    assert "orders-by-day" not in blind.get("/").content.decode()
    owner.cookies["lang"] = "zh-hans"
    assert "仅含 JPY 订单" in owner.get("/?sales=JPY").content.decode()


def test_twenty_who_open_today_at_once_count_the_days_that_are_over_once(trouble: House, monkeypatch: Any) -> None:
    """In a big company; each counts the days that are not over for himself."""
    monkeypatch.setattr(queries_today, "FEW", 0)
    asked: list[tuple[Any, Any]] = []

    def slow(actor: Any, zone: str, first: Any, last: Any) -> Any:
        asked.append((first, last))
        if last < clock.day_in("UTC") - timedelta(days=1):
            sleep(0.2)
        return []

    actor = system("test")
    start = Barrier(20)

    def one(_n: int) -> Any:
        with tenant_context(ACME):
            start.wait(20)
            return queries_today.by_day(actor, 14, "UTC")

    monkeypatch.setattr(queries_today, "_placed", slow)
    monkeypatch.setattr(queries_today.queries, "tabs", lambda _actor: {"all": 1})
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))
    closed = [span for span in asked if span[1] < clock.day_in("UTC") - timedelta(days=1)]
    assert len(closed) == 1 and len(asked) == 21

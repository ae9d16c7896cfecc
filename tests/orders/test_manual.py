"""Orders entered by hand: made once, routed like any other, confirmed to nobody; sent again; paid later; looked over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from channels.models import Confirmation
from core import clock
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor, of_role
from core.records.models import AuditEntry
from core.tenancy import tenant_context
from inventory.models import Reservation
from logistics.models import Shipment
from orders import queries, states
from orders.models import ManualOrder, Order, OrderNote
from orders.services import acts, booking, manual, shipping
from orders.services.manual import Entered, Item
from orders.services.release import release
from tests.orders.conftest import ACTOR, Shop, order, take
from tests.orders.stocked import stocked

pytestmark = pytest.mark.django_db
RECEIVER = {
    "ship_name": "Yuki Tanaka",
    "ship_lines": ["1-2-3 Umeda"],
    "ship_city": "Osaka",
    "ship_region": "大阪府",
    "ship_postcode": "530-0001",
    "ship_country": "JP",
    "ship_phone": "+81 6 1234 5678",
}


def given(shop: Shop, **changes: object) -> Entered:
    items = (Item(shop.skus["LAMP"].pk, 2, Decimal("12.50")), Item(shop.skus["CUP"].pk, 1, Decimal("3.00")))
    return replace(Entered(uuid4(), RECEIVER, items, "EUR", shipping=Decimal("4.00")), **changes)


@pytest.fixture
def shop(db: None, acme: str) -> Iterator[Shop]:
    with tenant_context(acme):
        yield stocked()


def clerk(**changes: object) -> Actor:
    return Actor("user", 7, "Wang Fang", operations=of_role("clerk"), **changes)


def test_it_goes_the_way_of_every_order(shop: Shop) -> None:
    made = manual.enter(actor=clerk(), given=given(shop, reference="PO 4711", note="Ring twice"))
    assert (made.external_id[:2], made.platform, made.account_id, made.state) == ("M-", "manual", None, "new")
    assert (made.items_total, made.grand_total, made.units, made.lines_count) == (Decimal(28), Decimal(32), 3, 2)
    assert release(order_ids=[made.pk], actor=ACTOR) == {"ready": [made.pk]}
    assert shop.stock("LAMP").reserved == 2
    booking.book_orders(actor=ACTOR, order_ids=[made.pk])
    shipment = Shipment.objects.get()
    assert (shipment.platform, shipment.platform_order_ids) == ("manual", [made.external_id])
    shipment.state, shipment.tracking_number, shipment.handed_at = "handed", "YT1", clock.now()
    shipment.save()
    shipping.handed(shipment_ids=[shipment.pk], actor=ACTOR)
    made.refresh_from_db()
    assert made.state == states.HANDED and not Confirmation.objects.exists()
    assert shop.stock("LAMP").sellable == 98
    assert OrderNote.objects.get().text == "Ring twice"
    for text in ("PO 4711", "po4711", made.external_id, "Tanaka", "CUP"):
        found = queries.page(ACTOR, queries.Filter(tab="all", text=text)).rows
        assert [row["id"] for row in found] == ([made.pk] if text != "po4711" else []), text


def test_the_same_form_twice_is_one_order(shop: Shop) -> None:
    form = given(shop)
    first, second = manual.enter(actor=ACTOR, given=form), manual.enter(actor=ACTOR, given=form)
    assert first.pk == second.pk and Order.objects.count() == 1


def test_what_looks_entered_is_said_first(shop: Shop) -> None:
    first = manual.enter(actor=ACTOR, given=given(shop, reference="PO-1"))
    with pytest.raises(BusinessError, match=r"order\.looks_entered") as refused:
        manual.enter(actor=ACTOR, given=given(shop, reference=" po-1 ", receiver=RECEIVER | {"ship_name": "Else"}))
    assert refused.value.params["orders"] == [first.external_id]
    with pytest.raises(BusinessError, match=r"order\.looks_entered"):  # same receiver, still open
        manual.enter(actor=ACTOR, given=given(shop))
    assert manual.enter(actor=ACTOR, given=given(shop, reference="PO-1"), anyway=True).pk != first.pk
    assert ManualOrder.objects.count() == 2  # what was refused took no token
    acts.cancel(actor=ACTOR, order_ids=list(Order.objects.values_list("pk", flat=True)))
    manual.enter(actor=ACTOR, given=given(shop, reference="PO-1"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"items": ()}, "order.no_items"),
        ({"items": (Item(999, 1, Decimal(1)),)}, "sku.not_found"),
        ({"currency": "EURO"}, "order.currency_malformed"),
        ({"shipping": Decimal(-1)}, "order.item_price"),
        ({"receiver": RECEIVER | {"ship_lines": []}}, "order.address_incomplete"),
        ({"receiver": RECEIVER | {"ship_country": ""}}, "order.address_incomplete"),
        ({"account_id": 999}, "account.not_found"),
        ({"copied_from": 999}, "order.not_found"),
    ],
)
def test_what_cannot_be_is_refused_whole(shop: Shop, changes: dict, code: str) -> None:
    with pytest.raises(BusinessError) as refused:
        manual.enter(actor=ACTOR, given=given(shop, **changes))
    assert refused.value.code == code
    assert not Order.objects.exists() and not ManualOrder.objects.exists()


@pytest.mark.parametrize("item", [(0, "1"), (-1, "1"), (100_001, "1"), (1, "-0.01"), (1, "1e15")])
def test_impossible_items(shop: Shop, item: tuple[int, str]) -> None:
    with pytest.raises(BusinessError, match=r"order\.item_"):
        bad = (Item(shop.skus["LAMP"].pk, item[0], Decimal(item[1])),)
        manual.enter(actor=ACTOR, given=given(shop, items=bad))


def test_a_discontinued_sku_names_its_successor(shop: Shop) -> None:
    lamp = shop.skus["LAMP"]
    lamp.state, lamp.successor = "discontinued", shop.skus["CUP"]
    lamp.save()
    with pytest.raises(BusinessError) as refused:
        manual.enter(actor=ACTOR, given=given(shop))
    assert (refused.value.code, refused.value.params["successor"]) == ("sku.discontinued", "CUP")


def test_unpaid_until_somebody_says_so(shop: Shop) -> None:
    made = manual.enter(actor=ACTOR, given=given(shop, paid=False))
    release(order_ids=[made.pk], actor=ACTOR)
    assert (made.state, Reservation.objects.filter(kind="unpaid").count()) == ("pending", 2)
    take(shop, order("A-1", status="pending", paid_at=None))
    other = Order.objects.get(external_id="A-1")
    out = manual.mark_paid(actor=ACTOR, order_ids=[made.pk, other.pk])
    assert (out.done, out.refused[other.pk][0]) == ([made.pk], "order.not_unpaid_by_hand")
    again = manual.mark_paid(actor=ACTOR, order_ids=[made.pk])
    assert again.done == [] and made.pk in again.refused
    release(order_ids=[made.pk], actor=ACTOR)
    made.refresh_from_db()
    assert made.state == "ready" and made.paid_at is not None and made.channel_status == "paid"
    assert set(Reservation.objects.filter(closed_at=None).values_list("kind", flat=True)) == {"paid"}


def test_sent_again_knows_where_it_comes_from(shop: Shop) -> None:
    take(shop, order("A-1"))
    first = Order.objects.get()
    second = manual.enter(actor=ACTOR, given=given(shop, copied_from=first.pk, why="lost", account_id=shop.account.pk))
    third = manual.enter(actor=ACTOR, given=given(shop, copied_from=second.pk, why="lost"))
    assert second.customer_id == first.customer_id and second.account_id == shop.account.pk
    # The chain keeps its root: the marketplace's days for personal data go for all of them.
    assert set(ManualOrder.objects.values_list("copied_from_id", flat=True)) == {first.pk}
    entry = AuditEntry.objects.get(code="order.sent_again", object_id=first.pk)
    assert entry.params == {"order": second.number, "reason": "lost"}
    assert third.pk != second.pk


def test_who_works_for_some_accounts_names_one(shop: Shop) -> None:
    mine = clerk(accounts=frozenset({shop.account.pk}))
    with pytest.raises(BusinessError, match=r"order\.account_needed"):
        manual.enter(actor=mine, given=given(shop))
    with pytest.raises(BusinessError, match=r"account\.not_found"):
        manual.enter(actor=mine, given=given(shop, account_id=shop.account.pk + 1))
    made = manual.enter(actor=mine, given=given(shop, account_id=shop.account.pk))
    assert queries.get(mine, made.pk).pk == made.pk and queries.tabs(mine)["new"] == 1
    nobodys = manual.enter(actor=ACTOR, given=given(shop), anyway=True)
    with pytest.raises(BusinessError, match=r"order\.not_found"):
        queries.get(mine, nobodys.pk)
    assert queries.tabs(mine)["new"] == 1 and queries.tabs(ACTOR)["new"] == 2
    with pytest.raises(NotAllowed):
        manual.enter(actor=Actor("user", 8, "V", operations=of_role("viewer")), given=given(shop))

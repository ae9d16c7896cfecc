"""What a person changes of an order's lines: sent as wanted, reserved anew, and the marketplace told only what is its own."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from channels import canonical
from channels.models import Confirmation
from core import clock
from core.errors import BusinessError
from core.permissions import Actor, of_role
from core.tenancy import tenant_context
from inventory.models import Move, Reservation
from logistics.models import Shipment
from orders import facts, queries
from orders.models import Consignment, LineEdit, Order, OrderLine
from orders.services import acts, booking, line_edits, manual, pages, shipping, undo
from orders.services.line_edits import Wanted
from orders.services.release import release
from tests.orders.conftest import ACTOR, T0, Shop, line, order, take
from tests.orders.stocked import stocked
from tests.orders.test_manual import given

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None, acme: str) -> Iterator[Shop]:
    with tenant_context(acme):
        yield stocked()


@pytest.fixture
def sold(shop: Shop) -> Order:
    """Three lamps and a cable, ready."""
    take(shop, order("A-1", line("A-1-1", "LAMP", 3), line("A-1-2", "CABLE", 1)))
    release(order_ids=[Order.objects.get().pk], actor=ACTOR)
    return Order.objects.get()


def at(sold: Order, seller_sku: str) -> OrderLine:
    return OrderLine.objects.get(order=sold, seller_sku=seller_sku)


def same(row: OrderLine, **changes: object) -> Wanted:
    values = {"sku_id": row.sku_id, "pieces": row.quantity - row.cancelled, "per_piece": row.units // row.quantity}
    return Wanted(row.pk, **values | changes)


def change(sold: Order, *wanted: Wanted, reason: str = "buyer_asked") -> Order:
    sold.refresh_from_db()
    line_edits.edit(actor=ACTOR, order_id=sold.pk, version=sold.version, wanted=wanted, reason=reason)
    release(order_ids=[sold.pk], actor=ACTOR)
    sold.refresh_from_db()
    return sold


def reserved() -> dict[str, int]:
    rows = Reservation.objects.filter(closed_at=None).select_related("sku")
    return {row.sku.code: row.quantity for row in rows}


def send(sold: Order) -> dict[str, int]:
    """Book and hand over; what the marketplace is asked to be told, by its line."""
    booking.book_orders(actor=ACTOR, order_ids=[sold.pk])
    shipment = Shipment.objects.get()
    shipment.state, shipment.tracking_number, shipment.handed_at = "handed", "YT1", clock.now()
    shipment.save()
    shipping.handed(shipment_ids=[shipment.pk], actor=ACTOR)
    return {name: n for row in Confirmation.objects.all() for name, n in row.lines}


def test_fewer_pieces_another_sku_and_a_gift(shop: Shop, sold: Order) -> None:
    change(
        sold,
        same(at(sold, "LAMP"), pieces=2),
        same(at(sold, "CABLE"), sku_id=shop.skus["CUP"].pk, per_piece=2),
        Wanted(None, shop.skus["LAMP"].pk, 1, key="f-0"),
    )
    assert (sold.state, sold.grand_total) == ("ready", Decimal(40))
    assert sorted(Reservation.objects.filter(closed_at=None).values_list("sku__code", "quantity")) == [
        ("CUP", 2), ("LAMP", 1), ("LAMP", 2),
    ]  # fmt: skip
    assert send(sold) == {"A-1-1": 2, "A-1-2": 1}  # the gift is told to nobody, the kept-back lamp neither
    out = {move.sku.code: 0 for move in Move.objects.select_related("sku")}
    for move in Move.objects.filter(source_kind="shipment").select_related("sku"):
        out[move.sku.code] += move.quantity
    assert (out["LAMP"], out["CUP"]) == (3, 2)
    assert not Reservation.objects.filter(closed_at=None).exists()
    sold.refresh_from_db()
    assert sold.state == "handed"
    assert at(sold, "CABLE").shipped == 1 and OrderLine.objects.get(external_line_id="A-1-1").shipped == 2


def test_a_line_left_out_gives_its_stock_back(shop: Shop, sold: Order) -> None:
    change(sold, same(at(sold, "LAMP"), pieces=0))
    assert reserved() == {"CABLE": 1} and shop.stock("LAMP").reserved == 0
    assert send(sold) == {"A-1-2": 1}
    with pytest.raises(BusinessError, match=r"order\.too_late"):
        line_edits.edit(actor=ACTOR, order_id=sold.pk, version=sold.version, wanted=[same(at(sold, "LAMP"))])


def test_only_a_gift_goes_and_nobody_is_told(shop: Shop, sold: Order) -> None:
    gift = Wanted(None, shop.skus["CUP"].pk, 1, key="f-0")
    change(sold, same(at(sold, "LAMP"), pieces=0), same(at(sold, "CABLE"), pieces=0), gift)
    assert send(sold) == {} and not Confirmation.objects.exists()


def revised(sold: Order, *lines: canonical.Line, **changes: object) -> pages.Written:
    shop_account = sold.account
    assert shop_account is not None
    newer = order("A-1", *lines, **{"updated_at": T0.replace(hour=T0.hour + 1)} | changes)
    return take(Shop(shop_account, None, None, {}), newer)


def test_news_of_the_marketplace_do_not_take_the_edit_back(shop: Shop, sold: Order) -> None:
    gift = Wanted(None, shop.skus["LAMP"].pk, 1, key="f-0")
    change(
        sold,
        same(at(sold, "LAMP"), pieces=2),
        same(at(sold, "CABLE"), sku_id=shop.skus["CUP"].pk, per_piece=2),
        gift,
    )
    # The same lines again: nothing is new, the gift least of all.
    assert revised(sold, line("A-1-1", "LAMP", 3), line("A-1-2", "CABLE", 1)).changed == []
    # One lamp was cancelled there: the one that was kept back anyway.
    revised(sold, line("A-1-1", "LAMP", 3, cancelled=1), line("A-1-2", "CABLE", 1))
    release(order_ids=[sold.pk], actor=ACTOR)
    to_send = {(one.code, one.units) for one in facts.lines_of([sold.pk])[sold.pk]}
    assert to_send == {("LAMP", 2), ("CUP", 2), ("LAMP", 1)}
    # A line that vanished there counts as cancelled; the gift still goes.
    revised(sold, line("A-1-1", "LAMP", 3, cancelled=1), updated_at=T0.replace(hour=T0.hour + 2))
    assert OrderLine.objects.get(external_line_id="A-1-2").cancelled == 1
    assert OrderLine.objects.get(external_line_id="own-f-0").cancelled == 0


def test_a_gift_follows_a_combined_order(shop: Shop) -> None:
    take(shop, order("A-1"))
    first = Order.objects.get()
    change(first, Wanted(None, shop.skus["CUP"].pk, 1, key="f-0"))
    take(shop, order("A-2", line("A-1-1"), line("A-2-1", "CABLE")))
    first.refresh_from_db()
    second = Order.objects.get(external_id="A-2")
    assert (first.state, first.combined_into_id) == ("combined", second.pk)
    assert set(second.lines.values_list("external_line_id", flat=True)) == {"A-1-1", "A-2-1", "own-f-0"}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"pieces": 4}, "line.more_than_sold"),
        ({"pieces": -1}, "order.item_quantity"),
        ({"per_piece": 0}, "line.per_piece"),
        ({"per_piece": 10_001}, "line.per_piece"),
        ({"sku_id": 999_999}, "sku.not_found"),
        ({"sku_id": None}, "line.needs_sku"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(shop: Shop, sold: Order, wanted: dict, code: str) -> None:
    with pytest.raises(BusinessError) as refused:
        line_edits.edit(actor=ACTOR, order_id=sold.pk, version=sold.version, wanted=[same(at(sold, "LAMP"), **wanted)])
    assert refused.value.code == code
    assert not LineEdit.objects.exists() and reserved() == {"LAMP": 3, "CABLE": 1}


def test_nothing_left_old_pages_and_strangers(shop: Shop, sold: Order) -> None:
    both = [same(at(sold, "LAMP"), pieces=0), same(at(sold, "CABLE"), pieces=0)]
    with pytest.raises(BusinessError, match=r"order\.nothing_left"):
        line_edits.edit(actor=ACTOR, order_id=sold.pk, version=sold.version, wanted=both)
    less = [same(at(sold, "LAMP"), pieces=1)]
    with pytest.raises(BusinessError, match=r"order\.changed_meanwhile"):
        line_edits.edit(actor=ACTOR, order_id=sold.pk, version=sold.version - 1, wanted=less)
    stranger = Actor("user", 9, "X", operations=of_role("clerk"), accounts=frozenset({shop.account.pk + 1}))
    with pytest.raises(BusinessError, match=r"order\.not_found"):
        line_edits.edit(actor=stranger, order_id=sold.pk, version=sold.version, wanted=less)
    with pytest.raises(BusinessError, match=r"line\.not_found"):
        line_edits.edit(actor=ACTOR, order_id=sold.pk, version=sold.version, wanted=[Wanted(999_999, 1, 1)])
    unchanged = line_edits.edit(actor=ACTOR, order_id=sold.pk, version=0, wanted=[same(at(sold, "LAMP"))])
    assert unchanged.version == sold.version


def test_a_held_order_stays_held_without_the_stock_of_changed_lines(shop: Shop, sold: Order) -> None:
    acts.hold(actor=ACTOR, order_ids=[sold.pk])
    change(sold, same(at(sold, "LAMP"), pieces=1))
    assert sold.state == "held" and reserved() == {"CABLE": 1}
    acts.route_again(actor=ACTOR, order_ids=[sold.pk])
    release(order_ids=[sold.pk], actor=ACTOR)
    assert reserved() == {"LAMP": 1, "CABLE": 1}


def test_an_order_by_hand_is_ours_alone(shop: Shop) -> None:
    made = manual.enter(actor=ACTOR, given=given(shop))
    lamp, cup = made.lines.order_by("pk")
    change(
        made,
        Wanted(lamp.pk, lamp.sku_id, 5, unit_price=Decimal("10")),
        Wanted(cup.pk, cup.sku_id, 0, unit_price=Decimal("3")),
        Wanted(None, shop.skus["CABLE"].pk, 1, unit_price=Decimal("2"), key="f"),
    )
    assert (made.items_total, made.grand_total, made.lines_count, made.units) == (Decimal(52), Decimal(56), 2, 6)
    assert reserved() == {"LAMP": 5, "CABLE": 1}
    assert send(made) == {}


def test_taking_an_edit_back(shop: Shop, sold: Order) -> None:
    change(
        sold,
        same(at(sold, "LAMP"), pieces=2, sku_id=shop.skus["CUP"].pk),
        Wanted(None, shop.skus["CABLE"].pk, 1, key="f-0"),
    )
    entries = queries.history(sold.pk)
    entry = next(one for one in entries if one["code"] == "order.lines_edited")
    assert entry["id"] in undo.offered(sold, ACTOR, entries)
    assert undo.undo(actor=ACTOR, order_id=sold.pk, entry_id=entry["id"]) == "order.lines_edited"
    release(order_ids=[sold.pk], actor=ACTOR)
    sold.refresh_from_db()
    assert sold.state == "ready" and reserved() == {"LAMP": 3, "CABLE": 1} and not LineEdit.objects.exists()
    assert entry["id"] not in undo.offered(sold, ACTOR, queries.history(sold.pk))
    with pytest.raises(BusinessError, match=r"undo\.done_already"):
        undo.undo(actor=ACTOR, order_id=sold.pk, entry_id=entry["id"])


def test_an_edit_that_was_edited_since_is_not_taken_back(shop: Shop, sold: Order) -> None:
    change(sold, same(at(sold, "LAMP"), pieces=2))
    first = next(one["id"] for one in queries.history(sold.pk) if one["code"] == "order.lines_edited")
    change(sold, same(at(sold, "LAMP"), pieces=1))
    with pytest.raises(BusinessError, match=r"undo\.moved_on"):
        undo.undo(actor=ACTOR, order_id=sold.pk, entry_id=first)
    second = next(one["id"] for one in queries.history(sold.pk) if one["code"] == "order.lines_edited")
    undo.undo(actor=ACTOR, order_id=sold.pk, entry_id=second)
    assert LineEdit.objects.get().most == 2
    booking.book_orders(actor=ACTOR, order_ids=[sold.pk])
    assert not Consignment.objects.exists()  # it is new again, and has to be routed first


def test_units_of_a_listing_change_but_not_where_a_person_said(shop: Shop, sold: Order) -> None:
    change(sold, same(at(sold, "LAMP"), per_piece=2))
    assert reserved()["LAMP"] == 6
    revised(sold, line("A-1-1", "LAMP", 2), line("A-1-2", "CABLE", 1))
    release(order_ids=[sold.pk], actor=ACTOR)
    assert reserved()["LAMP"] == 4

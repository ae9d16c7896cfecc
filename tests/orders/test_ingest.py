"""Orders come in exactly once, newer revisions merge, combined orders carry their parcels along."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from channels import canonical
from core import clock
from core.errors import BusinessError
from core.records.models import AuditEntry
from core.values import Address
from inventory.models import Reservation
from orders import queries, states
from orders.models import Customer, Order, OrderCount, OrderLine
from orders.services import acts
from orders.services.release import release
from tests.orders.conftest import ACTOR, T0, Shop, line, order, take

LATER = T0 + timedelta(minutes=5)


def state_of(external: str) -> str:
    return Order.objects.get(external_id=external).state


def counts() -> dict[str, int]:
    out: dict[str, int] = {}
    for row in OrderCount.objects.all():
        out[row.state] = out.get(row.state, 0) + row.n
    return {state: n for state, n in out.items() if n}


def test_new_order_stands_once_with_all_it_said(shop: Shop) -> None:
    told = order("A1", line("A1-1", "LAMP", 2, "44.90"), line("A1-2", "CUP", 1, "8.24"))
    first = take(shop, told)
    again = take(shop, told)
    assert len(first.created) == 1 and again.created == [] and again.same == 1
    row = Order.objects.get()
    assert (row.grand_total, row.currency, row.ship_name, row.buyer_name) == (
        told.grand_total,
        "EUR",
        "Hannah Weiss",
        "h_weiss88",
    )
    assert sorted(OrderLine.objects.values_list("seller_sku", "quantity", "sku__code")) == [
        ("CUP", 1, "CUP"),
        ("LAMP", 2, "LAMP"),
    ]
    assert AuditEntry.objects.filter(code="order.imported").count() == 1
    assert counts() == {states.NEW: 1}


def test_the_marketplaces_tags_come_with_a_new_order_and_are_ours_then(shop: Shop) -> None:
    ids = take(shop, order("A1", tags=("prime", "gift", "x" * 90))).to_route
    acts.tag(actor=ACTOR, order_ids=ids, add=["call first"], remove=["gift"])
    release(order_ids=ids, actor=ACTOR)
    assert Order.objects.get().tags == ["prime", "x" * 39 + "…", "call first"]
    later = order("A1", line("A1-1", "LAMP", 3), tags=("prime", "gift"), updated_at=T0 + timedelta(minutes=5))
    take(shop, later)
    assert Order.objects.get().tags == ["prime", "x" * 39 + "…", "call first"]


def test_release_routes_and_reserves(shop: Shop) -> None:
    ids = take(shop, order("A1", line("A1-1", "LAMP", 2))).to_route
    assert release(order_ids=ids, actor=ACTOR) == {states.READY: ids}
    row = Order.objects.get()
    assert (row.service_id, row.warehouse_id, row.weight_g) == (shop.service.pk, shop.warehouse.pk, 400)
    assert row.trace["o"] == "1" or row.trace["o"]
    assert shop.stock("LAMP").reserved == 2
    assert release(order_ids=ids, actor=ACTOR) == {}
    assert shop.stock("LAMP").reserved == 2
    assert counts() == {states.READY: 1}


def test_unknown_sku_waits_for_a_match_and_goes_on(shop: Shop) -> None:
    ids = take(shop, order("A1", line("A1-1", "NOSUCH"))).to_route
    release(order_ids=ids, actor=ACTOR)
    assert state_of("A1") == states.UNMATCHED
    from channels.models import Listing
    from orders.services import acts

    listing = Listing.objects.get(seller_sku="NOSUCH")
    assert acts.match_listing(actor=ACTOR, listing_id=listing.pk, sku_id=shop.skus["CUP"].pk, units=3) == 1
    release(order_ids=ids, actor=ACTOR)
    assert state_of("A1") == states.READY and shop.stock("CUP").reserved == 3


def test_a_discontinued_sku_is_never_linked_by_itself(shop: Shop) -> None:
    shop.skus["CUP"].state = "discontinued"
    shop.skus["CUP"].save()
    release(order_ids=take(shop, order("A1", line("A1-1", "CUP"))).to_route, actor=ACTOR)
    assert state_of("A1") == states.UNMATCHED


def test_short_names_what_is_missing_and_is_retried(shop: Shop) -> None:
    ids = take(shop, order("A1", line("A1-1", "LAMP", 101), line("A1-2", "CUP", 1))).to_route
    release(order_ids=ids, actor=ACTOR)
    row = Order.objects.get()
    assert row.state == states.SHORT and row.reason_params["missing"] == [["LAMP", 101, 100]]
    assert shop.stock("CUP").reserved == 0
    stock = shop.stock("LAMP")
    stock.sellable = 150
    stock.save()
    from orders.services import acts

    assert acts.retry_short(sku_ids=[shop.skus["LAMP"].pk], actor=ACTOR) == 1
    assert state_of("A1") == states.READY


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        (
            {"receiver": Address("", "", ("Bergstr. 12",), "Berlin", "", "", "10999", "DE")},
            states.ADDRESS,
            "order.address_incomplete",
        ),
        (
            {"receiver": Address("Hannah", "", (), "Berlin", "", "", "10999", "DE")},
            states.ADDRESS,
            "order.address_incomplete",
        ),
        ({"currency": "XTS"}, states.HELD, "order.currency_unknown"),
    ],
)
def test_bad_content_is_held_with_a_reason(shop: Shop, changes: dict, state: str, code: str) -> None:
    release(order_ids=take(shop, order("A1", **changes)).to_route, actor=ACTOR)
    row = Order.objects.get()
    assert (row.state, row.reason_code) == (state, code)


def test_empty_and_masked_never_overwrite_what_is_known(shop: Shop) -> None:
    take(shop, order("A1"))
    take(shop, order("A1", updated_at=LATER, receiver=Address(country="DE"), buyer=canonical.Buyer()))
    take(
        shop,
        order("A1", updated_at=LATER, receiver=Address("H**** W****", "", ("B****",), "Berlin", "", "", "10***", "DE")),
    )
    row = Order.objects.get()
    assert (row.ship_name, row.ship_lines, row.ship_postcode, row.buyer_name) == (
        "Hannah Weiss",
        ["Bergstr. 12"],
        "10999",
        "h_weiss88",
    )


def test_withheld_receiver_given_later_lets_the_order_go(shop: Shop) -> None:
    ids = take(shop, order("A1", receiver=Address(country="DE"))).to_route
    release(order_ids=ids, actor=ACTOR)
    assert state_of("A1") == states.ADDRESS
    written = take(shop, order("A1"))
    assert written.to_route == ids
    release(order_ids=ids, actor=ACTOR)
    assert state_of("A1") == states.READY


def test_older_revision_is_skipped(shop: Shop) -> None:
    take(shop, order("A1", updated_at=LATER, status=canonical.CANCELLED))
    take(shop, order("A1"))
    assert state_of("A1") == states.CANCELLED


def test_pending_reserves_with_expiry_then_payment_makes_it_paid(shop: Shop) -> None:
    ids = take(shop, order("A1", status=canonical.PENDING, paid_at=None)).to_route
    release(order_ids=ids, actor=ACTOR)
    hold = Reservation.objects.get()
    assert state_of("A1") == states.PENDING and hold.kind == "unpaid" and hold.expires_at is not None
    take(shop, order("A1", updated_at=LATER))
    release(order_ids=ids, actor=ACTOR)
    hold.refresh_from_db()
    assert state_of("A1") == states.READY and hold.kind == "paid" and hold.expires_at is None
    assert Reservation.objects.count() == 1


def test_cancel_before_booking_gives_the_stock_back(shop: Shop) -> None:
    ids = take(shop, order("A1")).to_route
    release(order_ids=ids, actor=ACTOR)
    take(shop, order("A1", status=canonical.CANCELLED, updated_at=LATER))
    assert state_of("A1") == states.CANCELLED and shop.stock("LAMP").reserved == 0
    assert counts() == {states.CANCELLED: 1}


@pytest.mark.parametrize(
    ("state", "conflict"), [(states.BOOKED, "cancelled_in_flight"), (states.HANDED, "cancelled_after_handover")]
)
def test_cancel_after_booking_is_a_conflict_not_a_move(shop: Shop, state: str, conflict: str) -> None:
    release(order_ids=take(shop, order("A1")).to_route, actor=ACTOR)
    Order.objects.update(state=state)
    written = take(shop, order("A1", status=canonical.CANCELLED, updated_at=LATER))
    row = Order.objects.get()
    assert (row.state, row.conflict, row.channel_status) == (state, conflict, canonical.CANCELLED)
    assert bool(written.ask_cancel) == (state == states.BOOKED)


def test_partly_cancelled_line_frees_the_difference(shop: Shop) -> None:
    ids = take(shop, order("A1", line("A1-1", "LAMP", 5))).to_route
    release(order_ids=ids, actor=ACTOR)
    take(shop, order("A1", line("A1-1", "LAMP", 5, cancelled=3), updated_at=LATER))
    release(order_ids=ids, actor=ACTOR)
    assert state_of("A1") == states.READY and shop.stock("LAMP").reserved == 2


def test_two_revisions_in_one_page_the_newest_counts(shop: Shop) -> None:
    take(shop, order("A1", updated_at=LATER, raw_status="NEWER"), order("A1", raw_status="OLDER"))
    assert Order.objects.get().channel_raw == "NEWER"


def test_combined_order_takes_line_reservation_and_history(shop: Shop) -> None:
    ids = take(shop, order("A1", line("L1")), order("A2", line("L2", "CUP"))).to_route
    release(order_ids=ids, actor=ACTOR)
    written = take(shop, order("A9", line("L1"), line("L2", "CUP"), updated_at=LATER))
    release(order_ids=written.to_route, actor=ACTOR)
    assert [state_of(name) for name in ("A1", "A2", "A9")] == [states.COMBINED, states.COMBINED, states.READY]
    assert (shop.stock("LAMP").reserved, shop.stock("CUP").reserved) == (1, 1)
    assert OrderLine.objects.filter(order__external_id="A9").count() == 2
    take(shop, order("A1", line("L1"), updated_at=LATER + timedelta(minutes=1)))
    assert OrderLine.objects.filter(order__external_id="A9").count() == 2


def test_same_buyer_is_one_customer(shop: Shop) -> None:
    take(shop, order("A1"), order("A2", line("A2-1")))
    take(shop, order("A3", line("A3-1"), placed_at=T0 + timedelta(days=1)))
    customer = Customer.objects.get()
    assert customer.orders == 3 and customer.last_order_at == T0 + timedelta(days=1)


def test_awkward_text_is_kept_as_well_as_postgresql_can(shop: Shop) -> None:
    receiver = Address(
        "张 伟\x00\ud800 O’Neil & <b>" + "x" * 300,
        "",
        ("1" * 500,),
        "杭州市",
        "",
        "浙江",
        "310000",
        "CN",
        "１３８ 0000 1234",
    )
    release(order_ids=take(shop, order("A1", receiver=receiver)).to_route, actor=ACTOR)
    row = Order.objects.get()
    assert row.state == states.READY and row.ship_name.startswith("张 伟") and len(row.ship_name) == 200


@pytest.mark.parametrize("text", ["张 伟", "weiss", "1234573", "S1-A1", "LAMP", "s-{id}"])
def test_search_finds_by_receiver_phone_number_and_sku(shop: Shop, text: str) -> None:
    take(
        shop,
        order("S1-A1"),
        order(
            "B2",
            line("B2-1", "CUP"),
            buyer=canonical.Buyer("b2", "zhangwei"),
            receiver=Address("张 伟", "", ("文三路1号",), "杭州", "", "", "310000", "CN", "13800001111"),
        ),
    )
    wanted = "B2" if text == "张 伟" else "S1-A1"
    found = queries.page(
        ACTOR, queries.Filter(tab="all", text=text.format(id=Order.objects.get(external_id="S1-A1").pk))
    )
    assert [row["external_id"] for row in found.rows] == [wanted]


def test_list_pages_by_keyset_both_ways(shop: Shop) -> None:
    for index in range(7):
        take(shop, order(f"A{index}", line(f"L{index}"), placed_at=T0 + timedelta(minutes=index // 2)))
    chosen = queries.Filter(tab="to_ship")
    one = queries.page(ACTOR, chosen, limit=3)
    two = queries.page(ACTOR, chosen, limit=3, after=one.next)
    three = queries.page(ACTOR, chosen, limit=3, after=two.next)
    seen = [row["external_id"] for found in (one, two, three) for row in found.rows]
    assert sorted(seen) == [f"A{i}" for i in range(7)] and three.next == "" and one.prev == ""
    back = queries.page(ACTOR, chosen, limit=3, before=three.prev)
    assert [row["id"] for row in back.rows] == [row["id"] for row in two.rows]
    assert queries.tabs(ACTOR)["to_ship"] == 7


def test_statements_per_page_do_not_grow_with_its_size(shop: Shop, django_assert_max_num_queries) -> None:
    few = [order(f"F{i}", line(f"F{i}-1")) for i in range(5)]
    many = [
        replace(order(f"M{i}", line(f"M{i}-1"), line(f"M{i}-2", "CUP")), buyer=canonical.Buyer(f"b{i}"))
        for i in range(80)
    ]
    take(shop, *few)
    with django_assert_max_num_queries(20):
        written = take(shop, *many)
    with django_assert_max_num_queries(20):
        release(order_ids=written.to_route, actor=ACTOR)
    assert counts() == {states.READY: 80, states.NEW: 5}


def test_counts_stay_right_when_summed_up(shop: Shop) -> None:
    ids = take(shop, *[order(f"A{i}", line(f"L{i}")) for i in range(5)]).to_route
    release(order_ids=ids, actor=ACTOR)
    before, rows = counts(), OrderCount.objects.count()
    acts.compact_counts()
    assert counts() == before == {states.READY: 5} and OrderCount.objects.count() < rows


def test_a_hold_until_a_moment_ends_by_itself(shop: Shop) -> None:
    ids = take(shop, order("A1")).to_route
    release(order_ids=ids, actor=ACTOR)
    acts.hold(actor=ACTOR, order_ids=ids, note="gift", until=clock.now() + timedelta(days=1))
    acts.wake_held(actor=ACTOR)
    assert state_of("A1") == states.HELD and shop.stock("LAMP").reserved == 1
    Order.objects.update(hold_until=clock.now() - timedelta(seconds=1))
    acts.wake_held(actor=ACTOR)
    assert state_of("A1") == states.NEW


def test_unpaid_stock_is_given_back_and_the_order_may_still_be_paid(shop: Shop) -> None:
    ids = take(shop, order("A1", status=canonical.PENDING, paid_at=None)).to_route
    release(order_ids=ids, actor=ACTOR)
    Reservation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert acts.expire_unpaid(actor=ACTOR) == 1
    assert shop.stock("LAMP").reserved == 0 and state_of("A1") == states.PENDING
    take(shop, order("A1", updated_at=LATER))
    release(order_ids=ids, actor=ACTOR)
    assert state_of("A1") == states.READY and shop.stock("LAMP").reserved == 1


def test_two_people_edit_one_address(shop: Shop) -> None:
    ids = take(shop, order("A1", receiver=Address("", "", ("Bergstr. 12",), "Berlin", "", "", "10999", "DE"))).to_route
    release(order_ids=ids, actor=ACTOR)
    version = Order.objects.get().version
    acts.edit_address(actor=ACTOR, order_id=ids[0], version=version, changes={"ship_name": "Hannah Weiss"})
    assert state_of("A1") == states.NEW
    with pytest.raises(BusinessError) as late:
        acts.edit_address(actor=ACTOR, order_id=ids[0], version=version, changes={"ship_name": "Somebody Else"})
    assert late.value.code == "order.changed_meanwhile"
    take(shop, order("A1", updated_at=LATER, receiver=Address("From Channel", "", ("X 1",), "Bonn", "", "", "1", "DE")))
    assert Order.objects.get().ship_name == "Hannah Weiss"
    assert "Hannah" not in str(list(AuditEntry.objects.values_list("params", flat=True)))

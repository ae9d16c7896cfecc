"""Listings and their SKUs: many matched at once, suggestions, back again, left aside, SKUs that come later, two people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels import finding
from channels.models import Listing, PlatformStock
from core import bulk, clock
from core.central import outbox
from core.permissions import Actor, of_role
from core.tenancy import tenant_context
from inventory import services as goods
from inventory.models import Reservation, Sku
from inventory.services import bring_in
from orders import matching, queries_listings, states
from orders.matching import Candidate
from orders.models import Order
from orders.services import listings
from orders.services.listings import Match
from orders.services.release import release
from tests.orders.conftest import ACTOR, Shop, line, order, take
from tests.support.database import BETA


def waiting(shop: Shop, *names: str) -> list[Listing]:
    """Listings that an order each waits for."""
    made = [order(f"W-{n}", line(f"W-{n}-1", name, 2)) for n, name in enumerate(names)]
    release(order_ids=take(shop, *made).to_route, actor=ACTOR)
    return [Listing.objects.get(seller_sku=name) for name in names]


def states_now() -> list[str]:
    return list(Order.objects.order_by("external_id").values_list("state", flat=True))


def test_many_are_matched_at_once_and_their_orders_go_on(shop: Shop) -> None:
    one, two, three = waiting(shop, "X-LAMP", "X-CUP", "X-NONE")
    PlatformStock.objects.create(
        account=shop.account, marketplace="A1", seller_sku="X-LAMP", fulfillable=3, seen_at=clock.now()
    )
    lamp, cup = shop.skus["LAMP"], shop.skus["CUP"]
    cup.state = "discontinued"
    cup.save()
    found = listings.match_many(
        actor=ACTOR,
        matches=[Match(one.pk, lamp.pk, 3), Match(two.pk, cup.pk), Match(three.pk, 10**9), Match(10**9, lamp.pk)],
    )
    assert (found.done, found.orders) == ([one.pk], 1)
    assert {pk: code for pk, (code, _) in found.refused.items()} == {
        two.pk: "sku.discontinued", three.pk: "sku.not_found", 10**9: "listing.not_found",
    }  # fmt: skip
    outbox.drain()
    assert states_now() == [states.READY, states.UNMATCHED, states.UNMATCHED]
    assert shop.stock("LAMP").reserved == 6 and PlatformStock.objects.get().sku_id == lamp.pk
    again = listings.match_many(actor=ACTOR, matches=[Match(one.pk, lamp.pk, 3)])
    assert (again.done, again.orders) == ([one.pk], 0)
    other = listings.match_many(actor=ACTOR, matches=[Match(one.pk, shop.skus["CABLE"].pk)])
    assert other.refused[one.pk][0] == "listing.changed_meanwhile"


def test_a_wrong_match_is_taken_back_and_lets_go_of_the_stock(shop: Shop) -> None:
    (one,) = waiting(shop, "X-LAMP")
    listings.match_many(actor=ACTOR, matches=[Match(one.pk, shop.skus["LAMP"].pk)])
    outbox.drain()
    assert states_now() == [states.READY] and shop.stock("LAMP").reserved == 2
    found = listings.take_back(actor=ACTOR, listing_ids=[one.pk])
    assert (found.done, found.orders) == ([one.pk], 1)
    outbox.drain()
    assert states_now() == [states.UNMATCHED] and shop.stock("LAMP").reserved == 0
    assert not Reservation.objects.filter(closed_at=None).exists()
    assert listings.take_back(actor=ACTOR, listing_ids=[one.pk]).refused[one.pk][0] == "listing.not_matched"
    listings.match_many(actor=ACTOR, matches=[Match(one.pk, shop.skus["CUP"].pk)])
    outbox.drain()
    assert states_now() == [states.READY] and shop.stock("CUP").reserved == 2


def test_an_order_that_has_a_parcel_keeps_what_was_sent(shop: Shop) -> None:
    (one,) = waiting(shop, "X-LAMP")
    listings.match_many(actor=ACTOR, matches=[Match(one.pk, shop.skus["LAMP"].pk)])
    outbox.drain()
    Order.objects.update(state=states.BOOKED)
    assert listings.take_back(actor=ACTOR, listing_ids=[one.pk]).orders == 0
    assert Order.objects.get().lines.get().sku_id == shop.skus["LAMP"].pk and shop.stock("LAMP").reserved == 2


def test_left_aside_until_an_order_waits(shop: Shop) -> None:
    (one,) = waiting(shop, "X-LAMP")
    old = Listing.objects.create(account=shop.account, seller_sku="OLD", seen_at=clock.now())
    assert listings.leave_aside(actor=ACTOR, listing_ids=[one.pk, old.pk]).done == [one.pk, old.pk]
    counts = queries_listings.counts(ACTOR)
    assert (counts["waiting"], counts["open"], counts["ignored"]) == (1, 0, 2)
    assert [row["seller_sku"] for row in queries_listings.listings(ACTOR, tab="waiting").rows] == ["X-LAMP"]
    listings.leave_aside(actor=ACTOR, listing_ids=[old.pk], aside=False)
    assert queries_listings.counts(ACTOR)["open"] == 1 and queries_listings.waiting(ACTOR) == 1


def test_a_sku_that_comes_later_is_matched_by_its_code(shop: Shop) -> None:
    waiting(shop, "later-1", "never")
    goods.create_sku(actor=ACTOR, code="LATER-1")
    outbox.drain()
    found = Listing.objects.get(seller_sku="later-1")
    assert (found.sku.code, found.matched_by) == ("LATER-1", "code")
    assert states_now() == [states.SHORT, states.UNMATCHED]


def test_likeness() -> None:
    some = [Candidate(1, "LMP-042-WH", "Desk lamp white", "台灯 白色"), Candidate(2, "LMP-042-BK", "Desk lamp black", ""),
            Candidate(3, "CUP-7", "Cup", "")]  # fmt: skip
    first = matching.best("lmp042wh", "", some)[0]
    assert (first.sku_id, first.why, first.score) == (1, "same", 1.0)
    wrapped = matching.best("AMZ-LMP-042-WH-FBA", "", some)
    assert wrapped[0].sku_id == 1 and wrapped[0].why == "code"
    titled = matching.best("B0ZZZ", "Desk Lamp, Black, for the office", some)
    assert (titled[0].sku_id, titled[0].why) == (2, "title")
    assert matching.best("B0ZZZ", "白色台灯", some)[0].sku_id == 1
    assert matching.best("B0ZZZ", "Garden hose", some) == []
    assert matching.certain(matching.best("LMP 042 WH", "", some)).sku_id == 1
    assert matching.certain(titled) is None


def test_suggestions_come_from_the_catalogue(shop: Shop, django_assert_num_queries) -> None:
    for n in range(30):
        goods.create_sku(actor=ACTOR, code=f"LMP-{n:03}-WH", title=f"Reading lamp no {n}")
    found = waiting(shop, "US_LMP-007-WH", "NOTHING-LIKE", "lmp012wh")
    rows = queries_listings.listings(ACTOR, tab="open").rows
    with django_assert_num_queries(2):
        given = queries_listings.suggestions(rows)
    assert given[found[0].pk][0].code == "LMP-007-WH" and not given[found[1].pk]
    assert given[found[2].pk][0].why == "same"
    assert queries_listings.certain(ACTOR, [one.pk for one in found]) == {
        found[2].pk: Sku.objects.get(code="LMP-012-WH").pk,
    }  # fmt: skip


def test_accounts_out_of_scope_are_not_there(shop: Shop) -> None:
    (one,) = waiting(shop, "X-LAMP")
    other = Actor(kind="user", id=5, label="c", operations=of_role("clerk"), accounts=frozenset({shop.account.pk + 1}))
    assert not queries_listings.listings(other, tab="all").rows and queries_listings.counts(other)["all"] == 0
    for call in (
        lambda: listings.match_many(actor=other, matches=[Match(one.pk, shop.skus["LAMP"].pk)]),
        lambda: listings.take_back(actor=other, listing_ids=[one.pk]),
        lambda: listings.leave_aside(actor=other, listing_ids=[one.pk]),
    ):
        assert call().refused[one.pk][0] == "listing.not_found"


def test_matches_from_a_sheet_also_before_the_first_order(shop: Shop) -> None:
    (one,) = waiting(shop, "X-LAMP")
    listings.match_many(actor=ACTOR, matches=[Match(one.pk, shop.skus["CABLE"].pk)])
    text = "平台SKU,商品编码,数量,店铺\nX-LAMP,LAMP,,store-1\nNEW-9,cup,3,\nNEW-8,nothing,0,elsewhere\nX-LAMP,CUP,,store-1\n"
    made = bring_in.take_in(actor=ACTOR, kind="listings", name="m.csv", content=text.encode())
    assert made.mapping == {"0": "listing", "1": "sku", "2": "units", "3": "account"}
    found = bring_in.look_over(actor=ACTOR, pk=made.pk, mapping=made.mapping, options={"account": str(shop.account.pk)})
    assert found.counts == {"new": 1, "changed": 1, "same": 0, "refused": 2}
    assert {code for _, _, code, _ in found.errors} == {
        "sheet.no_account", "sheet.unknown_sku", "sheet.bad_pieces", "sheet.twice",
    }  # fmt: skip
    assert not Listing.objects.filter(seller_sku="NEW-9").exists()
    bring_in.bring(actor=ACTOR, pk=made.pk)
    outbox.drain()
    assert Listing.objects.get(seller_sku="X-LAMP").sku.code == "LAMP"
    assert (Listing.objects.get(seller_sku="NEW-9").sku.code, Listing.objects.get(seller_sku="NEW-9").units) == (
        "CUP",
        3,
    )
    outbox.drain()
    assert states_now() == [states.READY] and shop.stock("LAMP").reserved == 2


def test_a_matched_sku_cannot_be_forged_by_role(shop: Shop) -> None:
    (one,) = waiting(shop, "X-LAMP")
    viewer = Actor(kind="user", id=5, label="v", operations=of_role("viewer"))
    from core.errors import NotAllowed

    with pytest.raises(NotAllowed):
        listings.match_many(actor=viewer, matches=[Match(one.pk, shop.skus["LAMP"].pk)])


def found(text: str, **more: object) -> list[str]:
    rows = queries_listings.listings(ACTOR, tab="all", text=text, **more).rows
    return sorted(row["seller_sku"] for row in rows)


def test_listings_are_found_by_any_part_of_their_words_and_by_their_sku(shop: Shop) -> None:
    (made,) = waiting(shop, "Q-LAMP-77")
    made.title, made.external_id = "Faltbare Schreibtischlampe 折叠台灯", "314159265358"
    made.save()
    listings.match_many(actor=ACTOR, matches=[Match(made.pk, shop.skus["CUP"].pk)])
    for text in ("q-lamp-77", "qlamp77", "tischlam", "台灯", "14159", "CU", "cup"):
        assert "Q-LAMP-77" in found(text), text
    assert found("nowhere") == [] == found("100%") and "Q-LAMP-77" in found("Q")
    assert found("7") == []  # not the start of any
    # Only the accounts that a person sees; another tenant has its own.
    blind = replace(ACTOR, accounts=frozenset())
    assert queries_listings.listings(blind, tab="all", text="lamp").rows == []
    assert queries_listings.ids(blind, tab="all", text="lamp") == []
    with tenant_context(BETA):
        assert found("lamp") == []


def test_siblings_of_a_code_are_told_apart(shop: Shop) -> None:
    """Grams know three letters at least; "BK" is looked for in the words themselves."""
    waiting(shop, "BB12-BK", "BB12-BL", "BB12-WT", "BB12-BKX")
    for text in ("BB12-BK", "bb12 bk", "bb12bk", "b12-bk"):
        assert found(text) == ["BB12-BK", "BB12-BKX"], text
    assert len(found("BB12")) == 4 and found("BB12-QQ") == []
    waiting(shop, "ROSÉ-XL", "ROSÉ-XS", "ŻÓŁW-XL")
    assert found("rose-xl") == ["ROSÉ-XL"] and "ŻÓŁW-XL" in found("zolw-xl")


def test_a_search_in_many_listings_uses_the_indexes(shop: Shop) -> None:
    """The plan, not the time: machines differ."""
    bulk.insert(
        "channels_listing",
        ("account_id", "seller_sku", "external_id", "variation", "title", "units", "matched_by", "platform_fulfilled")
        + ("grams", "seen_at"),
        [
            (shop.account.pk, f"LST-{n:06d}", f"B0{n:08d}", "", f"Thing {n}", 1, "", False)
            + (finding.grams_of(f"LST-{n:06d}", f"B0{n:08d}", f"Thing {n}"), clock.now())
            for n in range(20_000)
        ],
    )
    bulk.execute("ANALYZE channels_listing")
    for text in ("LST-004242", "4242", "hing 4242"):
        sql, given = queries_listings._named(text)
        listed = f"SELECT g.id FROM channels_listing g WHERE {sql} ORDER BY g.id DESC LIMIT 51"
        plan = "\n".join(row[0] for row in bulk.fetch(f"EXPLAIN {listed}", given))
        assert "Seq Scan on channels_listing" not in plan, (text, plan)
    assert found("LST-004242") == ["LST-004242"]
    sql, given = queries_listings._named("7")  # too short for grams: from the start of the seller SKU
    listed = f"SELECT g.id FROM channels_listing g WHERE {sql}"
    assert "listing_start" in "\n".join(row[0] for row in bulk.fetch(f"EXPLAIN {listed}", given))


def test_listings_come_in_one_order_page_by_page(shop: Shop) -> None:
    """Those that most orders wait for first, then the newest; no page misses or repeats one."""
    waiting(shop, "W-A", "W-B", "W-C")
    release(order_ids=take(shop, *[order(f"B-{n}", line(f"B-{n}-1", "W-B")) for n in range(2)]).to_route, actor=ACTOR)
    for n in range(7):
        Listing.objects.create(account=shop.account, seller_sku=f"Z-{n}", seen_at=clock.now())
    whole = [row["seller_sku"] for row in queries_listings.listings(ACTOR, tab="open", limit=100).rows]
    assert whole[:3] == ["W-B", "W-C", "W-A"] and whole[3:5] == ["Z-6", "Z-5"]
    seen, after = [], ""
    for _ in range(20):
        page = queries_listings.listings(ACTOR, tab="open", after=after, limit=2)
        seen += [row["seller_sku"] for row in page.rows]
        after = page.next
        if not after:
            break
    assert seen == whole

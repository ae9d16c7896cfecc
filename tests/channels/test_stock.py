"""FBA stock: full readings, absent is not zero at once, dead page tokens, SKUs matched by code."""

from __future__ import annotations

from typing import Any

from channels.adapters.amazon.adapter import Amazon
from channels.canonical import Page, RawItem
from channels.models import Account, Cursor, Listing, PlatformStock, RawPayload
from channels.services import stock
from core import clock
from core.permissions import system
from inventory.models import Sku
from tests.support.amazon import Seller

ACTOR = system("test")


def read(account: Account, **options: Any) -> Any:
    return stock.fetch_stock(account_id=account.pk, actor=ACTOR, **options)


def put(shop: Seller, *items: dict[str, Any]) -> None:
    shop.control("@/inventory", {"items": list(items)})


def test_all_pages_are_read_with_every_number(inside: Account, shop: Seller) -> None:
    put(shop, *[{"sku": f"S{i:03}", "fulfillable": i, "inbound_working": 1, "researching": 2} for i in range(70)])
    done = read(inside)
    assert (done.done, done.pages, done.items) == (True, 2, 70)
    row = PlatformStock.objects.get(seller_sku="S042")
    assert (row.fulfillable, row.inbound_working, row.researching, row.missed) == (42, 1, 2, 0)
    assert (row.marketplace, bool(row.asin), bool(row.fnsku)) == ("ATVPDKIKX0DER", True, True)
    put(shop, {"sku": "S042", "fulfillable": 7})
    read(inside)
    row.refresh_from_db()
    assert row.fulfillable == 7
    assert PlatformStock.objects.count() == 70


def test_absent_is_zero_only_when_two_readings_agree(inside: Account, shop: Seller) -> None:
    put(shop, {"sku": "A", "fulfillable": 5})
    read(inside)
    PlatformStock.objects.create(
        account=inside, marketplace="ATVPDKIKX0DER", seller_sku="GONE", fulfillable=9, seen_at=clock.now()
    )
    read(inside)
    gone = PlatformStock.objects.get(seller_sku="GONE")
    assert (gone.fulfillable, gone.missed) == (9, 1)
    read(inside)
    gone.refresh_from_db()
    assert (gone.fulfillable, gone.missed) == (0, 2)
    put(shop, {"sku": "GONE", "fulfillable": 3})
    read(inside)
    gone.refresh_from_db()
    assert (gone.fulfillable, gone.missed) == (3, 0)


def test_a_dead_page_token_begins_the_reading_anew(inside: Account, shop: Seller) -> None:
    put(shop, *[{"sku": f"S{i:03}", "fulfillable": i} for i in range(60)])
    assert read(inside, seconds=-1).wait == 0
    Cursor.objects.filter(job=stock.JOB).update(page_token="ATVPDKIKX0DER|gone")
    done = read(inside)
    assert (done.done, done.pages) == (True, 2)
    assert PlatformStock.objects.filter(missed=0).count() == 60


def test_a_storm_makes_nothing_zero(inside: Account, shop: Seller) -> None:
    put(shop, {"sku": "A", "fulfillable": 5})
    read(inside)
    shop.script("empty200", "getInventorySummaries", times=2)
    for _ in range(2):
        assert not read(inside).done
    row = PlatformStock.objects.get()
    assert (row.fulfillable, row.missed) == (5, 0)
    assert Cursor.objects.get(job=stock.JOB).failures == 2
    assert read(inside).done


def test_seller_skus_become_listings_and_match_by_code(inside: Account, shop: Seller) -> None:
    sku = Sku.objects.create(code="Cup-1", code_key="CUP-1", created_at=clock.now(), updated_at=clock.now())
    put(shop, {"sku": "cup-1", "fulfillable": 5}, {"sku": "other"})
    read(inside)
    listing = Listing.objects.get(seller_sku="cup-1")
    assert (listing.sku_id, listing.matched_by, listing.platform_fulfilled) == (sku.pk, "code", True)
    assert PlatformStock.objects.get(seller_sku="cup-1").sku_id == sku.pk
    assert Listing.objects.get(seller_sku="other").sku_id is None


def test_an_unreadable_row_stands_on_the_desk_and_stops_nothing(
    inside: Account, shop: Seller, monkeypatch: Any
) -> None:
    odd = RawItem("odd", '{"marketplace": "ATVPDKIKX0DER", "summary": {"sellerSku": 3}}')
    real = Amazon.fetch_stock

    def with_odd(self: Amazon, session: Any, token: str) -> Page:
        page = real(self, session, token)
        return Page((*page.items, odd), page.next_token)

    monkeypatch.setattr(Amazon, "fetch_stock", with_odd)
    put(shop, {"sku": "A", "fulfillable": 5})
    assert read(inside).done
    assert PlatformStock.objects.get().fulfillable == 5
    assert RawPayload.objects.get(kind="inventory").state == RawPayload.DEAD


def test_a_seller_without_stock_there_is_not_failing(inside: Account, shop: Seller, sandbox: str) -> None:
    """Amazon denies the stock of a marketplace that the seller does not sell in; orders go on."""
    Account.objects.update(marketplaces=["A2EUQ1WTGCTBG2"])
    done = read(inside)
    assert (done.done, done.code) == (False, "adapter.permission_missing")
    assert Cursor.objects.get(job=stock.JOB).error_code == "adapter.permission_missing"
    assert Account.objects.get().health == Account.OK

"""Search from the newest month back gives what a search of everything gives, page by page, both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import bulk, clock
from orders import queries
from orders.finding import marks, month_of, wider
from orders.models import OrderSearch
from orders.services.pages import reindex
from tests.orders.conftest import ACTOR, Shop, line, order, take

times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(times, times)
def test_a_later_month_is_a_smaller_mark(one: datetime, other: datetime) -> None:
    same = (one.year, one.month) == (other.year, other.month)
    assert (month_of(one) == month_of(other)) == same
    if not same:
        assert (month_of(one) < month_of(other)) == (one > other)


@given(times, st.integers(1, 60))
def test_the_months_asked_hold_all_that_is_nearest(at: datetime, span: int) -> None:
    """From a page's end on, without a gap."""
    for found, step in ((marks(span, at), 1), (marks(span, at, after=at), 1), (marks(span, at, before=at), -1)):
        assert month_of(at) in found and len(found) >= span
        assert all(later - earlier == step for earlier, later in pairwise(found))


@given(st.integers(1, 40), st.integers(0, 50), st.integers(1, 500))
def test_the_next_asks_for_more(span: int, found: int, wanted: int) -> None:
    wide = wider(span, min(found, wanted - 1), wanted)
    assert wide is None or span < wide <= span * 10


@pytest.fixture
def year(shop: Shop) -> list[str]:
    """Forty orders of one buyer's name over fourteen months, the newest first."""
    draw, now = Random(4), clock.now()
    made = []
    for number in range(40):
        at = now - timedelta(days=draw.randrange(0, 420), minutes=number)
        made.append((at, f"YEAR-{number + 100}"))
        take(shop, order(f"YEAR-{number + 100}", line(f"Y{number}"), placed_at=at, paid_at=at))
    return [number for _, number in sorted(made, reverse=True)]


@pytest.mark.parametrize("size", [1, 3, 7, 39, 50])
def test_pages_of_a_search_are_complete_both_ways(year: list[str], size: int) -> None:
    chosen = queries.Filter(tab="all", text="year")
    found, pages, after = [], [], ""
    while True:
        page = queries.page(ACTOR, chosen, after=after, limit=size)
        pages.append([row["external_id"] for row in page.rows])
        found += pages[-1]
        if not page.next:
            break
        after = page.next
    assert found == year
    back, before = [], page.prev
    while before:
        page = queries.page(ACTOR, chosen, before=before, limit=size)
        back = [row["external_id"] for row in page.rows] + back
        before = page.prev
    assert back + pages[-1] == year


def test_a_rare_old_order_is_found_and_a_new_time_is_marked_anew(year: list[str]) -> None:
    (oldest,) = queries.page(ACTOR, queries.Filter(tab="all", text=year[-1])).rows
    assert oldest["external_id"] == year[-1]
    moved = datetime(2020, 2, 29, 23, tzinfo=UTC)
    bulk.execute("UPDATE orders_order SET placed_at = %s WHERE id = %s", [moved, oldest["id"]])
    reindex([oldest["id"]])
    grams = OrderSearch.objects.get(order_id=oldest["id"]).grams
    assert [gram for gram in grams if gram < 0] == [-(2020 * 12 + 2)]

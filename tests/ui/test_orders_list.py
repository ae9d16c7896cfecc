"""The orders list over the real database: tabs, search, filters, pages, bulk acts with what could not be done."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from orders.models import Order
from orders.services import acts
from tests.orders.conftest import ACTOR, line, make_shop, order, take
from tests.ui.conftest import House, SignIn, cost

pytestmark = pytest.mark.django_db


def rows(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<tr data-id="(\d+)"', page)]


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_tabs_hold_what_they_say(owner: Client, house: House) -> None:
    page = text(owner, "/orders/")
    counts = dict(re.findall(r'data-tab="(\w+)"[^>]*>[^<]*<b[^>]*>([\d,]+)</b>', page))
    assert counts["to_ship"] == "6" and counts["short"] == "1" and counts["unmatched"] == "1" and counts["all"] == "7"
    assert rows(text(owner, "/orders/?tab=short")) == [house.ids["short"]]
    assert rows(text(owner, "/orders/?tab=address")) == [house.ids["address"]]
    assert len(rows(text(owner, "/orders/?tab=all"))) == 7


def test_a_row_says_why_it_waits(owner: Client, house: House) -> None:
    assert "CABLE: 99 needed, 10 free" in text(owner, "/orders/?tab=short")
    assert "lacks street" in text(owner, "/orders/?tab=address")
    assert "overdue 3 h" in text(owner, "/orders/?overdue=1")


def test_search_finds_by_receiver_number_and_sku(owner: Client, house: House) -> None:
    everything = "/orders/?tab=all&q="
    assert house.ids["address"] in rows(text(owner, everything + "tanaka"))
    assert rows(text(owner, everything + "SHORT-1")) == [house.ids["short"]]
    assert rows(text(owner, f"{everything}S-{house.ids['late']}")) == [house.ids["late"]]
    assert rows(text(owner, everything + "nobody-has-this")) == []
    assert "No order matches" in text(owner, everything + "nobody-has-this")


def test_filters_narrow_and_can_be_removed(owner: Client, house: House) -> None:
    page = text(owner, "/orders/?tab=all&country=JP")
    assert rows(page) == [house.ids["address"]]
    assert "JP · Japan" in page and 'href="?tab=all"' in page
    assert rows(text(owner, "/orders/?tab=all&overdue=1")) == [house.ids["late"]]
    assert rows(text(owner, "/orders/?tab=all&account=999999")) == []
    assert len(rows(text(owner, "/orders/?tab=all&account=abc&account=" + "9" * 30))) == 7  # no ids at all: no filter


def test_choices_of_a_filter_come_when_it_is_opened(owner: Client, house: House) -> None:
    choices = text(owner, "/orders/?choices=country&country=JP")
    assert choices.index("JP · Japan") < choices.index("DE · Germany")  # the chosen ones first
    assert "checked" in choices
    assert owner.get("/orders/?choices=colour").status_code == 422


def test_pages_by_keyset_show_every_order_once(owner: Client, house: House) -> None:
    with house.inside():
        take(house.shop, *[order(f"MORE-{n}") for n in range(30)])
    seen: list[int] = []
    path = "/orders/?tab=all&size=10"
    for _ in range(10):
        page = text(owner, path)
        seen += rows(page)
        found = re.search(r'href="(\?[^"]*)" rel="next"', page)
        if found is None:
            break
        path = "/orders/" + found.group(1).replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 37
    assert 'rel="prev"' in text(owner, path)
    fragment = text(owner, "/orders/?tab=all&size=10&part=rows")
    assert "<html" not in fragment and len(rows(fragment)) == 10 and 'hx-trigger="revealed"' in fragment


def test_a_position_that_nobody_gave_is_refused_in_words(owner: Client, house: House) -> None:
    answer = owner.get("/orders/?after=rubbish")
    assert answer.status_code == 422 and "Start again from the first page" in answer.content.decode()


def test_bulk_act_says_what_could_not_be_done_and_why(owner: Client, house: House) -> None:
    ids = [house.ids["ready"], house.ids["unpaid"], house.ids["short"]]
    answer = owner.post("/orders/bulk/hold", {"id": ids, "note": "count first", "view": "tab=all&country=DE"})
    assert (answer.status_code, answer["Location"]) == (302, "/orders/?tab=all&country=DE")
    page = text(owner, "/orders/?tab=all")
    assert "2 orders held. 1 could not be done" in page
    assert "This cannot go from “Unpaid” to “On hold”" in page and f"S-{house.ids['unpaid']}" in page
    assert "could not be done" not in text(owner, "/orders/?tab=all")  # said once
    with house.inside():
        assert {house.order("ready").state, house.order("short").state} == {"held"}
        assert house.order("ready").reason_params == {"note": "count first"}


def test_all_in_this_view_means_the_view_and_not_the_page(owner: Client, house: House) -> None:
    with house.inside():
        take(house.shop, *[order(f"MORE-{n}") for n in range(60)])
    owner.post("/orders/bulk/tag", {"all": "1", "view": "tab=all&country=DE", "add": "check, 加急"})
    with house.inside():
        tagged = set(Order.objects.filter(tags__contains=["check", "加急"]).values_list("ship_country", flat=True))
        assert tagged == {"DE"}
        assert (
            Order.objects.filter(tags__contains=["check"]).count()
            == Order.objects.filter(ship_country="DE").count()
            > 60
        )


def test_nothing_selected_is_said(owner: Client, house: House) -> None:
    answer = owner.post("/orders/bulk/hold", {"view": "tab=all", "note": "my words"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Nothing is selected" in page and "my words" in page  # nothing typed is lost


def test_let_go_and_book(owner: Client, house: House) -> None:
    with house.inside():
        acts.hold(actor=ACTOR, order_ids=[house.ids["ready"]])
    owner.post("/orders/bulk/route", {"id": [house.ids["ready"]], "view": ""})
    owner.post("/orders/bulk/book", {"id": [house.ids["other"]], "view": ""})
    with house.inside():
        assert house.order("ready").state == "new"
        assert house.order("other").state == "booking"
    assert "1 order is being booked." in text(owner, "/orders/")


def test_roles_see_only_what_they_may_do(sign_in: SignIn, house: House) -> None:
    viewer = sign_in("viewer")
    page = text(viewer, "/orders/?tab=all")
    assert "Hannah" not in page and "H•••" in page and "Berlin" not in page
    assert 'id="bulk"' not in page
    answer = viewer.post("/orders/bulk/hold", {"id": [house.ids["ready"]]})
    assert answer.status_code == 403 and "does not have the right" in answer.content.decode()
    with house.inside():
        assert house.order("ready").state == "ready"


def test_an_account_out_of_scope_is_not_there(sign_in: SignIn, house: House) -> None:
    blind = sign_in("clerk", accounts=[999])
    assert rows(text(blind, "/orders/?tab=all")) == []
    assert "Hannah" not in text(blind, "/orders/?tab=all&q=hannah")
    blind.post("/orders/bulk/hold", {"id": [house.ids["ready"]], "view": "tab=all"})
    blind.post("/orders/bulk/hold", {"all": "1", "view": "tab=all"})
    with house.inside():
        assert house.order("ready").state == "ready"


def test_columns_are_remembered_and_required_ones_stay(owner: Client, house: House) -> None:
    owner.post("/ui/columns/orders", {"column": ["total"], "next": "/orders/"})
    page = text(owner, "/orders/")
    heads = re.findall(r'<th class="c-(\w+)" scope', page)
    assert heads == ["order", "total", "status"]


def test_what_a_buyer_writes_is_never_html(owner: Client, house: House) -> None:
    with house.inside():
        Order.objects.filter(pk=house.ids["ready"]).update(ship_name="<script>alert(1)</script>", tags=["<b>x</b>"])
    page = text(owner, "/orders/?tab=all")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "<b>x</b>" not in page


def test_chinese_list(owner: Client, house: House) -> None:
    owner.cookies["lang"] = "zh-hans"
    page = text(owner, "/orders/")
    assert "待发货" in page and "缺货" in page and "CABLE：需 99，可用 10" in page and "个店铺" in page
    assert "逾期 3 小时" in text(owner, "/orders/?overdue=1")


def test_number_of_queries_does_not_grow_with_the_rows(owner: Client, house: House) -> None:
    few = cost(owner, "/orders/?tab=all&size=3")
    with house.inside():
        take(house.shop, *[order(f"MORE-{n}", line(f"MORE-{n}-1", "CUP")) for n in range(80)])
    many = cost(owner, "/orders/?tab=all&size=100")
    assert len(many) == len(few) <= 4, "\n".join(many)  # the rows, the tabs, how fresh they are
    # Endless scroll: the rows alone; a rare word is looked for in the newest months, in more, in all.
    assert len(cost(owner, "/orders/?tab=all&q=hannah&country=DE&part=rows")) <= 3


def test_a_new_tenant_is_told_what_to_do_first(owner: Client) -> None:
    page = text(owner, "/")
    assert "First steps" in page and "Connect a sales channel" in page
    assert "Connect a marketplace account first" in text(owner, "/orders/")


def test_today_leads_to_the_lists(owner: Client, house: House) -> None:
    page = text(owner, "/")
    tiles = dict(re.findall(r'<a class="tile \w+" href="([^"]+)">.*?<b>(\d+)</b>', page))
    assert tiles["/orders/?tab=to_ship&amp;overdue=1"] == "1"
    for href, number in tiles.items():
        if href.startswith("/orders/"):
            assert len(rows(text(owner, href.replace("&amp;", "&")))) == int(number), href
    assert 'data-chart="orders-by-day"' in page and "As a table" in page
    spent = cost(owner, "/")
    assert len(spent) <= 30, "\n".join(spent)  # every app's tiles, the steps, chart, parcels, accounts


def test_a_house_can_be_made_twice_in_two_tenants(owner: Client, house: House, beta: str) -> None:
    """Beta's orders never show at acme, even where they have the same numbers."""
    from core.tenancy import tenant_context

    with tenant_context(beta):
        take(make_shop(), order("BETA-1"))
    page = text(owner, "/orders/?tab=all")
    assert "BETA-1" not in page and len(rows(page)) == 7

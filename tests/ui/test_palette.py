"""The palette: what it finds, for whom, at what price."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from core import clock
from core.tenancy import tenant_context
from core.ui import menu, palette
from crm.models import Conversation
from inventory import finding
from inventory.models import Sku
from logistics.models import Shipment
from orders.services import booking
from tests.orders.conftest import ACTOR, make_shop, order, take
from tests.ui.conftest import House, SignIn, cost

pytestmark = pytest.mark.django_db


def found(client: Client, text: str) -> dict[str, list[str]]:
    """{heading: names} of the answer."""
    answer = client.get("/ui/palette", {"q": text})
    assert answer.status_code == 200
    page = answer.content.decode()
    out: dict[str, list[str]] = {}
    for label, body in re.findall(r'<div role="group" aria-label="([^"]*)">(.*?)</div>', page, re.S):
        out[label] = re.findall(r"<b>(.*?)</b>", body)
    return out


def test_orders_are_found_by_whatever_names_them(owner: Client, house: House) -> None:
    number = f"S-{house.ids['ready']}"
    for text in (number, number.lower(), "READY-1", "hannah", "  Hannah "):
        assert any(name.startswith(number) for name in found(owner, text)["Orders"]), text
    assert len(found(owner, "CABLE")["Orders"]) >= 1  # by a SKU on a line
    assert "Orders" not in found(owner, "nobody-has-this")
    assert "Nothing is called" in owner.get("/ui/palette", {"q": "nobody-has-this"}).content.decode()


def test_skus_are_found_by_any_part(owner: Client, house: House) -> None:
    with house.inside():
        code, title = Sku.objects.values_list("code", "title").order_by("code")[0]
        Sku.objects.filter(code=code).update(title_zh="蓝色台灯")
        for sku in Sku.objects.all():  # the shop of the tests writes them without the service
            sku.grams = finding.of_sku(sku)
            sku.save()
    assert code in found(owner, code)["SKUs"]
    assert code in found(owner, code.lower()[:3])["SKUs"]
    assert code in found(owner, "台灯")["SKUs"]
    assert "SKUs" not in found(owner, "no-such-code")


def test_parcels_and_conversations(owner: Client, house: House) -> None:
    with house.inside():
        booking.book_orders(actor=ACTOR, order_ids=[house.ids["ready"]])
        Shipment.objects.update(tracking_number="LX123456789DE")
        account = house.shop.account
        Conversation.objects.create(
            account=account,
            thread="c1",
            buyer_id="hf",
            buyer_name="Hannah F",
            subject="Where is it?",
            order_id=house.ids["ready"],
            last_at=clock.now(),
            created_at=clock.now(),
        )
    assert found(owner, "lx123456789de")["Shipments"] == ["LX123456789DE"]
    assert "Hannah F" in found(owner, "hannah")["Conversations"]
    assert "Hannah F" in found(owner, f"S-{house.ids['ready']}")["Conversations"]
    assert "Conversations" not in found(owner, f"S-{house.ids['other']}")


def test_pages_by_name_in_both_languages(owner: Client, house: House) -> None:
    everything = found(owner, "")["Pages"]
    assert {"Today", "Orders", "Stock", "Long work"} <= set(everything)
    assert found(owner, "stock")["Pages"][0] == "Stock"
    owner.cookies["lang"] = "zh-hans"
    assert "订单" in found(owner, "订单")["页面"] and "订单" in found(owner, "order")["页面"]


def test_only_what_one_may_see(sign_in: SignIn, house: House) -> None:
    viewer = sign_in("viewer")
    assert "Members" not in found(viewer, "")["Pages"]
    assert "Orders" not in found(viewer, "hannah")  # whether there is such a buyer is personal
    assert found(viewer, "READY-1")["Orders"] == [f"S-{house.ids['ready']} · H•••"]
    blind = sign_in("clerk", accounts=[999])
    assert "Orders" not in found(blind, "READY-1")
    assert "Conversations" not in found(blind, f"S-{house.ids['ready']}")


def test_another_company_is_never_found(owner: Client, house: House, beta: str) -> None:
    with tenant_context(beta):
        take(make_shop(), order("BETA-77"))
    assert "Orders" not in found(owner, "BETA-77")


def test_it_costs_a_query_a_finder_and_no_more_with_many_rows(owner: Client, house: House) -> None:
    few = cost(owner, "/ui/palette?q=more-1")
    with house.inside():
        take(house.shop, *[order(f"MORE-1{n}") for n in range(60)])
    many = cost(owner, "/ui/palette?q=more-1")
    # A word that few orders have is looked for in all months too: one more.
    assert len(many) <= len(palette.registered()) and len(few) <= len(many) + 1, "\n".join(few)
    assert len(found(owner, "more-1")["Orders"]) == palette.LIMIT
    assert cost(owner, "/ui/palette?q=") == [] and cost(owner, "/ui/palette?q=a") == []


def test_each_menu_page_has_its_own_letter() -> None:
    letters = menu.jumps()
    assert len(set(letters.values())) == len(letters) == len(menu.entries())
    assert {letters["today"], letters["orders"], letters["stock"]} == {"t", "o", "k"}


def test_help_and_palette_are_on_every_page(owner: Client, house: House) -> None:
    for path in ("/", "/orders/", house.path("ready"), "/jobs/"):
        page = owner.get(path).content.decode()
        assert page.count('id="help"') == page.count('id="palette"') == 1, path
        assert 'data-jump="o"' in page and "data-palette" in page

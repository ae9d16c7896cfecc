"""Stock cards with chart, filters and taking back; SKUs with variants and history; restock tried out, kept, dropped."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from django.test import Client

from core import clock
from core.central import outbox
from core.permissions import Actor, of_role
from core.tenancy import tenant_context
from fba import trying, whatif
from fba.models import RestockChoice, RestockLine, RestockRun
from inventory import services as stock
from inventory.models import Move, Sku, Warehouse
from inventory.prove import prove
from inventory.reservation import Want, WantedLine, reserve_many
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui.conftest import House, house  # noqa: F401
from tests.ui2.conftest import cost, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def goods(db: None) -> tuple[Warehouse, Sku]:
    with tenant_context(ACME):
        place = stock.create_warehouse(actor=ACTOR, code="SZ", name="SZ main")
        sku = stock.create_sku(
            actor=ACTOR, code="LAMP", title="Desk lamp", product="LMP", barcode="690123", weight_g=200
        )
        stock.create_sku(actor=ACTOR, code="LAMP-B", title="Desk lamp black", product="LMP")
        stock.receive(actor=ACTOR, warehouse_id=place.pk, lines=[(sku.pk, 10, Decimal("2.50"), "CNY")], key="r")
        stock.adjust(actor=ACTOR, warehouse_id=place.pk, lines=[(sku.pk, -3)], key="a", reason="lost")
        return place, sku


def test_a_card_shows_before_and_after_over_time_and_by_kind(owner: Client, goods) -> None:
    place, sku = goods
    path = f"/stock/skus/{sku.pk}/{place.pk}/"
    page = text(owner, path)
    assert "<small>10 →</small> 7" in page and "+10" in page
    (block,) = re.findall(r'<script id="over-time" type="application/json">(.*?)</script>', page)
    chart = json.loads(block)
    assert chart["lines"][0]["name"] == "SZ main" and chart["lines"][0]["values"][-2:] == [0, 7]
    assert "lost" in text(owner, f"{path}?kind=adjust") and "+10" not in text(owner, f"{path}?kind=adjust")
    today = clock.day_in("UTC").isoformat()
    assert "+10" in text(owner, f"{path}?from=2020-01-01&to={today}") or "+10" in text(owner, f"{path}?from=2020-01-01")
    assert "No movement yet" in text(owner, f"{path}?to=2020-01-01") and owner.get(f"{path}?from=x").status_code == 200
    few = len(cost(owner, path))
    with tenant_context(ACME):
        for n in range(30):
            stock.adjust(actor=ACTOR, warehouse_id=place.pk, lines=[(sku.pk, 1)], key=f"m{n}", reason="found")
    assert len(cost(owner, path)) == few <= 8
    assert len(cost(owner, f"/stock/skus/{sku.pk}/")) <= 16


def test_a_movement_is_taken_back_by_one_the_other_way(owner: Client, sign_in, goods) -> None:
    place, sku = goods
    path = f"/stock/skus/{sku.pk}/{place.pk}/"
    with tenant_context(ACME):
        receipt, loss = Move.objects.order_by("pk")
    for _ in range(2):  # twice does no harm
        assert post(owner, f"/stock/moves/{loss.pk}/undo", {"next": path}) == path
    with tenant_context(ACME):
        assert Move.objects.count() == 3 and not prove().differences
    page = text(owner, path)
    assert "Taken back" in page and page.count("Take back</button>") == 1
    with tenant_context(ACME):
        reserve_many([Want(1, (place.pk,), (WantedLine(77, sku.pk, 3),))])
    assert "reserved" in post(owner, f"/stock/moves/{receipt.pk}/undo", status=422)
    with tenant_context(ACME):
        stock.adjust(actor=ACTOR, warehouse_id=place.pk, lines=[(sku.pk, 3)], key="more", reason="found")
        stock.undo(actor=ACTOR, move_id=receipt.pk)
        assert not prove().differences
        undo = Move.objects.get(source_kind="undo", source_id=receipt.pk)
    assert "Only receipts" in post(owner, f"/stock/moves/{undo.pk}/undo", status=422)
    assert sign_in("clerk").post(f"/stock/moves/{loss.pk}/undo").status_code == 403
    assert owner.post("/stock/moves/999999/undo", headers={"HX-Request": "true"}).status_code == 404


def test_a_sku_names_its_variants_barcode_and_what_was_before(owner: Client, goods) -> None:
    _place, sku = goods
    post(
        owner, f"/stock/skus/{sku.pk}/edit", {"title": "Lamp", "weight_g": "250", "product": "LMP", "barcode": "690124"}
    )
    page = text(owner, f"/stock/skus/{sku.pk}/")
    assert "690124" in page and "LAMP-B" in page and "was 200" in page and "was Desk lamp" in page
    assert "Sold, last 30 days" in page and "No listing sells it yet" in page
    for wanted in ("690124", "amp", "LAMP"):
        assert f"/stock/skus/{sku.pk}/" in text(owner, f"/stock/skus/?q={wanted}"), wanted
    with tenant_context(ACME):
        product = Sku.objects.get(pk=sku.pk).product_id
    assert "LAMP-B" in text(owner, f"/stock/skus/?tab=all&product={product}")


def test_products_with_their_variants(owner: Client, goods) -> None:
    page = text(owner, "/stock/products/?q=lamp-b")
    assert "LMP" in page and "Desk lamp" not in page.split("<tbody")[0]
    few = len(cost(owner, "/stock/products/"))
    with tenant_context(ACME):
        stock.import_skus(actor=ACTOR, rows=[{"sku": f"V-{n}", "product": f"P-{n}"} for n in range(60)])
    assert len(cost(owner, "/stock/products/?size=100")) == few <= 3
    assert "No product matches" in text(owner, "/stock/products/?q=nothing-at-all")


def test_a_reservation_leads_to_its_order(owner: Client, house: House) -> None:  # noqa: F811
    lamp = house.shop.skus["LAMP"]
    page = text(owner, f"/stock/skus/{lamp.pk}/{house.shop.warehouse.pk}/reserved")
    assert "READY-1" in page and f'href="{house.path("ready")}"' in page


# -- restock ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(owner: Client, house: House) -> RestockRun:  # noqa: F811
    post(owner, "/restock/run")
    with tenant_context(ACME):
        Sku.objects.update(moq=24, carton=12)
        outbox.drain(30)
        return RestockRun.objects.get()


def test_untouched_values_give_what_the_run_gave(run: RestockRun) -> None:
    with tenant_context(ACME):
        lines = list(RestockLine.objects.all())
        assert lines
        for line in lines:
            found = trying.load(ACTOR, line.pk)
            made, request = whatif.reckon(
                found.row["terms"], found.options, run.day, chosen=found.former, former=found.former,
                carton=found.carton, platform=found.row["account_id"] is not None,
            )  # fmt: skip
            assert made.buy.quantity == line.buy
            # Stored terms are rounded to a ten-thousandth, which a hundred days on may be a day.
            out = made.stock_out.value
            assert (out is None) == (line.stockout_on is None) and (
                out is None or abs((out - line.stockout_on).days) <= 1
            )
            chart = whatif.chart(made, request)
            assert len(chart.days) == len(chart.nothing) == len(chart.ordered)


def line_of(code: str) -> RestockLine:
    with tenant_context(ACME):
        return RestockLine.objects.get(sku__code=code)


def test_sliders_reckon_anew_and_keep_nothing(owner: Client, run: RestockRun) -> None:
    line = line_of("CUP")
    page = text(owner, f"/restock/{line.pk}/")
    assert 'type="range"' in page and 'data-lines="projection"' in page and "safety stock" in page
    tried = text(owner, f"/restock/{line.pk}/try?lead_days=120&cover_days=60&growth=3&moq=500")
    quantity = int(re.findall(r"<b data-buy>([\d,]+)</b>", tried)[0].replace(",", ""))
    assert quantity >= 500 and "tried out, not kept" in tried and "times what was sold" in tried
    assert f"<b data-buy>{line.buy}</b>" in text(owner, f"/restock/{line.pk}/try")
    for bad in ("growth=99", "lead_days=x", "moq=-1"):
        assert owner.get(f"/restock/{line.pk}/try?{bad}").status_code == 422
    assert len(cost(owner, f"/restock/{line.pk}/try?growth=2")) <= 5
    assert line_of("CUP").buy == line.buy and owner.get("/restock/999999/try").status_code == 404


def test_what_was_tried_is_kept_for_the_sku_and_dropped_again(owner: Client, sign_in, run: RestockRun) -> None:
    line = line_of("CUP")
    with tenant_context(ACME):
        former = trying.load(ACTOR, line.pk).former
    given = {"lead_days": str(former.lead_days), "cover_days": "90", "growth": "2", "moq": "300"}
    tried = text(owner, f"/restock/{line.pk}/try?" + "&".join(f"{name}={value}" for name, value in given.items()))
    to = post(owner, f"/restock/{line.pk}/keep", given)
    page = text(owner, to)
    assert re.findall(r"<b data-buy>([\d,]+)</b>", tried) == re.findall(r"<b data-buy>([\d,]+)</b>", page)
    assert "own settings" in page
    with tenant_context(ACME):
        choice = RestockChoice.objects.get()
        assert (choice.growth, Sku.objects.get(code="CUP").moq) == (2, 300) and choice.safety_days == 83
    post(owner, f"/restock/{line_of('CUP').pk}/drop")
    with tenant_context(ACME):
        assert not RestockChoice.objects.exists()
    assert sign_in("clerk").post(f"/restock/{line_of('CUP').pk}/keep", given).status_code == 403
    with tenant_context(ACME):
        viewer = Actor(kind="user", id=1, label="v", operations=of_role("viewer"), warehouses=frozenset({10**9}))
        with pytest.raises(Exception, match="not_found"):
            trying.load(viewer, line_of("CUP").pk)

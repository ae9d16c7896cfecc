"""Products in the pages: made, edited, filled, found; SKUs out of sale and back; both languages, roles, another tenant."""

from __future__ import annotations

import re

import pytest
from django.http import QueryDict
from django.test import Client

from core.records.models import Job
from core.tenancy import tenant_context
from core.ui import lists
from inventory import services as stock
from inventory.models import Product, Sku
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui2.conftest import cost, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def skus(db: None) -> list[Sku]:
    with tenant_context(ACME):
        return [stock.create_sku(actor=ACTOR, code=f"LAMP-{n}", title=f"Lamp {n}", product="OLD") for n in range(3)]


def test_a_product_is_made_filled_edited_and_found(owner: Client, skus: list[Sku]) -> None:
    there = post(
        owner, "/stock/products/new", {"code": "LMP", "title": "Desk lamp", "title_zh": "台灯"}, htmx=False, status=302
    )
    assert re.fullmatch(r"/stock/products/\d+/", there)
    assert "taken by another product" in post(owner, "/stock/products/new", {"code": "LMP"}, htmx=False)
    assert "LAMP-9" in post(owner, f"{there}add", {"codes": "lamp-0\nLAMP-9"}, status=422)  # nothing moved
    assert post(owner, f"{there}add", {"codes": "lamp-0, LAMP-1\nLAMP-1"}) == there
    page = text(owner, there)
    assert "LAMP-0" in page and "LAMP-1" in page and "LAMP-2" not in page and "台灯" in page
    assert "LMP" in text(owner, "/stock/products/?q=LAMP-0") and "LMP" in text(owner, "/stock/products/?q=台灯")
    assert there in text(owner, "/ui/palette?q=desk lamp")
    post(owner, f"{there}out/{skus[1].pk}", {})
    assert "LAMP-1" not in re.sub(r"<ol class=\"history\">.*?</ol>", "", text(owner, there), flags=re.S)
    form = text(owner, f"{there}edit")
    (version,) = re.findall(r'name="version" value="([^"]+)"', form)
    post(owner, f"{there}edit", {"title": "Table lamp", "version": version}, htmx=False, status=302)
    late = post(owner, f"{there}edit", {"title": "Lost?", "title_zh": "灯", "version": version}, htmx=False)
    assert "changed this meanwhile" in late and 'value="Lost?"' in late  # told, and nothing typed is lost
    (fresh,) = re.findall(r'name="version" value="([^"]+)"', late)
    post(owner, f"{there}edit", {"title": "Mine", "title_zh": "灯", "version": fresh}, htmx=False, status=302)
    assert "was Table lamp" in text(owner, there) and "Desk lamp" in text(owner, there)
    assert "belong to this product" in post(owner, f"{there}delete", {}, status=422)
    few = len(cost(owner, there))
    with tenant_context(ACME):
        stock.import_skus(actor=ACTOR, rows=[{"sku": f"MORE-{n}", "spu": "LMP"} for n in range(40)])
    assert len(cost(owner, there)) == few <= 10
    assert len(cost(owner, "/stock/products/")) <= 8


def test_a_sku_form_says_what_is_wrong_and_who_was_faster(owner: Client, skus: list[Sku]) -> None:
    path = f"/stock/skus/{skus[0].pk}/edit"
    form = text(owner, path)
    names = "code title title_zh barcode product weight_g length_mm width_mm height_mm customs_name_en customs_name_zh".split()
    names += "hs_code customs_value customs_currency origin_country battery tags moq carton lead_days".split()
    assert [name for name in names[1:] if f'name="{name}"' not in form] == []
    data = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    data.pop("csrfmiddlewaretoken", None)
    wrong = post(owner, path, {**data, "customs_value": "ten", "title": "kept"}, htmx=False)
    assert 'value="kept"' in wrong and 'value="ten"' in wrong and "error" in wrong
    post(owner, path, {**data, "hs_code": "940520", "customs_value": "3.5", "battery": "on"}, htmx=False, status=302)
    late = post(owner, path, {**data, "hs_code": "999999"}, htmx=False)
    assert "changed this meanwhile" in late and "HS code" in late
    page = text(owner, f"/stock/skus/{skus[0].pk}/")
    assert "940520" in page and "HS code: was" in page
    post(owner, path, {"title": "Lamp", "product": ""}, htmx=False, status=302)
    with tenant_context(ACME):
        assert Sku.objects.get(pk=skus[0].pk).product_id is None
    assert "Product: was OLD" in text(owner, f"/stock/skus/{skus[0].pk}/")


def test_out_of_sale_and_back_one_by_one_and_many(owner: Client, sign_in, skus: list[Sku]) -> None:
    here = f"/stock/skus/{skus[0].pk}/"
    assert "There is no SKU" in post(owner, f"{here}stop", {"successor": "NOPE"}, status=422)
    post(owner, f"{here}stop", {"successor": "lamp-1"})
    page = text(owner, here)
    assert "Its successor is" not in page and "its successor is" in page and "Sell again" in page
    post(owner, f"{here}sell", {})
    assert "Take out of sale" in text(owner, here)
    post(owner, "/stock/skus/stop", {"id": [skus[0].pk, 10**9], "view": "tab=active"})
    told = text(owner, "/stock/skus/?tab=all")
    assert "1 SKU is not sold any more." in told and "could not be done" in told
    post(owner, "/stock/skus/sell", {"all": "1", "view": "tab=discontinued"})
    assert "is not in" not in text(owner, here) and "no product NOPE" in post(
        owner, "/stock/skus/product", {"id": [skus[0].pk], "product": "NOPE"}, status=422
    )
    viewer = sign_in("viewer")
    for path in ("/stock/skus/stop", f"{here}stop", f"{here}sell", "/stock/products/new"):
        assert viewer.post(path).status_code == 403, path
    assert "New product" not in text(viewer, "/stock/skus/?tab=all").split("<table")[1]


def test_more_than_two_hundred_are_moved_by_a_job(owner: Client, inside: None) -> None:
    stock.import_skus(actor=ACTOR, rows=[{"sku": f"N-{n:03d}"} for n in range(230)])
    stock.create_product(actor=ACTOR, code="ALL")
    post(owner, "/stock/skus/product", {"all": "1", "view": "tab=active&q=N-", "product": "ALL"})
    with tenant_context(ACME):
        job = Job.objects.get(kind="ui.bulk")
    assert (job.title_code, job.params["given"]) == ("job.skus.product", {"product": "ALL"})
    assert "ids" not in job.params and job.params["list"] == "skus"


def test_in_chinese(owner: Client, skus: list[Sku]) -> None:
    with tenant_context(ACME):
        product = Product.objects.get(code="OLD")
        stock.update_product(actor=ACTOR, product_id=product.pk, title="Lamps", title_zh="台灯")
    owner.cookies["lang"] = "zh-hans"
    page = text(owner, f"/stock/products/{product.pk}/")
    assert "添加 SKU" in page and "产品已修改：" in page and "Lamps" not in page.split("<main")[1].split("<dl")[0]


def test_products_go_out_as_a_file(owner: Client, inside: None) -> None:
    stock.create_product(actor=ACTOR, code="P", title="Lamp", title_zh="灯")
    page = lists.named(ACTOR, "products")
    rows = page.rows(ACTOR, page.state(QueryDict(""))).rows
    assert [[out.value(row) for out in page.outs(ACTOR)] for row in rows] == [["P", "Lamp", "灯", 0, 0, 0]]
    assert 'name="format" value="xlsx"' in text(owner, "/stock/products/")

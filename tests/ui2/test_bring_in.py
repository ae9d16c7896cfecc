"""Bringing in a sheet as pages: upload, columns, what would happen, done, errors by line and as a file, templates."""

from __future__ import annotations

import io
import re

import pytest
import python_calamine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.central import outbox
from core.tenancy import tenant_context
from inventory import services as stock
from inventory.models import BringIn, Move, Sku
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui2.conftest import cost, post, text

pytestmark = pytest.mark.django_db

SHEET = "商品编码;中文名称;重量(kg)\nLAMP;台灯;0,3\nLAMP-2;台灯二;0.25\nLAMP-2;again;1\n"


def upload(client: Client, content: str | bytes, kind: str = "skus") -> str:
    """The address of the sheet's page."""
    raw = content.encode() if isinstance(content, str) else content
    answer = client.post("/stock/import/", {"kind": kind, "file": SimpleUploadedFile("goods.csv", raw)})
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    return str(answer.headers["Location"])


def test_a_sheet_from_upload_to_result(owner: Client) -> None:
    path = upload(owner, SHEET.replace("0,3", "0.3").encode("gb18030"))
    page = text(owner, path)
    assert "What are the columns?" in page and "台灯二" in page
    assert re.findall(r'<option value="(\w+)" selected', page) == ["code", "title_zh", "weight_kg"]
    given = {"column-0": "code", "column-1": "title_zh", "column-2": "weight_kg"}
    refused = post(owner, f"{path}look", given | {"column-0": ""}, htmx=False, status=422)
    assert "Say which column is: SKU" in refused and 'value="weight_kg" selected' in refused
    assert post(owner, f"{path}look", given) == path
    page = text(owner, path)
    assert 'data-count="new"><b>2</b>' in page and 'data-count="refused"><b>1</b>' in page
    assert "LAMP-2 stands in line 3 already." in page and "Bring in 2 rows" in page
    with tenant_context(ACME):
        assert not Sku.objects.exists()
    wrong = owner.get(f"{path}errors")
    table = python_calamine.load_workbook(io.BytesIO(wrong.content)).get_sheet_by_index(0).to_python()
    assert table[1][0] == 4 and "LAMP-2 stands in line 3" in table[1][1] and table[1][2] == "LAMP-2"
    assert post(owner, f"{path}go") == path
    assert "Being brought in" in text(owner, path)
    assert "running" not in post(owner, f"{path}go", status=422)
    with tenant_context(ACME):
        outbox.drain(30)
        assert dict(Sku.objects.values_list("code", "weight_g")) == {"LAMP": 300, "LAMP-2": 250}
    page = text(owner, path)
    assert "Brought in, but for the rows below" in page
    assert "goods.csv" in text(owner, "/stock/import/")


def test_pasted_rows_and_files_that_cannot_be_read(owner: Client) -> None:
    to = post(owner, "/stock/import/", {"kind": "skus", "pasted": "SKU\tTitle\nA\tb"})
    assert "What are the columns?" in text(owner, to)
    for content, words in ((b"PK\x03\x04xx", "cannot be opened"), (b"SKU\n", "no rows below"), (b"", "Choose a file")):
        given = {"kind": "skus", "file": SimpleUploadedFile("x.xlsx", content)} if content else {"kind": "skus"}
        answer = owner.post("/stock/import/", given)
        assert answer.status_code == 422 and words in answer.content.decode()


def test_opening_stock_asks_for_the_warehouse(owner: Client) -> None:
    with tenant_context(ACME):
        place = stock.create_warehouse(actor=ACTOR, code="SZ", name="SZ main")
        stock.create_sku(actor=ACTOR, code="LAMP", title="Lamp")
    path = upload(owner, "SKU,数量,成本\nLAMP,12,3.5\n", "opening")
    given = {"column-0": "sku", "column-1": "quantity", "column-2": "unit_cost"}
    post(owner, f"{path}look", given)
    assert "Choose one for all such rows" in text(owner, path)
    post(owner, f"{path}look", given | {"option-warehouse": str(place.pk)})
    post(owner, f"{path}go")
    with tenant_context(ACME):
        outbox.drain(30)
        assert Move.objects.get().quantity == 12
    assert ">12</a>" in text(owner, "/stock/")


def test_templates_are_brought_in_as_they_are(owner: Client) -> None:
    with tenant_context(ACME):
        stock.create_warehouse(actor=ACTOR, code="SZ", name="SZ main")
    for kind in ("skus", "opening"):
        answer = owner.get(f"/stock/import/template/{kind}")
        assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
        path = upload(owner, answer.content, kind)
        with tenant_context(ACME):
            found = BringIn.objects.order_by("-pk")[0]
        given = {f"column-{place}": key for place, key in found.mapping.items()}
        assert len(given) == len(found.headings)
        post(owner, f"{path}look", given)
        page = text(owner, path)
        assert 'data-count="refused"><b>0</b>' in page, page
        post(owner, f"{path}go")
        with tenant_context(ACME):
            outbox.drain(30)
    owner.cookies["lang"] = "zh-hans"
    path = upload(owner, owner.get("/stock/import/template/skus").content)
    with tenant_context(ACME):
        assert len(BringIn.objects.order_by("-pk")[0].mapping) >= 20
    assert owner.get("/stock/import/template/nothing").status_code == 404


def test_who_may_what(sign_in, owner: Client) -> None:
    path = upload(owner, SHEET)
    viewer, clerk = sign_in("viewer"), sign_in("clerk")
    assert viewer.get("/stock/import/").status_code == 403
    assert viewer.get(path).status_code == 404
    page = text(clerk, "/stock/import/")
    assert "SKUs and products" in page and "Opening stock" not in page
    assert clerk.get("/stock/import/template/opening").status_code == 404


def test_pages_cost_a_fixed_number_of_queries(owner: Client) -> None:
    path = upload(owner, SHEET)
    few = len(cost(owner, "/stock/import/"))
    many = upload(owner, "SKU,Title\n" + "".join(f"A-{n},x\n" for n in range(500)))
    assert len(cost(owner, "/stock/import/")) == few <= 3
    assert len(cost(owner, path)) == len(cost(owner, many)) <= 4

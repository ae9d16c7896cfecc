"""Products and warehouses; what the reads show, to whom, and that every number opens into its moves."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from core.errors import BusinessError, NotAllowed
from core.permissions import SEE_COST, Actor
from inventory import permissions, queries, services
from inventory.models import Location, Product, Sku, Stock, Warehouse
from inventory.prove import prove
from inventory.reservation import Want, WantedLine, reserve_many
from tests.inventory.conftest import AVERAGE, FIFO, Shop

ROWS = [
    {"SKU": "ab-1", "Title": "Lamp", "重量": "1,250", "Product": "LAMPS", "Battery": "yes"},
    {"SKU": "ＡＢ－2", "Title": "Lamp 2", "Weight": "0"},
    {"SKU": "AB-1 ", "Title": "again"},
    {"SKU": "", "Title": "nothing"},
    {"SKU": "AB-3", "origin_country": "中国", "customs_value": "12.5", "customs_currency": "EUR", "tags": "red, 大"},
    {"SKU": "AB-4", "origin_country": "Nowhere", "customs_value": "-1"},
]


def test_a_sheet_is_read_line_by_line(shop: Shop) -> None:
    before = Sku.objects.count()
    dry = services.import_skus(actor=shop.actor, rows=ROWS, dry_run=True)
    assert Sku.objects.count() == before and Product.objects.count() == 0
    wet = services.import_skus(actor=shop.actor, rows=ROWS)
    assert (dry.created, dry.errors) == (wet.created, wet.errors) == (2, wet.errors)
    assert [(e.line, e.field, e.code) for e in wet.errors] == [
        (3, "weight_g", "sheet.not_above_zero"),
        (4, "code", "sheet.twice"),
        (5, "code", "sku.code_missing"),
        (7, "origin_country", "sheet.not_a_country"),
        (7, "customs_value", "sheet.not_an_amount"),
    ]
    lamp = Sku.objects.get(code_key="AB-1")
    assert (lamp.weight_g, lamp.battery, lamp.product.code) == (1250, True, "LAMPS")
    three = Sku.objects.get(code_key="AB-3")
    assert (three.customs_value, three.customs_currency, three.tags) == (D("12.5"), "EUR", ["red", "大"])
    again = services.import_skus(actor=shop.actor, rows=[ROWS[0], {"sku": "ab-3", "tags": "red"}])
    assert (again.created, again.updated, again.unchanged) == (0, 1, 1)


def test_four_thousand_rows_take_few_statements(shop: Shop, django_assert_max_num_queries) -> None:
    rows = [
        {"sku": f"N-{n}", "title": f"Thing {n}", "product": f"P-{n % 50}", "weight": str(n + 1)} for n in range(4000)
    ]
    with django_assert_max_num_queries(25):
        assert services.import_skus(actor=shop.actor, rows=rows).created == 4000
    rows = [{**row, "weight": "7"} for row in rows]
    with django_assert_max_num_queries(30):
        assert services.import_skus(actor=shop.actor, rows=rows).updated == 3999


def test_codes_are_one_whatever_their_case_and_width(shop: Shop) -> None:
    with pytest.raises(BusinessError) as refused:
        services.create_sku(actor=shop.actor, code="ｓｋｕ-0")
    assert refused.value.code == "sku.code_taken"
    with pytest.raises(BusinessError) as refused:
        services.update_sku(actor=shop.actor, sku_id=shop.skus[0], weight_g="-3")
    assert (refused.value.code, refused.value.params["field"]) == ("sheet.not_above_zero", "weight_g")
    changed = services.update_sku(actor=shop.actor, sku_id=shop.skus[0], weight_g=300, product="P1")
    assert (changed.weight_g, changed.product.code) == (300, "P1")


def test_a_discontinued_sku_names_its_successor_and_is_not_linked(shop: Shop) -> None:
    old, new, third = shop.skus
    services.discontinue_sku(actor=shop.actor, sku_id=old, successor_id=new)
    match = queries.skus_of_codes(["sku-0", "ｓｋｕ－1", "none"])
    assert (match["sku-0"].active, match["sku-0"].successor_id) == (False, new)
    assert match["ｓｋｕ－1"].sku_id == new and match["ｓｋｕ－1"].active
    assert "none" not in match
    for successor in (third, old):
        with pytest.raises(BusinessError) as refused:
            services.discontinue_sku(actor=shop.actor, sku_id=third, successor_id=successor)
        assert refused.value.code == "sku.bad_successor"


def test_a_platform_warehouse_sells_from_the_platforms_place(shop: Shop) -> None:
    fba = services.create_warehouse(actor=shop.actor, code="FBA-US", name="FBA US", kind=Warehouse.PLATFORM)
    shop.receive(shop.skus[0], 5, "1", 1, warehouse=fba.pk)
    assert Location.objects.get(warehouse=fba, code="STOCK").kind == Location.PLATFORM
    assert Stock.objects.get(warehouse=fba).sellable == 5
    with pytest.raises(BusinessError) as refused:
        services.update_warehouse(actor=shop.actor, warehouse_id=fba.pk, pool_ref="us")
    assert refused.value.code == "warehouse.pool_fixed"
    with pytest.raises(BusinessError):
        services.create_warehouse(actor=shop.actor, code="FBA-US", name="again")
    assert services.update_warehouse(actor=shop.actor, warehouse_id=fba.pk, name="FBA").name == "FBA"


def busy(shop: Shop) -> int:
    sku = shop.skus[0]
    shop.receive(sku, 10, "5", 1)
    shop.receive(sku, 4, None, 2)
    sold = shop.issue(sku, 3, 3)
    shop.back(sku, 1, sold, 4)
    services.freeze(
        actor=shop.actor,
        warehouse_id=shop.warehouse,
        lines=[(sku, 2)],
        key="f",
        reason="check",
        effective_at=shop.at(5),
    )
    reserve_many([Want(1, (shop.warehouse,), (WantedLine(71, sku, 4),))])
    return sku


def test_every_number_of_a_stock_row_opens_into_its_moves(shop: Shop) -> None:
    sku = busy(shop)
    (row,) = queries.stock_rows(shop.actor, sku_ids=[sku])
    assert row.figures == {
        "on_hand": 12,
        "sellable": 9,
        "transit": 0,
        "qc": 0,
        "rma": 1,
        "frozen": 2,
        "damaged": 0,
    }
    assert (row.reserved, row.available) == (4, 5)
    for figure, units in row.figures.items():
        lines = queries.stock_card(shop.actor, sku_id=sku, warehouse_id=shop.warehouse, figure=figure)
        assert sum(line.change for line in lines) == units
        assert not lines or lines[0].balance == units
    held = queries.open_reservations(shop.actor, sku_id=sku, warehouse_id=shop.warehouse)
    assert sum(r["quantity"] for r in held) == row.reserved
    assert prove().differences == []


def test_value_per_method_and_what_is_open(shop: Shop) -> None:
    sku = busy(shop)
    by_method = {w.method: w for w in queries.worth(shop.actor, sku_ids=[sku])}
    assert (by_method[FIFO].quantity, by_method[FIFO].unvalued, by_method[FIFO].value) == (12, 4, D("40"))
    assert by_method[AVERAGE].unit == D("5")
    assert queries.totals(shop.actor) == {FIFO: (D("40"), 4), AVERAGE: (D("40"), 4)}
    (open_one,) = queries.worth(shop.actor, open_only=True, method=FIFO)
    assert open_one.sku_id == sku
    (line,) = [x for x in queries.stock_card(shop.actor, sku_id=sku, warehouse_id=shop.warehouse) if x.change == -3]
    assert line.value == {FIFO: D("-15"), AVERAGE: D("-15")}
    assert sum(e.amount for e in queries.entries(shop.actor, move_id=line.move_id)) == D("-30")
    assert queries.cost_of_sources(shop.actor, source_kind="shipment", source_ids=[1], method=FIFO) == {}


def test_costs_are_hidden_and_warehouses_out_of_scope_are_not_there(shop: Shop) -> None:
    sku = busy(shop)
    viewer = Actor("user", 3, "Wang", operations=frozenset({permissions.VIEW}))
    assert {(w.value, w.unit) for w in queries.worth(viewer)} == {(None, None)}
    assert queries.totals(viewer)[FIFO] == (None, 4)
    lines = queries.stock_card(viewer, sku_id=sku, warehouse_id=shop.warehouse)
    assert {value for line in lines for value in line.value.values()} == {None}
    assert queries.entries(viewer, move_id=lines[0].move_id) == []
    operations = frozenset({permissions.VIEW, SEE_COST})
    elsewhere = Actor("user", 4, "Liu", operations=operations, warehouses=frozenset({shop.warehouse + 1}))
    assert (
        queries.stock_rows(elsewhere) == [] and queries.worth(elsewhere) == [] and queries.warehouses(elsewhere) == []
    )
    assert queries.stock_card(elsewhere, sku_id=sku, warehouse_id=shop.warehouse) == []
    assert queries.open_reservations(elsewhere, sku_id=sku, warehouse_id=shop.warehouse) == []
    assert queries.entries(elsewhere, move_id=lines[0].move_id) == []
    with pytest.raises(NotAllowed):
        queries.stock_rows(Actor("user", 5, "Nobody"))


def test_stock_rows_are_searched_and_paged(shop: Shop) -> None:
    for sku in shop.skus:
        shop.receive(sku, 1, "1", 1)
    assert [r.code for r in queries.stock_rows(shop.actor, search="sku-1")] == ["SKU-1"]
    assert [r.code for r in queries.stock_rows(shop.actor, search="thing")] == ["SKU-0", "SKU-1", "SKU-2"]
    assert queries.stock_rows(shop.actor, search="%") == []
    first = queries.stock_rows(shop.actor, limit=2)
    rest = queries.stock_rows(shop.actor, after=(first[-1].code, first[-1].warehouse_id), limit=2)
    assert [r.code for r in first + rest] == ["SKU-0", "SKU-1", "SKU-2"]

"""Stock with every figure opened, receiving, adjusting, SKUs, warehouses; restock with its terms; carriers; rules; jobs."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from core import clock, jobs
from core.central import outbox
from core.records.models import Job
from core.tenancy import tenant_context
from fba.models import RestockLine, RestockRun
from fba.services import restock
from inventory import services as stock
from inventory.models import Move, Sku, Warehouse
from inventory.reservation import Want, WantedLine, reserve_many
from logistics.models import PoolNumber, Service
from logistics.services import accounts as carriers
from tenants.models import Membership
from tests.support.database import ACME
from tests.support.parcels import ACTOR
from tests.ui2.conftest import cost, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def goods(db: None) -> tuple[Warehouse, Sku]:
    with tenant_context(ACME):
        place = stock.create_warehouse(actor=ACTOR, code="SZ", name="SZ main")
        sku = stock.create_sku(actor=ACTOR, code="LAMP", title="Desk lamp", title_zh="台灯", weight_g=200)
        stock.receive(
            actor=ACTOR, warehouse_id=place.pk, lines=[(sku.pk, 10, Decimal("2.50"), "CNY")], key="r", reason="PO-7"
        )
        return place, sku


# -- stock --------------------------------------------------------------------------------------------------------------


def test_every_figure_opens_into_what_it_is_made_of(owner: Client, goods) -> None:
    place, sku = goods
    with tenant_context(ACME):
        want = Want(1, (place.pk,), (WantedLine(77, sku.pk, 3),))
        reserve_many([want])
    page = text(owner, "/stock/")
    for href in (f"/stock/skus/{sku.pk}/{place.pk}/?figure=on_hand", f"/stock/skus/{sku.pk}/{place.pk}/reserved"):
        assert href.replace("&", "&amp;") in page
    assert ">7 <small" in page and "2.50" in page
    card = text(owner, f"/stock/skus/{sku.pk}/{place.pk}/?figure=on_hand")
    assert "Receipt" in card and "+10" in card and "PO-7" in card and "25.00" in card
    held = text(owner, f"/stock/skus/{sku.pk}/{place.pk}/reserved")
    assert "order line" in held and "#77" in held and "<b>3</b>" in held
    record = text(owner, f"/stock/skus/{sku.pk}/")
    assert "Desk lamp" in record and "FIFO" in record and "Average" in record and "25.00" in record
    with tenant_context(ACME):
        move = Move.objects.get(sku=sku)
    assert "Receipt" in text(owner, f"/stock/moves/{move.pk}/")
    assert owner.get(f"/stock/skus/{sku.pk}/{place.pk}/?figure=nonsense").status_code == 422


def test_who_may_not_see_costs_sees_none(sign_in, goods) -> None:
    place, sku = goods
    clerk = sign_in("clerk")
    for path in ("", f"skus/{sku.pk}/", f"skus/{sku.pk}/{place.pk}/"):
        page = text(clerk, f"/stock/{path}")
        assert "2.50" not in page and "25.00" not in page, path


def test_a_warehouse_out_of_scope_is_not_there(sign_in, goods) -> None:
    place, sku = goods
    packer = sign_in("warehouse")
    Membership.objects.filter(role="warehouse").update(warehouses=[place.pk + 1])
    assert "SZ main" not in text(packer, f"/stock/skus/{sku.pk}/")
    assert packer.get(f"/stock/skus/{sku.pk}/{place.pk}/").status_code == 404
    assert packer.get(f"/stock/warehouses/{place.pk}/").status_code in (403, 404)


def test_stock_costs_a_fixed_number_of_queries(owner: Client, goods) -> None:
    place, _sku = goods
    few = cost(owner, "/stock/")
    with tenant_context(ACME):
        made = [stock.create_sku(actor=ACTOR, code=f"S{n}", title="x") for n in range(30)]
        lines = [(one.pk, 5, None, "") for one in made]
        stock.receive(actor=ACTOR, warehouse_id=place.pk, lines=lines, key="more")
    many = cost(owner, "/stock/?size=100")
    assert len(many) == len(few) <= 4, "\n".join(many)


def key_of(page: str) -> str:
    return re.findall(r'name="key" value="(\w+)"', page)[0]


def test_goods_are_received_from_pasted_lines_once(owner: Client, goods) -> None:
    place, sku = goods
    page = text(owner, "/stock/receive")
    given = {"key": key_of(page), "warehouse": str(place.pk), "currency": "CNY", "lines": "LAMP 5 3.00\nGARDEN 1"}
    page = post(owner, "/stock/receive", given, htmx=False)
    assert "1 line cannot be read; nothing was posted" in page and "not in your catalogue" in page
    assert "LAMP 5 3.00" in page  # nothing typed is lost
    given["lines"] = "LAMP 5 3.00"
    for _ in range(2):  # a double click posts once
        assert post(owner, "/stock/receive", given) == f"/stock/skus/{sku.pk}/"
    with tenant_context(ACME):
        assert sum(Move.objects.filter(sku=sku).values_list("quantity", flat=True)) == 15
    given |= {"currency": "EUR", "key": "k2"}
    assert "no rate from EUR" in post(owner, "/stock/receive", given, htmx=False)
    assert post(owner, "/stock/receive", given | {"rate": "7.8"}) == f"/stock/skus/{sku.pk}/"


def test_an_adjustment_has_a_reason_and_refuses_what_is_not_there(owner: Client, sign_in, goods) -> None:
    place, sku = goods
    given = {"key": "a1", "warehouse": str(place.pk), "reason": "lost", "note": "fell", "lines": "LAMP -99"}
    page = post(owner, "/stock/adjust", given, htmx=False)
    assert 'class="error"' in page and "LAMP -99" in page
    assert post(owner, "/stock/adjust", given | {"lines": "LAMP -2"}) == f"/stock/skus/{sku.pk}/"
    with tenant_context(ACME):
        assert Move.objects.get(sku=sku, source_kind="adjust").reason == "lost: fell"
    assert 'name="force"' not in text(sign_in("warehouse"), "/stock/adjust")
    assert sign_in("clerk").get("/stock/adjust").status_code == 403


def test_skus_are_made_and_changed(owner: Client, goods) -> None:
    _place, sku = goods
    page = post(owner, "/stock/skus/new", {"code": "lamp", "title": "twice"}, htmx=False)
    assert "is taken by another SKU" in page
    page = post(owner, f"/stock/skus/{sku.pk}/edit", {"weight_g": "heavy"}, htmx=False)
    assert "is no number" in page and 'value="heavy"' in page
    post(owner, f"/stock/skus/{sku.pk}/edit", {"weight_g": "250", "customs_name_en": "lamp", "battery": "on"})
    with tenant_context(ACME):
        sku.refresh_from_db()
        assert (sku.weight_g, sku.battery, sku.customs_name_en) == (250, True, "lamp")
    assert "Incomplete" in text(owner, "/stock/skus/?tab=gaps")


def test_a_warehouse_is_named_with_its_sender(owner: Client, sign_in) -> None:
    given = {
        "code": "NB",
        "name": "Ningbo",
        "kind": "own",
        "timezone": "Asia/Shanghai",
        "sender_name": "Depot",
        "sender_lines": "Street 5\nHall 2",
        "sender_city": "Ningbo",
        "sender_country": "cn",
    }
    assert post(owner, "/stock/warehouses/new", given) == "/stock/warehouses/"
    with tenant_context(ACME):
        made = Warehouse.objects.get(code="NB")
        assert (made.sender["lines"], made.country) == (["Street 5", "Hall 2"], "CN")
    assert "is taken by another warehouse" in post(owner, "/stock/warehouses/new", given, htmx=False)
    post(owner, f"/stock/warehouses/{made.pk}/", given | {"name": "Ningbo 2"})
    assert "Ningbo 2" in text(owner, "/stock/warehouses/")
    assert sign_in("clerk").get("/stock/warehouses/new").status_code == 403


# -- restock ------------------------------------------------------------------------------------------------------------


def test_restock_is_computed_by_a_job_and_every_number_opens(owner: Client, goods) -> None:
    assert "after the first computation" in text(owner, "/restock/")
    post(owner, "/restock/run")
    assert "under way" in post(owner, "/restock/run", status=422)
    assert "being computed now" in text(owner, "/restock/")
    with tenant_context(ACME):
        outbox.drain(30)
        assert not restock.running()
        assert RestockRun.objects.filter(finished_at__isnull=False).count() == 1
        line = RestockLine.objects.get()
    page = text(owner, "/restock/?tab=all")
    assert "LAMP" in page and f"/restock/{line.pk}/" in page
    why = text(owner, f"/restock/{line.pk}/")
    for words in ("Why buy", "Wanted: enough for", "free in own warehouses", "Safety stock", "Sold a day", "setting"):
        assert words in why, words
    assert "term." not in why.split("<main")[1] and "source." not in why.split("<main")[1]
    owner.cookies["lang"] = "zh-hans"
    assert "目标库存" in text(owner, f"/restock/{line.pk}/")
    assert owner.get(f"/restock/{line.pk + 1}/").status_code == 404


def test_restock_costs_a_fixed_number_of_queries(owner: Client, goods) -> None:
    post(owner, "/restock/run")
    with tenant_context(ACME):
        outbox.drain(30)
    spent = cost(owner, "/restock/?tab=all")
    assert len(spent) <= 16, "\n".join(spent)  # an index scan for each urgency, with a day and without
    assert len(cost(owner, "/restock/differences/")) <= 1


def test_restock_settings_are_checked(owner: Client, sign_in) -> None:
    page = text(owner, "/restock/settings")
    given = {f"restock-{name}": value for name, value in re.findall(r'name="restock-(\w+)" value="([^"]*)"', page)}
    given |= {"restock-correct_stockouts": "on"}
    bad = post(owner, "/restock/settings", given | {"restock-safety_days": "9999"}, htmx=False)
    assert 'aria-invalid="true"' in bad
    assert post(owner, "/restock/settings", given | {"restock-safety_days": "21"}) == "/restock/"
    assert 'value="21' in text(owner, "/restock/settings")
    assert sign_in("clerk").get("/restock/settings").status_code == 403


# -- carriers -----------------------------------------------------------------------------------------------------------


def test_a_number_pool_is_connected_filled_and_its_errors_named_by_line(owner: Client, sign_in) -> None:
    to = post(owner, "/carriers/connect/pool/", {"name": "Swift", "settings-carrier_name": "Swift"})
    (pk,) = re.findall(r"/carriers/(\d+)/", to)
    given = {
        "name": "Swift Post",
        "code": "SW",
        "key": "swift",
        "divisor": "8000",
        "countries": "de, FR",
        "active": "on",
    }
    given |= {"number_format": r"SW\d{9}"}
    assert "two letters" in post(owner, f"/carriers/{pk}/services/new", given | {"countries": "Germany"}, htmx=False)
    assert post(owner, f"/carriers/{pk}/services/new", given) == to
    assert "is taken by another service" in post(owner, f"/carriers/{pk}/services/new", given, htmx=False)
    with tenant_context(ACME):
        service = Service.objects.get(key="swift")
        assert (service.countries, service.active) == (["DE", "FR"], True)
    pasted = "SW000000001 SW000000002\nnonsense\nSW000000001"
    page = post(owner, f"/carriers/{pk}/numbers", {"numbers": pasted}, htmx=False)
    assert "2 numbers added." in page and "line 2" in page and "line 3" in page and "stands twice" in page
    assert "SW000000002" not in page.split("<textarea")[1].split("</textarea>")[0]
    with tenant_context(ACME):
        assert PoolNumber.objects.count() == 2
    assert '<b class="bad">2</b>' in text(owner, "/carriers/")  # few are left
    assert sign_in("clerk").get(f"/carriers/{pk}/keys").status_code == 403
    assert owner.get("/carriers/999/").status_code == 404
    assert len(cost(owner, "/carriers/")) <= 7  # two of them for the switch of automatic booking


def test_a_carriers_secrets_are_never_shown(owner: Client) -> None:
    with tenant_context(ACME):
        made = carriers.connect_carrier(
            actor=ACTOR, carrier="yunexpress", name="Yun", credentials={"app_id": "A-1", "app_secret": "hush-hush"}
        )
    for path in ("", "keys"):
        assert "hush-hush" not in text(owner, f"/carriers/{made.pk}/{path}")
    post(
        owner,
        f"/carriers/{made.pk}/keys",
        {"secret-app_id": "A-2", "secret-app_secret": "new", "settings-fallback_phone": "123"},
    )
    assert "Carrier connected again" in text(owner, f"/carriers/{made.pk}/")


def test_tracking_gets_an_address_that_nobody_guesses(owner: Client) -> None:
    post(owner, "/carriers/trackers/17track/", {"name": "Track", "secret-token": "k"})
    (address,) = re.findall(r"/hooks/17track/([0-9a-f]+)<", text(owner, "/carriers/"))
    assert len(address) == 24


# -- long work ----------------------------------------------------------------------------------------------------------


def test_long_work_shows_its_progress_and_the_bell(owner: Client, sign_in, goods) -> None:
    assert "stands here with its progress" in text(owner, "/jobs/")
    post(owner, "/restock/run")
    assert "<b>1</b>" in text(owner, "/ui/bell")
    with tenant_context(ACME):
        job = Job.objects.get()
        now = clock.now()
        begun = now - timedelta(minutes=1)
        Job.objects.update(state="running", total=100, done=40, failed=10, started_at=begun)
        log = [{"id": 1, "label": "LAMP", "code": "sku.not_found", "params": {}}]
        Job.objects.update(log=log)
    page = text(owner, "/jobs/")
    assert 'value="50"' in page and "40 / 100" in page and "10 failed" in page and "left" in page
    assert (
        "This SKU does not exist. Pick one from the list. <b>1</b>" in page
        and "LAMP" in page
        and 'hx-trigger="every 2s"' in page
    )
    stranger = sign_in("clerk")
    assert "40 / 100" not in text(stranger, "/jobs/")
    assert stranger.post(f"/jobs/{job.pk}/cancel").status_code == 404
    post(owner, f"/jobs/{job.pk}/cancel")
    with tenant_context(ACME):
        assert Job.objects.get().cancel_asked
        Job.objects.update(state=Job.INTERRUPTED, finished_at=now)
    assert ">!</b>" in text(owner, "/ui/bell")
    assert "Go on" in text(owner, "/jobs/")
    assert "<b" not in text(owner, "/ui/bell")  # seen
    post(owner, f"/jobs/{job.pk}/resume")
    with tenant_context(ACME):
        assert Job.objects.get().state in jobs.OPEN

"""A list as a file: what is shown goes out, guarded, within one's rights, in parts that survive a kill."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from core import clock, files
from core.central import outbox
from core.central.models import Outbox
from core.permissions import OWNER
from core.records.models import Job, PersonalRead, StoredFile
from core.tenancy import tenant_context
from core.ui import lists
from core.ui.lists import export
from inventory.pages import StockList
from orders.models import Order
from orders.pages import OrdersList
from tenants.models import Membership, Tenant, User
from tests.orders.conftest import order, take
from tests.support.database import ACME, WorkerDatabase
from tests.ui.conftest import HOST, House, make_house


@dataclass
class Desk:
    """A house and people in it. ``take_out`` asks for a file and lets the worker make it; gives the rows."""

    house: House
    tenant: Tenant

    def person(self, role: str = OWNER, **scope: object) -> Client:
        user = User.objects.create_user(f"{role}-{User.objects.count()}@files.example", "long-enough-word", name="Li")
        Membership.objects.create(user=user, tenant=self.tenant, role=role, created_at=clock.now(), **scope)
        client = Client(HTTP_HOST=HOST)
        client.force_login(user)
        return client

    def job(self) -> Job:
        with tenant_context(ACME):
            return Job.objects.latest("pk")

    def file(self) -> StoredFile:
        with tenant_context(ACME):
            return StoredFile.objects.get(pk=self.job().result_file_id)

    def ask(
        self, client: Client, name: str = "orders", form: str = "csv", view: str = "tab=all", **more: object
    ) -> None:
        answer = client.post(f"/ui/lists/{name}/export", {"format": form, "view": view, **more})
        assert answer.status_code == 302, answer.content.decode()[:2000]

    def take_out(self, client: Client, name: str = "orders", form: str = "csv", **more: object) -> list[list[Any]]:
        self.ask(client, name, form, **more)
        outbox.drain()
        assert self.job().state == Job.DONE, (self.job().error_code, self.job().error_params)
        answer = client.get(f"/files/{self.file().uid}/")
        assert answer.status_code == 200
        content = answer.getvalue()
        if form == "xlsx":
            return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
        assert content.startswith(b"\xef\xbb\xbf")
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.fixture
def desk(committed_db: WorkerDatabase, settings, tmp_path) -> Desk:
    settings.MEDIA_ROOT = tmp_path
    with tenant_context(ACME):
        house = make_house()
    Outbox.objects.all().delete()
    return Desk(house, Tenant.objects.get(schema_name=ACME))


def test_what_is_shown_goes_out_in_its_order(desk: Desk) -> None:
    owner = desk.person()
    head, *rows = desk.take_out(owner)
    assert head[:3] == ["Order", "Order at the marketplace", "Placed"] and "Receiver" in head
    with tenant_context(ACME):
        shown = OrdersList().rows(_owner(), OrdersList().state(_query("tab=all"))).rows
    assert [row[0] for row in rows] == [one["number"] for one in shown] and len(rows) == 7
    by = dict(zip(head, next(row for row in rows if row[1] == "SHORT-1"), strict=True))
    assert by["State"] == "Short of stock" and "CABLE" in by["Reason"] and by["Currency"] == "EUR"
    assert by["Receiver"].startswith("Hannah") and Decimal(by["Total"]) > 0
    # a tab, a filter, a search; columns that were chosen away stay away
    assert len(desk.take_out(owner, view="tab=all&country=JP")) == 2
    assert [row[1] for row in desk.take_out(owner, view="tab=all&q=SHORT-1")[1:]] == ["SHORT-1"]
    owner.post("/ui/columns/orders", {"column": ["order", "status", "total"]})
    assert desk.take_out(owner)[0] == [
        "Order", "Order at the marketplace", "Placed", "Total", "Currency", "State", "Reason", "Tags",
    ]  # fmt: skip


def test_only_those_that_are_ticked(desk: Desk) -> None:
    ids = [desk.house.ids["ready"], desk.house.ids["short"]]
    rows = desk.take_out(desk.person(), id=ids)[1:]
    assert {row[1] for row in rows} == {"READY-1", "SHORT-1"} and desk.job().total == 2


def test_excel_gets_figures_dates_and_no_formula(desk: Desk) -> None:
    with tenant_context(ACME):
        Order.objects.filter(pk=desk.house.ids["ready"]).update(ship_name='=HYPERLINK("http://evil.example","x")')
        Order.objects.filter(pk=desk.house.ids["other"]).update(ship_name="+86 138", tags=["-1+1"])
    owner = desk.person()
    head, *rows = desk.take_out(owner, form="xlsx")
    row = dict(zip(head, next(one for one in rows if one[1] == "READY-1"), strict=True))
    assert isinstance(row["Total"], float) and isinstance(row["Placed"], datetime) and row["Units"] == int(row["Units"])
    assert row["Receiver"] == '=HYPERLINK("http://evil.example","x")'  # as text
    book = owner.get(f"/files/{desk.file().uid}/").getvalue()
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<hyperlink" not in sheet
    head, *rows = desk.take_out(owner)
    plain = {one[1]: dict(zip(head, one, strict=True)) for one in rows}
    assert plain["READY-1"]["Receiver"].startswith("'=HYPERLINK") and plain["READY-2"]["Receiver"] == "'+86 138"
    assert plain["READY-2"]["Tags"] == "'-1+1"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "＝1", "＠x"])
def test_texts_that_look_like_formulas_are_guarded(text: str) -> None:
    (line,) = list(csv.reader(io.StringIO(export.as_csv(["a"], iter([[text]])).decode("utf-8-sig"), newline="")))[1:]
    assert line == [f"'{text}"]


def test_values_of_all_kinds() -> None:
    moment = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    row = [Decimal("-1.50"), 7, True, None, date(2026, 3, 1), moment, "蓝", 10**17, ["a", "b"]]
    kept = [export._unpacked(export._packed(value)) for value in row]
    assert kept == [*row[:8], "a, b"]
    (line,) = list(csv.reader(io.StringIO(export.as_csv(["a"], iter([kept])).decode("utf-8-sig"))))[1:]
    assert line[:5] == ["-1.50", "7", "1", "", "2026-03-01"] and line[6:8] == ["蓝", str(10**17)]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(export.as_xlsx(["a"], iter([kept])))).get_sheet_by_index(0)
    (cells,) = sheet.to_python()[1:]
    assert cells[:3] == [-1.5, 7, True] and cells[4] == date(2026, 3, 1) and cells[6:8] == ["蓝", str(10**17)]


def test_personal_and_cost_only_with_the_right(desk: Desk) -> None:
    finance = desk.person("finance")  # may take orders out, sees no persons
    head, *rows = desk.take_out(finance)
    assert "Receiver" not in head and "City" not in head and "Country" in head
    assert not any("Hannah" in str(cell) or "H•••" in str(cell) for row in rows for cell in row)
    assert desk.file().kind == "table" and "Value of a unit" in desk.take_out(finance, "stock", view="")[0]
    assert "Value of a unit" not in desk.take_out(desk.person("warehouse"), "stock", view="")[0]
    viewer = desk.person("viewer")
    assert viewer.post("/ui/lists/orders/export", {"format": "csv", "view": ""}).status_code == 403
    assert "/ui/lists/orders/export" not in viewer.get("/orders/").content.decode()
    blind = desk.person("clerk", accounts=[999])
    assert desk.take_out(blind)[1:] == []
    for name, form in (("orders", "exe"), ("nothing", "csv")):
        assert desk.person().post(f"/ui/lists/{name}/export", {"format": form}).status_code in (404, 422)


def test_a_file_is_of_who_asked_for_it(desk: Desk) -> None:
    owner, other = desk.person(), desk.person()
    desk.take_out(owner)
    address = f"/files/{desk.file().uid}/"
    assert other.get(address).status_code == 404 and owner.get(address).status_code == 200
    assert "/files/" not in other.get("/jobs/").content.decode() and address in owner.get("/jobs/").content.decode()
    with tenant_context(ACME):
        assert PersonalRead.objects.filter(kind="file", object_id=desk.file().pk).exists()
        assert clock.now() + timedelta(days=1) < desk.file().purge_at < clock.now() + timedelta(days=3)
        assert StoredFile.objects.count() == 1  # the parts are gone


def test_many_rows_in_parts_and_a_kill_between_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 5)
    monkeypatch.setattr(export, "PAGES_A_PART", 2)
    with tenant_context(ACME):
        take(desk.house.shop, *[order(f"MORE-{n:02}") for n in range(40)])
    Outbox.objects.all().delete()
    owner = desk.person()
    calls: list[int] = []
    keep = export._keep

    def dies(*given):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return keep(*given)

    monkeypatch.setattr(export, "_keep", dies)
    desk.ask(owner)
    with pytest.raises(KeyboardInterrupt):
        outbox.drain()
    assert (desk.job().state, desk.job().done) == (Job.RUNNING, 20)
    past = clock.wall() - timedelta(hours=1)
    Outbox.objects.filter(state=Outbox.LEASED).update(lease_until=past)
    with tenant_context(ACME):
        Job.objects.update(lease_until=past)
    outbox.drain()
    Outbox.objects.filter(state=Outbox.READY).update(available_at=past)
    outbox.drain()
    made = desk.job()
    assert (made.state, made.done) == (Job.DONE, 47)
    content = owner.get(f"/files/{desk.file().uid}/").getvalue().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))[1:]
    assert len({row[0] for row in rows}) == len(rows) == 47


def test_a_long_list_says_that_it_was_cut(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ALL_LIMIT", 4)
    monkeypatch.setattr(export, "PAGE", 2)
    assert len(desk.take_out(desk.person())) == 1 + 4
    assert [entry["code"] for entry in desk.job().log] == ["list.export_cut"]


def test_every_list_that_goes_out_says_its_columns(desk: Desk) -> None:
    owner = desk.person()
    with tenant_context(ACME):
        actor = _owner()
        for one in lists.registered():
            page = one.make(actor)
            if page.export:
                names = set(page.table.base_columns)
                # What a column only draws (a bar, a field to type in) goes out of no file.
                assert names - {out.column for out in page.outs(actor)} <= {"reading", "choose"}, one.name
    for name in ("orders", "skus", "stock", "parcels", "restock"):
        assert desk.take_out(owner, name, view="tab=all")[0], name
    assert desk.take_out(owner, "orders", form="xlsx", view="tab=cancelled")[1:] == []


def test_in_chinese(desk: Desk) -> None:
    owner = desk.person()
    owner.cookies["lang"] = "zh-hans"
    head, *rows = desk.take_out(owner, view="tab=short")
    assert head[0] == "订单" and "缺货" in rows[0] and desk.file().name.startswith("订单 ")


def test_a_person_who_is_forgotten_takes_the_files_along(desk: Desk) -> None:
    from core.erasure import Trail
    from core.records import erasing

    desk.take_out(desk.person())
    with tenant_context(ACME):
        kept = files.store("table", "t.csv", b"a", "text/csv", "orders.view")
        assert erasing.erase(Trail())["files"] == 1
        assert list(StoredFile.objects.all()) == [kept]  # the list's file went when that was committed


def test_stock_shows_no_unit_value_without_the_right() -> None:
    assert {out.operation for out in StockList("CNY").outs(_owner()) if out.column == "value"} == {"fields.cost"}


def _owner():
    from core.permissions import system

    return system("test")


def _query(text: str):
    from django.http import QueryDict

    return QueryDict(text)

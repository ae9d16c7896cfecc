"""Sheets brought in: a dry run that tells and changes nothing, the same in earnest, twice without harm, killed and resumed."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import python_calamine

from config.launch.places import ROOT
from core import files
from core.central import outbox
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor, of_role
from core.records.models import AuditEntry, Job, StoredFile
from core.tenancy import tenant_context
from inventory import services
from inventory.models import BringIn, Move, Product, Sku, Stock, Warehouse
from inventory.prove import prove
from inventory.services import bring_in
from tests.inventory.conftest import Shop

SHEET = """商品编码,中文名称,重量(克),款号,条码
SKU-0,旧的,120,,
NEW-1,新的,00250,P-1,0690123
NEW-2,又一个,重,P-1,
NEW-1,again,1,,
,no code,1,,
"""


def taken(shop: Shop, text: str, kind: str = "skus", **options: str) -> BringIn:
    made = bring_in.take_in(actor=shop.actor, kind=kind, name="goods.csv", content=text.encode())
    return bring_in.look_over(actor=shop.actor, pk=made.pk, mapping=made.mapping, options=options)


def run_jobs() -> None:
    outbox.drain(60)
    assert not [(job.error_code, job.error_params) for job in Job.objects.exclude(state="done")]


def test_a_dry_run_tells_everything_and_changes_nothing(shop: Shop) -> None:
    before = Sku.objects.count()
    found = taken(shop, SHEET)
    assert found.state == "checked" and found.counts == {"new": 1, "changed": 1, "same": 0, "refused": 3}
    assert [(line, field, code) for line, field, code, _ in found.errors] == [
        (4, "weight_g", "sheet.not_a_number"),
        (5, "code", "sheet.twice"),
        (6, "code", "sku.code_missing"),
    ]
    assert Sku.objects.count() == before and not Product.objects.exists()


def test_what_was_told_happens_once(shop: Shop) -> None:
    found = taken(shop, SHEET)
    bring_in.bring(actor=shop.actor, pk=found.pk)
    with pytest.raises(BusinessError) as refused:
        bring_in.bring(actor=shop.actor, pk=found.pk)
    assert refused.value.code == "bring_in.running"
    run_jobs()
    found.refresh_from_db()
    assert found.state == "done" and found.counts == {"new": 1, "changed": 1, "same": 0, "refused": 3}
    made = Sku.objects.get(code="NEW-1")
    assert (made.weight_g, made.barcode, made.product.code, made.title_zh) == (250, "0690123", "P-1", "新的")
    assert made.grams and AuditEntry.objects.filter(kind="sku", object_id=made.pk, code="sku.created").count() == 1
    with pytest.raises(BusinessError) as refused:
        bring_in.bring(actor=shop.actor, pk=found.pk)
    assert refused.value.code == "bring_in.done"
    job = Job.objects.get(pk=found.job_ref)
    assert (job.state, job.done, job.failed, job.total) == ("done", 2, 3, 5)
    again = taken(shop, SHEET)
    assert again.counts["same"] == 2 and not again.counts["new"]


def test_refused_rows_come_back_as_a_file_to_correct(shop: Shop) -> None:
    found = taken(shop, SHEET)
    bring_in.bring(actor=shop.actor, pk=found.pk)
    run_jobs()
    found.refresh_from_db()
    file = StoredFile.objects.get(pk=Job.objects.get(pk=found.job_ref).result_file_id)
    table = python_calamine.load_workbook(io.BytesIO(files.read(file))).get_sheet_by_index(0).to_python()
    assert table[0][:3] == ["Line", "What is wrong", "商品编码"]
    assert [row[0] for row in table[1:]] == [4, 5, 6] and "is no number" in table[1][1] and table[1][2] == "NEW-2"
    corrected = "\n".join(",".join(str(cell) for cell in row[2:]) for row in table[:2]).replace("重,", "9,")
    assert taken(shop, corrected).counts == {"new": 1, "changed": 0, "same": 0, "refused": 0}


def test_columns_can_be_said_otherwise_and_what_must_be_there_is_asked_for(shop: Shop) -> None:
    made = bring_in.take_in(actor=shop.actor, kind="skus", name="x.csv", content=b"one,two\nA-1,Lamp\n")
    assert made.mapping == {}
    with pytest.raises(BusinessError) as refused:
        bring_in.look_over(actor=shop.actor, pk=made.pk, mapping={"1": "title"}, options={})
    assert refused.value.code == "bring_in.missing"
    with pytest.raises(BusinessError) as refused:
        bring_in.look_over(actor=shop.actor, pk=made.pk, mapping={"0": "weight_g", "1": "weight_kg"}, options={})
    assert refused.value.code == "bring_in.twice"
    found = bring_in.look_over(
        actor=shop.actor, pk=made.pk, mapping={"0": "code", "1": "title", "9": "hs_code"}, options={}
    )
    assert found.mapping == {"0": "code", "1": "title"} and found.counts["new"] == 1


def test_who_may_not_change_the_catalogue_brings_nothing_in(shop: Shop) -> None:
    viewer = Actor(kind="user", id=9, label="viewer", operations=of_role("viewer"))
    with pytest.raises(NotAllowed):
        bring_in.take_in(actor=viewer, kind="skus", name="x.csv", content=b"SKU,Title\nA,b\n")
    clerk = Actor(kind="user", id=7, label="clerk", operations=of_role("clerk"), accounts=frozenset({1}))
    other = Actor(kind="user", id=8, label="other", operations=of_role("clerk"), accounts=frozenset({1}))
    mine = bring_in.take_in(actor=clerk, kind="skus", name="x.csv", content=b"SKU,Title\nA,b\n")
    with pytest.raises(BusinessError) as refused:
        bring_in.look_over(actor=other, pk=mine.pk, mapping={"0": "code"}, options={})
    assert refused.value.code == "bring_in.not_found"


def test_opening_stock_is_booked_once_for_a_sku_and_warehouse(shop: Shop) -> None:
    code = Warehouse.objects.get(pk=shop.warehouse).code
    text = f"SKU,数量,成本价,仓库\nSKU-0,10,2.50,{code}\nSKU-1,0,,\nSKU-2,1.5,,\nNONE,3,,\nSKU-2,4,x,nowhere\n"
    found = taken(shop, text, "opening", warehouse=str(shop.warehouse))
    assert found.counts == {"new": 1, "changed": 0, "same": 1, "refused": 3}
    assert {(line, code) for line, _, code, _ in found.errors} == {
        (4, "sheet.not_units"), (5, "sheet.unknown_sku"), (6, "sheet.no_warehouse"), (6, "sheet.not_a_number"),
    }  # fmt: skip
    before = Stock.objects.filter(sku_id=shop.skus[0]).first()
    had = before.sellable if before else 0
    bring_in.bring(actor=shop.actor, pk=found.pk)
    run_jobs()
    assert Stock.objects.get(sku_id=shop.skus[0], warehouse_id=shop.warehouse).sellable == had + 10
    again = taken(shop, text, "opening", warehouse=str(shop.warehouse))
    assert again.counts["new"] == 0 and any(code == "sheet.opening_there" for _, _, code, _ in again.errors)
    assert not prove().differences


WORKER = """
import django
django.setup()
from core.central import leases, outbox
from core import jobs
from inventory.services import bring_in
from inventory.sheets import kinds
leases.LEASE_SECONDS, leases.BEAT_SECONDS = 1.0, 0.25
from dataclasses import replace
kinds.register(replace(kinds.known("skus"), batch=100))
kinds.register(replace(kinds.known("opening"), batch=50))
print("ready", flush=True)
import time
while True:
    if not outbox.drain(1):
        time.sleep(0.02)
"""


def start(url: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=env, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.kill
def test_a_killed_import_goes_on_and_nothing_is_there_twice(committed_db: Any, acme: str) -> None:
    from core.permissions import system

    actor, count = system("test"), 3000
    skus = "SKU,Title,Weight,Product\n" + "".join(f"K-{n},Thing {n},{n + 1},P-{n % 40}\n" for n in range(count))
    stock = "SKU,Quantity,Cost\n" + "".join(f"K-{n},{n % 7 + 1},2.5\n" for n in range(600))
    with tenant_context(acme):
        place = services.create_warehouse(actor=actor, code="SZ", name="SZ")
        kills = _killed(committed_db.url, actor, "skus", skus, {}, lambda: Sku.objects.count())
        assert kills and Sku.objects.count() == count and Product.objects.count() == 40
        assert AuditEntry.objects.filter(code="sku.created").count() == count
        options = {"warehouse": str(place.pk)}
        kills += _killed(committed_db.url, actor, "opening", stock, options, lambda: Move.objects.count())
        assert Move.objects.count() == 600
        units = sum(Stock.objects.values_list("sellable", flat=True))
        assert units == sum(n % 7 + 1 for n in range(600))
        assert not prove().differences
        assert kills >= 3
        assert Sku.objects.get(code="K-7").weight_g == 8


def _killed(url: str, actor: Actor, kind: str, text: str, options: dict[str, str], count: Any) -> int:
    """Bring it in while its workers are killed in the midst of it; returns how often one was at work."""
    made = bring_in.take_in(actor=actor, kind=kind, name="k.csv", content=text.encode())
    found = bring_in.look_over(actor=actor, pk=made.pk, mapping=made.mapping, options=options)
    end, kills = time.monotonic() + 90, 0
    while found.state == "checking":
        process = start(url)
        time.sleep(1)
        process.kill()
        process.wait()
        found.refresh_from_db()
        assert time.monotonic() < end
    assert found.counts["refused"] == 0 and found.counts["new"] == found.total, found.errors[:3]
    before = count()
    bring_in.bring(actor=actor, pk=found.pk)
    while found.state != "done":
        process = start(url)
        stop = time.monotonic() + (0.15 if kills < 3 else 30)
        there = count()
        while time.monotonic() < stop or count() == there:
            found.refresh_from_db()
            if found.state == "done" or time.monotonic() > end:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if found.state != "done":
            kills += 1
        assert time.monotonic() < end, "the import did not end in time"
        found.refresh_from_db()
    assert count() - before == found.total and found.counts["new"] == found.total
    return kills


def test_two_who_look_at_once_count_each_row_once(
    committed_db: Any, acme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.orders.test_hand_races import at_once

    actor, both = Actor("user", 7, "Li", of_role("manager")), threading.Barrier(2)
    with tenant_context(acme):
        made = bring_in.take_in(actor=actor, kind="skus", name="goods.csv", content=SHEET.encode())
    real = bring_in.given

    def slow(found: BringIn, kind: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(2)
        return real(found, kind)

    monkeypatch.setattr(bring_in, "given", slow)
    look = lambda: bring_in.look_over(actor=actor, pk=made.pk, mapping=made.mapping, options={}).state  # noqa: E731
    assert at_once(look, times=2) == ["checked", "checked"]
    with tenant_context(acme):
        found = BringIn.objects.get()
        assert sum(found.counts.values()) == found.total == 5
        assert len(found.errors) == 3

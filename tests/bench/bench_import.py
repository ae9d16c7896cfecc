"""10,000 SKUs brought in from an XLSX file with 14 columns: taken in, looked over, written, by one worker process.

The yardstick is one order a transaction in hand-written SQL, before and after, on the same server. ``seconds``: from the
upload to the last row written, the dry run included.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from config.launch.places import ROOT
from tests.bench.figure import figure
from tests.bench.server import bench_database, environment
from tests.bench.yardstick import orders_per_second

SCHEMA = "t_bench"
ROWS = 10_000
HEADINGS = (
    "商品编码", "款号", "产品名称", "英文名称", "中文名称", "条码", "重量(g)", "长(cm)", "宽(cm)", "高(cm)",
    "英文报关名", "中文报关名",
    "海关编码", "申报价值",
)  # fmt: skip


def run() -> Iterator[dict[str, Any]]:
    with bench_database() as url, tempfile.TemporaryDirectory() as folder:
        before = orders_per_second(url)
        env = environment(url) | {"SAMPAN_DATA": folder}
        script = [sys.executable, "-m", "tests.bench.bench_import"]
        output = subprocess.run(script, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
        measured = json.loads(output.strip().splitlines()[-1])
        yard = (before + orders_per_second(url)) / 2
        for name in ("new", "changed"):
            one = measured[name]
            yield figure(f"import.{name}", ROWS / one["seconds"], "SKUs/s", yard, **one)


def workbook(round_: int) -> bytes:
    """The rows of a catalogue; another round changes the weight of each."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet()
    page.write_row(0, 0, HEADINGS)
    for n in range(ROWS):
        page.write_row(
            n + 1,
            0,
            (
                f"SKU-{n:05}", f"P-{n // 8:04}", f"产品 {n // 8}",
                f"Desk lamp number {n}, white, with a foot of oak", f"台灯 {n} 号 白色",
                6900000000000 + n, 100 + n % 900 + round_, 12.5, 8, 30.1, "desk lamp", "台灯", "940520", 8.5,
            ),
        )  # fmt: skip
    book.close()
    return out.getvalue()


def measure() -> dict[str, Any]:
    from core.permissions import system
    from core.tenancy import tenant_context
    from tenants.services.provisioning import provision

    actor = system("bench")
    provision(
        name="Bench", schema=SCHEMA, host="bench.localhost", owner_email="owner@example.com", password=None,
        timezone="UTC", currency="EUR", language="en", actor=actor,
    )  # fmt: skip
    contents = [workbook(0), workbook(1)]
    found = {}
    with tenant_context(SCHEMA):
        for name, content in zip(("new", "changed"), contents, strict=True):
            found[name] = _once(actor, content, name)
    return found


def _once(actor: Any, content: bytes, outcome: str) -> dict[str, Any]:
    from django.db import connection

    from core.central import outbox
    from inventory.models import Sku
    from inventory.services import bring_in

    queries = [0]

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        queries[0] += 1
        return execute(sql, params, many, context)

    started = time.perf_counter()
    with connection.execute_wrapper(count):
        made = bring_in.take_in(actor=actor, kind="skus", name="catalogue.xlsx", content=content)
        bring_in.look_over(actor=actor, pk=made.pk, mapping=made.mapping, options={})
        outbox.drain()
        looked = time.perf_counter()
        bring_in.bring(actor=actor, pk=made.pk)
        outbox.drain()
    spent = time.perf_counter() - started
    made.refresh_from_db()
    if made.state != "done" or made.counts.get(outcome) != ROWS or Sku.objects.count() != ROWS:
        raise SystemExit(f"not brought in: {made.state} {made.counts} {made.errors[:3]}")
    return {
        "seconds": round(spent, 2),
        "dry_seconds": round(looked - started, 2),
        "queries": queries[0],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(json.dumps(measure()))

"""The whole trip over real HTTP, simulators' limits off: pulled, routed, reserved, booked with number and label, handed
over, issued, confirmed at the marketplace. One worker process a core, a clerk, and the simulators on the same machine.

The yardstick is one order a transaction in hand-written SQL, before and after, on the same server.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.launch.places import ROOT
from tests.bench.figure import figure
from tests.bench.server import bench_database, environment
from tests.bench.yardstick import orders_per_second

SCHEMA = "t_bench"
PLATFORMS = ["amazon", "ebay", "amazon", "ebay"]
PER_ACCOUNT = 500
GIVE_UP = 240.0  # seconds without the last confirmation


def run() -> Iterator[dict[str, Any]]:
    from tests.support.simulators import running

    with bench_database() as url, tempfile.TemporaryDirectory() as folder:
        before = orders_per_second(url)
        now = time.time()
        # Ten times as fast, so that Amazon's two minutes of silence after a change are twelve seconds.
        clock = f"{now}:{now}:10"
        with running(Path(folder), limits="off", clock=clock) as server:
            env = environment(url) | {
                "SAMPAN_CLOCK": clock,
                "SANDBOX_URL": server.url,
                "SAMPAN_HTTP_LIMITS": "off",
                "SAMPAN_DATA": folder,
            }
            script = [sys.executable, "-m", "tests.bench.bench_trip", server.url]
            output = subprocess.run(script, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
        measured = json.loads(output.strip().splitlines()[-1])
        after = orders_per_second(url)
        rate = measured.pop("orders_per_second")
        yield figure("trip", rate, "orders/s", (before + after) / 2, **measured)


def prepare(url: str) -> int:
    """A tenant whose accounts, carrier, stock and rules stand, and orders that wait at the simulators."""
    import random

    import httpx

    from channels.registry import adapter_of
    from channels.services.accounts import connect_account
    from core import clock, settings_store
    from core.permissions import system
    from core.tenancy import tenant_context
    from inventory.services import create_sku, create_warehouse, opening
    from logistics.services.accounts import connect_carrier, save_service
    from orders.services import rules
    from tenants.services.provisioning import provision
    from tests.bench.bench_ingest import rule_samples
    from tests.bench.payloads import SKUS, planned

    actor = system("bench")
    provision(
        name="Bench", schema=SCHEMA, host="bench.localhost", owner_email="owner@example.com", password=None,
        timezone="UTC", currency="EUR", language="en", actor=actor,
    )  # fmt: skip
    http = httpx.Client(timeout=60, trust_env=False)
    with tenant_context(SCHEMA):
        warehouse = create_warehouse(actor=actor, code="SZ", name="Shenzhen")
        skus = [
            create_sku(
                actor=actor, code=f"SKU-{n:04}", title=f"Thing {n}", weight_g=50 + n % 300, customs_name_en="Gift",
                customs_name_zh="礼品", hs_code="950300",
            )
            for n in range(SKUS)
        ]  # fmt: skip
        for start in range(0, SKUS, 200):
            some: list[tuple] = [(sku.pk, 10_000_000, Decimal(1), "EUR") for sku in skus[start : start + 200]]
            opening(actor=actor, warehouse_id=warehouse.pk, lines=some, key=f"opening-{start}")
        keys = {"app_id": "bench", "app_secret": "bench-secret"}
        http.post(f"{url}/_control/yunexpress/accounts", json={"account_id": "bench", **keys}).raise_for_status()
        carrier = connect_carrier(
            actor=actor, carrier="yunexpress", name="Yun", external_id="bench", settings={"base_url": f"{url}/yunexpress"},
            credentials=keys,
        )  # fmt: skip
        save_service(actor=actor, account_id=carrier.pk, code="BKPHR", key="std", name="Standard", battery=True)
        rules.publish(actor=actor, rules=rule_samples())
        settings_store.put(actor, "auto_book", True)
        draw, number, when = random.Random(1), 0, clock.now() - timedelta(minutes=10)
        for platform in PLATFORMS:
            draft = adapter_of(platform).sandbox_draft(url, "DE")
            http.post(draft.register_url, json=dict(draft.register)).raise_for_status()
            control = f"{url}/_control/{platform}/accounts/{draft.external_id}/orders"
            for start in range(0, PER_ACCOUNT, 250):
                some = [planned(draw, number + i, when) for i in range(start, start + 250)]
                http.post(control, json={"orders": some}).raise_for_status()
            number += PER_ACCOUNT
            connect_account(
                actor=actor, platform=platform, name=draft.external_id, external_id=draft.external_id,
                settings=draft.settings, credentials=draft.credentials, marketplaces=draft.marketplaces,
                read_from=when - timedelta(hours=1),
            )  # fmt: skip
    time.sleep(13)  # eBay and Amazon give what stood two (simulated) minutes ago
    return number


def work(go: Any, stop: Any, results: Any) -> None:
    """What a Celery child does, without the broker: due rows and outbox rows until told to stop."""
    import django

    django.setup()
    from django.db import connection

    from core.central import due, outbox

    queries = [0]

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        queries[0] += 1
        return execute(sql, params, many, context)

    connection.ensure_connection()
    go.wait()
    with connection.execute_wrapper(count):
        while not stop.is_set():
            if not due.drain(4) + outbox.drain(max_seconds=2):
                time.sleep(0.02)
    results.put((queries[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def clerk(go: Any, stop: Any) -> None:
    """Hands over whatever has its label, a batch at a time."""
    import django

    django.setup()
    from core import bulk
    from core.permissions import system
    from core.tenancy import tenant_context
    from fulfilment.services import hand_over

    actor = system("clerk")
    go.wait()
    with tenant_context(SCHEMA):
        while not stop.is_set():
            rows = bulk.fetch("SELECT id FROM logistics_shipment WHERE state = 'ready' ORDER BY id LIMIT 100")
            if rows:
                hand_over(actor=actor, shipment_ids=[row[0] for row in rows])
            else:
                time.sleep(0.1)


def measure(url: str) -> dict[str, Any]:
    wanted = prepare(url)
    from django.db import connection

    connection.close()
    cores = len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    go, stop, results = context.Event(), context.Event(), context.Queue()
    workers = [context.Process(target=work, args=(go, stop, results)) for _ in range(cores)]
    people = [context.Process(target=clerk, args=(go, stop))]
    for process in [*workers, *people]:
        process.start()
    time.sleep(4)  # imports
    started = time.perf_counter()
    go.set()
    spent = _wait(wanted, started)
    stop.set()
    answers = [results.get(timeout=60) for _ in workers]
    for process in [*workers, *people]:
        process.join(timeout=30)
    return {
        "orders_per_second": wanted / spent,
        "orders": wanted,
        "processes": cores,
        "queries_per_order": round(sum(answer[0] for answer in answers) / wanted, 2),
        "peak_mb": round(max(answer[1] for answer in answers) / 1024),
    }


def _wait(wanted: int, started: float) -> float:
    """Until every order is confirmed at its marketplace and its stock is issued; else nothing was measured."""
    from core import bulk
    from core.tenancy import tenant_context

    with tenant_context(SCHEMA):
        while True:
            done = bulk.fetch("SELECT count(*) FROM channels_confirmation WHERE state = 'confirmed'")[0][0]
            spent = time.perf_counter() - started
            if done >= wanted:
                return spent
            if spent > GIVE_UP:
                states = bulk.fetch("SELECT state, count(*) FROM orders_order GROUP BY state ORDER BY 2 DESC")
                raise SystemExit(f"only {done} of {wanted} orders were confirmed; orders by state: {states}")
            time.sleep(0.2)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(json.dumps(measure(sys.argv[1])))

"""Ingest → routed → reserved, from pages of 100 payloads of the real adapters held in memory; one process a core.

Every row is written that the product writes: raw inbox, orders, lines, customers, search, audit, outbox, trace,
reservations. The yardstick is one order a transaction on one connection, before and after, on the same server.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.launch.places import ROOT
from tests.bench.figure import figure
from tests.bench.server import bench_database, environment
from tests.bench.yardstick import orders_per_second

PLATFORMS = ["amazon", "ebay", "amazon", "ebay"]
PER_ACCOUNT = 3000
RULES = 12


def run() -> Iterator[dict[str, Any]]:
    with bench_database() as url, tempfile.TemporaryDirectory() as folder:
        before = orders_per_second(url)
        # Simulated time runs 200 times as fast while the payloads are made, so that Amazon's two minutes pass quickly.
        now = time.time()
        clock = f"{now}:{now}:200"
        env = environment(url) | {"SAMPAN_CLOCK": clock}
        script = [sys.executable, "-m", "tests.bench.bench_ingest"]
        subprocess.run([*script, "prepare", folder], cwd=ROOT, env=env, check=True)
        output = subprocess.run(
            [*script, "measure", folder], cwd=ROOT, env=environment(url), check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        measured = json.loads(output.strip().splitlines()[-1])
        after = orders_per_second(url)
        yard = (before + after) / 2
        rate = measured.pop("orders_per_second")
        yield figure("ingest", rate, "orders/s", yard, **measured)


def prepare(folder: Path) -> None:
    """A tenant with accounts, 1,000 SKUs in stock, rules and a service; payload pages pickled per account."""
    from channels.models import Account
    from core import clock
    from core.permissions import system
    from core.tenancy import tenant_context
    from inventory.models import Sku, Stock, Warehouse
    from logistics.models import CarrierAccount, Service
    from orders.services import rules
    from tenants.services.provisioning import provision
    from tests.bench.payloads import SKUS, pages
    from tests.support.simulators import running

    actor = system("bench")
    provision(
        name="Bench", schema="t_bench", host="bench.localhost", owner_email="owner@example.com", password=None,
        timezone="UTC", currency="EUR", language="en", actor=actor,
    )  # fmt: skip
    with running(folder / "simulators", limits="off", clock=os.environ["SAMPAN_CLOCK"]) as server:
        found = pages(server.url, PLATFORMS, PER_ACCOUNT)
    now = clock.now()
    with tenant_context("t_bench"):
        warehouse = Warehouse.objects.create(code="SZ", name="Shenzhen")
        carrier = CarrierAccount.objects.create(carrier="yunexpress", name="Yun", created_at=now)
        Service.objects.create(carrier_account=carrier, code="THPHR", key="std", name="Standard", battery=True)
        skus = Sku.objects.bulk_create(
            Sku(
                code=f"SKU-{n:04}",
                code_key=f"SKU-{n:04}",
                title=f"Thing {n}",
                weight_g=50 + n,
                created_at=now,
                updated_at=now,
            )
            for n in range(SKUS)
        )
        Stock.objects.bulk_create(Stock(warehouse=warehouse, sku=sku, sellable=10_000_000) for sku in skus)
        rules.publish(actor=actor, rules=rule_samples())
        pickled = {}
        for (platform, external_id), some in found.items():
            account = Account.objects.create(
                platform=platform, name=external_id, external_id=external_id, created_at=now
            )
            pickled[account.pk] = (platform, some)
    (folder / "pages.pickle").write_bytes(pickle.dumps(pickled))


def rule_samples() -> list[dict[str, Any]]:
    """Rules as a seller has them: several that do not match, tags, and a last one for everything else."""
    made: list[dict[str, Any]] = []
    for n in range(RULES - 2):
        conditions = {
            "all": [
                {"field": "country", "op": "in", "value": ["US", "CA", "AU", "BR"][: 1 + n % 4]},
                {
                    "any": [
                        {"field": "weight_g", "op": "gt", "value": 500 * n},
                        {"field": "battery", "op": "eq", "value": True},
                    ]
                },
            ]
        }
        made.append(
            {
                "id": str(n),
                "name": f"Rule {n}",
                "conditions": conditions,
                "actions": [{"do": "service", "value": "std"}],
            }
        )
    heavy = {"field": "units", "op": "gte", "value": 4}
    made.append({"id": "90", "name": "Many", "conditions": heavy, "actions": [{"do": "tag", "value": "many"}]})
    made.append({"id": "99", "name": "All", "conditions": {"all": []}, "actions": [{"do": "service", "value": "std"}]})
    return made


def worker(more: dict[int, Any], ready: Any, go: Any, results: Any) -> None:
    import django

    django.setup()
    from django.db import connection, transaction

    from channels.services import inbox
    from core.central import outbox
    from core.permissions import system
    from core.tenancy import tenant_context
    from orders.services.ingest import ingest_pending

    queries = [0]

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        queries[0] += 1
        return execute(sql, params, many, context)

    actor = system("sync")
    connection.ensure_connection()
    ready.release()
    go.wait()
    orders = 0
    with connection.execute_wrapper(count):
        for account, (platform, some) in more.items():
            for page in some:
                with tenant_context("t_bench"):
                    with transaction.atomic():
                        inbox.store(account_id=account, kind=inbox.ORDER, items=page)
                    ingest_pending(account_id=account, platform=platform, actor=actor)
                outbox.drain(max_seconds=20)
                orders += len(page)
        outbox.drain(max_seconds=60)
    results.put((orders, queries[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def measure(folder: Path) -> dict[str, Any]:
    found = pickle.loads((folder / "pages.pickle").read_bytes())
    cores = len(os.sched_getaffinity(0))
    shares: list[dict[int, Any]] = [{} for _ in range(cores)]
    for index, (account, some) in enumerate(found.items()):
        shares[index % cores][account] = some
    context = multiprocessing.get_context("spawn")
    ready, go, results = context.Semaphore(0), context.Event(), context.Queue()
    processes = [context.Process(target=worker, args=(share, ready, go, results)) for share in shares if share]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    started = time.perf_counter()
    go.set()
    answers = [results.get() for _ in processes]
    spent = time.perf_counter() - started
    for process in processes:
        process.join()
    orders = sum(answer[0] for answer in answers)
    _all_ready(orders)
    return {
        "orders_per_second": orders / spent,
        "orders": orders,
        "processes": len(processes),
        "queries_per_order": round(sum(answer[1] for answer in answers) / orders, 2),
        "peak_mb": round(max(answer[2] for answer in answers) / 1024),
    }


def _all_ready(orders: int) -> None:
    """A figure counts only when every order stands routed and reserved."""
    import django

    django.setup()
    from core.tenancy import tenant_context
    from inventory.models import Reservation
    from orders.models import Order, OrderLine

    with tenant_context("t_bench"):
        ready = Order.objects.filter(state="ready").count()
        lines, held = OrderLine.objects.count(), Reservation.objects.filter(closed_at__isnull=True).count()
    if ready != orders or lines != held:
        raise SystemExit(
            f"{ready} of {orders} orders are ready, {held} of {lines} lines hold stock: nothing was measured"
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]))
    else:
        print(json.dumps(measure(Path(sys.argv[2]))))

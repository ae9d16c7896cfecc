"""Real worker processes on the outbox, killed with -9 and frozen at moments they do not choose."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from config.launch.places import ROOT
from core import events
from core.central.models import Outbox
from core.records.models import TenantSetting
from core.tenancy import tenant_context

pytestmark = pytest.mark.kill

# Short leases, and a handler of two transactions with pauses that invite a kill between any two statements.
WORKER = """
import random, time, django
django.setup()
from django.db import transaction
from core import bulk, events
from core.central import leases, outbox
leases.LEASE_SECONDS, leases.BEAT_SECONDS = 1.0, 0.25

COUNT = ("INSERT INTO records_tenantsetting (name, value) VALUES (%s, '1') ON CONFLICT (name) DO UPDATE "
         "SET value = ((records_tenantsetting.value)::int + 1)::text::jsonb")

def call(payload):
    with transaction.atomic():
        bulk.execute(COUNT, [f"tries {payload['n']}"])
    time.sleep(payload.get("sleep", random.uniform(0, 0.05)))
    with events.close_row():
        bulk.execute(COUNT, [f"n {payload['n']}"])
        time.sleep(random.uniform(0, 0.01))

events.on("kill.test", name="kill.test", stream=lambda p: str(p["n"] % 4), retries=1000)(call)
print("ready", flush=True)
while True:
    if not outbox.drain():
        time.sleep(0.02)
"""


@pytest.fixture
def workers(committed_db: Any) -> Iterator[Any]:
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        env = os.environ | {"DATABASE_URL": committed_db.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        process = subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=env, stdout=subprocess.PIPE)
        running.append(process)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def rows(acme: str, committed_db: Any) -> Iterator[Any]:
    handler = events.on("kill.test", name="kill.test", stream=lambda p: str(p["n"] % 4), retries=1000)
    handler(lambda payload: None)

    def emit(*payloads: dict[str, Any]) -> None:
        with tenant_context(acme), transaction.atomic():
            events.emit_many("kill.test", list(payloads))

    yield emit
    del events._by_event["kill.test"], events._by_name["kill.test"]


def values(schema: str) -> dict[str, int]:
    with tenant_context(schema):
        return dict(TenantSetting.objects.values_list("name", "value"))


def wait_until(done: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "the rows were not handled in time"
        time.sleep(0.05)


def test_workers_killed_at_any_moment(workers: Any, rows: Any, acme: str) -> None:
    seeded = random.Random(7)

    def half_done() -> bool:
        found = values(acme)
        return any(name.startswith("tries ") and "n " + name[6:] not in found for name in found)

    for part in range(5):
        alive = [workers(), workers()]
        rows(*[{"n": n} for n in range(part * 30, part * 30 + 30)])
        time.sleep(seeded.uniform(0, 0.2))
        wait_until(half_done)
        for victim in alive:
            victim.send_signal(signal.SIGKILL)
        for victim in alive:
            victim.wait()
    workers()
    workers()
    wait_until(lambda: not Outbox.objects.exists())
    found = values(acme)
    assert {n: found[f"n {n}"] for n in range(150)} == dict.fromkeys(range(150), 1)
    # The kills did hit handlers that were at work.
    assert sum(found[f"tries {n}"] for n in range(150)) > 150


def test_a_frozen_worker_wakes_up_too_late(workers: Any, rows: Any, acme: str) -> None:
    rows(*[{"n": n} for n in range(40)])
    frozen = workers()
    wait_until(lambda: len(values(acme)) > 10)
    frozen.send_signal(signal.SIGSTOP)
    time.sleep(1.5)  # its lease has run out; only what its open transaction locks waits for it
    workers()
    time.sleep(0.5)
    frozen.send_signal(signal.SIGCONT)
    wait_until(lambda: not Outbox.objects.exists())
    found = values(acme)
    assert {n: found[f"n {n}"] for n in range(40)} == dict.fromkeys(range(40), 1)


def test_a_slow_handler_keeps_its_lease(workers: Any, rows: Any, acme: str) -> None:
    rows({"n": 0, "sleep": 2.5})  # more than twice the lease
    workers()
    workers()
    wait_until(lambda: not Outbox.objects.exists())
    assert values(acme) == {"tries 0": 1, "n 0": 1}

"""Beat, Valkey and a real Celery worker: ticks, hints, due runs, and a worker child that is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from config.launch.embedded import Valkey
from config.launch.places import ROOT
from core import events
from core.central import due
from core.central.models import Due, Outbox
from core.clock import now
from core.tenancy import tenant_context

pytestmark = pytest.mark.kill


def wait_until(done: Any, log: Path, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.05)


@pytest.fixture
def celery(committed_db: Any, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    short = Path(tempfile.mkdtemp(prefix="vk"))  # its socket's path must be short
    valkey = Valkey.at(short)
    valkey.prepare()
    log = tmp_path / "log"
    env = os.environ | {
        "DATABASE_URL": committed_db.url,
        "BROKER_URL": valkey.url(),
        "SAMPAN_DATA": str(tmp_path),
        "SAMPAN_ROLE": "worker",
    }
    command = [sys.executable, "-m", "celery", "-A", "config"]
    with log.open("ab") as out, ExitStack() as stack:

        def start(argv: list[str]) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(lambda: os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None)
            return process

        start(valkey.argv())
        while not valkey.ready():
            time.sleep(0.02)
        worker = start(
            [*command, "worker", "--loglevel", "INFO", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        )
        start([*command, "beat", "--pidfile=", "--schedule", str(tmp_path / "beat")])
        wait_until(lambda: b" ready." in log.read_bytes(), log)
        yield worker, log
    shutil.rmtree(short)


def test_rows_are_found_by_ticks_alone(celery: Any, acme: str, beta: str) -> None:
    worker, log = celery
    Due.objects.all().delete()
    due.schedule(acme, "records.upkeep", "", 3600)
    due.schedule(beta, "records.upkeep", "", 3600, first_at=now() + timedelta(hours=1))
    for schema in (acme, beta):  # no hint comes from here: this process's broker is another one
        with tenant_context(schema), transaction.atomic():
            events.emit_many("jobs.wanted", [{"id": 10_000 + n} for n in range(50)])
    wait_until(lambda: not Outbox.objects.exists(), log)
    wait_until(lambda: Due.objects.get(schema=acme).last_finished_at, log)
    assert Due.objects.get(schema=beta).last_finished_at is None
    assert Due.objects.get(schema=acme).error_code == ""

    # The children keep their connections over several ticks instead of opening one for each task.
    time.sleep(2.5)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(extract(epoch FROM clock_timestamp() - backend_start)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] > 1.5
    children = [int(pid) for pid in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()]
    assert len(children) >= 2
    for child in children:
        os.kill(child, signal.SIGKILL)
    with tenant_context(acme), transaction.atomic():
        events.emit("jobs.wanted", {"id": 20_000})
    due.run_now(beta, "records.upkeep", "")
    wait_until(lambda: not Outbox.objects.exists(), log)
    wait_until(lambda: Due.objects.get(schema=beta).last_finished_at, log)
    assert "Traceback" not in log.read_text().replace("WorkerLostError", "")

"""The product as processes of their own on this test's database: for browser tests and for tests that kill."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import redis

from config.launch.processes import Plan, product, servers
from config.launch.supervisor import Supervisor
from tests.support.simulators import free_port


@dataclass(frozen=True)
class Site:
    """A running product. Python does not resolve *.localhost: connect to `url` and send a Host header.

    `logs`: folder of NAME.log. `supervisor`: kills and restarts (names: valkey, web and what else was asked for).
    """

    url: str
    port: int
    logs: Path
    supervisor: Supervisor
    valkey_url: str


@contextmanager
def served(database_url: str, *names: str, sandbox_url: str = "", web_processes: int = 1, **env: str) -> Iterator[Site]:
    """Start Valkey, the web server and those of `worker`, `beat` that are named, on a committed database.

    `env` is added to their environment. Everything is stopped and removed at the end. A test that takes
    `committed_db` passes `committed_db.url`.
    """
    folder = Path(tempfile.mkdtemp(prefix="sampan-web-"))
    settings = {"SANDBOX_URL": sandbox_url, **env} if sandbox_url else env
    plan = Plan(
        port=free_port(),
        data=folder,
        database_url=database_url,
        broker_url="",
        web_processes=web_processes,
        worker_processes=2,
        env=settings,
    )
    supervisor = Supervisor(folder / "log", env=plan.environment(), echo=lambda line: None)
    for process in [*servers(plan), *product(plan)]:
        if process.name in ("valkey", "web", *names):
            supervisor.add(process)
    try:
        supervisor.start()
        yield Site(
            f"http://127.0.0.1:{plan.port}", plan.port, folder / "log", supervisor, plan.environment()["BROKER_URL"]
        )
    finally:
        supervisor.stop_now()  # the orderly end has tests of its own
        shutil.rmtree(folder, ignore_errors=True)


def renew(site: Site) -> None:
    """Make a running web server as good as just started, for the next test: nothing cached, its workers new ones.

    The preloaded master knows no database; what its workers remembered goes with them. Seconds cheaper than a start.
    """
    redis.Redis.from_url(site.valkey_url.replace("redis+socket://", "unix://")).flushall()
    master = site.supervisor.pid("web")
    assert master, "the web server has gone"
    old = _children(master)
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 60
    while not (new := _children(master)) or new & old:
        assert time.monotonic() < end, f"no new worker of the web server; see {site.logs}"
        time.sleep(0.02)
    site.supervisor.wait_ready("web")
    assert httpx.get(f"{site.url}/health", timeout=60).status_code == 200


def _children(pid: int) -> set[int]:
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

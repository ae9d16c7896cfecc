"""The processes that a rehearsal plays on: servers, simulators, web, worker and beat under one supervisor of its own.

They live on a data folder of their own and on one scaled clock, so a demo that runs beside is not touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.launch.places import data_dir, private_dir
from config.launch.processes import Plan, preparation, product, servers, simulators
from config.launch.state import save
from config.launch.supervisor import ProcessFailed, Supervisor
from core import clock

MARK = "SAMPAN_REHEARSAL"  # set for the process that has its environment; holds what ``Given`` needs
KILLABLE = ("worker", "web", "beat", "postgres")


@dataclass(frozen=True)
class Given:
    """Where the rehearsal plays. ``number`` names the run, its tenant and its accounts."""

    number: str
    data: str
    port: int
    simulator_port: int
    database_url: str
    broker_url: str
    clock: str

    def plan(self, *, limits: bool, workers: int | None = None) -> Plan:
        plan = Plan(
            port=self.port,
            simulator_port=self.simulator_port,
            simulator_limits=limits,
            data=Path(self.data),
            database_url=self.database_url,
            broker_url=self.broker_url,
            web_processes=1,
            worker_processes=4,
            env={"SAMPAN_CLOCK": self.clock, "DEMO": "0"},
        )
        return plan if workers is None else Plan(**{**plan.__dict__, "worker_processes": workers})


def fresh(number: str, speed: float) -> Given:
    """A place for a new run: an empty data folder, free ports, a clock that starts now and goes ``speed`` times as fast."""
    now = clock.wall().timestamp()
    port, simulator_port = _free_ports(2)
    return Given(
        number=number,
        data=str(data_dir() / f"rehearsal-{number}"),
        port=port,
        simulator_port=simulator_port,
        database_url=os.environ.get("DATABASE_URL", ""),
        broker_url=os.environ.get("BROKER_URL", ""),
        clock=f"{now:.3f}:{now:.3f}:{speed:g}",
    )


def begin_again(given: Given, argv: list[str]) -> None:
    """Replace this process by one whose settings lead to the run's own servers; never returns."""
    environment = {**os.environ, **given.plan(limits=True).environment(), MARK: json.dumps(given.__dict__)}
    os.execve(argv[0], argv, environment)


def given() -> Given | None:
    """What ``begin_again`` left for us, None before it."""
    text = os.environ.get(MARK)
    return None if text is None else Given(**json.loads(text))


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


class Stage:
    """Starts, kills and stops the processes of a run."""

    def __init__(self, given: Given, *, limits: bool, workers: int | None = None, echo: Callable[[str], None]) -> None:
        self.given = given
        self.plan = given.plan(limits=limits, workers=workers)
        data = private_dir(self.plan.data)
        self.supervisor = Supervisor(
            data / "log", env=self.plan.environment(), echo=echo, on_change=lambda it: save(data, it), adopt=False
        )
        for process in [*servers(self.plan), *simulators(self.plan), *preparation(self.plan), *product(self.plan)]:
            self.supervisor.add(process)

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.plan.port}"

    def start(self) -> None:
        """Raises ProcessFailed with the words of the process that did not start."""
        self.supervisor.start()

    def stop(self) -> None:
        self.supervisor.stop()

    def remove(self) -> None:
        """Throw the run's data away."""
        shutil.rmtree(self.plan.data, ignore_errors=True)

    def killable(self) -> list[str]:
        """Processes of ours that may be killed; somebody else's database server is not ours."""
        return [name for name in KILLABLE if name in self.supervisor.names()]

    def kill(self, name: str) -> int:
        """kill -9 of a process and its children; the supervisor starts it again. Raises ProcessFailed."""
        pid = self.supervisor.pid(name)
        children = _children(pid) if pid is not None and name != "postgres" else []
        killed = self.supervisor.kill9(name)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return killed

    def wait_back(self, name: str, seconds: float = 60.0) -> None:
        """Until the process lives again. Raises ProcessFailed."""
        self.supervisor.wait_ready(name, seconds)

    def dead(self) -> list[str]:
        """Processes that the supervisor gave up."""
        return self.supervisor.failures()


def _children(pid: int) -> list[int]:
    """All descendants of a process, as far as the kernel tells."""
    found: list[int] = []
    pending = [pid]
    while pending:
        try:
            text = Path(f"/proc/{pending[0]}/task/{pending[0]}/children").read_text()
        except OSError:
            text = ""
        pending.pop(0)
        fresh_ones = [int(word) for word in text.split()]
        found += fresh_ones
        pending += fresh_ones
    return found


__all__ = ["Given", "ProcessFailed", "Stage", "begin_again", "fresh", "given"]

"""Which processes Sampan consists of, in the order of their start. This list is the only place that knows commands."""

import http.client
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.launch.embedded import Postgres, Valkey
from config.launch.places import ROOT, data_dir
from config.launch.supervisor import Process

SIMULATOR_PORT = 8700


@dataclass(frozen=True)
class Plan:
    """What to start. `database_url` and `broker_url` of somebody else's servers replace the embedded ones.

    `limits`: whether the simulators keep the platforms' published rate limits. `env` goes to every process.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    demo: bool = False
    simulator_port: int = SIMULATOR_PORT
    simulator_limits: bool = True
    data: Path = field(default_factory=data_dir)
    database_url: str = field(default_factory=lambda: os.environ.get("DATABASE_URL", ""))
    broker_url: str = field(default_factory=lambda: os.environ.get("BROKER_URL", ""))
    worker_processes: int = field(default_factory=lambda: max(2, min(os.cpu_count() or 2, 8)))
    web_processes: int = 2
    web_threads: int = 4
    env: dict[str, str] = field(default_factory=dict)

    @property
    def simulators_url(self) -> str:
        """Where the product finds the simulators."""
        return f"http://127.0.0.1:{self.simulator_port}"

    def environment(self) -> dict[str, str]:
        """What every process gets on top of the environment of the launcher."""
        settings = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SAMPAN_DATA": str(self.data),
            "DATABASE_URL": self.database_url or Postgres.at(self.data).url(),
            "BROKER_URL": self.broker_url or Valkey.at(self.data).url(),
            "SANDBOX_URL": self.simulators_url,
            "PYTHONUNBUFFERED": "1",
        }
        if self.demo:
            settings["DEMO"] = "1"
        return settings | self.env


def servers(plan: Plan) -> list[Process]:
    """The embedded servers that the plan needs; none where the environment names others."""
    needed = []
    if not plan.database_url:
        postgres = Postgres.at(plan.data)
        needed.append(
            Process(
                "postgres",
                postgres.argv(),
                probe=postgres.ready,
                before=lambda: _claim(postgres),
                after=postgres.ensure_database,
                # SIGTERM would wait for clients that are still connected.
                stop_signal=signal.SIGINT,
                ready_timeout=120,  # it may have to recover
                stop_timeout=30,
            )
        )
    if not plan.broker_url:
        valkey = Valkey.at(plan.data)
        needed.append(Process("valkey", valkey.argv(), probe=valkey.ready, before=valkey.prepare))
    return needed


def simulators(plan: Plan) -> list[Process]:
    """All marketplaces and carriers in one process."""
    command = [sys.executable, "-m", "sandbox.simulators", "--data", str(plan.data / "simulators")]
    command += ["--port", str(plan.simulator_port), "--limits", "on" if plan.simulator_limits else "off"]
    ready = answers("127.0.0.1", plan.simulator_port, "/_control/health")
    return [Process("simulators", command, cwd=ROOT, probe=ready)]


def preparation(plan: Plan) -> list[Process]:
    """What brings the database up to date before anything works on it."""
    prepared = [_manage("setup", timeout=600)]
    if plan.demo:
        web = f"http://127.0.0.1:{plan.port}"  # where the simulators' calls go, once it runs
        prepared.append(_manage("seed_demo", "--web-url", web, timeout=900))
    return prepared


def product(plan: Plan) -> list[Process]:
    """Web server, worker and beat."""
    python = sys.executable
    gunicorn = [python, "-m", "gunicorn", "config.wsgi", "--bind", f"{plan.host}:{plan.port}"]
    gunicorn += ["--workers", str(plan.web_processes), "--worker-class", "gthread", "--threads", str(plan.web_threads)]
    gunicorn += ["--keep-alive", "20"]  # a person clicks every few seconds
    gunicorn += ["--preload"]  # warmed up once (config.warm), and what it holds is shared
    # Its control socket lies in the home folder, where two instances collide.
    gunicorn += ["--no-control-socket", "--graceful-timeout", "5", "--timeout", "120"]
    celery = [python, "-m", "celery", "-A", "config"]
    worker = [*celery, "worker", "--loglevel", "INFO", "--concurrency", str(plan.worker_processes)]
    worker += ["--without-gossip", "--without-mingle", "--hostname", "worker@%h"]
    return [
        Process(
            "web",
            gunicorn,
            cwd=ROOT,
            env={"SAMPAN_ROLE": "web"},
            # A page that fails is a bug to be looked at, not a reason to hold back the start.
            probe=answers(plan.host, plan.port, "/health"),
        ),
        Process(
            "worker",
            worker,
            cwd=ROOT,
            env={"SAMPAN_ROLE": "worker"},
            ready_text=b" ready.",
            # Asked politely it may wait for a broker that is dying too; the leases make up for what was cut off.
            death_signal=signal.SIGKILL,
        ),
        Process(
            "beat",
            [*celery, "beat", "--loglevel", "INFO", "--pidfile=", "--schedule", str(plan.data / "beat-schedule")],
            cwd=ROOT,
            env={"SAMPAN_ROLE": "worker"},
            ready_text=b"beat: Starting",
        ),
    ]


def everything(plan: Plan) -> list[Process]:
    """All processes of the plan, in the order of their start."""
    sandbox = simulators(plan) if plan.demo else []
    return [*servers(plan), *sandbox, *preparation(plan), *product(plan)]


def answers(host: str, port: int, path: str) -> Callable[[], bool]:
    """A probe: does an HTTP server answer there, with whatever it has to say?"""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)

    def probe() -> bool:
        connection = http.client.HTTPConnection(reachable, port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def port_taken(host: str, port: int) -> bool:
    """Whether something listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return True
    return False


def _manage(command: str, *arguments: str, timeout: float) -> Process:
    argv = [sys.executable, str(ROOT / "manage.py"), command, *arguments]
    return Process(command, argv, cwd=ROOT, once=True, ready_timeout=timeout)


def _claim(postgres: Postgres) -> None:
    # The last server of this cluster may still be on its way out when its supervisor was killed a moment ago.
    postgres.prepare()
    postgres.wait_gone(20)

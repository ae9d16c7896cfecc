"""The simulators as a real process on a free port, for tests that want the wire and not a mock."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Server:
    """A running process of ``python -m sandbox.simulators``."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """As ``kill -9`` does it; what was answered must be there after the next start."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(data: Path, *, limits: str = "on", clock: str | None = None, port: int | None = None) -> Iterator[Server]:
    """Start the simulators over ``data``. ``clock`` is ``"<real epoch>:<simulated epoch>:<speed>"``."""
    port = port or free_port()
    env = {key: value for key, value in os.environ.items() if key != "SAMPAN_CLOCK"}
    if clock is not None:
        env["SAMPAN_CLOCK"] = clock
    command = [sys.executable, "-m", "sandbox.simulators", "--data", str(data), "--port", str(port), "--limits", limits]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait(server: Server) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"the simulators ended at once with code {server.process.returncode}")
        try:
            if httpx.get(f"{server.url}/_control/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the simulators did not answer within 30 seconds")


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of one server for the whole session; state is kept apart by account ids that each test chooses."""
    with running(tmp_path_factory.mktemp("simulators")) as server:
        yield server.url

"""The list of processes, and the launcher's own manners."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from config.launch.__main__ import check_ports, check_servers, welcome
from config.launch.places import ROOT
from config.launch.processes import Plan, answers, everything, port_taken
from config.launch.state import CannotStart, is_running, only_one, read, save
from config.launch.supervisor import Process, Supervisor


@pytest.fixture
def listener():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def plan(tmp_path, **given) -> Plan:
    return Plan(**{"data": tmp_path, "database_url": "", "broker_url": "", **given})


def test_the_order_of_the_start(tmp_path):
    names = [process.name for process in everything(plan(tmp_path, demo=True))]
    assert names == ["postgres", "valkey", "simulators", "setup", "seed_demo", "web", "worker", "beat"]
    names = [process.name for process in everything(plan(tmp_path, database_url="postgresql://db/x"))]
    assert names == ["valkey", "setup", "web", "worker", "beat"]


def test_only_the_demo_is_told_that_it_is_one(tmp_path):
    assert plan(tmp_path, demo=True).environment()["DEMO"] == "1"
    assert "DEMO" not in plan(tmp_path).environment()


def test_a_taken_port_is_a_sentence(tmp_path, listener, monkeypatch):
    assert port_taken("127.0.0.1", listener)
    monkeypatch.setattr("config.launch.__main__.PORT_PATIENCE", 0.2)
    with pytest.raises(CannotStart, match=f"Port {listener} of 127.0.0.1 is taken.*PORT={listener + 1}"):
        check_ports(plan(tmp_path, port=listener))


def test_a_wrong_database_url_is_a_sentence(tmp_path):
    with pytest.raises(CannotStart, match="DATABASE_URL does not lead to a database"):
        check_servers(plan(tmp_path, database_url=f"postgresql://postgres@/x?host={tmp_path}"))


def test_a_wrong_broker_url_is_a_sentence(tmp_path, listener):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CannotStart, match="BROKER_URL does not lead to a broker"):
        check_servers(plan(tmp_path, broker_url=f"redis://127.0.0.1:{port}/0"))


def test_a_server_that_fails_is_not_ready():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.lstrip("/")))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        found = {status: answers("0.0.0.0", port, f"/{status}")() for status in (200, 302, 404, 500, 503)}
        server.shutdown()
    assert found == {200: True, 302: True, 404: True, 500: False, 503: False}
    assert not answers("127.0.0.1", port, "/200")()


def test_one_launcher_at_a_time(tmp_path):
    assert not is_running(tmp_path)
    with only_one(tmp_path):
        assert is_running(tmp_path)
        hold = "from pathlib import Path; from config.launch.state import only_one\n"
        hold += f"with only_one(Path({str(tmp_path)!r})): pass"
        second = subprocess.run([sys.executable, "-c", hold], cwd=ROOT, capture_output=True, text=True, check=False)
        assert "already runs" in second.stderr
    assert not is_running(tmp_path)


def test_what_runs_is_written_down(tmp_path):
    supervisor = Supervisor(tmp_path / "log", echo=lambda line: None, on_change=lambda it: save(tmp_path, it))
    supervisor.add(Process("nap", [sys.executable, "-c", "import time; time.sleep(60)"]))
    supervisor.start()
    assert read(tmp_path) == {"pid": os.getpid(), "processes": {"nap": supervisor.pid("nap")}}
    supervisor.stop()
    assert read(tmp_path)["processes"] == {"nap": None}
    (tmp_path / "launch.json").write_text("{half")
    assert read(tmp_path) == {}


def test_the_welcome_names_addresses_and_sign_in(tmp_path):
    supervisor = Supervisor(tmp_path / "log", echo=lambda line: None)
    supervisor.add(Process("seed_demo", [sys.executable, "-c", "print('Sign in as x@y')"], once=True))
    supervisor.start()
    text = welcome(plan(tmp_path, demo=True, port=8123), supervisor)
    for words in ("http://demo.localhost:8123", "http://127.0.0.1:8123", "Sign in as x@y", "Ctrl-C"):
        assert words in text


@pytest.mark.kill
def test_ctrl_c_during_the_start_stops_what_was_started(tmp_path):
    """The signal comes while a step runs: what stands is stopped, nothing more is started, no traceback."""
    code = f"""
import sys, pathlib
import config.launch.__main__ as launch
from config.launch.supervisor import Process
folder = pathlib.Path({str(tmp_path)!r})
nap = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
launch.everything = lambda plan: [
    Process("server", nap, ready_text=b"up"),
    Process("migrate", nap, once=True),
    Process("web", nap),
]
sys.exit(launch.run(launch.Plan(data=folder, port=0, database_url="", broker_url="")))
"""
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "server" in process.stdout.readline()
    log = tmp_path / "log" / "migrate.log"
    while not log.exists() or "up" not in log.read_text():
        assert process.poll() is None
        time.sleep(0.02)
    pid = read(tmp_path)["processes"]["server"]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    assert "server      stopped" in output
    assert not (tmp_path / "log" / "web.log").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

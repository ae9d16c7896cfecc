"""Who runs on a data folder: one launcher at a time, and what it says about itself."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.launch.supervisor import Supervisor


class CannotStart(Exception):
    """Why nothing was started, and what to do about it."""


@contextlib.contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold this data folder. Raises CannotStart when another launcher holds it; the kernel lets go of the dead."""
    with (data / "launch.lock").open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = read(data).get("pid")
            raise CannotStart(
                f"Sampan already runs on {data} (process {pid}). Use it, or stop it with `make down`."
            ) from None
        yield


def is_running(data: Path) -> bool:
    """Whether a launcher holds this data folder."""
    try:
        with (data / "launch.lock").open("r") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def save(data: Path, supervisor: Supervisor) -> None:
    """Write who runs, for `read`. A full disk must not end the supervisor, so errors are let pass."""
    running = {name: supervisor.pid(name) for name in supervisor.names()}
    fresh = data / f"launch.{os.getpid()}.new"
    with contextlib.suppress(OSError):
        fresh.write_text(json.dumps({"pid": os.getpid(), "processes": running}))
        fresh.replace(data / "launch.json")


def read(data: Path) -> dict[str, Any]:
    """`{"pid": …, "processes": {name: pid or null}}` of the launcher of this folder; empty when none is alive."""
    try:
        found: dict[str, Any] = json.loads((data / "launch.json").read_text())
        os.kill(found["pid"], 0)
    except (OSError, ValueError, KeyError):
        return {}
    return found

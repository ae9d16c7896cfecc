"""What the supervisor asks of the kernel: no child outlives it, groups end as one, orphans come home."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator

# Runs between fork and exec of every child, as a program of its own rather than a preexec_fn: running Python code
# after a fork out of a process with threads may deadlock. It asks for a signal when the supervisor dies, then becomes
# the child.
_TETHER = """
import ctypes, os, sys
parent, death = int(sys.argv[1]), int(sys.argv[2])
try:
    ctypes.CDLL(None, use_errno=True).prctl(1, death, 0, 0, 0)
except AttributeError:
    pass
if os.getppid() != parent:
    sys.exit(1)
try:
    os.execvp(sys.argv[3], sys.argv[3:])
except OSError as error:
    sys.exit(f"{sys.argv[3]}: {error.strerror}")
"""

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def tether(death_signal: signal.Signals) -> list[str]:
    """A command prefix: what follows it gets `death_signal` when the thread that starts it ends, by -9 too."""
    return [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), str(int(death_signal))]


def become_subreaper() -> None:
    """From now on orphaned grandchildren become our children instead of init's. Nothing happens outside Linux."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(death_signal: signal.Signals) -> None:
    """Get `death_signal` when whoever started this process ends. Nothing happens outside Linux."""
    _prctl(PR_SET_PDEATHSIG, int(death_signal))


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def end_group(pgid: int, grace: float) -> None:
    """End what is left of a dead child's process group: politely for `grace` seconds, then with -9; reap it."""
    polite = [(signal.SIGTERM, grace)] if grace else []
    for number, seconds in [*polite, (signal.SIGKILL, 2.0)]:
        if not _signal_group(pgid, number):
            return
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(ChildProcessError):
                # Only this group: every other child is the business of the subprocess module.
                while os.waitpid(-pgid, os.WNOHANG)[0]:
                    pass
            if not _signal_group(pgid, 0):
                return
            time.sleep(0.02)


def _signal_group(pgid: int, number: int) -> bool:
    try:
        os.killpg(pgid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def gather_strays(known: Collection[int], *, end: bool) -> None:
    """Reap dead orphans that came home to us, such as PostgreSQL's backends, which have sessions of their own.

    `known` are pids that somebody else waits for. With `end`, living orphans are killed with -9 first.
    """
    mine = os.getsid(0)
    for pid, state, session in list(_children(os.getpid())):
        # Plain children of this process (a probe, say) share our session and are waited for where they were started.
        if pid in known or session == mine:
            continue
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if state == "Z":
                os.waitpid(pid, os.WNOHANG)
            elif end:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _children(parent: int) -> Iterator[tuple[int, str, int]]:
    """(pid, state letter, session) of the children of `parent`, from /proc; nothing where there is no /proc."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                # pid (command) state ppid pgrp session …; the command may hold anything, brackets too
                state, ppid, _pgrp, session = stat.read().rpartition(b")")[2].split()[:4]
                if int(ppid) == parent:
                    yield int(name), state.decode(), int(session)

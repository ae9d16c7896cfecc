"""Runs Sampan's processes as children of one process: started in order, kept alive, stopped in reverse order.

What it promises: however this process ends (Ctrl-C, SIGTERM, kill -9), no child stays behind; a child that dies is
started again, so that a rehearsal may kill -9 any of them.

    supervisor = Supervisor(log_dir=Path(".data/log"))
    supervisor.add(Process("worker", [python, "-m", "celery", …]))
    supervisor.start()                     # returns when all are ready
    supervisor.kill9("worker")             # the watching thread starts it again …
    supervisor.wait_ready("worker")        # … and this waits for it
    supervisor.stop()
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config.launch.kernel import become_subreaper, end_group, gather_strays, tether

LOG_LIMIT = 10_000_000  # bytes; a longer log is put aside as NAME.log.1 at the next start
STABLE_SECONDS = 60.0  # a child that lived this long is forgiven its earlier deaths
POLL_SECONDS = 0.1
STRAY_SECONDS = 2.0


class ProcessFailed(Exception):
    """A process did not start, did not become ready in time, or died too often. The text ends with its last output."""


@dataclass(frozen=True)
class Process:
    """One program to run.

    `argv`: the command, its program absolute or on PATH. `env`: added to this process's environment.
    `probe`: says whether it is ready; `ready_text`: it is not ready before it has written this since its start; with
    neither it is ready when alive. `once`: run to its end before the next one starts; must exit with 0.
    `before`: done in this process before every start. `after`: done once, when it was ready for the first time.
    `stop_signal`: ends it politely. `death_signal`: what the kernel sends when the supervisor was killed (default:
    `stop_signal`). `restarts`: how many deaths without a minute of life between them are answered by a new start.
    Times are in seconds.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    probe: Callable[[], bool] | None = None
    ready_text: bytes = b""
    once: bool = False
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals | None = None
    restarts: int = 10
    ready_timeout: float = 60.0
    stop_timeout: float = 10.0


class _Running:
    """A process and its present incarnation."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.popen: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.deaths = 0
        self.next_start: float | None = None
        self.ready = False
        self.failure: str | None = None
        self.murdered = False
        self.log_offset = 0
        self.was_ready = False

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None


class Supervisor:
    """Starts, watches and stops processes. One instance per Python process; its methods may be called by any thread.

    `log_dir` receives NAME.log of each child. `echo` gets one line for every start, death and stop.
    `on_change` is called after every start and death (the launcher writes its state file there).
    `adopt`: take in orphaned grandchildren and end them at the stop; only for a process that starts no others with
    sessions of their own, because those cannot be told from orphans.
    """

    def __init__(
        self,
        log_dir: Path,
        *,
        env: Mapping[str, str] | None = None,
        echo: Callable[[str], None] = print,
        on_change: Callable[["Supervisor"], None] | None = None,
        adopt: bool = False,
    ) -> None:
        self.log_dir = log_dir
        self.failed = threading.Event()
        self._env = dict(env or {})
        self._echo = echo
        self._on_change = on_change
        self._adopt = adopt
        self._running: dict[str, _Running] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None

    # -- what runs ---------------------------------------------------------------------------------------------------

    def add(self, process: Process) -> None:
        """Put a process at the end of the order. Raises ValueError for a name that is taken."""
        with self._lock:
            if process.name in self._running:
                raise ValueError(f"There is already a process {process.name}.")
            self._running[process.name] = _Running(process)

    def names(self) -> list[str]:
        """Names of the lasting processes, in their order."""
        return [name for name, running in self._running.items() if not running.process.once]

    def pid(self, name: str) -> int | None:
        """The pid of a process; None while it does not live."""
        running = self._running[name]
        return running.popen.pid if running.popen is not None and running.alive else None

    def failures(self) -> list[str]:
        """What was given up, in plain words."""
        return [running.failure for running in self._running.values() if running.failure]

    # -- starting ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything that was added and does not run yet, in order, each when the one before it is ready.

        Raises ProcessFailed; what was started before then still runs, so the caller calls `stop`.
        """
        self.log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._adopt:
            become_subreaper()
        for name, running in list(self._running.items()):
            if self._stopping.is_set():
                return
            if running.alive or (running.process.once and running.ready):
                continue
            begun = time.monotonic()
            self._launch(running)
            if running.process.once:
                self._finish_once(running)
                self._echo(f"{name:<11} done in {time.monotonic() - begun:.1f} s")
            else:
                self._await_ready(running, running.process.ready_timeout)
                self._echo(f"{name:<11} ready in {time.monotonic() - begun:.1f} s, pid {self.pid(name)}")
            if running.process.after:
                running.process.after()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
                self._watcher.start()

    def wait_ready(self, name: str, timeout: float = 60.0) -> int:
        """Wait until the process lives and its probe agrees; returns its pid. Raises ProcessFailed."""
        running = self._running[name]
        self._await_ready(running, timeout)
        pid = self.pid(name)
        if pid is None:
            raise ProcessFailed(f"{name} is being stopped." if self._stopping.is_set() else f"{name} died again.")
        return pid

    def _launch(self, running: _Running) -> None:
        process = running.process
        with self._lock:
            if self._stopping.is_set():
                return
            if process.before:
                process.before()
            death = process.death_signal or process.stop_signal
            with self._open_log(process.name) as out:
                running.log_offset = out.seek(0, os.SEEK_END)
                running.popen = subprocess.Popen(
                    [*tether(death), *process.argv],
                    env={**os.environ, **self._env, **process.env},
                    cwd=process.cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C in the terminal must reach only the supervisor, which stops the others in its own order.
                    start_new_session=True,
                )
            running.started, running.next_start, running.ready = time.monotonic(), None, False
        self._changed()

    def _open_log(self, name: str) -> IO[bytes]:
        path = self.log_dir / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def _finish_once(self, running: _Running) -> None:
        until = time.monotonic() + running.process.ready_timeout
        while running.alive and not self._stopping.is_set():
            if time.monotonic() > until:
                self._end(running, hurry=False)
                raise ProcessFailed(self._words(running, "did not finish in time"))
            time.sleep(0.02)
        if running.popen is None or self._stopping.is_set():
            return
        end_group(running.popen.pid, grace=2.0)
        running.ready = running.popen.returncode == 0
        if not running.ready:
            raise ProcessFailed(self._words(running, f"ended with {_ending(running.popen.returncode)}"))

    def _await_ready(self, running: _Running, timeout: float) -> None:
        until = time.monotonic() + timeout
        while not self._stopping.is_set():
            incarnation = running.popen
            if running.failure:
                raise ProcessFailed(running.failure)
            if running.alive and (running.ready or self._agrees(running)):
                if running.popen is incarnation and running.alive:
                    running.ready = running.was_ready = True
                    return
            elif not running.alive and not running.was_ready and running.popen is not None:
                # What never was ready is not started again: its first words say what is wrong.
                raise ProcessFailed(self._words(running, f"ended with {_ending(running.popen.returncode)}"))
            if time.monotonic() > until:
                raise ProcessFailed(self._words(running, f"was not ready after {timeout:.0f} s"))
            time.sleep(0.05)

    def _agrees(self, running: _Running) -> bool:
        process = running.process
        if process.ready_text:
            with (self.log_dir / f"{process.name}.log").open("rb") as log:
                log.seek(running.log_offset)
                if process.ready_text not in log.read():
                    return False
        return process.probe is None or process.probe()

    def last_line(self, name: str) -> str:
        """The last line that the process has written since its start; empty when it has said nothing."""
        with contextlib.suppress(OSError), (self.log_dir / f"{name}.log").open("rb") as log:
            log.seek(self._running[name].log_offset)
            lines = log.read().decode(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    # -- watching ----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        looked = 0.0
        while not self._stopping.wait(POLL_SECONDS):
            for running in list(self._running.values()):
                if not running.process.once:
                    try:
                        self._tend(running)
                    except OSError as error:  # no memory or no disk for a moment must not end the watching
                        self._echo(f"{running.process.name:<11} cannot be started: {error}")
                        running.next_start = time.monotonic() + 1.0
            if time.monotonic() - looked > STRAY_SECONDS:
                looked = time.monotonic()
                self._gather(end=False)
        # A child gets its death signal when the *thread* that started it ends, and `stop` keeps an order of its own.
        self._stopped.wait()

    def _gather(self, *, end: bool) -> None:
        if not self._adopt:
            return
        known = {running.popen.pid for running in list(self._running.values()) if running.popen is not None}
        gather_strays(known, end=end)

    def _tend(self, running: _Running) -> None:
        if not running.was_ready or running.failure:
            return
        now = time.monotonic()
        if running.next_start is not None:
            if now >= running.next_start:
                self._launch(running)
                self._echo(f"{running.process.name:<11} started again, pid {self.pid(running.process.name)}")
        elif not running.alive:
            with self._lock:
                if self._stopping.is_set():
                    return
                self._bury(running, now)
            self._changed()

    def _bury(self, running: _Running, now: float) -> None:
        assert running.popen is not None
        code = running.popen.returncode
        running.ready = False
        # What the dead one left in its group holds ports, sockets and shared memory that the next one needs.
        end_group(running.popen.pid, grace=2.0)
        if running.murdered:
            running.murdered = False
            running.next_start = now
            return
        if now - running.started > STABLE_SECONDS:
            running.deaths = 0
        running.deaths += 1
        if running.deaths > running.process.restarts:
            running.failure = self._words(running, f"died {running.deaths} times, last with {_ending(code)}")
            self._echo(running.failure)
            self.failed.set()
            return
        running.next_start = now + min(0.1 * 2 ** (running.deaths - 1), 10.0)
        self._echo(f"{running.process.name:<11} ended with {_ending(code)}; starting it again")

    # -- killing and stopping ----------------------------------------------------------------------------------------

    def kill9(self, name: str) -> int:
        """Kill the process with -9 and wait until it is dead; returns its pid. It is started again at once.

        Its own children get no signal until it is started again. Raises ProcessFailed when it does not live.
        """
        running = self._running[name]
        popen = running.popen
        if popen is None or not running.alive:
            raise ProcessFailed(f"{name} does not run, so it cannot be killed.")
        running.murdered, running.ready = True, False
        popen.kill()
        popen.wait()
        return popen.pid

    def request_stop(self) -> None:
        """Make `start` and the waiting calls return early and start nothing more; for signal handlers."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop everything in reverse order; whoever does not obey within its `stop_timeout` is killed. Repeatable."""
        self._stopping.set()
        with self._lock:
            for running in reversed(list(self._running.values())):
                self._end(running, hurry=False)
            self._gather(end=True)
        self._stopped.set()
        self._changed()

    def stop_now(self) -> None:
        """Kill everything with -9, in reverse order (second Ctrl-C)."""
        self._stopping.set()
        for running in reversed(list(self._running.values())):
            self._end(running, hurry=True)
        self._gather(end=True)
        self._stopped.set()

    def _end(self, running: _Running, *, hurry: bool) -> None:
        popen = running.popen
        if popen is None:
            return
        if popen.poll() is None and not hurry:
            begun = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                popen.send_signal(running.process.stop_signal)
            try:
                popen.wait(timeout=running.process.stop_timeout)
                took = f"stopped in {time.monotonic() - begun:.1f} s"
            except subprocess.TimeoutExpired:
                took = f"killed after {running.process.stop_timeout:.0f} s"
            if not running.process.once:
                self._echo(f"{running.process.name:<11} {took}")
        end_group(popen.pid, grace=0.0)
        if popen.poll() is None:
            popen.wait()
        running.ready = False

    # -- words -------------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        if self._on_change:
            self._on_change(self)

    def _words(self, running: _Running, what: str) -> str:
        path = self.log_dir / f"{running.process.name}.log"
        with contextlib.suppress(OSError):
            tail = path.read_text(errors="replace").strip().splitlines()[-15:]
            return "\n    ".join([f"{running.process.name} {what}. The end of {path}:", *tail])
        return f"{running.process.name} {what}."


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"

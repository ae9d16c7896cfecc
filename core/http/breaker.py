"""A breaker per host and account: after some failures in a row, calls fail at once for a short while."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from core import clock

FAILURES = 6
OPEN_SECONDS = 5.0  # real time


@dataclass
class _State:
    failures: int = 0
    open_until: float = 0.0


class Breaker:
    """Per process. Failures: no connection, no answer, 5xx. Any other answer closes it."""

    def __init__(self, failures: int = FAILURES, open_seconds: float = OPEN_SECONDS) -> None:
        self.limit, self.open_seconds = failures, open_seconds
        self._states: dict[tuple[str, str], _State] = {}
        self._guard = threading.Lock()

    def wait(self, host: str, account: str) -> float:
        """Seconds until a call may be tried, 0.0 for now. After the pause one call at a time is let through."""
        with self._guard:
            state = self._states.get((host, account))
            if state is None or state.failures < self.limit:
                return 0.0
            now = clock.monotonic()
            if now < state.open_until:
                return state.open_until - now
            state.open_until = now + self.open_seconds  # the others wait for how this one goes
            return 0.0

    def note(self, host: str, account: str, ok: bool) -> None:
        with self._guard:
            if ok:
                self._states.pop((host, account), None)
                return
            if len(self._states) > 10_000:
                self._states.clear()
            state = self._states.setdefault((host, account), _State())
            state.failures += 1
            if state.failures >= self.limit:
                state.open_until = clock.monotonic() + self.open_seconds

"""Playing the past: product and simulators are put on another day together, so that everything carries its true time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from core import clock
from sandbox.rehearse.control import Control

CLOCK = "SAMPAN_CLOCK"


class Traveller:
    """Moves the clock of this process and of the simulators. Nothing else of the product may run meanwhile."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def go(self, moment: datetime) -> None:
        """From now on it is ``moment``, and time passes as always."""
        self._set(f"{clock.wall().timestamp():.3f}:{moment.timestamp():.3f}:1")

    def home(self) -> None:
        """Back to the machine's own time."""
        self._set(None)

    def _set(self, value: str | None) -> None:
        if value is None:
            os.environ.pop(CLOCK, None)
        else:
            os.environ[CLOCK] = value
        self._control.post("/clock", {"clock": value})


@contextmanager
def travelling(control: Control) -> Iterator[Traveller]:
    """Whatever happens inside, the clocks are right again afterwards."""
    traveller = Traveller(control)
    try:
        yield traveller
    finally:
        traveller.home()

"""kill -9 at seeded moments, and what each of them hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from django.db import InterfaceError, OperationalError, connection

from core import bulk, clock
from core.tenancy import public_context

from .stage import ProcessFailed, Stage

FIRST, LAST = 0.08, 0.75  # of the work: no kill while nothing or everything is done


@dataclass(frozen=True, slots=True)
class Kill:
    """``at``: share of the work that was done. ``step``: handlers and jobs that were being worked on in that moment."""

    process: str
    pid: int
    at: float
    step: str

    def __str__(self) -> str:
        return f"kill -9 {self.process} (pid {self.pid}) at {self.at:.0%}: {self.step}"


@dataclass
class Killer:
    """``planned``: [(share of the work, process)]; the first kills take one process each, so that all are met."""

    stage: Stage
    planned: list[tuple[float, str]]
    kills: list[Kill] = field(default_factory=list)
    down: list[str] = field(default_factory=list)

    def strike(self, share: float) -> Kill | None:
        """Kill what is due when ``share`` of the work is done; one at a time."""
        if not self.planned or share < self.planned[0][0]:
            return None
        _, name = self.planned.pop(0)
        step = self._under_way() if name != "web" else "answering"
        try:
            pid = self.stage.kill(name)
        except ProcessFailed:
            self.planned.insert(0, (share, name))  # it is still being restarted; a moment later then
            return None
        kill = Kill(name, pid, share, step)
        self.kills.append(kill)
        if name == "postgres":
            self._wait_for_server()
        return kill

    def force(self) -> Kill | None:
        """What the run was too quick for, at its end."""
        return self.strike(1.0) if self.planned else None

    def _wait_for_server(self) -> None:
        self.stage.wait_back("postgres")
        connection.close()
        for _ in range(100):
            try:
                bulk.fetch("SELECT 1")
                return
            except (OperationalError, InterfaceError):
                connection.close()
                clock.sleep(0.2)

    def _under_way(self) -> str:
        """What the workers hold in this moment, by the leases of outbox and due-table."""
        try:
            with public_context():
                handlers = bulk.fetch(
                    "SELECT handler, count(*) FROM public.central_outbox WHERE state = 1 GROUP BY handler ORDER BY handler"
                )
                jobs = bulk.fetch(
                    "SELECT job, count(*) FROM public.central_due WHERE lease_until > %s GROUP BY job ORDER BY job",
                    [clock.wall()],
                )
        except (OperationalError, InterfaceError):
            connection.close()
            return "the server was away"
        held = [f"{name} ×{count}" if count > 1 else str(name) for name, count in [*handlers, *jobs]]
        return ", ".join(held) or "nothing under way"


def plan_kills(count: int, names: list[str], seed: int) -> list[tuple[float, str]]:
    """Moments and processes: every process before any comes twice, workers first."""
    source = Random(f"{seed}|kills")
    chosen = [names[place % len(names)] for place in range(count)]
    moments = sorted(source.uniform(FIRST, LAST) for _ in range(count))
    source.shuffle(chosen)
    return list(zip(moments, chosen, strict=True))

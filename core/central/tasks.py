"""What Celery carries: hints to look into the tables. A lost or repeated message changes nothing."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.db import connection

from core import events
from core.central import due, outbox
from core.clock import monotonic

# A slice, not a job: between two slices the tick and the due runs get their turn, so a backlog of events starves
# nobody. The ticks' hints expire before they pile up; the database connection outlives the slices
# (CELERY_DB_REUSE_MAX), so a slice costs next to nothing.
DRAIN_SECONDS = 4.0
DRAINS = 2  # hints a tick; a drain that finds nothing costs some milliseconds
DUE_AT_ONCE = 8
SHARE_SECONDS = 0.2  # of the outbox, at least, behind each due job

# ``config.celery.StrictTask`` refuses tasks that declare no tenant, unless they declare to be central.
CENTRAL: dict[str, Any] = {"central": True, "ignore_result": True}


@shared_task(name="core.central.tick", **CENTRAL)
def tick() -> None:
    """Once a second: send out what is due, and wake drains if the outbox has open rows."""
    _drop_broken_connection()
    for row_id, token in due.claim(DUE_AT_ONCE):
        events.send("core.central.run_due", row_id, token, expires=due.START_SECONDS)
    if outbox.waiting():
        for _ in range(DRAINS):
            events.send("core.central.drain", expires=events.HINT_EXPIRES)


@shared_task(name="core.central.drain", **CENTRAL)
def drain() -> None:
    """Work on the outbox for a slice of time."""
    _drop_broken_connection()
    outbox.drain(DRAIN_SECONDS)


@shared_task(name="core.central.run_due", **CENTRAL)
def run_due(row_id: int, token: str) -> None:
    """Run one claimed row of the due-table, then give the outbox as much time as the job took.

    Where many jobs are due all the time, the drains' hints expire unread behind them and events would starve.
    """
    _drop_broken_connection()
    begun = monotonic()
    due.run(row_id, token)
    outbox.drain(min(DRAIN_SECONDS, max(SHARE_SECONDS, monotonic() - begun)))


def _drop_broken_connection() -> None:
    # The connection is kept over many tasks; after a restart of the server the kept one is dead.
    if connection.connection is not None and connection.errors_occurred:
        if not connection.is_usable():
            connection.close()
        connection.errors_occurred = False

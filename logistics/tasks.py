"""Recurring work of logistics, one row each in the due-table."""

from __future__ import annotations

from core.central.due import due_job
from logistics.services import booking, purging, trackers, tracking

MOST_PASSES = 5


@due_job(booking.WORK_JOB)
def work(key: str) -> float | None:
    """Bookings to repeat, numbers and labels that come later, cancellations. Comes back when the next one is due."""
    for _ in range(MOST_PASSES):
        if not booking.book_due():
            break
    wait = booking.next_due_in()
    return None if wait is None else min(max(wait, 1.0), float(booking.WORK_EVERY))


@due_job(tracking.REGISTER_JOB)
def register(key: str) -> None:
    """Parcels that were handed over are told to the aggregator."""
    trackers.register_due()


@due_job(tracking.POLL_JOB)
def poll(key: str) -> None:
    """Carriers are asked for parcels whose time has come."""
    for _ in range(MOST_PASSES):
        if not trackers.poll_due():
            break


@due_job(tracking.PURGE_JOB)
def purge(key: str) -> None:
    """Receivers whose time is over are forgotten."""
    while purging.purge_receivers():
        pass

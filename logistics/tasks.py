"""Recurring work of logistics, one row each in the due-table."""

from __future__ import annotations

from core.central.due import due_job
from logistics.services import booking

MOST_PASSES = 5


@due_job(booking.WORK_JOB)
def work(key: str) -> float | None:
    """Bookings to repeat, numbers and labels that come later, cancellations. Comes back when the next one is due."""
    for _ in range(MOST_PASSES):
        if not booking.book_due():
            break
    wait = booking.next_due_in()
    return None if wait is None else min(max(wait, 1.0), float(booking.WORK_EVERY))

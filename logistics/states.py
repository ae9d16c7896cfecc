"""The life of a shipment: the table of legal moves, and the one place that moves shipments.

::

    queued ─→ booking ─→ waiting ─→ ready ─→ packed ─→ handed ─→ delivered
                 │                                        └────→ returned
                 └─→ failed          (cancelling ─→ cancelled from everything before handed)

*Booking* means that a create call may be on the wire (``call_sent_at``). *Waiting* means that the carrier has it and
still owes a number or a label (``needs``). *Cancelling* asks the carrier; where it refuses, the parcel goes back to where
it stood (``standing``).
"""

from __future__ import annotations

from collections.abc import Iterable

from core import bulk
from core.errors import IllegalMove

QUEUED = "queued"
BOOKING = "booking"
WAITING = "waiting"
READY = "ready"
PACKED = "packed"
HANDED = "handed"
DELIVERED = "delivered"
RETURNED = "returned"
FAILED = "failed"
CANCELLING = "cancelling"
CANCELLED = "cancelled"

ALL = (QUEUED, BOOKING, WAITING, READY, PACKED, HANDED, DELIVERED, RETURNED, FAILED, CANCELLING, CANCELLED)

MOVES: dict[str, frozenset[str]] = {
    QUEUED: frozenset({BOOKING, CANCELLED, CANCELLING}),
    BOOKING: frozenset({QUEUED, WAITING, READY, FAILED, CANCELLING, CANCELLED}),
    WAITING: frozenset({READY, FAILED, CANCELLING}),
    READY: frozenset({PACKED, HANDED, CANCELLING}),
    PACKED: frozenset({READY, HANDED, CANCELLING}),
    HANDED: frozenset({DELIVERED, RETURNED, PACKED, READY}),  # back: a hand-over scanned by mistake
    DELIVERED: frozenset({RETURNED, HANDED}),  # handed again: a later event contradicts
    RETURNED: frozenset({HANDED, DELIVERED}),
    FAILED: frozenset({QUEUED, WAITING, READY, CANCELLING, CANCELLED}),
    CANCELLING: frozenset({CANCELLED, QUEUED, WAITING, READY, PACKED, FAILED}),
    CANCELLED: frozenset(),
}

# A worker has something to do at the carrier.
AT_WORK = (QUEUED, BOOKING, WAITING, CANCELLING)
# The parcel stands in the house with its label.
ON_FLOOR = frozenset({READY, PACKED})
GONE = frozenset({HANDED, DELIVERED, RETURNED})
CANCELLABLE = frozenset({QUEUED, BOOKING, WAITING, READY, PACKED, FAILED})


def check(current: str, target: str) -> None:
    """Raises IllegalMove when ``current`` → ``target`` is not in the table."""
    if target not in MOVES[current]:
        raise IllegalMove(state=current, target=target)


def standing(*, waybill: str, needs: str, weighed: bool) -> str:
    """Where a shipment stands by what is known of it, e.g. after a cancellation that the carrier refused."""
    if not waybill:
        return QUEUED
    if needs:
        return WAITING
    return PACKED if weighed else READY


def move(ids: Iterable[int], target: str, *, expected: Iterable[str]) -> list[int]:
    """Move all of ``ids`` that stand in one of ``expected``, in one statement; returns those moved, in id order.

    Every ``expected`` → ``target`` must be legal. Shipments in another state are left alone: somebody was quicker.
    """
    sources = list(expected)
    for source in sources:
        check(source, target)
    rows = bulk.fetch(
        "UPDATE logistics_shipment SET state = %s WHERE id = ANY(%s) AND state = ANY(%s) RETURNING id",
        [target, list(ids), sources],
    )
    return sorted(row[0] for row in rows)

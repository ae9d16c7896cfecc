"""The workflow state of an order: the table of legal moves, and the one place that moves orders.

The channel's status is something else (``Order.channel_status``); it is an input here, never refused (architecture §3).
"""

from __future__ import annotations

from collections.abc import Iterable

from core import bulk, clock
from core.errors import IllegalMove
from core.events import emit

PENDING = "pending"  # not paid yet; stock set aside with an expiry
NEW = "new"  # paid, waits for its route
UNMATCHED = "unmatched"  # a line's listing has no SKU yet
ADDRESS = "address"  # the address cannot be shipped to as it is
HELD = "held"  # by a rule or a person
SHORT = "short"  # no warehouse has everything
READY = "ready"  # routed and reserved
BOOKING = "booking"  # a carrier is being asked
FAILED = "failed"  # the carrier or a check refused
BOOKED = "booked"  # number (or waybill) and label are there
PACKED = "packed"  # weighed
HANDED = "handed"  # given to the carrier
DELIVERED = "delivered"
RETURNED = "returned"
CANCELLED = "cancelled"
COMBINED = "combined"  # its lines moved into another order
PLATFORM = "platform"  # the platform ships it (FBA and the like)
ELSEWHERE = "elsewhere"  # the channel says shipped, and not by us

ALL = (
    PENDING,
    NEW,
    UNMATCHED,
    ADDRESS,
    HELD,
    SHORT,
    READY,
    BOOKING,
    FAILED,
    BOOKED,
    PACKED,
    HANDED,
    DELIVERED,
    RETURNED,
    CANCELLED,
    COMBINED,
    PLATFORM,
    ELSEWHERE,
)

_BEFORE_BOOKING = {NEW, UNMATCHED, ADDRESS, HELD, SHORT, READY}
_ENDS = {CANCELLED, COMBINED, ELSEWHERE}
MOVES: dict[str, frozenset[str]] = {
    PENDING: frozenset({NEW, HELD} | _ENDS),  # held: paid, and the buyer asks to cancel
    NEW: frozenset(_BEFORE_BOOKING - {NEW} | _ENDS),
    UNMATCHED: frozenset({NEW, HELD} | _ENDS),
    ADDRESS: frozenset({NEW, HELD} | _ENDS),
    HELD: frozenset({NEW} | _ENDS),
    SHORT: frozenset({NEW, HELD, READY, ADDRESS, UNMATCHED} | _ENDS),
    READY: frozenset({NEW, HELD, BOOKING, FAILED} | _ENDS),
    # An order that the channel combines into another one takes its parcel along, wherever that is.
    BOOKING: frozenset({BOOKED, FAILED, CANCELLED, COMBINED}),
    FAILED: frozenset({NEW, HELD, BOOKING} | _ENDS),
    BOOKED: frozenset({PACKED, HANDED, NEW, HELD, CANCELLED, COMBINED}),
    PACKED: frozenset({HANDED, BOOKED, NEW, HELD, CANCELLED, COMBINED}),
    HANDED: frozenset({DELIVERED, RETURNED, COMBINED}),
    DELIVERED: frozenset({RETURNED, COMBINED}),
    RETURNED: frozenset(),
    CANCELLED: frozenset({NEW, PENDING}),  # the channel takes it back, or a person cancelled by mistake
    COMBINED: frozenset(),
    PLATFORM: frozenset({CANCELLED}),
    ELSEWHERE: frozenset({NEW, CANCELLED}),
}

# Where nothing has left the house yet: a cancellation simply closes the order.
BEFORE_BOOKING = frozenset(_BEFORE_BOOKING | {PENDING, FAILED})
# A parcel exists (or may exist) at the carrier.
IN_FLIGHT = frozenset({BOOKING, BOOKED, PACKED})
GONE = frozenset({HANDED, DELIVERED, RETURNED})
TO_SHIP = (NEW, UNMATCHED, ADDRESS, HELD, SHORT, READY, BOOKING, FAILED, BOOKED, PACKED)
NEEDS_PERSON = (UNMATCHED, ADDRESS, HELD, SHORT, FAILED)


def check(current: str, target: str) -> None:
    """Raises IllegalMove when ``current`` → ``target`` is not in the table."""
    if target not in MOVES[current]:
        raise IllegalMove(state=current, target=target)


def move(
    ids: Iterable[int], target: str, *, expected: Iterable[str], reason_code: str = "", reason_params: object = None
) -> list[int]:
    """Move all of ``ids`` that stand in one of ``expected`` to ``target``, in one statement; returns those moved.

    Every ``expected`` → ``target`` must be legal. Orders in another state are left alone: somebody was quicker.
    """
    import json

    sources = list(expected)
    for source in sources:
        check(source, target)
    rows = bulk.fetch(
        "UPDATE orders_order SET state = %s, state_at = %s, reason_code = %s, reason_params = %s::jsonb, updated_at = %s,"
        " version = version + 1 WHERE id = ANY(%s) AND state = ANY(%s) RETURNING id",
        [
            target,
            clock.now(),
            reason_code,
            json.dumps(reason_params) if reason_params is not None else None,
            clock.now(),
            list(ids),
            sources,
        ],
    )
    moved = [row[0] for row in rows]
    if moved:
        emit("orders.moved", {"ids": moved, "state": target})
    return moved

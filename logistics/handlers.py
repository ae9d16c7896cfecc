"""What logistics does about its own news: shipments that wait for a carrier."""

from __future__ import annotations

from core.events import Payload, close_row, on
from logistics.services import booking, trackers, tracking

LANES = 4  # passes of one tenant that may run side by side; the rows' leases keep them apart


@on("shipments.queued", name="logistics.book", stream=lambda payload: str(payload["ids"][0] // 100 % LANES))
def book(payload: Payload) -> None:
    """Book, cancel or complete these parcels. What cannot be done now has its time and is found by the due job."""
    booking.book_many(payload["ids"])


@on(
    trackers.TRACKED_EVENT,
    name="logistics.tracked",
    stream=lambda payload: str(sum(payload["ids"][:1]) // 100 % LANES),
    merge=True,  # every call of the aggregator is an event
)
def tracked(payload: Payload) -> None:
    """Milestones were written when the aggregator's call came in: the parcels stand anew by them."""
    with close_row():
        tracking.settle(shipment_ids=payload["ids"])

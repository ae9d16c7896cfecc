"""What logistics does about its own news: shipments that wait for a carrier."""

from __future__ import annotations

from core.events import Payload, on
from logistics.services import booking

LANES = 4  # passes of one tenant that may run side by side; the rows' leases keep them apart


@on("shipments.queued", name="logistics.book", stream=lambda payload: str(payload["ids"][0] // 100 % LANES))
def book(payload: Payload) -> None:
    """Book, cancel or complete these parcels. What cannot be done now has its time and is found by the due job."""
    booking.book_many(payload["ids"])

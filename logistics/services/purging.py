"""Personal data of shipments goes when the platform's rule says so: receivers and labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core import bulk, clock


def purge_after(ends: Sequence[tuple[int, datetime]]) -> None:
    """``(shipment, moment)``: forget the receiver and the label then; an earlier date stays. In the caller's transaction."""
    if not ends:
        return
    bulk.update("logistics_shipment", "id", [("purge_at", "timestamptz")], [(pk, at) for pk, at in ends])
    bulk.execute(
        "UPDATE records_storedfile f SET purge_at = least(f.purge_at, s.purge_at) FROM logistics_shipment s"
        " WHERE s.id = ANY(%s) AND f.id = s.label_file_id",
        [[pk for pk, _ in ends]],
    )


def purge_receivers(limit: int = 500) -> int:
    """Forget receivers whose time is over; country and numbers stay. Returns how many."""
    return bulk.execute(
        "UPDATE logistics_shipment SET receiver = jsonb_build_object('country', country), purge_at = NULL WHERE id IN"
        " (SELECT id FROM logistics_shipment WHERE purge_at <= %s ORDER BY purge_at LIMIT %s FOR UPDATE SKIP LOCKED)",
        [clock.now(), limit],
    )

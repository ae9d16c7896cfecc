"""What the floor holds about people: sheets of many labels. They live a day; the person's goes at once, and all of it."""

from __future__ import annotations

from core import bulk
from core.erasure import FILE, SHIPMENT, Trail
from fulfilment.printing import SHEETS


def find(trail: Trail) -> None:
    """A sheet does not say whose labels it holds: every sheet since the parcel was made may."""
    if not trail.whole or not trail.get(SHIPMENT):
        return
    rows = bulk.fetch(
        "SELECT f.id FROM records_storedfile f WHERE f.kind = %s AND f.created_at >="
        " (SELECT min(created_at) FROM logistics_shipment WHERE id = ANY(%s) AND print_count > 0)",
        [SHEETS, trail.get(SHIPMENT)],
    )
    trail.add(FILE, [row[0] for row in rows])


def erase(trail: Trail) -> dict[str, int]:
    """The files are the records' to remove; here only what a person noted beside an alarm."""
    notes = bulk.execute(
        "UPDATE fulfilment_alarmmark SET note = '' WHERE shipment_id = ANY(%s) AND note <> ''", [trail.get(SHIPMENT)]
    )
    return {"notes": notes} if notes else {}

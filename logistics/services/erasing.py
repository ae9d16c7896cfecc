"""What parcels hold about people: the receiver, the label, what carriers say in their own words."""

from __future__ import annotations

from core import bulk
from core.erasure import FILE, SHIPMENT, Trail


def find(trail: Trail) -> None:
    rows = bulk.fetch(
        "SELECT label_file_id, receiver->>'name', receiver->>'phone', receiver->>'email' FROM logistics_shipment"
        " WHERE id = ANY(%s)",
        [trail.get(SHIPMENT)],
    )
    trail.add(FILE, [row[0] for row in rows if row[0] is not None])
    if trail.whole:
        trail.name(text for row in rows for text in row[1:] if text)


def erase(trail: Trail) -> dict[str, int]:
    """Country, numbers, weights and milestones stay. A milestone's own words can name who signed, and where."""
    ids = trail.get(SHIPMENT)
    parcels = bulk.execute(
        "UPDATE logistics_shipment SET receiver = jsonb_build_object('country', country), extras = extras - 'note',"
        " error_params = CASE WHEN jsonb_typeof(error_params) = 'object'"
        " THEN error_params - 'reason' - 'item' - 'value' ELSE error_params END, purge_at = NULL"
        " WHERE id = ANY(%s) AND receiver <> jsonb_build_object('country', country)",
        [ids],
    )
    bulk.execute(
        "UPDATE logistics_trackingevent SET description = '', place = '' WHERE shipment_id = ANY(%s)"
        " AND (description <> '' OR place <> '')",
        [ids],
    )
    return {"parcels": parcels}

"""Whose a parcel is, held fast: parcels change their order when a marketplace combines two."""

from __future__ import annotations

from collections.abc import Sequence

from core import bulk

_ORDERS_OF = "SELECT DISTINCT order_id FROM orders_consignment WHERE shipment_id = ANY(%s) AND state = 'open'"


def orders_of(shipment_ids: Sequence[int]) -> list[int]:
    """The orders that these shipments lie in now, by id. Nothing is locked."""
    return sorted(row[0] for row in bulk.fetch(_ORDERS_OF, [list(shipment_ids)]))


def lock_orders_of(shipment_ids: Sequence[int]) -> list[int]:
    """The orders that these shipments lie in, locked in id order until the transaction ends.

    Read with a statement of its own after this one: a row that was waited for comes with what else its statement saw
    before. An order that was combined while we waited took its parcels along, so we ask again until nothing is new.
    """
    held: set[int] = set()
    while True:
        found = orders_of(shipment_ids)
        if held.issuperset(found):
            return found
        bulk.execute(
            "SELECT 1 FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [sorted(set(found) - held)]
        )
        held.update(found)

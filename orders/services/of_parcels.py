"""Whose a parcel is, held fast: parcels change their order when a marketplace combines two."""

from __future__ import annotations

from collections.abc import Sequence

from core import bulk

_ORDERS_OF = "SELECT DISTINCT order_id FROM orders_consignment WHERE shipment_id = ANY(%s) AND state = 'open'"


def orders_of(shipment_ids: Sequence[int]) -> list[int]:
    """The orders that these shipments lie in now, by id. Nothing is locked."""
    return sorted(row[0] for row in bulk.fetch(_ORDERS_OF, [list(shipment_ids)]))


def at_carrier(order_ids: Sequence[int], only: Sequence[str] | None = None) -> set[int]:
    """Those of the orders of which a carrier has a parcel (``only``: one in these states). Nothing is locked."""
    if not order_ids:
        return set()
    rows = bulk.fetch(
        "SELECT k.order_id FROM orders_consignment k JOIN logistics_shipment s ON s.id = k.shipment_id"
        " WHERE k.order_id = ANY(%s) AND k.state = 'open' AND s.waybill <> ''"
        " AND (%s::text[] IS NULL OR s.state = ANY(%s::text[]))",
        [list(order_ids), None if only is None else list(only), None if only is None else list(only)],
    )
    return {row[0] for row in rows}


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

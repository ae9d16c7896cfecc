"""What stands on picking lists and packing slips, read from the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pikepdf

from core import bulk, clock
from fulfilment import sheets
from fulfilment.sheets import Pick, Slip

# Units of a SKU are what a sold piece holds, times the pieces in the parcel.
_UNITS = "l.units / greatest(l.quantity, 1) * cl.quantity"
_PICKS = f"""
SELECT coalesce(b.code, ''), coalesce(k.code, l.seller_sku), coalesce(nullif(max(k.title), ''), max(l.title)),
       sum({_UNITS}), count(DISTINCT c.shipment_id), min(b.pick_order), min(w.name), min(w.timezone)
  FROM orders_consignment c
  JOIN inventory_warehouse w ON w.id = c.warehouse_id
  JOIN orders_consignmentline cl ON cl.consignment_id = c.id
  JOIN orders_orderline l ON l.id = cl.line_id
  LEFT JOIN inventory_sku k ON k.id = l.sku_id
  LEFT JOIN LATERAL (SELECT p.code, p.pick_order FROM inventory_level v JOIN inventory_location p ON p.id = v.location_id
                      WHERE v.sku_id = l.sku_id AND p.warehouse_id = c.warehouse_id AND v.quantity > 0
                        AND p.kind = 'stock' ORDER BY p.pick_order, p.id LIMIT 1) b ON true
 WHERE c.shipment_id = ANY(%s)
 GROUP BY c.warehouse_id, 1, 2 ORDER BY c.warehouse_id, min(b.pick_order) NULLS LAST, 1, 2
"""


def picks(shipment_ids: Sequence[int]) -> tuple[list[Pick], str, str]:
    """(lines along the way, the warehouses' names, a zone of theirs). One query."""
    rows = bulk.fetch(_PICKS, [list(shipment_ids)])
    found = [Pick(place, sku, title or "", int(units or 0), parcels) for place, sku, title, units, parcels, *_ in rows]
    return found, ", ".join(sorted({row[6] for row in rows})), next((row[7] for row in rows), "UTC")


def picking_list(shipment_ids: Sequence[int], layout: str) -> pikepdf.Pdf:
    found, places, zone = picks(shipment_ids)
    when = clock.now().astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    title = f"Picking list 拣货单 · {places}" if places else "Picking list 拣货单"
    return sheets.picking_list(found, layout=layout, title=title, when=when)


def slips(shipment_ids: Sequence[int]) -> tuple[pikepdf.Pdf, dict[int, int]]:
    """(packing slips, {shipment: its page}). Two queries."""
    heads = bulk.fetch(
        "SELECT s.id, s.reference, s.receiver->>'name', coalesce(o.external_id, ''), coalesce(a.name, '')"
        " FROM logistics_shipment s LEFT JOIN orders_consignment c ON c.shipment_id = s.id"
        " LEFT JOIN orders_order o ON o.id = c.order_id LEFT JOIN channels_account a ON a.id = o.account_id"
        " WHERE s.id = ANY(%s) ORDER BY s.id",
        [list(shipment_ids)],
    )
    lines: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for pk, units, sku, title in bulk.fetch(
        f"SELECT c.shipment_id, {_UNITS}, coalesce(k.code, l.seller_sku), coalesce(nullif(k.title, ''), l.title)"
        " FROM orders_consignment c JOIN orders_consignmentline cl ON cl.consignment_id = c.id"
        " JOIN orders_orderline l ON l.id = cl.line_id LEFT JOIN inventory_sku k ON k.id = l.sku_id"
        " WHERE c.shipment_id = ANY(%s) ORDER BY c.shipment_id, cl.id",
        [list(shipment_ids)],
    ):
        lines[pk].append((int(units), sku, title or ""))
    rows = [
        Slip(external or reference, reference, receiver or "", shop, tuple(lines[pk]))
        for pk, reference, receiver, external, shop in heads
    ]
    return sheets.slips(rows), {row[0]: at for at, row in enumerate(heads)}

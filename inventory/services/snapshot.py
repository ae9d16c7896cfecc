"""Stock at the end of each day, in each warehouse's own zone: which days a SKU could not be sold."""

from __future__ import annotations

from datetime import date

from core import bulk, clock
from inventory.models import Location

_SQL = """
INSERT INTO inventory_dailystock AS old (day, zone, warehouse_id, sku_id, sellable)
WITH change AS (
    SELECT p.warehouse_id, m.sku_id, greatest((m.effective_at AT TIME ZONE w.timezone)::date, %(first)s) AS day,
           sum(CASE WHEN p.id = m.to_location_id THEN m.quantity ELSE -m.quantity END) AS units
      FROM inventory_move m
      JOIN inventory_location p ON p.id IN (m.from_location_id, m.to_location_id) AND p.kind = ANY(%(sellable)s)
      JOIN inventory_warehouse w ON w.id = p.warehouse_id
     GROUP BY 1, 2, 3
), known AS (
    SELECT warehouse_id, sku_id, min(day) AS since FROM change GROUP BY 1, 2
), stock AS (
    SELECT d.day::date AS day, w.timezone AS zone, k.warehouse_id, k.sku_id,
           sum(coalesce(c.units, 0)) OVER (PARTITION BY k.warehouse_id, k.sku_id ORDER BY d.day) AS units
      FROM known k
      JOIN inventory_warehouse w ON w.id = k.warehouse_id
     CROSS JOIN LATERAL generate_series(k.since::timestamp,
           least(%(last)s::date, (%(now)s AT TIME ZONE w.timezone)::date - 1)::timestamp, interval '1 day') AS d(day)
      LEFT JOIN change c ON c.warehouse_id = k.warehouse_id AND c.sku_id = k.sku_id AND c.day = d.day::date
)
SELECT day, zone, warehouse_id, sku_id, units FROM stock
ON CONFLICT (warehouse_id, sku_id, day) DO UPDATE SET sellable = EXCLUDED.sellable, zone = EXCLUDED.zone
 WHERE (old.sellable, old.zone) IS DISTINCT FROM (EXCLUDED.sellable, EXCLUDED.zone)
"""


def snapshot_days(*, first: date, last: date) -> int:
    """Write the days from ``first`` to ``last`` that are over in the warehouse's zone; returns how many rows changed.

    Worked out from the moves, so a day may be written again after a back-dated move; a SKU has rows from the day of its
    first move on. Run every night for the last days, or once for a whole history.
    """
    sellable = list(Location.SELLABLE)
    return bulk.execute(
        _SQL,
        {"first": first, "last": last, "sellable": sellable, "now": clock.now()},  # type: ignore[arg-type]
    )

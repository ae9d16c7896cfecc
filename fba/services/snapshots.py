"""The evening's stock of each warehouse, written once after its day has ended: for days without stock.

At a platform's warehouse it is what the platform said it can sell, where that is known: our books say what should be there.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction

from core import bulk, clock

KEEP_DAYS = 400

_OWN = """
    INSERT INTO inventory_dailystock (day, zone, warehouse_id, sku_id, sellable)
    SELECT %s, %s, s.warehouse_id, s.sku_id, s.sellable FROM inventory_stock s WHERE s.warehouse_id = %s
    ON CONFLICT (warehouse_id, sku_id, day) DO NOTHING
"""


def snapshot() -> dict[int, date]:
    """Write what is missing of yesterday (each warehouse's own). Returns {warehouse: day} of what was written now."""
    warehouses = bulk.fetch("SELECT id, kind, timezone, account_ref FROM inventory_warehouse WHERE active ORDER BY id")
    written: dict[int, date] = {}
    for warehouse, kind, zone, account in warehouses:
        day = clock.day_in(zone) - timedelta(days=1)
        with transaction.atomic():
            # One worker writes a warehouse's day; a second finds it written.
            bulk.execute("SELECT id FROM inventory_warehouse WHERE id = %s FOR NO KEY UPDATE", [warehouse])
            if _there(warehouse, day):
                continue
            if kind == "platform" and account is not None:
                count = _write_platform(day, zone, warehouse, account)
            else:
                count = bulk.execute(_OWN, [day, zone, warehouse])
        if count:
            written[warehouse] = day
    return written


def _there(warehouse: int, day: date) -> bool:
    sql = "SELECT 1 FROM inventory_dailystock WHERE warehouse_id = %s AND day = %s LIMIT 1"
    return bool(bulk.fetch(sql, [warehouse, day]))


def _write_platform(day: date, zone: str, warehouse: int, account: int) -> int:
    sql = """
        INSERT INTO inventory_dailystock (day, zone, warehouse_id, sku_id, sellable)
        SELECT %s, %s, %s, sku_id, coalesce(p.units, s.sellable)
          FROM (SELECT x.sku_id, sum(x.fulfillable * coalesce(l.units, 1)) AS units FROM channels_platformstock x
                  LEFT JOIN channels_listing l ON l.account_id = x.account_id AND l.seller_sku = x.seller_sku
                 WHERE x.account_id = %s AND x.sku_id IS NOT NULL GROUP BY x.sku_id) p
          FULL JOIN (SELECT sku_id, sellable FROM inventory_stock WHERE warehouse_id = %s) s USING (sku_id)
        ON CONFLICT (warehouse_id, sku_id, day) DO NOTHING
    """
    return bulk.execute(sql, [day, zone, warehouse, account, warehouse])


def purge(limit: int = 50_000) -> int:
    """Delete snapshots older than anybody asks for; returns how many went."""
    oldest = clock.now().date() - timedelta(days=KEEP_DAYS)
    return bulk.execute(
        "DELETE FROM inventory_dailystock WHERE id IN (SELECT id FROM inventory_dailystock WHERE day < %s LIMIT %s)",
        [oldest, limit],
    )

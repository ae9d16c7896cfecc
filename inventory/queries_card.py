"""How many units there were, day by day: reckoned back from what is there now by the moves since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core import bulk, clock
from core.permissions import Actor
from inventory.permissions import VIEW
from inventory.queries import FIGURES

KINDS = ("receipt", "opening", "adjust", "undo", "shipment", "platform", "return", "transfer", "freeze", "unfreeze")


@dataclass(frozen=True, slots=True)
class Days:
    """``lines``: (warehouse, its units at each day's end)."""

    days: list[date]
    lines: list[tuple[str, list[int]]]


def days(actor: Actor, *, sku_id: int, figure: str, zone: str, count: int, warehouse_id: int | None = None) -> Days:
    """The figure of each of the actor's warehouses (or one) at the ends of the last ``count`` days in ``zone``."""
    actor.require(VIEW)
    scope = None if actor.warehouses is None else sorted(actor.warehouses)
    kinds, last = list(FIGURES[figure]), clock.day_in(zone)
    now = bulk.fetch(
        "SELECT w.id, w.name, coalesce(sum(l.quantity), 0) FROM inventory_warehouse w"
        " JOIN inventory_location p ON p.warehouse_id = w.id AND p.kind = ANY(%s)"
        " JOIN inventory_level l ON l.location_id = p.id AND l.sku_id = %s"
        " WHERE (%s::bigint[] IS NULL OR w.id = ANY(%s::bigint[])) AND (%s::bigint IS NULL OR w.id = %s)"
        " GROUP BY w.id, w.name ORDER BY w.name, w.id",
        [kinds, sku_id, scope, scope, warehouse_id, warehouse_id],
    )
    first = last - timedelta(days=count - 1)
    since = datetime.combine(first + timedelta(days=1), time(), ZoneInfo(zone))
    changes: dict[tuple[int, date], int] = {}
    for warehouse, day, units in bulk.fetch(
        "SELECT p.warehouse_id, (m.effective_at AT TIME ZONE %s)::date,"
        " sum(CASE WHEN m.to_location_id = p.id THEN m.quantity ELSE -m.quantity END)"
        " FROM inventory_move m JOIN inventory_location p ON p.id IN (m.from_location_id, m.to_location_id)"
        " AND p.kind = ANY(%s) WHERE m.sku_id = %s AND m.effective_at >= %s GROUP BY 1, 2",
        [zone, kinds, sku_id, since],
    ):
        changes[warehouse, day] = int(units)
    shown = [first + timedelta(days=n) for n in range(count)]
    lines = []
    for warehouse, name, units in now:
        level, back = int(units), []
        for day in reversed(shown):
            back.append(level)
            level -= changes.get((warehouse, day), 0)
        lines.append((name, back[::-1]))
    return Days(shown, lines)

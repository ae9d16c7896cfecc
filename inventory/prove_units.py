"""The part of the proof that PostgreSQL can do in sets: units, reservations, rows without a home."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from core import bulk
from inventory.models import Location


@dataclass(frozen=True, slots=True)
class Difference:
    """``table`` and ``row`` name what is wrong (row None: it is missing); ``what`` is the check that found it."""

    table: str
    row: int | None
    what: str
    expected: str
    found: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_MOVED = (
    "SELECT location_id, sku_id, lot, sum(units) AS units FROM ("
    "SELECT to_location_id AS location_id, sku_id, coalesce(lot_id, 0) AS lot, quantity AS units FROM inventory_move"
    " UNION ALL SELECT from_location_id, sku_id, coalesce(lot_id, 0), -quantity FROM inventory_move) s"
    " GROUP BY location_id, sku_id, lot"
)

_LEVELS = (
    f"SELECT l.id, coalesce(m.units, 0), l.quantity, coalesce(m.location_id, l.location_id),"
    f" coalesce(m.sku_id, l.sku_id), nullif(coalesce(m.lot, l.lot_id), 0) FROM ({_MOVED}) m FULL JOIN inventory_level l"
    " ON l.location_id = m.location_id AND l.sku_id = m.sku_id AND coalesce(l.lot_id, 0) = m.lot"
    " WHERE coalesce(m.units, 0) <> coalesce(l.quantity, 0)"
)

_SELLABLE = (
    f"SELECT s.id, coalesce(m.units, 0), s.sellable, coalesce(m.warehouse_id, s.warehouse_id),"
    f" coalesce(m.sku_id, s.sku_id) FROM (SELECT p.warehouse_id, m.sku_id, sum(m.units) AS units FROM ({_MOVED}) m"
    " JOIN inventory_location p ON p.id = m.location_id AND p.kind = ANY(%s) GROUP BY p.warehouse_id, m.sku_id) m"
    " FULL JOIN inventory_stock s ON s.warehouse_id = m.warehouse_id AND s.sku_id = m.sku_id"
    " WHERE coalesce(m.units, 0) <> coalesce(s.sellable, 0)"
)

_RESERVED = (
    "SELECT s.id, coalesce(r.units, 0), s.reserved, coalesce(r.warehouse_id, s.warehouse_id),"
    " coalesce(r.sku_id, s.sku_id), r.ids FROM (SELECT warehouse_id, sku_id, sum(quantity) AS units,"
    " array_agg(id ORDER BY id) AS ids FROM inventory_reservation WHERE closed_at IS NULL GROUP BY warehouse_id, sku_id) r"
    " FULL JOIN inventory_stock s ON s.warehouse_id = r.warehouse_id AND s.sku_id = r.sku_id"
    " WHERE coalesce(r.units, 0) <> coalesce(s.reserved, 0)"
)

_ZERO = "SELECT sku_id, sum(quantity) FROM inventory_level GROUP BY sku_id HAVING sum(quantity) <> 0"

_COSTS = (
    "SELECT id, round(amount * rate, 4), base_amount, move_id FROM inventory_cost"
    " WHERE base_amount <> round(amount * rate, 4)"
)

_RETURNS = (
    "SELECT m.id, m.quantity, sum(r.quantity) FROM inventory_move m JOIN inventory_move r ON r.reverses_id = m.id"
    " GROUP BY m.id, m.quantity HAVING sum(r.quantity) > m.quantity"
)

# table, column, what it must point to
_HOMES = (
    ("inventory_move", "sku_id", "inventory_sku"),
    ("inventory_move", "from_location_id", "inventory_location"),
    ("inventory_move", "to_location_id", "inventory_location"),
    ("inventory_move", "lot_id", "inventory_lot"),
    ("inventory_move", "reverses_id", "inventory_move"),
    ("inventory_valuation", "sku_id", "inventory_sku"),
    ("inventory_valuation", "origin_id", "inventory_move"),
    ("inventory_cost", "move_id", "inventory_move"),
    ("inventory_level", "location_id", "inventory_location"),
    ("inventory_level", "sku_id", "inventory_sku"),
    ("inventory_stock", "warehouse_id", "inventory_warehouse"),
    ("inventory_stock", "sku_id", "inventory_sku"),
    ("inventory_reservation", "warehouse_id", "inventory_warehouse"),
    ("inventory_reservation", "sku_id", "inventory_sku"),
    ("inventory_poolstate", "sku_id", "inventory_sku"),
    ("inventory_location", "warehouse_id", "inventory_warehouse"),
)


def differences() -> list[Difference]:
    """Levels and stock against the moves, reservations against stock, zero-sum, told costs, rows without a home."""
    found: list[Difference] = []
    for row, should, have, location, sku, lot in bulk.fetch(_LEVELS):
        where = {"location": location, "sku": sku, "lot": lot}
        found.append(Difference("inventory_level", row, "level", _units(should), _units(have), where))
    for row, should, have, warehouse, sku in bulk.fetch(_SELLABLE, [list(Location.SELLABLE)]):
        where = {"warehouse": warehouse, "sku": sku}
        found.append(Difference("inventory_stock", row, "sellable", _units(should), _units(have), where))
    for row, should, have, warehouse, sku, ids in bulk.fetch(_RESERVED):
        where = {"warehouse": warehouse, "sku": sku, "reservations": ids or []}
        found.append(Difference("inventory_stock", row, "reserved", _units(should), _units(have), where))
    for sku, units in bulk.fetch(_ZERO):
        found.append(Difference("inventory_level", None, "zero_sum", "0", _units(units), {"sku": sku}))
    for row, should, have, move in bulk.fetch(_COSTS):
        found.append(Difference("inventory_cost", row, "base_amount", f"{should}", f"{have}", {"move": move}))
    for row, should, have in bulk.fetch(_RETURNS):
        found.append(Difference("inventory_move", row, "returned_too_many", _units(should), _units(have)))
    for table, column, home in _HOMES:
        for row, missing in bulk.fetch(
            f"SELECT t.id, t.{column} FROM {table} t WHERE t.{column} IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM {home} h WHERE h.id = t.{column})"
        ):
            found.append(Difference(table, row, "orphan", f"{home} {missing}", "", {"column": column}))
    return found


def _units(number: Any) -> str:
    return "" if number is None else str(int(number))

"""Locations as the ledger needs them: which warehouse, which costing pool, sellable or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core import bulk
from core.errors import BusinessError
from inventory.models import Location

# The locations every warehouse has. The code is the kind in capitals; bins come beside them.
STANDARD = (
    Location.STOCK,
    Location.SUPPLIER,
    Location.CUSTOMER,
    Location.TRANSIT,
    Location.QC,
    Location.RMA,
    Location.FROZEN,
    Location.DAMAGED,
    Location.SCRAP,
    Location.GAIN,
    Location.OPENING,
)
_OWNED = frozenset(Location.OWNED)
_SELLABLE = frozenset(Location.SELLABLE)


@dataclass(frozen=True, slots=True)
class Place:
    """``pool`` is None in the outside world (supplier, customer, scrap, gain, opening)."""

    id: int
    warehouse_id: int
    kind: str
    code: str
    pool: str | None
    sellable: bool


class Places:
    """Locations by id, and the standard ones of a warehouse by code."""

    def __init__(self, found: Iterable[Place]) -> None:
        self._by_id: dict[int, Place] = {}
        self._by_code: dict[tuple[int, str], Place] = {}
        for place in found:
            self._by_id[place.id] = place
            self._by_code[place.warehouse_id, place.code] = place

    def __getitem__(self, location_id: int) -> Place:
        try:
            return self._by_id[location_id]
        except KeyError:
            raise BusinessError("ledger.unknown_location", location=location_id) from None

    def of(self, warehouse_id: int, kind: str) -> Place:
        """The standard location of that kind. Raises BusinessError (``ledger.unknown_warehouse``)."""
        try:
            return self._by_code[warehouse_id, kind.upper()]
        except KeyError:
            raise BusinessError("ledger.unknown_warehouse", warehouse=warehouse_id) from None

    def pick(self, warehouse_id: int, kind: str, location_id: int | None) -> Place:
        """The named location, which must belong to the warehouse, or else the standard one."""
        if location_id is None:
            return self.of(warehouse_id, kind)
        place = self[location_id]
        if place.warehouse_id != warehouse_id:
            raise BusinessError("ledger.unknown_location", location=location_id)
        return place


_SELECT = (
    "SELECT l.id, l.warehouse_id, l.kind, l.code, w.pool_ref FROM inventory_location l"
    " JOIN inventory_warehouse w ON w.id = l.warehouse_id"
)


def load(warehouse_ids: Iterable[int], location_ids: Iterable[int | None] = ()) -> Places:
    """Standard locations of the warehouses and the named locations: one statement."""
    rows = bulk.fetch(
        f"{_SELECT} WHERE (l.warehouse_id = ANY(%s) AND l.code = ANY(%s)) OR l.id = ANY(%s)",
        [sorted(set(warehouse_ids)), [k.upper() for k in STANDARD], [i for i in set(location_ids) if i is not None]],
    )
    return Places(_place(row) for row in rows)


def pools_of_locations() -> dict[int, str | None]:
    """{location: pool or None} of all locations."""
    return {row[0]: _place(row).pool for row in bulk.fetch(_SELECT)}


def _place(row: tuple) -> Place:
    location_id, warehouse_id, kind, code, pool_ref = row
    return Place(location_id, warehouse_id, kind, code, pool_ref if kind in _OWNED else None, kind in _SELLABLE)

"""Reads of products, stock and value. Every function takes the actor: warehouses out of scope are not there, and costs
are None without SEE_COST. Quantities are units, values in the tenant's base currency."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core import bulk
from core.permissions import SEE_COST, Actor
from inventory.codes import code_key
from inventory.models import Location, Sku, Valuation, Warehouse
from inventory.permissions import VIEW

# What a stock row shows, and the kinds of location whose levels it is the sum of.
FIGURES: dict[str, tuple[str, ...]] = {
    "on_hand": (Location.STOCK, Location.PLATFORM, Location.QC, Location.RMA, Location.FROZEN, Location.DAMAGED),
    "sellable": Location.SELLABLE,
    "transit": (Location.TRANSIT,),
    "qc": (Location.QC,),
    "rma": (Location.RMA,),
    "frozen": (Location.FROZEN,),
    "damaged": (Location.DAMAGED,),
}


@dataclass(frozen=True, slots=True)
class StockRow:
    """Units of a SKU in a warehouse. ``available`` = sellable − reserved. ``figures``: see FIGURES."""

    sku_id: int
    code: str
    title: str
    title_zh: str
    warehouse_id: int
    warehouse: str
    reserved: int
    available: int
    figures: dict[str, int]


@dataclass(frozen=True, slots=True)
class Worth:
    """What a pool's stock of a SKU is worth under one method. ``unit``: of those whose cost is known, None if none is."""

    sku_id: int
    pool: str
    method: str
    quantity: int
    unvalued: int
    value: Decimal | None
    unit: Decimal | None


@dataclass(frozen=True, slots=True)
class CardLine:
    """A move as one warehouse sees it: ``change`` of the asked figure, ``balance`` after it in effective order."""

    move_id: int
    effective_at: datetime
    posted_at: datetime
    source_kind: str
    source_id: int | None
    source_line: int | None
    from_code: str
    to_code: str
    change: int
    balance: int
    reason: str
    actor_label: str
    value: dict[str, Decimal | None]  # by method; None: not shown, or no value moved
    unvalued: dict[str, int]

    @property
    def before(self) -> int:
        return self.balance - self.change


@dataclass(frozen=True, slots=True)
class CodeMatch:
    """A SKU found by a code that somebody wrote. Only an active one may be linked by itself (Req. 70)."""

    sku_id: int
    active: bool
    successor_id: int | None


def warehouses(actor: Actor, *, inactive: bool = False) -> list[Warehouse]:
    """Raises NotAllowed."""
    actor.require(VIEW)
    rows = Warehouse.objects.order_by("priority", "id")
    if actor.warehouses is not None:
        rows = rows.filter(pk__in=actor.warehouses)
    return list(rows if inactive else rows.filter(active=True))


def scope_choices() -> list[tuple[int, str]]:
    """(id, name) of all warehouses, for whoever narrows members to some of them."""
    return list(Warehouse.objects.order_by("name", "pk").values_list("pk", "name"))


def skus_of_codes(codes: Sequence[str]) -> dict[str, CodeMatch]:
    """{code as written: match} in one statement; for the machine's own matching, so without an actor."""
    keys = {code: code_key(code) for code in codes}
    rows = bulk.fetch(
        "SELECT code_key, id, state, successor_id FROM inventory_sku WHERE code_key = ANY(%s)",
        [sorted(set(keys.values()))],
    )
    found = {key: CodeMatch(sku, state == Sku.ACTIVE, successor) for key, sku, state, successor in rows}
    return {code: found[key] for code, key in keys.items() if key in found}


def stock_rows(
    actor: Actor,
    *,
    search: str = "",
    sku_ids: Sequence[int] | None = None,
    warehouse_ids: Sequence[int] | None = None,
    after: tuple[str, int] = ("", 0),
    limit: int = 50,
) -> list[StockRow]:
    """Stock by SKU and warehouse, ordered by (SKU code, warehouse); ``after`` = the last row's. Raises NotAllowed."""
    actor.require(VIEW)
    rows = bulk.fetch(
        "SELECT s.sku_id, k.code, k.title, k.title_zh, s.warehouse_id, w.name, s.reserved, s.sellable - s.reserved, f.kinds"
        " FROM inventory_stock s JOIN inventory_sku k ON k.id = s.sku_id JOIN inventory_warehouse w ON w.id = s.warehouse_id"
        " LEFT JOIN LATERAL (SELECT jsonb_object_agg(x.kind, x.units)::text AS kinds FROM (SELECT p.kind,"
        " sum(l.quantity) AS units FROM inventory_level l JOIN inventory_location p ON p.id = l.location_id"
        " WHERE l.sku_id = s.sku_id AND p.warehouse_id = s.warehouse_id GROUP BY p.kind) x) f ON true"
        " WHERE (%s::bigint[] IS NULL OR s.warehouse_id = ANY(%s::bigint[]))"
        " AND (%s::bigint[] IS NULL OR s.warehouse_id = ANY(%s::bigint[]))"
        " AND (%s::bigint[] IS NULL OR s.sku_id = ANY(%s::bigint[]))"
        " AND (%s = '' OR k.code_key LIKE %s OR k.title ILIKE %s OR k.title_zh LIKE %s)"
        " AND (k.code_key, s.warehouse_id) > (%s, %s) ORDER BY k.code_key, s.warehouse_id LIMIT %s",
        [
            *_twice(None if actor.warehouses is None else sorted(actor.warehouses)),
            *_twice(None if warehouse_ids is None else list(warehouse_ids)),
            *_twice(None if sku_ids is None else list(sku_ids)),
            search.strip(),
            f"{_like(code_key(search))}%",
            f"%{_like(search.strip())}%",
            f"%{_like(search.strip())}%",
            code_key(after[0]),
            after[1],
            limit,
        ],
    )
    shown: list[tuple[Any, ...]] = [(*row[:8], _figures(row[8])) for row in rows]
    return [StockRow(*row) for row in shown]


def worth(
    actor: Actor, *, sku_ids: Sequence[int] | None = None, method: str | None = None, open_only: bool = False
) -> list[Worth]:
    """Value of stock by SKU, pool and method; ``open_only``: those with units of unknown cost. Raises NotAllowed.

    A pool may span warehouses, so an actor who may not see one of its warehouses does not see the pool.
    """
    actor.require(VIEW)
    shown = actor.can(SEE_COST)
    rows = bulk.fetch(
        "SELECT p.sku_id, p.pool, p.method, p.quantity, p.unvalued, p.value, p.value / nullif(p.quantity - p.unvalued, 0)"
        " FROM inventory_poolstate p WHERE (%s::bigint[] IS NULL OR p.sku_id = ANY(%s::bigint[]))"
        " AND (%s::text IS NULL OR p.method = %s) AND (NOT %s OR p.unvalued <> 0)"
        " AND (%s::bigint[] IS NULL OR NOT EXISTS (SELECT 1 FROM inventory_warehouse w WHERE w.pool_ref = p.pool"
        " AND w.id <> ALL(%s::bigint[]))) ORDER BY p.sku_id, p.pool, p.method",
        [
            *_twice(None if sku_ids is None else list(sku_ids)),
            *_twice(method),
            open_only,
            *_twice(None if actor.warehouses is None else sorted(actor.warehouses)),
        ],
    )
    return [Worth(*row[:5], *(row[5:] if shown else (None, None))) for row in rows]


def totals(actor: Actor) -> dict[str, tuple[Decimal | None, int]]:
    """{method: (value of all stock, units of unknown cost)}: both methods side by side (Req. 61). Raises NotAllowed."""
    sums: dict[str, tuple[Decimal | None, int]] = {}
    for method in Valuation.METHODS:
        rows = worth(actor, method=method)
        values = [row.value for row in rows]
        value = None if not actor.can(SEE_COST) else sum((v for v in values if v is not None), Decimal(0))
        sums[method] = (value, sum(row.unvalued for row in rows))
    return sums


def stock_card(
    actor: Actor,
    *,
    sku_id: int,
    warehouse_id: int,
    figure: str = "on_hand",
    limit: int = 200,
    skip: int = 0,
    since: datetime | None = None,
    until: datetime | None = None,
    kind: str = "",
) -> list[CardLine]:
    """The moves that a figure of a stock row is made of, latest first; their changes add up to it. Raises NotAllowed.

    ``since``, ``until`` (not included) and ``kind`` choose among them; balances are those of all. A warehouse out of
    scope has no moves.
    """
    actor.require(VIEW)
    if not actor.sees_warehouse(warehouse_id):
        return []
    shown = actor.can(SEE_COST)
    rows = bulk.fetch(
        "WITH place AS (SELECT id, kind = ANY(%s) AS counted FROM inventory_location WHERE warehouse_id = %s),"
        " moved AS (SELECT m.*, m.quantity * (coalesce(t.counted, false)::int - coalesce(f.counted, false)::int) AS change"
        " FROM inventory_move m LEFT JOIN place f ON f.id = m.from_location_id LEFT JOIN place t ON t.id = m.to_location_id"
        " WHERE m.sku_id = %s AND coalesce(f.counted, false) <> coalesce(t.counted, false)),"
        " line AS (SELECT *, sum(change) OVER (ORDER BY effective_at, id) AS balance FROM moved)"
        " SELECT x.id, x.effective_at, x.posted_at, x.source_kind, x.source_id, x.source_line, f.code, t.code, x.change,"
        " x.balance::bigint, x.reason, x.actor_label FROM line x JOIN inventory_location f ON f.id = x.from_location_id"
        " JOIN inventory_location t ON t.id = x.to_location_id WHERE (%s::timestamptz IS NULL OR x.effective_at >= %s)"
        " AND (%s::timestamptz IS NULL OR x.effective_at < %s) AND (%s = '' OR x.source_kind = %s)"
        " ORDER BY x.effective_at DESC, x.id DESC LIMIT %s OFFSET %s",
        [list(FIGURES[figure]), warehouse_id, sku_id, *_twice(since), *_twice(until), *_twice(kind), limit, skip],
    )
    values = _values([row[0] for row in rows], _pool_of(warehouse_id))
    lines = []
    for row in rows:
        mine = values.get(row[0], {})
        money = {method: (worth[0] if shown else None) for method, worth in mine.items()}
        unknown = {method: worth[1] for method, worth in mine.items()}
        line: tuple[Any, ...] = (*row, money, unknown)
        lines.append(CardLine(*line))
    return lines


def open_reservations(actor: Actor, *, sku_id: int, warehouse_id: int) -> list[dict[str, Any]]:
    """What a stock row's ``reserved`` is made of, oldest first. Raises NotAllowed."""
    actor.require(VIEW)
    if not actor.sees_warehouse(warehouse_id):
        return []
    rows = bulk.fetch(
        "SELECT id, quantity, kind, owner_kind, owner_id, created_at, expires_at FROM inventory_reservation"
        " WHERE sku_id = %s AND warehouse_id = %s AND closed_at IS NULL ORDER BY id",
        [sku_id, warehouse_id],
    )
    names = ("id", "quantity", "kind", "owner_kind", "owner_id", "created_at", "expires_at")
    return [dict(zip(names, row, strict=True)) for row in rows]


def entries(actor: Actor, *, move_id: int) -> list[Valuation]:
    """The value entries of a move, in the order of posting; none without SEE_COST. Raises NotAllowed."""
    actor.require(VIEW)
    if not actor.can(SEE_COST):
        return []
    rows = Valuation.objects.filter(move_id=move_id).select_related("origin").order_by("id")
    if actor.warehouses is not None:
        mine = Location.objects.filter(warehouse_id__in=actor.warehouses).values("pk")
        rows = rows.filter(move__from_location__in=mine, move__to_location__in=mine)
    return list(rows)


def cost_of_sources(
    actor: Actor, *, source_kind: str, source_ids: Sequence[int], method: str
) -> dict[int, tuple[Decimal | None, int]]:
    """{source: (what its goods cost, units of unknown cost)} of e.g. shipments; positive figures. Raises NotAllowed."""
    actor.require(VIEW)
    shown = actor.can(SEE_COST)
    rows = bulk.fetch(
        "SELECT m.source_id, -sum(v.amount), -sum(v.unvalued) FROM inventory_move m JOIN inventory_valuation v"
        " ON v.move_id = m.id AND v.method = %s WHERE m.source_kind = %s AND m.source_id = ANY(%s) GROUP BY m.source_id",
        [method, source_kind, list(source_ids)],
    )
    return {source: (value if shown else None, int(unknown)) for source, value, unknown in rows}


def _values(moves: list[int], pool: str) -> dict[int, dict[str, tuple[Decimal, int]]]:
    rows = bulk.fetch(
        "SELECT move_id, method, sum(amount), sum(unvalued) FROM inventory_valuation"
        " WHERE move_id = ANY(%s) AND pool = %s GROUP BY move_id, method",
        [moves, pool],
    )
    values: dict[int, dict[str, tuple[Decimal, int]]] = {}
    for move, method, amount, unknown in rows:
        values.setdefault(move, {})[method] = (amount, int(unknown))
    return values


def _pool_of(warehouse_id: int) -> str:
    rows = bulk.fetch("SELECT pool_ref FROM inventory_warehouse WHERE id = %s", [warehouse_id])
    return rows[0][0] if rows else ""


def _figures(kinds: str | None) -> dict[str, int]:
    levels = json.loads(kinds) if kinds else {}
    return {name: int(sum(levels.get(kind, 0) for kind in made_of)) for name, made_of in FIGURES.items()}


def _twice(value: Any) -> tuple[Any, Any]:
    return value, value


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")

"""What a restock run is computed from, read for a batch of SKUs with a fixed number of statements.

A *place* is a warehouse of ours; what a platform holds has one too (kind platform, per account). Sales of platform
orders belong to the account's platform place, others to the warehouse that the order was routed to (or the first one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from core import bulk
from fba.marketplaces import country_of
from inventory.demand import Window

LENGTHS = (7, 30, 90)
LONGEST = LENGTHS[-1]
PARTS = {
    "available": "fulfillable",
    "fc_transfer": "reserved_transfer",
    "fc_processing": "reserved_processing",
    "inbound_shipped": "inbound_shipped",
    "inbound_receiving": "inbound_receiving",
    "inbound_working": "inbound_working",
    "customer_reserve": "reserved_customer",
    "unfulfillable": "unfulfillable",
}

PlaceKey = tuple[int, int]  # (SKU, warehouse); the warehouse is −account for what its platform holds


@dataclass(frozen=True, slots=True)
class Item:
    id: int
    product: int | None
    moq: int
    carton: int
    lead_days: int


@dataclass(frozen=True, slots=True)
class Site:
    """An own warehouse: ``ships`` = platforms are restocked from there."""

    id: int
    ships: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody decided for the SKU; None: as for all."""

    safety_days: float | None
    growth: float | None


@dataclass
class Sold:
    """Units by window, and the first day anything was sold within the longest one."""

    units: list[int] = field(default_factory=lambda: [0] * len(LENGTHS))
    first: date | None = None

    def add(self, units: Sequence[int], first: date | None) -> None:
        self.units = [a + b for a, b in zip(self.units, units, strict=True)]
        if first is not None:
            self.first = min(self.first or first, first)


@dataclass
class Shelf:
    """Days without stock by window, and the first day with some."""

    out: list[int] = field(default_factory=lambda: [0] * len(LENGTHS))
    first: date | None = None


@dataclass
class Figures:
    """``platform_sold`` by (SKU, account, marketplace); ``own_sold`` and ``free`` by (SKU, warehouse)."""

    day: date
    items: dict[int, Item] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    platform_sold: dict[tuple[int, int, str], Sold] = field(default_factory=dict)
    own_sold: dict[PlaceKey, Sold] = field(default_factory=dict)
    free: dict[PlaceKey, int] = field(default_factory=dict)
    parts: dict[tuple[int, int, str], dict[str, int]] = field(default_factory=dict)
    shelves: dict[PlaceKey, Shelf] = field(default_factory=dict)
    choices: dict[int, Choice] = field(default_factory=dict)

    def windows(self, sold: Sold, shelf: Shelf | None) -> list[Window]:
        """As ``inventory.demand.windows`` makes them from daily series; days without a snapshot had stock."""
        firsts = [one for one in (sold.first, shelf.first if shelf else None) if one is not None]
        if not firsts:
            return [Window(days, 0, 0, 0) for days in LENGTHS]
        known = (self.day - min(firsts)).days
        made = []
        for index, days in enumerate(LENGTHS):
            inside = min(days, known)
            out = min(shelf.out[index], inside) if shelf else 0
            made.append(Window(days, sold.units[index], inside - out, inside))
        return made


def next_skus(after: tuple[int, int], limit: int) -> list[tuple[int, int]]:
    """The next active SKUs as (product or 0, SKU), in that order; a product is never cut in two."""
    sql = (
        "SELECT coalesce(product_id, 0) AS p, id FROM inventory_sku WHERE state = 'active'"
        " AND (coalesce(product_id, 0), id) > (%s, %s) ORDER BY 1, 2"
    )
    found = [(row[0], row[1]) for row in bulk.fetch(f"{sql} LIMIT %s", [*after, limit])]
    if len(found) == limit and found[-1][0]:
        rest = f"SELECT p, id FROM ({sql}) s WHERE p = %s"
        found += [(row[0], row[1]) for row in bulk.fetch(rest, [*found[-1], found[-1][0]])]
    return found


def load(sku_ids: Sequence[int], day: date, zone: str) -> Figures:
    """Everything about these SKUs as of the morning of ``day`` in ``zone``: sales up to yesterday, stock as it is now."""
    figures, ids = Figures(day), list(sku_ids)
    figures.items = {
        row[0]: Item(*row)
        for row in bulk.fetch(
            "SELECT id, product_id, moq, carton, lead_days FROM inventory_sku WHERE id = ANY(%s)", [ids]
        )
    }
    figures.choices = {
        row[0]: Choice(row[1], row[2])
        for row in bulk.fetch("SELECT sku_id, safety_days, growth FROM fba_restockchoice WHERE sku_id = ANY(%s)", [ids])
    }
    figures.sites = [
        Site(row[0], row[1] == "own")
        for row in bulk.fetch(
            "SELECT id, kind FROM inventory_warehouse WHERE active AND kind <> 'platform' ORDER BY priority, id"
        )
    ]
    _stock(figures, ids)
    sold = _sold_params(figures, ids, zone)
    _sales(figures, sold)
    _shelves(figures, sold)
    return figures


def _stock(figures: Figures, ids: list[int]) -> None:
    sites = [site.id for site in figures.sites]
    for sku, warehouse, free in bulk.fetch(
        "SELECT sku_id, warehouse_id, sellable - reserved FROM inventory_stock"
        " WHERE sku_id = ANY(%s) AND warehouse_id = ANY(%s)",
        [ids, sites],
    ):
        figures.free[sku, warehouse] = free
    sums = ", ".join(f"sum(s.{column} * coalesce(l.units, 1))" for column in PARTS.values())
    for sku, account, marketplace, *counts in bulk.fetch(
        f"SELECT s.sku_id, s.account_id, s.marketplace, {sums} FROM channels_platformstock s"
        " LEFT JOIN channels_listing l ON l.account_id = s.account_id AND l.seller_sku = s.seller_sku"
        " WHERE s.sku_id = ANY(%s) GROUP BY s.sku_id, s.account_id, s.marketplace ORDER BY 1, 2, 3",
        [ids],
    ):
        figures.parts[sku, account, marketplace] = {
            part: int(count) for part, count in zip(PARTS, counts, strict=True) if count
        }


# What was sold: paid, not cancelled, in units of the SKU, by the tenant's day. Lines of the SKUs are found by their
# index, orders by key.
_SOLD = """
    SELECT l.sku_id, o.account_id, o.platform_fulfilled,
           CASE WHEN o.warehouse_id = ANY(%(sites)s) THEN o.warehouse_id ELSE %(first)s END AS warehouse_id,
           o.ship_country, (o.placed_at AT TIME ZONE %(zone)s)::date AS day,
           l.units * (l.quantity - l.cancelled) / l.quantity AS units
      FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
     WHERE l.sku_id = ANY(%(ids)s) AND o.placed_at >= %(start)s AND o.placed_at < %(end)s
       AND l.quantity > 0 AND l.cancelled < l.quantity
       AND o.state NOT IN ('cancelled', 'pending') AND o.channel_status NOT IN ('cancelled', 'pending')
"""


def _sold_params(figures: Figures, ids: list[int], zone: str) -> dict[str, Any]:
    home, day = ZoneInfo(zone), figures.day
    return {
        "ids": ids,
        "zone": zone,
        "start": datetime.combine(day - timedelta(days=LONGEST), time(), home),
        "end": datetime.combine(day, time(), home),
        "sites": [site.id for site in figures.sites],
        "first": figures.sites[0].id if figures.sites else None,
        **{f"d{days}": day - timedelta(days=days) for days in LENGTHS},
    }


def _sales(figures: Figures, sold: dict[str, Any]) -> None:
    """Fills both kinds of sales, by window."""
    windows = ", ".join(f"coalesce(sum(units) FILTER (WHERE day >= %(d{days})s), 0)" for days in LENGTHS)
    rows = _named(
        f"WITH sold AS ({_SOLD}) SELECT sku_id, account_id, platform_fulfilled,"
        f" CASE WHEN platform_fulfilled THEN NULL ELSE warehouse_id END,"
        f" CASE WHEN platform_fulfilled THEN ship_country ELSE '' END, min(day), {windows} FROM sold"
        " GROUP BY 1, 2, 3, 4, 5",
        sold,
    )
    places: dict[tuple[int, int], list[str]] = {}
    for sku, account, marketplace in figures.parts:
        places.setdefault((sku, account), []).append(marketplace)
    for sku, account, by_platform, warehouse, country, since, *units in rows:
        whole = [int(one) for one in units]
        if by_platform:
            key = (sku, account, _marketplace(places.get((sku, account), []), country))
            figures.platform_sold.setdefault(key, Sold()).add(whole, since)
        elif warehouse is not None:
            figures.own_sold.setdefault((sku, warehouse), Sold()).add(whole, since)


def _marketplace(known: list[str], country: str) -> str:
    for marketplace in known:
        if country_of(marketplace) == country:
            return marketplace
    return known[0] if known else ""


# Days whose evening had no stock and that sold nothing, from the first day with stock on.
_SHELVES = """
    WITH places AS (
        SELECT id, CASE WHEN kind = 'platform' THEN -account_ref ELSE id END AS place FROM inventory_warehouse
         WHERE kind <> 'platform' OR account_ref IS NOT NULL
    ), known AS (
        SELECT d.sku_id, p.place, d.day, max(d.sellable) AS sellable
          FROM inventory_dailystock d JOIN places p ON p.id = d.warehouse_id
         WHERE d.sku_id = ANY(%(ids)s) AND d.day >= %(d90)s AND d.day < %(day)s GROUP BY 1, 2, 3
    ), sold AS (
        SELECT DISTINCT sku_id, CASE WHEN platform_fulfilled THEN -account_id ELSE warehouse_id END AS place, day
          FROM ({sold}) s
    ), judged AS (
        SELECT k.sku_id, k.place, k.day, k.sellable > 0 OR s.sku_id IS NOT NULL AS stocked
          FROM known k LEFT JOIN sold s ON s.sku_id = k.sku_id AND s.place = k.place AND s.day = k.day
    ), firsts AS (
        SELECT sku_id, place, min(day) AS first FROM (
            SELECT sku_id, place, day FROM judged WHERE stocked UNION ALL SELECT sku_id, place, day FROM sold
        ) any_stock GROUP BY 1, 2
    )
    SELECT f.sku_id, f.place, f.first, {windows}
      FROM firsts f LEFT JOIN judged j ON j.sku_id = f.sku_id AND j.place = f.place AND j.day > f.first
                                      AND NOT j.stocked
     GROUP BY 1, 2, 3
"""


def _shelves(figures: Figures, sold: dict[str, Any]) -> None:
    windows = ", ".join(f"count(j.day) FILTER (WHERE j.day >= %(d{days})s)" for days in LENGTHS)
    for sku, place, first, *out in _named(_SHELVES.format(sold=_SOLD, windows=windows), sold | {"day": figures.day}):
        figures.shelves[sku, place] = Shelf(out, first)


def _named(sql: str, params: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())

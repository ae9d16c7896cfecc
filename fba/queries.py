"""Reads of restocking: the newest run's lines by urgency, one line with all its terms, where platform and books differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core import bulk
from core.errors import BusinessError
from core.permissions import Actor
from fba import permissions
from fba.models import RestockLine, RestockRun
from fba.terms import unpack

TO_DO = (RestockLine.OUT, RestockLine.LATE, RestockLine.DUE)
TABS: dict[str, tuple[str, ...]] = {
    "todo": TO_DO,
    **{urgency: (urgency,) for urgency in RestockLine.URGENCIES},
    "all": RestockLine.URGENCIES,
}
_LIST = (
    "id sku_id sku title title_zh account_id account marketplace warehouse_id warehouse velocity position cover_days"
    " stockout_on order_by send buy urgency"
).split()
_SELECT = (
    "SELECT l.id, l.sku_id, s.code, s.title, s.title_zh, l.account_id, a.name, l.marketplace, l.warehouse_id, w.name,"
    " l.velocity, l.position, l.cover_days, l.stockout_on, l.order_by, l.send, l.buy, l.urgency FROM fba_restockline l"
    " JOIN inventory_sku s ON s.id = l.sku_id LEFT JOIN channels_account a ON a.id = l.account_id"
    " LEFT JOIN inventory_warehouse w ON w.id = l.warehouse_id"
)


@dataclass(frozen=True)
class Filter:
    """``tab``: todo (out, late, due), one urgency, or all. ``platform``: None both, True platforms, False own."""

    tab: str = "todo"
    accounts: tuple[int, ...] = ()
    warehouses: tuple[int, ...] = ()
    sku: str = ""
    platform: bool | None = None


@dataclass
class Page:
    """``next``: key for ``after``, '' at the end."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    next: str = ""


def latest(actor: Actor) -> RestockRun | None:
    """The newest finished run."""
    actor.require(permissions.VIEW)
    return RestockRun.objects.filter(finished_at__isnull=False).order_by("-pk").first()


def lines(actor: Actor, run_id: int, chosen: Filter, *, after: str = "", limit: int = 50) -> Page:
    """The most urgent first, then by the day one must order; keyset. Raises BusinessError ``list.bad_position``."""
    actor.require(permissions.VIEW)
    limit = max(1, min(limit, 500))
    conditions, params = _scope(actor, chosen)
    wanted = [urgency for urgency in RestockLine.URGENCIES if urgency in TABS.get(chosen.tab, TO_DO)]
    urgency, day, number = _position(after) if after else ("", None, 0)
    if urgency:
        wanted = wanted[wanted.index(urgency) :] if urgency in wanted else []
    rows: list[dict[str, Any]] = []
    for one in wanted:
        place = (day, number) if one == urgency else None
        rows += _of(run_id, one, conditions, params, place, limit + 1 - len(rows))
        if len(rows) > limit:
            break
    page = Page(rows[:limit])
    if len(rows) > limit:
        last = page.rows[-1]
        page.next = f"{last['urgency']}~{last['order_by'] or ''}~{last['id']}"
    return page


def _of(
    run_id: int,
    urgency: str,
    conditions: list[str],
    params: list[Any],
    place: tuple[date | None, int] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Lines of one urgency in the order of their index: those with a day, then those without."""
    out: list[dict[str, Any]] = []
    head = ["l.run_id = %s", "l.urgency = %s", *conditions]
    if place is None or place[0] is not None:
        where, values = [*head, "l.order_by IS NOT NULL"], [run_id, urgency, *params]
        if place is not None:
            where.append("(l.order_by, l.id) > (%s, %s)")
            values += place
        out = _rows(where, values, "l.order_by, l.id", limit)
    if len(out) < limit:
        number = place[1] if place is not None and place[0] is None else 0
        where = [*head, "l.order_by IS NULL", "l.id > %s"]
        out += _rows(where, [run_id, urgency, *params, number], "l.id", limit - len(out))
    return out


def _rows(where: list[str], values: list[Any], order: str, limit: int) -> list[dict[str, Any]]:
    sql = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %s"
    return [dict(zip(_LIST, row, strict=True)) for row in bulk.fetch(sql, [*values, limit])]


def _position(key: str) -> tuple[str, date | None, int]:
    try:
        urgency, day, number = key.split("~")
        return urgency, date.fromisoformat(day) if day else None, int(number)
    except ValueError:
        raise BusinessError("list.bad_position") from None


def _scope(actor: Actor, chosen: Filter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    params: list[Any] = []
    for name, wanted, seen in (
        ("account_id", chosen.accounts, actor.accounts),
        ("warehouse_id", chosen.warehouses, actor.warehouses),
    ):
        if wanted:
            conditions.append(f"l.{name} = ANY(%s)")
            params.append(sorted(set(wanted) & seen) if seen is not None else list(wanted))
        elif seen is not None:
            conditions.append(f"(l.{name} IS NULL OR l.{name} = ANY(%s))")
            params.append(sorted(seen))
    if chosen.platform is not None:
        conditions.append(f"l.account_id IS {'NOT ' if chosen.platform else ''}NULL")
    if chosen.sku.strip():
        conditions.append("starts_with(s.code_key, %s)")
        params.append("".join(chosen.sku.split()).upper())
    return conditions, params


def counts(actor: Actor, run_id: int) -> dict[str, int]:
    """{tab: lines} of a run."""
    actor.require(permissions.VIEW)
    conditions, params = _scope(actor, Filter())
    where = "".join(f" AND {condition}" for condition in conditions)
    found = dict(
        bulk.fetch(
            f"SELECT urgency, count(*) FROM fba_restockline l WHERE run_id = %s{where} GROUP BY urgency",
            [run_id, *params],
        )
    )
    return {tab: sum(found.get(urgency, 0) for urgency in members) for tab, members in TABS.items()}


def line(actor: Actor, line_id: int) -> dict[str, Any]:
    """One line with ``terms``: the suggestion with every figure it was computed from (``Suggestion.to_json``'s shape).

    Raises BusinessError ``restock.not_found`` outside the actor's scope too.
    """
    actor.require(permissions.VIEW)
    rows = bulk.fetch(f"{_SELECT} WHERE l.id = %s", [line_id])
    row = dict(zip(_LIST, rows[0], strict=True)) if rows else None
    hidden = row is None or (
        not actor.sees_warehouse(row["warehouse_id"])
        or (row["account_id"] is not None and not actor.sees_account(row["account_id"]))
    )
    if row is None or hidden:
        raise BusinessError("restock.not_found")
    terms, run_id = bulk.fetch("SELECT terms, run_id FROM fba_restockline WHERE id = %s", [line_id])[0]
    row["terms"] = unpack(bulk.unpacked(terms))
    row["run_id"] = run_id
    return row


@dataclass(frozen=True, slots=True)
class Difference:
    """``theirs`` − ``ours`` of a SKU at a platform. A proposal: what to adjust is a person's decision, stock is not touched.

    ``theirs`` counts all units in the platform's hands; ``cause``: in_transfer (as many are between its warehouses or
    being counted), inbound (as many are being received), found, lost.
    """

    account_id: int
    account: str
    warehouse_id: int
    sku_id: int
    sku: str
    ours: int
    theirs: int
    difference: int
    cause: str
    parts: dict[str, int]


def differences(actor: Actor, *, limit: int = 500) -> list[Difference]:
    """Where a platform's count and our books of its warehouse differ, the largest first."""
    actor.require(permissions.VIEW)
    names = ("fulfillable", "transfer", "processing", "customer", "researching", "unfulfillable", "receiving")
    rows = bulk.fetch(
        """
        WITH told AS (
            SELECT p.account_id, p.sku_id, sum(p.fulfillable * u.n) AS fulfillable,
                   sum(p.reserved_transfer * u.n) AS transfer, sum(p.reserved_processing * u.n) AS processing,
                   sum(p.reserved_customer * u.n) AS customer, sum(p.researching * u.n) AS researching,
                   sum(p.unfulfillable * u.n) AS unfulfillable, sum(p.inbound_receiving * u.n) AS receiving
              FROM channels_platformstock p
              LEFT JOIN channels_listing l ON l.account_id = p.account_id AND l.seller_sku = p.seller_sku
              CROSS JOIN LATERAL (SELECT coalesce(l.units, 1) AS n) u
             WHERE p.sku_id IS NOT NULL GROUP BY 1, 2
        ), booked AS (
            SELECT w.account_ref AS account_id, w.id AS warehouse_id, x.sku_id, sum(x.quantity) AS ours
              FROM inventory_warehouse w JOIN inventory_location o ON o.warehouse_id = w.id
              JOIN inventory_level x ON x.location_id = o.id
             WHERE w.kind = 'platform' AND w.account_ref IS NOT NULL AND o.kind IN ('platform', 'stock', 'damaged')
             GROUP BY 1, 2, 3
        )
        SELECT t.account_id, a.name, w.id, t.sku_id, s.code, coalesce(b.ours, 0), t.fulfillable, t.transfer,
               t.processing, t.customer, t.researching, t.unfulfillable, t.receiving
          FROM told t JOIN channels_account a ON a.id = t.account_id JOIN inventory_sku s ON s.id = t.sku_id
          JOIN inventory_warehouse w ON w.kind = 'platform' AND w.account_ref = t.account_id
          LEFT JOIN booked b ON b.account_id = t.account_id AND b.sku_id = t.sku_id AND b.warehouse_id = w.id
         WHERE t.fulfillable + t.transfer + t.processing + t.customer + t.researching + t.unfulfillable
               <> coalesce(b.ours, 0)
         ORDER BY abs(t.fulfillable + t.transfer + t.processing + t.customer + t.researching + t.unfulfillable
                      - coalesce(b.ours, 0)) DESC, s.code LIMIT %s
        """,
        [limit],
    )
    out = []
    for account_id, account, warehouse_id, sku_id, sku, ours, *counts_ in rows:
        if not actor.sees_account(account_id) or not actor.sees_warehouse(warehouse_id):
            continue
        parts = {name: int(count) for name, count in zip(names, counts_, strict=True) if count}
        theirs = sum(count for name, count in parts.items() if name != "receiving")
        gap = theirs - int(ours)
        out.append(
            Difference(
                account_id, account, warehouse_id, sku_id, sku, int(ours), theirs, gap, cause_of(gap, parts), parts
            )
        )
    return out


def cause_of(gap: int, parts: dict[str, int]) -> str:
    """The likeliest reason of ``theirs − ours``."""
    if gap > 0:
        return "found"
    missing = -gap
    if parts.get("receiving", 0) >= missing:
        return "inbound"
    if parts.get("transfer", 0) + parts.get("processing", 0) + parts.get("researching", 0) >= missing:
        return "in_transfer"
    return "lost"

"""The figures of Today: what waits by state, days, parcels. Each is one query that costs what is open, not what has been."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from core import bulk, clock
from core.cache import kept
from core.permissions import Actor
from orders import permissions, queries, states


def open_counts(actor: Actor) -> dict[str, int]:
    """{tab: orders} of the tabs that want somebody to act, as the list narrows them for this actor.

    From the kept counts; these know no warehouses, so for who sees only some the open orders alone are counted.
    """
    if actor.warehouses is None:
        return queries.tabs(actor)
    actor.require(permissions.VIEW)
    scope, params = " AND (o.warehouse_id = ANY(%s) OR o.warehouse_id IS NULL)", [sorted(actor.warehouses)]
    if actor.accounts is not None:
        scope, params = scope + " AND o.account_id = ANY(%s)", [*params, sorted(actor.accounts)]
    found = dict(
        bulk.fetch(
            f"SELECT o.state, count(*)::int FROM orders_order o WHERE o.state = ANY(%s){scope} GROUP BY o.state",
            [list(states.TO_SHIP), *params],
        )
    )
    return {tab: sum(found.get(state, 0) for state in members) for tab, members in queries.TABS.items()}


FEW = 50_000  # orders up to which every figure of the days is counted afresh
DAYS_KEPT = 600  # seconds that closed days' figures are kept in a big company
LIVE_DAYS = 2  # today and yesterday are never taken from there


Placed = tuple[date, str, str, int, Decimal]


def by_day(actor: Actor, days: int, zone: str) -> list[Placed]:
    """(day in ``zone``, account, currency, orders placed, their grand totals) of the last days, today's included.

    Amounts stand in the orders' own currency and are never added over two. In a big company the days that are over are
    counted every ten minutes only, by one person at a time: an import of old orders shows up then.
    """
    last = clock.day_in(zone)
    first, live = last - timedelta(days=days - 1), last - timedelta(days=LIVE_DAYS - 1)
    if sum(n for tab, n in queries.tabs(actor).items() if tab == "all") <= FEW:
        return _placed(actor, zone, first, last)
    whose = "" if actor.accounts is None else ",".join(map(str, sorted(actor.accounts)))
    key = f"today.sales:{sha256(f'{zone}|{first}|{whose}'.encode()).hexdigest()[:24]}"
    closed = kept(key, DAYS_KEPT, lambda: _placed(actor, zone, first, live - timedelta(days=1)))
    return [*closed, *_placed(actor, zone, live, last)]


def _placed(actor: Actor, zone: str, first: date, last: date) -> list[Placed]:
    scope, params = ("", []) if actor.accounts is None else (" AND o.account_id = ANY(%s)", [sorted(actor.accounts)])
    start = datetime.combine(first, time.min, ZoneInfo(zone))
    end = datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(zone))
    return bulk.fetch(
        "SELECT d.day, coalesce(a.name, '—'), d.currency, d.n, d.amount"
        " FROM (SELECT (o.placed_at AT TIME ZONE %s)::date AS day, o.account_id, o.currency, count(*)::int AS n,"
        " sum(o.grand_total) AS amount FROM orders_order o"
        f" WHERE o.placed_at >= %s AND o.placed_at < %s{scope} GROUP BY 1, 2, 3) d"
        " LEFT JOIN channels_account a ON a.id = d.account_id",
        [zone, start, end, *params],
    )


def overdue(actor: Actor) -> tuple[int, datetime | None]:
    """(orders that should have left, the oldest one's deadline), by the partial index over open orders."""
    scope: str = ""
    params: list[Any] = []
    if actor.accounts is not None:
        scope, params = " AND account_id = ANY(%s)", [sorted(actor.accounts)]
    if actor.warehouses is not None:
        scope, params = (
            f"{scope} AND (warehouse_id = ANY(%s) OR warehouse_id IS NULL)",
            [*params, sorted(actor.warehouses)],
        )
    row = bulk.fetch(
        "SELECT count(*)::int, min(ship_by) FROM orders_order WHERE ship_by < %s AND state IN"
        " ('new', 'unmatched', 'address', 'held', 'short', 'ready', 'booking', 'failed', 'booked', 'packed')" + scope,
        [clock.now(), *params],
    )[0]
    return row[0], row[1]


def parcels_by_state(actor: Actor, states: Sequence[str]) -> dict[str, int]:
    """{state: parcels} of the actor's warehouses, and of orders of the actor's accounts."""
    scope: str = ""
    params: list[Any] = [list(states)]
    if actor.warehouses is not None:
        scope += " AND p.warehouse_ref = ANY(%s)"
        params.append(sorted(actor.warehouses))
    if actor.accounts is not None:
        scope += (
            " AND EXISTS (SELECT 1 FROM orders_consignment k JOIN orders_order o ON o.id = k.order_id"
            " WHERE k.shipment_id = p.id AND o.account_id = ANY(%s))"
        )
        params.append(sorted(actor.accounts))
    sql = f"SELECT p.state, count(*)::int FROM logistics_shipment p WHERE p.state = ANY(%s){scope} GROUP BY p.state"
    return dict(bulk.fetch(sql, params))


def of_account(actor: Actor, account_id: int) -> dict[str, int]:
    """{tab: orders} of one account, from the kept counts."""
    actor.require(permissions.VIEW)
    if not actor.sees_account(account_id):
        return dict.fromkeys(queries.TABS, 0)
    rows = bulk.fetch(
        "SELECT state, sum(n)::int FROM orders_ordercount WHERE account_id = %s GROUP BY state", [account_id]
    )
    found = dict(rows)
    return {tab: sum(found.get(state, 0) for state in members) for tab, members in queries.TABS.items()}

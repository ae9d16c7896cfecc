"""Who bought: identities per account, each belonging to one customer. Merging customers is a person's act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import bulk
from core.erasure import ERASED
from core.secrets import keyed_hash


def identify(account_id: int, rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, int]:
    """{buyer id: customer id} for the rows' buyers; unknown ones are made. Rows without buyer id get no customer."""
    buyers: dict[str, dict[str, Any]] = {}
    orders: dict[str, list[datetime]] = {}
    for row in rows:
        if row["buyer_id"]:
            buyers.setdefault(row["buyer_id"], row)
            orders.setdefault(row["buyer_id"], []).append(row["placed_at"])
    if not buyers:
        return {}
    found = dict(
        bulk.fetch(
            "SELECT external_id, customer_id FROM orders_customeridentity WHERE account_id = %s AND external_id = ANY(%s)",
            [account_id, list(buyers)],
        )
    )
    missing = [buyer for buyer in buyers if buyer not in found]
    if missing:
        found |= _returned(account_id, [buyers[buyer] for buyer in missing])
        missing = [buyer for buyer in missing if buyer not in found]
    if missing:
        found |= _make(account_id, [buyers[buyer] for buyer in missing], now)
    counts = [(found[buyer], len(times), min(times), max(times)) for buyer, times in orders.items()]
    ids, numbers, firsts, lasts = bulk.columns(counts)
    bulk.execute(
        "UPDATE orders_customer c SET orders = c.orders + d.n, first_order_at = least(c.first_order_at, d.first),"
        " last_order_at = greatest(c.last_order_at, d.last)"
        " FROM (SELECT id, sum(n) AS n, min(first) AS first, max(last) AS last FROM"
        " unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::timestamptz[]) AS u(id, n, first, last) GROUP BY id) d"
        " WHERE c.id = d.id",
        [ids, numbers, firsts, lasts],
    )
    return found


def _returned(account_id: int, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Buyers who were purged and buy again, known by the keyed hash that stayed: their identity is theirs again."""
    by_hash = {pseudonym(row["buyer_id"]): row for row in rows}
    again = bulk.fetch(
        "SELECT id, external_id, customer_id FROM orders_customeridentity"
        " WHERE account_id = %s AND external_id = ANY(%s) ORDER BY id FOR UPDATE",
        [account_id, list(by_hash)],
    )
    if not again:
        return {}
    columns = [("external_id", "text"), ("member_name", "text"), ("email", "text")]
    values = [by_hash[mark] for _, mark, _ in again]
    bulk.update(
        "orders_customeridentity",
        "id",
        columns,
        [
            (pk, row["buyer_id"], row["buyer_name"], row["buyer_email"])
            for (pk, _, _), row in zip(again, values, strict=True)
        ],
    )
    bulk.update(
        "orders_customer",
        "id",
        [("name", "text")],
        [
            (customer, row["buyer_name"] or row["ship_name"])
            for (_, _, customer), row in zip(again, values, strict=True)
        ],
    )
    return {row["buyer_id"]: customer for (_, _, customer), row in zip(again, values, strict=True)}


def pseudonym(external_id: str) -> str:
    """What stands in an identity in the place of a purged buyer's id."""
    return ERASED + keyed_hash(external_id)


def _make(account_id: int, rows: Sequence[dict[str, Any]], now: datetime) -> dict[str, int]:
    ids = [
        row[0]
        for row in bulk.fetch(
            "SELECT nextval(pg_get_serial_sequence('orders_customer', 'id')) FROM generate_series(1, %s)", [len(rows)]
        )
    ]
    bulk.insert(
        "orders_customer",
        ("id", "name", "country", "orders", "first_order_at", "last_order_at", "created_at"),
        [
            (customer, row["buyer_name"] or row["ship_name"], row["ship_country"], 0, None, None, now)
            for customer, row in zip(ids, rows, strict=True)
        ],
    )
    bulk.insert(
        "orders_customeridentity",
        ("account_id", "external_id", "member_name", "email", "customer_id"),
        [
            (account_id, row["buyer_id"], row["buyer_name"], row["buyer_email"], customer)
            for customer, row in zip(ids, rows, strict=True)
        ],
    )
    return {row["buyer_id"]: customer for customer, row in zip(ids, rows, strict=True)}

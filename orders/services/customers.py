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
    known = dict(
        bulk.fetch(
            "SELECT external_id, customer_id FROM orders_customeridentity WHERE account_id = %s AND external_id = ANY(%s)",
            [account_id, [one for row in buyers.values() for one in ids_of(row)]],
        )
    )
    found = {buyer: known[buyer] for buyer in buyers if buyer in known}
    missing = [row for buyer, row in buyers.items() if buyer not in found]
    if missing:
        found |= _recognise(account_id, missing, known)
        missing = [row for row in missing if row["buyer_id"] not in found]
    if missing:
        found |= _make(account_id, missing, now)
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


def ids_of(row: dict[str, Any]) -> list[str]:
    """Every id by which the platform speaks of a row's buyer, the usual one first."""
    return [row["buyer_id"], *row["buyer_aliases"]]


def _recognise(account_id: int, rows: Sequence[dict[str, Any]], known: dict[str, int]) -> dict[str, int]:
    """Buyers with an unknown id who are not new: renamed at the platform, or purged here and back again."""
    same = {row["buyer_id"]: known[one] for row in rows for one in row["buyer_aliases"] if one in known}
    _name(account_id, [(row, same[row["buyer_id"]]) for row in rows if row["buyer_id"] in same])
    return same | _returned(account_id, [row for row in rows if row["buyer_id"] not in same])


def _returned(account_id: int, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Purged buyers, known by the keyed hash that stayed: their identity is theirs again."""
    by_hash = {pseudonym(one): (one, row) for row in rows for one in ids_of(row)}
    again = [
        (pk, *by_hash[mark], customer)
        for pk, mark, customer in bulk.fetch(
            "SELECT id, external_id, customer_id FROM orders_customeridentity"
            " WHERE account_id = %s AND external_id = ANY(%s) ORDER BY id FOR UPDATE",
            [account_id, list(by_hash)],
        )
    ]
    if not again:
        return {}
    bulk.update(
        "orders_customeridentity",
        "id",
        [("external_id", "text"), ("member_name", "text"), ("email", "text")],
        [(pk, *_identity(row, one)) for pk, one, row, _ in again],
    )
    called = {customer: row["buyer_name"] or row["ship_name"] for _, _, row, customer in again}
    bulk.update("orders_customer", "id", [("name", "text")], list(called.items()))
    return {row["buyer_id"]: customer for _, _, row, customer in again}


def _identity(row: dict[str, Any], one: str) -> tuple[str, str, str]:
    """(id, member's name, e-mail); the further ids of a member hold no name and no address."""
    return (one, row["buyer_name"], row["buyer_email"]) if one == row["buyer_id"] else (one, "", "")


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
    _name(account_id, list(zip(rows, ids, strict=True)))
    return {row["buyer_id"]: customer for customer, row in zip(ids, rows, strict=True)}


def _name(account_id: int, pairs: Sequence[tuple[dict[str, Any], int]]) -> None:
    """Add identities of customers, those that are not there."""
    bulk.insert(
        "orders_customeridentity",
        ("account_id", "external_id", "member_name", "email", "customer_id"),
        [(account_id, *_identity(row, one), customer) for row, customer in pairs for one in ids_of(row)],
        conflict="(account_id, external_id) DO NOTHING",
    )

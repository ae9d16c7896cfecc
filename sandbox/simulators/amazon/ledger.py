"""The orders as Amazon keeps them: one row each, with the whole order object ready as text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from ..base import clock
from ..base.store import Store, dumps, loads
from .rendering import Built

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    ref TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    visible INTEGER NOT NULL,
    status TEXT NOT NULL,
    fulfilled_by TEXT NOT NULL,
    marketplace TEXT NOT NULL,
    buyer TEXT NOT NULL,
    body TEXT NOT NULL,
    raw INTEGER NOT NULL DEFAULT 0,
    personal_from INTEGER,
    confirm_calls INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, order_id),
    UNIQUE (account_id, ref)
);
CREATE INDEX IF NOT EXISTS orders_updated ON orders (account_id, updated, order_id);
CREATE INDEX IF NOT EXISTS orders_created ON orders (account_id, created, order_id);
"""
_COLUMNS = "account_id, order_id, ref, created, updated, visible, status, fulfilled_by, marketplace, buyer, body, raw"


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, account_id: str, orders: Iterable[Built], *, raw: bool = False) -> int:
        """Put new orders in; a ref that is known stays as it is. Returns how many were new."""
        rows = [
            (
                account_id,
                order.order_id,
                order.ref,
                order.created,
                order.updated,
                order.visible,
                order.status,
                order.fulfilled_by,
                order.marketplace,
                dumps(order.buyer),
                dumps(order.body),
                int(raw),
            )
            for order in orders
        ]
        verb = "REPLACE" if raw else "IGNORE"
        with self._store.transaction():
            before = self._store.db.total_changes
            self._store.many(f"INSERT OR {verb} INTO orders ({_COLUMNS}) VALUES ({', '.join('?' * 12)})", rows)
            return self._store.db.total_changes - before

    def get(self, account_id: str, order_id: str) -> sqlite3.Row | None:
        return self._store.one("SELECT * FROM orders WHERE account_id = ? AND order_id = ?", account_id, order_id)

    def ids(self, account_id: str, refs: list[str]) -> dict[str, str]:
        found = self._store.all(
            f"SELECT ref, order_id FROM orders WHERE account_id = ? AND ref IN ({','.join('?' * len(refs))})",
            account_id,
            *refs,
        )
        return {row["ref"]: row["order_id"] for row in found}

    def after(self, account_id: str, order_id: str | None, limit: int) -> list[sqlite3.Row]:
        """In the order of their coming, for the control interface."""
        known = self.get(account_id, order_id) if order_id else None
        return self._store.all(
            "SELECT * FROM orders WHERE account_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            account_id,
            known["seq"] if known else 0,
            limit,
        )

    def page(
        self,
        account_id: str,
        *,
        column: str,
        since: int,
        until: int,
        seen_until: int,
        after: tuple[int, str] | None,
        filters: dict[str, list[str]],
        limit: int,
    ) -> list[sqlite3.Row]:
        """Orders with ``column`` in [since, until] that were there at ``seen_until``, after the (time, id) ``after``."""
        where = [f"{column} BETWEEN ? AND ?", "visible <= ?"]
        arguments: list[Any] = [account_id, since, until, seen_until]
        if after is not None:
            where.append(f"({column}, order_id) > (?, ?)")
            arguments += after
        for name, wanted in filters.items():
            where.append(f"{name} IN ({','.join('?' * len(wanted))})")
            arguments += wanted
        return self._store.all(
            f"SELECT * FROM orders WHERE account_id = ? AND {' AND '.join(where)} ORDER BY {column}, order_id LIMIT ?",
            *arguments,
            limit,
        )

    def change(
        self,
        account_id: str,
        order_id: str,
        act: Callable[[dict[str, Any]], None],
        *,
        at: int | None = None,
        confirmed: bool = False,
    ) -> None:
        """Let ``act`` change the order object, in one transaction; moves its last-update time.

        ``act`` may raise: then nothing has changed.
        """
        with self._store.transaction():
            row = self.get(account_id, order_id)
            assert row is not None
            body = loads(row["body"])
            act(body)
            moment = int(clock.epoch()) if at is None else at
            body["lastUpdatedTime"] = clock.iso(moment)
            self._store.run(
                "UPDATE orders SET body = ?, status = ?, updated = ?, confirm_calls = confirm_calls + ? WHERE seq = ?",
                dumps(body),
                (body.get("fulfillment") or {}).get("fulfillmentStatus", row["status"]),
                moment,
                int(confirmed),
                row["seq"],
            )

    def touch(self, account_id: str, order_id: str) -> None:
        self.change(account_id, order_id, lambda body: None)

    def withhold(self, account_id: str, order_id: str, until: int) -> None:
        self._store.run(
            "UPDATE orders SET personal_from = ? WHERE account_id = ? AND order_id = ?", until, account_id, order_id
        )

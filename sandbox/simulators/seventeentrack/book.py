"""What 17TRACK knows: accounts, registered numbers with their events, and webhooks that are still owed."""

from __future__ import annotations

import sqlite3
from typing import Any

from ..base import clock
from ..base.store import Store, dumps, loads
from . import info, statuses

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, url TEXT, host TEXT, quota INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS numbers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, number TEXT NOT NULL, carrier INTEGER NOT NULL,
    tag TEXT, param TEXT, registered_at REAL NOT NULL, stopped INTEGER NOT NULL DEFAULT 0,
    register_calls INTEGER NOT NULL DEFAULT 1, delivered INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, number, carrier));
CREATE TABLE IF NOT EXISTS parcels (
    account TEXT NOT NULL, number TEXT NOT NULL, events TEXT NOT NULL, PRIMARY KEY (account, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, number_id INTEGER NOT NULL, event TEXT NOT NULL,
    body TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, last_answer TEXT);
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due);
CREATE INDEX IF NOT EXISTS webhooks_number ON webhooks (number_id);
"""


class Book:
    def __init__(self, store: Store) -> None:
        self.store = store

    def account_of(self, token: str) -> sqlite3.Row | None:
        return self.store.one("SELECT * FROM accounts WHERE token = ? AND NOT revoked", token)

    def put_account(self, id: str, token: str, url: str | None, host: str | None, quota: int) -> None:
        self.store.run(
            "INSERT INTO accounts (id, token, url, host, quota) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "token = excluded.token, url = excluded.url, host = excluded.host, quota = excluded.quota, revoked = 0",
            id, token, url, host, quota,
        )  # fmt: skip

    def revoke(self, id: str) -> None:
        self.store.run("UPDATE accounts SET revoked = 1 WHERE id = ?", id)

    def find(self, account: str, number: str, carrier: int | None) -> sqlite3.Row | None:
        if carrier:
            sql = "SELECT * FROM numbers WHERE account = ? AND number = ? AND carrier = ?"
            return self.store.one(sql, account, number, carrier)
        return self.store.one("SELECT * FROM numbers WHERE account = ? AND number = ? ORDER BY id", account, number)

    def register(self, account: str, number: str, carrier: int, tag: str | None, param: str | None) -> None:
        now = clock.epoch()
        self.store.run("UPDATE accounts SET used = used + 1 WHERE id = ?", account)
        self.store.run(
            "INSERT INTO numbers (account, number, carrier, tag, param, registered_at) VALUES (?, ?, ?, ?, ?, ?)",
            account, number, carrier, tag, param, now,
        )  # fmt: skip

    def registered_again(self, row: sqlite3.Row) -> None:
        self.store.run("UPDATE numbers SET register_calls = register_calls + 1 WHERE id = ?", row["id"])

    def stop(self, row: sqlite3.Row, stopped: bool) -> None:
        self.store.run("UPDATE numbers SET stopped = ? WHERE id = ?", int(stopped), row["id"])

    def delete(self, row: sqlite3.Row) -> None:
        self.store.run("DELETE FROM webhooks WHERE number_id = ?", row["id"])
        self.store.run("DELETE FROM numbers WHERE id = ?", row["id"])

    def events(self, account: str, number: str) -> list[dict[str, Any]]:
        row = self.store.one("SELECT events FROM parcels WHERE account = ? AND number = ?", account, number)
        known: list[dict[str, Any]] = loads(row["events"]) if row else []
        return known

    def add_event(self, account: str, given: dict[str, Any]) -> list[sqlite3.Row]:
        """Remember an event of a number, registered or not. The registrations that it concerns are returned.

        The same event (time, state, text) twice is one event and concerns nobody.
        """
        main, sub = statuses.read(given.get("main"), given.get("sub"), given.get("code"))
        event: dict[str, Any] = {
            "main": main,
            "sub": sub,
            "time": given.get("time") or clock.iso(),
            "description": given.get("description") or sub.replace("_", ": "),
            "location": given.get("location") or "",
            "country": given.get("country"),
        }
        info.epoch(event["time"])  # a time that cannot be read is refused here, not when the webhook is built
        number = given["number"]
        known = self.events(account, number)
        if event in known:
            return []
        known.append(event)
        known.sort(key=lambda item: info.epoch(item["time"]))
        self.store.run(
            "INSERT INTO parcels (account, number, events) VALUES (?, ?, ?) "
            "ON CONFLICT (account, number) DO UPDATE SET events = excluded.events",
            account, number, dumps(known),
        )  # fmt: skip
        sql = "SELECT * FROM numbers WHERE account = ? AND number = ? AND NOT stopped"
        return self.store.all(sql, account, number)

    def state(self, row: sqlite3.Row) -> dict[str, Any]:
        """``data`` of a webhook and an accepted item of gettrackinfo."""
        return {
            "number": row["number"],
            "carrier": row["carrier"],
            "param": row["param"],
            "tag": row["tag"] or "",
            "track_info": info.build(row["carrier"], self.events(row["account"], row["number"])),
        }

    def owe(self, row: sqlite3.Row, event: str, *, delay: float = 0, copies: int = 1) -> None:
        """Write the webhook down before anything is sent, so that a kill cannot lose it."""
        data = self.state(row)
        if event == "TRACKING_STOPPED":
            del data["track_info"]
        body, due = dumps({"event": event, "data": data}), clock.epoch() + delay
        for _ in range(copies):
            self.store.run(
                "INSERT INTO webhooks (account, number_id, event, body, due) VALUES (?, ?, ?, ?, ?)",
                row["account"], row["id"], event, body, due,
            )  # fmt: skip

    def due(self, limit: int) -> list[sqlite3.Row]:
        return self.store.all(
            "SELECT w.*, a.url, a.host, a.token FROM webhooks w JOIN accounts a ON a.id = w.account "
            "WHERE w.due <= ? AND a.url IS NOT NULL ORDER BY w.due, w.id LIMIT ?",
            clock.epoch(), limit,
        )  # fmt: skip

    def answered(self, row: sqlite3.Row, *, ok: bool, answer: str, again_in: float) -> None:
        done = int(ok)
        self.store.run(
            "UPDATE numbers SET delivered = delivered + ?, attempts = attempts + 1 WHERE id = ?", done, row["number_id"]
        )
        if ok:
            self.store.run("DELETE FROM webhooks WHERE id = ?", row["id"])
        else:
            self.store.run(
                "UPDATE webhooks SET attempts = attempts + 1, due = ?, last_answer = ? WHERE id = ?",
                clock.epoch() + again_in, answer[:200], row["id"],
            )  # fmt: skip

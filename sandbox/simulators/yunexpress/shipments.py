"""The carrier's book: one row per waybill, found by waybill, customer order number or tracking number."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

from ..base import clock
from ..base.store import Store, dumps, loads
from . import life
from .accounts import Account
from .answers import DUPLICATE, NO_SUCH_ORDER, WRONG_STATE, Refused
from .orders import GRAMS
from .products import Product

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, app_id TEXT NOT NULL UNIQUE, secret TEXT NOT NULL, products TEXT NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, account TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS shipments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, reference TEXT NOT NULL, waybill TEXT UNIQUE,
    tracking TEXT NOT NULL DEFAULT '', track_type TEXT NOT NULL, ready_at REAL NOT NULL, product TEXT NOT NULL,
    state TEXT NOT NULL, package_state TEXT NOT NULL, weight_g INTEGER NOT NULL, body TEXT NOT NULL,
    held INTEGER NOT NULL DEFAULT 0, create_calls INTEGER NOT NULL DEFAULT 1, labels INTEGER NOT NULL DEFAULT 0,
    events TEXT NOT NULL, created_at REAL NOT NULL, UNIQUE (account, reference));
CREATE INDEX IF NOT EXISTS shipments_tracking ON shipments (account, tracking);
"""
THOUSANDTH = Decimal("0.001")
S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def s10(serial: int) -> str:
    """An international postal number with a true check digit, as the last-mile number of the later products."""
    digits = f"{serial % 100_000_000:08d}"
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(S10_WEIGHTS, digits, strict=True)) % 11
    return f"L{chr(65 + serial // 100_000_000 % 26)}{digits}{ {10: 0, 11: 5}.get(rest, rest) }CN"


class Shipments:
    def __init__(self, store: Store) -> None:
        self.store = store

    def create(
        self, account: Account, order: dict[str, Any], product: Product, weight_g: int, *, late: bool
    ) -> sqlite3.Row:
        """Insert and return the row. ``late`` withholds a number that would have been there at once.

        A reference that the account has used, even for a cancelled order, is refused and its row counts the call.
        """
        reference = order["customer_order_number"]
        now = clock.epoch()
        kind = {"now": "Y", "later": "W", "none": "N"}[product.number]
        if late and kind == "Y":
            kind = "W"
        first = {"code": "ORDER_CREATION", "time": clock.iso(now), "location": "Shenzhen, CN",
                 "description": life.NODES["ORDER_CREATION"].text}  # fmt: skip
        with self.store.transaction():
            if self.store.run(
                "UPDATE shipments SET create_calls = create_calls + 1 WHERE account = ? AND reference = ?",
                account.id, reference,
            ):  # fmt: skip
                known = self.store.one(
                    "SELECT waybill FROM shipments WHERE account = ? AND reference = ?", account.id, reference
                )
                raise_after = known["waybill"] if known else ""
            else:
                raise_after = None
                cursor = self.store.db.execute(
                    "INSERT INTO shipments (account, reference, track_type, ready_at, product, state, package_state, "
                    "weight_g, body, events, created_at) VALUES (?, ?, ?, ?, ?, 'S', 'F', ?, ?, ?, ?)",
                    (account.id, reference, kind, now + product.later_minutes * 60 if kind == "W" else now,
                     product.code, weight_g, dumps(order), dumps([first]), now),
                )  # fmt: skip
                serial = int(cursor.lastrowid or 0)
                waybill = f"YT{clock.now():%y%j}07{serial:09d}"
                tracking = {"Y": waybill, "W": s10(serial), "N": ""}[kind]
                self.store.run("UPDATE shipments SET waybill = ?, tracking = ? WHERE id = ?", waybill, tracking, serial)
        if raise_after is not None:
            raise Refused(DUPLICATE, f"customer_order_number {reference} already exists, waybill_number {raise_after}")
        row = self.store.one("SELECT * FROM shipments WHERE id = ?", serial)
        assert row is not None
        return row

    def find(self, account: str, number: str) -> sqlite3.Row:
        """By waybill, customer order number or (once it is given out) tracking number."""
        row = self.store.one("SELECT * FROM shipments WHERE waybill = ? AND account = ?", number, account)
        row = row or self.store.one("SELECT * FROM shipments WHERE account = ? AND reference = ?", account, number)
        row = row or self.store.one(
            "SELECT * FROM shipments WHERE account = ? AND tracking = ? AND ready_at <= ?",
            account,
            number,
            clock.epoch(),
        )
        if row is None:
            raise Refused(NO_SUCH_ORDER, f"The order does not exist: {number}")
        return row

    def cancel(self, row: sqlite3.Row) -> None:
        if row["state"] != "S":
            raise Refused(WRONG_STATE, f"only a forecast order can be cancelled, its status is {row['state']}")
        self.store.run("UPDATE shipments SET state = 'C', package_state = 'C' WHERE id = ?", row["id"])

    def hold(self, row: sqlite3.Row) -> None:
        if row["state"] not in ("S", "R", "T"):
            raise Refused(WRONG_STATE, f"the order cannot be intercepted, its status is {row['state']}")
        self.store.run("UPDATE shipments SET held = 1 WHERE id = ?", row["id"])

    def weigh(self, row: sqlite3.Row, weight_g: int) -> None:
        if row["state"] != "S":
            raise Refused(WRONG_STATE, f"the weight can be changed before receipt only, the status is {row['state']}")
        self.store.run("UPDATE shipments SET weight_g = ? WHERE id = ?", weight_g, row["id"])

    def label_printed(self, row: sqlite3.Row) -> None:
        self.store.run("UPDATE shipments SET labels = labels + 1 WHERE id = ?", row["id"])

    def advance(self, row: sqlite3.Row, events: list[dict[str, Any]]) -> None:
        known = loads(row["events"]) + events
        known.sort(key=lambda event: event["time"])
        node = life.NODES.get(known[-1]["code"])
        state = (node.order, node.package) if node else (row["state"], row["package_state"])
        self.store.run(
            "UPDATE shipments SET events = ?, state = ?, package_state = ? WHERE id = ?",
            dumps(known),
            *state,
            row["id"],
        )


def number_of(row: sqlite3.Row) -> str:
    """The tracking number as far as it is given out by now."""
    return row["tracking"] if row["ready_at"] <= clock.epoch() else ""


def created(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "waybill_number": row["waybill"],
        "customer_order_number": row["reference"],
        "tracking_number": number_of(row),
        "track_type": row["track_type"],
        "bar_codes": [row["waybill"]],
        "remote_area": "N",
        "shipper_boxs": [],
    }


def _metric(package: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The answer is in KG and CM, whatever the order came in."""
    made = dict(package)
    made["weight"] = float((Decimal(str(package["weight"])) * GRAMS[body["weight_unit"]] / 1000).quantize(THOUSANDTH))
    for side in ("length", "width", "height"):
        if package.get(side) is not None and body["size_unit"] == "INCH":
            made[side] = float((Decimal(str(package[side])) * Decimal("2.54")).quantize(THOUSANDTH))
    return made


def info(row: sqlite3.Row) -> dict[str, Any]:
    body = loads(row["body"])
    return {
        "waybill_number": row["waybill"],
        "customer_order_number": row["reference"],
        "tracking_number": number_of(row),
        "track_type": row["track_type"] if row["track_type"] != "W" or not number_of(row) else "Y",
        "product_code": row["product"],
        "status": row["state"],
        "pieces": len(body["packages"]),
        "weight_unit": "KG",
        "size_unit": "CM",
        "chargeWeight": row["weight_g"] / 1000,
        "is_hold": "Y" if row["held"] else "N",
        "platform_account_code": body.get("platform_account_code"),
        "sensitive_type": body.get("sensitive_type"),
        "source_code": body.get("source_code"),
        "packages": [_metric(package, body) for package in body["packages"]],
        "receiver": body["receiver"],
        "sender": body.get("sender"),
        "declaration_info": body["declaration_info"],
    }


def tracking(row: sqlite3.Row, asked: str, product: Product | None) -> dict[str, Any]:
    body = loads(row["body"])
    country = body["receiver"]["country_code"]
    events = [life.wire(event, country) for event in loads(row["events"])]
    track = {
        "waybill_number": row["waybill"],
        "tracking_number": number_of(row),
        "customer_order_number": row["reference"],
        "product_code": row["product"],
        "product_name": product.name if product else row["product"],
        "channel_code": f"{country}YUN",
        "origin_code": "CN",
        "destination_code": country,
        "postal_code": body["receiver"].get("postal_code") or "",
        "actual_weight": row["weight_g"] / 1000,
        "last_mile_name": "",
        "last_mile_site": "",
        "phone_number": "",
        "pod_url": "",
        "pod_urls": [],
        "IsSignature": False,
        "SignatureUrls": [],
        "track_events": events,
    }
    return {"order_number": asked, "package_status": row["package_state"], "track_Info": track, "track_info": track}

"""The order book: keeps documents, their rendered XML and the indexes by which they are found."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..base import clock
from ..base.store import Store, dumps, loads
from . import planned, render
from .accounts import SITES
from .planned import Doc, Numbers
from .times import seconds

_COUNTRY = {"UK": "GB", "US": "US", "eBayMotors": "US", "Canada": "CA", "Australia": "AU", "Germany": "DE"}


@dataclass
class Book:
    store: Store
    numbers: Numbers

    # -- reading -------------------------------------------------------------------------------------------------

    def row(self, account_id: str, order_id: str) -> sqlite3.Row | None:
        return self.store.one("SELECT * FROM orders WHERE account_id = ? AND order_id = ?", account_id, order_id)

    def order_of_line(self, account_id: str, line_id: str) -> str | None:
        row = self.store.one("SELECT order_id FROM lines WHERE account_id = ? AND line_id = ?", account_id, line_id)
        return row["order_id"] if row is not None else None

    # -- writing -------------------------------------------------------------------------------------------------

    def plan(self, account: sqlite3.Row, plans: Iterable[dict[str, Any]]) -> tuple[int, dict[str, str], list[Doc]]:
        """Take planned orders in, once per ref. Returns (created, order ids by ref, the new documents)."""
        country = _COUNTRY.get(SITES[account["site_id"]][0], "US")
        created, ids, docs = 0, {}, []
        with self.store.transaction():
            for plan in plans:
                known = self.store.one(
                    "SELECT order_id FROM orders WHERE account_id = ? AND ref = ?",
                    account["account_id"],
                    plan.get("ref"),
                )
                if known is not None:
                    ids[plan["ref"]] = known["order_id"]
                    continue
                doc = planned.order(plan, account["account_id"], country, self.numbers)
                visible = seconds(plan["visible_at"]) if plan.get("visible_at") else 0.0
                # A plan may say that an order has stood there for long: the caller then reads from before that moment.
                changed = seconds(plan["changed_at"]) if plan.get("changed_at") else None
                self.add(account, doc, visible=visible, changed=changed)
                ids[doc["ref"]] = doc["order_id"]
                docs.append(doc)
                created += 1
        return created, ids, docs

    def add(self, account: sqlite3.Row, doc: Doc, *, visible: float = 0.0, changed: float | None = None) -> None:
        """A new order changes at the moment it comes in (or becomes visible): no pull may have passed that moment."""
        modified = max(clock.epoch() if changed is None else changed, visible)
        self._insert(account, doc, render.render(doc, seller=account, modified=modified), modified, visible)
        self.store.many(
            "INSERT OR REPLACE INTO lines VALUES (?, ?, ?)",
            [(account["account_id"], line["line_id"], doc["order_id"]) for line in doc["lines"]],
        )

    def _insert(self, account: sqlite3.Row, doc: Doc, xml: str, modified: float, visible: float) -> None:
        self.store.run(
            "INSERT INTO orders (account_id, order_id, ref, doc, xml, status, listed, created, modified, visible)"
            " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
            account["account_id"],
            doc["order_id"],
            doc["ref"],
            dumps(doc),
            xml,
            render.order_status(doc),
            seconds(doc["created"]),
            modified,
            visible,
        )

    def add_raw(self, account: sqlite3.Row, item: str | dict[str, Any]) -> str:
        """Put the text of an ``Order`` element in as it is, well-formed or not. Returns its OrderID.

        ``item``: the text, or {"xml", "order_id"?, "created_at"?, "modified_at"?}.
        """
        given: dict[str, Any] = {"xml": item} if isinstance(item, str) else item
        xml = str(given["xml"])
        found = re.search("<OrderID>(.*?)</OrderID>", xml)
        order_id = str(given.get("order_id") or (found[1] if found else "") or self.numbers.order_id())
        now = clock.epoch()
        created = seconds(given["created_at"]) if given.get("created_at") else now
        modified = seconds(given["modified_at"]) if given.get("modified_at") else now
        self.store.run(
            "INSERT INTO orders (account_id, order_id, ref, doc, xml, status, listed, created, modified, visible)"
            " VALUES (?, ?, ?, 'null', ?, 'Completed', 1, ?, ?, 0)"
            " ON CONFLICT (account_id, order_id) DO UPDATE SET xml = excluded.xml, modified = excluded.modified",
            account["account_id"],
            order_id,
            f"raw:{order_id}",
            xml,
            created,
            modified,
        )
        for item_id, transaction in re.findall(r"<OrderLineItemID>(\d+)-(\d+)</OrderLineItemID>", xml):
            line = (account["account_id"], f"{item_id}-{transaction}", order_id)
            self.store.many("INSERT OR REPLACE INTO lines VALUES (?, ?, ?)", [line])
        return order_id

    def save(self, account: sqlite3.Row, row: sqlite3.Row, doc: Doc, *, touch: bool, listed: bool = True) -> None:
        """Write the changed document; ``touch`` moves the order's last-update time to now."""
        modified = max(clock.epoch(), row["visible"]) if touch else row["modified"]
        self.store.run(
            "UPDATE orders SET doc = ?, xml = ?, status = ?, modified = ?, listed = ?, created = ? WHERE seq = ?",
            dumps(doc),
            render.render(doc, seller=account, modified=modified),
            render.order_status(doc),
            modified,
            int(listed),
            seconds(doc["created"]),
            row["seq"],
        )

    def count_call(self, row: sqlite3.Row, doc: Doc) -> None:
        """A confirmation was tried: kept even when it changed nothing, and not seen in the answer."""
        doc["confirm_calls"] += 1
        self.store.run("UPDATE orders SET doc = ? WHERE seq = ?", dumps(doc), row["seq"])

    # -- personal data withheld and given later --------------------------------------------------------------------

    def reveal_due(self, account: sqlite3.Row) -> None:
        """What was withheld until now is given: the order counts as changed, so that a pull by change time sees it."""
        now = clock.epoch()
        due = self.store.all(
            "SELECT * FROM orders WHERE account_id = ? AND reveal_at IS NOT NULL AND reveal_at <= ?",
            account["account_id"],
            now,
        )
        for row in due:
            self.store.run("UPDATE orders SET reveal_at = NULL WHERE seq = ?", row["seq"])
            doc = loads(row["doc"])
            if doc is not None:
                self.save(account, row, doc, touch=True, listed=bool(row["listed"]))

    def withheld(self, account: sqlite3.Row, row: sqlite3.Row, until: float) -> str:
        """The order's XML without personal data; it will be given in full after ``until``."""
        doc = loads(row["doc"])
        if doc is None:
            return str(row["xml"])
        self.store.run("UPDATE orders SET reveal_at = MAX(COALESCE(reveal_at, 0), ?) WHERE seq = ?", until, row["seq"])
        return render.render(doc, seller=account, modified=row["modified"], withhold=True)

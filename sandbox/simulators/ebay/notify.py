"""Platform notifications: SOAP with a signature in its header, sent until the receiver answers 200."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
from lxml import etree

from ..base import clock
from ..base.faults import Faults
from ..base.store import Store, dumps, loads
from . import wire
from .book import Book
from .messages import Messages
from .planned import Doc, subtotal, total
from .render import OrderXml, order_status
from .times import DAY, stamp
from .wire import fragment, sub

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
EVENTS = ("FixedPriceTransaction", "ItemSold", "ItemMarkedPaid", "ItemMarkedShipped", "AskSellerQuestion")
RETRY_MOST, GIVE_UP = 300.0, 3 * DAY


def signature(timestamp: str, account: sqlite3.Row) -> str:
    """base64(md5(Timestamp + DevID + AppID + CertID)); the timestamp is the body's, to the letter."""
    text = f"{timestamp}{account['dev_id']}{account['app_id']}{account['cert_id']}"
    return base64.b64encode(hashlib.md5(text.encode(), usedforsecurity=False).digest()).decode()


@dataclass
class Notifier:
    store: Store
    book: Book
    messages: Messages
    faults: Faults
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    # -- queueing ------------------------------------------------------------------------------------------------

    def announce(self, account: sqlite3.Row, event: str, doc: Doc, lines: Iterable[Doc], visible: float = 0.0) -> None:
        """One notification for each line, when the seller wants the event."""
        if not account["webhook_url"]:
            return
        for line in lines:
            self.queue(account, event, {"order": doc["order_id"], "line": line["line_id"]}, visible)

    def new_orders(self, account: sqlite3.Row, docs: Iterable[Doc]) -> None:
        if not account["webhook_url"]:
            return
        with self.store.transaction():
            for doc in docs:
                row = self.book.row(account["account_id"], doc["order_id"])
                visible = row["visible"] if row is not None else 0.0
                for event in ("FixedPriceTransaction", "ItemSold"):
                    self.announce(account, event, doc, doc["lines"], visible)
                if doc["paid"]:
                    self.announce(account, "ItemMarkedPaid", doc, doc["lines"], visible)

    def new_message(self, account: sqlite3.Row, message_id: str) -> None:
        row = self.store.one(
            "SELECT kind, visible FROM messages WHERE account_id = ? AND message_id = ?",
            account["account_id"],
            message_id,
        )
        if row is not None and row["kind"] == "AskSellerQuestion":
            self.queue(account, "AskSellerQuestion", {"message": message_id}, row["visible"])

    def queue(self, account: sqlite3.Row, event: str, subject: dict[str, str], visible: float) -> None:
        if not account["webhook_url"] or event not in json.loads(account["events"]):
            return
        now = clock.epoch()
        due = max(now, visible)

        def struck(kind: str) -> bool:
            return self.faults.draw((kind,), op=event, account=account["account_id"]) is not None

        if struck("late_webhook"):
            due += 180
        if struck("unordered_webhook"):
            due += 20
        self.store.run(
            "INSERT INTO notifications (account_id, event, subject, correlation, due, again, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            account["account_id"],
            event,
            dumps(subject),
            wire.new_id(),
            due,
            int(struck("double_webhook")),
            now,
        )
        self._wake.set()

    def listed(self, account_id: str) -> list[dict[str, Any]]:
        rows = self.store.all("SELECT * FROM notifications WHERE account_id = ? ORDER BY seq", account_id)
        return [
            {
                "event": row["event"],
                "subject": loads(row["subject"]),
                "correlation_id": row["correlation"],
                "attempts": row["attempts"],
                "delivered": row["done"] is not None and row["last_status"] == "200",
                "last_status": row["last_status"],
            }
            for row in rows
        ]

    # -- delivery ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                pass

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            while True:
                self._wake.clear()
                rows = self.store.all(
                    "SELECT * FROM notifications WHERE done IS NULL AND due <= ? ORDER BY due, seq LIMIT 16",
                    clock.epoch(),
                )
                if rows:
                    await asyncio.gather(*(self._deliver(client, row) for row in rows))
                    continue
                waiting = self.store.one("SELECT 1 FROM notifications WHERE done IS NULL LIMIT 1")
                try:
                    await asyncio.wait_for(self._wake.wait(), 0.1 if waiting is not None else None)
                except TimeoutError:
                    pass

    async def _deliver(self, client: httpx.AsyncClient, row: sqlite3.Row) -> None:
        account = self.store.one("SELECT * FROM accounts WHERE account_id = ?", row["account_id"])
        # A repeat is the same bytes again; a new attempt after a failure carries its own time and signature.
        body = row["body"] or (self.envelope(account, row) if account is not None else None)
        if account is None or body is None or not account["webhook_url"]:
            self._close(row, "nothing to tell")
            return
        headers = {
            "Content-Type": "text/xml;charset=utf-8",
            "SOAPAction": f'"https://developer.ebay.com/notification/{row["event"]}"',
        }
        try:
            answer = await client.post(account["webhook_url"], content=body.encode(), headers=headers)
            status = str(answer.status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as why:
            status = type(why).__name__
        now = clock.epoch()
        if status == "200" and row["again"]:
            sql = "UPDATE notifications SET again = 0, body = ?, due = ?, attempts = attempts + 1 WHERE seq = ?"
            self.store.run(sql, body, now + 1, row["seq"])
        elif status == "200" or now - row["created"] > GIVE_UP:
            self._close(row, status)
        else:
            pause = min(RETRY_MOST, 5.0 * 2 ** min(row["attempts"], 10))
            sql = (
                "UPDATE notifications SET body = NULL, due = ?, attempts = attempts + 1, last_status = ? WHERE seq = ?"
            )
            self.store.run(sql, now + pause, status, row["seq"])

    def _close(self, row: sqlite3.Row, status: str) -> None:
        self.store.run(
            "UPDATE notifications SET done = ?, body = NULL, attempts = attempts + 1, last_status = ? WHERE seq = ?",
            clock.epoch(),
            status,
            row["seq"],
        )

    # -- content -------------------------------------------------------------------------------------------------

    def envelope(self, account: sqlite3.Row, row: sqlite3.Row) -> str | None:
        """The SOAP envelope of a notification made now, or None when its subject is gone."""
        subject, timestamp = loads(row["subject"]), stamp(clock.epoch())
        if "message" in subject:
            name, content = "GetMemberMessages", self._question(account, subject["message"])
        else:
            name = "GetItem" if row["event"] == "ItemSold" else "GetItemTransactions"
            content = self._sale(account, subject, whole=name == "GetItemTransactions")
        if content is None:
            return None
        head = etree.Element("head")
        sub(head, "NotificationEventName", row["event"])
        sub(head, "RecipientUserID", account["user_id"])
        sub(head, "EIASToken", account["eias_token"])
        told = "".join(fragment(child) for child in head)
        inner = wire.answer(name, content=told + content, correlation=row["correlation"], timestamp=timestamp).decode()
        inner = inner.split("?>\n", 1)[1]
        ns = wire.NS
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="{SOAP}"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f'<soapenv:Header><ebl:RequesterCredentials soapenv:mustUnderstand="0" xmlns:ns="{ns}" xmlns:ebl="{ns}">'
            f'<ebl:NotificationSignature xmlns:ebl="{ns}">{signature(timestamp, account)}</ebl:NotificationSignature>'
            f"</ebl:RequesterCredentials></soapenv:Header><soapenv:Body>{inner}</soapenv:Body></soapenv:Envelope>"
        )

    def _question(self, account: sqlite3.Row, message_id: str) -> str | None:
        row = self.messages.find(account, message_id)
        if row is None:
            return None
        exchange = self.messages.exchange(row, account)
        return f"<MemberMessage>{exchange}</MemberMessage><HasMoreItems>false</HasMoreItems>"

    def _sale(self, account: sqlite3.Row, subject: dict[str, str], *, whole: bool) -> str | None:
        order_id = self.book.order_of_line(account["account_id"], subject["line"]) or subject["order"]
        row = self.book.row(account["account_id"], order_id)
        doc = loads(row["doc"]) if row is not None else None
        line = next((line for line in doc["lines"] if line["line_id"] == subject["line"]), None) if doc else None
        if row is None or doc is None or line is None:
            return None
        order = OrderXml(doc, seller=account, modified=row["modified"], withhold=False)
        item = etree.Element("Item")
        sub(item, "ItemID", line["item_id"])
        sub(item, "Title", line["title"])
        if line["sku"]:
            sub(item, "SKU", line["sku"])
        sub(sub(item, "SellingStatus"), "QuantitySold", line["quantity"])
        sub(sub(item, "Seller"), "UserID", account["user_id"])
        if not whole:
            return fragment(item)
        sale = etree.Element("Transaction")
        order.transaction(sale, line, None)
        containing = sub(sale, "ContainingOrder")
        sub(containing, "OrderID", doc["order_id"])
        sub(containing, "OrderStatus", order_status(doc))
        order.money(containing, "Subtotal", subtotal(doc))
        order.money(containing, "Total", total(doc))
        return (
            f"<HasMoreTransactions>false</HasMoreTransactions>{fragment(item)}"
            f"<TransactionArray>{fragment(sale)}</TransactionArray>"
        )

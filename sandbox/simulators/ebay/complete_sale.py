"""CompleteSale: an order or a line is marked paid or shipped, with its tracking numbers."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from ..base import clock
from ..base.faults import Faults
from ..base.store import loads
from .book import Book
from .errors import TradingError, invalid
from .planned import Doc
from .times import DAY, stamp
from .wire import Partial, boolean, moment

GRAMMAR: dict[str, Any] = {
    "FeedbackInfo": {"CommentText": None, "CommentType": None, "TargetUser": None},
    "ItemID": None,
    "ListingType": None,
    "OrderID": None,
    "OrderLineItemID": None,
    "Paid": None,
    "Shipment": {
        "Notes": None,
        "ShipmentTrackingDetails*": {"ShipmentTrackingNumber": None, "ShippingCarrierUsed": None},
        "ShippedTime": None,
    },
    "Shipped": None,
    "TransactionID": None,
}
Change = tuple[str, Doc, list[Doc]]


@dataclass
class CompleteSale:
    book: Book
    faults: Faults
    #: told of (event, document, lines) after the change is stored
    announce: Any

    def __call__(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str | Partial:
        packages = self.packages(request)
        shipped = boolean(request["Shipped"], "Shipped") if "Shipped" in request else None
        paid = boolean(request["Paid"], "Paid") if "Paid" in request else None
        if shipped is None and packages:
            shipped = True
        at = self.shipped_time(request)
        row, doc, lines = self.find(account, request)
        wrong = self.feedback(request, lines)
        if wrong is not None and request.get("ErrorHandling") != "BestEffort":
            raise wrong
        with self.book.store.transaction():
            self.book.count_call(row, doc)
            if self.faults.draw(("partial",), op="CompleteSale", account=account["account_id"]):
                return ""  # Ack Success and nothing happened: seen at the real platform
            self.reserve(account, doc, [number for number, _ in packages])
            changes = self.change(doc, lines, packages, shipped, paid, at)
            if changes or "FeedbackInfo" in request:
                self.book.save(account, row, doc, touch=bool(changes))
        for event, moved in changes:
            self.announce(account, event, doc, moved)
        return "" if wrong is None else Partial("", wrong)

    def feedback(self, request: dict[str, Any], lines: list[Doc]) -> TradingError | None:
        """Feedback is left once; with ErrorHandling BestEffort the rest of the call is done all the same."""
        if "FeedbackInfo" not in request:
            return None
        if any(line.get("feedback") for line in lines):
            return invalid("FeedbackInfo", "Feedback was left before.")
        for line in lines:
            line["feedback"] = True
        return None

    def find(self, account: sqlite3.Row, request: dict[str, Any]) -> tuple[sqlite3.Row, Doc, list[Doc]]:
        line_id, order_id = request.get("OrderLineItemID"), request.get("OrderID")
        if not line_id and request.get("ItemID") and request.get("TransactionID"):
            line_id = f"{request['ItemID']}-{request['TransactionID']}"
        if not line_id and order_id and self.book.row(account["account_id"], order_id) is None:
            line_id = order_id  # the id of a line stands for the id of its order
            order_id = self.book.order_of_line(account["account_id"], order_id)
        if line_id and not request.get("OrderID"):
            order_id = self.book.order_of_line(account["account_id"], line_id)
        tag = "OrderLineItemID" if line_id and not request.get("OrderID") else "OrderID"
        if not order_id:
            raise invalid(
                tag, "Give OrderID, OrderLineItemID, or ItemID with TransactionID." if not line_id else "Not found."
            )
        row = self.book.row(account["account_id"], order_id)
        doc = loads(row["doc"]) if row is not None and row["listed"] and row["visible"] <= clock.epoch() else None
        if row is None or doc is None or doc["status"] == "inactive":
            raise invalid(tag, "The order was not found.")
        if doc["status"] == "cancelled":
            raise invalid(tag, "The order is cancelled.")
        lines = [line for line in doc["lines"] if not line_id or line["line_id"] == line_id]
        if not lines:
            raise invalid("OrderLineItemID", "The line is not part of the order.")
        return row, doc, lines

    def packages(self, request: dict[str, Any]) -> list[tuple[str, str]]:
        """(number, carrier) of every package, without repeats. Raises error 37."""
        found: list[tuple[str, str]] = []
        for details in (request.get("Shipment") or {}).get("ShipmentTrackingDetails", []):
            number, carrier = details.get("ShipmentTrackingNumber", ""), details.get("ShippingCarrierUsed", "")
            if bool(number) != bool(carrier):
                missing = "ShippingCarrierUsed" if number else "ShipmentTrackingNumber"
                raise invalid(missing, "Tracking number and carrier go together: give both or none.")
            if not number:
                continue
            if not re.fullmatch("[A-Za-z0-9]{1,100}", number):
                raise invalid("ShipmentTrackingNumber", "Only letters A-Z and digits, no spaces or hyphens.")
            if not re.fullmatch("[A-Za-z0-9 .&()_+-]{1,50}", carrier):
                raise invalid("ShippingCarrierUsed")
            if (number, carrier) not in found:
                found.append((number, carrier))
        return found

    def shipped_time(self, request: dict[str, Any]) -> float:
        given = (request.get("Shipment") or {}).get("ShippedTime")
        now = clock.epoch()
        at = moment(given, "ShippedTime") if given else now
        if at > now + 3 * DAY:
            raise invalid("ShippedTime", "It may be at most three days in the future.")
        return at

    def reserve(self, account: sqlite3.Row, doc: Doc, numbers: list[str]) -> None:
        """A number belongs to one buyer of one seller. Raises error 21916964."""
        for number in numbers:
            key = (number, account["app_id"], account["account_id"], doc["buyer"]["id"])
            other = self.book.store.one(
                "SELECT 1 FROM tracking WHERE number = ? AND app_id = ? AND NOT (account_id = ? AND buyer_id = ?)", *key
            )
            if other is not None:
                raise TradingError(21916964, (number,))
            self.book.store.run("INSERT OR IGNORE INTO tracking VALUES (?, ?, ?, ?)", *key)

    def change(
        self,
        doc: Doc,
        lines: list[Doc],
        packages: list[tuple[str, str]],
        shipped: bool | None,
        paid: bool | None,
        at: float,
    ) -> list[tuple[str, list[Doc]]]:
        """Apply to the document; what changed as (event, lines). The same call again changes nothing."""
        events: list[tuple[str, list[Doc]]] = []
        if paid is True and not doc["paid"]:
            doc["paid"], doc["status"] = stamp(clock.epoch()), "paid"
            events.append(("ItemMarkedPaid", doc["lines"]))
        if shipped is False:
            moved = [line for line in lines if line["shipped"]]
            for line in moved:
                line["shipped"] = None
            doc["shipped"] = None
            if moved:
                events.append(("ItemMarkedShipped", []))
        elif shipped is True:
            tracking = [{"number": number, "carrier": carrier} for number, carrier in packages]
            moved = [line for line in lines if not line["shipped"] or (tracking and line["tracking"] != tracking)]
            if moved:
                self._ship(doc, moved, tracking, at)
                events.append(("ItemMarkedShipped", moved))
        return events

    def _ship(self, doc: Doc, moved: list[Doc], tracking: list[Doc], at: float) -> None:
        """The last set of numbers replaces the one before; what was told before stays in the history."""
        ids = {line["line_id"] for line in moved}
        for line in moved:
            line["shipped"] = line["shipped"] or stamp(at)
            line["tracking"] = tracking or line["tracking"]
        if all(line["shipped"] for line in doc["lines"]):
            doc["shipped"] = max(line["shipped"] for line in doc["lines"])
        wanted = [(entry["number"], entry["carrier"]) for entry in tracking] or [(None, None)]
        for told in doc["confirmations"]:
            if (told["tracking_number"], told["carrier"]) not in wanted:
                for line in told["lines"]:
                    line["superseded"] = line.get("superseded", False) or (
                        bool(tracking) and line["external_line_id"] in ids
                    )
        for number, carrier in wanted:
            package = [
                told for told in doc["confirmations"] if (told["tracking_number"], told["carrier"]) == (number, carrier)
            ]
            said = {line["external_line_id"] for told in package for line in told["lines"]}
            new = [
                {"external_line_id": line["line_id"], "quantity": line["quantity"]}
                for line in moved
                if line["line_id"] not in said
            ]
            if new:
                now = stamp(clock.epoch())
                doc["confirmations"].append({"tracking_number": number, "carrier": carrier, "at": now, "lines": new})

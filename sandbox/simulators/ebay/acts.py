"""What buyers and the platform do to an order between two pulls: pay, cancel, move house, combine, return."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..base import clock
from ..base.store import loads
from . import planned
from .book import Book
from .planned import BadPlan, Doc
from .times import stamp


@dataclass
class Acts:
    book: Book
    #: told of (account, event, document, lines) after the change is stored
    announce: Any

    def act(self, account: sqlite3.Row, order_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do ``body["act"]``; returns {"external_id"} of the order that holds the lines now.

        Raises LookupError for an unknown order, BadPlan when the order's state does not allow it.
        """
        row = self.book.row(account["account_id"], order_id)
        doc: Doc | None = loads(row["doc"]) if row is not None else None
        if row is None or doc is None:
            raise LookupError(f"no planned order {order_id}")
        if doc["status"] == "inactive":
            raise BadPlan(f"{order_id} was combined into {doc['combined_into']}")
        act = body.get("act")
        if act == "combine":
            return {"external_id": self.combine(account, row, doc, body)}
        acts = {
            "pay": self.pay,
            "cancel": self.cancel,
            "request_cancel": self.request_cancel,
            "reject_cancel": self.reject_cancel,
            "change_address": self.change_address,
            "return": self.take_back,
        }
        if act not in acts:
            raise BadPlan(f"unknown act {act!r}; there are combine, {', '.join(acts)}")
        event = acts[act](doc, body)
        with self.book.store.transaction():
            self.book.save(account, row, doc, touch=True)
        if event:
            self.announce(account, event, doc, doc["lines"])
        return {"external_id": order_id}

    def pay(self, doc: Doc, body: dict[str, Any]) -> str | None:
        if doc["status"] == "cancelled":
            raise BadPlan("a cancelled order cannot be paid")
        if doc["paid"]:
            return None
        doc["paid"] = body.get("at") or stamp(clock.epoch())
        doc["status"] = "paid"
        return "ItemMarkedPaid"

    def cancel(self, doc: Doc, body: dict[str, Any]) -> None:
        if doc["paid"] and doc["status"] != "cancelled":
            doc["refunds"].append({"amount": str(planned.total(doc)), "at": stamp(clock.epoch())})
        doc["cancel"] = "CancelClosedWithRefund" if doc["paid"] else "CancelClosedNoRefund"
        doc["status"] = "cancelled"

    def request_cancel(self, doc: Doc, body: dict[str, Any]) -> None:
        if doc["status"] == "cancelled":
            raise BadPlan("the order is cancelled already")
        doc["cancel"] = "CancelRequested"

    def reject_cancel(self, doc: Doc, body: dict[str, Any]) -> None:
        if doc["cancel"] != "CancelRequested":
            raise BadPlan("no cancellation was asked for")
        doc["cancel"] = "CancelRejected"

    def change_address(self, doc: Doc, body: dict[str, Any]) -> None:
        number = self.book.numbers.take("address")
        doc["address"] = planned.address(planned.cleaned(body["recipient"]), number)
        if doc.get("hub"):
            doc["hub"]["name"] = doc["address"]["name"]

    def take_back(self, doc: Doc, body: dict[str, Any]) -> None:
        """{"act": "return", "lines"?: [external_line_id], "state"?: ReturnOpen…, "refund"?: "1.23"}"""
        wanted = body.get("lines") or [line["line_id"] for line in doc["lines"]]
        state = body.get("state", "ReturnOpen")
        for line in doc["lines"]:
            if line["line_id"] in wanted:
                line["return"] = state
        if body.get("refund"):
            value = planned.amount(body["refund"], "refund")
            doc["refunds"].append({"amount": value, "at": stamp(clock.epoch())})

    def combine(self, account: sqlite3.Row, row: sqlite3.Row, doc: Doc, body: dict[str, Any]) -> str:
        """{"act": "combine", "with": [order ids], "old"?: "vanish"|"inactive", "shipping_price"?}: the new OrderID."""
        rows, docs = [row], [doc]
        for other in body.get("with") or []:
            found = self.book.row(account["account_id"], str(other))
            other_doc = loads(found["doc"]) if found is not None else None
            if found is None or other_doc is None:
                raise LookupError(f"no planned order {other}")
            rows.append(found)
            docs.append(other_doc)
        self._may_combine(docs)
        merged = self._merged(docs, body)
        keep = body.get("old", "vanish") == "inactive"
        with self.book.store.transaction():
            for old_row, old in zip(rows, docs, strict=True):
                old["status"], old["combined_into"] = "inactive", merged["order_id"]
                self.book.save(account, old_row, old, touch=True, listed=keep)
                self.book.store.run(
                    "UPDATE messages SET order_id = ? WHERE account_id = ? AND order_id = ?",
                    merged["order_id"],
                    account["account_id"],
                    old["order_id"],
                )
            self.book.add(account, merged, visible=max(each["visible"] for each in rows))
        return str(merged["order_id"])

    def _may_combine(self, docs: list[Doc]) -> None:
        if len({doc["order_id"] for doc in docs}) < 2:
            raise BadPlan("combine needs at least two different orders")
        for name, values in {
            "buyers": {doc["buyer"]["id"] for doc in docs},
            "currencies": {doc["currency"] for doc in docs},
            "payment states": {doc["status"] for doc in docs},
            "tax collectors": {doc["tax_collector"] for doc in docs},
        }.items():
            if len(values) > 1:
                raise BadPlan(f"orders of different {name} cannot be combined: {', '.join(sorted(values))}")
        if docs[0]["status"] not in ("pending", "paid"):
            raise BadPlan(f"{docs[0]['status']} orders cannot be combined")

    def _merged(self, docs: list[Doc], body: dict[str, Any]) -> Doc:
        shipping = sum((Decimal(doc["shipping"]) for doc in docs), Decimal(0))
        number = self.book.numbers.order_id()
        shipped = [doc["shipped"] for doc in docs]
        paid = [doc["paid"] for doc in docs]
        return {
            **docs[0],
            "order_id": number,
            "ref": f"combined:{number}",
            "refs": [ref for doc in docs for ref in doc.get("refs", [doc["ref"]])],
            "combined_from": [doc["order_id"] for doc in docs],
            "created": stamp(clock.epoch()),
            "paid": max(paid) if all(paid) else None,
            "shipped": max(shipped) if all(shipped) else None,
            "shipping": planned.amount(body.get("shipping_price", shipping), "shipping_price"),
            "tax": str(sum((Decimal(doc["tax"]) for doc in docs), Decimal(0))),
            "lines": [line for doc in docs for line in doc["lines"]],
            "confirmations": [told for doc in docs for told in doc["confirmations"]],
            "confirm_calls": sum(doc["confirm_calls"] for doc in docs),
            "refunds": [refund for doc in docs for refund in doc["refunds"]],
            "note": " / ".join(doc["note"] for doc in docs if doc["note"]),
        }

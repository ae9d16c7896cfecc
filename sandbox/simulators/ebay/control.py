"""The control interface: what tests and rehearsals plan, and what the platform knows in the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..base import clock
from ..base.store import loads
from . import pictures, planned
from .accounts import Accounts
from .acts import Acts
from .book import Book
from .deletion import Deletion
from .messages import Messages
from .notify import Notifier
from .planned import Doc
from .times import seconds

Inner = Callable[[sqlite3.Row, Request], Awaitable[dict[str, Any]]]


@dataclass
class Control:
    accounts: Accounts
    book: Book
    acts: Acts
    messages: Messages
    notifier: Notifier
    deletion: Deletion

    def routes(self) -> list[BaseRoute]:
        base = "/accounts/{id}"
        return [
            Route("/accounts", self.outer(self.create), methods=["POST"]),
            Route("/account-deletion", self.outer(self.deletion.send), methods=["POST"]),
            Route(f"{base}/orders", self.of_account(self.add_orders), methods=["POST"]),
            Route(f"{base}/orders", self.of_account(self.list_orders), methods=["GET"]),
            Route(f"{base}/raw-orders", self.of_account(self.add_raw), methods=["POST"]),
            Route(f"{base}/orders/{{order_id}}/act", self.of_account(self.act), methods=["POST"]),
            Route(f"{base}/messages", self.of_account(self.add_messages), methods=["POST"]),
            Route(f"{base}/messages", self.of_account(self.list_messages), methods=["GET"]),
            Route(f"{base}/notifications", self.of_account(self.list_notifications), methods=["GET"]),
            Route(f"{base}/revoke", self.of_account(self.revoke), methods=["POST"]),
            Route(f"{base}/expire", self.of_account(self.expire), methods=["POST"]),
            Route(f"{base}/withhold-pii", self.of_account(self.withhold), methods=["POST"]),
        ]

    def outer(
        self, inner: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                return JSONResponse(await inner(await request.json()))
            except (ValueError, KeyError, TypeError, sqlite3.IntegrityError) as why:
                return JSONResponse({"error": f"{type(why).__name__}: {why}"}, status_code=400)

        return endpoint

    def of_account(self, inner: Inner) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            account = self.accounts.get(request.path_params["id"])
            if account is None:
                return JSONResponse({"error": f"no account {request.path_params['id']}"}, status_code=404)
            try:
                return JSONResponse(await inner(account, request))
            except LookupError as why:
                status = 400 if isinstance(why, KeyError) else 404
                return JSONResponse({"error": f"{type(why).__name__}: {why}"}, status_code=status)
            except (ValueError, TypeError, sqlite3.IntegrityError) as why:
                return JSONResponse({"error": f"{type(why).__name__}: {why}"}, status_code=400)

        return endpoint

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"account_id": self.accounts.create(body)}

    # -- orders --------------------------------------------------------------------------------------------------

    async def add_orders(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        plans = (await request.json())["orders"]
        if len(plans) > 1000:
            raise ValueError("at most 1000 orders at once")
        created, ids, docs = self.book.plan(account, plans)
        self.notifier.new_orders(account, docs)
        return {"created": created, "ids": ids}

    async def add_raw(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        return {"ids": [self.book.add_raw(account, item) for item in (await request.json())["orders"]]}

    async def list_orders(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        limit = min(int(request.query_params.get("limit", "1000")), 1000)
        after, seq = request.query_params.get("after"), 0
        if after:
            row = self.book.row(account["account_id"], after)
            if row is None:
                raise LookupError(f"no order {after}")
            seq = row["seq"]
        rows = self.book.store.all(
            "SELECT * FROM orders WHERE account_id = ? AND seq > ? AND doc <> 'null' ORDER BY seq LIMIT ?",
            account["account_id"],
            seq,
            limit + 1,
        )
        docs = [loads(row["doc"]) for row in rows[:limit]]
        return {"orders": [told(doc) for doc in docs], "next": docs[-1]["order_id"] if len(rows) > limit else None}

    async def act(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        return self.acts.act(account, request.path_params["order_id"], await request.json())

    # -- messages and notifications --------------------------------------------------------------------------------

    async def add_messages(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        ids, new = self.messages.plan(account, (await request.json())["messages"], pictures.place(request))
        for message_id in new:
            self.notifier.new_message(account, message_id)
        return {"created": len(new), "ids": ids}

    async def list_messages(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        found = self.messages.pictures.count(account["account_id"])
        return {"messages": self.messages.listed(account["account_id"]), "uploaded": found}

    async def list_notifications(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        return {"notifications": self.notifier.listed(account["account_id"])}

    # -- consent ---------------------------------------------------------------------------------------------------

    async def revoke(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        """From now on neither the refresh token nor any access token is good; a new consent (POST /accounts) heals."""
        return self._set(account, "revoked = ?", 1)

    async def expire(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        return self._set(account, "expired_at = ?", clock.epoch())

    async def withhold(self, account: sqlite3.Row, request: Request) -> dict[str, Any]:
        return self._set(account, "withhold_until = ?", seconds((await request.json())["until"]))

    def _set(self, account: sqlite3.Row, what: str, value: float) -> dict[str, Any]:
        self.accounts.store.run(f"UPDATE accounts SET {what} WHERE account_id = ?", value, account["account_id"])
        self.accounts.forget()
        return {"account_id": account["account_id"]}


def told(doc: Doc) -> dict[str, Any]:
    """An order as the reconciler compares it. ``total`` is the answer's Total (tax that eBay remits is not in it)."""
    cancelled, inactive = doc["status"] == "cancelled", doc["status"] == "inactive"
    return {
        "external_id": doc["order_id"],
        "ref": doc["ref"],
        "refs": doc.get("refs", [doc["ref"]]),
        "status": "cancel_requested" if doc["cancel"] == "CancelRequested" and not inactive else doc["status"],
        "combined_into": doc.get("combined_into"),
        "combined_from": doc.get("combined_from", []),
        "currency": doc["currency"],
        "total": str(planned.total(doc)),
        "subtotal": str(planned.subtotal(doc)),
        "shipping_price": doc["shipping"],
        "tax": doc["tax"],
        "tax_collector": doc["tax_collector"],
        "placed_at": doc["created"],
        "paid_at": doc["paid"],
        "shipped_at": doc["shipped"],
        "fulfilment": "merchant",
        "seller_ships": not cancelled and not inactive and doc["paid"] is not None,
        "recipient": _recipient(doc["address"]),
        "ship_to": _recipient(doc["hub"]) if doc.get("hub") else None,
        "buyer": {key: doc["buyer"][key] for key in ("id", "name", "email")},
        "lines": [
            {
                "external_line_id": line["line_id"],
                "item_id": line["item_id"],
                "sku": line["sku"],
                "title": line["title"],
                "quantity": line["quantity"],
                "unit_price": line["unit_price"],
                "cancelled_quantity": line["quantity"] if cancelled else 0,
                "return_status": line["return"],
            }
            for line in doc["lines"]
        ],
        "confirmations": doc["confirmations"],
        "confirm_calls": doc["confirm_calls"],
    }


def _recipient(address: Doc) -> dict[str, Any]:
    return {
        "name": address["name"],
        "company": "",
        "lines": [line for line in (address["street1"], address["street2"]) if line],
        "city": address["city"],
        "region": address["state"],
        "postcode": address["postcode"],
        "country": address["country"],
        "phone": address["phone"],
        "reference": address.get("reference"),
    }

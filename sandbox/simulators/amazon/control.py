"""Our own side door: accounts, planned orders, acts of buyers and of Amazon, and what Amazon knows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..base import clock
from ..base.store import loads
from .accounts import Account, Accounts
from .confirming import settle
from .contact import Contact
from .ledger import Ledger
from .marketplaces import BY_ID
from .rendering import Built, address, build, cancel, neutral_address, number, seconds, total_up
from .stock import Stock

Act = Callable[[dict[str, Any], dict[str, Any]], None]


class Wrong(Exception):
    """A control request that makes no sense: status and reason."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Control:
    def __init__(self, accounts: Accounts, ledger: Ledger, stock: Stock, contact: Contact) -> None:
        self._accounts, self._ledger, self._stock, self._contact = accounts, ledger, stock, contact

    def routes(self) -> list[BaseRoute]:
        one = "/accounts/{account_id}"
        table: list[tuple[str, str, Callable[[Request, Any], dict[str, Any]]]] = [
            ("POST", "/accounts", self.save_account),
            ("POST", one + "/orders", self.plan_orders),
            ("GET", one + "/orders", self.list_orders),
            ("POST", one + "/raw-orders", self.raw_orders),
            ("POST", one + "/orders/{order_id}/act", self.act),
            ("POST", one + "/inventory", self.put_stock),
            ("GET", one + "/inventory", self.get_stock),
            ("POST", one + "/revoke", self.revoke),
            ("POST", one + "/expire", self.expire),
            ("POST", one + "/withhold-pii", self.withhold),
            ("GET", one + "/sent", self.sent),
        ]
        return [Route(path, _endpoint(handler), methods=[method]) for method, path, handler in table]

    def save_account(self, request: Request, body: Any) -> dict[str, Any]:
        """{"account_id", "marketplace" (id or country) or "marketplaces": [..], "credentials": {"client_id",
        "client_secret", "refresh_token"}, "roles"?: ["direct_to_consumer", "tax"], "store_name"?}."""
        try:
            account = self._accounts.save(body)
        except KeyError as error:
            raise Wrong(f"missing or unknown: {error}") from None
        except ValueError as error:
            raise Wrong(str(error), 409) from None
        return {"account_id": account.account_id}

    def plan_orders(self, request: Request, body: Any) -> dict[str, Any]:
        """{"orders": [PlannedOrder]}. An order shows itself from visible_at (default placed_at) on.

        Its last-update time is the latest of placed_at, paid_at and visible_at, so an order that is planned into the
        past without visible_at is not found by a window that starts later.
        """
        account, plans = self._account(request), body["orders"]
        if len(plans) > 1000:
            raise Wrong("at most 1000 orders at once")
        try:
            built = [build(account, plan) for plan in plans]
        except (KeyError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise Wrong(f"not a planned order: {error!r}") from None
        created = self._ledger.add(account.account_id, built)
        return {"created": created, "ids": self._ledger.ids(account.account_id, [order.ref for order in built])}

    def raw_orders(self, request: Request, body: Any) -> dict[str, Any]:
        """Whatever is given is served word for word to everybody who asks; it shows itself at once."""
        account = self._account(request)
        built = [_raw(account, payload) for payload in body["orders"]]
        created = self._ledger.add(account.account_id, built, raw=True)
        return {"created": created, "ids": {order.ref: order.order_id for order in built}}

    def list_orders(self, request: Request, body: Any) -> dict[str, Any]:
        account = self._account(request)
        limit = min(int(request.query_params.get("limit", "1000")), 1000)
        rows = self._ledger.after(account.account_id, request.query_params.get("after"), limit)
        following = rows[-1]["order_id"] if len(rows) == limit else None
        return {"orders": [_known(row) for row in rows], "next": following}

    def act(self, request: Request, body: Any) -> dict[str, Any]:
        """{"act": one of ACTS, "at"?: time of the change (default now), …}."""
        account, order_id = self._account(request), request.path_params["order_id"]
        act = ACTS.get(body.get("act"))
        if act is None:
            raise Wrong(f"Amazon knows no act {body.get('act')!r}; it knows {', '.join(ACTS)}")
        if self._ledger.get(account.account_id, order_id) is None:
            raise Wrong("no such order", 404)
        at = seconds(body["at"]) if body.get("at") else None
        self._ledger.change(account.account_id, order_id, lambda order: act(order, body), at=at)
        row = self._ledger.get(account.account_id, order_id)
        assert row is not None
        return _known(row)

    def put_stock(self, request: Request, body: Any) -> dict[str, Any]:
        account = self._account(request)
        place = body.get("marketplace_id") or account.marketplaces[0].id
        if place not in BY_ID:
            raise Wrong("unknown marketplace")
        return {"items": self._stock.put(account.account_id, place, body["items"])}

    def get_stock(self, request: Request, body: Any) -> dict[str, Any]:
        return {"items": self._stock.all(self._account(request).account_id)}

    def revoke(self, request: Request, body: Any) -> dict[str, Any]:
        """The seller takes the consent back. POST /accounts with another refresh token gives it again."""
        account = self._account(request)
        self._accounts.change(account, revoked=True)
        return {"account_id": account.account_id}

    def expire(self, request: Request, body: Any) -> dict[str, Any]:
        account = self._account(request)
        self._accounts.change(account, generation=account.generation + 1)
        return {"account_id": account.account_id}

    def withhold(self, request: Request, body: Any) -> dict[str, Any]:
        account = self._account(request)
        until = seconds(body["until"]) if body.get("until") else 0
        self._accounts.change(account, withhold_until=until)
        return {"account_id": account.account_id}

    def sent(self, request: Request, body: Any) -> dict[str, Any]:
        """What this seller sent to buyers through the Messaging and Solicitations APIs."""
        return {"messages": self._contact.sent(self._account(request).account_id)}

    def _account(self, request: Request) -> Account:
        account = self._accounts.get(request.path_params["account_id"])
        if account is None:
            raise Wrong("no such account", 404)
        return account


def _endpoint(handler: Callable[[Request, Any], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            # ASCII: what was put in word for word may hold halves of characters.
            said = json.dumps(handler(request, json.loads(raw) if raw else {}))
            return Response(said, media_type="application/json")
        except Wrong as error:
            return JSONResponse({"error": str(error)}, error.status)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": repr(error)}, 400)

    return endpoint


def _raw(account: Account, payload: Any) -> Built:
    """A row for a payload of which nothing is sure."""
    inner = payload if isinstance(payload, dict) else {}
    text = json.dumps(payload, sort_keys=True)
    named = inner.get("orderId")
    identity = (named if isinstance(named, str) else "").encode("utf-8", "ignore").decode()
    fulfillment = inner["fulfillment"] if isinstance(inner.get("fulfillment"), dict) else {}
    channel = inner["salesChannel"] if isinstance(inner.get("salesChannel"), dict) else {}
    seen = int(clock.epoch()) - 180
    times = []
    for name in ("createdTime", "lastUpdatedTime"):
        try:
            times.append(seconds(inner[name]))
        except (KeyError, TypeError, ValueError):
            times.append(seen)
    return Built(
        order_id=identity or "raw-" + number(text, 14),
        ref=identity or "raw-" + number(text, 14),
        created=times[0],
        updated=times[1],
        visible=min(times[0], seen),
        status=str(fulfillment.get("fulfillmentStatus", "UNSHIPPED")),
        fulfilled_by=str(fulfillment.get("fulfilledBy", "MERCHANT")),
        marketplace=str(channel.get("marketplaceId", account.marketplaces[0].id)),
        buyer={},
        body=payload,
    )


def _known(row: sqlite3.Row) -> dict[str, Any]:
    """What Amazon knows of an order, in the neutral shape."""
    base = {
        "external_id": row["order_id"],
        "ref": row["ref"],
        "status": row["status"],
        "fulfilment": "platform" if row["fulfilled_by"] == "AMAZON" else "merchant",
        "seller_ships": row["fulfilled_by"] == "MERCHANT"
        and row["status"] in ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"),
        "confirm_calls": row["confirm_calls"],
        "raw": bool(row["raw"]),
    }
    body, buyer = loads(row["body"]), loads(row["buyer"])
    try:
        return base | {
            "currency": body["proceeds"]["grandTotal"]["currencyCode"],
            "total": body["proceeds"]["grandTotal"]["amount"],
            "recipient": neutral_address(body),
            "buyer": buyer or (body.get("buyer") or {}),
            "lines": [_line(item) for item in body["orderItems"]],
            "confirmations": [_confirmation(package) for package in body.get("packages") or []],
        }
    except (KeyError, TypeError, AttributeError):
        return base | {"malformed": True, "payload": body}


def _line(item: dict[str, Any]) -> dict[str, Any]:
    cancelled = "cancellationExecution" in (item.get("cancellation") or {})
    return {
        "external_line_id": item["orderItemId"],
        "sku": item["product"]["sellerSku"],
        "title": item["product"].get("title", ""),
        "quantity": item["quantityOrdered"],
        "unit_price": item["product"]["price"]["unitPrice"]["amount"],
        "cancelled_quantity": item["quantityOrdered"] if cancelled else 0,
        "cancel_requested": "cancellationRequest" in (item.get("cancellation") or {}),
    }


def _confirmation(package: dict[str, Any]) -> dict[str, Any]:
    return {
        "reference": package["packageReferenceId"],
        "tracking_number": package["trackingNumber"],
        "carrier": package["carrier"],
        "service": package.get("shippingService", ""),
        "at": package["createdTime"],
        "shipped_at": package["shipTime"],
        "status": package["packageStatus"]["status"],
        "lines": [
            {"external_line_id": item["orderItemId"], "quantity": item["quantity"]} for item in package["packageItems"]
        ],
    }


def _need(order: dict[str, Any], *statuses: str) -> None:
    status = order["fulfillment"]["fulfillmentStatus"]
    if status not in statuses:
        raise Wrong(f"the order is {status}", 409)


def _chosen(order: dict[str, Any], body: dict[str, Any]) -> set[str] | None:
    """Whole items named in "lines": [{"external_line_id"}]; None for all."""
    if not body.get("lines"):
        return None
    chosen = {line["external_line_id"] for line in body["lines"]}
    if not chosen <= {item["orderItemId"] for item in order["orderItems"]}:
        raise Wrong("no such line")
    return chosen


def _pay(order: dict[str, Any], body: dict[str, Any]) -> None:
    """Payment is authorised: the order is ready to ship."""
    _need(order, "PENDING")
    order["fulfillment"]["fulfillmentStatus"] = "UNSHIPPED"


def _cancel(order: dict[str, Any], body: dict[str, Any]) -> None:
    """{"by"?: BUYER | MERCHANT | AMAZON, "reason"?, "lines"?}; whole items, not shipped ones."""
    _need(order, "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED")
    pending = order["fulfillment"]["fulfillmentStatus"] == "PENDING"
    chosen = _chosen(order, body)
    if any(
        item["fulfillment"]["quantityFulfilled"]
        for item in order["orderItems"]
        if chosen is None or item["orderItemId"] in chosen
    ):
        raise Wrong("a shipped item cannot be cancelled", 409)
    cancel(order, chosen, by=body.get("by", "BUYER"), reason=body.get("reason", "No longer needed"))
    total_up(order)
    settle(order)
    if pending and order["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED":
        order["fulfillment"]["fulfillmentStatus"] = "PENDING"


def _request_cancel(order: dict[str, Any], body: dict[str, Any]) -> None:
    """{"reason"?, "lines"?}: the buyer wishes it; the seller may cancel or ship."""
    _need(order, "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED")
    chosen = _chosen(order, body)
    wish = {"requester": "BUYER", "cancelReason": body.get("reason", "Order created by mistake")}
    for item in order["orderItems"]:
        if chosen is None or item["orderItemId"] in chosen:
            item.setdefault("cancellation", {})["cancellationRequest"] = wish


def _change_address(order: dict[str, Any], body: dict[str, Any]) -> None:
    """{"recipient": as in a planned order}."""
    _need(order, "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED")
    fresh = address(body["recipient"], fulfilled_by=order["fulfillment"]["fulfilledBy"])
    order["recipient"]["deliveryAddress"] = fresh


def _ship(order: dict[str, Any], body: dict[str, Any]) -> None:
    """Amazon ships an order that it fulfils."""
    _need(order, "UNSHIPPED")
    if order["fulfillment"]["fulfilledBy"] != "AMAZON":
        raise Wrong("the merchant ships this order", 409)
    order["fulfillment"]["fulfillmentStatus"] = "SHIPPED"
    for item in order["orderItems"]:
        item["fulfillment"] |= {
            "quantityFulfilled": item["fulfillment"]["quantityUnfulfilled"],
            "quantityUnfulfilled": 0,
        }


def _deliver(order: dict[str, Any], body: dict[str, Any]) -> None:
    """Amazon learns from the carrier that the packages arrived."""
    for package in order.get("packages") or []:
        package["packageStatus"] = {"status": "DELIVERED", "detailedStatus": "DELIVERED"}


def _touch(order: dict[str, Any], body: dict[str, Any]) -> None:
    """Nothing but the last-update time moves."""


ACTS: dict[str, Act] = {
    "pay": _pay,
    "cancel": _cancel,
    "request_cancel": _request_cancel,
    "change_address": _change_address,
    "ship": _ship,
    "deliver": _deliver,
    "touch": _touch,
}

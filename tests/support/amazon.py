"""A seller on the Amazon simulator, spoken to as SP-API wants it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

US = "ATVPDKIKX0DER"
EVERYTHING = "BUYER,RECIPIENT,PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT"
ORDERS = "/amazon/orders/2026-01-01/orders"


def ago(**delta: float) -> str:
    """A moment before now, as Amazon writes it. Negative values lie in the future."""
    return iso(datetime.now(UTC) - timedelta(**delta))


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def plan(ref: str, **changes: Any) -> dict[str, Any]:
    """A paid order of two lines that was placed an hour ago."""
    return {
        "ref": ref,
        "buyer": {"id": "b-" + ref, "name": "Ann Lee", "email": ""},
        "recipient": {
            "name": "Zoë 李",
            "company": "",
            "lines": ["12 Rue d'Été", "Apt 4"],
            "city": "Seattle",
            "region": "WA",
            "postcode": "98101",
            "country": "US",
            "phone": "+1 206 555 0100",
        },
        "lines": [
            {"sku": "TEE-RED", "title": "Tee, red", "quantity": 2, "unit_price": "10.00"},
            {"sku": "CUP", "title": "Cup", "quantity": 1, "unit_price": "3.33"},
        ],
        "currency": "USD",
        "shipping_price": "4.99",
        "tax": "1.01",
        "placed_at": ago(hours=1),
        "paid_at": ago(hours=1),
        "ship_by": None,
        "deliver_by": None,
        "fulfilment": "merchant",
    } | changes


class Seller:
    """One account with its own id, so that tests do not meet; ``api`` calls carry its access token."""

    def __init__(self, base: str, marketplace: str = "US", **spec: Any) -> None:
        self.http = httpx.Client(base_url=base, timeout=20)
        self.account_id = "acc-" + uuid.uuid4().hex[:12]
        self.credentials = {
            "client_id": "amzn1.application-oa2-client." + self.account_id,
            "client_secret": "secret-" + self.account_id,
            "refresh_token": "Atzr|" + self.account_id,
        }
        self.spec = {"account_id": self.account_id, "marketplace": marketplace, "credentials": self.credentials, **spec}
        self.control("/accounts", self.spec)
        self.access = ""

    def control(self, path: str, body: Any = None) -> Any:
        """POST ``body`` to the control interface, or GET without one; a path that begins with @ is the account's."""
        url = "/_control/amazon" + path.replace("@", f"/accounts/{self.account_id}", 1)
        answer = self.http.get(url) if body is None else self.http.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def plan(self, *orders: dict[str, Any]) -> dict[str, str]:
        ids: dict[str, str] = self.control("@/orders", {"orders": list(orders)})["ids"]
        return ids

    def known(self, order_id: str) -> dict[str, Any]:
        """What the control interface knows of the order."""
        return next(o for o in self.control("@/orders")["orders"] if o["external_id"] == order_id)

    def act(self, order_id: str, act: str, **more: Any) -> Any:
        return self.control(f"@/orders/{order_id}/act", {"act": act, **more})

    def script(self, kind: str, op: str, times: int = 1) -> None:
        rule = {"kind": kind, "op": op, "account": self.account_id, "times": times}
        assert self.http.post("/_control/faults", json={"script": [rule]}).status_code == 200

    def grant(self, **changes: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", **self.credentials, **changes}
        return self.http.post("/amazon/auth/o2/token", data=form)

    def token(self) -> str:
        if not self.access:
            self.access = self.grant().json()["access_token"]
        return self.access

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query, headers={"x-amz-access-token": self.token()})

    def post(self, path: str, body: Any, **query: Any) -> httpx.Response:
        return self.http.post(path, json=body, params=query, headers={"x-amz-access-token": self.token()})

    def search(self, **query: Any) -> httpx.Response:
        if not {"createdAfter", "lastUpdatedAfter"} & set(query):
            query["lastUpdatedAfter"] = ago(hours=3)
        return self.get(ORDERS, **query)

    def order(self, order_id: str, included: str = EVERYTHING) -> dict[str, Any]:
        answer = self.get(f"{ORDERS}/{order_id}", **({"includedData": included} if included else {}))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["order"]
        return found

    def confirm(self, order_id: str, lines: dict[str, int], reference: Any = "1", **changes: Any) -> httpx.Response:
        detail = {
            "packageReferenceId": reference,
            "carrierCode": "Yun Express",
            "trackingNumber": "YT2600000000001",
            "shipDate": ago(minutes=1),
            "orderItems": [{"orderItemId": line, "quantity": quantity} for line, quantity in lines.items()],
        } | changes
        body = {"marketplaceId": US, "packageDetail": detail}
        return self.post(f"/amazon/orders/v0/orders/{order_id}/shipmentConfirmation", body)


def lines_of(order: dict[str, Any]) -> dict[str, int]:
    """Ordered quantity by order item id."""
    return {item["orderItemId"]: item["quantityOrdered"] for item in order["orderItems"]}


@contextmanager
def seller(base: str, marketplace: str = "US", **spec: Any) -> Iterator[Seller]:
    one = Seller(base, marketplace, **spec)
    try:
        yield one
    finally:
        one.http.close()


def error(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of the one error, whose shape is checked."""
    body = answer.json()
    assert set(body) == {"errors"}
    assert len(body["errors"]) == 1
    (found,) = body["errors"]
    assert set(found) == {"code", "message", "details"}
    assert all(isinstance(value, str) for value in found.values())
    return answer.status_code, found["code"], found["message"]

"""A plain client for the simulated eBay: raw XML over HTTP, so that tests see the wire and no library."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from lxml import etree

NS = {"e": "urn:ebay:apis:eBLBaseComponents"}


def z(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(**span: float) -> str:
    return z(datetime.now(UTC) - timedelta(**span))


def ahead(**span: float) -> str:
    return z(datetime.now(UTC) + timedelta(**span))


class Reply:
    """One Trading answer, parsed."""

    def __init__(self, response: httpx.Response) -> None:
        assert response.status_code == 200, response.text
        self.text = response.text
        self.root = etree.fromstring(response.content)

    def all(self, path: str) -> list[str]:
        nodes = self.root.findall("/".join(f"e:{part}" for part in path.split("/")), NS)
        return [node.text or "" for node in nodes]

    def one(self, path: str) -> str:
        found = self.all(path)
        assert len(found) == 1, (path, found, self.text)
        return found[0]

    @property
    def ack(self) -> str:
        return self.one("Ack")

    @property
    def codes(self) -> list[int]:
        return [int(code) for code in self.all("Errors/ErrorCode")]

    @property
    def order_ids(self) -> list[str]:
        return self.all("OrderArray/Order/OrderID")


class Seller:
    """One account of the simulator with its credentials, its token and its control interface."""

    def __init__(self, base: str, *, app: str | None = None, site: str = "US", **account: Any) -> None:
        self.http = httpx.Client(base_url=base, timeout=20, trust_env=False)
        self.id = f"acc-{uuid4().hex[:12]}"
        self.credentials = {
            "app_id": app or f"app-{uuid4().hex[:8]}",
            "dev_id": "dev-1",
            "cert_id": "PRD-cert",
            "refresh_token": f"v^1.1#i^1#refresh-{uuid4().hex}",
            "user_id": f"user_{self.id}",
        }
        body = {"account_id": self.id, "site": site, "credentials": self.credentials, **account}
        answer = self.http.post("/_control/ebay/accounts", json=body)
        assert answer.json() == {"account_id": self.id}, answer.text
        self.token = ""

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/_control/ebay/accounts/{self.id}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def known(self, what: str = "orders") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(f"/_control/ebay/accounts/{self.id}/{what}").json()[what]
        return found

    def order(self, order_id: str) -> dict[str, Any]:
        return next(order for order in self.known() if order["external_id"] == order_id)

    def plan(self, *orders: dict[str, Any]) -> list[str]:
        """Order ids in the sequence of the plans."""
        ids = self.control("orders", orders=list(orders))["ids"]
        return [ids[order["ref"]] for order in orders]

    def faults(self, *script: dict[str, Any]) -> None:
        rules = [{"account": self.id, **rule} for rule in script]
        self.http.post("/_control/faults", json={"script": rules})

    def ask_token(self, **form: str) -> httpx.Response:
        pair = f"{self.credentials['app_id']}:{self.credentials['cert_id']}"
        headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        fields = {"grant_type": "refresh_token", "refresh_token": self.credentials["refresh_token"], **form}
        return self.http.post("/ebay/identity/v1/oauth2/token", data=fields, headers=headers)

    def send(self, call: str, content: str, **headers: str | None) -> httpx.Response:
        if not self.token:
            self.token = self.ask_token().json()["access_token"]
        given = {
            "X-EBAY-API-CALL-NAME": call,
            "X-EBAY-API-SITEID": "0",
            "X-EBAY-API-COMPATIBILITY-LEVEL": "1455",
            "X-EBAY-API-IAF-TOKEN": self.token,
            "Content-Type": "text/xml",
        }
        for name, value in headers.items():
            given[f"X-EBAY-API-{name.upper().replace('_', '-')}"] = value or ""
        return self.http.post("/ebay/ws/api.dll", content=content.encode(), headers=given)

    def call(self, call: str, inner: str = "", **headers: str | None) -> Reply:
        body = f'<?xml version="1.0" encoding="utf-8"?><{call}Request xmlns="{NS["e"]}">{inner}</{call}Request>'
        return Reply(self.send(call, body, **headers))

    def orders(self, inner: str = "", *, page: int = 1, per_page: int = 100) -> Reply:
        window = inner or f"<ModTimeFrom>{ago(hours=1)}</ModTimeFrom><ModTimeTo>{ahead(hours=1)}</ModTimeTo>"
        pages = f"<EntriesPerPage>{per_page}</EntriesPerPage><PageNumber>{page}</PageNumber>"
        return self.call("GetOrders", f"{window}<Pagination>{pages}</Pagination>")

    def ship(self, order: str, *packages: tuple[str, str], tag: str = "OrderID", more: str = "") -> Reply:
        details = "".join(
            f"<ShipmentTrackingDetails><ShipmentTrackingNumber>{number}</ShipmentTrackingNumber>"
            f"<ShippingCarrierUsed>{carrier}</ShippingCarrierUsed></ShipmentTrackingDetails>"
            for number, carrier in packages
        )
        return self.call(
            "CompleteSale", f"<{tag}>{order}</{tag}><Shipped>true</Shipped><Shipment>{details}{more}</Shipment>"
        )


def planned(ref: str, **changes: Any) -> dict[str, Any]:
    """A paid order of two lines: 2 x 9.99 + 1 x 20.00 + 4.50 shipping = 44.48."""
    return {
        "ref": ref,
        "buyer": {"id": "buyer-7", "name": "Jo Doe", "email": "jo@example.com"},
        "recipient": {
            "name": "Jo Doe",
            "company": "",
            "lines": ["12 Any Street", "Flat 3"],
            "city": "Portland",
            "region": "OR",
            "postcode": "97201",
            "country": "US",
            "phone": "+1 503 555 0100",
        },
        "lines": [
            {"sku": "MUG-RED", "title": "Red mug", "quantity": 2, "unit_price": "9.99"},
            {"sku": "POT-1", "title": "Pot", "quantity": 1, "unit_price": "20.00"},
        ],
        "currency": "USD",
        "shipping_price": "4.50",
        "tax": "0.00",
        "placed_at": ago(hours=2),
        "paid_at": ago(hours=1),
        "fulfilment": "merchant",
        **changes,
    }

"""What a rehearsal plays: accounts, goods, orders, messages, cancellations and returns, in the simulators' neutral shapes.

``to_json`` gives exactly what the control interface of a simulator takes: money as strings, times as ISO-8601 with Z.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zlib import crc32


def iso(moment: datetime | None) -> str | None:
    """Milliseconds and Z, as the simulators take times."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account_index(customer: str, number: str, accounts: int) -> int:
    """Place of the account that an order belongs to: a hash of the customer, of the invoice where there is none."""
    return crc32((customer or f"guest {number}").encode()) % accounts


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """One seller account. ``site`` is the country (ISO alpha-2) of its marketplace, ``currency`` ISO 4217."""

    account: str
    platform: str
    site: str
    currency: str


@dataclass(frozen=True, slots=True)
class PlannedSku:
    """Weight in grams, ``dims_mm`` length, width, height in millimetres, ``price`` a usual unit price."""

    sku: str
    title: str
    weight_g: int
    dims_mm: tuple[int, int, int]
    price: Decimal

    def to_json(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "title": self.title,
            "weight_g": self.weight_g,
            "dims_mm": list(self.dims_mm),
            "price": str(self.price),
        }


@dataclass(frozen=True, slots=True)
class Person:
    """A buyer: ``id`` is stable per customer."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str
    company: str
    lines: tuple[str, ...]
    city: str
    region: str
    postcode: str
    country: str
    phone: str

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "company": self.company,
            "lines": list(self.lines),
            "city": self.city,
            "region": self.region,
            "postcode": self.postcode,
            "country": self.country,
            "phone": self.phone,
        }


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """``item_ref`` is the listing's number on a marketplace that has one."""

    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    item_ref: str

    def to_json(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "title": self.title,
            "quantity": self.quantity,
            "unit_price": str(self.unit_price),
            "item_ref": self.item_ref,
        }


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """``ref`` is the invoice number, unique per account. ``visible_at`` None: the first pull sees it."""

    account: str
    ref: str
    buyer: Person
    recipient: Recipient
    lines: tuple[PlannedLine, ...]
    currency: str
    shipping_price: Decimal
    tax: Decimal
    placed_at: datetime
    ship_by: datetime
    deliver_by: datetime
    fulfilment: str = "merchant"
    visible_at: datetime | None = None
    buyer_note: str = ""

    @property
    def total(self) -> Decimal:
        return sum((line.unit_price * line.quantity for line in self.lines), self.shipping_price + self.tax)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "ref": self.ref,
            "buyer": {"id": self.buyer.id, "name": self.buyer.name, "email": self.buyer.email},
            "recipient": self.recipient.to_json(),
            "lines": [line.to_json() for line in self.lines],
            "currency": self.currency,
            "shipping_price": str(self.shipping_price),
            "tax": str(self.tax),
            "placed_at": iso(self.placed_at),
            "paid_at": iso(self.placed_at),
            "ship_by": iso(self.ship_by),
            "deliver_by": iso(self.deliver_by),
            "fulfilment": self.fulfilment,
            "status": "paid",
        }
        if self.visible_at is not None:
            data["visible_at"] = iso(self.visible_at)
        if self.buyer_note:
            data["buyer_note"] = self.buyer_note
        return data


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    account: str
    ref: str
    order_ref: str | None
    buyer_id: str
    subject: str
    body: str
    language: str
    sent_at: datetime
    visible_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "ref": self.ref,
            "order_ref": self.order_ref,
            "buyer_id": self.buyer_id,
            "subject": self.subject,
            "body": self.body,
            "sent_at": iso(self.sent_at),
        }
        if self.visible_at is not None:
            data["visible_at"] = iso(self.visible_at)
        return data


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """``line`` is the place of the line in the order, from 0."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PlannedReturn:
    """``kind`` is ``cancellation`` (the whole order, before it was due to ship) or ``return``. Played by ``act`` at ``at``."""

    account: str
    ref: str
    order_ref: str
    kind: str
    lines: tuple[ReturnedLine, ...]
    at: datetime


@dataclass(slots=True)
class RehearsalPlan:
    """Everything in the order in which it happens. ``rejected`` counts invoices by the reason why they are no order.

    ``stock_needed`` is what own warehouses must hold for all merchant-fulfilled orders; ``platform_stock`` the same per
    account for orders that the platform fulfils. ``notes`` counts what was read otherwise than written (never silent).
    """

    accounts: list[PlannedAccount]
    skus: list[PlannedSku]
    orders: list[PlannedOrder]
    messages: list[PlannedMessage]
    returns: list[PlannedReturn]
    rejected: dict[str, int]
    stock_needed: dict[str, int]
    platform_stock: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: int = 0
    invoices: int = 0
    notes: dict[str, int] = field(default_factory=dict)

    def orders_of(self, account: str) -> Iterator[PlannedOrder]:
        return (order for order in self.orders if order.account == account)

    def summary(self) -> dict[str, Any]:
        """Counts for the table that the rehearsal prints."""
        cancelled = sum(planned.kind == "cancellation" for planned in self.returns)
        return {
            "rows": self.rows,
            "invoices": self.invoices,
            "orders": len(self.orders),
            "lines": sum(len(order.lines) for order in self.orders),
            "accounts": len(self.accounts),
            "skus": len(self.skus),
            "messages": len(self.messages),
            "cancellations": cancelled,
            "returns": len(self.returns) - cancelled,
            "rejected": dict(sorted(self.rejected.items())),
            "notes": dict(sorted(self.notes.items())),
        }


def count_stock(orders: Iterable[PlannedOrder]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Units by SKU for merchant-fulfilled orders, and by account and SKU for platform-fulfilled ones."""
    own: dict[str, int] = {}
    platform: dict[str, dict[str, int]] = {}
    for order in orders:
        target = own if order.fulfilment == "merchant" else platform.setdefault(order.account, {})
        for line in order.lines:
            target[line.sku] = target.get(line.sku, 0) + line.quantity
    return dict(sorted(own.items())), platform


def json_by_account(items: Iterable[PlannedOrder] | Iterable[PlannedMessage]) -> Mapping[str, list[dict[str, Any]]]:
    """``to_json`` of orders or messages grouped by account, ready to be posted in pages."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        grouped.setdefault(item.account, []).append(item.to_json())
    return grouped

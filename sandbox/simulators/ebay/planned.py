"""From the neutral planned order to what this platform knows of it (the order document), and its numbers."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from ..base import clock
from ..base.store import Store
from .accounts import eias
from .times import seconds, stamp
from .wire import clean

Doc = dict[str, Any]
STATUSES = ("pending", "paid", "cancelled")
#: hubs of the international programmes, by the seller's country
HUBS = {
    "US": {
        "street1": "1850 Airport Exchange Blvd #200",
        "city": "Erlanger",
        "state": "KY",
        "postcode": "41025-2501",
        "country": "US",
    },
    "GB": {
        "street1": "GSP, Unit 3 Dove Close",
        "city": "Lichfield",
        "state": "Staffordshire",
        "postcode": "WS13 8UR",
        "country": "GB",
    },
}


class BadPlan(ValueError):
    """The control interface was given an order that this platform could not have."""


def amount(value: object, what: str) -> str:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise BadPlan(f"{what}: {value!r} is not an amount")
    return str(found)


def cleaned(value: Any) -> Any:
    """The same plan without the characters that XML cannot carry: the platform never stored them."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items()}
    return [cleaned(inner) for inner in value] if isinstance(value, list) else value


def item_number(account_id: str, listing: str) -> str:
    """One listing per seller and SKU (or item_ref), always the same twelve digits."""
    digest = hashlib.sha256(f"{account_id}\0{listing}".encode()).digest()
    return str(110_000_000_000 + int.from_bytes(digest[:8], "big") % 280_000_000_000)


class Numbers:
    """Running numbers that survive a restart."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def take(self, name: str, count: int = 1) -> int:
        """The first of ``count`` numbers that nobody had before."""
        row = self.store.one(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ? RETURNING value",
            name,
            count,
            count,
        )
        assert row is not None
        last: int = row["value"]
        return last - count + 1

    def order_id(self) -> str:
        # A permutation of 0..10^10-1, so that numbers look random and never meet.
        mixed = f"{self.take('order') * 7_366_143_011 % 10**10:010d}"
        return f"{int(mixed[:2]) % 27 + 1:02d}-{mixed[:5]}-{mixed[5:]}"

    def transaction_ids(self, count: int) -> int:
        return 2_800_000_000_000 + self.take("transaction", count)

    def message_id(self) -> str:
        return str(3_000_000_000_000 + self.take("message"))


def address(recipient: dict[str, Any], number: int) -> Doc:
    """The platform has two street lines and no company: what does not fit goes where buyers put it."""
    lines = [str(line) for line in recipient.get("lines") or [] if str(line).strip()]
    if recipient.get("company"):
        lines.insert(0, str(recipient["company"]))
    return {
        "name": recipient.get("name") or "",
        "street1": lines[0] if lines else "",
        "street2": ", ".join(lines[1:]),
        "city": recipient.get("city") or "",
        "state": recipient.get("region") or "",
        "postcode": recipient.get("postcode") or "",
        "country": recipient.get("country") or "",
        "phone": recipient.get("phone") or "",
        "address_id": str(10_001_000_000_000 + number),
    }


def order(plan: dict[str, Any], account_id: str, seller_country: str, numbers: Numbers) -> Doc:
    """The document of a planned order. Raises BadPlan for what the platform cannot have."""
    plan = cleaned(plan)
    ref = str(plan.get("ref") or "")
    if not ref:
        raise BadPlan("ref is missing")
    if plan.get("fulfilment", "merchant") != "merchant":
        raise BadPlan(f"{ref}: on this platform every order is shipped by the seller")
    currency = str(plan.get("currency") or "")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise BadPlan(f"{ref}: {currency!r} is not a currency")
    status = plan.get("status") or ("paid" if plan.get("paid_at") else "pending")
    if status not in STATUSES:
        raise BadPlan(f"{ref}: unknown status {status!r}")
    placed = plan.get("placed_at") or clock.iso()
    buyer = plan.get("buyer") or {}
    buyer_id = str(buyer.get("id") or "")
    if not buyer_id or not plan.get("lines"):
        raise BadPlan(f"{ref}: buyer.id and lines are needed")
    record = numbers.take(f"record:{account_id}")
    paid = plan.get("paid_at") or (placed if status == "paid" else None)
    doc: Doc = {
        "order_id": numbers.order_id(),
        "ref": ref,
        "record": record,
        "status": status,
        "cancel": ("CancelClosedWithRefund" if paid else "CancelClosedNoRefund") if status == "cancelled" else None,
        "buyer": {
            "id": buyer_id,
            "name": buyer.get("name") or "",
            "email": buyer.get("email") or "",
            "eias": eias(buyer_id),
        },
        "address": address(plan.get("recipient") or {}, numbers.take("address")),
        "currency": currency,
        "shipping": amount(plan.get("shipping_price") or "0", f"{ref}: shipping_price"),
        "tax": amount(plan.get("tax") or "0", f"{ref}: tax"),
        "tax_collector": plan.get("tax_collector", "ebay"),
        "created": stamp(seconds(placed)),
        "paid": stamp(seconds(paid)) if paid else None,
        "ship_by": stamp(seconds(plan["ship_by"])) if plan.get("ship_by") else None,
        "deliver_by": stamp(seconds(plan["deliver_by"])) if plan.get("deliver_by") else None,
        "note": plan.get("buyer_note") or "",
        "service": plan.get("service") or "ShippingMethodStandard",
        "program": plan.get("international_program"),
        "shipped": None,
        "confirmations": [],
        "confirm_calls": 0,
        "refunds": [],
    }
    if doc["program"]:
        doc["hub"] = _hub(doc, seller_country)
    doc["lines"] = _lines(plan["lines"], ref, account_id, numbers, doc["created"])
    return doc


def _lines(planned: list[dict[str, Any]], ref: str, account_id: str, numbers: Numbers, created: str) -> list[Doc]:
    first = numbers.transaction_ids(len(planned))
    lines: list[Doc] = []
    for index, line in enumerate(planned):
        quantity = line.get("quantity", 1)
        if not isinstance(quantity, int) or quantity < 1:
            raise BadPlan(f"{ref}: quantity {quantity!r}")
        sku, listing = str(line.get("sku") or ""), str(line.get("item_ref") or "")
        item_id = item_number(account_id, listing or sku or str(line.get("title")))
        transaction_id = str(first + index)
        lines.append(
            {
                "line_id": f"{item_id}-{transaction_id}",
                "item_id": item_id,
                "transaction_id": transaction_id,
                "sku": sku,
                # A line with a listing reference of its own is one variation of that listing.
                "variation": bool(listing) and listing != sku,
                "title": line.get("title") or "",
                "quantity": quantity,
                "unit_price": amount(line.get("unit_price", "0"), f"{ref}: unit_price"),
                "created": created,
                "shipped": None,
                "tracking": [],
                "return": None,
            }
        )
    return lines


def _hub(doc: Doc, seller_country: str) -> Doc:
    """The parcel goes to the programme's hub under the buyer's name, with a reference on the label."""
    hub = HUBS.get(seller_country, HUBS["US"])
    reference = hashlib.sha256(doc["order_id"].encode()).hexdigest()[:10].upper()
    return {"name": doc["address"]["name"], "street2": "", "phone": "", **hub, "reference": f"eBay{reference}"}


def subtotal(doc: Doc) -> Decimal:
    return sum((Decimal(line["unit_price"]) * line["quantity"] for line in doc["lines"]), Decimal(0))


def total(doc: Doc) -> Decimal:
    """What the answer's ``Total`` says: tax that eBay collects and remits itself is not in it."""
    own_tax = Decimal(doc["tax"]) if doc["tax_collector"] == "seller" else Decimal(0)
    return subtotal(doc) + Decimal(doc["shipping"]) + own_tax

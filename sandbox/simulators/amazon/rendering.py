"""A planned order as Amazon's order object, and the part of it that one request may see."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..base import clock
from .accounts import Account
from .marketplaces import Marketplace

STATUS = {"pending": "PENDING", "paid": "UNSHIPPED", "cancelled": "CANCELLED", "shipped": "SHIPPED"}
DAY = 86400
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What each part of ``includedData`` opens, at the order and at its items.
ORDER_PARTS = {
    "BUYER": "buyer",
    "RECIPIENT": "recipient",
    "PROCEEDS": "proceeds",
    "FULFILLMENT": "fulfillment",
    "PACKAGES": "packages",
    "TAX": "tax",
    "PAYMENT": "payment",
    "FULFILLMENT_ORDERS": "fulfillmentOrders",
}
ITEM_PARTS = {
    "PROCEEDS": "proceeds",
    "EXPENSE": "expense",
    "PROMOTION": "promotion",
    "CANCELLATION": "cancellation",
    "FULFILLMENT": "fulfillment",
    "TAX": "tax",
}
INCLUDED = frozenset(ORDER_PARTS) | frozenset(ITEM_PARTS)


@dataclass
class Built:
    order_id: str
    ref: str
    created: int
    updated: int
    visible: int
    status: str
    fulfilled_by: str
    marketplace: str
    buyer: dict[str, Any]
    body: dict[str, Any]


def seconds(value: str) -> int:
    """An ISO 8601 time with zone as seconds since 1970. Raises ValueError."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"time without zone: {value}")
    return int(moment.timestamp())


def number(text: str, digits: int) -> str:
    """Digits that look random and are the same for the same text."""
    raw = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())
    return str(raw % 10**digits).zfill(digits)


def order_id(account: Account, place: Marketplace, ref: str) -> str:
    digits = number(f"order/{account.account_id}/{ref}", 15)
    return f"{place.order_prefix}{digits[0]}-{digits[1:8]}-{digits[8:]}"


def asin(sku: str) -> str:
    raw = int.from_bytes(hashlib.blake2b(("asin/" + sku).encode(), digest_size=8).digest())
    return "B0" + "".join(_BASE36[raw // 36**place % 36] for place in range(8))


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": f"{amount:f}", "currencyCode": currency}


def address(spec: dict[str, Any], *, fulfilled_by: str) -> dict[str, Any]:
    """``recipient`` of the neutral shape as ``deliveryAddress``; Amazon keeps three lines and hides some telephones."""
    lines = [line for line in spec.get("lines") or [] if line]
    if len(lines) > 3:
        lines = [*lines[:2], ", ".join(lines[2:])]
    found = {
        "name": spec.get("name"),
        "companyName": spec.get("company"),
        "city": spec.get("city"),
        "stateOrRegion": spec.get("region"),
        "postalCode": spec.get("postcode"),
        "countryCode": spec.get("country"),
        "phone": spec.get("phone") if fulfilled_by == "MERCHANT" else None,
        "addressType": "COMMERCIAL" if spec.get("company") else "RESIDENTIAL",
    }
    found |= {f"addressLine{place}": line for place, line in enumerate(lines, 1)}
    return {name: value for name, value in found.items() if value}


def neutral_address(body: dict[str, Any]) -> dict[str, Any]:
    """The recipient as Amazon shows it, in the neutral shape of the control interface."""
    found = (body.get("recipient") or {}).get("deliveryAddress") or {}
    return {
        "name": found.get("name", ""),
        "company": found.get("companyName", ""),
        "lines": [found[key] for key in ("addressLine1", "addressLine2", "addressLine3") if found.get(key)],
        "city": found.get("city", ""),
        "region": found.get("stateOrRegion", ""),
        "postcode": found.get("postalCode", ""),
        "country": found.get("countryCode", ""),
        "phone": found.get("phone", ""),
    }


def spread(total: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """``total`` over the weights to the cent of ``total``; the last takes the rest, so that the sum is exact."""
    quantum = Decimal(1).scaleb(int(total.as_tuple().exponent))
    whole = sum(weights, Decimal(0))
    parts = [(total * weight / whole if whole else total / len(weights)).quantize(quantum) for weight in weights[:-1]]
    return [*parts, total - sum(parts, Decimal(0))]


def _amount(text: Any, currency: str) -> Decimal:
    """At least the currency's own decimals, more where the plan has more."""
    value = Decimal(str(text or 0))
    least = 0 if currency in ("JPY", "KRW") else -2
    return value if int(value.as_tuple().exponent) <= least else value.quantize(Decimal(1).scaleb(least))


def _item(base: str, place: int, line: dict[str, Any], extra: dict[str, Decimal], currency: str) -> dict[str, Any]:
    quantity, unit = int(line["quantity"]), _amount(line["unit_price"], currency)
    breakdowns = [{"type": "ITEM", "subtotal": money(unit * quantity, currency)}]
    breakdowns += [{"type": kind, "subtotal": money(value, currency)} for kind, value in extra.items() if value]
    return {
        "orderItemId": number(f"item/{base}/{place}", 14),
        "quantityOrdered": quantity,
        "product": {
            "asin": line.get("item_ref") or asin(line["sku"]),
            "title": line.get("title") or line["sku"],
            "sellerSku": line["sku"],
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            "price": {"unitPrice": money(unit, currency)},
        },
        "proceeds": {
            "proceedsTotal": money(unit * quantity + sum(extra.values(), Decimal(0)), currency),
            "breakdowns": breakdowns,
        },
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": quantity},
    }


def total_up(body: dict[str, Any]) -> None:
    """Set the order's proceeds to the sum of its items' (cancelled items have none)."""
    sums: dict[str, Decimal] = {}
    currency = ""
    for item in body["orderItems"]:
        currency = currency or item["product"]["price"]["unitPrice"]["currencyCode"]
        for part in (item.get("proceeds") or {}).get("breakdowns", []):
            sums[part["type"]] = sums.get(part["type"], Decimal(0)) + Decimal(part["subtotal"]["amount"])
    body["proceeds"] = {
        "grandTotal": money(sum(sums.values(), Decimal(0)), currency),
        "breakdowns": [{"type": kind, "subtotal": money(value, currency)} for kind, value in sums.items()],
    }


def _items(base: str, plan: dict[str, Any]) -> list[dict[str, Any]]:
    currency, lines = plan["currency"], plan["lines"]
    weights = [Decimal(str(line["unit_price"])) * int(line["quantity"]) for line in lines]
    shares = {
        "SHIPPING": spread(_amount(plan.get("shipping_price"), currency), weights),
        "TAX": spread(_amount(plan.get("tax"), currency), weights),
    }
    return [
        _item(base, place, line, {kind: shares[kind][place] for kind in shares}, currency)
        for place, line in enumerate(lines)
    ]


def _windows(plan: dict[str, Any], created: int, paid: int | None) -> dict[str, Any]:
    ship_by = seconds(plan["ship_by"]) if plan.get("ship_by") else created + 2 * DAY
    deliver_by = seconds(plan["deliver_by"]) if plan.get("deliver_by") else ship_by + 7 * DAY
    arrives = clock.iso(min(ship_by + DAY, deliver_by))
    return {
        "shipByWindow": {"earliestDateTime": clock.iso(paid or created), "latestDateTime": clock.iso(ship_by)},
        "deliverByWindow": {"earliestDateTime": arrives, "latestDateTime": clock.iso(deliver_by)},
    }


def _body(
    plan: dict[str, Any], place: Marketplace, identity: str, *, fulfilled_by: str, status: str, relay: str
) -> dict[str, Any]:
    """The order object without its times."""
    buyer = {"buyerName": plan["buyer"].get("name") or ""}
    recipient: dict[str, Any] = {"deliveryAddress": address(plan.get("recipient") or {}, fulfilled_by=fulfilled_by)}
    if plan.get("buyer_note"):
        recipient["deliveryPreference"] = {"addressInstruction": plan["buyer_note"]}
    return {
        "orderId": identity,
        "orderAliases": [{"aliasId": str(plan["ref"]), "aliasType": "SELLER_ORDER_ID"}],
        "createdTime": "",
        "lastUpdatedTime": "",
        "programs": ["PRIME"] if fulfilled_by == "AMAZON" else [],
        "associatedOrders": [],
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": place.id, "marketplaceName": place.name},
        "buyer": buyer | ({"buyerEmail": relay} if fulfilled_by == "MERCHANT" else {}),
        "recipient": recipient,
        "fulfillment": {
            "fulfillmentStatus": status,
            "fulfilledBy": fulfilled_by,
            "fulfillmentServiceLevel": "STANDARD",
        },
        "orderItems": _items(identity, plan),
    }


def build(account: Account, plan: dict[str, Any]) -> Built:
    """Raises KeyError, ValueError or ArithmeticError when the plan is no PlannedOrder."""
    place = account.marketplaces[0]
    identity = order_id(account, place, plan["ref"])
    if not plan["lines"]:
        raise ValueError("an order needs lines")
    created = seconds(plan["placed_at"])
    paid = seconds(plan["paid_at"]) if plan.get("paid_at") else None
    visible = seconds(plan["visible_at"]) if plan.get("visible_at") else created
    status = STATUS[plan.get("status") or ("paid" if paid is not None else "pending")]
    fulfilled_by = {"merchant": "MERCHANT", "platform": "AMAZON"}[plan.get("fulfilment") or "merchant"]
    buyer = dict(plan["buyer"])
    relay = buyer.get("email") or ""
    if "@marketplace.amazon." not in relay:
        relay = f"{number('buyer/' + str(buyer['id']), 15)}@marketplace.amazon.{place.domain}"
    updated = max(visible, created, paid or created)
    body = _body(plan, place, identity, fulfilled_by=fulfilled_by, status=status, relay=relay)
    body["createdTime"], body["lastUpdatedTime"] = clock.iso(created), clock.iso(updated)
    body["fulfillment"] |= _windows(plan, created, paid)
    if status == "CANCELLED":
        cancel(body, None, by="BUYER", reason="Order cancelled before shipment")
    total_up(body)
    if status == "SHIPPED":
        for item in body["orderItems"]:
            item["fulfillment"] = {"quantityFulfilled": item["quantityOrdered"], "quantityUnfulfilled": 0}
    return Built(
        order_id=identity,
        ref=str(plan["ref"]),
        created=created,
        updated=updated,
        visible=visible,
        status=status,
        fulfilled_by=fulfilled_by,
        marketplace=place.id,
        buyer={"id": str(buyer["id"]), "name": buyer.get("name") or "", "email": body["buyer"].get("buyerEmail", "")},
        body=body,
    )


def cancel(body: dict[str, Any], items: set[str] | None, *, by: str, reason: str) -> None:
    """Cancel whole items (all when None): nothing is left to ship and nothing is earned. Keeps ``quantityOrdered``."""
    for item in body["orderItems"]:
        if items is None or item["orderItemId"] in items:
            item["fulfillment"]["quantityUnfulfilled"] = 0
            item.setdefault("cancellation", {})["cancellationExecution"] = {"cancelledBy": by, "cancelReason": reason}
            item.pop("proceeds", None)


def view(body: dict[str, Any], included: frozenset[str], *, personal: bool, buyer: bool) -> dict[str, Any]:
    """What a request with ``includedData`` sees; ``personal`` opens address and e-mail, ``buyer`` the buyer's name.

    A pending order has neither people nor prices yet.
    """
    hidden = {part for name, part in ORDER_PARTS.items() if name not in included}
    item_hidden = {part for name, part in ITEM_PARTS.items() if name not in included}
    pending = (body.get("fulfillment") or {}).get("fulfillmentStatus") in ("PENDING", "PENDING_AVAILABILITY")
    if pending:
        hidden |= {"buyer", "recipient", "proceeds"}
        item_hidden |= {"proceeds"}
    if not personal:
        hidden.add("recipient")
        if not buyer:
            hidden.add("buyer")
    shown = {name: value for name, value in body.items() if name not in hidden}
    if "buyer" in shown and not (personal and buyer):
        allowed = ("buyerEmail",) if personal else ("buyerName", "buyerCompanyName", "buyerPurchaseOrderNumber")
        shown["buyer"] = {name: value for name, value in shown["buyer"].items() if name in allowed}
    items = []
    for item in body.get("orderItems", []):
        item = {name: value for name, value in item.items() if name not in item_hidden}
        if pending and "product" in item:
            item["product"] = copy(item["product"])
            item["product"].pop("price", None)
        items.append(item)
    shown["orderItems"] = items
    return shown

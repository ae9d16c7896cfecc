"""Orders that cannot be one, in the platforms' real shape with one thing wrong each."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from tests.support.ebay_wire import NS


@dataclass(frozen=True)
class Bad:
    """``spoil`` makes the payload from a good one; ``code`` is the reason that has to be stored, ``says`` a part of it."""

    name: str
    spoil: Callable[[Any], Any]
    code: str
    says: str = ""


def _set(*path: Any, value: Any) -> Callable[[Any], Any]:
    def spoil(body: Any) -> Any:
        place = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return body

    return spoil


def _without(*path: Any) -> Callable[[Any], Any]:
    def spoil(body: Any) -> Any:
        place = body
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        return body

    return spoil


def _both(*spoils: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def spoil(body: Any) -> Any:
        for one in spoils:
            body = one(body)
        return body

    return spoil


HTML = "<html><body><h1>503 Service Unavailable</h1></body></html>"
ITEM = ("orderItems", 0)
PRICE = (*ITEM, "product", "price", "unitPrice")
GRAND = ("proceeds", "grandTotal")
DEEP: Any = "deep"
for _ in range(400):
    DEEP = [DEEP]

AMAZON = [
    Bad("no id", _without("orderId"), "amazon.malformed", "orderId"),
    Bad("empty id", _set("orderId", value=""), "amazon.malformed", "orderId"),
    Bad("id is a number", _set("orderId", value=1112223334445556), "amazon.malformed", "orderId"),
    Bad("id of half a character", _set("orderId", value="111-\ud800-7"), "order.no_id"),
    Bad("id with NUL", _set("orderId", value="111-\u0000-7"), "order.no_id"),
    Bad("id too long", _set("orderId", value="1" * 400), "order.no_id"),
    Bad("items are an object", _set("orderItems", value={"a": 1}), "amazon.malformed", "orderItems"),
    Bad("items missing", _without("orderItems"), "amazon.malformed", "orderItems"),
    Bad("no items", _set("orderItems", value=[]), "order.no_lines"),
    Bad(
        "negative quantity",
        _set(*ITEM, "quantityOrdered", value=-2),
        "amazon.malformed",
        "orderItems[0].quantityOrdered",
    ),
    Bad("quantity in words", _set(*ITEM, "quantityOrdered", value="two"), "amazon.malformed", "quantityOrdered"),
    Bad("half a piece", _set(*ITEM, "quantityOrdered", value=1.5), "amazon.malformed", "quantityOrdered"),
    Bad(
        "more than the world has",
        _set(*ITEM, "quantityOrdered", value=2_000_000_000),
        "order.line_quantity",
        "lines[0]",
    ),
    Bad("absurd price", _set(*PRICE, "amount", value="9" * 40), "order.line_price", "lines[0]"),
    Bad("absurd total", _set(*GRAND, "amount", value="1e90"), "order.total"),
    Bad("price is NaN", _set(*PRICE, "amount", value="NaN"), "amazon.malformed", "unitPrice"),
    Bad("price in words", _set(*PRICE, "amount", value="ten"), "amazon.malformed", "unitPrice"),
    Bad("currency in words", _set(*GRAND, "currencyCode", value="dollars"), "order.currency_malformed", "dollars"),
    Bad("currency with NUL", _set(*GRAND, "currencyCode", value="U\u0000D"), "order.currency_malformed"),
    Bad("half a currency", _set(*GRAND, "currencyCode", value="U\ud800D"), "order.currency_malformed"),
    Bad("time without zone", _set("createdTime", value="2026-11-01T10:00:00"), "amazon.malformed", "createdTime"),
    Bad("time in words", _set("lastUpdatedTime", value="yesterday"), "amazon.malformed", "lastUpdatedTime"),
    Bad(
        "time beyond the calendar", _set("createdTime", value="9999-12-31T23:59:59-12:00"), "payload.time", "placed_at"
    ),
    Bad("line without id", _without(*ITEM, "orderItemId"), "amazon.malformed", "orderItemId"),
    Bad("two lines of one id", lambda body: _twice(body), "order.line_id", "lines[1]"),
    Bad("line id with NUL", _set(*ITEM, "orderItemId", value="9\u00009"), "order.line_id"),
    Bad("half a line id", _set(*ITEM, "orderItemId", value="9\udfff9"), "order.line_id"),
    Bad("channel is text", _set("salesChannel", value="amazon.com"), "amazon.malformed", "salesChannel"),
    Bad("recipient is a list", _set("recipient", value=["Ann"]), "amazon.malformed", "recipient"),
    Bad("deep as a well", _set("programs", value=DEEP), "amazon.malformed", "programs"),
    Bad("a list", lambda body: [body], "amazon.malformed"),
    Bad("a page of HTML", lambda body: HTML, "amazon.malformed"),
    Bad("cut in the middle", lambda body: str(body)[: len(str(body)) // 2], "amazon.malformed"),
    Bad("nothing", lambda body: None, "amazon.malformed"),
]


def _twice(body: Any) -> Any:
    body["orderItems"][1]["orderItemId"] = body["orderItems"][0]["orderItemId"]
    return body


def amazon(good: dict[str, Any], bad: Bad, at: int) -> Any:
    """A payload of its own id (where it has one) in the shape of ``good``."""
    body = copy.deepcopy(good)
    body["orderId"] = f"902-{at:07d}-0000001"
    for item in body["orderItems"]:
        item["orderItemId"] = f"{at + 1:03d}{item['orderItemId']}"
    return bad.spoil(body)


def _text(path: str, value: str | None) -> Callable[[Any], Any]:
    """Set the text of the first element at ``path``, or take it out."""

    def spoil(node: Any) -> Any:
        found = node.find("/".join(f"e:{step}" for step in path.split("/")), NS)
        if value is None:
            found.getparent().remove(found)
        else:
            found.text = value
        return node

    return spoil


def _currency(value: str) -> Callable[[Any], Any]:
    def spoil(node: Any) -> Any:
        node.find("e:Total", NS).set("currencyID", value)
        return node

    return spoil


LINE = "TransactionArray/Transaction"
EBAY = [
    Bad("no id", _text("OrderID", None), "order.no_id", "OrderID"),
    Bad("empty id", _text("OrderID", ""), "order.no_id", "OrderID"),
    Bad("negative quantity", _text(f"{LINE}/QuantityPurchased", "-3"), "order.line_quantity", "-3"),
    Bad("quantity in words", _text(f"{LINE}/QuantityPurchased", "three"), "payload.number", "QuantityPurchased"),
    Bad("no quantity", _text(f"{LINE}/QuantityPurchased", None), "payload.number", "QuantityPurchased"),
    Bad("absurd price", _text(f"{LINE}/TransactionPrice", "9" * 20), "order.line_price", "lines[0]"),
    Bad("price beyond numbers", _text(f"{LINE}/TransactionPrice", "1e9999999"), "payload.amount", "TransactionPrice"),
    Bad("price in words", _text(f"{LINE}/TransactionPrice", "free"), "payload.amount", "TransactionPrice"),
    Bad("absurd shipping", _text("ShippingServiceSelected/ShippingServiceCost", "1e30"), "order.total", "shipping"),
    Bad("no total", _text("Total", "much"), "payload.amount", "Total"),
    Bad("no currency", _currency(""), "order.currency_malformed"),
    Bad("currency of one letter", _currency("$"), "order.currency_malformed", "$"),
    Bad("no time", _text("CreatedTime", None), "payload.time", "CreatedTime"),
    Bad("time in words", _text("CreatedTime", "soon"), "payload.time", "CreatedTime"),
    Bad("time before the calendar", _text("CreatedTime", "0001-01-01T00:00:00+05:00"), "payload.time", "CreatedTime"),
    Bad("change before the calendar", _text("CheckoutStatus/LastModifiedTime", "0001-01-01T00:00:00+05:00"), ""),
    Bad("line without id", _text(f"{LINE}/OrderLineItemID", None), "order.line_id", "lines[0]"),
    Bad("no lines", _text("TransactionArray", None), "order.no_lines"),
]


def ebay(good: Any, bad: Bad, at: int) -> str:
    """An Order element of its own id in the shape of ``good`` (an element)."""
    node = copy.deepcopy(good)
    node.find("e:OrderID", NS).text = f"77-{at:05d}-00001"
    for place, line in enumerate(node.iterfind("e:TransactionArray/e:Transaction", NS)):
        line.find("e:OrderLineItemID", NS).text = f"5{at:05d}-{place}"
    text = etree.tostring(bad.spoil(node), encoding="unicode", with_tail=False)
    return re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)

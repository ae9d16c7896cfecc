"""Amazon's order and stock objects in our words. Pure and quick: one ``json.loads`` and walks over dictionaries.

What cannot be read raises BadPayload with the path of the first member that is wrong.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from channels import canonical
from channels.adapters.amazon.places import CURRENCIES
from channels.canonical import Buyer, Line, Order, StockItem
from core.errors import BadPayload
from core.values import Address, money4

STATUSES = {
    "PENDING_AVAILABILITY": canonical.PENDING,
    "PENDING": canonical.PENDING,
    "UNSHIPPED": canonical.PAID,
    "PARTIALLY_SHIPPED": canonical.PARTLY_SHIPPED,
    "SHIPPED": canonical.SHIPPED,
    "CANCELLED": canonical.CANCELLED,
    # Multi-channel orders that Amazon cannot fulfil: nothing for us to send, and a person has to look.
    "UNFULFILLABLE": canonical.UNKNOWN,
}
_TAGS = {"AMAZON_BUSINESS": "business", "AMAZON_EASY_SHIP": "easy-ship"}
_WRONG = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError)
ZERO = Decimal(0)
# Whatever is charged beside the goods and their tax counts as shipping: wrapping, cash on delivery, tips.
_GOODS, _TAX, _DISCOUNT = "ITEM", "TAX", "DISCOUNT"


def parse_order(payload: str) -> Order:
    """Raises BadPayload ``amazon.not_json`` or ``amazon.malformed`` with the path."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadPayload("amazon.not_json") from None
    try:
        return _order(body)
    except _WRONG:
        raise BadPayload("amazon.malformed", path=_where(body)) from None


def _order(body: dict[str, Any]) -> Order:
    fulfillment = body.get("fulfillment") or {}
    raw_status = fulfillment.get("fulfillmentStatus") or ""
    items = body["orderItems"]
    currency = _currency(body, items)
    # Of a pending order Amazon counts no pieces to ship yet; that is no cancellation.
    counted = STATUSES.get(raw_status) != canonical.PENDING
    read = [_item(item, counted=counted) for item in items]
    sums: dict[str, Decimal] = {}
    for _, parts in read:
        for kind, amount in parts.items():
            sums[kind] = sums.get(kind, ZERO) + amount
    proceeds = body.get("proceeds") or {}
    own: dict[str, Decimal] = {}
    for part in proceeds.get("breakdowns") or ():
        own[part["type"]] = own.get(part["type"], ZERO) + _money(part["subtotal"])
    sums |= own  # the order's own figures win over the items' sums: some charges exist only there
    goods, tax, discount = sums.pop(_GOODS, ZERO), sums.pop(_TAX, ZERO), abs(sums.pop(_DISCOUNT, ZERO))
    beside = sum(sums.values(), ZERO)
    grand = proceeds.get("grandTotal")
    wish, reason = _wish(items)
    buyer, receiver, withheld = _people(body)
    channel = body["salesChannel"]
    outside = channel.get("channelName") == "NON_AMAZON"
    ship, deliver = fulfillment.get("shipByWindow") or {}, fulfillment.get("deliverByWindow") or {}
    return Order(
        external_id=_text(body["orderId"]),
        status=STATUSES.get(raw_status, canonical.UNKNOWN),
        raw_status=raw_status,
        updated_at=_time(body["lastUpdatedTime"]),
        placed_at=_time(body["createdTime"]),
        currency=currency,
        lines=tuple([line for line, _ in read]),
        items_total=goods,
        shipping_total=beside,
        tax_total=tax,
        discount_total=discount,
        grand_total=_money(grand) if grand else goods + beside + tax - discount,
        buyer=buyer,
        receiver=receiver,
        ship_by=_moment(ship.get("latestDateTime")),
        deliver_by=_moment(deliver.get("latestDateTime")),
        note=_note(body, items),
        service_asked=fulfillment.get("fulfillmentServiceLevel") or "",
        fulfilment=canonical.PLATFORM if fulfillment.get("fulfilledBy") == "AMAZON" or outside else canonical.MERCHANT,
        cancel_requested=wish,
        cancel_reason=reason,
        marketplace=channel.get("marketplaceId") or "",
        withheld=withheld,
        tags=_tags(body, items, outside),
    )


def _item(item: dict[str, Any], *, counted: bool = True) -> tuple[Line, dict[str, Decimal]]:
    """The line, and its proceeds by kind. ``counted``: what is neither shipped nor left to ship was cancelled."""
    product = item["product"]
    ordered: int = item["quantityOrdered"]
    if type(ordered) is not int or ordered < 0:
        raise ValueError(ordered)
    parts: dict[str, Decimal] = {}
    on_goods: Decimal | None = None
    proceeds = item.get("proceeds")
    for part in (proceeds.get("breakdowns") or ()) if proceeds else ():
        kind, amount = part["type"], _money(part["subtotal"])
        parts[kind] = parts[kind] + amount if kind in parts else amount
        if kind == _DISCOUNT:
            on_goods = _goods_part(part, amount, on_goods)
    price = (product.get("price") or {}).get("unitPrice")
    goods = parts.get(_GOODS)
    if price:
        unit = _money(price)
    else:
        unit = money4(goods / ordered) if goods is not None and ordered else ZERO
    if goods is None:
        goods = ZERO if _cancelled(item) else unit * ordered
        if goods and _GOODS not in parts:
            parts[_GOODS] = goods
    state = item.get("fulfillment")
    shipped = gone = 0
    left = state.get("quantityUnfulfilled") if state else None
    if state:
        shipped = int(state.get("quantityFulfilled") or 0)
    if left is not None and counted:
        gone = max(0, ordered - shipped - int(left))
    elif _cancelled(item):
        gone = max(0, ordered - shipped)
    if not ordered:  # Amazon sets a cancelled item's quantity to nothing; a line once had a piece
        ordered = gone = 1
    discount = abs(parts.get(_DISCOUNT, ZERO))
    line = Line(
        external_line_id=_text(item["orderItemId"]),
        # Under one empty name all products would be one.
        seller_sku=product.get("sellerSku") or product.get("asin") or "",
        title=product.get("title") or "",
        quantity=ordered,
        unit_price=unit,
        line_total=goods - (abs(on_goods) if on_goods is not None else ZERO),
        external_item_id=product.get("asin") or "",
        cancelled=gone,
        shipped=shipped,
        tax=parts.get(_TAX, ZERO),
        discount=discount,
    )
    return line, parts


def _goods_part(part: dict[str, Any], amount: Decimal, before: Decimal | None) -> Decimal:
    """How much of a discount is on the goods: what its details say, else all of it."""
    details = part.get("detailedBreakdowns")
    if details:
        amount = sum((_money(one["value"]) for one in details if one.get("subtype") == _GOODS), ZERO)
    return amount + (before or ZERO)


def _cancelled(item: dict[str, Any]) -> bool:
    return "cancellationExecution" in (item.get("cancellation") or ())


def _wish(items: list[dict[str, Any]]) -> tuple[bool, str]:
    """Whether the buyer asks to cancel something that is not cancelled yet, and why."""
    for item in items:
        cancellation = item.get("cancellation")
        if cancellation and "cancellationRequest" in cancellation and "cancellationExecution" not in cancellation:
            return True, (cancellation["cancellationRequest"] or {}).get("cancelReason") or ""
    return False, ""


def _people(body: dict[str, Any]) -> tuple[Buyer, Address, frozenset[str]]:
    """Buyer and receiver, and which of them Amazon held back (pending, no role, or just not yet)."""
    withheld = []
    told = body.get("buyer") or {}
    email = told.get("buyerEmail") or ""
    # Amazon has no buyer id; the relay address is one per buyer and seller.
    buyer = Buyer(id=email.casefold(), name=told.get("buyerName") or "", email=email)
    if not (buyer.name or email):
        withheld.append("buyer")
    place = (body.get("recipient") or {}).get("deliveryAddress") or {}
    if not (place.get("name") and place.get("addressLine1")):
        withheld.append("receiver")
    if not place:
        return buyer, Address(), frozenset(withheld)
    extended = place.get("extendedFields") or {}
    receiver = Address(
        name=place.get("name") or "",
        company=place.get("companyName") or "",
        lines=tuple([place[key] for key in ("addressLine1", "addressLine2", "addressLine3") if place.get(key)]),
        city=place.get("city") or place.get("municipality") or "",
        district=place.get("districtOrCounty") or extended.get("neighborhood") or "",
        region=place.get("stateOrRegion") or "",
        postcode=place.get("postalCode") or "",
        country=(place.get("countryCode") or "").upper(),
        phone=place.get("phone") or "",
        email=email,
    )
    return buyer, receiver, frozenset(withheld)


def _note(body: dict[str, Any], items: list[dict[str, Any]]) -> str:
    """What the buyer wants us to know: delivery instructions and gift messages."""
    wish = (body.get("recipient") or {}).get("deliveryPreference") or {}
    found = [wish[key] for key in ("addressInstruction", "dropOffLocation") if wish.get(key)]
    for item in items:
        packing = (item.get("fulfillment") or {}).get("packing")
        message = ((packing or {}).get("giftOption") or {}).get("giftMessage") if packing else None
        if message:
            found.append(message)
    return "\n".join(found)


def _tags(body: dict[str, Any], items: list[dict[str, Any]], outside: bool) -> tuple[str, ...]:
    programs = list(body.get("programs") or ())
    gift = False
    for item in items:
        programs += item.get("programs") or ()
        gift = gift or bool(((item.get("fulfillment") or {}).get("packing") or {}).get("giftOption"))
    found = [_TAGS.get(name) or name.lower().replace("_", "-") for name in programs]
    if gift:
        found.append("gift")
    if outside:
        found.append("multi-channel")
    for other in body.get("associatedOrders") or ():
        kind = str(other.get("associationType") or "").partition("_")[0].lower()
        if kind in ("replacement", "exchange"):
            found.append(kind)
    return tuple(dict.fromkeys(found))


def _currency(body: dict[str, Any], items: list[dict[str, Any]]) -> str:
    grand = (body.get("proceeds") or {}).get("grandTotal")
    if grand:
        return _text(grand["currencyCode"])
    for item in items:
        price = (item["product"].get("price") or {}).get("unitPrice") or (item.get("proceeds") or {}).get(
            "proceedsTotal"
        )
        if price:
            return _text(price["currencyCode"])
    return CURRENCIES.get((body["salesChannel"]).get("marketplaceId") or "", "USD")


def _money(value: dict[str, Any]) -> Decimal:
    amount = value["amount"]
    number = Decimal(amount if type(amount) is str else _number(amount))
    if not number.is_finite():
        raise ValueError(amount)
    return number


def _number(amount: Any) -> str:
    if type(amount) not in (int, float):
        raise TypeError(amount)
    return str(amount)


def _text(value: Any) -> str:
    if type(value) is not str or not value:
        raise TypeError(value)
    return value


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment


def _moment(value: Any) -> datetime | None:
    return _time(value) if value else None


# -- where a payload is wrong -----------------------------------------------------------------------------------------


def _where(body: Any) -> str:
    """The path of the first member that cannot be read; only asked for when reading has failed."""
    if not isinstance(body, dict):
        return ""
    checks: list[tuple[str, Any]] = [
        ("orderId", lambda: _text(body["orderId"])),
        ("createdTime", lambda: _time(body["createdTime"])),
        ("lastUpdatedTime", lambda: _time(body["lastUpdatedTime"])),
        ("salesChannel", lambda: body["salesChannel"].get("channelName")),
        ("fulfillment", lambda: _moments(body.get("fulfillment") or {})),
        ("proceeds", lambda: _proceeds(body.get("proceeds") or {})),
        ("buyer", lambda: (body.get("buyer") or {}).get("buyerEmail")),
        ("recipient", lambda: _people(body)),
        ("orderItems", lambda: [item.get for item in body["orderItems"]]),
    ]
    for path, check in checks:
        if not _reads(check):
            return path
    for place, item in enumerate(body["orderItems"]):
        if not _reads(lambda item=item: _item(item)):
            return f"orderItems[{place}]{_where_item(item)}"
    return "programs" if not _reads(lambda: _tags(body, body["orderItems"], False)) else "order"


def _where_item(item: dict[str, Any]) -> str:
    if not _reads(lambda: _text(item["orderItemId"])):
        return ".orderItemId"
    if type(item.get("quantityOrdered")) is not int or item["quantityOrdered"] < 0:
        return ".quantityOrdered"
    if not _reads(lambda: (item["product"].get("price") or {}).get("unitPrice")):
        return ".product"
    price = (item["product"].get("price") or {}).get("unitPrice")
    if price and not _reads(lambda: _money(price)):
        return ".product.price.unitPrice"
    if not _reads(lambda: _proceeds(item.get("proceeds") or {})):
        return ".proceeds"
    return ""


def _proceeds(proceeds: dict[str, Any]) -> None:
    for part in proceeds.get("breakdowns") or ():
        _text(part["type"])
        _money(part["subtotal"])
    if proceeds.get("grandTotal"):
        _money(proceeds["grandTotal"])
        _text(proceeds["grandTotal"]["currencyCode"])


def _moments(fulfillment: dict[str, Any]) -> None:
    STATUSES.get(fulfillment.get("fulfillmentStatus") or "")
    for name in ("shipByWindow", "deliverByWindow"):
        _moment((fulfillment.get(name) or {}).get("latestDateTime"))


def _reads(check: Any) -> bool:
    try:
        check()
    except _WRONG:
        return False
    return True


# -- FBA stock --------------------------------------------------------------------------------------------------------


def parse_stock(payload: str) -> StockItem:
    """``payload`` is ``{"marketplace": id, "summary": Amazon's inventorySummary}``. Raises BadPayload."""
    try:
        body = json.loads(payload)
        summary = body["summary"]
        details = summary.get("inventoryDetails") or {}
        reserved = details.get("reservedQuantity") or {}
        return StockItem(
            seller_sku=_text(summary["sellerSku"]),
            marketplace=_text(body["marketplace"]),
            asin=summary.get("asin") or "",
            fnsku=summary.get("fnSku") or "",
            title=summary.get("productName") or "",
            fulfillable=_count(details.get("fulfillableQuantity")),
            inbound_working=_count(details.get("inboundWorkingQuantity")),
            inbound_shipped=_count(details.get("inboundShippedQuantity")),
            inbound_receiving=_count(details.get("inboundReceivingQuantity")),
            reserved_customer=_count(reserved.get("pendingCustomerOrderQuantity")),
            reserved_transfer=_count(reserved.get("pendingTransshipmentQuantity")),
            reserved_processing=_count(reserved.get("fcProcessingQuantity")),
            researching=_count((details.get("researchingQuantity") or {}).get("totalResearchingQuantity")),
            unfulfillable=_count((details.get("unfulfillableQuantity") or {}).get("totalUnfulfillableQuantity")),
        )
    except _WRONG:
        raise BadPayload("amazon.malformed", path="inventorySummary") from None


def _count(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is not int:
        raise TypeError(value)
    return value

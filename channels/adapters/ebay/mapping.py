"""eBay's XML → canonical. Pure; on the hot path, so one walk over the tree and no XPath.

Rules (Trading API, GetOrders): an order may be sent when checkout is complete, the payment did not fail and PaidTime
stands; lines are known by OrderLineItemID for ever, while OrderID changes when orders are combined; with eBay
International Shipping the parcel goes to the logistics provider with its ReferenceID. Tax that eBay collects and remits
is not part of Total.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from channels import canonical
from core.errors import BadPayload
from core.values import Address

ZERO = Decimal(0)
HIDDEN = frozenset({"Invalid Request", "Invalid Request."})
CANCELLED = frozenset(
    {"CancelComplete", "CancelClosedForCommitment", "CancelClosedNoRefund", "CancelClosedWithRefund",
     "CancelClosedUnknownRefund"}
)  # fmt: skip
CANCEL_ASKED = frozenset({"CancelRequested", "CancelPending"})
COUNTRIES = {"UK": "GB", "QM": "GG", "QN": "NO", "TP": "TL", "ZZ": ""}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
REPEATED = frozenset(
    {"Transaction", "ShipmentTrackingDetails", "Refund", "Payment", "TaxDetails", "NameValueList", "MessageMedia"}
)

Doc = dict[str, Any]


def tree(payload: str) -> Doc:
    """The element as nested dicts of text; ``REPEATED`` tags are lists. Raises BadPayload for what is no XML."""
    try:
        root = etree.fromstring(payload.encode("utf-8", "replace"), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        raise BadPayload("payload.no_xml") from None
    return _walk(root)


def _walk(node: etree._Element) -> Doc:
    out: Doc = {}
    for child in node:
        tag = child.tag
        if not isinstance(tag, str):
            continue
        name = tag[tag.rfind("}") + 1 :]
        value: Any = _walk(child) if len(child) else (child.text or "")
        if name in REPEATED:
            out.setdefault(name, []).append(value)
        else:
            out[name] = value
            if name in ("Total", "TransactionPrice"):
                out[name + "@"] = child.get("currencyID", "")
    return out


def _doc(value: Any) -> Doc:
    return value if isinstance(value, dict) else {}


def _time(text: Any, path: str) -> datetime:
    found = maybe_time(text)
    if found is None:
        raise BadPayload("payload.time", path=path)
    return found


def maybe_time(text: Any) -> datetime | None:
    if not text or not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # no time, or one at the calendar's edge that no zone can be taken from
        return None


def _amount(text: Any, path: str) -> Decimal:
    if text in (None, ""):
        return ZERO
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError):
        raise BadPayload("payload.amount", path=path) from None
    if not value.is_finite() or value.adjusted() > 30:  # so big that reckoning with it would overflow
        raise BadPayload("payload.amount", path=path)
    return value


def _count(text: Any, path: str) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        raise BadPayload("payload.number", path=path) from None


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value not in HIDDEN else ""


def address(node: Doc) -> Address:
    country = _text(node.get("Country")).upper()
    return Address(
        name=_text(node.get("Name")),
        lines=tuple(line for line in (_text(node.get("Street1")), _text(node.get("Street2"))) if line),
        city=_text(node.get("CityName")),
        region=_text(node.get("StateOrProvince")),
        postcode=_text(node.get("PostalCode")),
        country=COUNTRIES.get(country, country),
        phone=_text(node.get("Phone")),
    )


def parse_order(payload: str) -> canonical.Order:
    """One ``Order`` element. Raises BadPayload with the path of what is missing or wrong."""
    doc = tree(payload)
    transactions = _doc(doc.get("TransactionArray")).get("Transaction", [])
    if not doc.get("OrderID"):
        raise BadPayload("order.no_id", path="OrderID")
    checkout = _doc(doc.get("CheckoutStatus"))
    lines = tuple([_line(_doc(node), index) for index, node in enumerate(transactions)])
    leg = _doc(_doc(doc.get("MultiLegShippingDetails")).get("SellerShipmentToLogisticsProvider"))
    to_provider = doc.get("IsMultiLegShipping") == "true" and bool(leg.get("ShipToAddress"))
    place = _doc(leg["ShipToAddress"]) if to_provider else _doc(doc.get("ShippingAddress"))
    receiver = address(place)
    status, raw = _status(doc, checkout, transactions)
    if status == canonical.CANCELLED:  # eBay cancels whole orders
        lines = tuple([replace(line, cancelled=line.quantity) for line in lines])
    selected = _doc(doc.get("ShippingServiceSelected"))
    seller_tax = _amount(_doc(_doc(doc.get("ShippingDetails")).get("SalesTax")).get("SalesTaxAmount"), "SalesTaxAmount")
    adjustment = _amount(doc.get("AdjustmentAmount"), "AdjustmentAmount")
    created = _time(doc.get("CreatedTime"), "CreatedTime")
    cancel = _text(doc.get("CancelStatus"))
    return canonical.Order(
        external_id=doc["OrderID"],
        status=status,
        raw_status=raw,
        updated_at=maybe_time(checkout.get("LastModifiedTime")) or created,
        placed_at=created,
        paid_at=maybe_time(doc.get("PaidTime")),
        ship_by=_least(transactions, "HandleByTime"),
        deliver_by=_least(transactions, "EstimatedDeliveryTimeMax"),
        currency=doc.get("Total@", "") or "",
        lines=lines,
        items_total=_amount(doc.get("Subtotal"), "Subtotal"),
        # What the seller put on top (an agreed surcharge) is no goods: it counts as shipping.
        shipping_total=_amount(selected.get("ShippingServiceCost"), "ShippingServiceCost") + max(adjustment, ZERO),
        tax_total=seller_tax,
        discount_total=-adjustment if adjustment < 0 else ZERO,
        grand_total=_amount(doc.get("Total"), "Total"),
        buyer=_buyer(doc, transactions),
        receiver=receiver,
        note=_text(doc.get("BuyerCheckoutMessage")),
        service_asked=_text(selected.get("ShippingService")),
        cancel_requested=cancel in CANCEL_ASKED or doc.get("OrderStatus") == "CancelPending",
        cancel_reason=_text(doc.get("CancelReason")) if cancel in CANCEL_ASKED else "",
        ship_reference=_text(place.get("ReferenceID")) if to_provider else "",
        withheld=frozenset({"receiver"}) if not receiver.name and not receiver.lines else frozenset(),
        tags=("eis",) if to_provider else (),
    )


def _line(node: Doc, index: int) -> canonical.Line:
    path = f"TransactionArray[{index}]"
    item, variation = _doc(node.get("Item")), _doc(node.get("Variation"))
    quantity = _count(node.get("QuantityPurchased"), f"{path}.QuantityPurchased")
    price = _amount(node.get("TransactionPrice"), f"{path}.TransactionPrice")
    return canonical.Line(
        external_line_id=_text(node.get("OrderLineItemID")),
        seller_sku=_text(variation.get("SKU")) or _of_listing(item, variation),
        external_item_id=_text(item.get("ItemID")),
        title=_text(variation.get("VariationTitle")) or _text(item.get("Title")),
        quantity=quantity,
        unit_price=price,
        line_total=price * quantity,
        shipped=quantity if node.get("ShippedTime") else 0,
    )


def _of_listing(item: Doc, variation: Doc) -> str:
    """What stands for a SKU that the seller did not give: the listing's own, else its number, and what was chosen of its
    variations. Under one name red and blue, or all listings without any, would be one product to us."""
    pairs = [_doc(pair) for pair in _doc(variation.get("VariationSpecifics")).get("NameValueList", [])]
    chosen = [_text(pair.get("Value")) for pair in pairs]
    return " ".join(part for part in (_text(item.get("SKU")) or _text(item.get("ItemID")), *chosen) if part)


def _status(doc: Doc, checkout: Doc, transactions: list[Any]) -> tuple[str, str]:
    raw = _text(doc.get("OrderStatus"))
    cancel = _text(doc.get("CancelStatus"))
    if cancel and cancel != "NotApplicable":
        raw = f"{raw} {cancel}"
    if cancel in CANCELLED or doc.get("OrderStatus") == "Cancelled":
        return canonical.CANCELLED, raw
    sent = [bool(_doc(node).get("ShippedTime")) for node in transactions]
    if doc.get("ShippedTime") or (sent and all(sent)):
        return canonical.SHIPPED, raw
    if doc.get("OrderStatus") == "Inactive":
        return canonical.UNKNOWN, raw  # combined into another order, or given up before checkout
    paid = (
        bool(doc.get("PaidTime"))
        and checkout.get("Status") == "Complete"
        and checkout.get("eBayPaymentStatus", "NoPaymentFailure") == "NoPaymentFailure"
    )
    if not paid:
        return canonical.PENDING, raw
    return (canonical.PARTLY_SHIPPED if any(sent) else canonical.PAID), raw


def _least(transactions: list[Any], field: str) -> datetime | None:
    """The earliest of the lines' promises."""
    found = []
    for node in transactions:
        package = _doc(_doc(_doc(node).get("ShippingServiceSelected")).get("ShippingPackageInfo"))
        moment = maybe_time(package.get(field))
        if moment is not None:
            found.append(moment)
    return min(found) if found else None


def _buyer(doc: Doc, transactions: list[Any]) -> canonical.Buyer:
    who = _doc(_doc(transactions[0]).get("Buyer")) if transactions else {}
    name = f"{_text(who.get('UserFirstName'))} {_text(who.get('UserLastName'))}".strip()
    token = _text(doc.get("EIASToken"))
    return canonical.Buyer(
        id=_text(doc.get("BuyerUserID")),
        name=name,
        email=_text(who.get("Email")),
        aliases=(token,) if token else (),
    )


def trackings(doc: Doc) -> dict[str, set[str]]:
    """{line id: tracking numbers} of an order as ``tree`` gives it, numbers folded."""
    out: dict[str, set[str]] = {}
    for node in _doc(doc.get("TransactionArray")).get("Transaction", []):
        line = _doc(node)
        shipments = _doc(line.get("ShippingDetails")).get("ShipmentTrackingDetails", [])
        numbers = {fold(_text(_doc(item).get("ShipmentTrackingNumber"))) for item in shipments}
        out[_text(line.get("OrderLineItemID"))] = numbers - {""}
    return out


def fold(number: str) -> str:
    return "".join(number.split()).casefold()


def parse_message(payload: str) -> canonical.Message:
    """One ``MemberMessageExchange``."""
    doc = tree(payload)
    question = _doc(doc.get("Question"))
    external, sender = _text(question.get("MessageID")), _text(question.get("SenderID"))
    if not external or not sender:
        raise BadPayload("message.no_id", path="Question.MessageID")
    item = _text(_doc(doc.get("Item")).get("ItemID")) or _text(question.get("ItemID"))
    return canonical.Message(
        external_id=external,
        thread=f"{sender}:{item}",
        buyer_id=sender,
        buyer_name=sender,
        subject=_text(question.get("Subject")),
        body=question.get("Body") or "",
        sent_at=_time(doc.get("CreationDate"), "CreationDate"),
        item_ref=item,
        answered=doc.get("MessageStatus") == "Answered",
        media=_media(question.get("MessageMedia") or doc.get("MessageMedia") or []),
    )


def _media(nodes: list[Any]) -> tuple[canonical.Media, ...]:
    """Pictures of the question; the exchange names them where the question itself does not. Each address once."""
    found: dict[str, str] = {}
    for node in nodes:
        url = _text(_doc(node).get("MediaURL")).strip()
        if url:
            found.setdefault(url, _text(_doc(node).get("MediaName")).strip())
    return tuple(canonical.Media(name, url) for url, name in found.items())

"""An order document as the ``Order`` element of GetOrders. Rendered once per change and kept as text."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lxml import etree

from .accounts import SITES
from .planned import subtotal, total
from .times import stamp
from .wire import fragment, sub

Doc = dict[str, Any]
COUNTRY_NAMES = {
    "US": "United States",
    "GB": "United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "IT": "Italy",
    "ES": "Spain",
    "NL": "Netherlands",
    "BE": "Belgium",
    "AT": "Austria",
    "CH": "Switzerland",
    "IE": "Ireland",
    "CA": "Canada",
    "AU": "Australia",
    "JP": "Japan",
    "CN": "China",
    "HK": "Hong Kong",
    "SG": "Singapore",
    "SE": "Sweden",
    "NO": "Norway",
    "DK": "Denmark",
    "FI": "Finland",
    "PL": "Poland",
    "PT": "Portugal",
    "BR": "Brazil",
    "MX": "Mexico",
}
_DESTINATION = re.compile("<FinalDestinationAddress>.*?</FinalDestinationAddress>", re.DOTALL)


def double(value: Decimal | str) -> str:
    """Amounts come as xs:double: 12.00 is written 12.0."""
    plain = f"{Decimal(value):f}"
    if "." in plain:
        plain = plain.rstrip("0")
        return plain + "0" if plain.endswith(".") else plain
    return plain + ".0"


def for_level(xml: str, compatibility: int) -> str:
    """The final destination is told from compatibility level 1455 on only."""
    return xml if compatibility >= 1455 else _DESTINATION.sub("", xml)


class OrderXml:
    """Writes one order; amounts carry the order's currency."""

    def __init__(self, doc: Doc, *, seller: Any, modified: float, withhold: bool) -> None:
        self.doc = doc
        self.seller = seller
        self.modified = stamp(modified)
        self.withhold = withhold

    def money(self, parent: etree._Element, tag: str, value: Decimal | str) -> None:
        sub(parent, tag, double(value), currencyID=self.doc["currency"])

    def text(self) -> str:
        doc, order = self.doc, etree.Element("Order")
        paid = doc["paid"] is not None
        sub(order, "OrderID", doc["order_id"])
        sub(order, "OrderStatus", order_status(doc))
        self.money(order, "AdjustmentAmount", "0")
        self.money(order, "AmountPaid", total(doc) if paid else "0")
        self.money(order, "AmountSaved", "0")
        self._checkout(order, paid)
        self._shipping_details(order)
        sub(order, "CreatedTime", doc["created"])
        sub(order, "SellerEmail", "")
        self._address(sub(order, "ShippingAddress"), doc["address"])
        selected = sub(order, "ShippingServiceSelected")
        sub(selected, "ShippingService", doc["service"])
        self.money(selected, "ShippingServiceCost", doc["shipping"])
        self.money(order, "Subtotal", subtotal(doc))
        self.money(order, "Total", total(doc))
        collected = Decimal(doc["tax"]) > 0 and doc["tax_collector"] == "ebay"
        if collected:
            sub(order, "eBayCollectAndRemitTax", "true")
        lines = sub(order, "TransactionArray")
        for line, tax in zip(doc["lines"], shares(doc), strict=True):
            self.transaction(sub(lines, "Transaction"), line, tax if collected else None)
        sub(order, "BuyerUserID", doc["buyer"]["id"])
        if paid:
            sub(order, "PaidTime", doc["paid"])
        if doc["shipped"]:
            sub(order, "ShippedTime", doc["shipped"])
        if doc["note"]:
            sub(order, "BuyerCheckoutMessage", doc["note"])
        sub(order, "IntegratedMerchantCreditCardEnabled", "false")
        sub(order, "EIASToken", doc["buyer"]["eias"])
        sub(order, "PaymentHoldStatus", "None")
        sub(order, "IsMultiLegShipping", "true" if doc.get("hub") else "false")
        if doc.get("hub"):
            self._multi_leg(order)
        if paid:
            self._monetary(order)
        sub(order, "SellerUserID", self.seller["user_id"])
        sub(order, "SellerEIASToken", self.seller["eias_token"])
        if doc["cancel"]:
            sub(order, "CancelReason", "BuyerCancelOrder")
        sub(order, "CancelStatus", doc["cancel"] or "NotApplicable")
        sub(order, "ExtendedOrderID", doc["order_id"])
        sub(order, "ContainseBayPlusTransaction", "false")
        return fragment(order)

    def _checkout(self, order: etree._Element, paid: bool) -> None:
        node = sub(order, "CheckoutStatus")
        sub(node, "eBayPaymentStatus", self.doc.get("payment_status") or "NoPaymentFailure")
        sub(node, "LastModifiedTime", self.modified)
        sub(node, "PaymentMethod", "CreditCard")
        sub(node, "Status", "Complete" if paid else "Incomplete")
        sub(node, "IntegratedMerchantCreditCardEnabled", "true")

    def _shipping_details(self, order: etree._Element) -> None:
        node = sub(order, "ShippingDetails")
        tax = sub(node, "SalesTax")
        sub(tax, "ShippingIncludedInTax", "false")
        if self.doc["tax_collector"] == "seller" and Decimal(self.doc["tax"]):
            self.money(tax, "SalesTaxAmount", self.doc["tax"])
        option = sub(node, "ShippingServiceOptions")
        sub(option, "ShippingService", self.doc["service"])
        self.money(option, "ShippingServiceCost", self.doc["shipping"])
        sub(option, "ShippingServicePriority", 1)
        sub(option, "ExpeditedService", "false")
        sub(node, "SellingManagerSalesRecordNumber", self.doc["record"])
        sub(node, "GetItFast", "false")

    def _address(self, node: etree._Element, address: Doc) -> None:
        hidden = self.withhold
        sub(node, "Name", "" if hidden else address["name"])
        sub(node, "Street1", "" if hidden else address["street1"])
        sub(node, "Street2", "" if hidden else address["street2"])
        sub(node, "CityName", address["city"])
        sub(node, "StateOrProvince", address["state"])
        sub(node, "Country", address["country"])
        sub(node, "CountryName", COUNTRY_NAMES.get(address["country"], address["country"]))
        sub(node, "Phone", "Invalid Request" if hidden or not address["phone"] else address["phone"])
        sub(node, "PostalCode", address["postcode"])
        if address.get("address_id"):
            sub(node, "AddressID", address["address_id"])
        sub(node, "AddressOwner", "eBay")
        if address.get("reference"):
            sub(node, "ReferenceID", address["reference"])

    def transaction(self, node: etree._Element, line: Doc, tax: Decimal | None) -> None:
        doc, buyer = self.doc, self.doc["buyer"]
        who = sub(node, "Buyer")
        sub(who, "Email", "Invalid Request" if self.withhold or not buyer["email"] else buyer["email"])
        sub(who, "VATStatus", "NoVATTax")
        first, _, last = ("" if self.withhold else buyer["name"]).partition(" ")
        sub(who, "UserFirstName", first)
        sub(who, "UserLastName", last)
        details = sub(node, "ShippingDetails")
        for shipment in line["tracking"]:
            tracking = sub(details, "ShipmentTrackingDetails")
            sub(tracking, "ShippingCarrierUsed", shipment["carrier"])
            sub(tracking, "ShipmentTrackingNumber", shipment["number"])
        sub(details, "SellingManagerSalesRecordNumber", doc["record"])
        sub(node, "CreatedDate", line["created"])
        self._item(node, line)
        sub(node, "QuantityPurchased", line["quantity"])
        status = sub(node, "Status")
        sub(status, "PaymentHoldStatus", "None")
        sub(status, "InquiryStatus", "NotApplicable")
        sub(status, "ReturnStatus", line["return"] or "NotApplicable")
        sub(node, "TransactionID", line["transaction_id"])
        self.money(node, "TransactionPrice", line["unit_price"])
        if tax is not None:
            sub(node, "eBayCollectAndRemitTax", "true")
        package = sub(sub(node, "ShippingServiceSelected"), "ShippingPackageInfo")
        if doc["deliver_by"]:
            sub(package, "EstimatedDeliveryTimeMax", doc["deliver_by"])
        if doc["ship_by"]:
            sub(package, "HandleByTime", doc["ship_by"])
        if line["shipped"]:
            sub(node, "ShippedTime", line["shipped"])
        sub(node, "TransactionSiteID", SITES[self.seller["site_id"]][0])
        sub(node, "Platform", "eBay")
        if tax is not None:
            self._taxes(node, tax)
        if line["variation"]:
            self._variation(node, line)
        sub(node, "OrderLineItemID", line["line_id"])
        sub(node, "ExtendedOrderID", doc["order_id"])
        sub(node, "eBayPlusTransaction", "false")
        sub(node, "GuaranteedShipping", "false")

    def _item(self, node: etree._Element, line: Doc) -> None:
        item = sub(node, "Item")
        sub(item, "ItemID", line["item_id"])
        sub(item, "Site", SITES[self.seller["site_id"]][0])
        sub(item, "Title", line["title"])
        if line["sku"] and not line["variation"]:
            sub(item, "SKU", line["sku"])
        sub(item, "ConditionID", 1000)
        sub(item, "ConditionDisplayName", "New")

    def _variation(self, node: etree._Element, line: Doc) -> None:
        variation = sub(node, "Variation")
        sub(variation, "SKU", line["sku"])
        pair = sub(sub(variation, "VariationSpecifics"), "NameValueList")
        sub(pair, "Name", "Style")
        sub(pair, "Value", line["sku"])
        sub(variation, "VariationTitle", f"{line['title']}[{line['sku']}]")

    def _taxes(self, node: etree._Element, tax: Decimal) -> None:
        taxes = sub(node, "eBayCollectAndRemitTaxes")
        self.money(taxes, "TotalTaxAmount", tax)
        detail = sub(taxes, "TaxDetails")
        sub(detail, "Imposition", "SalesTax")
        sub(detail, "TaxDescription", "SalesTax")
        self.money(detail, "TaxAmount", tax)
        self.money(detail, "TaxOnSubtotalAmount", tax)
        self.money(detail, "TaxOnShippingAmount", "0")
        sub(detail, "CollectionMethod", "NET")

    def _multi_leg(self, order: etree._Element) -> None:
        details = sub(order, "MultiLegShippingDetails")
        leg = sub(details, "SellerShipmentToLogisticsProvider")
        service = sub(leg, "ShippingServiceDetails")
        sub(service, "ShippingService", self.doc["service"])
        self.money(service, "TotalShippingCost", self.doc["shipping"])
        self._address(sub(leg, "ShipToAddress"), self.doc["hub"])
        sub(leg, "ShippingTimeMin", 2)
        sub(leg, "ShippingTimeMax", 6)
        self._address(sub(details, "FinalDestinationAddress"), self.doc["address"])

    def _monetary(self, order: etree._Element) -> None:
        node = sub(order, "MonetaryDetails")
        payment = sub(sub(node, "Payments"), "Payment")
        sub(payment, "PaymentStatus", "Succeeded")
        sub(payment, "Payer", self.doc["buyer"]["id"], type="eBayUser")
        sub(payment, "Payee", self.seller["user_id"], type="eBayUser")
        sub(payment, "PaymentTime", self.doc["paid"])
        self.money(payment, "PaymentAmount", total(self.doc))
        sub(payment, "ReferenceID", f"P{self.doc['order_id'].replace('-', '')}", type="ExternalTransactionID")
        self.money(payment, "FeeOrCreditAmount", "0")
        if self.doc["refunds"]:
            refunds = sub(node, "Refunds")
            for refund in self.doc["refunds"]:
                entry = sub(refunds, "Refund")
                sub(entry, "RefundStatus", "Succeeded")
                sub(entry, "RefundType", "PaymentRefund")
                sub(entry, "RefundTo", self.doc["buyer"]["id"], type="eBayUser")
                sub(entry, "RefundTime", refund["at"])
                self.money(entry, "RefundAmount", refund["amount"])


def order_status(doc: Doc) -> str:
    if doc["status"] == "inactive":
        return "Inactive"
    if doc["status"] == "cancelled":
        return "Cancelled"
    if doc["cancel"] == "CancelRequested":
        return "CancelPending"
    return "Completed" if doc["paid"] else "Active"


def shares(doc: Doc) -> list[Decimal]:
    """The order's tax over its lines by value, to the cent; the last line takes what is left."""
    whole, tax = subtotal(doc), Decimal(doc["tax"])
    cent = Decimal("0.01")
    out = []
    for line in doc["lines"]:
        value = Decimal(line["unit_price"]) * line["quantity"]
        out.append((tax * value / whole).quantize(cent, ROUND_HALF_UP) if whole else Decimal(0))
    out[-1] = tax - sum(out[:-1], Decimal(0))
    return out


def render(doc: Doc, *, seller: Any, modified: float, withhold: bool = False) -> str:
    return OrderXml(doc, seller=seller, modified=modified, withhold=withhold).text()

"""confirmShipment (Orders API v0): packages of merchant-fulfilled orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ..base import clock
from .carriers import CARRIER_CODES
from .ledger import Ledger
from .wire import ORDER_ID, Call, Refused, invalid, read_query, read_time

_BODY = {"packageDetail": dict, "marketplaceId": str, "codCollectionMethod": str}
_DETAIL = {
    "packageReferenceId": str,
    "carrierCode": str,
    "carrierName": str,
    "shippingMethod": str,
    "trackingNumber": str,
    "shipDate": str,
    "shipFromSupplySourceId": str,
    "orderItems": list,
}
_ITEM = {"orderItemId": str, "quantity": int, "transparencyCodes": list}
_REQUIRED = ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate", "orderItems")


class Confirming:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def confirm(self, call: Call) -> Response:
        read_query(call.request)
        order_id = call.path["order_id"]
        if not ORDER_ID.fullmatch(order_id):
            raise invalid("Invalid Input", "orderId is not in 3-7-7 format")
        place, detail = _read(call.json())
        row = self._ledger.get(call.account.account_id, order_id)
        if row is None or row["visible"] > clock.epoch():
            raise Refused(404, "NotFound", f"Order {order_id} was not found.")
        if row["marketplace"] != place:
            raise invalid(f"Order {order_id} was not placed in marketplace {place}")

        def pack(body: dict[str, Any]) -> None:
            try:
                _pack(body, detail, row["status"])
            except (KeyError, TypeError, AttributeError):
                raise invalid("The order cannot be confirmed") from None

        self._ledger.change(call.account.account_id, order_id, pack, confirmed=True)
        return Response(status_code=204)


def _typed(value: Any, members: Mapping[str, type], path: str) -> None:
    """Refuse unknown members and members of another JSON type."""
    wrong = [
        f"{path}{name}"
        for name, found in value.items()
        if name in members and (not isinstance(found, members[name]) or isinstance(found, bool))
    ]
    if wrong:
        raise invalid(
            "The input you have submitted is not valid. Please check the fields with invalid type "
            f"[{', '.join(wrong)}]."
        )
    unknown = [f"{path}{name}" for name in value if name not in members]
    if unknown:
        raise invalid(f"The input you have submitted is not valid. Unknown fields [{', '.join(unknown)}].")


def _read(body: Any) -> tuple[str, dict[str, Any]]:
    """Marketplace and package of a well-formed request. Raises Refused."""
    if not isinstance(body, dict):
        raise invalid("Could not match input arguments")
    _typed(body, _BODY, "")
    for name in ("marketplaceId", "packageDetail"):
        if not body.get(name):
            raise invalid(f"{name} is required")
    if body.get("codCollectionMethod", "DirectPayment") != "DirectPayment":
        raise invalid("CodCollectionMethod: is invalid")
    detail: dict[str, Any] = body["packageDetail"]
    _typed(detail, _DETAIL, "packageDetail.")
    for name in _REQUIRED:
        if not detail.get(name):
            raise invalid(f"packageDetail.{name} is required")
    reference = detail["packageReferenceId"]
    if not (reference.isascii() and reference.isdigit() and int(reference) > 0):
        raise invalid("PackageReferenceId: is invalid, must be a positive numeric value.")
    if detail["carrierCode"] not in CARRIER_CODES:
        raise invalid("CarrierCode: is invalid, use Other with a CarrierName for a carrier that is not listed.")
    if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
        raise invalid("CarrierName: is required when CarrierCode is Other.")
    read_time(detail["shipDate"], "shipDate")
    for item in detail["orderItems"]:
        if not isinstance(item, dict):
            raise invalid("Please check the fields with invalid type [packageDetail.orderItems].")
        _typed(item, _ITEM, "packageDetail.orderItems.")
        if not item.get("orderItemId"):
            raise invalid("packageDetail.orderItems.orderItemId is required")
        if item.get("quantity", 0) < 1:
            raise invalid("packageDetail.orderItems.quantity must be positive")
    return body["marketplaceId"], detail


def _pack(body: dict[str, Any], detail: dict[str, Any], status: str) -> None:
    """Put the package into the order, or change the one with this reference. Raises Refused."""
    if body["fulfillment"]["fulfilledBy"] != "MERCHANT":
        raise invalid("The order is fulfilled by Amazon and cannot be confirmed by the merchant")
    if status not in ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"):
        raise invalid(f"An order in status {status} cannot be confirmed")
    packages: list[dict[str, Any]] = body.setdefault("packages", [])
    known = next((one for one in packages if one["packageReferenceId"] == detail["packageReferenceId"]), None)
    if known is None and status == "SHIPPED":
        raise invalid(
            "Failed to create package due to not finding a matching package or order already fulfilled. "
            "ErrorMessage(errorCode=GeneralError, errorDescription=Unable to find package to update for order "
            f"({body['orderId']}), errorMetric=PackageToUpdateNotFound, packageIndex=null)"
        )
    wanted: dict[str, int] = {}
    for item in detail["orderItems"]:
        wanted[item["orderItemId"]] = wanted.get(item["orderItemId"], 0) + item["quantity"]
    items = {item["orderItemId"]: item for item in body["orderItems"]}
    shipped = _shipped([one for one in packages if one is not known])
    for item_id, quantity in wanted.items():
        item = items.get(item_id)
        if item is None:
            raise invalid(f"OrderItemId: {item_id} does not belong to order {body['orderId']}")
        open_quantity = 0 if _cancelled(item) else item["quantityOrdered"] - shipped.get(item_id, 0)
        if quantity > open_quantity:
            raise invalid(
                f"Quantity: {quantity} of order item {item_id} is more than the {open_quantity} to be shipped"
            )
    package = known
    if package is None:
        package = {"packageReferenceId": detail["packageReferenceId"], "createdTime": clock.iso()}
        packages.append(package)
    package |= {
        "packageStatus": {"status": "SHIPPED"},
        "carrier": detail["carrierName"] if detail["carrierCode"] == "Other" else detail["carrierCode"],
        "shipTime": clock.iso(read_time(detail["shipDate"], "shipDate")),
        "shippingService": detail.get("shippingMethod", ""),
        "trackingNumber": detail["trackingNumber"],
        "packageItems": [{"orderItemId": item_id, "quantity": quantity} for item_id, quantity in wanted.items()],
    }
    settle(body)


def _shipped(packages: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for package in packages:
        for item in package["packageItems"]:
            found[item["orderItemId"]] = found.get(item["orderItemId"], 0) + item["quantity"]
    return found


def _cancelled(item: dict[str, Any]) -> bool:
    return "cancellationExecution" in (item.get("cancellation") or {})


def settle(body: dict[str, Any]) -> None:
    """Set the items' quantities and the order's status from its packages and cancellations."""
    shipped = _shipped(body.get("packages") or [])
    waiting = 0
    for item in body["orderItems"]:
        done = shipped.get(item["orderItemId"], 0)
        left = 0 if _cancelled(item) else item["quantityOrdered"] - done
        item["fulfillment"] |= {"quantityFulfilled": done, "quantityUnfulfilled": left}
        waiting += left
    if waiting:
        status = "PARTIALLY_SHIPPED" if shipped else "UNSHIPPED"
    else:
        status = "SHIPPED" if shipped else "CANCELLED"
    body["fulfillment"]["fulfillmentStatus"] = status

"""Orders as the interface shows them. Personal fields are null without their scope, costs likewise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.v1.base import Money, Out, Time, money
from core.permissions import SEE_COST, SEE_PERSONAL, Actor
from core.words import say
from orders import models


class Reason(Out):
    """Why it stands where it stands: a stable code, and a sentence."""

    code: str
    detail: str


class OrderRow(Out):
    id: int
    number: str
    external_id: str
    account_id: int | None
    platform: str
    state: str
    reason: Reason | None
    conflict: str | None
    channel_status: str
    placed_at: Time
    ship_by: Time | None
    updated_at: Time | None
    total: Money
    lines_count: int
    units: int
    country: str
    tags: list[str]
    warehouse: str | None
    service: str | None
    version: int


class Receiver(Out):
    name: str
    company: str
    lines: list[str]
    city: str
    district: str
    region: str
    postcode: str
    country: str
    phone: str
    email: str


class Buyer(Out):
    id: str
    name: str
    email: str
    note: str


class OrderLine(Out):
    """``quantity`` sold pieces, ``units`` of the SKU; ``reserved`` units set aside."""

    id: int
    external_line_id: str
    seller_sku: str
    title: str
    sku_id: int | None
    sku: str | None
    quantity: int
    cancelled: int
    shipped: int
    units: int
    reserved: int
    unit_price: Money
    total: Money


class OrderParcel(Out):
    """A parcel of the order; ``shipment_id`` null until one exists. ``cost`` with its scope."""

    shipment_id: int | None
    reference: str
    state: str
    open: bool
    warehouse: str
    service: str
    waybill: str
    tracking_number: str
    weight_g: int | None
    cost: Money | None
    handed_over_at: Time | None
    delivered_at: Time | None


class HistoryEntry(Out):
    id: int
    at: Time
    by: str
    code: str
    detail: str


class Order(OrderRow):
    channel_raw: str
    platform_fulfilled: bool
    paid_at: Time | None
    items_total: Money
    shipping_total: Money
    tax_total: Money
    discount_total: Money
    weight_g: int | None
    customer_id: int | None
    receiver: Receiver | None
    buyer: Buyer | None
    lines: list[OrderLine]
    parcels: list[OrderParcel]
    history: list[HistoryEntry]


class OrderMade(Out):
    id: int
    number: str
    external_id: str
    state: str


def reason(code: str, params: Any) -> dict[str, str] | None:
    return {"code": code, "detail": say(code, params or {})} if code else None


def row(found: dict[str, Any]) -> dict[str, Any]:
    """A row of ``orders.queries``."""
    return {
        "id": found["id"],
        "number": found["number"],
        "external_id": found["external_id"],
        "account_id": found["account_id"],
        "platform": found["platform"],
        "state": found["state"],
        "reason": reason(found["reason_code"], found["reason_params"]),
        "conflict": found["conflict"] or None,
        "channel_status": found["channel_status"],
        "placed_at": found["placed_at"],
        "ship_by": found["ship_by"],
        "updated_at": found.get("updated_at"),
        "total": money(found["grand_total"], found["currency"]),
        "lines_count": found["lines_count"],
        "units": found["units"],
        "country": found["ship_country"],
        "tags": list(found["tags"]),
        "warehouse": found["warehouse"],
        "service": found["service"],
        "version": found["version"],
    }


def whole(
    actor: Actor,
    order: models.Order,
    lines: Sequence[dict[str, Any]],
    parcels: Sequence[Any],
    history: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """``order`` with its account, warehouse and service; the rest as ``orders.queries`` gives it."""
    personal, currency = actor.can(SEE_PERSONAL), order.currency
    return {
        "id": order.pk,
        "number": order.number,
        "external_id": order.external_id,
        "account_id": order.account_id,
        "platform": order.platform,
        "state": order.state,
        "reason": reason(order.reason_code, order.reason_params),
        "conflict": order.conflict or None,
        "channel_status": order.channel_status,
        "channel_raw": order.channel_raw,
        "platform_fulfilled": order.platform_fulfilled,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "ship_by": order.ship_by,
        "updated_at": order.updated_at,
        "total": money(order.grand_total, currency),
        "items_total": money(order.items_total, currency),
        "shipping_total": money(order.shipping_total, currency),
        "tax_total": money(order.tax_total, currency),
        "discount_total": money(order.discount_total, currency),
        "lines_count": order.lines_count,
        "units": order.units,
        "weight_g": order.weight_g,
        "country": order.ship_country,
        "tags": list(order.tags),
        "warehouse": order.warehouse.name if order.warehouse else None,
        "service": order.service.name if order.service else None,
        "version": order.version,
        "customer_id": order.customer_id,
        "receiver": _receiver(order) if personal else None,
        "buyer": _buyer(order) if personal else None,
        "lines": [_line(one, currency) for one in lines],
        "parcels": [_parcel(one, actor.can(SEE_COST)) for one in parcels],
        "history": [
            {
                "id": one["id"],
                "at": one["at"],
                "by": one["actor_label"],
                "code": one["code"],
                "detail": say(one["code"], one["params"]),
            }
            for one in history
        ],
    }


def _receiver(order: models.Order) -> dict[str, Any]:
    names = "name company lines city district region postcode country phone email".split()
    return {name: getattr(order, f"ship_{name}") for name in names}


def _buyer(order: models.Order) -> dict[str, Any]:
    return {"id": order.buyer_id, "name": order.buyer_name, "email": order.buyer_email, "note": order.buyer_note}


def _line(one: dict[str, Any], currency: str) -> dict[str, Any]:
    same = ("id", "external_line_id", "seller_sku", "title", "sku_id", "quantity", "cancelled", "shipped", "units")
    return {name: one[name] for name in same} | {
        "sku": one["sku_code"],
        "reserved": one["reserved"] or 0,
        "unit_price": money(one["unit_price"], currency),
        "total": money(one["line_total"], currency),
    }


def _parcel(one: Any, costs: bool) -> dict[str, Any]:
    return {
        "shipment_id": one.shipment_id,
        "reference": one.reference,
        "state": one.state,
        "open": one.alive,
        "warehouse": one.warehouse,
        "service": one.service,
        "waybill": one.waybill,
        "tracking_number": one.number,
        "weight_g": one.weight_g,
        "cost": money(one.cost, one.cost_currency) if costs else None,
        "handed_over_at": one.handed_at,
        "delivered_at": one.delivered_at,
    }

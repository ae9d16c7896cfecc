"""Reads of the interface that no page has: flat rows by id, narrowed to what the actor may see. One or two queries each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import bulk
from core.errors import BusinessError
from core.jobs import manages
from core.permissions import SEE_PERSONAL, Actor
from core.personal import log_read
from core.records.models import Job, StoredFile
from inventory.models import Product, Warehouse
from inventory.permissions import VIEW as SEE_STOCK
from logistics.permissions import VIEW as SEE_PARCELS
from orders.models import Customer, CustomerIdentity
from orders.permissions import VIEW as SEE_ORDERS


def known_skus(sku_ids: Sequence[int]) -> None:
    """Raises BusinessError ``sku.not_found``."""
    wanted = set(sku_ids)
    if bulk.fetch("SELECT count(*) FROM inventory_sku WHERE id = ANY(%s)", [list(wanted)])[0][0] < len(wanted):
        raise BusinessError("sku.not_found")


def warehouse(actor: Actor, warehouse_id: int) -> int:
    """The id, when it is one of the actor's. Raises BusinessError ``warehouse.not_found``."""
    if not actor.sees_warehouse(warehouse_id) or not Warehouse.objects.filter(pk=warehouse_id).exists():
        raise BusinessError("warehouse.not_found")
    return warehouse_id


def products(actor: Actor, *, after: str = "", limit: int = 50) -> list[Product]:
    actor.require(SEE_STOCK)
    return list(Product.objects.filter(code__gt=after).order_by("code")[:limit])


# -- customers ----------------------------------------------------------------------------------------------------------


def customers(actor: Actor, *, country: str = "", after: int = 0, limit: int = 50) -> list[dict[str, Any]]:
    """By id; an actor with some accounts sees those who bought there."""
    actor.require(SEE_ORDERS)
    rows = Customer.objects.filter(pk__gt=after).order_by("pk")
    if country:
        rows = rows.filter(country=country)
    if actor.accounts is not None:
        mine = CustomerIdentity.objects.filter(account_id__in=actor.accounts).values("customer_id")
        rows = rows.filter(pk__in=mine)
    return [_customer(actor, one) for one in rows[:limit]]


def customer(actor: Actor, customer_id: int) -> dict[str, Any]:
    """With its identities at accounts that the actor sees. Raises BusinessError ``customer.not_found``."""
    actor.require(SEE_ORDERS)
    found = Customer.objects.filter(pk=customer_id).first()
    identities = list(CustomerIdentity.objects.filter(customer_id=customer_id).order_by("pk")[:100])
    mine = [one for one in identities if actor.sees_account(one.account_id)]
    if found is None or (actor.accounts is not None and not mine):
        raise BusinessError("customer.not_found")
    shown: list[dict[str, Any]] | None = None
    if actor.can(SEE_PERSONAL):
        log_read(actor, "customer", customer_id, "identities", always=False)
        names = ("account_id", "external_id", "member_name", "email")
        shown = [{name: getattr(one, name) for name in names} for one in mine]
    return _customer(actor, found) | {"identities": shown}


def _customer(actor: Actor, one: Customer) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name if actor.can(SEE_PERSONAL) else None,
        "country": one.country,
        "orders": one.orders,
        "first_order_at": one.first_order_at,
        "last_order_at": one.last_order_at,
    }


# -- reservations -------------------------------------------------------------------------------------------------------


def reservations(
    actor: Actor,
    *,
    sku_ids: Sequence[int] = (),
    warehouse_ids: Sequence[int] = (),
    owner: str = "",
    after: int = 0,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Open ones by id. Of orders of accounts out of scope the units are shown, the order is not."""
    actor.require(SEE_STOCK)
    conditions, params = ["r.closed_at IS NULL", "r.id > %s"], [after]
    chosen: list[tuple[str, Any]] = []
    if sku_ids:
        chosen.append(("r.sku_id = ANY(%s)", list(sku_ids)))
    if warehouse_ids:
        chosen.append(("r.warehouse_id = ANY(%s)", list(warehouse_ids)))
    if actor.warehouses is not None:
        chosen.append(("r.warehouse_id = ANY(%s)", sorted(actor.warehouses)))
    if owner:
        chosen.append(("r.owner_kind = %s", owner))
    where = " AND ".join([*conditions, *(condition for condition, _ in chosen)])
    rows = bulk.fetch(
        "SELECT r.id, r.sku_id, r.warehouse_id, r.quantity, r.kind, r.owner_kind, l.order_id, h.reference, r.created_at,"
        " r.expires_at, l.account_id FROM inventory_reservation r"
        " LEFT JOIN orders_orderline l ON r.owner_kind = 'order_line' AND l.id = r.owner_id"
        f" LEFT JOIN api_hold h ON r.owner_kind = 'api' AND h.id = r.owner_id WHERE {where} ORDER BY r.id LIMIT %s",
        [*params, *(value for _, value in chosen), limit],
    )
    names = "id sku_id warehouse_id quantity kind owner order_id reference created_at expires_at".split()
    shown = [dict(zip(names, row[:10], strict=True)) | {"account": row[10]} for row in rows]
    for one in shown:
        if one["order_id"] is not None and not actor.sees_account(one.pop("account")):
            one["order_id"] = None
    return shown


# -- shipments ----------------------------------------------------------------------------------------------------------

_SHIPMENT = (
    "id reference state service warehouse_id order_id account_id country waybill tracking_number expected_weight_g weight_g"
    " length_mm width_mm height_mm chargeable_g cost cost_currency track_main track_sub track_at error_code error_params"
    " printed_at weighed_at handed_at delivered_at created_at label receiver"
).split()
_SHIPMENTS = (
    "SELECT s.id, s.reference, s.state, v.key, s.warehouse_ref, c.order_id, o.account_id, s.country, s.waybill,"
    " s.tracking_number, s.expected_weight_g, s.weight_g, s.length_mm, s.width_mm, s.height_mm, s.chargeable_g, s.cost,"
    " s.cost_currency, s.track_main, s.track_sub, s.track_at, s.error_code, s.error_params, s.printed_at, s.weighed_at,"
    " s.handed_at, s.delivered_at, s.created_at, s.label_file_id, s.receiver"
    " FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id"
    " LEFT JOIN orders_consignment c ON c.shipment_id = s.id LEFT JOIN orders_order o ON o.id = c.order_id"
)


def shipments(
    actor: Actor,
    *,
    ids: Sequence[int] | None = None,
    states: Sequence[str] = (),
    tracking_number: str = "",
    order_id: int | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Newest first, with ids below ``before``; ``since``: made then or later."""
    actor.require(SEE_PARCELS)
    chosen: list[tuple[str, Any]] = []
    if ids is not None:
        chosen.append(("s.id = ANY(%s)", list(ids)))
    if states:
        chosen.append(("s.state = ANY(%s)", list(states)))
    if tracking_number:
        chosen.append(("s.tracking_number = %s", tracking_number))
    if order_id is not None:
        chosen.append(("c.order_id = %s", order_id))
    if since is not None:
        chosen.append(("s.created_at >= %s", since))
    if before is not None:
        chosen.append(("s.id < %s", before))
    if actor.warehouses is not None:
        chosen.append(("s.warehouse_ref = ANY(%s)", sorted(actor.warehouses)))
    if actor.accounts is not None:
        chosen.append(("o.account_id = ANY(%s)", sorted(actor.accounts)))
    where = f" WHERE {' AND '.join(condition for condition, _ in chosen)}" if chosen else ""
    rows = bulk.fetch(f"{_SHIPMENTS}{where} ORDER BY s.id DESC LIMIT %s", [*(value for _, value in chosen), limit])
    return [dict(zip(_SHIPMENT, row, strict=True)) for row in rows]


def shipment(actor: Actor, shipment_id: int) -> dict[str, Any]:
    """Raises BusinessError ``shipment.not_found`` outside the actor's scope too."""
    found = shipments(actor, ids=[shipment_id], limit=1)
    if not found:
        raise BusinessError("shipment.not_found")
    return found[0]


def visible_shipments(actor: Actor, shipment_ids: Sequence[int]) -> set[int]:
    """Those that the actor may touch: an act on parcels knows warehouses only, the orders' accounts are judged here."""
    if actor.accounts is None:
        return set(shipment_ids)
    return {one["id"] for one in shipments(actor, ids=shipment_ids, limit=len(shipment_ids))}


def label_of(actor: Actor, shipment_id: int) -> StoredFile:
    """The label's file; reading it is logged. Raises BusinessError ``shipment.not_found``, ``label.not_found``."""
    found = shipment(actor, shipment_id)
    file = StoredFile.objects.filter(pk=found["label"]).first() if found["label"] else None
    if file is None or not actor.can(file.operation):
        raise BusinessError("label.not_found")
    log_read(actor, "file", file.pk, "label")
    return file


# -- long work ----------------------------------------------------------------------------------------------------------


def jobs(actor: Actor, *, ids: Sequence[int] | None = None, before: int | None = None, limit: int = 50) -> list[Job]:
    """One's own, newest first; all of them with the right to manage them."""
    rows = Job.objects.defer("params", "checkpoint", "log").order_by("-pk")
    if not manages(actor):
        rows = rows.filter(actor_id=actor.id)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows[:limit])

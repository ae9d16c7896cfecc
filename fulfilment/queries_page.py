"""What the floor's pages show: parcels by state with their order, and what stands beside a scanned one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from core.records.models import StoredFile
from core.ui import desk
from fulfilment import finding
from fulfilment.models import Weighing
from inventory.models import Warehouse
from logistics import permissions, states
from logistics.models import Manifest, Service
from logistics.queries import manifests, waiting_for_manifest
from orders.queries import mask

# Tab → states; "handed_today" is narrowed by time besides.
TABS: dict[str, tuple[str, ...]] = {
    "ready": (states.READY,),
    "packed": (states.PACKED,),
    "handed_today": (states.HANDED, states.DELIVERED, states.RETURNED),
    "waiting": (states.QUEUED, states.BOOKING, states.WAITING, states.CANCELLING),
    "failed": (states.FAILED,),
    "moving": (states.HANDED,),
    "delivered": (states.DELIVERED,),
    "returned": (states.RETURNED,),
    "cancelled": (states.CANCELLED,),
    "all": states.ALL,
}
_NAMES = (
    "id reference state number waybill country receiver service service_id warehouse order_id external_id account expected_g"
    " weight_g printed_at handed_at label error_code error_params needs track_main track_at conflict sku title units skus"
    " ship_by"
).split()
_ROWS = """
SELECT s.id, s.reference, s.state, s.tracking_number, s.waybill, s.country, s.receiver->>'name', v.name, s.service_id, w.name,
       c.order_id, o.external_id, a.name, s.expected_weight_g, s.weight_g, s.printed_at, s.handed_at, f.uid, s.error_code,
       s.error_params, s.needs, s.track_main, s.track_at, coalesce(o.conflict, ''), first.sku, first.title, first.units,
       first.skus, o.ship_by
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  LEFT JOIN inventory_warehouse w ON w.id = s.warehouse_ref
  LEFT JOIN records_storedfile f ON f.id = s.label_file_id
  LEFT JOIN orders_consignment c ON c.shipment_id = s.id LEFT JOIN orders_order o ON o.id = c.order_id
  LEFT JOIN channels_account a ON a.id = o.account_id
  LEFT JOIN LATERAL (SELECT min(coalesce(k.code, l.seller_sku)) AS sku, min(coalesce(nullif(k.title, ''), l.title)) AS title,
                            sum(l.units / greatest(l.quantity, 1) * cl.quantity) AS units, count(*) AS skus
                       FROM orders_consignmentline cl JOIN orders_orderline l ON l.id = cl.line_id
                       LEFT JOIN inventory_sku k ON k.id = l.sku_id WHERE cl.consignment_id = c.id) first ON true
"""


@dataclass(frozen=True, slots=True)
class Filter:
    tab: str = "ready"
    text: str = ""
    warehouses: tuple[int, ...] = ()
    services: tuple[int, ...] = ()
    unprinted: bool = False


def _conditions(actor: Actor, chosen: Filter) -> tuple[str, list[Any]]:
    actor.require(permissions.VIEW)
    parts: list[str] = ["s.state = ANY(%s)"]
    params: list[Any] = [list(TABS.get(chosen.tab, states.ALL))]
    if chosen.tab == "handed_today":
        parts.append("s.handed_at >= %s")
        params.append(_midnight(actor))
    allowed = set(chosen.warehouses) or None
    if actor.warehouses is not None:
        allowed = (allowed or set(actor.warehouses)) & actor.warehouses
    if allowed is not None:
        parts.append("s.warehouse_ref = ANY(%s)")
        params.append(sorted(allowed))
    if chosen.services:
        parts.append("s.service_id = ANY(%s)")
        params.append(list(chosen.services))
    if chosen.unprinted:
        parts.append("s.printed_at IS NULL")
    if chosen.text:
        names = finding.candidates(chosen.text)
        parts.append(
            "(s.tracking_number = ANY(%s) OR s.waybill = ANY(%s) OR s.reference = ANY(%s) OR s.tracking_number LIKE %s"
            " OR s.id IN (SELECT c.shipment_id FROM orders_consignment c JOIN orders_order o ON o.id = c.order_id"
            " WHERE o.external_id = ANY(%s) OR ('S-' || o.id) = ANY(%s)))"
        )
        params += [names, names, names, f"%{_like(chosen.text)}", names, names]
    return " AND ".join(parts), params


def _like(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _midnight(actor: Actor) -> datetime:
    """When today began where the company is."""
    local = clock.now().astimezone(ZoneInfo(actor.timezone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def parcels(actor: Actor, chosen: Filter, *, below: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Newest first, with ids below ``below``. One query."""
    where, params = _conditions(actor, chosen)
    if below is not None:
        where, params = f"{where} AND s.id < %s", [*params, below]
    rows = bulk.fetch(f"{_ROWS} WHERE {where} ORDER BY s.id DESC LIMIT %s", [*params, limit])
    return [_shown(actor, dict(zip(_NAMES, row, strict=True))) for row in rows]


def _shown(actor: Actor, row: dict[str, Any]) -> dict[str, Any]:
    if not actor.can(SEE_PERSONAL):
        row["receiver"] = mask(row["receiver"] or "")
    if isinstance(row["error_params"], str):
        row["error_params"] = json.loads(row["error_params"])
    row["order_number"] = f"S-{row['order_id']}" if row["order_id"] else ""
    return row


def ids(actor: Actor, chosen: Filter, limit: int) -> list[int]:
    where, params = _conditions(actor, chosen)
    return [
        row[0] for row in bulk.fetch(f"SELECT s.id FROM logistics_shipment s WHERE {where} LIMIT %s", [*params, limit])
    ]


def counts(actor: Actor) -> dict[str, int]:
    """{tab: parcels} in one query; only parcels under way are counted, the ends of their lives are many."""
    where, params = _conditions(actor, Filter("all"))
    open_states = sorted({state for tab in ("ready", "packed", "waiting", "failed", "moving") for state in TABS[tab]})
    rows = bulk.fetch(
        f"SELECT s.state, count(*) FROM logistics_shipment s WHERE {where} AND s.state = ANY(%s) GROUP BY s.state",
        [*params, open_states],
    )
    by_state = dict(rows)
    out = {
        tab: sum(by_state.get(one, 0) for one in TABS[tab])
        for tab in ("ready", "packed", "waiting", "failed", "moving")
    }
    today, more = _conditions(actor, Filter("handed_today"))
    out["handed_today"] = bulk.fetch(f"SELECT count(*) FROM logistics_shipment s WHERE {today}", more)[0][0]
    return out


def on_floor(actor: Actor) -> int:
    """Parcels with their label that still stand in the house."""
    where, params = _conditions(actor, Filter("all"))
    sql = f"SELECT count(*) FROM logistics_shipment s WHERE {where} AND s.state = ANY(%s)"
    return int(bulk.fetch(sql, [*params, sorted(states.ON_FLOOR)])[0][0])


def failed(actor: Actor) -> int:
    where, params = _conditions(actor, Filter("failed"))
    return int(bulk.fetch(f"SELECT count(*) FROM logistics_shipment s WHERE {where}", params)[0][0])


def failed_letters(actor: Actor, before: int | None, limit: int) -> Sequence[desk.Letter]:
    """Failed bookings for the dead-letter desk; it opens the order, where the cause is mended."""
    from django.urls import reverse

    return [
        desk.Letter(
            id=row["id"],
            what=row["service"],
            label=row["order_number"] or row["reference"],
            place=row["account"] or row["warehouse"] or "",
            code=row["error_code"],
            params=row["error_params"] or {},
            attempts=0,
            at=row["ship_by"] or clock.now(),
            href=reverse("orders:show", args=[row["order_id"]]) if row["order_id"] else "",
        )
        for row in parcels(actor, Filter("failed"), below=before, limit=limit)
    ]


def warehouses(actor: Actor) -> list[tuple[str, str]]:
    rows = Warehouse.objects.order_by("name").values_list("pk", "name")
    return [(str(pk), name) for pk, name in rows if actor.sees_warehouse(pk)]


def services(actor: Actor) -> list[tuple[str, str]]:
    actor.require(permissions.VIEW)
    return [(str(pk), name) for pk, name in Service.objects.order_by("name").values_list("pk", "name")]


# -- the desk -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beside:
    """What a clerk must know besides the parcel's own row."""

    note: str = ""
    state: str = ""
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    label: str = ""  # uid of the stored file
    weighings: tuple[Weighing, ...] = ()


def beside(actor: Actor, parcel: finding.Scanned) -> Beside:
    """Note, state and reason of the order, the label's file, former weighings. Two queries."""
    rows = bulk.fetch(
        "SELECT o.buyer_note, o.state, o.reason_code, o.reason_params, o.tags, f.uid FROM (SELECT 1) x"
        " LEFT JOIN orders_order o ON o.id = %s LEFT JOIN records_storedfile f ON f.id = %s",
        [parcel.order_id, parcel.label_file_id],
    )
    note, state, code, params, tags, label = rows[0]
    load = json.loads
    return Beside(
        note=(note or "") if actor.can(SEE_PERSONAL) else "",
        state=state or "",
        code=code or "",
        params=(load(params) if isinstance(params, str) else params) or {},
        tags=tuple((load(tags) if isinstance(tags, str) else tags) or ()),
        label=str(label or ""),
        weighings=tuple(Weighing.objects.filter(shipment_id=parcel.shipment_id).order_by("-pk")[:5]),
    )


def label_uid(actor: Actor, shipment_id: int) -> str:
    """The label's file. Raises BusinessError ``shipment.not_found``, ``label.none``."""
    rows = bulk.fetch(
        "SELECT s.warehouse_ref, f.uid FROM logistics_shipment s LEFT JOIN records_storedfile f ON f.id = s.label_file_id"
        " WHERE s.id = %s",
        [shipment_id],
    )
    if not rows or not actor.sees_warehouse(rows[0][0]):
        raise BusinessError("shipment.not_found")
    if rows[0][1] is None:
        raise BusinessError("label.none")
    return str(rows[0][1])


def latest(actor: Actor, limit: int = 8) -> list[dict[str, Any]]:
    """The parcels that were handed over last, for the desk's side."""
    where, params = _conditions(actor, Filter("handed_today"))
    rows = bulk.fetch(
        "SELECT s.id, coalesce(nullif(s.tracking_number, ''), s.waybill), s.weight_g, s.handed_at FROM logistics_shipment s"
        f" WHERE {where} ORDER BY s.handed_at DESC, s.id DESC LIMIT %s",
        [*params, limit],
    )
    return [dict(zip(("id", "number", "weight_g", "handed_at"), row, strict=True)) for row in rows]


# -- hand-over lists ----------------------------------------------------------------------------------------------------


def open_lists(actor: Actor) -> list[dict[str, Any]]:
    """What was handed over and is on no list yet, by carrier account and warehouse."""
    names = dict(Warehouse.objects.values_list("pk", "name"))
    return [
        {"account": pk, "name": name, "warehouse": place, "place": names.get(place, ""), "parcels": n, "grams": grams}
        for pk, name, place, n, grams in waiting_for_manifest(actor)
    ]


def closed_lists(actor: Actor) -> list[tuple[Manifest, str]]:
    """(list, uid of its PDF), newest first."""
    found = manifests(actor)
    uids = dict(StoredFile.objects.filter(pk__in=[one.file_id for one in found]).values_list("pk", "uid"))
    return [(one, str(uids.get(one.file_id or 0, ""))) for one in found]

"""Reads of parcels: the list by state, carrier and alarm with cheap counts, and the board of carriers.

Every function takes the actor and narrows to the warehouses and accounts it may see.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from core import clock
from core.permissions import SEE_PERSONAL, Actor
from core.ui import desk
from core.words import say
from fulfilment import alarms, finding
from fulfilment.alarms import JOIN, moments, named
from inventory.models import Warehouse
from logistics import permissions, states
from logistics.models import CarrierAccount, Service
from orders.queries import mask

# Tab → states; "handed_today" is narrowed by time besides, "alarm" by what rings.
TABS: dict[str, tuple[str, ...]] = {
    "ready": (states.READY,),
    "packed": (states.PACKED,),
    "handed_today": (states.HANDED, states.DELIVERED, states.RETURNED),
    "alarm": tuple(sorted({one for some in alarms.IN_STATES.values() for one in some})),
    "waiting": (states.QUEUED, states.BOOKING, states.WAITING, states.CANCELLING),
    "failed": (states.FAILED,),
    "moving": (states.HANDED,),
    "delivered": (states.DELIVERED,),
    "returned": (states.RETURNED,),
    "cancelled": (states.CANCELLED,),
    "all": states.ALL,
}
COUNTED = ("ready", "packed", "waiting", "failed", "moving")
PRINTED = ("new", "once", "again")
_NAMES = (
    "id reference state number waybill country receiver service service_id carrier warehouse order_id external_id account"
    " expected_g weight_g printed_at print_count handed_at label error_code error_params needs track_main track_sub track_at"
    " conflict sku title units skus ship_by alarm alarm_since"
).split()
_ROWS = f"""
SELECT s.id, s.reference, s.state, s.tracking_number, s.waybill, s.country, s.receiver->>'name', v.name, s.service_id,
       ca.name, w.name, c.order_id, o.external_id, a.name, s.expected_weight_g, s.weight_g, s.printed_at, s.print_count,
       s.handed_at, f.uid, s.error_code, s.error_params, s.needs, s.track_main, s.track_sub, s.track_at,
       coalesce(o.conflict, ''), first.sku, first.title, first.units, first.skus, o.ship_by, alarm.kind, alarm.since
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  JOIN logistics_carrieraccount ca ON ca.id = v.carrier_account_id
  LEFT JOIN inventory_warehouse w ON w.id = s.warehouse_ref
  LEFT JOIN records_storedfile f ON f.id = s.label_file_id
  LEFT JOIN orders_consignment c ON c.shipment_id = s.id LEFT JOIN orders_order o ON o.id = c.order_id
  LEFT JOIN channels_account a ON a.id = o.account_id
  LEFT JOIN LATERAL (SELECT min(coalesce(k.code, l.seller_sku)) AS sku, min(coalesce(nullif(k.title, ''), l.title)) AS title,
                            sum(l.units / greatest(l.quantity, 1) * cl.quantity) AS units, count(*) AS skus
                       FROM orders_consignmentline cl JOIN orders_orderline l ON l.id = cl.line_id
                       LEFT JOIN inventory_sku k ON k.id = l.sku_id WHERE cl.consignment_id = c.id) first ON true
  {JOIN}
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """``printed``: new (never), once, again; ``alarms``: kinds; ``carriers``: carrier accounts."""

    tab: str = "ready"
    text: str = ""
    warehouses: tuple[int, ...] = ()
    services: tuple[int, ...] = ()
    carriers: tuple[int, ...] = ()
    countries: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()

    @property
    def rings(self) -> bool:
        return self.tab == "alarm" or bool(self.alarms)


def conditions(actor: Actor, chosen: Filter) -> tuple[str, dict[str, Any]]:
    """WHERE over ``logistics_shipment s`` (with ``alarms.JOIN`` where ``chosen.rings``) and its named parameters."""
    actor.require(permissions.VIEW)
    wanted = set(TABS.get(chosen.tab, states.ALL))
    if chosen.alarms:
        wanted &= {one for kind in chosen.alarms for one in alarms.IN_STATES.get(kind, ())}
    parts: list[str] = ["s.state = ANY(%(states)s)"]
    params: dict[str, Any] = {"states": sorted(wanted)}
    if chosen.tab == "handed_today":
        parts.append("s.handed_at >= %(midnight)s")
        params["midnight"] = _midnight(actor)
    allowed = set(chosen.warehouses) or None
    if actor.warehouses is not None:
        allowed = (allowed or set(actor.warehouses)) & actor.warehouses
    if allowed is not None:
        parts.append("s.warehouse_ref = ANY(%(places)s)")
        params["places"] = sorted(allowed)
    if actor.accounts is not None:
        parts.append(
            "EXISTS (SELECT 1 FROM orders_consignment x JOIN orders_order y ON y.id = x.order_id"
            " WHERE x.shipment_id = s.id AND y.account_id = ANY(%(accounts)s))"
        )
        params["accounts"] = sorted(actor.accounts)
    if chosen.services or chosen.carriers:
        parts.append(
            "s.service_id IN (SELECT id FROM logistics_service WHERE id = ANY(%(services)s)"
            " OR carrier_account_id = ANY(%(carriers)s))"
        )
        params |= {"services": list(chosen.services), "carriers": list(chosen.carriers)}
    if chosen.countries:
        parts.append("s.country = ANY(%(countries)s)")
        params["countries"] = list(chosen.countries)
    if chosen.printed:
        either = {"new": "s.print_count = 0", "once": "s.print_count = 1", "again": "s.print_count > 1"}
        parts.append(f"({' OR '.join(either[one] for one in chosen.printed if one in either) or 'true'})")
    if chosen.rings:
        parts.append("alarm.kind = ANY(%(kinds)s)")
        params["kinds"] = [kind for kind in (chosen.alarms or alarms.KINDS) if kind in alarms.KINDS]
    if chosen.text:
        parts.append(_search(chosen.text, params))
    return " AND ".join(parts), params


def _search(text: str, params: dict[str, Any]) -> str:
    params["names"], params["tail"] = finding.candidates(text), f"%{_like(text)}"
    return (
        "(s.tracking_number = ANY(%(names)s) OR s.waybill = ANY(%(names)s) OR s.reference = ANY(%(names)s)"
        " OR s.tracking_number LIKE %(tail)s OR s.id IN (SELECT c.shipment_id FROM orders_consignment c"
        " JOIN orders_order o ON o.id = c.order_id WHERE o.external_id = ANY(%(names)s) OR ('S-' || o.id) = ANY(%(names)s)))"
    )


def _like(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _midnight(actor: Actor) -> datetime:
    """When today began where the company is."""
    local = clock.now().astimezone(ZoneInfo(actor.timezone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def parcels(
    actor: Actor, chosen: Filter, *, below: int | None = None, above: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Newest first, with ids below ``below`` (or the nearest above ``above``). Two queries: thresholds and rows."""
    where, params = conditions(actor, chosen)
    params |= {**moments(), "limit": limit}
    order = "DESC"
    if below is not None:
        where, params["edge"] = f"{where} AND s.id < %(edge)s", below
    elif above is not None:
        where, params["edge"], order = f"{where} AND s.id > %(edge)s", above, "ASC"
    rows = named(f"{_ROWS} WHERE {where} ORDER BY s.id {order} LIMIT %(limit)s", params)
    return [_shown(actor, dict(zip(_NAMES, row, strict=True))) for row in (rows if order == "DESC" else rows[::-1])]


def _shown(actor: Actor, row: dict[str, Any]) -> dict[str, Any]:
    if not actor.can(SEE_PERSONAL):
        row["receiver"] = mask(row["receiver"] or "")
    if isinstance(row["error_params"], str):
        row["error_params"] = json.loads(row["error_params"])
    row["order_number"] = f"S-{row['order_id']}" if row["order_id"] else ""
    return row


def _from(chosen: Filter) -> str:
    return f"logistics_shipment s {JOIN}" if chosen.rings else "logistics_shipment s"


def ids(actor: Actor, chosen: Filter, limit: int) -> list[int]:
    where, params = conditions(actor, chosen)
    params |= {"limit": limit, **(moments() if chosen.rings else {})}
    return [row[0] for row in named(f"SELECT s.id FROM {_from(chosen)} WHERE {where} LIMIT %(limit)s", params)]


def neighbours(actor: Actor, chosen: Filter, shipment_id: int) -> tuple[int | None, int | None]:
    """(newer, older) parcel in the list one came from. One query besides the thresholds."""
    where, params = conditions(actor, chosen)
    params |= {"id": shipment_id, **(moments() if chosen.rings else {})}

    def nearest(sign: str, order: str) -> str:
        return f"(SELECT s.id FROM {_from(chosen)} WHERE {where} AND s.id {sign} %(id)s ORDER BY s.id {order} LIMIT 1)"

    newer, older = named(f"SELECT {nearest('>', 'ASC')}, {nearest('<', 'DESC')}", params)[0]
    return newer, older


def counts(actor: Actor) -> dict[str, int]:
    """{tab: parcels} of the tabs under way; the ends of parcels' lives are many and not counted. Four queries."""
    where, params = conditions(actor, Filter("all"))
    params["states"] = sorted({state for tab in COUNTED for state in TABS[tab]})
    sql = f"SELECT s.state, count(*) FROM logistics_shipment s WHERE {where} GROUP BY s.state"
    by_state = dict(named(sql, params))
    out = {tab: sum(by_state.get(one, 0) for one in TABS[tab]) for tab in COUNTED}
    today, more = conditions(actor, Filter("handed_today"))
    out["handed_today"] = named(f"SELECT count(*) FROM logistics_shipment s WHERE {today}", more)[0][0]
    out["alarm"] = sum(alarm_counts(actor).values())
    return out


def alarm_counts(actor: Actor) -> dict[str, int]:
    """{kind: parcels} of what rings. One query over the parcels under way and the returns, besides the thresholds."""
    chosen = Filter("alarm")
    where, params = conditions(actor, chosen)
    sql = f"SELECT alarm.kind, count(*) FROM {_from(chosen)} WHERE {where} GROUP BY alarm.kind"
    return dict(named(sql, {**params, **moments()}))


def _count(actor: Actor, chosen: Filter, some: Sequence[str] = ()) -> int:
    where, params = conditions(actor, chosen)
    if some:
        params["states"] = sorted(some)
    return int(named(f"SELECT count(*) FROM logistics_shipment s WHERE {where}", params)[0][0])


def on_floor(actor: Actor) -> int:
    """Parcels with their label that still stand in the house."""
    return _count(actor, Filter("all"), sorted(states.ON_FLOOR))


def failed(actor: Actor) -> int:
    return _count(actor, Filter("failed"))


def failed_letters(actor: Actor, before: int | None, limit: int) -> Sequence[desk.Letter]:
    """Failed bookings for the dead-letter desk; it opens the order, where the cause is mended."""
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


# -- choices of filters -------------------------------------------------------------------------------------------------


def warehouses(actor: Actor) -> list[tuple[str, str]]:
    rows = Warehouse.objects.order_by("name").values_list("pk", "name")
    return [(str(pk), name) for pk, name in rows if actor.sees_warehouse(pk)]


def services(actor: Actor) -> list[tuple[str, str]]:
    actor.require(permissions.VIEW)
    rows = Service.objects.order_by("carrier_account__name", "name").values_list("pk", "name", "carrier_account__name")
    return [(str(pk), f"{name} · {carrier}") for pk, name, carrier in rows]


def carriers(actor: Actor) -> list[tuple[str, str]]:
    actor.require(permissions.VIEW)
    return [(str(pk), name) for pk, name in CarrierAccount.objects.order_by("name").values_list("pk", "name")]


def kinds(actor: Actor) -> list[tuple[str, str]]:
    """Alarms that ring, with how many; others too, so that a saved view keeps its name."""
    found = alarm_counts(actor)
    return [(kind, say(f"alarm.{kind}") + (f" · {found[kind]}" if kind in found else "")) for kind in alarms.KINDS]


def prints(actor: Actor) -> list[tuple[str, str]]:
    return [(one, say(f"printed.{one}")) for one in PRINTED]


# -- the board ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """Parcels of one carrier account in one warehouse: {column: how many}. ``alarms``: {kind: how many}."""

    carrier: int
    name: str
    place: int
    warehouse: str
    cells: dict[str, int]
    alarms: dict[str, int]


BOARD = ("waiting", "failed", "ready", "packed", "handed_today", "moving", "alarm")


def board(actor: Actor) -> list[Row]:
    """Carriers by warehouse with what stands where. Two queries besides the thresholds."""
    where, params = conditions(actor, Filter("all"))
    params["states"] = sorted({state for tab in (*COUNTED, "alarm", "handed_today") for state in TABS[tab]})
    params |= {**moments(), "midnight": _midnight(actor), "open": sorted({s for tab in COUNTED for s in TABS[tab]})}
    rows = named(
        "SELECT v.carrier_account_id, ca.name, s.warehouse_ref, w.name, s.state, alarm.kind,"
        " s.handed_at >= %(midnight)s, count(*)"
        " FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id"
        " JOIN logistics_carrieraccount ca ON ca.id = v.carrier_account_id"
        f" LEFT JOIN inventory_warehouse w ON w.id = s.warehouse_ref {JOIN}"
        f" WHERE {where} AND (s.state = ANY(%(open)s) OR s.handed_at >= %(midnight)s OR alarm.kind IS NOT NULL)"
        " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 2, 4",
        params,
    )
    out: dict[tuple[int, int], Row] = {}
    for carrier, name, place, warehouse, state, kind, today, many in rows:
        row = out.setdefault((carrier, place), Row(carrier, name, place, warehouse or "", dict.fromkeys(BOARD, 0), {}))
        for tab in COUNTED:
            if state in TABS[tab]:
                row.cells[tab] += many
        if today and state in TABS["handed_today"]:
            row.cells["handed_today"] += many
        if kind:
            row.cells["alarm"] += many
            row.alarms[kind] = row.alarms.get(kind, 0) + many
    return list(out.values())

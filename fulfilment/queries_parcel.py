"""One parcel with all that is known of it: its way in the carrier's own words, its labels on paper, weighings, siblings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import SEE_COST, SEE_PERSONAL, Actor
from core.personal import log_read
from fulfilment import alarms, finding
from fulfilment.finding import ScannedLine
from fulfilment.models import LabelPrint, Weighing
from logistics import canonical as c
from logistics import permissions, states
from logistics.models import TrackingEvent
from orders.queries import mask

_NAMES = (
    "id reference state service service_id carrier carrier_id carrier_kind warehouse warehouse_id country receiver"
    " expected_g weight_g length_mm width_mm height_mm chargeable_g divisor waybill number needs cost cost_currency"
    " error_code error_params attempts next_at printed_at print_count weighed_at handed_at delivered_at created_at"
    " reopened_at track_main track_sub track_at poll_at registered_at manifest manifest_id label order_id external_id"
    " order_state account account_id platform conflict ship_by consignment_id"
).split()
_SQL = """
SELECT s.id, s.reference, s.state, v.name, v.id, a.name, a.id, a.carrier, w.name, s.warehouse_ref, s.country, s.receiver,
       s.expected_weight_g, s.weight_g, s.length_mm, s.width_mm, s.height_mm, s.chargeable_g, v.divisor, s.waybill,
       s.tracking_number, s.needs, s.cost, s.cost_currency, s.error_code, s.error_params, s.attempts, s.next_at,
       s.printed_at, s.print_count, s.weighed_at, s.handed_at, s.delivered_at, s.created_at, s.reopened_at, s.track_main,
       s.track_sub, s.track_at, s.poll_at, s.registered_at, m.number, m.id, f.uid, o.id, o.external_id, o.state, ch.name,
       o.account_id, coalesce(o.platform, s.platform), coalesce(o.conflict, ''), o.ship_by, k.id
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id
  LEFT JOIN inventory_warehouse w ON w.id = s.warehouse_ref
  LEFT JOIN logistics_manifest m ON m.id = s.manifest_id
  LEFT JOIN records_storedfile f ON f.id = s.label_file_id
  LEFT JOIN orders_consignment k ON k.shipment_id = s.id LEFT JOIN orders_order o ON o.id = k.order_id
  LEFT JOIN channels_account ch ON ch.id = o.account_id
 WHERE s.id = %s
"""
SAMPLE = 2000  # delivered parcels, newest first, among which those of the same service and country are looked for
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Milestone:
    """One step of the way. ``at`` with the carrier's own offset where it told one (``local``)."""

    at: datetime
    local: str
    main: str
    sub: str
    code: str
    words: str
    place: str
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Between which moments parcels like this one arrive (four of five do); ``known``: of how many that is learned."""

    early: datetime
    late: datetime
    known: int
    median_days: int


@dataclass(frozen=True, slots=True)
class Sibling:
    id: int
    reference: str
    number: str
    state: str


@dataclass
class Parcel:
    """``row``: the parcel by name (``_NAMES``), money only with the right to costs."""

    row: dict[str, Any]
    miles: list[Milestone] = field(default_factory=list)
    lines: Sequence[ScannedLine] = ()
    prints: list[LabelPrint] = field(default_factory=list)
    weighings: list[Weighing] = field(default_factory=list)
    siblings: list[Sibling] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    alarm: dict[str, Any] | None = None
    estimate: Estimate | None = None


def parcel(actor: Actor, shipment_id: int) -> Parcel:
    """A fixed number of queries. Raises BusinessError ``shipment.not_found`` outside of the actor's scope too."""
    row = _row(actor, shipment_id)
    out = Parcel(row)
    out.miles = [
        _mile(one) for one in TrackingEvent.objects.filter(shipment_id=shipment_id).order_by("-at", "-id")[:300]
    ]
    out.lines = finding.lines_of(row["consignment_id"])
    out.prints = list(LabelPrint.objects.filter(shipment_id=shipment_id).order_by("-id")[:50])
    out.weighings = list(Weighing.objects.filter(shipment_id=shipment_id).order_by("-id")[:20])
    out.siblings = siblings(actor, row["order_id"], shipment_id)
    out.alarm = alarms.of_parcel(actor, shipment_id)
    out.history = _history(shipment_id)
    if row["state"] == states.HANDED and row["handed_at"] is not None:
        out.estimate = _estimate(row)
    return out


def _row(actor: Actor, shipment_id: int) -> dict[str, Any]:
    actor.require(permissions.VIEW)
    rows = bulk.fetch(_SQL, [shipment_id])
    row = dict(zip(_NAMES, rows[0], strict=True)) if rows else {}
    own = row and (row["account_id"] is None or actor.sees_account(row["account_id"]))
    if not own or not actor.sees_warehouse(row["warehouse_id"]):
        raise BusinessError("shipment.not_found")
    for name in ("receiver", "error_params"):
        if isinstance(row[name], str):
            row[name] = json.loads(row[name])
    row["order_number"] = f"S-{row['order_id']}" if row["order_id"] else ""
    row["receiver"] = _receiver(actor, shipment_id, row["receiver"] or {})
    if not actor.can(SEE_COST):
        row["cost"] = None
    return row


def _receiver(actor: Actor, shipment_id: int, person: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: person.get(name) or "" for name in ("name", "company", "city", "region", "postcode", "phone")}
    kept["lines"] = ", ".join(str(one) for one in person.get("lines") or () if one)
    if actor.can(SEE_PERSONAL):
        if actor.kind != "system" and kept["name"]:
            log_read(actor, "shipment", shipment_id, "receiver", always=False)
        return kept
    return {name: mask(value) if value else "" for name, value in kept.items()}


def _mile(event: TrackingEvent) -> Milestone:
    zone = UTC if event.offset_minutes is None else timezone(timedelta(minutes=event.offset_minutes))
    local = "" if event.offset_minutes is None else event.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return Milestone(event.at, local, event.main, event.sub, event.code, event.description, event.place, event.source)


def siblings(actor: Actor, order_id: int | None, but: int) -> list[Sibling]:
    """The order's other parcels that stand."""
    if order_id is None:
        return []
    rows = bulk.fetch(
        "SELECT s.id, s.reference, coalesce(nullif(s.tracking_number, ''), s.waybill), s.state, s.warehouse_ref"
        " FROM orders_consignment k JOIN logistics_shipment s ON s.id = k.shipment_id"
        " WHERE k.order_id = %s AND s.id <> %s ORDER BY s.id",
        [order_id, but],
    )
    return [Sibling(*row[:4]) for row in rows if actor.sees_warehouse(row[4])]


def named(actor: Actor, shipment_ids: Sequence[int]) -> list[Sibling]:
    """Parcels to choose from."""
    rows = bulk.fetch(
        "SELECT id, reference, coalesce(nullif(tracking_number, ''), waybill), state, warehouse_ref"
        " FROM logistics_shipment WHERE id = ANY(%s) ORDER BY id",
        [list(shipment_ids)],
    )
    return [Sibling(*row[:4]) for row in rows if actor.sees_warehouse(row[4])]


def _history(shipment_id: int) -> list[dict[str, Any]]:
    rows = bulk.fetch(
        "SELECT at, actor_kind, actor_label, code, params FROM records_auditentry"
        " WHERE kind = 'shipment' AND object_id = %s ORDER BY id DESC LIMIT 100",
        [shipment_id],
    )
    out = [dict(zip(("at", "actor_kind", "actor_label", "code", "params"), row, strict=True)) for row in rows]
    for entry in out:
        if isinstance(entry["params"], str):
            entry["params"] = json.loads(entry["params"])
    return out


def _estimate(row: Mapping[str, Any]) -> Estimate | None:
    """Learned from own parcels of the same service to the same country; None while too few have arrived."""
    rows = bulk.fetch(
        "SELECT count(*), percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP ("
        "  ORDER BY extract(epoch FROM delivered_at - handed_at))"
        " FROM (SELECT service_id, country, delivered_at, handed_at FROM logistics_shipment WHERE state = %s"
        "        ORDER BY id DESC LIMIT %s) s"
        " WHERE s.service_id = %s AND s.country = %s AND s.delivered_at > s.handed_at",
        [states.DELIVERED, SAMPLE, row["service_id"], row["country"]],
    )
    known, shares = rows[0]
    if known < ENOUGH or shares is None:
        return None
    early, median, late = (float(one) for one in shares)
    start = row["handed_at"]
    return Estimate(
        start + timedelta(seconds=early), start + timedelta(seconds=late), known, max(1, round(median / 86400))
    )


# -- what may be done ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acts:
    """Which buttons the page shows; each is asked for again by its service."""

    print_label: bool = False
    desk: bool = False
    rebook: bool = False
    accept_number: bool = False
    take_back: bool = False
    note_milestone: bool = False
    undo_hand_over: bool = False


def acts(actor: Actor, found: Parcel, *, may_cancel: bool, may_undo: bool) -> Acts:
    row = found.row
    state = row["state"]
    return Acts(
        print_label=bool(row["label"]) and state not in (states.CANCELLED, states.CANCELLING, states.FAILED)
        and actor.can(permissions.LABEL),
        desk=state in states.ON_FLOOR,
        rebook=state == states.FAILED and not row["waybill"] and actor.can(permissions.BOOK),
        accept_number=state == states.FAILED and bool(row["waybill"] and row["number"]) and actor.can(permissions.BOOK),
        take_back=state in states.CANCELLABLE and row["order_id"] is not None and may_cancel,
        note_milestone=state in states.GONE and bool(row["number"] or row["waybill"]) and actor.can(permissions.TRACK),
        undo_hand_over=state == states.HANDED and may_undo and row["manifest_id"] is None
        and row["handed_at"] is not None and clock.now() - row["handed_at"] < timedelta(hours=1),
    )  # fmt: skip


NOTED = (c.IN_TRANSIT, c.OUT_FOR_DELIVERY, c.PICKUP, c.FAILED, c.DELIVERED, c.EXCEPTION, c.RETURNED)

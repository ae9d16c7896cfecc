"""What pages ask of logistics. Every function takes the actor and narrows by warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core import bulk, clock
from core.permissions import Actor
from logistics import permissions
from logistics.models import CarrierAccount, Manifest, Service, Shipment, TrackingEvent

SILENT_AFTER = timedelta(days=5)
CUSTOMS_AFTER = timedelta(hours=48)
STUCK_AFTER = timedelta(hours=1)
LISTED_WITHIN = timedelta(days=60)  # a parcel handed over longer ago waits for no hand-over list
PROBLEMS = ("Exception", "DeliveryFailure", "Expired")

# Kinds of alarm, in the order in which they are shown.
FAILED, STUCK, SILENT, PROBLEM, CUSTOMS, MOVING, REOPENED = (
    "failed",
    "stuck",
    "silent",
    "problem",
    "customs",
    "moving",
    "reopened",
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A parcel that wants a person. ``since``: since when; ``code``/``params``: the reason, for ``core.words``."""

    kind: str
    shipment_id: int
    reference: str
    number: str
    country: str
    since: datetime | None
    code: str
    params: dict[str, Any]


_ALARMS = """
SELECT kind, id, reference, coalesce(nullif(tracking_number, ''), waybill), country, since, error_code, error_params
  FROM (
    SELECT 'failed' AS kind, 1 AS rank, s.*, s.created_at AS since FROM logistics_shipment s WHERE s.state = 'failed'
    UNION ALL
    SELECT 'stuck', 2, s.*, s.created_at FROM logistics_shipment s
     WHERE s.state IN ('queued', 'booking', 'waiting', 'cancelling') AND s.created_at < %(stuck)s
    UNION ALL
    SELECT 'silent', 3, s.*, coalesce(s.track_at, s.handed_at) FROM logistics_shipment s
     WHERE s.state = 'handed' AND coalesce(s.track_at, s.handed_at) < %(silent)s
       AND s.track_main <> ALL(%(problems)s)
    UNION ALL
    SELECT 'problem', 4, s.*, s.track_at FROM logistics_shipment s
     WHERE s.state = 'handed' AND s.track_main = ANY(%(problems)s)
    UNION ALL
    SELECT 'customs', 5, s.*, s.track_at FROM logistics_shipment s
     WHERE s.state = 'handed' AND s.track_main = 'InTransit' AND s.track_sub IN ('customs', 'customs_info_needed')
       AND s.track_at < %(customs)s AND s.track_at >= %(silent)s
    UNION ALL
    SELECT 'moving', 6, s.*, s.track_at FROM logistics_shipment s
     WHERE s.state IN ('ready', 'packed') AND s.track_main IN ('InTransit', 'OutForDelivery', 'Delivered')
    UNION ALL
    SELECT 'reopened', 7, s.*, s.reopened_at FROM logistics_shipment s
     WHERE s.state = 'handed' AND s.reopened_at IS NOT NULL
  ) alarm
 WHERE %(all)s OR warehouse_ref = ANY(%(warehouses)s)
 ORDER BY rank, since, id LIMIT %(limit)s
"""


def alarms(actor: Actor, limit: int = 200) -> list[Alarm]:
    """Parcels that want a person: refused, stuck, silent for 5 days, in trouble, held by customs, moving unseen."""
    actor.require(permissions.VIEW)
    now = clock.now()
    params: dict[str, Any] = {
        "stuck": now - STUCK_AFTER,
        "silent": now - SILENT_AFTER,
        "customs": now - CUSTOMS_AFTER,
        "problems": list(PROBLEMS),
        "all": actor.warehouses is None,
        "warehouses": sorted(actor.warehouses or ()),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ALARMS, params)
        rows = cursor.fetchall()
    return [
        Alarm(kind, pk, reference, number, country, since, code or f"alarm.{kind}", _params(told))
        for kind, pk, reference, number, country, since, code, told in rows
    ]


def _params(value: Any) -> dict[str, Any]:
    return dict(bulk.unpacked(value) or {})


def shipments(actor: Actor) -> QuerySet[Shipment]:
    """Parcels of the actor's warehouses."""
    actor.require(permissions.VIEW)
    found: QuerySet[Shipment] = Shipment.objects.select_related("service__carrier_account")
    return found if actor.warehouses is None else found.filter(warehouse_ref__in=actor.warehouses)


def timeline(actor: Actor, shipment_id: int) -> list[TrackingEvent]:
    """Milestones of one parcel, newest first."""
    if not shipments(actor).filter(pk=shipment_id).exists():
        return []
    return list(TrackingEvent.objects.filter(shipment_id=shipment_id).order_by("-at", "-id"))


def carrier_accounts(actor: Actor) -> list[CarrierAccount]:
    actor.require(permissions.VIEW)
    return list(CarrierAccount.objects.prefetch_related("services").order_by("name", "pk"))


def services(actor: Actor) -> list[Service]:
    """Active services, for rules and order pages."""
    actor.require(permissions.VIEW)
    return list(Service.objects.filter(active=True, carrier_account__active=True).order_by("name", "pk"))


def manifests(actor: Actor, limit: int = 100) -> list[Manifest]:
    actor.require(permissions.VIEW)
    found = Manifest.objects.select_related("carrier_account").order_by("-closed_at", "-pk")
    if actor.warehouses is not None:
        found = found.filter(warehouse_ref__in=actor.warehouses)
    return list(found[:limit])


def waiting_for_manifest(actor: Actor) -> list[tuple[int, str, int, int, int]]:
    """[(carrier account, its name, warehouse, parcels, grams)] handed over and not on a list yet."""
    actor.require(permissions.VIEW)
    rows = bulk.fetch(
        "SELECT a.id, a.name, s.warehouse_ref, count(*), sum(coalesce(s.weight_g, s.expected_weight_g))"
        " FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id"
        " JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id"
        " WHERE s.handed_at > %s AND s.manifest_id IS NULL AND s.state IN ('handed', 'delivered', 'returned')"
        " GROUP BY a.id, a.name, s.warehouse_ref ORDER BY a.name, s.warehouse_ref",
        [clock.now() - LISTED_WITHIN],
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows if actor.sees_warehouse(row[2])]

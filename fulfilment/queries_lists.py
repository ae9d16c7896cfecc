"""Hand-over lists: what waits for one by carrier and warehouse, closed ones, and one list with its parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import StoredFile
from fulfilment.models import ManifestPrint
from inventory.models import Warehouse
from logistics import permissions
from logistics.models import CarrierAccount, Manifest
from logistics.queries import LISTED_WITHIN, manifests, waiting_for_manifest

SHOWN = 500  # parcels of one list on its page; the PDF has all


@dataclass(frozen=True, slots=True)
class ListedParcel:
    id: int
    number: str
    order: str
    service: str
    country: str
    weight_g: int
    weighed: bool
    handed_at: datetime


@dataclass(frozen=True, slots=True)
class HandOver:
    """``number`` '' while it is open. ``parcels``, ``grams``: of all; ``rows``: the first ``SHOWN``."""

    account: int
    warehouse: int
    carrier: str
    place: str
    parcels: int
    grams: int
    rows: Sequence[ListedParcel]
    id: int | None = None
    number: str = ""
    closed_at: datetime | None = None
    who: str = ""
    prints: Sequence[ManifestPrint] = field(default_factory=tuple)


_PARCELS = """
SELECT s.id, coalesce(nullif(s.tracking_number, ''), nullif(s.waybill, ''), s.reference),
       coalesce('S-' || k.order_id, s.reference), v.name, s.country, coalesce(s.weight_g, s.expected_weight_g),
       s.weight_g IS NOT NULL, s.handed_at
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  LEFT JOIN orders_consignment k ON k.shipment_id = s.id
"""
_OPEN = (
    " v.carrier_account_id = %s AND s.warehouse_ref = %s AND s.handed_at > %s AND s.manifest_id IS NULL"
    " AND s.state IN ('handed', 'delivered', 'returned')"
)


def waiting(actor: Actor) -> list[dict[str, Any]]:
    """What was handed over and is on no list yet, by carrier account and warehouse."""
    names = dict(Warehouse.objects.values_list("pk", "name"))
    return [
        {"account": pk, "name": name, "warehouse": place, "place": names.get(place, ""), "parcels": n, "grams": grams}
        for pk, name, place, n, grams in waiting_for_manifest(actor)
    ]


def closed(actor: Actor) -> list[tuple[Manifest, str]]:
    """(list, name of its warehouse), newest first."""
    names = dict(Warehouse.objects.values_list("pk", "name"))
    return [(one, names.get(one.warehouse_ref, "")) for one in manifests(actor)]


def open_list(actor: Actor, account_id: int, warehouse_id: int) -> HandOver:
    """Raises BusinessError ``carrier.not_found``, ``warehouse.not_found``."""
    actor.require(permissions.VIEW)
    account = CarrierAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise BusinessError("carrier.not_found")
    place = Warehouse.objects.filter(pk=warehouse_id).first()
    if place is None or not actor.sees_warehouse(warehouse_id):
        raise BusinessError("warehouse.not_found")
    named = [account_id, warehouse_id, clock.now() - LISTED_WITHIN]
    total = bulk.fetch(
        "SELECT count(*), coalesce(sum(coalesce(s.weight_g, s.expected_weight_g)), 0) FROM logistics_shipment s"
        f" JOIN logistics_service v ON v.id = s.service_id WHERE {_OPEN}",
        named,
    )[0]
    rows = bulk.fetch(f"{_PARCELS} WHERE {_OPEN} ORDER BY s.id LIMIT %s", [*named, SHOWN])
    return HandOver(
        account_id, warehouse_id, account.name, place.name, total[0], total[1], [ListedParcel(*row) for row in rows]
    )


def _manifest(actor: Actor, pk: int) -> Manifest:
    actor.require(permissions.VIEW)
    found = Manifest.objects.select_related("carrier_account").filter(pk=pk).first()
    if found is None or not actor.sees_warehouse(found.warehouse_ref):
        raise BusinessError("manifest.not_found")
    return found


def closed_list(actor: Actor, pk: int) -> HandOver:
    """Raises BusinessError ``manifest.not_found``."""
    made = _manifest(actor, pk)
    rows = bulk.fetch(f"{_PARCELS} WHERE s.manifest_id = %s ORDER BY s.id LIMIT %s", [pk, SHOWN])
    return HandOver(
        made.carrier_account_id,
        made.warehouse_ref,
        made.carrier_account.name,
        str(Warehouse.objects.values_list("name", flat=True).filter(pk=made.warehouse_ref).first() or ""),
        made.parcels,
        made.weight_g,
        [ListedParcel(*row) for row in rows],
        id=made.pk,
        number=made.number,
        closed_at=made.closed_at,
        who=made.actor_label,
        prints=list(ManifestPrint.objects.filter(manifest_id=pk).order_by("-id")[:50]),
    )


@transaction.atomic
def reprint(actor: Actor, pk: int) -> str:
    """The uid of the list's PDF; that it is printed (again) is kept. Raises BusinessError ``manifest.not_found``."""
    actor.require(permissions.MANIFEST)
    made = _manifest(actor, pk)
    uid = StoredFile.objects.filter(pk=made.file_id or 0).values_list("uid", flat=True).first()
    if uid is None:
        raise BusinessError("manifest.not_found")
    ManifestPrint.objects.create(manifest=made, at=clock.now(), actor_id=actor.id, actor_label=actor.label)
    record(actor, "manifest", pk, "manifest.printed", number=made.number)
    return str(uid)

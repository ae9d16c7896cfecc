"""Shipments: parcels with their tracking and label; weighing and handing over."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Path, Query, Router
from pydantic import Field

from api import reading
from api.v1.base import (
    Call,
    Flag,
    Grams,
    Id,
    Ids,
    In,
    Millimetres,
    Moment,
    Money,
    Out,
    Outcome,
    Page,
    Paged,
    Time,
    money,
    outcome,
    read,
    write,
)
from api.v1.order_shapes import Reason, Receiver, reason
from core import bulk, files
from core.permissions import SEE_COST, SEE_PERSONAL, Actor
from core.personal import log_read
from fulfilment import permissions as floor
from fulfilment import services
from logistics import permissions, queries

router = Router(tags=["Shipments"])
State = Literal[
    "queued", "booking", "waiting", "ready", "packed", "handed", "delivered", "returned", "failed", "cancelling", "cancelled"
]  # fmt: skip
FILE = {
    "description": "The label as it came from the carrier",
    "content": {
        "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        "image/png": {"schema": {"type": "string", "format": "binary"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}


class ShipmentsQuery(Paged):
    state: State | None = None
    tracking_number: str | None = Field(None, max_length=60)
    order_id: Id | None = None
    created_since: Moment | None = None


class ShipmentRow(Out):
    """``service``: its key. ``track``: what the carrier says."""

    id: int
    reference: str
    state: str
    order_id: int | None
    warehouse_id: int
    service: str
    country: str
    waybill: str
    tracking_number: str
    has_label: bool
    expected_weight_g: int | None
    weight_g: int | None
    chargeable_g: int | None
    cost: Money | None
    track_main: str
    track_sub: str
    track_at: Time | None
    problem: Reason | None
    created_at: Time
    printed_at: Time | None
    weighed_at: Time | None
    handed_over_at: Time | None
    delivered_at: Time | None


class Shipment(ShipmentRow):
    """``receiver`` with the scope for personal fields."""

    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    receiver: Receiver | None


class Milestone(Out):
    at: Time
    main: str
    sub: str
    description: str
    place: str
    source: str


class HandIn(In):
    ids: Ids


class WeighIn(In):
    """``accept``: also where it is outside of the tolerance (needs fulfilment.override)."""

    weight_g: Grams
    size_mm: Annotated[list[Millimetres], Field(min_length=3, max_length=3)] | None = Field(
        None, description="Length, width, height"
    )
    accept: Flag = False


class Weighed(Out):
    shipment_id: int
    weight_g: int
    expected_g: int
    tolerance_g: int
    volumetric_g: int
    chargeable_g: int
    verdict: str


@read(router, "/shipments", permissions.VIEW, Page[ShipmentRow], "Shipments, newest first", query=ShipmentsQuery)
def list_shipments(request: Call, query: Query[ShipmentsQuery]) -> Any:
    place = query.place("shipments")
    rows = reading.shipments(
        request.actor,
        states=[query.state] if query.state else [],
        tracking_number=query.tracking_number or "",
        order_id=query.order_id,
        since=query.created_since,
        before=int(place) if place else None,
        limit=query.limit + 1,
    )
    more = rows[query.limit - 1]["id"] if len(rows) > query.limit else None
    return query.page("shipments", [_row(request.actor, one) for one in rows[: query.limit]], more)


@read(router, "/shipments/{int:shipment_id}", permissions.VIEW, Shipment, "One shipment")
def get_shipment(request: Call, shipment_id: Path[Id]) -> Any:
    actor = request.actor
    found = reading.shipment(actor, shipment_id)
    receiver = None
    if actor.can(SEE_PERSONAL):
        log_read(actor, "shipment", shipment_id, "receiver", always=False)
        receiver = _receiver(found["receiver"])
    sides = {name: found[name] for name in ("length_mm", "width_mm", "height_mm")}
    return _row(actor, found) | sides | {"receiver": receiver}


@read(router, "/shipments/{int:shipment_id}/tracking", permissions.VIEW, list[Milestone], "Milestones, newest first")
def get_tracking(request: Call, shipment_id: Path[Id]) -> Any:
    reading.shipment(request.actor, shipment_id)
    names = ("at", "main", "sub", "description", "place", "source")
    found = queries.timeline(request.actor, shipment_id)[:500]
    return [{name: getattr(one, name) for name in names} for one in found]


@read(router, "/shipments/{int:shipment_id}/label", permissions.LABEL, None, "The label's file", body=FILE)
def get_label(request: Call, shipment_id: Path[Id]) -> Any:
    file = reading.label_of(request.actor, shipment_id)
    response = HttpResponse(files.read(file), content_type=file.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="label-{shipment_id}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


@write(router, "/shipments/hand-over", floor.SHIP, Outcome, "Parcels were given to the carrier")
def hand_over(request: Call, body: HandIn) -> Any:
    mine = reading.visible_shipments(request.actor, body.ids)
    made = services.hand_over(actor=request.actor, shipment_ids=[pk for pk in body.ids if pk in mine])
    hidden: dict[int, tuple[str, dict[str, Any]]] = {
        pk: ("shipment.not_found", {}) for pk in body.ids if pk not in mine
    }
    return outcome(made.done, {pk: why for pk, why in made.refused.items() if isinstance(pk, int)} | hidden)


@write(router, "/shipments/{int:shipment_id}/weigh", floor.SHIP, Weighed, "A parcel was weighed")
def weigh(request: Call, shipment_id: Path[Id], body: WeighIn) -> Any:
    reading.shipment(request.actor, shipment_id)
    if body.accept:
        request.actor.require(floor.OVERRIDE)
    size = (body.size_mm[0], body.size_mm[1], body.size_mm[2]) if body.size_mm else None
    made = services.weigh(
        actor=request.actor, shipment=shipment_id, weight_g=body.weight_g, size_mm=size, accept=body.accept
    )
    return {name: getattr(made, name) for name in Weighed.model_fields}


def _row(actor: Actor, one: dict[str, Any]) -> dict[str, Any]:
    params = one["error_params"]
    same = (
        "id reference state order_id warehouse_id service country waybill tracking_number expected_weight_g weight_g"
        " chargeable_g track_main track_sub track_at created_at printed_at weighed_at delivered_at"
    ).split()
    return {name: one[name] for name in same} | {
        "has_label": one["label"] is not None,
        "cost": money(one["cost"], one["cost_currency"]) if actor.can(SEE_COST) else None,
        "problem": reason(one["error_code"], bulk.unpacked(params)),
        "handed_over_at": one["handed_at"],
    }


def _receiver(stored: Any) -> dict[str, Any]:
    """The snapshot that the carrier was given; a field that is not in it is empty."""
    data = bulk.unpacked(stored)
    found = {name: str(data.get(name) or "") for name in Receiver.model_fields if name != "lines"}
    return found | {"lines": [str(line) for line in data.get("lines") or ()]}

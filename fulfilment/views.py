"""The ship desk and the parcels list with its bulk acts. No logic: ``fulfilment.desk`` and the services."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from core import settings_store
from core.errors import BusinessError
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import page
from fulfilment import bulk, desk, finding, permissions, queries_page, queries_parcel, services
from fulfilment.desk import Desk
from fulfilment.pages import ParcelsList
from logistics import permissions as carriers
from logistics import states as parcel_states

POST = ("POST",)
DIRECT = "ship_direct"  # in the session: a parcel whose weight is right is handed over at once


# -- the desk -----------------------------------------------------------------------------------------------------------


@page(permissions.SHIP)
def show(request: PageRequest) -> HttpResponse:
    """The empty desk, or a parcel that a list named."""
    named = request.GET.get("parcel", "")
    state = Desk()
    if named.isdecimal() and len(named) < 19:
        state = desk.scan(request.actor, finding.show(request.actor, int(named)).reference)
    elif "code" in request.GET:
        state = desk.scan(request.actor, request.GET["code"])
    return _desk(request, state)


@page(permissions.SHIP, methods=POST)
def go(request: PageRequest) -> HttpResponse:
    """One entry: a scan, a weight, or Enter."""
    request.session[DIRECT] = request.POST.get("direct") == "1"
    state = desk.go(
        actor=request.actor,
        text=request.POST.get("entry", ""),
        step=request.POST.get("step", ""),
        shipment_id=_number(request, "shipment"),
        grams=_number(request, "grams"),
        direct=request.session[DIRECT],
    )
    return _desk(request, state)


@page(permissions.SHIP, methods=POST)
def accept(request: PageRequest) -> HttpResponse:
    """The button for a weight outside of the tolerance."""
    state = desk.weigh(
        request.actor,
        _wanted(request),
        _number(request, "grams") or 0,
        None,
        accept=True,
        direct=bool(request.session.get(DIRECT)),
    )
    return _desk(request, state)


@page(permissions.SHIP, methods=POST)
def hand(request: PageRequest) -> HttpResponse:
    """The button: hand over, also unweighed; with ``despite`` although the order is in conflict."""
    despite = request.POST.get("despite") == "1"
    return _desk(request, desk.hand_over(request.actor, _wanted(request), despite_conflict=despite))


@page(permissions.UNDO, methods=POST)
def undo_hand(request: PageRequest) -> HttpResponse:
    pk = _wanted(request)
    services.undo_hand_over(actor=request.actor, shipment_id=pk)
    return _desk(request, desk.scan(request.actor, finding.show(request.actor, pk).reference))


@page(permissions.UNDO, methods=POST)
def undo_weight(request: PageRequest) -> HttpResponse:
    pk = _wanted(request)
    services.undo_weighing(actor=request.actor, shipment_id=pk)
    return _desk(request, desk.scan(request.actor, finding.show(request.actor, pk).reference))


def _number(request: PageRequest, name: str) -> int | None:
    given = request.POST.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 19 else None


def _wanted(request: PageRequest) -> int:
    pk = _number(request, "shipment")
    if pk is None:
        raise BusinessError("shipment.not_found")
    return pk


def _standing_beside(request: PageRequest, state: Desk) -> list[queries_parcel.Sibling]:
    """The order's other parcels that may still leave or have left; what was given up is of no use at the desk."""
    if not state.parcel:
        return []
    found = queries_parcel.siblings(request.actor, state.parcel.order_id, state.parcel.shipment_id)
    return [one for one in found if one.state != parcel_states.CANCELLED]


def _desk(request: PageRequest, state: Desk) -> HttpResponse:
    several = (state.problem.params.get("ids") or ()) if state.problem and state.problem.code == "scan.several" else ()
    context: dict[str, Any] = {
        "desk": state,
        "choices": queries_parcel.named(request.actor, several) if several else (),
        "siblings": _standing_beside(request, state),
        "may_print": request.actor.can(carriers.LABEL),
        "parcel": state.parcel,
        "beside": queries_page.beside(request.actor, state.parcel) if state.parcel else None,
        "counts": queries_page.tally(request.actor),
        "latest": queries_page.latest(request.actor),
        "direct": bool(request.session.get(DIRECT)),
        "may_override": request.actor.can(permissions.OVERRIDE),
        "may_undo": request.actor.can(permissions.UNDO),
        "may_list": request.actor.can(carriers.MANIFEST),
    }
    return render(request, "fulfilment/_desk.html" if request.htmx else "fulfilment/desk.html", context)


# -- the list -----------------------------------------------------------------------------------------------------------


@page(carriers.VIEW)
def parcels(request: PageRequest) -> HttpResponse:
    with settings_store.remembered():
        return lists.show(request, ParcelsList())


@page(permissions.SHIP, methods=POST)
def bulk_hand(request: PageRequest) -> HttpResponse:
    return lists.do(request, ParcelsList(), bulk.HAND)


@page(carriers.BOOK, methods=POST)
def bulk_book(request: PageRequest) -> HttpResponse:
    return lists.do(request, ParcelsList(), bulk.BOOK)

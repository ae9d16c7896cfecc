"""The ship desk, the parcels list with its bulk acts, hand-over lists. No logic: ``fulfilment.desk`` and the services."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import BusinessError
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, page
from fulfilment import desk, finding, permissions, printing, queries_page, services
from fulfilment.desk import Desk
from fulfilment.pages import ParcelsList
from logistics import permissions as carriers
from logistics.services import booking, manifest

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


def _desk(request: PageRequest, state: Desk) -> HttpResponse:
    context: dict[str, Any] = {
        "desk": state,
        "parcel": state.parcel,
        "beside": queries_page.beside(request.actor, state.parcel) if state.parcel else None,
        "counts": queries_page.counts(request.actor),
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
    return lists.show(request, ParcelsList())


def _back(request: PageRequest) -> str:
    view = ParcelsList().state(QueryDict(request.POST.get("view", "")))
    return f"{reverse('fulfilment:parcels')}?{view.query()}"


def _told(request: PageRequest, text: str, refused: Any) -> None:
    if refused:
        left = ngettext("{n} could not be done", "{n} could not be done", len(refused)).format(n=len(refused))
        text = f"{text} {left}"
    lists.outcome(request, text, refused, lambda pk: f"P-{pk}", reverse("fulfilment:desk") + "?parcel={id}")


@page(carriers.LABEL, methods=POST)
def bulk_print(request: PageRequest) -> HttpResponse:
    """To the sheet; what could not be printed is told on the list."""
    made = printing.print_labels(actor=request.actor, shipment_ids=lists.selected(request, ParcelsList()))
    text = ngettext("{n} label printed.", "{n} labels printed.", len(made.done)).format(n=len(made.done))
    _told(request, text, made.refused)
    if made.file is None:
        return done(request, _back(request))
    return redirect(reverse("stored_file", args=[made.file.uid]) + "?inline=1")


@page(permissions.SHIP, methods=POST)
def bulk_hand(request: PageRequest) -> HttpResponse:
    out = services.hand_over(actor=request.actor, shipment_ids=lists.selected(request, ParcelsList()))
    text = ngettext("{n} parcel handed over.", "{n} parcels handed over.", len(out.done)).format(n=len(out.done))
    _told(request, text, out.refused)
    return done(request, _back(request))


@page(carriers.BOOK, methods=POST)
def bulk_book(request: PageRequest) -> HttpResponse:
    ids = lists.selected(request, ParcelsList())
    again = booking.retry(actor=request.actor, ids=ids)
    text = ngettext("{n} parcel is booked again.", "{n} parcels are booked again.", len(again)).format(n=len(again))
    _told(request, text, {pk: ("shipment.not_failed", {}) for pk in set(ids) - set(again)})
    return done(request, _back(request))


# -- hand-over lists ----------------------------------------------------------------------------------------------------


@page(carriers.VIEW)
def handovers(request: PageRequest) -> HttpResponse:
    context = {
        "open": queries_page.open_lists(request.actor),
        "closed": queries_page.closed_lists(request.actor),
        "may_close": request.actor.can(carriers.MANIFEST),
    }
    return render(request, "fulfilment/handovers.html", context)


@page(carriers.MANIFEST, methods=POST)
def close_list(request: PageRequest) -> HttpResponse:
    account, place = _number(request, "account"), _number(request, "warehouse")
    if account is None or place is None:
        raise BusinessError("warehouse.not_found")
    made = manifest.close_manifest(actor=request.actor, carrier_account_id=account, warehouse_id=place)
    text = _("{number} closed with {n} parcels.").format(number=made.number, n=made.parcels)
    return done(request, reverse("fulfilment:handovers"), text)

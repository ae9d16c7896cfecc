"""One parcel's page with its acts, the board of carriers, alarms and their thresholds."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import settings_store
from core.errors import BusinessError
from core.permissions import SEE_COST
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from fulfilment import alarms, bulk, permissions, queries, queries_parcel, services
from fulfilment.pages import ParcelsList, filter_of
from logistics import permissions as carriers
from logistics.services import booking, tracking
from orders import permissions as order_permissions
from orders.services import recall

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")
NOTE_CHARS = 200


@page(carriers.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    """The parcel with its way, and newer and older ones of the list it was opened from."""
    found = queries_parcel.parcel(request.actor, pk)
    state = ParcelsList().state(request.GET)
    newer = older = None
    if "tab" in request.GET:
        newer, older = queries.neighbours(request.actor, filter_of(state), pk)
    context: dict[str, Any] = {
        "parcel": found,
        "row": found.row,
        "can": queries_parcel.acts(
            request.actor,
            found,
            may_cancel=request.actor.can(order_permissions.CANCEL),
            may_undo=request.actor.can(permissions.UNDO),
        ),
        "may_settle": request.actor.can(permissions.SHIP),
        "may_cost": request.actor.can(SEE_COST),
        "query": state.query(),
        "newer": newer,
        "older": older,
        "noted": queries_parcel.NOTED,
        "sleeps": alarms.SNOOZE_HOURS,
    }
    return render(request, "fulfilment/parcel.html", context)


def _here(request: PageRequest, pk: int) -> str:
    return f"{reverse('fulfilment:parcel', args=[pk])}?{ParcelsList().state(request.GET).query()}"


def _seen(request: PageRequest, pk: int) -> queries_parcel.Parcel:
    """Raises BusinessError ``shipment.not_found`` for what the actor does not see."""
    return queries_parcel.parcel(request.actor, pk)


def _hours(request: PageRequest) -> int | None:
    given = request.POST.get("hours", "")
    return int(given) if given.isdecimal() and 0 < int(given[:6]) else None


@page(permissions.SHIP, methods=POST)
def settle(request: PageRequest, pk: int) -> HttpResponse:
    """The alarm is dealt with, or sleeps for some hours."""
    _seen(request, pk)
    hours = _hours(request)
    alarms.mark(actor=request.actor, shipment_ids=[pk], sleep_hours=hours, note=request.POST.get("note", ""))
    return done(request, _here(request, pk), _("Settled.") if hours is None else _("It sleeps."))


@page(permissions.SHIP, methods=POST)
def ring(request: PageRequest, pk: int) -> HttpResponse:
    alarms.ring_again(actor=request.actor, shipment_id=pk)
    return done(request, _here(request, pk), _("It rings again."))


@page(permissions.SHIP, methods=POST)
def bulk_settle(request: PageRequest) -> HttpResponse:
    hours = _hours(request)
    if hours is not None and hours > alarms.MOST_HOURS:
        raise BusinessError("alarm.hours", most=alarms.MOST_HOURS)
    note = request.POST.get("note", "").strip()[:NOTE_CHARS]
    return lists.do(request, ParcelsList(), bulk.SETTLE, {"hours": hours, "note": note})


@page(carriers.BOOK, methods=POST)
def book(request: PageRequest, pk: int) -> HttpResponse:
    _seen(request, pk)
    if not booking.retry(actor=request.actor, ids=[pk]):
        raise BusinessError("shipment.not_failed")
    return done(request, _here(request, pk), _("It is booked again."))


@page(carriers.BOOK, methods=POST)
def accept_number(request: PageRequest, pk: int) -> HttpResponse:
    order_id = _seen(request, pk).row["order_id"]
    if order_id is None:
        booking.accept_number(actor=request.actor, shipment_id=pk)
    else:
        recall.accept_number(actor=request.actor, order_id=order_id)
    return done(request, _here(request, pk), _("The number is accepted; the parcel goes on."))


@page(order_permissions.CANCEL, methods=POST)
def take_back(request: PageRequest, pk: int) -> HttpResponse:
    """Void the parcel at the carrier; the order is held for a person, or closed."""
    order_id = _seen(request, pk).row["order_id"]
    if order_id is None:
        raise BusinessError("shipment.not_found")
    out = recall.cancel_shipment(actor=request.actor, order_ids=[order_id], close=request.POST.get("close") == "1")
    for code, params in out.refused.values():
        raise BusinessError(code, **params)
    return done(request, _here(request, pk), _("The carrier is asked to cancel it."))


@page(permissions.UNDO, methods=POST)
def undo_hand(request: PageRequest, pk: int) -> HttpResponse:
    _seen(request, pk)
    services.undo_hand_over(actor=request.actor, shipment_id=pk)
    return done(request, _here(request, pk), _("The hand-over is taken back."))


@page(carriers.TRACK, methods=POST)
def milestone(request: PageRequest, pk: int) -> HttpResponse:
    """A milestone by hand, for carriers without tracking."""
    found = _seen(request, pk)
    main = request.POST.get("main", "")
    if (
        main not in queries_parcel.NOTED
        or not queries_parcel.acts(request.actor, found, may_cancel=False, may_undo=False).note_milestone
    ):
        raise BusinessError("track.cannot_note")
    words = request.POST.get("words", "").strip()[:NOTE_CHARS]
    tracking.note(shipment_id=pk, main=main, description=words)
    return done(request, _here(request, pk), _("Noted."))


@page(carriers.VIEW)
def board(request: PageRequest) -> HttpResponse:
    """Carriers by warehouse: what is booked, stands, went today, is on its way, and what rings."""
    rows = queries.board(request.actor)
    totals = {key: sum(row.cells[key] for row in rows) for key in queries.BOARD}
    shown = [(row, [(key, row.cells[key]) for key in queries.BOARD], sorted(row.alarms.items())) for row in rows]
    context = {"rows": shown, "totals": [(key, totals[key]) for key in queries.BOARD], "columns": queries.BOARD}
    return render(request, "fulfilment/board.html", context)


@page(settings_store.CHANGE, methods=BOTH)
def thresholds(request: PageRequest) -> HttpResponse:
    """After how many hours each alarm rings."""
    now = alarms.hours()
    problem = ""
    if request.method == "POST":
        try:
            given = {kind: int(request.POST.get(kind, "")) for kind in alarms.TUNABLE}
            alarms.tune(actor=request.actor, wanted=given)
        except ValueError:
            problem = sentence(BusinessError("alarm.hours", most=alarms.MOST_HOURS))
        except BusinessError as error:
            problem = sentence(error)
        else:
            return done(request, f"{reverse('fulfilment:parcels')}?tab=alarm", _("Saved."))
    fields = [
        (kind, request.POST.get(kind, now[kind]) if request.method == "POST" else now[kind], alarms.HOURS[kind])
        for kind in alarms.TUNABLE
    ]
    return render(request, "fulfilment/alarms.html", {"fields": fields, "problem": problem, "most": alarms.MOST_HOURS})

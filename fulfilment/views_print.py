"""Printing labels from the shipments list, the orders list and the desk: a few at once, many as a job that is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import clock, jobs
from core.errors import BusinessError
from core.records.models import Job, StoredFile
from core.ui import lists
from core.ui.lists import ListPage
from core.ui.requests import PageRequest
from core.ui.views import done, page
from core.words import formats
from fulfilment import printing, queries_page
from fulfilment.models import LabelPrint
from fulfilment.pages import ParcelsList
from fulfilment.printing import Wish
from logistics import permissions as carriers
from orders.pages import OrdersList

POST = ("POST",)
Refused = Mapping[int, tuple[str, Mapping[str, Any]]]


@page(carriers.LABEL, methods=POST)
def bulk_print(request: PageRequest) -> HttpResponse:
    """Labels of parcels ticked in the shipments list."""
    return _print(request, _ids(request, ParcelsList()), ParcelsList())


@page(carriers.LABEL, methods=POST)
def print_orders(request: PageRequest) -> HttpResponse:
    """Labels of orders (``id`` as the orders list posts them, or ``all`` and ``view``): of each the parcels that stand."""
    asked = _ids(request, OrdersList())
    return _print(request, [], OrdersList(), of_orders=queries_page.parcels_of_orders(request.actor, asked))


def _ids(request: PageRequest, page: ListPage) -> list[int]:
    """The selection, or what the page before asked about."""
    again = request.POST.get("ids", "")
    if again:
        return [int(one) for one in again.split(",") if one.isdecimal() and len(one) < 19]
    return lists.selected(request, page)


def _wish(request: PageRequest) -> Wish:
    again = printing.SKIP if request.POST.get("again_skip") else request.POST.get("again", "")
    return printing.checked(
        Wish(
            layout=request.POST.get("layout") or LabelPrint.ONE,
            picking=request.POST.get("picking") == "1",
            slips=request.POST.get("slips") == "1",
            again=again,
        )
    )


def _print(
    request: PageRequest, ids: list[int], listed: ListPage, *, of_orders: dict[int, list[int]] | None = None
) -> HttpResponse:
    """Print, or ask first where a label was printed before. ``of_orders``: {order: its parcels} in place of ``ids``."""
    ids = ids if of_orders is None else [pk for parcels in of_orders.values() for pk in parcels]
    wish = _wish(request)
    home = reverse("fulfilment:parcels" if of_orders is None else "orders:index")
    back = f"{home}?{listed.state(QueryDict(request.POST.get('view', ''))).query()}"
    found = printing.plan(request.actor, ids)
    if found.before and not wish.again:
        context = {
            "before": found.before,
            "fresh": len(found.ready) - len(found.before),
            "all": len(found.ready),
            "ids": ",".join(map(str, ids)),
            "view": request.POST.get("view", ""),
            "wish": wish,
            "reasons": LabelPrint.REASONS,
            "back": back,
        }
        return render(request, "fulfilment/print_again.html", context)
    if len(found.ready) > printing.AT_ONCE:
        job = printing.start(actor=request.actor, shipment_ids=ids, wish=wish)
        if of_orders is not None:
            _tell_orders(request, "", {}, of_orders)
        return done(request, reverse("fulfilment:print_run", args=[job.pk]))
    made = printing.print_labels(actor=request.actor, shipment_ids=ids, wish=wish)
    text = ngettext("{n} label printed.", "{n} labels printed.", len(made.done)).format(n=len(made.done))
    if of_orders is not None:
        _tell_orders(request, text, made.refused, of_orders)
    else:
        where = reverse("fulfilment:parcels") + "{id}/"
        lists.outcome(request, _with(text, made.refused), made.refused, lambda pk: made.names.get(pk, f"#{pk}"), where)
    if made.file is None:
        return done(request, back)
    return redirect(reverse("stored_file", args=[made.file.uid]) + "?inline=1")


def _with(text: str, refused: Refused) -> str:
    if not refused:
        return text
    left = ngettext("{n} could not be done", "{n} could not be done", len(refused)).format(n=len(refused))
    return f"{text} {left}".strip()


def _tell_orders(request: PageRequest, text: str, refused: Refused, of_orders: dict[int, list[int]]) -> None:
    """The same by order, with those that have no parcel at all."""
    told: dict[int, tuple[str, Mapping[str, Any]]] = {}
    for order, parcels in of_orders.items():
        bad = [refused[pk] for pk in parcels if pk in refused]
        if bad or not parcels:
            told[order] = bad[0] if bad else ("label.no_parcel", {})
    if text or told:
        lists.outcome(request, _with(text, told), told, lambda pk: f"S-{pk}", reverse("orders:index") + "{id}/")


@page(carriers.LABEL)
def run(request: PageRequest, pk: int) -> HttpResponse:
    """A print that is under way, then its sheets and what could not be printed."""
    job = Job.objects.filter(pk=pk, kind=printing.JOB).first()
    if job is None or (job.actor_id != request.actor.id and not jobs.manages(request.actor)):
        raise BusinessError("job.not_found")
    made, running = job.done + job.failed, job.state in jobs.OPEN
    left = ""
    if running and job.started_at is not None and job.total and made:
        spent = (clock.now() - job.started_at).total_seconds()
        left = _("{span} left").format(span=formats.span(spent / made * (job.total - made)))
    known = StoredFile.objects.in_bulk((job.checkpoint or {}).get("sheets", []))
    context = {
        "job": job, "running": running, "made": min(made, job.total), "left": left,
        "sheets": [known[one] for one in (job.checkpoint or {}).get("sheets", []) if one in known],
    }  # fmt: skip
    return render(request, "fulfilment/_print_run.html" if request.htmx else "fulfilment/print_run.html", context)


@page(carriers.LABEL, methods=POST)
def print_one(request: PageRequest) -> HttpResponse:
    """The label of one parcel, from the desk or its page; a second time asks why."""
    given = request.POST.get("shipment", "")
    if not given.isdecimal() or len(given) > 18:
        raise BusinessError("shipment.not_found")
    return _print(request, [int(given)], ParcelsList())

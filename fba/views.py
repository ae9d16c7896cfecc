"""Restock: the list by urgency, why a number is what it is, a new computation. No logic: queries and services."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.ui import lists
from core.ui.model_forms import ModelForm
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from fba import options, permissions, queries, telling
from fba.pages import RestockList
from fba.services import restock
from fba.tables import TONES


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, RestockList(queries.latest(request.actor)))


@page(permissions.VIEW)
def line(request: PageRequest, pk: int) -> HttpResponse:
    """Why this number: term by term, with units and sources."""
    row = queries.line(request.actor, pk)
    terms = row["terms"]
    context = {
        "row": row,
        "tone": TONES.get(row["urgency"], "grey"),
        "query": RestockList(None).state(request.GET).query(),
        "buy": telling.advice(terms["buy"]),
        "send": telling.advice(terms["send"]) if terms["send"] else [],
        "point": list(telling.tell(terms["buy"]["reorder_point"])),
        "due": terms["buy"]["due"],
        "velocity": list(telling.tell(terms["velocity"])),
        "lead": list(telling.tell(terms["lead_time"])),
        "dates": [
            told
            for name in ("cover_days", "stock_out", "latest_order", "lost_days", "lost_units")
            for told in list(telling.tell(terms[name]))[:1]
        ],
    }
    return render(request, "fba/line.html", context)


@page(permissions.RUN, methods=("POST",))
def run(request: PageRequest) -> HttpResponse:
    restock.run_now(actor=request.actor)
    return done(request, reverse("fba:index"), _("Being computed; the bell above tells when it is done."))


@page(permissions.VIEW)
def differences(request: PageRequest) -> HttpResponse:
    """Where a platform's count and our books differ."""
    return render(request, "fba/differences.html", {"rows": queries.differences(request.actor)})


@page(permissions.SETTINGS, methods=("GET", "HEAD", "POST"))
def settings(request: PageRequest) -> HttpResponse:
    given = request.POST if request.method == "POST" else None
    form = ModelForm(options.Options, given, prefix="restock", initial=options.current().model_dump())
    if given is not None and form.is_valid():
        try:
            options.change(actor=request.actor, **form.cleaned_data)
        except BusinessError as error:
            form.refuse(str(error.params.get("fields", "")))
            if not form.errors:
                form.add_error(None, sentence(error))
        else:
            return done(request, reverse("fba:index"), _("Saved; the next computation uses it."))
    return render(request, "fba/settings.html", {"form": form})

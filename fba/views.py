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
from fba import options, permissions, queries, trying, whatif
from fba.pages import RestockList
from fba.services import choices, restock


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, RestockList(queries.latest(request.actor)))


@page(permissions.VIEW)
def line(request: PageRequest, pk: int) -> HttpResponse:
    """Why this number, term by term with units and sources; how the stock goes on; what if something were otherwise."""
    found = trying.load(request.actor, pk)
    context = {
        **trying.shown(found, found.former),
        "query": RestockList(None).state(request.GET).query(),
        "sliders": trying.sliders(found.former),
        "own": choices.own(found.row["sku_id"]),
        "may_save": request.actor.can(permissions.SETTINGS),
        "run": found.run,
    }
    return render(request, "fba/line.html", context)


@page(permissions.VIEW)
def try_out(request: PageRequest, pk: int) -> HttpResponse:
    """The same with what the sliders say; nothing is kept."""
    found = trying.load(request.actor, pk)
    chosen = whatif.values(request.GET, found.former)
    return render(request, "fba/_reckoned.html", trying.shown(found, chosen))


@page(permissions.SETTINGS, methods=("POST",))
def keep(request: PageRequest, pk: int) -> HttpResponse:
    found = trying.load(request.actor, pk)
    chosen = whatif.values(request.POST, found.former)
    made = choices.save(actor=request.actor, line_id=pk, chosen=chosen, former=found.former)
    return done(request, reverse("fba:line", args=[made]), _("Kept for this SKU; later computations use it."))


@page(permissions.SETTINGS, methods=("POST",))
def drop(request: PageRequest, pk: int) -> HttpResponse:
    made = choices.drop(actor=request.actor, line_id=pk)
    return done(request, reverse("fba:line", args=[made]), _("Back to the settings that hold for all."))


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

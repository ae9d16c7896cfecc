"""Presence at a conversation with the draft, and the deadlines of accounts."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import settings_store
from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence
from crm import permissions, queries_page
from crm.services import deadlines, visits

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")


@page(permissions.ANSWER, methods=POST)
def here(request: PageRequest, pk: int) -> HttpResponse:
    """A sign of life of an open conversation, with what is being written; says who else is there."""
    found = visits.be_here(
        actor=request.actor,
        conversation_id=pk,
        writing=request.POST.get("writing") == "1",
        draft=request.POST.get("draft"),
    )
    return fragment(request, "crm/_others.html", {"others": found})


@page(settings_store.CHANGE, methods=BOTH)
def deadlines_page(request: PageRequest) -> HttpResponse:
    """Within how many hours buyers of each account are answered."""
    rows = queries_page.answer_hours(request.actor)
    problem = ""
    if request.method == "POST":
        try:
            given = {row.account: int(request.POST.get(f"hours_{row.account}", "")) for row in rows}
            deadlines.tune(actor=request.actor, hours=given)
        except ValueError:
            problem = sentence(BusinessError("conversation.hours", most=deadlines.LONGEST_HOURS))
        except BusinessError as error:
            problem = sentence(error)
        else:
            return done(request, reverse("crm:index"), _("Saved."))
    context = {"rows": rows, "problem": problem, "most": deadlines.LONGEST_HOURS}
    return render(request, "crm/deadlines.html", context)

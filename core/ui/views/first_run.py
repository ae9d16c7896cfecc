"""Putting the list of first steps away, and bringing it back."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from core import settings_store
from core.ui import first_run
from core.ui.requests import PageRequest
from core.ui.views.page import done, page


@page(settings_store.CHANGE, methods=("POST",))
def dismiss(request: PageRequest) -> HttpResponse:
    first_run.dismiss(actor=request.actor, away=True)
    return done(request, reverse("today"), _("Put away. The foot of this page brings it back."))


@page(settings_store.CHANGE, methods=("POST",))
def recall(request: PageRequest) -> HttpResponse:
    first_run.dismiss(actor=request.actor, away=False)
    return done(request, reverse("today"))

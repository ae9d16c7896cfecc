"""The first steps' short cut to a rule."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _

from core.ui.requests import PageRequest
from core.ui.views import done, page
from orders import permissions
from orders.services.first_rule import publish_simplest


@page(permissions.RULES, methods=("POST",))
def first_rule(request: PageRequest) -> HttpResponse:
    publish_simplest(actor=request.actor)
    return done(request, "today", _("Published. Orders that wait are decided by it from now on."))

"""What belongs to the shell: language, theme, columns of a list, fresh counts of the menu."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from core.ui import menu
from core.ui.context import THEMES
from core.ui.middleware import COOKIE
from core.ui.requests import PageRequest
from core.ui.views.page import page

YEAR = 365 * 86400
LIST_NAME = re.compile(r"[a-z_]{1,40}")


def _back(request: HttpRequest) -> HttpResponseRedirect:
    to = request.POST.get("next", "") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        to = "/"
    return HttpResponseRedirect(to)


def _remember(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)


def _keep(request: HttpRequest, field: str, value: str) -> None:
    """The choice belongs to the person too, for the next browser."""
    if request.user.is_authenticated and getattr(request.user, field, None) != value:
        setattr(request.user, field, value)
        request.user.save(update_fields=[field])


def choose_language(request: HttpRequest) -> HttpResponse:
    """POST ``language``; anybody may, signed in or not, on any host."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = request.POST.get("language", "")
    response = _back(request)
    if chosen in dict(settings.LANGUAGES):
        _keep(request, "language", chosen)
        _remember(response, COOKIE, chosen)
    return response


def choose_theme(request: HttpRequest) -> HttpResponse:
    """POST ``theme``: light or dark."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = request.POST.get("theme", "")
    response = _back(request)
    if chosen in THEMES:
        _keep(request, "theme", chosen)
        _remember(response, "theme", chosen)
    return response


@page(None, methods=("POST",))
def choose_columns(request: PageRequest, name: str) -> HttpResponse:
    """Which columns the list ``name`` shows in this browser; none chosen: all."""
    response = _back(request)
    if LIST_NAME.fullmatch(name):
        columns = [column for column in request.POST.getlist("column") if LIST_NAME.fullmatch(column)]
        _remember(response, f"columns_{name}", ".".join(columns[:40]))
    return response


@page(None)
def counts(request: PageRequest) -> HttpResponse:
    """The menu's counts again, swapped in out of band; asked for now and then while a page is open."""
    menu.forget(request.actor)
    return render(request, "ui/_counts.html")

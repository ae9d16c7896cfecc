"""The decorator of every page, the registry of pages, and the answers that all of them give alike."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers

from core.errors import BusinessError, NotAllowed, SampanError
from core.ui import menu
from core.ui.middleware import COOKIE
from core.ui.requests import PageRequest
from core.words import say

P = ParamSpec("P")
View = Callable[Concatenate[PageRequest, P], HttpResponse]

READ = ("GET", "HEAD")
TYPED_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Page:
    """A page as registered: ``name`` is module.function. ``operation`` None: every member may."""

    name: str
    operation: str | None
    methods: tuple[str, ...]


PAGES: dict[str, Page] = {}


def page(operation: str | None, *, methods: tuple[str, ...] = READ) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """Make a view a page of the tenant's host.

    Not signed in: to the sign-in page and back. Not a member: 404 (the middleware's). Without ``operation``: 403 in
    plain words. A BusinessError that the view lets through becomes a sentence on the page with what was typed; views
    with forms catch it and show it beside the field. ``POST`` pages name their methods.
    """

    def wrap(view: View[P]) -> Callable[..., HttpResponse]:
        name = f"{view.__module__}.{view.__name__}"
        PAGES[name] = Page(name, operation, methods)

        @functools.wraps(view)
        def inner(request: PageRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if getattr(request, "actor", None) is None:
                return _sign_in(request)
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            _refuse_nul(request)
            _speak(request)
            with timezone.override(ZoneInfo(request.actor.timezone)):
                try:
                    if operation is not None:
                        request.actor.require(operation)
                    response = view(request, *args, **kwargs)
                except NotAllowed as error:
                    response = _refused(request, error, 403)
                except BusinessError as error:
                    response = _refused(request, error, 404 if error.code.endswith(".not_found") else 422)
            if request.method not in READ:
                menu.forget(request.actor)
            add_never_cache_headers(response)
            response.headers["Content-Language"] = request.LANGUAGE_CODE
            return response

        inner.page = PAGES[name]  # type: ignore[attr-defined]
        return inner

    return wrap


def sentence(error: SampanError) -> str:
    """What an error says, in the reader's language."""
    return say(error.code, error.params)


def _refuse_nul(request: PageRequest) -> None:
    """No browser sends one, and PostgreSQL takes none: 400 here rather than 500 wherever it would be asked for."""
    for given in (request.GET, request.POST):
        if any("\0" in value for _, values in given.lists() for value in values):
            raise SuspiciousOperation("a NUL in the request")


def _speak(request: PageRequest) -> None:
    """Without a cookie of this browser the user's own choice counts, then the tenant's language."""
    if COOKIE not in request.COOKIES and request.actor.language in dict(settings.LANGUAGES):
        translation.activate(request.actor.language)  # the language middleware puts the former one back
        request.LANGUAGE_CODE = request.actor.language


def _sign_in(request: PageRequest) -> HttpResponse:
    here = request.get_full_path()
    if request.htmx:
        current = urlsplit(request.htmx.current_url or "/")
        here = current.path + (f"?{current.query}" if current.query else "")
    to = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': here if request.method in READ or request.htmx else '/'})}"
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": to})
    return HttpResponseRedirect(to)


def _refused(request: PageRequest, error: SampanError, status: int) -> HttpResponse:
    """The sentence: as a toast where htmx asked (the form stays as it was typed), else as a page that shows what was typed."""
    said = sentence(error)
    if request.htmx:
        response = render(request, "ui/_toast.html", {"text": said, "tone": "danger"}, status=status)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#toasts", "beforeend"
        return response
    typed = [(key, value) for key, value in request.POST.items() if key != "csrfmiddlewaretoken" and value]
    context = {"sentence": said, "typed": typed[:TYPED_SHOWN], "status": status}
    return render(request, "ui/refused.html", context, status=status)


def done(request: PageRequest, to: str, text: str = "") -> HttpResponse:
    """After an act: go to ``to`` (a path or URL name) and say ``text`` there. For htmx and for plain forms alike."""
    if text:
        messages.success(request, text)
    target = resolve_url(to)
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)


def fragment(request: HttpRequest, template: str, context: dict[str, Any] | None = None, **kwargs: Any) -> HttpResponse:
    """A piece of a page for htmx."""
    return render(request, template, context or {}, **kwargs)

"""What every list has besides its rows: a file of them, and views that are kept under a name."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.records import saved_views
from core.ui import lists
from core.ui.lists import export as exporting
from core.ui.lists.bulk import ticked
from core.ui.requests import PageRequest
from core.ui.views.page import done, page

POST = ("POST",)


@page(None, methods=POST)
def export(request: PageRequest, name: str) -> HttpResponse:
    """POST ``format`` csv or xlsx, ``view`` (a query string), ``id`` where only those ticked are wanted."""
    found = lists.named(request.actor, name)
    state = found.state(QueryDict(request.POST.get("view", "")))
    view = state.query()
    ids = [] if request.POST.get("all") == "1" else ticked(request)
    exporting.export_job(
        request.actor,
        found,
        view=view,
        form=request.POST.get("format", ""),
        columns=lists.columns_shown(request, found, state),
        language=request.LANGUAGE_CODE,
        ids=ids or None,
    )
    return done(request, lists.address(name, view), _("The file is being made; the bell tells when it is there."))


@page(None, methods=POST)
def save_view(request: PageRequest, name: str) -> HttpResponse:
    """POST ``name``, ``view``, ``shared``, ``default``: what the list shows now and in which columns, under a name."""
    found = lists.named(request.actor, name)
    state = found.state(QueryDict(request.POST.get("view", "")))
    kept = saved_views.save(
        actor=request.actor,
        list_name=name,
        name=request.POST.get("name", ""),
        query=lists.kept(found, state, lists.columns_shown(request, found, state)),
        shared=request.POST.get("shared") == "1",
    )
    if request.POST.get("default") == "1":
        saved_views.set_default(actor=request.actor, list_name=name, view_id=kept.pk)
    return done(request, lists.address(name, lists.query_of(found, kept.query)), _("View saved."))


@page(None, methods=POST)
def change_view(request: PageRequest, pk: int) -> HttpResponse:
    """POST ``name``, ``shared``, ``next``."""
    made = saved_views.change(
        actor=request.actor,
        view_id=pk,
        name=request.POST.get("name", ""),
        shared=request.POST.get("shared") == "1",
    )
    return done(request, _back(request, made.list_name), _("View changed."))


@page(None, methods=POST)
def delete_view(request: PageRequest, pk: int) -> HttpResponse:
    saved_views.delete(actor=request.actor, view_id=pk)
    return done(request, _back(request, request.POST.get("list", "")), _("View deleted."))


@page(None, methods=POST)
def choose_default(request: PageRequest, name: str) -> HttpResponse:
    """POST ``view``: the id of a view, or nothing for the list's own beginning."""
    lists.named(request.actor, name)
    given = request.POST.get("default_view", "")
    if given and not (given.isdecimal() and len(given) < 19):
        raise BusinessError("view.not_found")
    saved_views.set_default(actor=request.actor, list_name=name, view_id=int(given) if given else None)
    text = _("The list opens with this view from now on.") if given else _("The list opens with its first tab again.")
    return done(request, _back(request, name), text)


def _back(request: PageRequest, name: str) -> str:
    """To the list as it was shown. Raises BusinessError ``list.not_found``."""
    found = lists.named(request.actor, name)
    return lists.address(name, found.state(QueryDict(request.POST.get("view", ""))).query())

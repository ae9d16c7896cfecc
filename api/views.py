"""Settings pages of keys and webhooks, the interface's description and its readable form. No logic."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from api import describing, news, permissions, queries
from api.door import Refused, authenticate
from api.forms import KeyForm, WebhookForm
from api.services import delivering, endpoints
from api.services import keys as key_acts
from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from tenants import ports
from tenants import queries as people

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")
LOG_ROWS = 50


# -- description --------------------------------------------------------------------------------------------------------


def openapi(request: HttpRequest) -> HttpResponse:
    """For members and for keys: what operations there are. It holds nothing of the company."""
    if getattr(request, "actor", None) is None:
        try:
            authenticate(request)
        except Refused as refused:
            return refused.response
    body = json.dumps(describing.description(), ensure_ascii=False)
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": "private, max-age=300"})


@page(None)
def docs(request: PageRequest) -> HttpResponse:
    return render(request, "api/docs.html", {"groups": describing.readable(), "host": request.get_host()})


# -- keys ---------------------------------------------------------------------------------------------------------------


def _keys(request: PageRequest, **more: Any) -> dict[str, Any]:
    present = {one.user_id for one in people.members_of(request.tenant) if one.active and one.user.is_active}
    return {"keys": queries.keys(request.actor, present), "host": request.get_host(), **more}


@page(permissions.KEYS)
def keys(request: PageRequest) -> HttpResponse:
    return render(request, "api/keys.html", _keys(request))


@page(permissions.KEYS, methods=BOTH)
def key_new(request: PageRequest) -> HttpResponse:
    """The form; after it the list with the whole key, this once."""
    data = request.POST if request.method == "POST" else None
    form = KeyForm(data, actor=request.actor, places=ports.scopes())
    if request.method == "POST" and form.is_valid():
        try:
            made = key_acts.make(actor=request.actor, **form.values())
        except BusinessError as error:
            form.add_error(None, sentence(error))
        else:
            return render(request, "api/keys.html", _keys(request, made=made))
    return render(request, "api/key_new.html", {"form": form}, status=422 if form.errors else 200)


@page(permissions.KEYS, methods=POST)
def key_rotate(request: PageRequest, pk: int) -> HttpResponse:
    made = key_acts.rotate(actor=request.actor, key_id=pk)
    return render(request, "api/keys.html", _keys(request, made=made, rotated=True))


@page(permissions.KEYS, methods=POST)
def key_revoke(request: PageRequest, pk: int) -> HttpResponse:
    key_acts.revoke(actor=request.actor, key_id=pk)
    return done(request, reverse("api_keys"), _("The key is worth nothing from this moment on."))


# -- webhooks -----------------------------------------------------------------------------------------------------------


@page(permissions.WEBHOOKS)
def webhooks(request: PageRequest) -> HttpResponse:
    only_off = request.GET.get("off") == "1"
    shown = [one for one in queries.endpoints(request.actor) if not only_off or queries.switched_off(one.endpoint)]
    return render(request, "api/webhooks.html", {"endpoints": shown, "only_off": only_off})


@page(permissions.WEBHOOKS, methods=BOTH)
def webhook_new(request: PageRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = endpoints.create(actor=request.actor, **form.cleaned_data)
        except BusinessError as error:
            form.add_error("url" if error.code == "webhook.bad_address" else None, sentence(error))
        else:
            return _endpoint(request, made.endpoint.pk, secret=made.secret)
    return render(request, "api/webhook_form.html", {"form": form}, status=422 if form.errors else 200)


@page(permissions.WEBHOOKS)
def webhook(request: PageRequest, pk: int) -> HttpResponse:
    return _endpoint(request, pk)


def _endpoint(request: PageRequest, pk: int, **more: Any) -> HttpResponse:
    found = queries.endpoint(request.actor, pk)
    given = request.GET.get("before", "")
    failed = request.GET.get("failed") == "1"
    before = int(given) if given.isdecimal() and len(given) < 19 else None
    rows = queries.log(pk, before=before, failed=failed, limit=LOG_ROWS + 1)
    shown = rows[:LOG_ROWS]
    context = {
        "endpoint": found,
        "state": queries.ShownEndpoint(found).state,
        "log": [(one, delivering.body_of(_due(one)).decode()) for one in shown],
        "next": shown[-1].delivery.pk if len(rows) > LOG_ROWS else None,
        "failed": failed,
        "places": news.PLACES,
        **more,
    }
    return render(request, "api/webhook.html", context)


def _due(one: queries.Told) -> delivering.Due:
    row = one.delivery
    return delivering.Due(row.pk, one.uid, row.type, row.kind, row.object_id, row.news.at, row.attempts)


@page(permissions.WEBHOOKS, methods=BOTH)
def webhook_change(request: PageRequest, pk: int) -> HttpResponse:
    found = queries.endpoint(request.actor, pk)
    given = {"url": found.url, "name": found.name, "events": found.events}
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=given)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(actor=request.actor, endpoint_id=pk, **form.cleaned_data)
        except BusinessError as error:
            form.add_error("url" if error.code == "webhook.bad_address" else None, sentence(error))
        else:
            return done(request, reverse("webhook", args=[pk]), _("Saved."))
    return render(request, "api/webhook_form.html", {"form": form, "found": found}, status=422 if form.errors else 200)


@page(permissions.WEBHOOKS, methods=POST)
def webhook_secret(request: PageRequest, pk: int) -> HttpResponse:
    made = endpoints.new_secret(actor=request.actor, endpoint_id=pk)
    return _endpoint(request, pk, secret=made.secret, changed=True)


@page(permissions.WEBHOOKS, methods=POST)
def webhook_switch(request: PageRequest, pk: int) -> HttpResponse:
    on = request.POST.get("on") == "1"
    endpoints.switch(actor=request.actor, endpoint_id=pk, on=on)
    text = _("Switched on; what waited is told now.") if on else _("Switched off.")
    return done(request, reverse("webhook", args=[pk]), text)


@page(permissions.WEBHOOKS, methods=POST)
def webhook_remove(request: PageRequest, pk: int) -> HttpResponse:
    endpoints.remove(actor=request.actor, endpoint_id=pk)
    return done(request, reverse("webhooks"), _("Removed."))


@page(permissions.WEBHOOKS, methods=POST)
def webhook_ping(request: PageRequest, pk: int) -> HttpResponse:
    endpoints.ping(actor=request.actor, endpoint_id=pk)
    return done(request, reverse("webhook", args=[pk]), _("A test event is on its way; its outcome stands in the log."))


@page(permissions.WEBHOOKS, methods=POST)
def webhook_resend(request: PageRequest, pk: int, delivery: int) -> HttpResponse:
    queries.endpoint(request.actor, pk)
    endpoints.resend(actor=request.actor, delivery_id=delivery)
    return done(request, reverse("webhook", args=[pk]), _("It is told again, under the same event id."))

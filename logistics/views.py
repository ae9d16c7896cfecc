"""Carriers with their services, number pools and tracking. No logic: queries and ``logistics.services.accounts``."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import AdapterError, BusinessError
from core.ui.model_forms import ModelForm
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence
from logistics import permissions, queries, queries_page
from logistics.forms import NameForm, NumbersForm, ServiceForm
from logistics.labels import ADDRESS, CAPABILITIES
from logistics.protocol import NUMBER_POOL
from logistics.registry import all_carriers, carrier_of, tracker_of
from logistics.services import accounts

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    only_sick = request.GET.get("sick") == "1"
    rows = [row for row in queries.carrier_accounts(request.actor) if not only_sick or queries_page.needs_person(row)]
    known = all_carriers()
    pools = queries_page.pools([row.pk for row in rows])
    context = {
        "rows": [
            {
                "account": row,
                "title": known[row.carrier].title if row.carrier in known else row.carrier,
                "services": [one for one in row.services.all() if one.active],
                "pool": row.carrier in known and NUMBER_POOL in known[row.carrier].capabilities,
                "free": pools.get(row.pk, (0, 0))[0],
            }
            for row in rows
        ],
        "only_sick": only_sick,
        "low": queries_page.LOW_POOL,
        "trackers": queries_page.trackers(request.actor),
        "tracker_kinds": queries_page.tracker_kinds(),
        "may_connect": request.actor.can(permissions.CONNECT),
    }
    return render(request, "logistics/carriers.html", context)


@page(permissions.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    return render(request, "logistics/carrier.html", _account(request, pk))


def _account(request: PageRequest, pk: int, **more: Any) -> dict[str, Any]:
    account = queries_page.account(request.actor, pk)
    carrier = all_carriers().get(account.carrier)
    capabilities = carrier.capabilities if carrier is not None else frozenset()
    pool = NUMBER_POOL in capabilities
    free, taken = queries_page.pools([pk]).get(pk, (0, 0)) if pool else (0, 0)
    return {
        "account": account,
        "title": carrier.title if carrier is not None else account.carrier,
        "capabilities": [str(CAPABILITIES.get(one, one)) for one in sorted(capabilities)],
        "services": sorted(account.services.all(), key=lambda one: (not one.active, one.name)),
        "settings": [
            (info.title or (str(ADDRESS) if name == "base_url" else name), account.settings.get(name))
            for name, info in (carrier.settings_model.model_fields.items() if carrier is not None else ())
        ],
        "pool": pool,
        "free": free,
        "taken": taken,
        "low": queries_page.LOW_POOL,
        "numbers": NumbersForm() if pool else None,
        "history": queries_page.history(pk),
        "may_connect": request.actor.can(permissions.CONNECT),
        **more,
    }


def _here(pk: int) -> str:
    return reverse("logistics:carrier", args=[pk])


@page(permissions.CONNECT)
def connect(request: PageRequest) -> HttpResponse:
    """First step: which carrier."""
    rows = [
        {**row, "words": [str(CAPABILITIES.get(one, one)) for one in row["capabilities"]]}
        for row in queries_page.kinds()
    ]
    return render(request, "logistics/connect.html", {"carriers": rows})


@page(permissions.CONNECT, methods=BOTH)
def connect_carrier(request: PageRequest, carrier: str) -> HttpResponse:
    adapter = carrier_of(carrier)
    given = request.POST if request.method == "POST" else None
    form = NameForm(given, initial={"name": adapter.title})
    more = ModelForm(adapter.settings_model, given, prefix="settings")
    secret = ModelForm(adapter.credentials_model, given, prefix="secret", secret=True)
    _titled(more)
    if given is not None and all([form.is_valid(), more.is_valid(), secret.is_valid()]):
        try:
            account = accounts.connect_carrier(
                actor=request.actor,
                carrier=carrier,
                name=form.cleaned_data["name"],
                credentials=secret.values(),
                settings=more.values(),
            )
        except BusinessError as error:
            _refused(error, secret, more, form)
        else:
            return done(request, _here(account.pk), _("Connected. Test it, then add the services that you use."))
    context = {"adapter": adapter, "form": form, "more": more, "secret": secret}
    return render(request, "logistics/connect_carrier.html", context)


@page(permissions.CONNECT, methods=BOTH)
def reconnect(request: PageRequest, pk: int) -> HttpResponse:
    """New credentials and settings; the old secrets are never shown."""
    account = queries_page.account(request.actor, pk)
    adapter = carrier_of(account.carrier)
    given = request.POST if request.method == "POST" else None
    secret = ModelForm(adapter.credentials_model, given, prefix="secret", secret=True)
    more = ModelForm(adapter.settings_model, given, prefix="settings", initial=account.settings)
    _titled(more)
    if given is not None and secret.is_valid() and more.is_valid():
        try:
            accounts.reconnect_carrier(
                actor=request.actor, account_id=pk, credentials=secret.values(), settings=more.values()
            )
        except BusinessError as error:
            _refused(error, secret, more)
        else:
            return done(request, _here(pk), _("Saved; parcels that waited for it go on."))
    return render(request, "logistics/reconnect.html", {"account": account, "secret": secret, "more": more})


def _titled(form: ModelForm) -> None:
    if "base_url" in form.fields and form.fields["base_url"].label == "base_url":
        form.fields["base_url"].label = ADDRESS
        form.fields["base_url"].help_text = _("Empty: the carrier's own.")


def _refused(error: BusinessError, *forms: Any) -> None:
    named = error.params.get("fields", [])
    for form in forms:
        if isinstance(form, ModelForm):
            form.refuse(", ".join(named) if isinstance(named, list) else str(named))
    if not any(form.errors for form in forms):
        forms[-1].add_error(None, sentence(error))


@page(permissions.CONNECT, methods=POST)
def check(request: PageRequest, pk: int) -> HttpResponse:
    """Sign in at the carrier and list what it sells, each with a button that adds it."""
    account = queries_page.account(request.actor, pk)
    known = {one.code for one in account.services.all()}
    try:
        found = accounts.check_account(actor=request.actor, account_id=pk)
    except AdapterError as error:
        return fragment(request, "logistics/_checked.html", {"account": account, "problem": sentence(error)})
    return fragment(request, "logistics/_checked.html", {"account": account, "found": found, "known": known})


@page(permissions.CONNECT, methods=BOTH)
def service(request: PageRequest, pk: int, service_id: int | None = None) -> HttpResponse:
    account = queries_page.account(request.actor, pk)
    found = queries_page.service(request.actor, pk, service_id) if service_id is not None else None
    code = request.GET.get("code", "")[:60]
    name = request.GET.get("name", "")[:120]
    form = ServiceForm(
        request.POST if request.method == "POST" else None,
        service=found,
        initial={
            "code": code,
            "name": name,
            "key": f"{account.carrier[:12]}-{code}".lower() if code else "",
            "active": True,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            accounts.save_service(actor=request.actor, account_id=pk, service_id=service_id, **form.cleaned_data)
        except BusinessError as error:
            field = {"service.key_taken": "key", "service.key_missing": "key", "service.number_format": "number_format"}
            form.add_error(field.get(error.code), sentence(error))
        else:
            return done(request, _here(pk), _("Service saved."))
    return render(request, "logistics/service.html", {"account": account, "form": form, "found": found})


@page(permissions.CONNECT, methods=POST)
def numbers(request: PageRequest, pk: int) -> HttpResponse:
    """Numbers into the pool; what was refused is shown by its line, with what was pasted kept."""
    queries_page.account(request.actor, pk)
    form = NumbersForm(request.POST)
    if not form.is_valid():
        return render(request, "logistics/carrier.html", _account(request, pk, numbers=form))
    added = accounts.add_pool_numbers(actor=request.actor, account_id=pk, text=form.cleaned_data["numbers"])
    text = ngettext("{n} number added.", "{n} numbers added.", added.added).format(n=added.added)
    if not added.errors:
        return done(request, _here(pk), text)
    left = "\n".join(dict.fromkeys(error.text for error in added.errors))
    context = _account(request, pk, numbers=NumbersForm(initial={"numbers": left}), added=text, refused=added.errors)
    return render(request, "logistics/carrier.html", context)


@page(permissions.CONNECT, methods=BOTH)
def connect_tracker(request: PageRequest, kind: str) -> HttpResponse:
    """An account at a tracking aggregator; its webhook gets an address that nobody can guess."""
    adapter = tracker_of(kind)
    given = request.POST if request.method == "POST" else None
    form = NameForm(given, initial={"name": getattr(adapter, "title", kind)})
    more = ModelForm(adapter.settings_model, given, prefix="settings")
    secret = ModelForm(adapter.credentials_model, given, prefix="secret", secret=True)
    _titled(more)
    if given is not None and all([form.is_valid(), more.is_valid(), secret.is_valid()]):
        try:
            accounts.connect_tracker(
                actor=request.actor,
                kind=kind,
                name=form.cleaned_data["name"],
                external_id=secrets.token_hex(12),
                credentials=secret.values(),
                settings=more.values(),
            )
        except BusinessError as error:
            _refused(error, secret, more, form)
        else:
            return done(request, reverse("logistics:carriers"), _("Tracking connected. Give it the webhook's address."))
    context = {"adapter": adapter, "form": form, "more": more, "secret": secret, "tracker": True}
    return render(request, "logistics/connect_carrier.html", context)

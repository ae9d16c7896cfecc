"""Accounts: the list, one account, connecting. No logic: reads from queries, acts in services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from channels import permissions, queries_page
from channels.forms import AccountForm, AgainForm, ChangeForm
from channels.labels import CAPABILITIES, JOBS
from channels.pages import AccountsList
from channels.protocol import Guided, OwnerSource
from channels.queries import AccountHealth
from channels.registry import adapter_of
from channels.services import accounts, wishes
from core import clock
from core.errors import BusinessError
from core.ui import desk, lists
from core.ui.model_forms import ModelForm
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, AccountsList())


@page(permissions.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    health, account = queries_page.one(request.actor, pk)
    jobs = [one.job for one in health.readings if one.job != "inventory"]
    zone = request.actor.timezone
    history = queries_page.history(request.actor, pk)
    context = _reading(pk, health) | {
        "account": account,
        "todo": desk.advice(health.code, f"todo.health.{health.health}") if health.health != "ok" else "",
        "webhook": queries_page.webhook_address(account),
        "history": [entry for entry in history if entry.code not in queries_page.HEALTH_CODES],
        "spells": queries_page.spells(request.actor, pk),
        "keys": queries_page.keys_of(account),
        "budgets": queries_page.budgets(account),
        "again": AgainForm(zone=zone, jobs=jobs, initial={"since": clock.now() - timedelta(days=2)}) if jobs else None,
        "can": _can(request, health.health),
        "settings": [
            (info.title or name, account.settings.get(name))
            for name, info in adapter_of(account.platform).settings_model.model_fields.items()
        ],
    }
    return render(request, "channels/account.html", context)


@page(permissions.VIEW)
def reading(request: PageRequest, pk: int) -> HttpResponse:
    """How far the account is read, for the page that waits for it."""
    health, _account = queries_page.one(request.actor, pk)
    return fragment(request, "channels/_reading.html", _reading(pk, health))


def _reading(pk: int, health: AccountHealth) -> dict[str, Any]:
    turns = queries_page.turns([pk])
    rows = [(one, JOBS.get(one.job, one.job), turns.get((pk, one.job))) for one in health.readings]
    young = any(one.finished_at is None for one in health.readings)
    live = health.health in ("ok", "failing")
    return {
        "health": health,
        "readings": rows,
        # The page asks again while somebody has reason to watch.
        "watch": live and (young or health.waiting > 0 or any(one.share is not None for one in health.readings)),
        "account_id": pk,
    }


def _can(request: PageRequest, health: str) -> dict[str, bool]:
    connect = request.actor.can(permissions.CONNECT)
    return {
        "pull": request.actor.can(permissions.PULL) and health in ("ok", "failing"),
        "again": request.actor.can(permissions.PULL) and health != "gone",
        "pause": connect and health in ("ok", "failing"),
        "resume": connect and health in ("paused", "failing"),
        "connect": connect,
        "disconnect": connect and health != "gone",
        "letters": request.actor.can(permissions.LETTERS),
    }


def _here(pk: int) -> str:
    return reverse("channels:account", args=[pk])


@page(permissions.PULL, methods=POST)
def pull_now(request: PageRequest, pk: int) -> HttpResponse:
    wishes.pull_now(actor=request.actor, account_id=pk)
    return done(request, _here(pk), _("The account is read now; new orders appear in a moment."))


@page(permissions.PULL, methods=POST)
def pull_all(request: PageRequest) -> HttpResponse:
    asked = wishes.pull_all(actor=request.actor)
    text = ngettext("{n} account is read now.", "{n} accounts are read now.", asked).format(n=asked)
    return done(request, reverse("channels:accounts"), text)


@page(permissions.PULL, methods=POST)
def read_again(request: PageRequest, pk: int) -> HttpResponse:
    form = AgainForm(request.POST, zone=request.actor.timezone)
    if not form.is_valid():
        raise BusinessError("account.period")
    wishes.read_again(actor=request.actor, account_id=pk, since=form.since_utc(), job=form.cleaned_data["job"])
    return done(request, _here(pk), _("The period is read once more; what is known already is recognised."))


@page(permissions.CONNECT, methods=POST)
def pause(request: PageRequest, pk: int) -> HttpResponse:
    accounts.pause(actor=request.actor, account_id=pk)
    return done(request, _here(pk), _("Paused. Nothing is lost; confirmations wait."))


@page(permissions.CONNECT, methods=POST)
def disconnect(request: PageRequest, pk: int) -> HttpResponse:
    accounts.disconnect(actor=request.actor, account_id=pk)
    return done(request, _here(pk), _("Disconnected. Its keys are deleted; orders, messages and history stay."))


@page(permissions.CONNECT, methods=POST)
def resume(request: PageRequest, pk: int) -> HttpResponse:
    accounts.resume(actor=request.actor, account_id=pk)
    return done(request, _here(pk), _("The account works again."))


@page(permissions.CONNECT, methods=BOTH)
def reconnect(request: PageRequest, pk: int) -> HttpResponse:
    """New credentials; those that are there are never shown."""
    _health, account = queries_page.one(request.actor, pk)
    model = adapter_of(account.platform).credentials_model
    form = ModelForm(model, request.POST or None, prefix="secret", secret=True)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.reconnect(actor=request.actor, account_id=pk, credentials=form.values())
        except BusinessError as error:
            _refused(error, form)
        else:
            return done(request, _here(pk), _("Connected again; reading goes on where it stood."))
    return render(request, "channels/reconnect.html", {"account": account, "form": form})


@page(permissions.CONNECT, methods=BOTH)
def change(request: PageRequest, pk: int) -> HttpResponse:
    """Name, time zone, and what the adapter has as settings."""
    _health, account = queries_page.one(request.actor, pk)
    given = request.POST if request.method == "POST" else None
    form = ChangeForm(given, initial={"name": account.name, "timezone": account.timezone})
    more = ModelForm(
        adapter_of(account.platform).settings_model,
        given,
        prefix="settings",
        initial=account.settings,
        hide=frozenset({"base_url"}),  # it stays: secrets must not follow an address
    )
    if given is not None and form.is_valid() and more.is_valid():
        try:
            accounts.change_settings(
                actor=request.actor,
                account_id=pk,
                name=form.cleaned_data["name"],
                settings=more.values(),
                timezone=form.cleaned_data["timezone"],
            )
        except BusinessError as error:
            _refused(error, more, form)
        else:
            return done(request, _here(pk), _("Saved."))
    return render(request, "channels/settings.html", {"account": account, "form": form, "more": more})


# -- connecting ---------------------------------------------------------------------------------------------------------


@page(permissions.CONNECT)
def connect(request: PageRequest) -> HttpResponse:
    """First step: which platform."""
    rows = [
        {**row, "words": [str(CAPABILITIES.get(one, one)) for one in row["capabilities"]]}
        for row in queries_page.capability_rows()
    ]
    return render(request, "channels/connect.html", {"platforms": rows, "sandbox": bool(settings.SANDBOX_URL)})


@page(permissions.CONNECT, methods=BOTH)
def connect_platform(request: PageRequest, platform: str) -> HttpResponse:
    """Second step: the form from the adapter's models; the credentials are tried before anything is kept."""
    adapter = adapter_of(platform)
    given = request.POST if request.method == "POST" else None
    form = AccountForm(
        given,
        tells=isinstance(adapter, OwnerSource) and platform != "amazon",
        initial={"timezone": request.actor.timezone},
    )
    more = ModelForm(adapter.settings_model, given, prefix="settings")
    secret = ModelForm(adapter.credentials_model, given, prefix="secret", secret=True)
    if given is not None and all([form.is_valid(), more.is_valid(), secret.is_valid()]):
        try:
            account = accounts.connect_account(
                actor=request.actor,
                platform=platform,
                name=form.cleaned_data["name"],
                external_id=form.cleaned_data["external_id"],
                settings=more.values(),
                credentials=secret.values(),
                marketplaces=form.cleaned_data["marketplaces"],
                timezone=form.cleaned_data["timezone"],
                read_from=clock.now() - timedelta(days=form.cleaned_data["days"] or 0),
            )
        except BusinessError as error:
            _refused(error, secret, more, form)
        else:
            return done(request, _here(account.pk), _("Connected. Its orders are being read now."))
    context: dict[str, Any] = {
        "adapter": adapter,
        "form": form,
        "more": more,
        "secret": secret,
        "steps": adapter.connect_steps if isinstance(adapter, Guided) else (),
        "days": adapter.consent_days if isinstance(adapter, Guided) else 0,
    }
    return render(request, "channels/connect_platform.html", context)


def _refused(error: BusinessError, *forms: Any) -> None:
    """The refusal beside the fields that it names, else above the first form."""
    named = str(error.params.get("fields", ""))
    text = _("This is missing or not right.") if error.code == "account.invalid" else sentence(error)
    for form in forms:
        for name in (part.strip() for part in named.split(",")):
            if name in form.fields:
                form.add_error(name, text)
                form.fields[name].widget.attrs["aria-invalid"] = "true"
    if not any(form.errors for form in forms):
        forms[0].add_error(None, sentence(error))

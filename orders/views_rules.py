"""Rules: those in force with their conditions in words, their order, on and off, simple new ones."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from channels.models import Account
from core.errors import BusinessError
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from inventory.models import Warehouse
from logistics.models import Service
from orders import permissions, rule_words
from orders.forms_rules import RuleForm
from orders.models import RuleSet
from orders.services import rule_edits

POST = ("POST",)


def _names() -> dict[str, dict[str, str]]:
    return {
        "service": dict(Service.objects.values_list("key", "name")),
        "warehouse": dict(Warehouse.objects.values_list("code", "name")),
    }


def _form(data: Any = None) -> RuleForm:
    return RuleForm(
        data,
        accounts=[(name, name) for name in Account.objects.order_by("name").values_list("name", flat=True)],
        services=list(Service.objects.filter(active=True).order_by("name").values_list("key", "name")),
        warehouses=list(Warehouse.objects.filter(active=True).order_by("priority").values_list("code", "name")),
    )


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    version, found = rule_edits.current()
    context = {
        "version": version,
        "published": RuleSet.objects.filter(version=version).first(),
        "rows": rule_words.rows(found, _names()),
        "may": request.actor.can(permissions.RULES),
    }
    return render(request, "orders/rules.html", context)


def _version(request: PageRequest) -> int:
    given = request.POST.get("version", "")
    return int(given) if given.isdecimal() and len(given) < 10 else -1


@page(permissions.RULES, methods=POST)
def arrange(request: PageRequest) -> HttpResponse:
    """The whole order at once; the button pressed may move, switch or remove one."""
    order = request.POST.getlist("rule")
    off = [pk for pk in order if pk not in request.POST.getlist("on")]
    act, _sep, pk = request.POST.get("act", "").partition(":")
    if act in ("up", "down") and pk in order:
        at = order.index(pk)
        to = max(0, min(len(order) - 1, at + (-1 if act == "up" else 1)))
        order.insert(to, order.pop(at))
    elif act == "remove":
        order = [one for one in order if one != pk]
    made = rule_edits.arrange(actor=request.actor, based_on=_version(request), order=order, off=off)
    return done(request, reverse("orders:rules"), _("Version {n} is in force.").format(n=made.version))


@page(permissions.RULES, methods=("GET", "HEAD", "POST"))
def add(request: PageRequest) -> HttpResponse:
    form = _form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = rule_edits.add(actor=request.actor, based_on=_version(request), rule=form.rule())
        except BusinessError as error:
            form.add_error(None, sentence(error))
        else:
            return done(request, reverse("orders:rules"), _("Version {n} is in force.").format(n=made.version))
    return render(request, "orders/rule_new.html", {"form": form, "version": rule_edits.current()[0]})

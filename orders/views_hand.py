"""Orders entered by hand and sent again, and the pieces of their form that change while one types."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.permissions import SEE_PERSONAL
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence
from core.words import say
from orders import address_reading, permissions, queries, queries_hand, queries_page
from orders.address_shape import shape_of
from orders.forms_hand import RESEND, ManualForm, drawn, typed_of
from orders.services import manual
from orders.services.acts import ADDRESS_FIELDS

GIVEN = (*ADDRESS_FIELDS, "paste")
FORM = ("GET", "HEAD", "POST")


@page(permissions.EDIT, methods=FORM)
def new(request: PageRequest) -> HttpResponse:
    """The form of an order by hand; ``?copy=<id>``: filled in with an order that is sent again."""
    request.actor.require(SEE_PERSONAL)  # who types an address sees it
    if request.method != "POST":
        return _form(request, _empty(request))
    form = ManualForm.sent(request.POST)
    if request.POST.get("more"):
        return _form(request, form.padded())
    given = form.entered(request.actor)
    if given is not None:
        try:
            order = manual.enter(actor=request.actor, given=given, anyway=request.POST.get("anyway") == "1")
        except BusinessError as error:
            _say(request, form, error)
        else:
            text = _("Entered as {number}; it goes through the rules.").format(number=order.external_id)
            return done(request, reverse("orders:show", args=[order.pk]), text)
    return _form(request, form.padded())


def _empty(request: PageRequest) -> ManualForm:
    asked = request.GET.get("copy", "")
    if not asked.isdecimal() or len(asked) > 18:
        return ManualForm.fresh(request.tenant.currency)
    order = queries.get(request.actor, int(asked))
    lines = queries.lines_of(order.pk)
    for line in lines:
        line["sku_name"] = queries_page.named(line["sku_title"] or "", line["sku_title_zh"] or "")
    return ManualForm.again(order, lines)


def _say(request: PageRequest, form: ManualForm, error: BusinessError) -> None:
    """A refusal beside the field that it is about."""
    match error.code:
        case "order.address_incomplete":
            form.lacks(error.params["missing"])
        case "order.account_needed" | "account.not_found":
            form.errors["account"] = sentence(error)
        case "order.looks_entered":
            form.said = sentence(error)
            form.similar = [
                row for number in error.params["orders"] for row in queries_hand.by_number(request.actor, number)
            ]
        case _:
            form.said = sentence(error)


def _form(request: PageRequest, form: ManualForm) -> HttpResponse:
    actor = request.actor
    copied = form.values.get("again", "")
    if form.copy is None and copied.isdecimal():
        form.copy = queries.get(actor, int(copied))
    context: dict[str, Any] = {
        "form": form,
        "fields": drawn(form.values, form.errors),
        "accounts": queries_page.accounts(actor),
        "account_needed": actor.accounts is not None,
        "currencies": queries_hand.currencies(request.tenant.currency),
        "reasons": [(one, say(f"resend.{one}")) for one in RESEND],
    }
    if request.htmx and request.method == "POST":
        return fragment(request, "orders/_manual_form.html", context)
    return render(request, "orders/manual.html", context)


@page(permissions.EDIT, methods=("POST",))
def address_fields(request: PageRequest) -> HttpResponse:
    """The fields of an address anew: after another country, or read from what was pasted (``read``)."""
    values = {name: request.POST.get(name, "") for name in GIVEN}
    unsure: list[str] = []
    found = ""
    if request.POST.get("read") and values["paste"].strip():
        reading = address_reading.read(values["paste"], values["ship_country"])
        values |= {name: text for name, text in typed_of(reading.fields).items() if text or name != "ship_country"}
        unsure = reading.unsure
        found = _("Read. Look over what is marked.") if unsure else _("Read. Look over it once.")
    elif values["ship_region"]:
        values["ship_region"] = shape_of(values["ship_country"]).region_of(values["ship_region"])
    context = {"fields": drawn(values, {}, unsure), "found": found, "paste": values["paste"]}
    return fragment(request, "orders/_address_fields.html", context)


@page(permissions.EDIT)
def skus(request: PageRequest) -> HttpResponse:
    """SKUs by what was typed into a line, to choose from."""
    text = request.GET.get("sku", "")
    return fragment(request, "orders/_sku_list.html", {"found": queries_page.find_skus(text)[:8], "text": text})


@page(permissions.EDIT, methods=("POST",))
def mark_paid(request: PageRequest, pk: int) -> HttpResponse:
    outcome = manual.mark_paid(actor=request.actor, order_ids=[pk])
    if pk in outcome.refused:
        code, params = outcome.refused[pk]
        raise BusinessError(code, **params)
    return done(request, f"{reverse('orders:show', args=[pk])}?{request.GET.urlencode()}", _("Marked as paid."))

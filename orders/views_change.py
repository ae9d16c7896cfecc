"""What a person changes of one order, and how it is taken back: lines, route, colleague, notes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.permissions import SEE_COST
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence
from core.words import say
from orders import bulk, permissions, queries, queries_hand, queries_page
from orders.forms_hand import LinesForm
from orders.models import MANUAL, Order
from orders.pages import OrdersList
from orders.services import line_edits, overrides, people, undo
from orders.services.acts import Outcome
from orders.views import POST, _here, _one

KEEP, RULES = "keep", "rules"


# -- lines --------------------------------------------------------------------------------------------------------------


@page(permissions.EDIT, methods=("GET", "HEAD", "POST"))
def lines(request: PageRequest, pk: int) -> HttpResponse:
    """The lines to be changed, in place of their card (htmx) or on a page of its own."""
    order = queries.get(request.actor, pk)
    rows = _lines(pk)
    if request.method != "POST":
        return _lines_form(request, order, LinesForm.fresh(rows, order.version))
    form = LinesForm.sent(rows, request.POST)
    wanted = form.wanted(order.platform == MANUAL)
    if wanted is not None:
        try:
            line_edits.edit(
                actor=request.actor,
                order_id=pk,
                version=form.version,
                wanted=wanted,
                reason=form.values.get("reason", ""),
                note=form.values.get("note", ""),
            )
        except BusinessError as error:
            form.said = sentence(error)
        else:
            return done(request, _here(request, pk), _("Lines saved; rules and stock are tried again."))
    return _lines_form(request, order, form)


def _lines(pk: int) -> list[dict[str, Any]]:
    rows = queries.lines_of(pk)
    for line in rows:
        line["sku_name"] = queries_page.named(line["sku_title"] or "", line["sku_title_zh"] or "")
    return rows


def _lines_form(request: PageRequest, order: Order, form: LinesForm) -> HttpResponse:
    context = {
        "order": order,
        "form": form,
        "by_hand": order.platform == MANUAL,
        "reasons": [(one, say(f"edit.reason.{one}")) for one in line_edits.REASONS],
        "query": OrdersList().state(request.GET).query(),
        "see_cost": request.actor.can(SEE_COST),
    }
    if request.htmx:
        return fragment(request, "orders/_lines_form.html", context)
    return render(request, "orders/lines.html", context)


# -- taking back --------------------------------------------------------------------------------------------------------


@page(permissions.VIEW, methods=POST)
def take_back_entry(request: PageRequest, pk: int, entry: int) -> HttpResponse:
    """Undo an entry of the history; what right that needs depends on the entry."""
    code = undo.undo(actor=request.actor, order_id=pk, entry_id=entry)
    return done(request, _here(request, pk), say("order.undone", {"what": code}))


# -- warehouse and service ------------------------------------------------------------------------------------------------


@page(permissions.ROUTE)
def choose_fields(request: PageRequest) -> HttpResponse:
    """What may be chosen, for one order (``pk``: which services could take it) or for a selection."""
    given = request.GET.get("pk", "")
    context: dict[str, Any] = {
        "places": queries_hand.places(request.actor),
        "form_id": request.GET.get("form", "")[:20],
    }
    if given.isdecimal() and len(given) < 19:
        order = queries.get(request.actor, int(given))
        facts = queries_page.line_facts(order.pk)
        fit = queries_page.service_fit(order, order.weight_g, any(line.battery for line in facts))
        context |= {"services": fit, "chosen": queries_hand.by_hand(order.pk), "order": order}
    else:
        context |= {"services": queries_hand.services()}
    return fragment(request, "orders/_choose_fields.html", context)


def _choice(request: PageRequest) -> dict[str, int | None]:
    """What the form says: a part that stays is not in it. Raises BusinessError ``route.nothing_chosen``."""
    out: dict[str, int | None] = {}
    for part in (overrides.WAREHOUSE, overrides.SERVICE):
        given = request.POST.get(part, KEEP)
        if given == RULES:
            out[part] = None
        elif given.isdecimal() and len(given) < 19:
            out[part] = int(given)
    if not out:
        raise BusinessError("route.nothing_chosen")
    return out


@page(permissions.ROUTE, methods=POST)
def choose(request: PageRequest, pk: int) -> HttpResponse:
    note = request.POST.get("note", "")
    outcome = overrides.choose(actor=request.actor, order_ids=[pk], choice=_choice(request), note=note)
    return _one(request, pk, outcome, _("Chosen; rules and stock are tried again."))


@page(permissions.ROUTE, methods=POST)
def bulk_choose(request: PageRequest) -> HttpResponse:
    given = {"choice": _choice(request), "note": request.POST.get("note", "")[:200]}
    return lists.do(request, OrdersList(), bulk.CHOOSE, given)


# -- colleagues and notes -------------------------------------------------------------------------------------------------


@page(permissions.ASSIGN)
def assign_fields(request: PageRequest) -> HttpResponse:
    context = {"people": queries_hand.colleagues(request.actor), "form_id": request.GET.get("form", "")[:20]}
    return fragment(request, "orders/_assign_fields.html", context)


def _colleague(request: PageRequest) -> tuple[int | None, str]:
    """Whom the form names. Raises BusinessError ``order.no_such_colleague``."""
    given = request.POST.get("user", "")
    if given in ("", "0"):
        return None, ""
    names = {str(pk): name for pk, name in queries_hand.colleagues(request.actor)}
    if given not in names:
        raise BusinessError("order.no_such_colleague")
    return int(given), names[given]


@page(permissions.ASSIGN, methods=POST)
def assign(request: PageRequest, pk: int) -> HttpResponse:
    user, label = _colleague(request)
    outcome: Outcome = people.assign(actor=request.actor, order_ids=[pk], user_id=user, label=label)
    return _one(
        request, pk, outcome, _("Assigned to {name}.").format(name=label) if label else _("Assigned to nobody.")
    )


@page(permissions.ASSIGN, methods=POST)
def bulk_assign(request: PageRequest) -> HttpResponse:
    user, label = _colleague(request)
    return lists.do(request, OrdersList(), bulk.ASSIGN, {"user": user, "label": label})


@page(permissions.ASSIGN, methods=POST)
def note(request: PageRequest, pk: int) -> HttpResponse:
    people.note(actor=request.actor, order_id=pk, text=request.POST.get("text", ""))
    return done(request, _here(request, pk), _("Noted; only your colleagues see it."))


@page(permissions.ASSIGN, methods=POST)
def remove_note(request: PageRequest, pk: int, note_id: int) -> HttpResponse:
    people.remove_note(actor=request.actor, order_id=pk, note_id=note_id)
    return done(request, _here(request, pk), _("Note removed."))

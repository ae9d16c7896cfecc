"""The dead-letter desk: the list over all sources, one letter, what a person does about it."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from channels import bulk, permissions, queries_page
from channels.forms import ConfirmationForm
from channels.labels import KINDS
from channels.pages import Desk
from channels.services import deadletters
from channels.services.deadletters import CONFIRM, EVENT, RAW
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL
from core.ui import desk, lists
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence

POST = ("POST",)
MOST_PAYLOAD = 400_000
MOST_REASON = 200


@page(permissions.LETTERS)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, Desk(request.actor))


def _kind_shown(request: PageRequest, page_: Desk) -> str:
    """The tab that the act is about. Raises BusinessError ``deadletter.not_found``."""
    return page_.source(page_.state(QueryDict(request.POST.get("view", "")))).key


@page(permissions.LETTERS, methods=POST)
def bulk_retry(request: PageRequest) -> HttpResponse:
    page_ = Desk(request.actor)
    return lists.do(request, page_, bulk.RETRY, {"kind": _kind_shown(request, page_)})


@page(permissions.LETTERS, methods=POST)
def bulk_drop(request: PageRequest) -> HttpResponse:
    page_ = Desk(request.actor)
    kind, reason = _kind_shown(request, page_), request.POST.get("reason", "").strip()[:MOST_REASON]
    if bulk.source(request.actor, kind).drop is None:
        raise BusinessError("deadletter.cannot_drop")
    if not reason:
        raise BusinessError("deadletter.reason_needed")
    return lists.do(request, page_, bulk.DROP, {"kind": kind, "reason": reason})


@page(permissions.LETTERS)
def show(request: PageRequest, kind: str, pk: int) -> HttpResponse:
    paper = queries_page.paper(request.actor, kind, pk)
    source = next((one for one in desk.sources(request.actor) if one.key == kind), None)
    context = {
        "paper": paper,
        "letter": paper.letter,
        "what": KINDS.get(paper.letter.what, paper.letter.what),
        "source": source,
        "todo": desk.advice(paper.letter.code, f"todo.letter.{kind}"),
        "raw": kind == RAW,
        "glance": queries_page.glance(request.actor, pk) if kind == RAW else "",
        "event": kind == EVENT,
        "may_read": request.actor.can(permissions.PAYLOAD) and request.actor.can(SEE_PERSONAL),
        "form": ConfirmationForm(initial={"carrier": paper.carrier, "tracking_number": paper.tracking_number})
        if kind == CONFIRM
        else None,
    }
    return render(request, "channels/letter.html", context)


@page(permissions.PAYLOAD, methods=POST)
def payload(request: PageRequest, pk: int) -> HttpResponse:
    """The text as it came, in a form that mends it; that it was read is logged."""
    text = deadletters.payload(actor=request.actor, raw_id=pk)
    return fragment(request, "channels/_payload.html", {"pk": pk, "text": text, "long": len(text) > MOST_PAYLOAD})


@page(permissions.PAYLOAD, methods=POST)
def mend(request: PageRequest, pk: int) -> HttpResponse:
    """A refusal leaves what was typed as it is, with the reason above it."""
    try:
        deadletters.mend(actor=request.actor, raw_id=pk, payload=request.POST.get("payload", ""))
    except BusinessError as error:
        context = {"pk": pk, "text": request.POST.get("payload", ""), "problem": sentence(error)}
        return fragment(request, "channels/_payload.html", context, status=422)
    return done(request, reverse("channels:deadletters") + "?tab=raw", _("Mended; it is read in now."))


@page(permissions.LETTERS, methods=POST)
def correct(request: PageRequest, pk: int) -> HttpResponse:
    deadletters.correct_confirmation(
        actor=request.actor,
        confirmation_id=pk,
        carrier=request.POST.get("carrier", ""),
        tracking_number=request.POST.get("tracking_number", ""),
    )
    return done(
        request, reverse("channels:deadletters") + "?tab=confirm", _("Corrected; the marketplace is told again.")
    )


@page(permissions.LETTERS, methods=POST)
def retry(request: PageRequest, kind: str, pk: int) -> HttpResponse:
    deadletters.retry(actor=request.actor, kind=_kind(kind), ids=[pk])
    return done(request, f"{reverse('channels:deadletters')}?tab={kind}", _("It is tried again."))


@page(permissions.LETTERS, methods=POST)
def drop(request: PageRequest, kind: str, pk: int) -> HttpResponse:
    deadletters.drop(actor=request.actor, kind=_kind(kind), ids=[pk], reason=request.POST.get("reason", ""))
    return done(request, f"{reverse('channels:deadletters')}?tab={kind}", _("Dropped."))


def _kind(kind: str) -> str:
    if kind not in (RAW, CONFIRM, EVENT):
        raise BusinessError("deadletter.not_found")
    return kind

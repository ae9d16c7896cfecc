"""The inbox, one conversation with its order beside it, templates. No logic: ``crm.queries`` and ``crm.services``."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core.errors import BusinessError
from core.ui import lists
from core.ui.requests import PageRequest
from core.ui.views import done, fragment, page, sentence
from crm import bulk, permissions, queries, queries_page, variables
from crm.forms import TemplateForm
from crm.pages import NEXT_ACTS, InboxList, filter_of
from crm.services import answers, attachments, pictures, templates, visits

POST = ("POST",)
BOTH = ("GET", "HEAD", "POST")


@page(permissions.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return lists.show(request, InboxList(), {"colleagues": queries_page.colleagues(request.actor)})


@page(permissions.ANSWER, methods=POST)
def bulk_take(request: PageRequest) -> HttpResponse:
    """Conversations become one's own."""
    return lists.do(request, InboxList(), bulk.ASSIGN, {"user": request.actor.id, "label": request.actor.label})


@page(permissions.ANSWER, methods=POST)
def bulk_assign(request: PageRequest) -> HttpResponse:
    user, label = _colleague(request)
    return lists.do(request, InboxList(), bulk.ASSIGN, {"user": user, "label": label})


@page(permissions.ANSWER, methods=POST)
def bulk_close(request: PageRequest) -> HttpResponse:
    return lists.do(request, InboxList(), bulk.CLOSE, {})


def _colleague(request: PageRequest) -> tuple[int | None, str]:
    """(user id, name) of the form; None: nobody. Raises BusinessError ``conversation.no_such_colleague``."""
    given = request.POST.get("user", "")
    names = {str(user): name for user, name in queries_page.colleagues(request.actor)}
    if given and given not in names:
        raise BusinessError("conversation.no_such_colleague")
    return (int(given) if given else None), names.get(given, "")


@page(permissions.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    return render(request, "crm/thread.html", _thread(request, pk))


def _thread(request: PageRequest, pk: int, **more: Any) -> dict[str, Any]:
    """``typed`` keeps what somebody wrote; ``key`` makes the sending of one form happen once."""
    thread = queries.thread(request.actor, pk)
    row = thread.conversation
    colleagues = queries_page.colleagues(request.actor)
    state = InboxList().state(request.GET)
    before, after = queries.neighbours(request.actor, filter_of(state), row) if "tab" in request.GET else (None, None)
    draft = "" if "typed" in more else visits.draft_of(request.actor, pk)
    return {
        "before": before,
        "after": after,
        "drafted": bool(draft),
        "others": visits.others(request.actor, pk),
        "next_act": NEXT_ACTS.get(thread.order["state"], "") if thread.order else "",
        "limits": attachments.LIMITS,
        "pictures": pictures.limits_of(row["platform"]) if request.actor.can(permissions.ANSWER) else None,
        "same_buyer": queries_page.of_buyer(request.actor, row),
        "unlinked": not thread.order,
        "thread": thread,
        "row": row,
        "messages_": thread.messages,
        "query": state.query(),
        "templates": sorted({one["name"] for one in queries.templates(request.actor)}),
        "colleagues": colleagues,
        "assignee": dict(colleagues).get(row["assignee_id"], ""),
        "may_answer": request.actor.can(permissions.ANSWER),
        "may_templates": request.actor.can(permissions.TEMPLATES),
        "history": queries.history(request.actor, pk),
        "key": uuid.uuid4().hex,
        "seen": thread.seen,
        "typed": draft,
        "problem": "",
        **more,
    }


def _here(request: PageRequest, pk: int) -> str:
    return f"{reverse('crm:show', args=[pk])}?{InboxList().state(request.GET).query()}"


@page(permissions.ANSWER, methods=POST)
def answer(request: PageRequest, pk: int) -> HttpResponse:
    """Send an answer. When somebody else was quicker, the thread shows it and what was typed stays in the field."""
    typed, seen, given = request.POST.get("body", ""), request.POST.get("seen", ""), _files(request, "picture")
    try:
        answers.answer(
            actor=request.actor,
            conversation_id=pk,
            body=typed,
            key=request.POST.get("key", ""),
            seen=int(seen) if seen.isdecimal() and len(seen) < 19 else None,
            given=given,
        )
    except BusinessError as error:
        if error.code.endswith(".not_found"):
            raise
        context = _thread(request, pk, typed=typed, problem=sentence(error), chosen=len(given))
        return render(request, "crm/_thread.html" if request.htmx else "crm/thread.html", context)
    following = request.POST.get("next", "")
    to = pk
    if request.POST.get("and_next") and following.isdecimal() and len(following) < 19:
        to = int(following)
    return done(request, _here(request, to), _("The answer is on its way."))


def _files(request: PageRequest, name: str) -> list[tuple[str, bytes]]:
    """(name, content) of a form's files; of one that is too large only so much that this shows."""
    return [(one.name or "", one.read(attachments.LIMITS.bytes + 1)) for one in request.FILES.getlist(name)]


@page(permissions.ANSWER, methods=POST)
def note(request: PageRequest, pk: int) -> HttpResponse:
    body = request.POST.get("note", "")
    answers.note(actor=request.actor, conversation_id=pk, body=body, given=_files(request, "file"))
    return done(request, _here(request, pk), _("Noted; only your colleagues see it."))


@page(permissions.ANSWER, methods=POST)
def assign(request: PageRequest, pk: int) -> HttpResponse:
    user, label = _colleague(request)
    answers.assign(actor=request.actor, conversation_id=pk, user_id=user, label=label)
    return done(request, _here(request, pk), _("Assigned.") if user else _("Assigned to nobody."))


@page(permissions.ANSWER, methods=POST)
def close(request: PageRequest, pk: int) -> HttpResponse:
    answers.close(actor=request.actor, conversation_id=pk)
    following = request.POST.get("next", "")
    if following.isdecimal() and len(following) < 19:
        return done(request, _here(request, int(following)), _("Closed without an answer."))
    return done(
        request, f"{reverse('crm:index')}?{InboxList().state(request.GET).query()}", _("Closed without an answer.")
    )


@page(permissions.ANSWER, methods=POST)
def reopen(request: PageRequest, pk: int) -> HttpResponse:
    answers.reopen(actor=request.actor, conversation_id=pk)
    return done(request, _here(request, pk), _("It waits again."))


@page(permissions.ANSWER, methods=POST)
def retry(request: PageRequest, pk: int, message: int) -> HttpResponse:
    answers.retry(actor=request.actor, message_id=message)
    return done(request, _here(request, pk), _("It is sent again."))


@page(permissions.ANSWER)
def preview(request: PageRequest, pk: int) -> HttpResponse:
    """A template filled in for this conversation, with what is missing named."""
    name = request.GET.get("template", "")
    if not name:
        return fragment(request, "crm/_preview.html")
    made = templates.preview(actor=request.actor, conversation_id=pk, name=name)
    return fragment(request, "crm/_preview.html", {"made": made})


# -- templates ----------------------------------------------------------------------------------------------------------


@page(permissions.VIEW)
def template_list(request: PageRequest) -> HttpResponse:
    context = {
        "templates": queries.templates(request.actor),
        "may_edit": request.actor.can(permissions.TEMPLATES),
    }
    return render(request, "crm/templates.html", context)


@page(permissions.TEMPLATES, methods=BOTH)
def template_edit(request: PageRequest, pk: int | None = None) -> HttpResponse:
    found = next((one for one in queries.templates(request.actor) if one["id"] == pk), None)
    if pk is not None and found is None:
        raise BusinessError("template.not_found")
    form = TemplateForm(request.POST if request.method == "POST" else None, initial=found)
    if request.method == "POST" and form.is_valid():
        try:
            templates.save_template(actor=request.actor, template_id=pk, **form.cleaned_data)
        except BusinessError as error:
            form.add_error("name" if error.code == "template.exists" else "body", sentence(error))
        else:
            return done(request, reverse("crm:templates"), _("Saved."))
    return render(request, "crm/template.html", {"form": form, "found": found, "variables": variables.variables()})


@page(permissions.TEMPLATES, methods=POST)
def template_delete(request: PageRequest, pk: int) -> HttpResponse:
    templates.delete_template(actor=request.actor, template_id=pk)
    return done(request, reverse("crm:templates"), _("Deleted."))

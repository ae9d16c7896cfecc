"""Bringing in a sheet: choose and upload, say what the columns are, see what would happen, do it, see what happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from core import files
from core.errors import BusinessError, NotAllowed
from core.permissions import Actor
from core.ui.requests import PageRequest
from core.ui.views import done, page, sentence
from inventory import permissions, queries_bring_in
from inventory.models import BringIn
from inventory.services import bring_in, bring_in_errors
from inventory.sheets import kinds
from inventory.sheets.kinds import Kind

BOTH = ("GET", "HEAD", "POST")
SHOWN_ERRORS = 100


def allowed(actor: Actor) -> list[Kind]:
    return [one for one in kinds.registered() if actor.can(one.operation)]


@page(permissions.VIEW, methods=BOTH)
def index(request: PageRequest) -> HttpResponse:
    """The kinds with their templates, the file or pasted rows, and what was brought in before."""
    some = allowed(request.actor)
    if not some:
        raise NotAllowed(operation=permissions.EDIT_CATALOGUE)
    chosen = request.POST.get("kind") or request.GET.get("kind") or some[0].key
    problem = ""
    if request.method == "POST":
        name, content = _given(request)
        try:
            if not content:
                raise BusinessError("bring_in.no_file")
            made = bring_in.take_in(actor=request.actor, kind=chosen, name=name, content=content)
        except BusinessError as error:
            problem = sentence(error)
        else:
            return done(request, reverse("inventory:bring_in", args=[made.pk]))
    context = {
        "kinds": some,
        "chosen": chosen,
        "problem": problem,
        "pasted": request.POST.get("pasted", ""),
        "former": queries_bring_in.former(request.actor),
        "most": files.MOST_BYTES // 1024 // 1024,
    }
    return render(request, "inventory/bring_in.html", context, status=422 if problem else 200)


def _given(request: PageRequest) -> tuple[str, bytes]:
    """(name, bytes) of the file, else of the rows that were pasted."""
    upload = request.FILES.get("file")
    if isinstance(upload, UploadedFile):
        if (upload.size or 0) > files.MOST_BYTES:
            raise BusinessError("file.too_large", name=upload.name, megabytes=files.MOST_BYTES // 1024 // 1024)
        return upload.name or "sheet", upload.read()
    text = request.POST.get("pasted", "").strip()
    return _("pasted.csv"), text.encode()


@page(permissions.VIEW)
def show(request: PageRequest, pk: int) -> HttpResponse:
    """The present step of one sheet; while it runs, htmx asks for the step again."""
    found = queries_bring_in.one(request.actor, pk)
    context = _context(request, found)
    return render(request, "inventory/_bring_in_step.html" if request.htmx else "inventory/bring_in_one.html", context)


def _context(
    request: PageRequest, found: BringIn, problem: str = "", mapping: dict[str, str] | None = None
) -> dict[str, Any]:
    kind = kinds.known(found.kind)
    assert kind is not None
    job = queries_bring_in.job_of(found)
    stopped = job is not None and found.state in bring_in.OPEN and not job["open"]
    step = "run" if found.state in bring_in.OPEN and not stopped else "stopped" if stopped else found.state
    labels = bring_in_errors.labels(kind)
    return {
        "found": found,
        "kind": kind,
        "job": job,
        "step": step,
        "problem": problem,
        "columns": _columns(request, found, kind, mapping or found.mapping) if step in ("draft", "checked") else [],
        "options": [(one, one.choices(request.actor), found.options.get(one.key, "")) for one in kind.options],
        "counts": [(name, found.counts.get(name, 0)) for name in kinds.OUTCOMES],
        "writes": found.counts.get(kinds.NEW, 0) + found.counts.get(kinds.CHANGED, 0),
        "errors": [
            {"line": one[0], "field": labels.get(one[1], one[1]), "text": bring_in_errors.told(one)}
            for one in found.errors[:SHOWN_ERRORS]
        ],
        "more": max(0, len(found.errors) - SHOWN_ERRORS),
        "share": min(100, job["done"] * 100 // found.total) if job and found.total else 0,
    }


def _columns(request: PageRequest, found: BringIn, kind: Kind, mapping: dict[str, str]) -> Sequence[dict[str, Any]]:
    """Each column of the file with its first values and what it is taken for."""
    samples = queries_bring_in.samples(found, kind)
    return [
        {"place": str(place), "heading": heading, "samples": some, "field": mapping.get(str(place), "")}
        for place, (heading, some) in enumerate(zip(found.headings, samples, strict=True))
        if heading or some
    ]


@page(permissions.VIEW, methods=("POST",))
def look(request: PageRequest, pk: int) -> HttpResponse:
    """What the columns are, and what would happen with them."""
    given = request.POST
    mapping = {name.removeprefix("column-"): given.get(name, "") for name in given if name.startswith("column-")}
    options = {name.removeprefix("option-"): given.get(name, "") for name in given if name.startswith("option-")}
    try:
        bring_in.look_over(actor=request.actor, pk=pk, mapping=mapping, options=options)
    except BusinessError as error:
        if error.code not in ("bring_in.missing", "bring_in.twice"):
            raise
        found = queries_bring_in.one(request.actor, pk)
        labels = bring_in_errors.labels(kinds.known(found.kind))  # type: ignore[arg-type]
        if "field" in error.params:
            error.params["field"] = labels.get(error.params["field"], error.params["field"])
        else:
            error.params["fields"] = [labels.get(one, one) for one in error.params["fields"]]
        context = _context(request, found, sentence(error), mapping)
        return render(request, "inventory/bring_in_one.html", context, status=422)
    return done(request, reverse("inventory:bring_in", args=[pk]))


@page(permissions.VIEW, methods=("POST",))
def go(request: PageRequest, pk: int) -> HttpResponse:
    bring_in.bring(actor=request.actor, pk=pk)
    return done(request, reverse("inventory:bring_in", args=[pk]))


@page(permissions.VIEW)
def errors(request: PageRequest, pk: int) -> HttpResponse:
    """The refused rows with their reasons, to be corrected and brought in again."""
    found = queries_bring_in.one(request.actor, pk)
    kind = kinds.known(found.kind)
    assert kind is not None
    content = bring_in_errors.workbook(bring_in.given(found, kind).sheet, found, kind)
    return _download(bring_in_errors.name_of(found), content)


@page(permissions.VIEW)
def template(request: PageRequest, kind: str) -> HttpResponse:
    chosen = next((one for one in allowed(request.actor) if one.key == kind), None)
    if chosen is None:
        raise BusinessError("bring_in.not_found")
    return _download(f"sampan-{kind}.xlsx", bring_in_errors.template(chosen))


def _download(name: str, content: bytes) -> HttpResponse:
    response = HttpResponse(content, content_type=files.XLSX)
    response.headers["Content-Disposition"] = str(content_disposition_header(True, name))
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

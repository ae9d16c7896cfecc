"""Long work that is watched: the bell, the list, cancel and resume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import clock, jobs
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import Job, StoredFile
from core.ui.requests import PageRequest
from core.ui.views.page import done, page
from core.words import formats

SHOWN = 100
LATELY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Shown:
    """``share``: per cent done, None while the whole is not known. ``left``: time left in words."""

    job: Job
    running: bool
    share: int | None
    left: str
    may: bool
    file: str


def _visible(actor: Actor) -> list[Job]:
    """One's own jobs; all of them with the right to manage them."""
    rows = Job.objects.defer("params", "checkpoint").order_by("-pk")
    if not actor.can(jobs.MANAGE):
        rows = rows.filter(actor_id=actor.id)
    return list(rows[:SHOWN])


def _shown(actor: Actor, rows: list[Job]) -> list[Shown]:
    wanted = [row.result_file_id for row in rows if row.result_file_id]
    uids = dict(StoredFile.objects.filter(pk__in=wanted).values_list("pk", "uid")) if wanted else {}
    out = []
    for row in rows:
        running = row.state in jobs.OPEN
        made = row.done + row.failed
        share = min(100, made * 100 // row.total) if row.total else None
        left = ""
        if running and row.started_at is not None and row.total and made:
            spent = (clock.now() - row.started_at).total_seconds()
            left = _("{span} left").format(span=formats.span(spent / made * (row.total - made)))
        mine = row.actor_id == actor.id or actor.can(jobs.MANAGE)
        out.append(Shown(row, running, share, left, mine, str(uids.get(row.result_file_id or 0, ""))))
    return out


@page(None)
def index(request: PageRequest) -> HttpResponse:
    found = _shown(request.actor, _visible(request.actor))
    _mark_seen(request.actor)
    template = "ui/_jobs.html" if request.htmx else "ui/jobs.html"
    return render(request, template, {"jobs": found, "running": any(one.running for one in found)})


def _mark_seen(actor: Actor) -> None:
    """Whoever looked at the list needs no bell for what has ended."""
    Job.objects.filter(actor_id=actor.id, seen_at=None, finished_at__isnull=False).update(seen_at=clock.now())


@page(None)
def bell(request: PageRequest) -> HttpResponse:
    """How many run, and whether one of one's own has ended that one has not seen. Two cheap queries."""
    mine = Job.objects.filter(actor_id=request.actor.id)
    context = {
        "running": mine.filter(state__in=jobs.OPEN).count(),
        "ended": mine.filter(seen_at=None, finished_at__gte=clock.now() - LATELY).order_by("-pk").first(),
    }
    return render(request, "ui/_bell.html", context)


def _one(request: PageRequest, pk: int) -> int:
    if pk not in {row.pk for row in _visible(request.actor)}:
        raise BusinessError("job.not_found")
    return pk


@page(None, methods=("POST",))
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    jobs.cancel(request.actor, _one(request, pk))
    return done(request, reverse("jobs"), _("It stops after its present step."))


@page(None, methods=("POST",))
def resume(request: PageRequest, pk: int) -> HttpResponse:
    jobs.resume(request.actor, _one(request, pk))
    return done(request, reverse("jobs"), _("It goes on where it stopped."))

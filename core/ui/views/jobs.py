"""Long work that is watched: the bell, the list, cancel and resume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import bulk, clock, jobs
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import Job, StoredFile
from core.ui.requests import PageRequest
from core.ui.views.page import done, page
from core.words import formats, say

SHOWN, IN_PANEL = 100, 8
LATELY = timedelta(hours=12)
REASON_ITEMS = 60  # of one reason that are listed


@dataclass(frozen=True, slots=True)
class Shown:
    """``share``: per cent done, None while the whole is not known. ``left``: time left in words.

    ``reasons``: what could not be done: (sentence, how many, [(label, address)]), the most frequent first.
    """

    job: Job
    running: bool
    share: int | None
    left: str
    may: bool
    file: str
    unseen: bool
    reasons: list[tuple[str, int, list[tuple[str, str]]]]


def _visible(actor: Actor) -> list[Job]:
    """One's own jobs; all of them for whoever manages them."""
    rows = Job.objects.defer("params", "checkpoint").order_by("-pk")
    if not jobs.manages(actor):
        rows = rows.filter(actor_id=actor.id)
    return list(rows[:SHOWN])


def _reasons(log: list[dict[str, Any]]) -> list[tuple[str, int, list[tuple[str, str]]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for entry in log:
        items = found.setdefault(say(entry.get("code", ""), entry.get("params") or {}), [])
        items.append((entry.get("label", ""), entry.get("href", "")))
    rows = [(said, len(items), [one for one in items if one[0]][:REASON_ITEMS]) for said, items in found.items()]
    return sorted(rows, key=lambda row: -row[1])


def _shown(actor: Actor, rows: list[Job]) -> list[Shown]:
    wanted = [row.result_file_id for row in rows if row.result_file_id]
    uids: dict[int, Any] = {}
    if wanted:
        mine = Q(owner_id=None) | Q(owner_id=actor.id)
        there = Q(purge_at=None) | Q(purge_at__gt=clock.now())
        uids = dict(StoredFile.objects.filter(mine, there, pk__in=wanted).values_list("pk", "uid"))
    out = []
    for row in rows:
        running = row.state in jobs.OPEN
        made = row.done + row.failed
        share = min(100, made * 100 // row.total) if row.total else None
        left = ""
        if running and row.started_at is not None and row.total and made:
            spent = (clock.now() - row.started_at).total_seconds()
            left = _("{span} left").format(span=formats.span(spent / made * (row.total - made)))
        may = row.actor_id == actor.id or jobs.manages(actor)
        file = str(uids.get(row.result_file_id or 0, ""))
        unseen = not running and row.seen_at is None and row.actor_id == actor.id
        reasons = _reasons(row.log) if "log" not in row.get_deferred_fields() else []
        out.append(Shown(row, running, share, left, may, file, unseen, reasons))
    return out


@page(None)
def index(request: PageRequest) -> HttpResponse:
    found = _shown(request.actor, _visible(request.actor))
    _mark_seen(request.actor)
    template = "ui/_jobs.html" if request.htmx else "ui/jobs.html"
    return render(request, template, {"jobs": found, "running": any(one.running for one in found)})


def _mark_seen(actor: Actor) -> None:
    """Whoever looked at the list needs no bell for what has ended, and no note."""
    at = clock.now()
    ended = Job.objects.filter(actor_id=actor.id, seen_at=None).exclude(state__in=jobs.OPEN)
    ended.update(seen_at=at, told_at=Coalesce("told_at", Value(at)))


@page(None)
def panel(request: PageRequest) -> HttpResponse:
    """The bell's panel: one's own latest jobs. It asks again while one of them runs."""
    return _panel(request)


def _panel(request: PageRequest) -> HttpResponse:
    mine = Job.objects.defer("params", "checkpoint").filter(actor_id=request.actor.id)
    found = _shown(request.actor, list(mine.order_by("-pk")[:IN_PANEL]))
    _mark_seen(request.actor)
    return render(request, "ui/_bell_panel.html", {"jobs": found, "running": any(one.running for one in found)})


@page(None)
def bell(request: PageRequest) -> HttpResponse:
    """How many run, whether one of one's own has ended unseen, and a note of each that ended since. One cheap query."""
    mine = Job.objects.defer("params", "checkpoint", "log").filter(actor_id=request.actor.id, seen_at=None)
    found = list(mine.order_by("-pk")[:SHOWN])
    running = [one for one in found if one.state in jobs.OPEN]
    ended = [one for one in found if one.state not in jobs.OPEN]
    fresh = [one for one in ended if one.told_at is None and one.finished_at and one.finished_at > clock.now() - LATELY]
    told = _shown(request.actor, _tell(fresh)) if fresh else []
    # On the page of jobs everything is to be seen anyway.
    here = urlsplit(request.htmx.current_url or "").path == reverse("jobs")
    context = {
        "running": len(running),
        "ended": ended[0] if ended else None,
        "unseen": len(ended),
        "told": [] if here else told,
    }
    return render(request, "ui/_bell.html", context)


def _tell(fresh: list[Job]) -> list[Job]:
    """Those of which nobody has told yet: of two windows that ask at once one gets them."""
    sql = "UPDATE records_job SET told_at = %s WHERE id = ANY(%s) AND told_at IS NULL RETURNING id"
    mine = {row[0] for row in bulk.fetch(sql, [clock.now(), [one.pk for one in fresh]])}
    return [one for one in fresh if one.pk in mine]


def _one(request: PageRequest, pk: int) -> int:
    if pk not in {row.pk for row in _visible(request.actor)}:
        raise BusinessError("job.not_found")
    return pk


@page(None, methods=("POST",))
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    jobs.cancel(request.actor, _one(request, pk))
    if request.POST.get("panel"):
        return _panel(request)
    return done(request, reverse("jobs"), _("It stops after its present step."))


@page(None, methods=("POST",))
def resume(request: PageRequest, pk: int) -> HttpResponse:
    jobs.resume(request.actor, _one(request, pk))
    return done(request, reverse("jobs"), _("It goes on where it stopped."))

"""Acts on many rows: a few at once and within the request, many as a job that is watched (``core.jobs``).

An app declares the act once, in a module that ``apps.py: ready()`` imports, because the worker needs it too:

    HOLD = lists.act(lists.Act(
        "orders.hold", permissions.HOLD, title_code="job.orders.hold", opens="orders:show",
        do=lambda actor, ids, given: acts.hold(actor=actor, order_ids=ids, note=given["note"]),
        said=lambda n: ngettext("{n} order held.", "{n} orders held.", n).format(n=n), label=lambda pk: f"S-{pk}"))

and its POST page answers ``lists.do(request, OrdersList(), HOLD, {"note": …})``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from core import jobs
from core.errors import BusinessError
from core.jobs import JobRun, Step
from core.permissions import Actor
from core.records.models import Job
from core.ui.lists import registry
from core.ui.lists.contract import ALL_LIMIT, ListPage
from core.ui.requests import PageRequest
from core.ui.views import done
from core.words import say

KIND = "ui.bulk"
AT_ONCE = 200  # so many are done while the browser waits
OUTCOME = "ui.outcome"
REFUSED_SHOWN = 200

Refused = Mapping[int, tuple[str, Mapping[str, Any]]]


class Outcome(Protocol):
    """What an act gives: ids that were done, and {id: (code, params)} of those that could not be."""

    @property
    def done(self) -> Sequence[int]: ...
    @property
    def refused(self) -> Refused: ...


@dataclass(frozen=True, slots=True)
class Act:
    """``do(actor, ids, given)``: the service's call, ``given`` what the form asked for (JSON; never personal).

    ``title_code``: the job's name; ``said(n)``: what was done, as a sentence; ``label(id)`` names an item without
    personal data; ``opens``: URL name of its page by ``pk``. ``inside``: ``do`` may run within a transaction (then work
    and progress commit together); else it commits by itself and does no harm when it is done twice.
    """

    name: str
    operation: str
    do: Callable[[Actor, Sequence[int], Mapping[str, Any]], Outcome]
    title_code: str
    said: Callable[[int], str]
    label: Callable[[int], str] = str
    opens: str = ""
    inside: bool = True
    batch: int = AT_ONCE

    def href(self, pk: int) -> str:
        return reverse(self.opens, kwargs={"pk": pk}) if self.opens else ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """``ids`` None: everything in ``view``, which is more than is done at once."""

    ids: list[int] | None
    view: str


_acts: dict[str, Act] = {}


def act(one: Act) -> Act:
    """Register an act; gives it back."""
    if one.name in _acts:
        raise ValueError(f"act {one.name!r} is registered twice")
    _acts[one.name] = one
    return one


def acts() -> list[Act]:
    return sorted(_acts.values(), key=lambda one: one.name)


# -- what is chosen


def selected(request: PageRequest, page: ListPage) -> list[int]:
    """Ids that a bulk act is about: those ticked, or everything in the view that the form names.

    Raises BusinessError ``list.nothing_selected``.
    """
    if request.POST.get("all") == "1":
        ids = page.ids(request.actor, page.state(QueryDict(request.POST.get("view", ""))))[:ALL_LIMIT]
    else:
        ids = ticked(request)
    if not ids:
        raise BusinessError("list.nothing_selected")
    return ids


def ticked(request: PageRequest) -> list[int]:
    given = (int(value) for value in request.POST.getlist("id") if value.isdecimal() and len(value) < 19)
    return list(dict.fromkeys(given))[:ALL_LIMIT]


def chosen(request: PageRequest, page: ListPage) -> Chosen:
    """As ``selected``, but a view of many is not walked through here. Raises ``list.nothing_selected``."""
    view = page.state(QueryDict(request.POST.get("view", "")))
    if request.POST.get("all") != "1":
        ids = ticked(request)
    else:
        found = page.rows(request.actor, replace(view, size=AT_ONCE, after="", before=""))
        if found.next:
            return Chosen(None, view.query())
        ids = [int(row["id"]) for row in found.rows]
    if not ids:
        raise BusinessError("list.nothing_selected")
    return Chosen(ids, view.query())


# -- doing it


def do(request: PageRequest, page: ListPage, one: Act, given: Mapping[str, Any] | None = None) -> HttpResponse:
    """Answer the POST of a bulk act: up to 200 at once, more as a job; back to the list as it was.

    Raises NotAllowed, BusinessError ``list.nothing_selected``.
    """
    request.actor.require(one.operation)
    about = chosen(request, page)
    back = registry.address(page.name, about.view)
    if about.ids is None or len(about.ids) > AT_ONCE:
        bulk_job(request.actor, one, page.name, ids=about.ids, view=about.view, given=given)
        return done(request, back, gettext("This goes on in the background; the bell shows how far it is."))
    result = one.do(request.actor, about.ids, dict(given or {}))
    text = one.said(len(result.done))
    if result.refused:
        left = ngettext("{n} could not be done", "{n} could not be done", len(result.refused))
        text = f"{text} {left.format(n=len(result.refused))}"
    outcome(request, text, result.refused, one.label, one.href)
    return done(request, back)


def outcome(
    request: PageRequest,
    text: str,
    refused: Refused,
    label: Callable[[int], str],
    href: str | Callable[[int], str],
) -> None:
    """Keep what an act did for the next page: ``text``, and what was refused, grouped by its reason.

    ``refused``: {id: (code, params)}; ``label(id)`` names an object; ``href`` opens it (a text with ``{id}``, or a call).
    """
    opens = href if callable(href) else lambda pk: href.format(id=pk)
    reasons: dict[str, list[list[str]]] = {}
    for pk, (code, params) in list(refused.items())[:REFUSED_SHOWN]:
        reasons.setdefault(say(code, params), []).append([label(pk), opens(pk)])
    request.session[OUTCOME] = {
        "text": text,
        "refused": len(refused),
        "reasons": sorted(reasons.items(), key=lambda item: -len(item[1])),
    }


def bulk_job(
    actor: Actor,
    one: Act,
    list_name: str,
    *,
    ids: Sequence[int] | None = None,
    view: str = "",
    given: Mapping[str, Any] | None = None,
) -> Job:
    """Start the act over ``ids``, or over everything in ``view`` (a query string of the list) as it is when it starts.

    Raises NotAllowed.
    """
    actor.require(one.operation)
    params: dict[str, Any] = {"act": one.name, "list": list_name, "view": view, "given": dict(given or {})}
    if ids is not None:
        params["ids"] = list(ids)[:ALL_LIMIT]
    return jobs.start(actor, KIND, one.title_code, {}, params, total=len(params.get("ids", ())))


@jobs.job(KIND)
def run(work: JobRun) -> None:
    """Batch by batch; what could not be done stands in the job's log by item and reason."""
    one = _acts.get(work.params["act"])
    if one is None:
        raise BusinessError("list.no_act", act=work.params["act"])
    work.actor.require(one.operation)
    if "ids" not in work.params:
        page = registry.named(work.actor, work.params["list"])
        ids = page.ids(work.actor, page.state(QueryDict(work.params["view"])))[:ALL_LIMIT]
        with work.step(total=len(ids)):
            work.keep(ids=ids)
    ids, given = work.params["ids"], work.params["given"]
    for start in range(int(work.checkpoint or 0), len(ids), one.batch):
        part = ids[start : start + one.batch]
        if one.inside:
            _together(work, one, part, given, start + len(part))
        else:
            made = Step()
            _note(one, one.do(work.actor, part, given), made)
            work.progress(done=made.done, failed=made.failed, log=made.log, checkpoint=start + len(part))


def _together(work: JobRun, one: Act, part: list[int], given: Mapping[str, Any], checkpoint: int) -> None:
    """The batch in one transaction; when it is refused as a whole, item by item, so that one holds up no other."""
    try:
        with work.step(checkpoint=checkpoint) as made:
            _note(one, one.do(work.actor, part, given), made)
    except BusinessError:
        with work.step(checkpoint=checkpoint) as made:
            for pk in part:
                try:
                    with transaction.atomic():
                        result = one.do(work.actor, [pk], given)
                except BusinessError as error:
                    _refuse(one, pk, error.code, error.params, made)
                else:
                    _note(one, result, made)


def _note(one: Act, result: Outcome, made: Step) -> None:
    made.done += len(result.done)
    for pk, (code, params) in result.refused.items():
        _refuse(one, pk, code, params, made)


def _refuse(one: Act, pk: int, code: str, params: Mapping[str, Any], made: Step) -> None:
    made.failed += 1
    made.log.append({"id": pk, "label": one.label(pk), "href": one.href(pk), "code": code, "params": dict(params)})

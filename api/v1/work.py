"""Long work: what runs, how far it is, what failed of it."""

from __future__ import annotations

from typing import Any

from ninja import Path, Query, Router

from api import permissions, reading
from api.v1.base import Call, Id, Out, Page, Paged, Time, read, write
from api.v1.order_shapes import Reason, reason
from core import jobs
from core.errors import BusinessError
from core.records.models import Job
from core.words import say

router = Router(tags=["Jobs"])


class JobsQuery(Paged):
    pass


class JobRow(Out):
    """``total`` 0: not known. Only work that this key began, unless it may manage all."""

    id: int
    kind: str
    title: str
    state: str
    total: int
    done: int
    failed: int
    by: str
    problem: Reason | None
    created_at: Time
    started_at: Time | None
    finished_at: Time | None


class Failure(Out):
    id: int | None
    label: str
    code: str
    detail: str


class JobOut(JobRow):
    failures: list[Failure]


@read(router, "/jobs", permissions.JOBS, Page[JobRow], "Long work, newest first", query=JobsQuery)
def list_jobs(request: Call, query: Query[JobsQuery]) -> Any:
    place = query.place("jobs")
    rows = reading.jobs(request.actor, before=int(place) if place else None, limit=query.limit + 1)
    more = rows[query.limit - 1].pk if len(rows) > query.limit else None
    return query.page("jobs", [_row(one) for one in rows[: query.limit]], more)


@read(router, "/jobs/{int:job_id}", permissions.JOBS, JobOut, "One piece of long work, with what failed")
def get_job(request: Call, job_id: Path[Id]) -> Any:
    found = _one(request, job_id)
    failures = [
        {
            "id": one.get("id"),
            "label": str(one.get("label", "")),
            "code": str(one.get("code", "")),
            "detail": say(str(one.get("code", "")), one.get("params") or {}),
        }
        for one in found.log
    ]
    return _row(found) | {"failures": failures}


@write(router, "/jobs/{int:job_id}/cancel", permissions.JOBS, JobRow, "Have it stop after its present step")
def cancel_job(request: Call, job_id: Path[Id]) -> Any:
    found = _one(request, job_id)
    jobs.cancel(request.actor, job_id)
    found.refresh_from_db()
    return _row(found)


def _one(request: Call, job_id: int) -> Job:
    found = reading.jobs(request.actor, ids=[job_id], limit=1)
    if not found:
        raise BusinessError("job.not_found")
    return found[0]


def _row(one: Job) -> dict[str, Any]:
    same = ("kind", "state", "total", "done", "failed", "created_at", "started_at", "finished_at")
    return {name: getattr(one, name) for name in same} | {
        "id": one.pk,
        "title": say(one.title_code, one.title_params),
        "by": one.actor_label,
        "problem": reason(one.error_code, one.error_params),
    }

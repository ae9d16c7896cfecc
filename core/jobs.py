"""Long work that a person can watch: progress, log, cancel, resume after a kill (architecture §5).

A job is a row; the outbox carries it. It runs in slices, so that it neither meets a time limit nor keeps a worker from
other work: after each committed step with a checkpoint it may stop and go on later, in another process.

    @job("orders.bulk_book")
    def bulk_book(job: JobRun) -> None:
        for batch in batches(job.params["ids"], after=job.checkpoint):
            with job.step(checkpoint=batch[-1]) as step:      # one transaction: the work and its progress
                step.done = book(batch)
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock, events, faults
from core.central.leases import LEASE_SECONDS, kept, until
from core.errors import BusinessError, LeaseLost, NotAllowed, SampanError, Transient
from core.permissions import MANAGER, Actor, operation
from core.records.models import Job
from core.tenancy import current_schema

SLICE_SECONDS = 20.0
MOST_LOG = 1000
EVENT, HANDLER = "jobs.wanted", "jobs.run"
FINISHED = "jobs.finished"  # done, failed or cancelled; the payload names the job
ACTOR = "_actor"  # where the acting person's rights stand in params
OPEN = (Job.QUEUED, Job.RUNNING)

MANAGE = operation("jobs.manage", MANAGER)

_runners: dict[str, Callable[[JobRun], None]] = {}


class _Stopped(Exception):
    """Ends a slice from inside, after a step has been committed."""


class _Yield(_Stopped):
    pass


class _Cancelled(_Stopped):
    pass


@dataclass
class Step:
    """What one committed step did; filled in by the job. ``checkpoint``: set inside, when it is known only there."""

    done: int = 0
    failed: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    checkpoint: Any = None

    def fail(self, item_id: int | None, label: str, code: str, **params: Any) -> None:
        """One item could not be done: counted, and listed with its reason. No personal data in ``label``."""
        self.failed += 1
        self.log.append({"id": item_id, "label": label, "code": code, "params": params})


class JobRun:
    """A running job, as its function sees it. ``checkpoint``: what the last committed step gave, None at the start."""

    def __init__(self, row: Job, token: str) -> None:
        self.id, self.kind, self.token = row.pk, row.kind, token
        self.params = {name: value for name, value in row.params.items() if name != ACTOR}
        self.checkpoint: Any = row.checkpoint
        self.actor = _actor(row)
        self._slice_ends = clock.monotonic() + SLICE_SECONDS
        self._cancelled = row.cancel_asked

    @property
    def cancelled(self) -> bool:
        """Whether a person asked to stop, as of the last step."""
        return self._cancelled

    @contextmanager
    def step(self, *, checkpoint: Any = None, total: int | None = None) -> Iterator[Step]:
        """A transaction for one batch: its work, its counts and the checkpoint commit together.

        After it the job may be stopped (cancelled) or put off (its slice is over, when a checkpoint was given), by an
        exception that passes through the function. Raises LeaseLost (rolled back) when another process has the job.
        """
        made = Step(checkpoint=checkpoint)
        with transaction.atomic(durable=True):
            yield made
            checkpoint = made.checkpoint
            self._write(made, checkpoint, total)
        if checkpoint is not None:
            self.checkpoint = checkpoint
        if self._cancelled:
            raise _Cancelled
        if checkpoint is not None and clock.monotonic() >= self._slice_ends:
            raise _Yield

    def progress(
        self,
        *,
        done: int = 0,
        failed: int = 0,
        log: list[dict[str, Any]] | None = None,
        checkpoint: Any = None,
        total: int | None = None,
    ) -> None:
        """As ``step``, after work that has committed by itself and does no harm when it is done twice."""
        with self.step(checkpoint=checkpoint, total=total) as made:
            made.done, made.failed, made.log = done, failed, list(log or [])

    def keep(self, **params: Any) -> None:
        """Add to ``params`` what later slices need (ids rather than values), in the step's transaction or alone."""
        self._update("params = params || %s::jsonb", [json.dumps(params)])
        self.params |= params

    def result(self, file_id: int) -> None:
        """Name the result file (``core.files.store``), in the step's transaction or alone."""
        self._update("result_file_id = %s", [file_id])

    def _write(self, made: Step, checkpoint: Any, total: int | None) -> None:
        sets = "done = done + %s, failed = failed + %s, heartbeat_at = %s, lease_until = %s"
        params: list[Any] = [made.done, made.failed, clock.wall(), until()]
        if checkpoint is not None:
            sets, params = f"{sets}, checkpoint = %s", [*params, json.dumps(checkpoint)]
        if total is not None:
            sets, params = f"{sets}, total = %s", [*params, total]
        if made.log:
            sets += f", log = CASE WHEN jsonb_array_length(log) < {MOST_LOG} THEN log || %s::jsonb ELSE log END"
            params.append(json.dumps(made.log[:MOST_LOG], default=str))
        self._update(sets, params)

    def _update(self, sets: str, params: list[Any]) -> None:
        sql = f"UPDATE records_job SET {sets} WHERE id = %s AND lease_token = %s RETURNING cancel_asked"
        rows = bulk.fetch(sql, [*params, self.id, self.token])
        if not rows:
            raise LeaseLost(job=self.id)
        self._cancelled = bool(rows[0][0])


def job(kind: str) -> Callable[[Callable[[JobRun], None]], Callable[[JobRun], None]]:
    """Register the function of a kind of job, at import of the app's ``handlers`` module.

    What it raises ends the job as failed with the reason; a person may resume it from its checkpoint.
    """

    def register(call: Callable[[JobRun], None]) -> Callable[[JobRun], None]:
        if _runners.get(kind, call) is not call:
            raise ValueError(f"job {kind!r} is registered twice")
        _runners[kind] = call
        return call

    return register


def registered() -> list[str]:
    return sorted(_runners)


def start(
    actor: Actor, kind: str, title_code: str, title_params: dict[str, Any], params: dict[str, Any], *, total: int = 0
) -> Job:
    """Queue a job; it starts when the caller's transaction commits. The job acts with the rights ``actor`` has now.

    ``params``: JSON, ids rather than values. The caller has checked the permission for what the job does.
    """
    if kind not in _runners:
        raise ValueError(f"no job of kind {kind!r}")
    with transaction.atomic():
        made = Job.objects.create(
            kind=kind,
            title_code=title_code,
            title_params=title_params,
            params=params | {ACTOR: _rights(actor)},
            total=total,
            actor_id=actor.id,
            actor_label=actor.label,
            created_at=clock.now(),
        )
        events.emit(EVENT, {"id": made.pk})
    return made


def cancel(actor: Actor, job_id: int) -> None:
    """Ask a job to stop after its present step; one that has not begun ends at once. Raises NotAllowed."""
    with transaction.atomic():
        found = _mine(actor, job_id)
        if found.state == Job.QUEUED:
            found.state, found.finished_at = Job.CANCELLED, clock.now()
            events.emit(FINISHED, {"id": found.pk})
        found.cancel_asked = True
        found.save(update_fields=["state", "finished_at", "cancel_asked"])


def resume(actor: Actor, job_id: int) -> None:
    """Let an interrupted, failed or cancelled job go on from its checkpoint. Raises BusinessError, NotAllowed."""
    with transaction.atomic():
        found = _mine(actor, job_id)
        if found.state not in (Job.INTERRUPTED, Job.FAILED, Job.CANCELLED):
            raise BusinessError("job.not_resumable", state=found.state)
        # One's own goes on with the rights one has now, which may be fewer.
        params = found.params | {ACTOR: _rights(actor)} if found.actor_id == actor.id else found.params
        Job.objects.filter(pk=job_id).update(
            params=params,
            state=Job.QUEUED,
            cancel_asked=False,
            finished_at=None,
            seen_at=None,
            told_at=None,
            error_code="",
            error_params={},
            lease_until=None,
        )
        events.emit(EVENT, {"id": job_id})


def manages(actor: Actor) -> bool:
    """Whether somebody sees and manages the jobs of others. They run with others' rights, so whoever is narrowed to some
    accounts or warehouses has only the own ones."""
    return actor.can(MANAGE) and actor.accounts is None and actor.warehouses is None


def _mine(actor: Actor, job_id: int) -> Job:
    found = Job.objects.select_for_update().get(pk=job_id)
    if (actor.id is None or found.actor_id != actor.id) and not manages(actor):
        raise NotAllowed(operation=MANAGE)
    return found


def mark_interrupted() -> int:
    """Jobs that nobody runs and no outbox row will start again are shown as interrupted. Returns how many."""
    sql = """
        UPDATE records_job j SET state = 'interrupted', finished_at = %s
         WHERE j.state IN ('queued', 'running') AND (j.lease_until IS NULL OR j.lease_until < %s)
           AND NOT EXISTS (SELECT 1 FROM public.central_outbox o
                            WHERE o.schema = %s AND o.handler = %s AND o.state < 2
                              AND (o.stream = 'job ' || j.id OR o.stream LIKE 'job ' || j.id || '~%%'))
    """
    gone = clock.wall() - timedelta(seconds=LEASE_SECONDS)
    return bulk.execute(sql, [clock.now(), gone, current_schema(), HANDLER])


# -- the worker's side ------------------------------------------------------------------------------------------------


@events.on(EVENT, name=HANDLER, stream=lambda payload: f"job {payload['id']}", on_failure="aside", retries=10)
def _handle(payload: dict[str, Any]) -> None:
    run = _take(int(payload["id"]))
    if run is None:
        return
    with kept(f'"{current_schema()}".records_job', run.id, run.token):
        state, code, params = _outcome(run)
    with events.close_row():
        again = state == Job.QUEUED
        run._update(
            "state = %s, error_code = %s, error_params = %s, finished_at = %s, lease_until = NULL",
            [state, code, json.dumps(params), None if again else clock.now()],
        )
        events.emit(EVENT, payload) if again else events.emit(FINISHED, {"id": run.id})


def _outcome(run: JobRun) -> tuple[str, str, dict[str, Any]]:
    """Run a slice: the state that follows, and the reason if it failed."""
    try:
        call = _runners.get(run.kind)
        if call is None:
            raise SampanError("work.handler_missing", handler=run.kind)
        if run.cancelled:
            raise _Cancelled
        call(run)
    except _Yield:
        return Job.QUEUED, "", {}
    except _Cancelled:
        return Job.CANCELLED, "", {}
    except LeaseLost:
        raise
    except Exception as error:  # the job's, whatever it is
        return Job.FAILED, *faults.stored(error)
    return Job.DONE, "", {}


def _take(job_id: int) -> JobRun | None:
    """Lease the job. None when there is nothing to do; Transient while another process still has its lease."""
    token, at = str(uuid.uuid4()), clock.wall()
    with transaction.atomic():
        row = Job.objects.select_for_update().filter(pk=job_id, state__in=OPEN).first()
        if row is None:
            return None
        if row.lease_until is not None and row.lease_until > at:
            raise Transient("job.still_running", job=job_id)
        row.state, row.lease_token, row.lease_until = Job.RUNNING, uuid.UUID(token), until()
        row.started_at, row.heartbeat_at = row.started_at or clock.now(), at
        row.save(update_fields=["state", "lease_token", "lease_until", "started_at", "heartbeat_at"])
    return JobRun(row, token)


def _rights(actor: Actor) -> dict[str, Any]:
    rights = asdict(actor)
    del rights["extra"]
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in rights.items()}


def _actor(row: Job) -> Actor:
    rights = dict(row.params.get(ACTOR) or {})
    for name in ("operations", "accounts", "warehouses"):
        if rights.get(name) is not None:
            rights[name] = frozenset(rights[name])
    return Actor(**rights) if rights else Actor(kind="system", id=None, label=row.actor_label)

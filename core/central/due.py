"""Recurring work of tenants: one row per (schema, job, key), claimed by lease when its time has come.

When a row is due is business time (a rehearsal's scaled clock drives it); leases are wall time. The beat's tick claims
rows and sends one short Celery task each; the token decides, so a lost or repeated message changes nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Least
from django_tenants.utils import get_tenant_model

from core import bulk, clock, faults, settings_store
from core.central.leases import kept, until
from core.central.models import Due
from core.errors import SampanError, Throttled
from core.tenancy import PUBLIC, public_context, tenant_context

log = logging.getLogger(__name__)

Job = Callable[[str], "float | None"]

FIRST_BACKOFF, LONGEST_BACKOFF = 15.0, 3600.0  # business seconds
START_SECONDS = 60.0  # wall: how long a claimed row waits for its message to be read
NO_JOB = "work.handler_missing"

_jobs: dict[str, Job] = {}
_defaults: dict[str, int] = {}


def due_job(name: str, *, every_tenant: int | None = None) -> Callable[[Job], Job]:
    """Register the function of a job: ``f(key) -> None | seconds until the next run`` (business time).

    It runs in the tenant's schema (in public for rows of ``public``), outside of any transaction, and may be killed and
    run again at any point. What it raises makes the row back off. ``every_tenant``: seconds; each tenant has a row of
    this job with an empty key (``schedule_defaults``).
    """

    def register(call: Job) -> Job:
        if _jobs.get(name, call) is not call:
            raise ValueError(f"due job {name!r} is registered twice")
        _jobs[name] = call
        if every_tenant is not None:
            _defaults[name] = every_tenant
        return call

    return register


def registered() -> list[str]:
    return sorted(_jobs)


# -- what services call -----------------------------------------------------------------------------------------------


def schedule(schema: str, job: str, key: str, every_seconds: int, first_at: datetime | None = None) -> None:
    """Make or change a row, in the caller's transaction. A row that is there keeps its time unless ``first_at`` is given."""
    sql = """
        INSERT INTO public.central_due (schema, job, key, every, due_at, paused, failures, error_code, error_params)
        VALUES (%s, %s, %s, %s, COALESCE(%s, %s), false, 0, '', '{}')
        ON CONFLICT (schema, job, key) DO UPDATE
           SET every = EXCLUDED.every, due_at = COALESCE(%s, public.central_due.due_at)
    """
    bulk.execute(sql, [schema, job, key, every_seconds, first_at, clock.now(), first_at])


def schedule_defaults(schema: str) -> None:
    """Give a tenant the rows that every tenant has; for provisioning and set-up. Existing rows keep their times."""
    for job, seconds in sorted(_defaults.items()):
        schedule(schema, job, "", seconds)


def unschedule(schema: str, job: str, key: str) -> None:
    """Remove the row; a run that is going on ends as it will and is not recorded."""
    _rows(schema, job, key).delete()


def pause(schema: str, job: str, key: str) -> None:
    _rows(schema, job, key).update(paused=True)


def resume(schema: str, job: str, key: str) -> None:
    """Let it run again, now if its time has passed; former failures are forgotten."""
    _rows(schema, job, key).update(paused=False, failures=0, error_code="", error_params={})


def run_now(schema: str, job: str, key: str) -> bool:
    """Make it due now, also when it is running (then it runs once more). False when there is no such row.

    What waits already keeps its place: who asks again and again would else send it to the end of the queue each time.
    """
    now = clock.now()
    runs = When(lease_until__gt=clock.wall(), then=Value(now))
    due_at = Case(runs, default=Least(F("due_at"), Value(now)))
    return _rows(schema, job, key).update(due_at=due_at, paused=False, failures=0) == 1


def state(schema: str, job: str, key: str) -> Due | None:
    """The row, for pages: due_at, paused, failures, error_code and error_params, last_started_at, last_finished_at."""
    return _rows(schema, job, key).first()


def _rows(schema: str, job: str, key: str) -> Any:
    return Due.objects.filter(schema=schema, job=job, key=key)


# -- the worker's side ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """A row that is ours to run. ``due_at`` tells later whether somebody asked for another run meanwhile."""

    id: int
    schema: str
    job: str
    key: str
    every: int
    due_at: datetime
    failures: int
    token: str


def claim(limit: int = 10) -> list[tuple[int, str]]:
    """Lease up to ``limit`` due rows of active tenants, one tenant after the other; commits. Gives (id, token)."""
    tenants = f"public.{get_tenant_model()._meta.db_table}"
    # The oldest candidates, dealt out by tenant: one with many accounts does not push the others back. What the lock
    # finds changed is judged again, so a row that another runner has just claimed *and finished* is left alone.
    sql = f"""
        WITH oldest AS MATERIALIZED (
            SELECT d.id, d.schema, d.due_at FROM public.central_due d
             WHERE NOT d.paused AND d.due_at <= %s AND (d.lease_until IS NULL OR d.lease_until < %s)
               AND (d.schema = 'public'
                    OR EXISTS (SELECT 1 FROM {tenants} t WHERE t.schema_name = d.schema AND t.state = 'active'))
             ORDER BY d.due_at LIMIT %s
        ), dealt AS (
            SELECT id FROM oldest ORDER BY row_number() OVER (PARTITION BY schema ORDER BY due_at, id), due_at LIMIT %s
        )
        UPDATE public.central_due SET lease_until = %s, lease_token = gen_random_uuid()
         WHERE id IN (SELECT d.id FROM public.central_due d JOIN dealt USING (id)
                       WHERE (d.lease_until IS NULL OR d.lease_until < %s) AND d.due_at <= %s AND NOT d.paused
                         FOR UPDATE OF d SKIP LOCKED)
        RETURNING id, lease_token
    """
    now, wall = clock.now(), clock.wall()
    with public_context(), transaction.atomic():
        bulk.execute("SET LOCAL synchronous_commit = off")
        rows = bulk.fetch(sql, [now, wall, limit * 50, limit, until(START_SECONDS), wall, now])
    return [(int(row[0]), str(row[1])) for row in rows]


def run(row_id: int, token: str) -> bool:
    """Run a claimed row. False when the lease is not ours any more, or the job failed (then it backs off)."""
    turn = _start(row_id, token)
    if turn is None:
        return False
    try:
        with kept("public.central_due", turn.id, turn.token), _home(turn.schema), settings_store.remembered():
            call = _jobs.get(turn.job)
            if call is None:
                raise SampanError(NO_JOB, handler=turn.job)
            following = call(turn.key)
    except Exception as error:  # the job's, whatever it is
        _failed(turn, error)
        return False
    _finish(turn, turn.every if following is None else following, 0, "", {})
    return True


@contextmanager
def _home(schema: str) -> Iterator[None]:
    with public_context() if schema == PUBLIC else tenant_context(schema):
        yield


def _start(row_id: int, token: str) -> Turn | None:
    # A token of its own for the run: of two equal messages only the first finds the claim's.
    sql = """
        UPDATE public.central_due SET last_started_at = %s, lease_until = %s, lease_token = %s
         WHERE id = %s AND lease_token = %s AND lease_until > %s
        RETURNING id, schema, job, key, every, due_at, failures
    """
    mine, wall = str(uuid.uuid4()), clock.wall()
    with public_context():
        rows = bulk.fetch(sql, [clock.now(), until(), mine, row_id, token, wall])
    if not rows:
        return None
    found, schema, job, key, every, due_at, failures = rows[0]
    return Turn(found, schema, job, key, every, due_at, failures, mine)


def _failed(turn: Turn, error: BaseException) -> None:
    code, params = faults.stored(error)
    log.warning("due %s %s of %s: %s", turn.job, turn.key, turn.schema, faults.trace(error))
    if isinstance(error, Throttled):  # no failure: told to come back later
        _finish(turn, max(1.0, error.retry_after or 5.0), turn.failures, code, params)
        return
    wait = min(min(turn.every, FIRST_BACKOFF) * 2 ** min(turn.failures, 12), LONGEST_BACKOFF)
    _finish(turn, wait, turn.failures + 1, code, params)


def _finish(turn: Turn, seconds: float, failures: int, code: str, params: dict[str, Any]) -> None:
    """Give the row back. A time that was changed while we ran (``run_now``) is left as it is."""
    now = clock.now()
    with public_context():
        rows = Due.objects.filter(pk=turn.id, lease_token=turn.token)
        rows.filter(due_at=turn.due_at).update(due_at=now + timedelta(seconds=seconds))
        rows.update(
            lease_until=None,
            lease_token=None,
            failures=min(failures, 30_000),
            error_code=code,
            error_params=params,
            last_finished_at=now,
        )


def drain(limit: int = 50) -> int:
    """Run what is due here and now, at most ``limit`` rows; for tests, benches and the rehearsal's end."""
    claimed = claim(limit)
    for row_id, token in claimed:
        run(row_id, token)
    return len(claimed)

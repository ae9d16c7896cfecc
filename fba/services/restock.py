"""The restock run: a job over all SKUs in batches, each batch one transaction with a fixed number of statements."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date

from django.db import transaction

from core import bulk, clock, jobs
from core.audit import record
from core.errors import BusinessError
from core.jobs import JobRun
from core.permissions import Actor
from core.records.models import Job
from core.tenancy import require_tenant
from fba import figures, options, permissions
from fba.models import RestockRun
from fba.options import Options
from fba.planning import Line, plan
from tenants.models import Tenant

JOB = "fba.restock"
BATCH = 500  # SKUs
KEPT_RUNS = 7
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_COLUMNS = tuple(column.name for column in fields(Line))


def zone_of_tenant() -> str:
    return str(Tenant.objects.values_list("timezone", flat=True).get(schema_name=require_tenant()))


def run_now(*, actor: Actor) -> Job:
    """Start a run for today. Raises NotAllowed; BusinessError ``restock.running`` while one is under way."""
    actor.require(permissions.RUN)
    with transaction.atomic():
        bulk.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"restock:{require_tenant()}"])
        if running():
            raise BusinessError("restock.running")
        return jobs.start(actor, JOB, "job.restock", {}, {})


def running() -> bool:
    return Job.objects.filter(kind=JOB, state__in=jobs.OPEN).exists()


@jobs.job(JOB)
def restock(job: JobRun) -> None:
    """Checkpoint: [run, product, SKU] done last. Each SKU's lines are computed from one state of the tables."""
    if job.checkpoint is None:
        _begin(job)
    run = RestockRun.objects.get(pk=job.checkpoint[0])
    chosen = Options.model_validate(run.settings)
    after = (int(job.checkpoint[1]), int(job.checkpoint[2]))
    while found := figures.next_skus(after, BATCH):
        after = found[-1]
        with job.step(checkpoint=[run.pk, *after]) as step:
            write(run.pk, [sku for _, sku in found], run.day, run.zone, chosen)
            step.done = len(found)
    if run.finished_at is None:
        with job.step():
            _finish(run, job.actor)
    while prune():
        pass


def _begin(job: JobRun) -> None:
    total = bulk.fetch("SELECT count(*) FROM inventory_sku WHERE state = 'active'")[0][0]
    zone = zone_of_tenant()
    (run_id,) = bulk.ids("fba_restockrun", 1)
    with job.step(checkpoint=[run_id, -1, 0], total=total):
        RestockRun.objects.create(
            pk=run_id,
            started_at=clock.now(),
            zone=zone,
            day=clock.day_in(zone),
            settings=options.current().model_dump(),
            actor_label=job.actor.label,
        )


def write(run_id: int, sku_ids: list[int], day: date, zone: str, chosen: Options) -> int:
    """Compute and store the lines of a batch of SKUs, in the caller's transaction. Returns how many."""
    rows = [
        (run_id, *(_stored(line, name) for name in _COLUMNS)) for line in plan(figures.load(sku_ids, day, zone), chosen)
    ]
    bulk.copy("fba_restockline", ("run_id", *_COLUMNS), rows)
    return len(rows)


def _stored(line: Line, name: str) -> object:
    value = getattr(line, name)
    return _encode(value) if name == "terms" else value


def _finish(run: RestockRun, actor: Actor) -> None:
    count = bulk.fetch("SELECT count(*) FROM fba_restockline WHERE run_id = %s", [run.pk])[0][0]
    RestockRun.objects.filter(pk=run.pk).update(finished_at=clock.now(), lines_count=count)
    record(actor, "restock", run.pk, "restock.finished", lines=count)


def prune(limit: int = 20_000) -> int:
    """Delete lines of runs that nobody looks at any more (all but the newest finished ones, and what runs after them).

    Returns how many rows went; call it until it says 0.
    """
    kept = list(
        RestockRun.objects.filter(finished_at__isnull=False).order_by("-pk").values_list("pk", flat=True)[:KEPT_RUNS]
    )
    if len(kept) < KEPT_RUNS:
        return 0
    gone = bulk.execute(
        "DELETE FROM fba_restockline WHERE id IN (SELECT id FROM fba_restockline WHERE run_id < %s LIMIT %s)",
        [kept[-1], limit],
    )
    if not gone:
        bulk.execute("DELETE FROM fba_restockrun WHERE id < %s", [kept[-1]])
    return gone

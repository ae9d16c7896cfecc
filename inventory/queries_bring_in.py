"""Reads of sheets that were brought in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import jobs
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import Job, StoredFile
from inventory.models import BringIn
from inventory.permissions import VIEW
from inventory.services import bring_in
from inventory.sheets import kinds
from inventory.sheets.kinds import Kind

FORMER = 20


def one(actor: Actor, pk: int) -> BringIn:
    """Raises BusinessError ``bring_in.not_found`` also for somebody else's."""
    actor.require(VIEW)
    found = BringIn.objects.filter(pk=pk).first()
    if found is None or not bring_in.visible(actor, found):
        raise BusinessError("bring_in.not_found")
    return found


def former(actor: Actor) -> list[BringIn]:
    """The last ones that the actor may see, the newest first."""
    allowed = [kind.key for kind in kinds.registered() if actor.can(kind.operation)]
    rows = BringIn.objects.filter(kind__in=allowed).defer("errors").order_by("-pk")
    if actor.accounts is not None or actor.warehouses is not None:
        rows = rows.filter(actor_id=actor.id)
    return list(rows[:FORMER])


def samples(found: BringIn, kind: Kind) -> Sequence[list[str]]:
    """The first values of each column, [] for all when the file is gone."""
    try:
        sheet = bring_in.given(found, kind).sheet
    except BusinessError:
        return [[] for _ in found.headings]
    return sheet.samples()


def job_of(found: BringIn) -> dict[str, Any] | None:
    """How far the job of this sheet is, with its result file."""
    if found.job_ref is None:
        return None
    row = Job.objects.defer("log", "params", "checkpoint").filter(pk=found.job_ref).first()
    if row is None:
        return None
    file = StoredFile.objects.filter(pk=row.result_file_id).first() if row.result_file_id else None
    return {
        "pk": row.pk,
        "open": row.state in jobs.OPEN,
        "state": row.state,
        "done": row.done + row.failed,
        "code": row.error_code,
        "params": row.error_params,
        "file": file,
    }

"""Bringing in a sheet: taken in, columns said, looked over (a dry run), done. Long ones run as a job that can be killed.

A pass goes through the rows in batches; a batch's work, its counts and the job's checkpoint commit together, so a worker
that dies leaves whole batches and the next one goes on behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import translation

from core import clock, files, jobs
from core.errors import BusinessError
from core.jobs import JobRun
from core.permissions import Actor
from core.records.models import Job, StoredFile
from inventory.models import BringIn
from inventory.services import bring_in_errors
from inventory.sheets import columns as meanings
from inventory.sheets import kinds
from inventory.sheets.kinds import OUTCOMES, REFUSED, Kind, Row, Verdict
from inventory.sheets.reading import Sheet, SheetError, read_sheet

JOB = "inventory.bring_in"
AT_ONCE = 2000  # rows that are looked over while the person waits
KEPT_ERRORS = 1000
KEEP = timedelta(days=60)
OPEN = (BringIn.CHECKING, BringIn.RUNNING)


def take_in(*, actor: Actor, kind: str, name: str, content: bytes) -> BringIn:
    """Keep the file and guess what its columns are. Raises NotAllowed; BusinessError (``sheet.*``, ``file.*``)."""
    chosen = _kind(actor, kind)
    sheet = _sheet(content, chosen)
    with transaction.atomic():
        file = files.store("import", name, content, files.OTHER, chosen.operation, purge_at=clock.now() + KEEP)
        return BringIn.objects.create(
            kind=kind,
            name=file.name,
            file_ref=file.pk,
            headings=[heading[:120] for heading in sheet.headings],
            mapping=meanings.guess(sheet.headings, chosen.columns),
            total=len(sheet.rows),
            created_at=clock.now(),
            actor_id=actor.id,
            actor_label=actor.label,
        )


def look_over(*, actor: Actor, pk: int, mapping: Mapping[str, str], options: Mapping[str, str]) -> BringIn:
    """Say what the columns are, and see what would happen: at once for short sheets, else as a job.

    Raises BusinessError: ``bring_in.not_found``, ``bring_in.running``, ``bring_in.done``, ``bring_in.missing``
    (fields), ``bring_in.twice`` (field), ``bring_in.option``.
    """
    with transaction.atomic():
        found, kind = _mine(actor, pk)
        found.mapping = _mapped(kind, mapping, len(found.headings))
        found.options = _chosen(actor, kind, options)
        found.counts, found.errors, found.job_ref = {}, [], None
        found.state = BringIn.CHECKING
        found.save()
        if found.total > AT_ONCE:
            return _start(actor, found, write=False)
        # Held to its end: a second one who looks meanwhile would add up the same rows once more.
        run = Pass(found.pk, actor, write=False)
        for _at, verdicts in run.batches(0):
            run.add(verdicts)
        run.finish()
    found.refresh_from_db()
    return found


def bring(*, actor: Actor, pk: int) -> BringIn:
    """Do it, as a job. Raises BusinessError (``bring_in.not_checked`` among them)."""
    with transaction.atomic():
        found, _ = _mine(actor, pk)
        if found.state != BringIn.CHECKED:
            raise BusinessError("bring_in.not_checked")
        found.counts, found.errors, found.state = {}, [], BringIn.RUNNING
        return _start(actor, found, write=True)


def _start(actor: Actor, found: BringIn, *, write: bool) -> BringIn:
    code = "job.bring_in" if write else "job.look_over"
    params = {"bring_in": found.pk, "write": write}
    found.job_ref = jobs.start(actor, JOB, code, {"name": found.name}, params, total=found.total).pk
    found.save()
    return found


def _mine(actor: Actor, pk: int) -> tuple[BringIn, Kind]:
    """Locked. One that runs stays as it is until its job has ended."""
    found = BringIn.objects.select_for_update().filter(pk=pk).first()
    if found is None or not visible(actor, found):
        raise BusinessError("bring_in.not_found")
    if found.state in OPEN and Job.objects.filter(pk=found.job_ref or 0, state__in=jobs.OPEN).exists():
        raise BusinessError("bring_in.running")
    if found.state in (BringIn.RUNNING, BringIn.DONE):
        raise BusinessError("bring_in.done")
    return found, _kind(actor, found.kind)


def visible(actor: Actor, found: BringIn) -> bool:
    """One's own; those of others for whoever is narrowed to no account and no warehouse."""
    kind = kinds.known(found.kind)
    if kind is None or not actor.can(kind.operation):
        return False
    everywhere = actor.accounts is None and actor.warehouses is None
    return everywhere or (actor.id is not None and found.actor_id == actor.id)


def _kind(actor: Actor, key: str) -> Kind:
    found = kinds.known(key)
    if found is None:
        raise BusinessError("bring_in.not_found")
    actor.require(found.operation)
    return found


def _sheet(content: bytes, kind: Kind) -> Sheet:
    try:
        return read_sheet(content, meanings.known(kind.columns))
    except SheetError as error:
        raise BusinessError(error.code, **error.params) from None


def _mapped(kind: Kind, given: Mapping[str, str], width: int) -> dict[str, str]:
    fields = {one.key for one in kind.columns}
    mapping: dict[str, str] = {}
    families: set[str] = set()
    for place, key in given.items():
        if not key or key not in fields or not place.isdecimal() or int(place) >= width:
            continue
        family = meanings.family_of(key)
        if family in families:
            raise BusinessError("bring_in.twice", field=key)
        families.add(family)
        mapping[place] = key
    missing = [key for key in kind.required if key not in mapping.values()]
    if missing:
        raise BusinessError("bring_in.missing", fields=missing)
    return mapping


def _chosen(actor: Actor, kind: Kind, given: Mapping[str, str]) -> dict[str, str]:
    chosen = {}
    for option in kind.options:
        value = given.get(option.key, "")
        if value and value not in {choice for choice, _ in option.choices(actor)}:
            raise BusinessError("bring_in.option")
        chosen[option.key] = value
    return chosen


# -- a pass over the rows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """The file as its kind sees it. ``twice``: {place of a row: line that had the same before it}."""

    sheet: Sheet
    rows: list[Row]
    twice: dict[int, int]


def given(found: BringIn, kind: Kind) -> Given:
    """Raises BusinessError ``bring_in.file_gone`` when the file has been purged."""
    file = StoredFile.objects.filter(pk=found.file_ref).first()
    if file is None:
        raise BusinessError("bring_in.file_gone")
    try:
        content = files.read(file)
    except files.FileDamaged:
        raise BusinessError("bring_in.file_gone") from None
    sheet = _sheet(content, kind)
    fields = [(int(place), key) for place, key in found.mapping.items()]
    rows = [
        Row(line, {key: cells[place] for place, key in fields})
        for line, cells in zip(sheet.lines, sheet.rows, strict=True)
    ]
    first: dict[str, int] = {}
    twice: dict[int, int] = {}
    for place, row in enumerate(rows):
        name = kind.identity(row.cells)
        if name and first.setdefault(name, row.line) != row.line:
            twice[place] = first[name]
    return Given(sheet, rows, twice)


class Pass:
    """One pass over all rows, dry or in earnest."""

    def __init__(self, pk: int, actor: Actor, *, write: bool) -> None:
        found = BringIn.objects.get(pk=pk)
        kind = kinds.known(found.kind)
        if kind is None:
            raise BusinessError("bring_in.not_found")
        actor.require(kind.operation)
        self.pk, self.actor, self.write, self.kind, self.found = pk, actor, write, kind, found
        self.given = given(found, kind)

    def batches(self, start: int) -> Iterator[tuple[int, list[Verdict]]]:
        """(place behind the batch, its verdicts), from row ``start`` on; each inside the caller's transaction."""
        while start < len(self.given.rows):
            end = min(len(self.given.rows), start + self.kind.batch)
            yield end, self.batch(start, end)
            start = end

    def batch(self, start: int, end: int) -> list[Verdict]:
        verdicts, rows = [], []
        for place in range(start, end):
            row = self.given.rows[place]
            if place in self.given.twice:
                identity, line = self.kind.required[0], self.given.twice[place]
                params = {"code": str(row.cells.get(identity, ""))[:80], "line": line}
                verdicts.append(Verdict(row.line, REFUSED, [(identity, "sheet.twice", params)]))
            else:
                rows.append(row)
        key = f"bring-in:{self.pk}:{start}"
        if rows:
            verdicts += self.kind.run(
                actor=self.actor, rows=rows, options=self.found.options, key=key, write=self.write
            )
        return verdicts

    def add(self, verdicts: list[Verdict]) -> None:
        """Add a batch's counts and errors to what is shown; in the batch's transaction."""
        found = BringIn.objects.select_for_update().get(pk=self.pk)
        for outcome in OUTCOMES:
            count = sum(1 for one in verdicts if one.outcome == outcome)
            found.counts[outcome] = found.counts.get(outcome, 0) + count
        errors = [[one.line, *problem] for one in sorted(verdicts, key=_line) for problem in one.problems]
        found.errors = [*found.errors, *errors][:KEPT_ERRORS]
        found.save(update_fields=["counts", "errors"])
        self.found = found

    def finish(self) -> StoredFile | None:
        """The pass is over; in earnest, the rows that were refused become a file to correct and bring in again."""
        self.found.state = BringIn.DONE if self.write else BringIn.CHECKED
        self.found.finished_at = clock.now() if self.write else None
        self.found.save(update_fields=["state", "finished_at"])
        if not self.write or not self.found.errors:
            return None
        with translation.override(self.actor.language):
            content = bring_in_errors.workbook(self.given.sheet, self.found, self.kind)
        name = bring_in_errors.name_of(self.found)
        return files.store("import", name, content, files.XLSX, self.kind.operation, purge_at=clock.now() + KEEP)


def _line(verdict: Verdict) -> int:
    return verdict.line


@jobs.job(JOB)
def run(job: JobRun) -> None:
    """Checkpoint: how many rows are behind us."""
    act = Pass(int(job.params["bring_in"]), job.actor, write=bool(job.params["write"]))
    at, total = int(job.checkpoint or 0), len(act.given.rows)
    while at < total:
        end = min(total, at + act.kind.batch)
        with job.step(checkpoint=end, total=total) as step:
            verdicts = act.batch(at, end)
            act.add(verdicts)
            step.failed = sum(1 for one in verdicts if one.outcome == REFUSED)
            step.done = len(verdicts) - step.failed
            step.log = [
                {"id": None, "label": str(one.line), "code": code, "params": params}
                for one in verdicts
                for _field, code, params in one.problems[:1]
            ]
        at = end
    with job.step():
        file = act.finish()
        if file is not None:
            job.result(file.pk)

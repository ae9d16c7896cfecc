"""Labels of a selection in one PDF, in the order in which they are picked, so that paper and goods meet without sorting.

A few are made at once; many are a job that makes the sheet part by part, so that memory stays small and a killed worker
loses one part. A label counts as printed when its sheet is there; each time is kept with who, when and, when it is not the
first, why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock, files, jobs
from core.audit import record_many
from core.errors import BusinessError
from core.jobs import JobRun
from core.permissions import Actor
from core.records.models import Job, StoredFile
from fulfilment import finding
from fulfilment.models import LabelPrint
from logistics import permissions, states

MOST = 5000  # labels of one print
AT_ONCE = 20  # more are a job
PART = 50  # labels of one part of a job
SHEETS = "labels"  # kind of the stored file
KEPT = timedelta(days=1)  # the sheet holds addresses; each label stays by itself
SHEET_BYTES = 20 * 1024 * 1024  # a longer one is continued in the next
JOB = "fulfilment.print_labels"
SKIP = "skip"  # leave out what was printed before
UNPRINTABLE = (states.CANCELLED, states.CANCELLING, states.FAILED)

# By warehouse; one SKU alone first, by bin and SKU, so that equal parcels follow each other; parcels of several SKUs last.
_ORDER = """
SELECT s.id, s.label_file_id, s.warehouse_ref, s.state, s.print_count, s.printed_at, coalesce('S-' || min(c.order_id),
       s.reference) AS name, count(DISTINCT l.sku_id) > 1 AS mixed, min(b.pick_order) AS bin, min(k.code) AS sku,
       sum(cl.quantity) AS pieces
  FROM logistics_shipment s
  LEFT JOIN orders_consignment c ON c.shipment_id = s.id
  LEFT JOIN orders_consignmentline cl ON cl.consignment_id = c.id
  LEFT JOIN orders_orderline l ON l.id = cl.line_id
  LEFT JOIN inventory_sku k ON k.id = l.sku_id
  LEFT JOIN LATERAL (SELECT min(p.pick_order) AS pick_order FROM inventory_level v
                       JOIN inventory_location p ON p.id = v.location_id
                      WHERE v.sku_id = l.sku_id AND p.warehouse_id = c.warehouse_id AND v.quantity > 0
                        AND p.kind = 'stock') b ON true
 WHERE s.id = ANY(%s) GROUP BY s.id
 ORDER BY s.warehouse_ref, mixed, bin NULLS LAST, sku NULLS LAST, pieces, s.id
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """``layout``: of the paper. ``picking``: a picking list first. ``slips``: a packing slip after each label.

    ``again``: the reason why labels printed before are printed again, or ``skip``.
    """

    layout: str = LabelPrint.ONE
    picking: bool = False
    slips: bool = False
    again: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """A label that was printed already: how often, and when and by whom the last time."""

    shipment_id: int
    name: str
    times: int
    at: datetime | None
    who: str
    reason: str


@dataclass
class Plan:
    """What would be printed, in pick order. ``refused``: {shipment id: (code, params)}; ``names``: what people call them."""

    ready: list[int] = field(default_factory=list)
    before: list[Before] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    warehouses: set[int] = field(default_factory=set)


@dataclass
class Printed:
    """``file``: the sheet, None when there was no label at all. ``refused``: {shipment id: (code, params)}."""

    file: StoredFile | None = None
    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


def plan(actor: Actor, shipment_ids: Sequence[int]) -> Plan:
    """What of a selection can be printed, in which order, and what was printed before. Two queries, three for an actor who
    is narrowed.

    Raises NotAllowed, BusinessError ``labels.too_many``.
    """
    actor.require(permissions.LABEL)
    if len(shipment_ids) > MOST:
        raise BusinessError("labels.too_many", most=MOST)
    out = Plan()
    again: list[tuple[int, int, datetime | None]] = []
    for pk, file_id, place, state, times, at, name, *_ in bulk.fetch(_ORDER, [finding.mine(actor, shipment_ids)]):
        out.names[pk] = name
        if state in UNPRINTABLE:
            out.refused[pk] = (f"ship.state_{state}", {})
        elif file_id is None:
            out.refused[pk] = ("label.none", {})
        else:
            out.ready.append(pk)
            out.warehouses.add(place)
            if times:
                again.append((pk, times, at))
    for pk in set(shipment_ids) - out.names.keys():
        out.refused[pk] = ("shipment.not_found", {})
    last = latest_prints([pk for pk, _, _ in again])
    for pk, times, at in again:
        one = last.get(pk)
        out.before.append(
            Before(pk, out.names[pk], times, at, one.actor_label if one else "", one.reason if one else "")
        )
    return out


def latest_prints(shipment_ids: Sequence[int]) -> dict[int, LabelPrint]:
    rows = LabelPrint.objects.filter(shipment_id__in=shipment_ids).order_by("shipment_id", "-id")
    return {row.shipment_id: row for row in rows.distinct("shipment_id")} if shipment_ids else {}


def _settle(found: Plan, wish: Wish) -> Plan:
    """Leave out what was printed before, unless the wish says why it is printed again."""
    if wish.again in LabelPrint.REASONS:
        return found
    for one in found.before:
        params = {"times": one.times, "at": one.at.isoformat() if one.at else "", "who": one.who}
        found.refused[one.shipment_id] = ("label.printed_before", params)
    found.ready = [pk for pk in found.ready if pk not in found.refused]
    return found


def print_labels(*, actor: Actor, shipment_ids: Sequence[int], wish: Wish | None = None) -> Printed:
    """One PDF of the parcels' labels now; those without one, and those printed before without a reason, are refused.

    For a few; ``start`` is for many. Raises NotAllowed, BusinessError ``labels.too_many``, ``labels.too_large``.
    """
    wish = checked(wish or Wish())
    found = _settle(plan(actor, shipment_ids), wish)
    out = Printed(refused=found.refused, names=found.names)
    content, out.done, bad = _part(found.ready, wish, first=True, whole=found.ready)
    out.refused |= bad
    if out.done:
        with transaction.atomic():
            out.file = _keep(content, found.warehouses)
            _count(actor, out.done, wish, out.file)
    return out


def start(*, actor: Actor, shipment_ids: Sequence[int], wish: Wish | None = None) -> Job:
    """As ``print_labels`` in a job, whose log names what could not be printed and whose result is the (first) sheet."""
    actor.require(permissions.LABEL)
    wish = checked(wish or Wish())
    if len(shipment_ids) > MOST:
        raise BusinessError("labels.too_many", most=MOST)
    params = {"ids": list(dict.fromkeys(shipment_ids)), "wish": asdict(wish)}
    return jobs.start(actor, JOB, "job.print_labels", {"n": len(params["ids"])}, params, total=len(params["ids"]))


def checked(wish: Wish) -> Wish:
    """Raises BusinessError ``labels.no_such_layout``, ``labels.no_such_reason``."""
    if wish.layout not in LabelPrint.LAYOUTS:
        raise BusinessError("labels.no_such_layout")
    if wish.again not in ("", SKIP, *LabelPrint.REASONS):
        raise BusinessError("labels.no_such_reason")
    return wish


@jobs.job(JOB)
def run(job: JobRun) -> None:
    """Plan once, make part after part, join them. Parts are stored files that live a day, so a resumed job goes on."""
    wish = Wish(**job.params["wish"])
    at: dict[str, Any] = job.checkpoint or {}
    if not at:
        found = _settle(plan(job.actor, job.params["ids"]), wish)
        at = {"ready": found.ready, "places": sorted(found.warehouses), "next": 0, "parts": [], "done": []}
        with job.step(checkpoint=at) as step:
            for pk, (code, params) in found.refused.items():
                step.fail(pk, found.names.get(pk, str(pk)), code, **params)
    while at["next"] < len(at["ready"]):
        some = at["ready"][at["next"] : at["next"] + PART]
        content, done, bad = _part(some, wish, first=at["next"] == 0, whole=at["ready"])
        part = _keep(content, set(at["places"]), name="part") if done else None
        parts = [*at["parts"], part.pk] if part else at["parts"]
        at = at | {"next": at["next"] + len(some), "parts": parts, "done": [*at["done"], *done]}
        with job.step(checkpoint=at) as step:
            step.done = len(done)
            for pk, (code, params) in bad.items():
                step.fail(pk, f"#{pk}", code, **params)
    if at["parts"] and "sheets" not in at:
        _finish(job, at, wish)


def _finish(job: JobRun, at: dict[str, Any], wish: Wish) -> None:
    """Join the parts to as few sheets as may be; in one step with the log, so that a label never counts twice."""
    made = [_keep(content, set(at["places"]), number=n) for n, content in enumerate(_sheets(at["parts"]), 1)]
    with job.step(checkpoint=at | {"sheets": [file.pk for file in made]}):
        _count(job.actor, at["done"], wish, made[0])
        job.result(made[0].pk)
        StoredFile.objects.filter(pk__in=at["parts"]).update(purge_at=clock.now())


def _sheets(part_ids: Sequence[int]) -> Iterable[bytes]:
    """The parts in order, joined as long as a sheet takes them; one sheet in memory at a time."""
    from fulfilment import sheets  # here and below: what draws PDF is loaded by those who print

    known = StoredFile.objects.in_bulk(list(part_ids))
    held: list[bytes] = []
    for pk in part_ids:
        if pk not in known:
            raise BusinessError("labels.part_gone")
        content = files.read(known[pk])
        if held and sum(map(len, held)) + len(content) > SHEET_BYTES:
            yield sheets.joined(held)
            held = []
        held.append(content)
    if held:
        yield sheets.joined(held) if len(held) > 1 else held[0]


Bad = dict[int, tuple[str, dict[str, Any]]]


def _part(
    shipment_ids: Sequence[int], wish: Wish, *, first: bool, whole: Sequence[int]
) -> tuple[bytes, list[int], Bad]:
    """(PDF, shipments in it, what could not be read) of some labels; ``first``: the picking list of the ``whole`` before."""
    from fulfilment import papers, sheets

    sheet = sheets.Sheet(wish.layout)
    if first and wish.picking and whole:
        sheet.whole(papers.picking_list(whole, wish.layout))
    slips, page_of = papers.slips(shipment_ids) if wish.slips else (None, {})
    done: list[int] = []
    bad: Bad = {}
    for pk, file in _labels(shipment_ids):
        try:
            sheet.put(sheets.opened(files.read(file), file.media_type))
        except (*sheets.UNREADABLE, files.FileDamaged):
            bad[pk] = ("label.unreadable", {})
            continue
        if slips is not None and pk in page_of:
            sheet.put(slips, page_of[pk])
        done.append(pk)
    for pk in set(shipment_ids) - set(done) - bad.keys():
        bad[pk] = ("label.none", {})  # gone since it was planned
    return (sheet.bytes() if done else b""), done, bad


def _labels(shipment_ids: Sequence[int]) -> list[tuple[int, StoredFile]]:
    named = dict(
        bulk.fetch(
            "SELECT id, label_file_id FROM logistics_shipment WHERE id = ANY(%s) AND label_file_id IS NOT NULL"
            " AND NOT state = ANY(%s)",
            [list(shipment_ids), list(UNPRINTABLE)],
        )
    )
    known = StoredFile.objects.in_bulk(list(named.values()))
    return [(pk, known[named[pk]]) for pk in shipment_ids if named.get(pk) in known]


def _keep(content: bytes, warehouses: set[int], *, number: int = 1, name: str = "labels") -> StoredFile:
    now = clock.now()
    return files.store(
        SHEETS,
        f"{name}-{now:%Y%m%d-%H%M%S}{f'-{number}' if number > 1 else ''}.pdf",
        content,
        files.PDF,
        permissions.LABEL,
        warehouse_id=next(iter(warehouses)) if len(warehouses) == 1 else None,
        purge_at=now + KEPT,
    )


def _count(actor: Actor, shipment_ids: Sequence[int], wish: Wish, sheet: StoredFile) -> None:
    """Write down that these came out; in the caller's transaction. Two at once count one after the other."""
    now = clock.now()
    rows = bulk.fetch(
        "WITH held AS (SELECT id FROM logistics_shipment WHERE id = ANY(%s) ORDER BY id FOR UPDATE)"
        " UPDATE logistics_shipment s SET printed_at = %s, print_count = s.print_count + 1 FROM held"
        " WHERE s.id = held.id RETURNING s.id, s.print_count",
        [list(shipment_ids), now],
    )
    why = wish.again if wish.again in LabelPrint.REASONS else ""
    bulk.insert(
        "fulfilment_labelprint",
        ("shipment_id", "nth", "reason", "layout", "sheet_id", "at", "actor_id", "actor_label"),
        [
            (pk, nth, why if nth > 1 else "", wish.layout, sheet.pk, now, actor.id, actor.label)
            for pk, nth in sorted(rows)
        ],
    )
    record_many(actor, [("shipment", pk, "shipment.printed", {"nth": nth} if nth > 1 else {}) for pk, nth in rows])

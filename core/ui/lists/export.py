"""A list as a file, exactly as it is shown: its filters, its columns, its order. CSV or XLSX, made by a job.

The rows are read page by page into parts that are kept, so that a killed worker goes on where it was; then one file is
made of them. Only who asked for it may read it: it was put together with that person's rights.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.html import strip_tags

from core import clock, files, jobs
from core.errors import BusinessError
from core.jobs import JobRun
from core.permissions import SEE_PERSONAL, Actor
from core.records.models import Job, StoredFile
from core.ui.lists import registry
from core.ui.lists.contract import ALL_LIMIT, ListPage, Out, State

KIND = "ui.export"
CSV, XLSX = "csv", "xlsx"
PAGE, PAGES_A_PART = 500, 5
KEPT, KEPT_NAMING = timedelta(days=7), timedelta(days=2)  # the latter where the file names people
ZIPPED_FROM = 20 * 1024 * 1024  # a larger CSV goes out in a zip
LONGEST_CELL = 32_767  # of Excel
# Programs for sheets take a cell that begins so for a formula, full-width signs too.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def columns_of(page: ListPage, chosen: str) -> list[str]:
    """Names of the columns that are shown, in order; ``chosen``: names with dots between, as the address or the browser
    has them; none that is known: all."""
    everything = list(page.table.base_columns)
    kept = set(chosen.split(".")) & set(everything)
    return [name for name in everything if not kept or name in kept or name in page.table.required]


def outs_of(page: ListPage, actor: Actor, columns: Sequence[str]) -> list[Out]:
    """What goes into the file, in the order of the columns, without what the actor may not see."""
    place = {name: index for index, name in enumerate(columns)}
    given = [one for one in page.outs(actor) if one.column in place and (not one.operation or actor.can(one.operation))]
    return sorted(given, key=lambda one: place[one.column])


def export_job(
    actor: Actor,
    page: ListPage,
    *,
    view: str,
    form: str,
    columns: Sequence[str],
    language: str,
    ids: Sequence[int] | None = None,
) -> Job:
    """Start making the file of a view (a query string), or of those rows of it that ``ids`` name.

    Raises NotAllowed, BusinessError ``list.no_export``.
    """
    if not page.export or form not in (CSV, XLSX):
        raise BusinessError("list.no_export")
    actor.require(page.export)
    params: dict[str, Any] = {
        "list": page.name,
        "view": view,
        "form": form,
        "columns": list(columns),
        "language": language,
    }
    state = page.state(QueryDict(view))
    total = 0 if state.narrowed else next((tab.count or 0 for tab in page.tabs(actor) if tab.key == state.tab), 0)
    if ids is not None:
        params["ids"] = list(ids)[:ALL_LIMIT]
        total = len(params["ids"])
    return jobs.start(actor, KIND, "job.export", {"list": page.name}, params, total=min(total, ALL_LIMIT))


@dataclass(frozen=True, slots=True)
class _Place:
    """How far it is, as the checkpoint: the keyset position, rows so far, the parts' files; ``made``: all is done."""

    after: str = ""
    rows: int = 0
    parts: tuple[int, ...] = ()
    ended: bool = False
    made: bool = False


@jobs.job(KIND)
def run(work: JobRun) -> None:
    page = registry.named(work.actor, work.params["list"])
    work.actor.require(page.export)
    with translation.override(work.params["language"]), timezone.override(ZoneInfo(work.actor.timezone)):
        place = _Place(**work.checkpoint or {})
        while not place.ended:
            place = _read(work, page, place)
        if not place.made:
            _write(work, page, place)


def _read(work: JobRun, page: ListPage, place: _Place) -> _Place:
    """Some pages more, kept as a part."""
    state = replace(page.state(QueryDict(work.params["view"])), size=PAGE, before="")
    wanted = frozenset(work.params["ids"]) if "ids" in work.params else None
    most = len(wanted) if wanted is not None else ALL_LIMIT
    lines: list[list[Any]] = []
    after, ended = place.after, False
    for _ in range(PAGES_A_PART):
        found = page.rows(work.actor, replace(state, after=after))
        rows = [row for row in found.rows if wanted is None or row["id"] in wanted]
        lines += _lines(work, page, rows[: most - place.rows - len(lines)], state)
        after, ended = found.next, not found.next or place.rows + len(lines) >= most
        if ended:
            break
    cut = ended and bool(after) and wanted is None
    with work.step() as made:
        kept = _keep(work, page, lines) if lines else None
        made.done = len(lines)
        if cut:
            made.log.append({"id": None, "label": "", "code": "list.export_cut", "params": {"most": ALL_LIMIT}})
        parts = (*place.parts, kept.pk) if kept else place.parts
        new = _Place(after, place.rows + len(lines), parts, ended)
        made.checkpoint = asdict(new)
    return new


def _lines(work: JobRun, page: ListPage, rows: Sequence[Mapping[str, Any]], state: State) -> list[list[Any]]:
    outs = outs_of(page, work.actor, work.params["columns"])
    if outs:
        return [[_packed(one.value(row)) for one in outs] for row in rows]
    # A list that says nothing about files goes out as it reads.
    table = page.table(rows, request=None)
    shown = [name for name in work.params["columns"] if name in page.table.base_columns]
    return [[" ".join(strip_tags(str(row.get_cell(name))).split()) for name in shown] for row in table.rows]


def _labels(work: JobRun, page: ListPage) -> list[str]:
    columns = work.params["columns"]
    outs = outs_of(page, work.actor, columns)
    if outs:
        return [str(one.label) for one in outs]
    return [str(page.table.base_columns[name].header) for name in columns if name in page.table.base_columns]


def _kind(work: JobRun, page: ListPage) -> str:
    """``export`` names people: reading it is logged, and it goes when one of them is to be forgotten."""
    outs = outs_of(page, work.actor, work.params["columns"])
    return "export" if not outs or any(one.operation == SEE_PERSONAL for one in outs) else "table"


def _keep(work: JobRun, page: ListPage, lines: list[list[Any]]) -> StoredFile:
    packed = gzip.compress(json.dumps(lines).encode())
    soon = clock.now() + timedelta(days=1)
    return files.store(
        _kind(work, page), "part.gz", packed, files.OTHER, page.export, purge_at=soon, owner_id=work.actor.id
    )


def _write(work: JobRun, page: ListPage, place: _Place) -> None:
    """One file of all parts; it takes their place."""
    parts = list(StoredFile.objects.filter(pk__in=place.parts).order_by("pk"))
    if len(parts) != len(place.parts):
        raise BusinessError("list.export_lost")  # the day is over, or somebody was forgotten meanwhile
    rows = ([_unpacked(value) for value in line] for part in parts for line in _stored(part))
    local = timezone.localtime(clock.now()).strftime("%Y-%m-%d %H%M")
    name = f"{page.title} {local}"
    labels = _labels(work, page)
    if work.params["form"] == CSV:
        content, media, name = as_csv(labels, rows), "text/csv", f"{name}.csv"
        if len(content) > ZIPPED_FROM:
            content, media, name = _zipped(name, content), "application/zip", f"{name}.zip"
    else:
        content, media, name = as_xlsx(labels, rows), files.XLSX, f"{name}.xlsx"
    kind = _kind(work, page)
    until = clock.now() + (KEPT_NAMING if kind == "export" else KEPT)
    with work.step(checkpoint=asdict(replace(place, made=True))):
        kept = files.store(
            kind,
            name,
            content,
            media,
            page.export,
            purge_at=until,
            owner_id=work.actor.id,
        )
        for part in parts:
            files.delete(part)
        work.result(kept.pk)


def _stored(part: StoredFile) -> list[list[Any]]:
    lines: list[list[Any]] = json.loads(gzip.decompress(files.read(part)))
    return lines


def _zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return out.getvalue()


# -- values


def _packed(value: Any) -> Any:
    """As JSON keeps it, with its type."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {"d": str(value)}
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"y": value.isoformat()}
        case list() | tuple() | set() | frozenset():
            return ", ".join(str(one) for one in value)
    return str(value)


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    if kind == "d":
        return Decimal(text)
    return datetime.fromisoformat(text) if kind == "t" else date.fromisoformat(text)


def guarded(text: str) -> str:
    """Text that no program for sheets takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def as_csv(labels: Sequence[str], rows: Iterator[list[Any]]) -> bytes:
    """UTF-8 with a mark at its beginning, without which Excel reads Chinese as something else."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    write([guarded(label) for label in labels])
    for row in rows:
        write([_as_text(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _as_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case str():
            return guarded(value)
        case datetime():
            return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def as_xlsx(labels: Sequence[str], rows: Iterator[list[Any]]) -> bytes:
    """Every text is a text and every figure a figure: nothing is taken for a formula or a link."""
    import xlsxwriter  # by those alone who want such a file

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    moment, day = book.add_format({"num_format": "yyyy-mm-dd hh:mm"}), book.add_format({"num_format": "yyyy-mm-dd"})
    for index, label in enumerate(labels):
        sheet.set_column(index, index, max(11, min(34, 2 * len(label))))
    for index, label in enumerate(labels):
        sheet.write_string(0, index, label, bold)
    last = 0
    for last, row in enumerate(rows, start=1):
        for index, value in enumerate(row):
            match value:
                case None | "":
                    continue
                case bool():
                    sheet.write_boolean(last, index, value)
                case int() if abs(value) < 10**15:
                    sheet.write_number(last, index, value)
                case Decimal() if abs(value) < 10**15:
                    sheet.write_number(last, index, float(value))
                case datetime():
                    sheet.write_datetime(last, index, timezone.localtime(value).replace(tzinfo=None), moment)
                case date():
                    sheet.write_datetime(last, index, value, day)
                case _:
                    sheet.write_string(last, index, str(value)[:LONGEST_CELL])
    sheet.freeze_panes(1, 0)
    if labels:
        sheet.autofilter(0, 0, max(last, 1), len(labels) - 1)
    book.close()
    return out.getvalue()

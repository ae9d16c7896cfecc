"""The hand-over list: what one carrier account got from one warehouse on one day, closed with a number and a PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from core import bulk, clock, files
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from logistics import paper, permissions
from logistics.models import CarrierAccount, Manifest
from logistics.queries import LISTED_WITHIN

ROWS_A_PAGE = 42
EDGE, TOP = 15 * mm, A4[1] - 20 * mm
STEP = 5.5 * mm
COLUMNS = (
    (EDGE, "No."),
    (EDGE + 12 * mm, "Number 运单号"),
    (EDGE + 62 * mm, "Reference 参考号"),
    (EDGE + 90 * mm, "Service 服务"),
)
RIGHT_COUNTRY, RIGHT_WEIGHT = EDGE + 158 * mm, A4[0] - EDGE


@dataclass(frozen=True, slots=True)
class Line:
    """One parcel of the list; grams."""

    id: int
    number: str
    reference: str
    service: str
    country: str
    weight_g: int


_OPEN = """
SELECT s.id, coalesce(nullif(s.tracking_number, ''), s.waybill), s.reference, v.name, s.country,
       coalesce(s.weight_g, s.expected_weight_g)
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
 WHERE v.carrier_account_id = %s AND s.warehouse_ref = %s AND s.handed_at > %s AND s.manifest_id IS NULL
   AND s.state IN ('handed', 'delivered', 'returned') ORDER BY s.id FOR UPDATE OF s
"""


@transaction.atomic
def close_manifest(*, actor: Actor, carrier_account_id: int, warehouse_id: int) -> Manifest:
    """Put everything handed over and not yet on a list on one, and close it. The day is the warehouse's.

    Numbers are ``M-<day>-<n>``, n counted per day. Raises BusinessError ``manifest.nothing``, NotAllowed.
    """
    actor.require(permissions.MANIFEST)
    place = bulk.fetch("SELECT name, timezone FROM inventory_warehouse WHERE id = %s", [warehouse_id])
    if not place or not actor.sees_warehouse(warehouse_id):
        raise BusinessError("warehouse.not_found")
    account = CarrierAccount.objects.get(pk=carrier_account_id)
    lines = [Line(*row) for row in bulk.fetch(_OPEN, [carrier_account_id, warehouse_id, clock.now() - LISTED_WITHIN])]
    if not lines:
        raise BusinessError("manifest.nothing", carrier=account.name)
    warehouse, zone = place[0]
    now = clock.now()
    day = clock.day_in(zone, now)
    number = _number(day.strftime("%Y%m%d"))
    content = draw(lines, number=number, carrier=account.name, warehouse=warehouse, closed_at=now, zone=zone)
    file = files.store(
        "manifest", f"{number}.pdf", content, "application/pdf", permissions.MANIFEST, warehouse_id=warehouse_id
    )
    manifest: Manifest = Manifest.objects.create(
        number=number,
        carrier_account=account,
        warehouse_ref=warehouse_id,
        day=day,
        zone=zone,
        parcels=len(lines),
        weight_g=sum(line.weight_g for line in lines),
        file_id=file.pk,
        actor_label=actor.label,
        closed_at=now,
    )
    bulk.execute(
        "UPDATE logistics_shipment SET manifest_id = %s WHERE id = ANY(%s)", [manifest.pk, [line.id for line in lines]]
    )
    record(actor, "manifest", manifest.pk, "manifest.closed", number=number, parcels=len(lines))
    return manifest


def _number(day: str) -> str:
    """The day's next number; two who close at once wait for each other."""
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ':manifest'))")
    prefix = f"M-{day}-"
    rows = bulk.fetch(
        "SELECT max(substr(number, %s)::int) FROM logistics_manifest WHERE number LIKE %s",
        [len(prefix) + 1, prefix + "%"],
    )
    return f"{prefix}{(rows[0][0] or 0) + 1}"


def draw(lines: Sequence[Line], *, number: str, carrier: str, warehouse: str, closed_at: datetime, zone: str) -> bytes:
    """PDF on A4: head, numbered lines, totals, room for two signatures."""
    out = io.BytesIO()
    pages = -(-len(lines) // ROWS_A_PAGE)
    local = closed_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    with paper.DRAWING:
        canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1)
        canvas.setTitle(number)
        for page in range(pages):
            part = lines[page * ROWS_A_PAGE : (page + 1) * ROWS_A_PAGE]
            y = _head(canvas, number, f"{carrier} · {warehouse}", f"{local} {zone} · {page + 1}/{pages}")
            for at, line in enumerate(part, page * ROWS_A_PAGE + 1):
                _row(canvas, y, at, line)
                y -= STEP
            if page == pages - 1:
                _totals(canvas, y, lines)
            canvas.showPage()
        canvas.save()
    return out.getvalue()


def _head(canvas: Canvas, number: str, who: str, when: str) -> float:
    paper.write(canvas, EDGE, TOP, f"Hand-over list 交接单 {number}", 15, bold=True)
    paper.write(canvas, EDGE, TOP - 16, paper.cut(who, 110 * mm, 10), 10)
    paper.write_right(canvas, RIGHT_WEIGHT, TOP - 16, when, 9)
    y = TOP - 34
    for x, title in COLUMNS:
        paper.write(canvas, x, y, title, 8, bold=True)
    paper.write_right(canvas, RIGHT_COUNTRY, y, "To 国家", 8, bold=True)
    paper.write_right(canvas, RIGHT_WEIGHT, y, "g", 8, bold=True)
    canvas.line(EDGE, y - 3, RIGHT_WEIGHT, y - 3)
    return y - STEP


def _row(canvas: Canvas, y: float, at: int, line: Line) -> None:
    cells = (str(at), line.number, line.reference, line.service)
    ends = [*(x for x, _ in COLUMNS[1:]), RIGHT_COUNTRY - 12 * mm]
    for (x, _), end, text in zip(COLUMNS, ends, cells, strict=True):
        paper.write(canvas, x, y, paper.cut(text, end - x - 2, 9), 9)
    paper.write_right(canvas, RIGHT_COUNTRY, y, line.country, 9)
    paper.write_right(canvas, RIGHT_WEIGHT, y, f"{line.weight_g:,}", 9)


def _totals(canvas: Canvas, y: float, lines: Sequence[Line]) -> None:
    canvas.line(EDGE, y + STEP - 6, RIGHT_WEIGHT, y + STEP - 6)
    total = sum(line.weight_g for line in lines)
    paper.write(canvas, EDGE, y - 4, f"Parcels 件数: {len(lines)}", 11, bold=True)
    paper.write_right(canvas, RIGHT_WEIGHT, y - 4, f"Weight 重量: {total:,} g", 11, bold=True)
    for x, who in ((EDGE, "Handed over 交件人"), (EDGE + 95 * mm, "Received 收件人")):
        paper.write(canvas, x, 18 * mm, who, 9)
        canvas.line(x + 32 * mm, 17 * mm, x + 80 * mm, 17 * mm)

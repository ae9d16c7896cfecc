"""Many labels in one PDF, in the order in which they are picked, so that paper and goods meet without sorting."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pikepdf
from django.db import transaction
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from core import bulk, clock, files
from core.audit import record_many
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import StoredFile
from logistics import permissions

MOST = 500  # labels of one print
SHEETS = "labels"  # kind of the stored file
KEPT = timedelta(days=1)  # the sheet holds addresses; each label stays by itself
LABEL_SIZE = (100 * mm, 150 * mm)

# One SKU alone first, by bin and SKU, so that equal parcels follow each other; parcels of several SKUs after them.
_ORDER = """
SELECT s.id, s.label_file_id, s.warehouse_ref, count(DISTINCT l.sku_id) > 1 AS mixed,
       min(b.pick_order) AS bin, min(k.code) AS sku, sum(cl.quantity) AS pieces
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
 ORDER BY mixed, bin NULLS LAST, sku NULLS LAST, pieces, s.id
"""


@dataclass
class Printed:
    """``file``: the sheet, None when there was no label at all. ``refused``: {shipment id: (code, params)}."""

    file: StoredFile | None = None
    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)


def print_labels(*, actor: Actor, shipment_ids: Sequence[int]) -> Printed:
    """One PDF of the parcels' labels, a page each or more; those without one are refused with their reason.

    Raises NotAllowed, BusinessError ``labels.too_many``.
    """
    actor.require(permissions.LABEL)
    if len(shipment_ids) > MOST:
        raise BusinessError("labels.too_many", most=MOST)
    out = Printed()
    rows = bulk.fetch(_ORDER, [list(shipment_ids)])
    rows = [row for row in rows if actor.sees_warehouse(row[2])]
    labels = StoredFile.objects.in_bulk([row[1] for row in rows if row[1] is not None])
    sheet = pikepdf.Pdf.new()
    kept = []  # sources must stay open until the sheet is written
    for pk, file_id, _warehouse, *_rest in rows:
        file = labels.get(file_id)
        try:
            if file is None:
                raise _NoLabel
            source = _pdf(files.read(file), file.media_type)
        except (_NoLabel, files.FileDamaged, pikepdf.PdfError):
            out.refused[pk] = ("label.none" if file is None else "label.unreadable", {})
            continue
        kept.append(source)
        sheet.pages.extend(source.pages)
        out.done.append(pk)
    for pk in set(shipment_ids) - {row[0] for row in rows}:
        out.refused[pk] = ("shipment.not_found", {})
    if out.done:
        made = io.BytesIO()
        sheet.save(made)
        out.file = _keep(actor, out.done, made.getvalue(), {row[2] for row in rows})
    return out


class _NoLabel(Exception):
    """The carrier has given none (yet)."""


def _pdf(content: bytes, media_type: str) -> pikepdf.Pdf:
    """A label as a PDF; a picture gets a page of the usual size."""
    if media_type == files.PDF:
        return pikepdf.Pdf.open(io.BytesIO(content))
    if media_type not in (files.PNG, files.JPEG):
        raise _NoLabel
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=LABEL_SIZE)
    canvas.drawImage(ImageReader(io.BytesIO(content)), 0, 0, *LABEL_SIZE, preserveAspectRatio=True, anchor="c")
    canvas.save()
    return pikepdf.Pdf.open(io.BytesIO(made.getvalue()))


@transaction.atomic
def _keep(actor: Actor, shipment_ids: Sequence[int], content: bytes, warehouses: set[int]) -> StoredFile:
    now = clock.now()
    file = files.store(
        SHEETS,
        f"labels-{now:%Y%m%d-%H%M%S}.pdf",
        content,
        files.PDF,
        permissions.LABEL,
        warehouse_id=next(iter(warehouses)) if len(warehouses) == 1 else None,
        purge_at=now + KEPT,
    )
    bulk.execute(
        "UPDATE logistics_shipment SET printed_at = %s, print_count = print_count + 1 WHERE id = ANY(%s)",
        [now, list(shipment_ids)],
    )
    record_many(actor, [("shipment", pk, "shipment.printed", {}) for pk in shipment_ids])
    return file

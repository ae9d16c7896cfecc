"""How labels lie on paper: one on each 100 × 150 page, or two or four on A4; slips and picking lists. No database.

A label is never enlarged and shrunk only where it must be: the bars are read by machines.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pikepdf
from PIL.Image import DecompressionBombError
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from core import files
from fulfilment.models import LabelPrint
from logistics import paper

LABEL_SIZE = (100 * mm, 150 * mm)
A4 = (210 * mm, 297 * mm)
EDGE = 5 * mm
MOST_PIXELS = 40_000_000  # a label of 100 × 150 mm has eight million at 600 dots an inch
LABEL, A4X2, A4X4 = LabelPrint.LAYOUTS


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet of paper in points, and the places (x, y, width, height) on it in the order in which they are filled."""

    size: tuple[float, float]
    cells: tuple[tuple[float, float, float, float], ...]


def _a4(columns: int, rows: int, width: float, height: float) -> Page:
    wide, high = width / columns, height / rows
    cells = tuple(
        (column * wide, height - (row + 1) * high, wide, high) for row in range(rows) for column in range(columns)
    )
    return Page((width, height), cells)


PAGES: dict[str, Page] = {
    LABEL: Page(LABEL_SIZE, ((0, 0, *LABEL_SIZE),)),
    A4X2: _a4(2, 1, A4[1], A4[0]),
    A4X4: _a4(2, 2, *A4),
}


class NoLabel(Exception):
    """The file is none that can be printed here."""


# What opening a label raises, and putting it on a sheet: a damaged PDF often shows only when its pages are read.
UNREADABLE = (NoLabel, pikepdf.PdfError)


def opened(content: bytes, media_type: str) -> pikepdf.Pdf:
    """A label as a PDF of at least one page; a picture gets a page of the usual size. Raises one of UNREADABLE."""
    if media_type == files.PDF:
        found = pikepdf.Pdf.open(io.BytesIO(content))
        if not found.pages:  # it would count as printed, and nothing would come out
            raise NoLabel
        return found
    if media_type not in (files.PNG, files.JPEG):
        raise NoLabel
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=LABEL_SIZE)
    try:
        picture = ImageReader(io.BytesIO(content))
        wide, high = picture.getSize()
    except (OSError, DecompressionBombError) as error:
        raise NoLabel from error
    if wide * high > MOST_PIXELS:  # some bytes of a picture may mean half a gigabyte on its page
        raise NoLabel
    canvas.drawImage(picture, 0, 0, *LABEL_SIZE, preserveAspectRatio=True, anchor="c")
    canvas.save()
    return pikepdf.Pdf.open(io.BytesIO(made.getvalue()))


class Sheet:
    """A PDF that grows label by label. Sources may be closed once they were put in."""

    def __init__(self, layout: str) -> None:
        self.page = PAGES[layout]
        self.pdf = pikepdf.Pdf.new()
        self._free: list[tuple[float, float, float, float]] = []
        self._kept: list[pikepdf.Pdf] = []

    def put(self, source: pikepdf.Pdf, only: int | None = None) -> None:
        """All pages of a label (or one page of a PDF of slips), each in the next free place."""
        self._kept.append(source)  # qpdf copies streams when it saves
        for page in source.pages if only is None else [source.pages[only]]:
            if len(self.page.cells) == 1 and _fits_as_it_is(page, self.page.size):
                self.pdf.pages.append(page)
                continue
            if not self._free:
                self.pdf.add_blank_page(page_size=self.page.size)
                self._free = list(self.page.cells)
            self.pdf.pages[-1].add_overlay(page, _place(page, self._free.pop(0)))

    def whole(self, source: pikepdf.Pdf) -> None:
        """Pages of their own; the next label begins a new page."""
        self._kept.append(source)
        self.pdf.pages.extend(source.pages)
        self._free = []

    def bytes(self) -> bytes:
        made = io.BytesIO()
        self.pdf.save(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return made.getvalue()


def joined(parts: Sequence[bytes]) -> bytes:
    """Sheets one after the other as one PDF."""
    whole = pikepdf.Pdf.new()
    kept = [pikepdf.Pdf.open(io.BytesIO(part)) for part in parts]
    for one in kept:
        whole.pages.extend(one.pages)
    made = io.BytesIO()
    whole.save(made, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return made.getvalue()


def _size(page: pikepdf.Page) -> tuple[float, float]:
    left, bottom, right, top = (float(value) for value in page.mediabox)
    wide, high = right - left, top - bottom
    return (high, wide) if int(page.get("/Rotate", 0)) % 180 else (wide, high)


def _fits_as_it_is(page: pikepdf.Page, size: tuple[float, float]) -> bool:
    """Within a few millimetres of the paper: printers centre that by themselves."""
    return all(abs(own - paper_) <= 4 * mm for own, paper_ in zip(_size(page), size, strict=True))


def _place(page: pikepdf.Page, cell: tuple[float, float, float, float]) -> pikepdf.Rectangle:
    """Where a page lies in a cell: in its middle, never larger than it is."""
    x, y, wide, high = cell
    own_wide, own_high = _size(page)
    scale = min(1.0, wide / own_wide, high / own_high)
    left = x + (wide - own_wide * scale) / 2
    bottom = y + (high - own_high * scale) / 2
    return pikepdf.Rectangle(left, bottom, left + own_wide * scale, bottom + own_high * scale)


# -- papers of our own --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slip:
    """What lies in a parcel: no price, nothing but what was ordered and is inside."""

    number: str
    reference: str
    receiver: str
    shop: str
    lines: tuple[tuple[int, str, str], ...]  # units, SKU, title


@dataclass(frozen=True, slots=True)
class Pick:
    """One line of a picking list: where, what, how many in how many parcels."""

    bin: str
    sku: str
    title: str
    units: int
    parcels: int


def slips(rows: Sequence[Slip]) -> pikepdf.Pdf:
    """A page of the label's size for each, in one drawing."""
    out = io.BytesIO()
    with paper.DRAWING:
        canvas = Canvas(out, pagesize=LABEL_SIZE, pageCompression=1, invariant=1)
        for row in rows:
            _slip(canvas, row)
            canvas.showPage()
        canvas.save()
    return pikepdf.Pdf.open(io.BytesIO(out.getvalue()))


def _slip(canvas: Canvas, row: Slip) -> None:
    wide, high = LABEL_SIZE
    room = wide - 2 * EDGE
    y = high - EDGE - 14
    paper.write(canvas, EDGE, y, "Packing slip 装箱单", 13, bold=True)
    y -= 16
    paper.write(canvas, EDGE, y, paper.cut(f"{row.number} · {row.reference}", room, 9), 9)
    y -= 12
    paper.write(canvas, EDGE, y, paper.cut(row.receiver, room, 10, bold=True), 10, bold=True)
    if row.shop:
        y -= 12
        paper.write(canvas, EDGE, y, paper.cut(row.shop, room, 9), 9)
    y -= 8
    canvas.line(EDGE, y, wide - EDGE, y)
    y -= 14
    for at, (units, sku, title) in enumerate(row.lines):
        if y < EDGE + 26:
            left = len(row.lines) - at
            paper.write(canvas, EDGE, EDGE + 4, f"+ {left} more 另有 {left} 行", 9)
            break
        paper.write_right(canvas, EDGE + 12 * mm, y, f"{units} ×", 11, bold=True)
        paper.write(canvas, EDGE + 14 * mm, y, paper.cut(sku, room - 14 * mm, 10, bold=True), 10, bold=True)
        for text in paper.wrap(title, room - 14 * mm, 8)[:2]:
            y -= 10
            paper.write(canvas, EDGE + 14 * mm, y, text, 8)
        y -= 15


PICKS_A_PAGE = {LABEL: 24, A4X2: 30, A4X4: 44}


def picking_list(rows: Sequence[Pick], *, layout: str, title: str, when: str) -> pikepdf.Pdf:
    """What to fetch for the labels behind it, along the way through the warehouse."""
    size = PAGES[layout].size
    a_page = PICKS_A_PAGE[layout]
    pages = max(1, -(-len(rows) // a_page))
    out = io.BytesIO()
    with paper.DRAWING:
        canvas = Canvas(out, pagesize=size, pageCompression=1, invariant=1)
        for number in range(pages):
            some = rows[number * a_page : (number + 1) * a_page]
            _picks(canvas, size, some, title, f"{when} · {number + 1}/{pages}")
            if number == pages - 1:
                units = sum(row.units for row in rows)
                paper.write_right(canvas, size[0] - EDGE, EDGE, f"{len(rows)} SKU · {units} pcs 件", 9, bold=True)
            canvas.showPage()
        canvas.save()
    return pikepdf.Pdf.open(io.BytesIO(out.getvalue()))


def _picks(canvas: Canvas, size: tuple[float, float], rows: Sequence[Pick], title: str, when: str) -> None:
    wide, high = size
    narrow = wide <= LABEL_SIZE[0]
    y = high - EDGE - 13
    paper.write(canvas, EDGE, y, paper.cut(title, wide - 2 * EDGE, 12, bold=True), 12, bold=True)
    y -= 11
    paper.write(canvas, EDGE, y, when, 7)
    y -= 5
    canvas.line(EDGE, y, wide - EDGE, y)
    y -= 11
    step = (y - EDGE - 12) / PICKS_A_PAGE[LABEL if narrow else (A4X2 if wide > high else A4X4)]
    bin_x, sku_x = EDGE, EDGE + (18 if narrow else 30) * mm
    text_x, end = sku_x + (28 if narrow else 45) * mm, wide - EDGE - 20 * mm
    for row in rows:
        paper.write(canvas, bin_x, y, paper.cut(row.bin, sku_x - bin_x - 2, 8), 8)
        paper.write(canvas, sku_x, y, paper.cut(row.sku, text_x - sku_x - 2, 8, bold=True), 8, bold=True)
        paper.write(canvas, text_x, y, paper.cut(row.title, end - text_x - 2, 7), 7)
        paper.write_right(canvas, wide - EDGE, y, f"{row.units}  ({row.parcels})", 9, bold=True)
        y -= step

"""Our own label for carriers without an API: 100 × 150 mm, one page, Code 128, Chinese as it stands in the order."""

from __future__ import annotations

import io

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from core.values import Address, ShipmentRequest
from logistics import paper

WIDTH, HEIGHT = 100 * mm, 150 * mm
EDGE = 5 * mm
ROOM = WIDTH - 2 * EDGE
QUIET = 6 * mm  # white on both sides of the bars, which scanners need
BARS_HIGH = 20 * mm
SIZES = (10.5, 9.0, 7.5, 6.0)  # of the receiver's lines: the largest that leaves room for the rest
LEADING = 1.19
RECEIVER_HIGH = 150.0  # points for the receiver's lines


def draw(request: ShipmentRequest, *, number: str, carrier: str) -> bytes:
    """PDF of one label. ``carrier``: the name in its head."""
    out = io.BytesIO()
    with paper.DRAWING:
        canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1, invariant=1)
        canvas.setTitle(number)
        y = _head(canvas, request, carrier)
        y = _receiver(canvas, request.receiver, y)
        y = _sender(canvas, request.sender, y)
        y = _bars(canvas, number, y)
        _foot(canvas, request, y)
        canvas.showPage()
        canvas.save()
    return out.getvalue()


def _rule(canvas: Canvas, y: float) -> None:
    canvas.setLineWidth(0.8)
    canvas.line(EDGE, y, WIDTH - EDGE, y)


def _head(canvas: Canvas, request: ShipmentRequest, carrier: str) -> float:
    y = HEIGHT - EDGE - 18
    paper.write_right(canvas, WIDTH - EDGE, y - 2, request.receiver.country, 26, bold=True)
    paper.write(canvas, EDGE, y + 6, paper.cut(carrier, ROOM - 25 * mm, 13, bold=True), 13, bold=True)
    paper.write(canvas, EDGE, y - 7, paper.cut(request.service_code, ROOM - 25 * mm, 9), 9)
    _rule(canvas, y - 14)
    return y - 14


def _receiver(canvas: Canvas, to: Address, y: float) -> float:
    y -= 11
    paper.write(canvas, EDGE, y, "TO 收件人", 7)
    y -= 15
    for line in paper.wrap(to.name or to.company, ROOM, 13, bold=True)[:2]:
        paper.write(canvas, EDGE, y, line, 13, bold=True)
        y -= 15
    size, lines = fitted(to)
    for line in lines:
        paper.write(canvas, EDGE, y, line, size)
        y -= size * LEADING
    if to.phone:
        paper.write(canvas, EDGE, y, f"Tel {to.phone}", 10.5, bold=True)
        y -= 12.5
    _rule(canvas, y + 4)
    return y + 4


def fitted(to: Address) -> tuple[float, list[str]]:
    """Font size and wrapped lines of the receiver, so that they have room; place and country are never cut."""
    size, lines = SIZES[0], [""]
    for size in SIZES:
        lines = [line for text in lines_of(to) for line in paper.wrap(text, ROOM, size)]
        if len(lines) * size * LEADING <= RECEIVER_HIGH:
            return size, lines
    most = int(RECEIVER_HIGH / (size * LEADING))
    return size, [*lines[: most - 3], *lines[-3:]]


def lines_of(address: Address) -> list[str]:
    """Company, street, place and country, each on its own line."""
    place = " ".join(part for part in (address.postcode, address.city, address.district, address.region) if part)
    company = address.company if address.company != address.name else ""
    return [text for text in (company, *address.lines, place, address.country) if text]


def _sender(canvas: Canvas, sender: Address, y: float) -> float:
    text = ", ".join(part for part in (sender.name, *sender.lines, sender.city, sender.country) if part)
    y -= 9
    for line in paper.wrap(f"FROM {text}" if text else "", ROOM, 7)[:2]:
        paper.write(canvas, EDGE, y, line, 7)
        y -= 8.5
    _rule(canvas, y + 3)
    return y + 3


def _bars(canvas: Canvas, number: str, y: float) -> float:
    """As wide as there is room, at most 0.5 mm a module; the number stands below for people."""
    one = Code128(number, barWidth=1, barHeight=BARS_HIGH, quiet=0)
    module = min(0.5 * mm, (ROOM - 2 * QUIET) / one.width)
    code = Code128(number, barWidth=module, barHeight=BARS_HIGH, quiet=0)
    y -= BARS_HIGH + 8
    code.drawOn(canvas, (WIDTH - code.width) / 2, y)
    y -= 14
    shown = paper.width(number, 12, bold=True)
    paper.write(canvas, (WIDTH - shown) / 2, y, number, 12, bold=True)
    _rule(canvas, y - 6)
    return y - 6


def _foot(canvas: Canvas, request: ShipmentRequest, y: float) -> None:
    """What is inside, for the packer and the customs form; as many lines as have room."""
    y -= 10
    paper.write(canvas, EDGE, y, f"Ref {request.reference}", 8, bold=True)
    paper.write_right(canvas, WIDTH - EDGE, y, f"{request.parcel.weight_g} g", 8, bold=True)
    y -= 11
    items = [f"{line.quantity} × {line.sku}  {line.name_en} {line.name_local}" for line in request.customs]
    most = max(1, int((y - EDGE) / 10) + 1)
    if len(items) > most:
        items = [*items[: most - 1], f"+ {len(items) - most + 1} …"]
    for item in items:
        if y < EDGE:
            return
        paper.write(canvas, EDGE, y, paper.cut(item, ROOM, 8), 8)
        y -= 10

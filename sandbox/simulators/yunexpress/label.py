"""A label of 100 x 150 mm, written by hand: some 2 kB, no embedded font, the number as Code 128.

Lines that Latin-1 cannot hold use the viewer's own Chinese font (STSong-Light, as PDF allows).
"""

from __future__ import annotations

from typing import Any

from .code128 import widths

WIDTH, HEIGHT = 283.46, 425.2


def _text(x: float, y: float, size: float, text: str) -> str:
    try:
        raw, font = text.encode("cp1252"), "F1"
    except UnicodeEncodeError:
        raw, font = text.encode("utf-16-be"), "F2"
    return f"BT /{font} {size:g} Tf {x:g} {y:g} Td <{raw.hex()}> Tj ET\n"


def _bars(x: float, y: float, height: float, across: float, text: str) -> str:
    """As wide as ``across`` points allow, 0.5 mm a module at most."""
    bars = widths(text)
    module = min(1.4, int(across / sum(bars) * 100) / 100)
    parts, black = [], True
    for width in bars:
        if black:
            parts.append(f"{x:.2f} {y:g} {width * module:.2f} {height:g} re")
        x += width * module
        black = not black
    return "\n".join(parts) + "\nf\n"


def _lines(number: str, reference: str, product: str, weight_g: int, to: dict[str, Any]) -> str:
    name = " ".join(part for part in (to.get("first_name"), to.get("last_name")) if part)
    address = [name, to.get("company") or "", *to["address_lines"]]
    address.append(f"{to['city']}, {to['province']} {to.get('postal_code') or ''}".strip())
    address.append(f"Tel {to['phone_number']}")
    content = _text(14, 396, 13, "YunExpress") + _text(160, 398, 9, product) + _text(240, 394, 22, to["country_code"])
    content += "12 386 259 0.8 re f\n" + _text(14, 370, 8, "SHIP TO")
    y = 355.0
    for line in filter(None, address):
        content += _text(14, y, 10, line[:60])
        y -= 13
    content += "12 190 259 0.8 re f\n" + _bars(30, 110, 62, 222, number) + _text(72, 94, 11, number)
    content += _text(14, 60, 8, f"Ref {reference}") + _text(200, 60, 8, f"{weight_g} g")
    return content


def pdf(*, number: str, reference: str, product: str, weight_g: int, receiver: dict[str, Any]) -> bytes:
    content = _lines(number, reference, product, weight_g, receiver).encode("ascii")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {WIDTH} {HEIGHT}]/Contents 4 0 R"
        "/Resources<</Font<</F1 5 0 R/F2 6 0 R>>>>>>".encode(),
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[7 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 8 0 R"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 0>>>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 752/Descent -271/CapHeight 737/StemV 58>>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for at, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (at, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def zpl(*, number: str, reference: str, product: str, weight_g: int, receiver: dict[str, Any]) -> bytes:
    """203 dpi: 812 x 1218 dots. ^CI28 says that the text is UTF-8."""
    name = " ".join(part for part in (receiver.get("first_name"), receiver.get("last_name")) if part)
    lines = [name, *receiver["address_lines"], f"{receiver['city']} {receiver.get('postal_code') or ''}"]
    out = ["^XA^CI28^PW812^LL1218", f"^FO40,40^A0N,40,40^FDYunExpress {product} {receiver['country_code']}^FS"]
    for at, line in enumerate(lines):
        clean = line.replace("^", " ").replace("~", " ")
        out.append(f"^FO40,{140 + 40 * at}^A0N,30,30^FD{clean}^FS")
    out.append(f"^FO60,620^BY3^BCN,180,Y,N,N^FD{number}^FS^FO40,960^A0N,24,24^FDRef {reference} {weight_g} g^FS^XZ")
    return "\n".join(out).encode()

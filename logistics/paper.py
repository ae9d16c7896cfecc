"""Text on labels and lists with ReportLab: Latin and Chinese in one line, wrapped and cut to a width. Pure, no Django.

A TrueType font with Chinese is used and embedded when the machine has one; else the built-in CID font STSong-Light, for
which the printer or viewer brings the shapes. Latin text is set in Helvetica, which every one of them has.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

# Fonts that hold Chinese and Latin together and whose outlines ReportLab can read. SAMPAN_CJK_FONT names another one.
FONT_PATHS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/wenquanyi/wqy-microhei/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
)
PLAIN, BOLD, CID = "Helvetica", "Helvetica-Bold", "STSong-Light"

# ReportLab keeps its fonts in one registry for the process, and embedding collects glyphs while a page is drawn.
DRAWING = threading.Lock()


@dataclass(frozen=True, slots=True)
class WideFont:
    """The font for everything that Helvetica cannot write."""

    name: str
    embedded: bool


@lru_cache(maxsize=1)
def wide_font() -> WideFont:
    for path in (os.environ.get("SAMPAN_CJK_FONT", ""), *FONT_PATHS):
        if path and os.path.exists(path):
            try:
                pdfmetrics.registerFont(TTFont("Wide", path, subfontIndex=0))
            except (TTFError, OSError):
                continue
            return WideFont("Wide", True)
    pdfmetrics.registerFont(UnicodeCIDFont(CID))
    return WideFont(CID, False)


def _latin(char: str) -> bool:
    return char.isascii() or _encodable(char)


@lru_cache(maxsize=4096)
def _encodable(char: str) -> bool:
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """Without control characters; blanks of any kind become spaces."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def runs(text: str, *, bold: bool = False) -> list[tuple[str, str]]:
    """(font, part) of a line, parts as long as possible."""
    wide = wide_font().name
    latin = BOLD if bold else PLAIN
    return [(latin if plain else wide, "".join(part)) for plain, part in groupby(text, key=_latin)]


def width(text: str, size: float, *, bold: bool = False) -> float:
    return sum(pdfmetrics.stringWidth(part, font, size) for font, part in runs(text, bold=bold))


def write(canvas: Canvas, x: float, y: float, text: str, size: float, *, bold: bool = False) -> float:
    """Draw one line from ``x``; gives the x behind it."""
    for font, part in runs(printable(text), bold=bold):
        canvas.setFont(font, size)
        canvas.drawString(x, y, part)
        x += pdfmetrics.stringWidth(part, font, size)
    return x


def write_right(canvas: Canvas, x: float, y: float, text: str, size: float, *, bold: bool = False) -> None:
    write(canvas, x - width(printable(text), size, bold=bold), y, text, size, bold=bold)


def cut(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of it as has room, with an ellipsis."""
    text = printable(text)
    if width(text, size, bold=bold) <= room:
        return text
    while text and width(text + "…", size, bold=bold) > room:
        text = text[:-1]
    return text + "…"


def wrap(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """Lines that have room: broken between words, and inside where a word (or Chinese text) is too long."""
    lines: list[str] = []
    line = ""
    for word in printable(text).split():
        longer = f"{line} {word}" if line else word
        if width(longer, size, bold=bold) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = ""
        for char in word:
            if line and width(line + char, size, bold=bold) > room:
                lines.append(line)
                line = ""
            line += char
    return [*lines, line] if line else lines

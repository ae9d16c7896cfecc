"""What a clerk or scanner put into the desk's one field. Pure.

A weight is a short number; anything else is the code of a parcel, so a scanner never has to leave the field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

SCAN, WEIGH, OUTSIDE, HAND = "scan", "weigh", "outside", "hand"  # what the desk waits for
STEPS = (SCAN, WEIGH, OUTSIDE, HAND)
ACCEPT_WORDS = frozenset({"+", "++", "ok", "OK"})
UNDO_WORDS = frozenset({"-", "--", "undo", "UNDO"})
_SIZE = r"(?:\s+(?P<l>\d{1,3}(?:[.,]\d)?)\s*[x×*]\s*(?P<w>\d{1,3}(?:[.,]\d)?)\s*[x×*]\s*(?P<h>\d{1,3}(?:[.,]\d)?))?"
_WEIGHT = re.compile(r"(?P<n>\d{1,6}(?:[.,]\d{1,3})?)\s*(?P<unit>kg|g)?" + _SIZE, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Enter alone: go on with the obvious."""


@dataclass(frozen=True, slots=True)
class Accept:
    """The difference is right."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the last one back."""


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class Weight:
    """Grams; ``size_mm`` length, width, height."""

    grams: int
    size_mm: tuple[int, int, int] | None = None


Entry = Nothing | Accept | Undo | Code | Weight


def read(text: str, step: str) -> Entry:
    """``step``: what the desk waits for. Before a parcel is there, everything is a code.

    ``350``, ``350 g``, ``0.35``, ``0.35 kg`` are the same; ``350 30x20x10`` adds the size in centimetres.
    """
    text = text.strip()
    if not text:
        return Nothing()
    if text in UNDO_WORDS:
        return Undo()
    if step == SCAN:
        return Code(text)
    if text in ACCEPT_WORDS:
        return Accept()
    match = _WEIGHT.fullmatch(text)
    if match is None:
        return Code(text)
    return Weight(_grams(match["n"], match["unit"] or ""), _size(match))


def _grams(number: str, unit: str) -> int:
    """A number with decimals and no unit is in kilograms: nobody weighs parts of a gram here."""
    value = Decimal(number.replace(",", "."))
    kilograms = unit.lower() == "kg" or (not unit and ("." in number or "," in number))
    return int((value * 1000 if kilograms else value).to_integral_value())


def _size(match: re.Match[str]) -> tuple[int, int, int] | None:
    if match["l"] is None:
        return None
    length, width, height = (int(Decimal(match[name].replace(",", ".")) * 10) for name in ("l", "w", "h"))
    return length, width, height

"""What the columns of a sheet mean: fields with the headings people write for them, and the guess. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise

_BRACKETS = re.compile(r"[(\[【〔](.*?)[)\]】〕]")
_NOISE = re.compile(r"[\s_\-./*:#'\"]+")
# How people write a unit: in brackets, or at the end of the heading.
UNITS = {
    "g": "g", "克": "g", "gram": "g", "grams": "g", "gr": "g",
    "kg": "kg", "千克": "kg", "公斤": "kg", "kilogram": "kg", "kgs": "kg",
    "lb": "lb", "lbs": "lb", "磅": "lb", "oz": "oz", "盎司": "oz",
    "mm": "mm", "毫米": "mm", "cm": "cm", "厘米": "cm", "公分": "cm", "m": "m", "米": "m",
    "in": "in", "inch": "in", "inches": "in", "英寸": "in",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a column can be. ``headings``: as people write them, normalised by ``normal``.

    ``units``: fields of other units, {unit: key of that field}; ``sample``: for the template.
    """

    key: str
    label: str | Promise
    headings: tuple[str, ...]
    required: bool = False
    sample: str = ""
    units: tuple[tuple[str, str], ...] = ()
    hidden: bool = False  # not in the template: another unit of a field that is


def normal(heading: str) -> tuple[str, str]:
    """(heading without case, width, blanks, signs and brackets; unit in brackets, or ''): ``重量 (克)`` → 重量, g."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    unit = ""
    for inner in _BRACKETS.findall(text):
        unit = unit or UNITS.get(_NOISE.sub("", inner), "")
    return _NOISE.sub("", _BRACKETS.sub("", text)), unit


def known(columns: Sequence[Column]) -> frozenset[str]:
    return frozenset(heading for one in columns for heading in names(one))


@lru_cache(maxsize=1024)
def names(column: Column) -> tuple[str, ...]:
    """Its headings, and what it is called on our pages and templates in either language."""
    labels = []
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            labels.append(normal(str(column.label))[0])
    return tuple(dict.fromkeys((*column.headings, *(() if column.hidden else labels))))


def guess(headings: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """{place of the column as text: field}: exact headings first, then those with the unit in their name, then parts.

    A field is given once, to the best column.
    """
    fields = {one.key: one for one in columns}
    by_heading = {heading: one.key for one in reversed(columns) for heading in names(one)}
    found: list[tuple[int, int, str]] = []  # (how sure, place, field): smaller is surer
    for place, heading in enumerate(headings):
        name, unit = normal(heading)
        if not name:
            continue
        key, sure = by_heading.get(name, ""), 0
        if not key:
            for written in sorted(UNITS, key=len, reverse=True):
                if name.endswith(written) and name.removesuffix(written) in by_heading:
                    key, unit, sure = by_heading[name.removesuffix(written)], UNITS[written], 1
                    break
        if not key:
            parts = [one for one in by_heading if len(one) >= 3 and one in name or _cjk(one) and one in name]
            if parts:
                key, sure = by_heading[max(parts, key=len)], 2
        if key:
            found.append((sure, place, dict(fields[key].units).get(unit, key)))
    given: dict[str, str] = {}
    families: set[str] = set()
    for _, place, key in sorted(found):
        family = family_of(key)
        if family not in families:
            families.add(family)
            given[str(place)] = key
    return given


def family_of(key: str) -> str:
    """``weight_kg`` and ``weight_g`` are one thing: it can come from one column only."""
    stem, _, unit = key.rpartition("_")
    return stem if stem and unit in UNITS.values() else key


def _cjk(text: str) -> bool:
    return len(text) >= 2 and all("\u4e00" <= char <= "\u9fff" for char in text)

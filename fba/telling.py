"""A suggestion's terms as rows of a page: words, figure with unit, where it comes from, how deep it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from core.words import formats, knows, say
from fba.tables import day

MOST_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Told:
    """``depth`` 0 is the figure itself, deeper ones are what it was computed from. ``counted`` False: shown, left out."""

    depth: int
    text: str
    value: str
    source: str
    counted: bool
    total: bool


def tell(term: Mapping[str, Any], depth: int = 0) -> Iterator[Told]:
    """The term and, below it, its inputs."""
    inputs = term.get("inputs") or ()
    yield Told(
        depth,
        name(term),
        figure(term.get("value"), str(term.get("unit", "")), str(term["code"])),
        say(f"source.{term['source']}"),
        bool(term.get("counted", True)),
        bool(inputs),
    )
    if depth < MOST_DEPTH:
        for inner in inputs:
            yield from tell(inner, depth + 1)


def name(term: Mapping[str, Any]) -> str:
    """Words for a term; its parameters fill them."""
    code = f"term.{term['code']}"
    method = (term.get("params") or {}).get("method")
    if method and knows(f"{code}.{method}"):
        code = f"{code}.{method}"
    return say(code, term.get("params") or {})


def figure(value: Any, unit: str, code: str = "") -> str:
    if value is None:
        return formats.DASH
    if unit == "date":
        return day(date.fromisoformat(str(value)))
    if code in ("service_level", "window.weight"):
        return f"{formats.number(round(float(value) * 100, 1))} %"
    number = formats.number(round(float(value), 2))
    words = {"units": _("{n} pcs"), "units/day": _("{n} a day"), "days": _("{n} days")}.get(unit, "{n}")
    return words.format(n=number)


def advice(found: Mapping[str, Any]) -> list[Told]:
    """How a quantity came about: level, what is there, the difference, then rounding step by step."""
    rows = list(tell(found["order_up_to"]))
    rows += list(tell(found["position"]))
    rows += [row for row in tell(found["raw"]) if row.depth == 0]
    for step in found["steps"]:
        rows += list(tell(step))
    return rows

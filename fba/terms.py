"""Pure: all terms of a suggestion in little room, and back. A term that several figures share is kept once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from inventory.demand import Suggestion, Term

FIGURES = ("velocity", "lead_time", "cover_days", "stock_out", "latest_order", "lost_days", "lost_units")
ADVICE = ("reorder_point", "order_up_to", "position", "raw")
VERSION = 1

Packed = dict[str, Any]


def pack(suggestion: Suggestion) -> Packed:
    """``t``: terms as [code, value, unit, source, inputs, params, counted], empty ends left out; inputs are places in it.

    Equal terms stand once, so a suggestion takes two or three kB.
    """
    rows: list[list[Any]] = []
    seen: dict[int, int] = {}
    equal: dict[tuple[Any, ...], int] = {}

    def add(term: Term) -> int:
        # The hot spot of a run: some eighty terms a line.
        place = seen.get(id(term))
        if place is not None:
            return place
        inputs = [add(inner) for inner in term.inputs] if term.inputs else []
        params = {name: _value(value) for name, value in term.params.items()} if term.params else None
        value = term.value
        if type(value) is float:
            value = round(value, 4)
        elif isinstance(value, date):
            value = value.isoformat()
        told = tuple(params.items()) if params else None
        key = (term.code, value, term.unit, term.source, tuple(inputs), told, term.counted)
        place = equal.get(key)
        if place is None:
            row: list[Any] = [term.code, value, term.unit, term.source]
            if not term.counted:
                row += [inputs, params or {}, 0]
            elif params:
                row += [inputs, params]
            elif inputs:
                row.append(inputs)
            place = equal[key] = len(rows)
            rows.append(row)
        seen[id(term)] = place
        return place

    packed: Packed = {"v": VERSION, "state": suggestion.state}
    for name in FIGURES:
        packed[name] = add(getattr(suggestion, name))
    for name in ("buy", "send"):
        advice = getattr(suggestion, name)
        packed[name] = advice and [
            advice.quantity,
            int(advice.due),
            [add(getattr(advice, part)) for part in ADVICE],
            [add(step) for step in advice.steps],
        ]
    packed["t"] = rows
    return packed


def unpack(packed: Mapping[str, Any]) -> dict[str, Any]:
    """The suggestion as ``Suggestion.to_json`` shows it (figures rounded to a ten-thousandth)."""
    rows = packed["t"]

    def term(place: int) -> dict[str, Any]:
        row = rows[place]
        data = {"code": row[0], "value": row[1], "unit": row[2], "source": row[3]}
        if len(row) > 4 and row[4]:
            data["inputs"] = [term(inner) for inner in row[4]]
        if len(row) > 5 and row[5]:
            data["params"] = row[5]
        if len(row) > 6:
            data["counted"] = False
        return data

    out: dict[str, Any] = {"state": packed["state"]}
    for name in ("buy", "send"):
        advice = packed[name]
        out[name] = advice and {
            "kind": name,
            "quantity": advice[0],
            "due": bool(advice[1]),
            **{part: term(place) for part, place in zip(ADVICE, advice[2], strict=True)},
            "steps": [term(place) for place in advice[3]],
        }
    return out | {name: term(packed[name]) for name in FIGURES}


def _value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 4) if isinstance(value, float) else value

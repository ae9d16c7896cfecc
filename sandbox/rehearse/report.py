"""The run as a table on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .run import Result

SHOWN = 50


def table(result: Result) -> list[str]:
    """Lines of text; the last one is ``differences N``."""
    summary = result.plan.summary()
    lines = ["", "The plan"]
    lines += _rows(
        {name: summary[name] for name in ("invoices", "orders", "lines", "skus", "messages") if name in summary}
    )
    lines += _rows({"cancellations": summary["cancellations"], "returns": summary["returns"]})
    for title, figures in (
        ("Rejected invoices, by reason", summary["rejected"]),
        ("Read otherwise than written", summary["notes"]),
        ("Parts played", result.parts),
        ("The world", result.world),
        ("The people", result.people),
        ("Refused acts", result.refused),
        ("Faults that struck", result.faults),
        ("Compared", result.report.counts),
        ("Units set aside by right", result.report.open),
        ("Where the orders stand", result.states),
        ("Seconds", result.seconds),
        ("Missing", result.missing),
    ):
        if figures:
            lines += ["", title, *_rows(figures)]
    if result.kills:
        lines += ["", *result.kills]
    if result.gave_up:
        lines += ["", f"Given up: {result.gave_up}."]
    if result.differences:
        lines += ["", "Differences", *_differences(result)]
    return [*lines, "", f"differences {result.differences}"]


def _rows(figures: Mapping[str, Any]) -> list[str]:
    return [f"  {name:<44}{value:>12,}" for name, value in figures.items()]


def _differences(result: Result) -> Iterable[str]:
    yield from (f"  {one}" for one in result.report.differences[:SHOWN])
    if result.differences > SHOWN:
        yield f"  … and {result.differences - SHOWN} more"

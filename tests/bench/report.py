"""The figures of a run as a page of Markdown: ``make bench REPORT=docs/reports/bench.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any

# What a figure is, and what it has to keep to: (of "ratio" or "value" or another field, "<=" or ">=", how much).
WHAT: dict[str, tuple[str, tuple[str, str, float] | None]] = {
    "ingest": ("orders from payload to reserved, all rows written, a process a core; yardstick: a transaction an order",
               ("ratio", ">=", 1.0)),
    "trip": ("the same with booking and confirmation over HTTP", ("ratio", ">=", 0.1)),
    "tenants.new": ("a new tenant; yardstick: the bare replay of the template", ("value", "<=", 1.0)),
    "tenants.migrate_noop": ("`migrate_tenants` over 300 tenants with nothing to do; yardstick: `manage.py check`",
                             ("value", "<=", 2.0)),
    "lists.sql": ("SQL of a page of 50 of 1,000,000 orders at any depth; yardstick: keyset query with lines",
                  ("ratio", "<=", 3.0)),
    "lists.read": ("the same with all that Python makes of the rows", None),
    "lists.page": ("the whole page in process; yardstick: a plain Django page with lines", ("ratio", "<=", 6.0)),
    "lists.rows500": ("500 rows, 95th percentile", ("value", "<=", 300.0)),
    "lists.tabs": ("tab counts, kept; equal to a recount", ("equal_to_recount", ">=", True)),
    "search": ("1,000 drawn searches by fragments, 95th percentile; yardstick: keyset query", ("ratio", "<=", 50.0)),
    "pages": ("20 people at once beside a running sync, the slowest page's 95th percentile", ("value", "<=", 500.0)),
    "import.new": ("10,000 SKUs from XLSX, with the dry run; yardstick: a transaction an order", ("seconds", "<=", 30.0)),
    "import.changed": ("10,000 SKUs changed by a sheet", ("seconds", "<=", 30.0)),
    "labels_label": ("500 labels in one PDF; yardstick: the bare joining of the files", ("value", "<=", 60.0)),
    "labels_a4x4": ("500 labels, four on a page, with picking list and slips", ("value", "<=", 60.0)),
}  # fmt: skip


def kept(figure: dict[str, Any]) -> tuple[str, bool]:
    """(the limit in words, whether it was kept) of a figure; ('', True) where there is none."""
    limit = WHAT.get(figure["name"], ("", None))[1]
    if limit is None:
        return "", True
    field, way, much = limit
    value = figure[field]
    if much is True:
        return field.replace("_", " "), bool(value)
    unit = {"ratio": " × yardstick", "value": f" {figure['unit']}", "seconds": " s"}[field]
    return f"{'at most' if way == '<=' else 'at least'} {much:g}{unit}", value <= much if way == "<=" else value >= much


def markdown(figures: Sequence[dict[str, Any]]) -> str:
    lines = [
        "# The bench",
        "",
        "Made by `make bench REPORT=docs/reports/bench.md`. A bare time says as much about the machine as about us: each",
        "figure stands beside a yardstick that was measured in the same run on the same server, and the ratio counts.",
        f"Measured on {os.cpu_count()} cores, Python {platform.python_version()}, the embedded PostgreSQL.",
        "",
        "| Bench | What | Value | Yardstick | Ratio | Limit | |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for one in figures:
        limit, good = kept(one)
        what = WHAT.get(one["name"], ("", None))[0]
        cells = [f"`{one['name']}`", what, f"{one['value']:,.2f} {one['unit']}", f"{one['yardstick']:,.2f}"]
        cells += [f"{one['ratio']:.2f}", limit, "" if not limit else "kept" if good else "**missed**"]
        lines.append(f"| {' | '.join(cells)} |")
    for one in figures:
        if pages := one.get("p95") if isinstance(one.get("p95"), dict) else None:
            lines += ["", "## 20 people at once", "", f"{one['requests']:,} requests, median {one['median']:g} ms.", ""]
            lines += ["| Page | 95th percentile, ms |", "| --- | ---: |"]
            lines += [f"| {name} | {value} |" for name, value in sorted(pages.items(), key=lambda pair: -pair[1])]
    return "\n".join(lines) + "\n"

"""``make bench [ONLY=name]``: each figure against a yardstick measured in the same run on the same server.

Every bench ends with one JSON line ``{"name", "value", "unit", "yardstick", "ratio"}``.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path

import tests.bench as here
from tests.bench.report import markdown


def names() -> list[str]:
    """A module of this folder with a ``run`` function is a bench."""
    found = []
    for info in pkgutil.iter_modules(here.__path__):
        if info.name.startswith("bench_"):
            found.append(info.name.removeprefix("bench_"))
    return sorted(found)


def main() -> int:
    wanted = sys.argv[1:] or names()
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are: {', '.join(names())}")
        return 2
    table = []
    for name in wanted:
        print(f"== {name}", flush=True)
        for figure in importlib.import_module(f"tests.bench.bench_{name}").run():
            print(json.dumps(figure), flush=True)
            table.append(figure)
    width = max(len(figure["name"]) for figure in table)
    print(f"\n{'bench':{width}}  {'value':>12}  unit          {'yardstick':>12}  ratio")
    for figure in table:
        print(
            f"{figure['name']:{width}}  {figure['value']:>12,.2f}  {figure['unit']:12}  {figure['yardstick']:>12,.2f}"
            f"  {figure['ratio']:.2f}"
        )
    if report := os.environ.get("BENCH_REPORT"):
        Path(report).write_text(markdown(table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    raise SystemExit(main())

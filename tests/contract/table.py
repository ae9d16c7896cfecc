"""``python -m tests.contract.table [--json]``: platform × capability × result of the contract's checks."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

CHECKS = ("samples", "faults", "round trip")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object for each line of the table")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from tests.support.simulators import running

    with tempfile.TemporaryDirectory() as data, running(Path(data)) as server:
        rows = [*_rows(server.url), *_carrier_rows(server.url)]
    for row in rows:
        print(json.dumps(row) if chosen.json else _line(row))
    return int(any(row["failed"] for row in rows))


def _line(row: dict[str, Any]) -> str:
    marks = "  ".join(f"{name} {row[name]}" for name in CHECKS)
    return f"{row['platform']:10} {row['capability']:16} {marks}" + "".join(f"\n    {why}" for why in row["failed"])


def _rows(url: str) -> Iterator[dict[str, Any]]:
    from channels.registry import all_adapters
    from tests.contract import checks

    for platform, adapter in sorted(all_adapters().items()):
        for capability in sorted(adapter.capabilities):
            kind = checks.KINDS.get(capability)
            samples = [path for path in checks.samples(adapter) if checks.kind_of(path) == kind]
            operations = [one for one in checks.operations(adapter) if one.capability == capability]
            trips = [checks.TRIPS[capability]] if capability in checks.TRIPS else []
            todo: dict[str, list[tuple[str, Callable[[], None]]]] = {
                "samples": [(path.stem, partial(checks.check_sample, adapter, path)) for path in samples],
                "faults": [
                    (f"{one.name}, {fault.name}", partial(checks.check_fault, adapter, one, fault))
                    for one in operations
                    for fault in checks.FAULTS
                ],
                "round trip": [(capability, partial(trip, adapter, url)) for trip in trips],
            }
            yield _run(platform, capability, todo)


def _carrier_rows(url: str) -> Iterator[dict[str, Any]]:
    from logistics.registry import all_carriers, all_trackers
    from tests.contract import carrier_checks as checks

    for key, other in sorted({**all_carriers(), **all_trackers()}.items()):
        operations = checks.operations(other)
        trip = checks.check_tracker_trip if hasattr(other, "kind") else checks.check_carrier_trip
        todo: dict[str, list[tuple[str, Callable[[], None]]]] = {
            "samples": [(path.stem, partial(checks.check_sample, other, path)) for path in checks.samples(other)],
            "faults": [
                (f"{one.name}, {fault.name}", partial(checks.check_fault, other, one, fault))
                for one in operations
                for fault in checks.FAULTS
            ],
            "round trip": [("trip", partial(trip, other, url))] if operations else [],
        }
        yield _run(key, "tracking" if hasattr(other, "kind") else "carrier", todo)


def _run(platform: str, capability: str, todo: dict[str, list[tuple[str, Callable[[], None]]]]) -> dict[str, Any]:
    row: dict[str, Any] = {"platform": platform, "capability": capability, "failed": []}
    for name, checks in todo.items():
        good = 0
        for label, check in checks:
            try:
                check()
                good += 1
            except Exception as error:
                row["failed"].append(f"{name}: {label}: {str(error) or type(error).__name__}"[:300])
        row[name] = f"{good}/{len(checks)}" if checks else "-"
    return row


if __name__ == "__main__":
    sys.exit(main())

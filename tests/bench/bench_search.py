"""Combined search over a million orders: 1,000 drawn fragments of receiver, phone, number and SKU, English and Chinese.

Yardstick of the same run and server: a hand-written keyset page of 50 with lines.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.bench import keyset, million
from tests.bench.figure import figure

SEARCHES = 1000


def run() -> Iterator[dict[str, Any]]:
    it = million.inside("tests.bench.bench_search")
    more = {name: it[name] for name in ("median_ms", "slowest_ms", "slowest", "empty", "searches")}
    yield figure("search", it["p95"] * 1000, "ms p95", it["keyset"] * 1000, **more)


def measure(url: str) -> dict[str, Any]:
    import django

    django.setup()
    from core.tenancy import tenant_context
    from orders import queries

    actor = million.owner()
    found: list[tuple[float, str, int]] = []
    with tenant_context(million.SCHEMA):
        wanted = list(million.drawn_searches(SEARCHES))
        before = keyset.keyset_page(url)
        for text in wanted:
            started = time.perf_counter()
            rows = queries.page(actor, queries.Filter(tab="all", text=text)).rows
            found.append((time.perf_counter() - started, text, len(rows)))
        after = keyset.keyset_page(url)
    seconds = sorted(one[0] for one in found)
    slow = sorted(found, reverse=True)[:8]
    return {
        "keyset": (keyset.p(before, 0.5) + keyset.p(after, 0.5)) / 2,
        "p95": keyset.p(seconds, 0.95),
        "median_ms": round(keyset.p(seconds, 0.5) * 1000, 2),
        "slowest_ms": round(seconds[-1] * 1000, 1),
        "slowest": [f"{text}: {spent * 1000:.0f} ms" for spent, text, _ in slow],
        "empty": sum(rows == 0 for _, _, rows in found),  # each fragment was taken from an order that is there
        "searches": len(found),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))

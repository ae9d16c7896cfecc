"""The orders list over a million orders: its SQL at any depth, its whole page in process, 500 rows, the tabs' counts.

``lists.sql`` is the statement alone, as psycopg gives its rows; ``lists.read`` with all that Python makes of them.

Yardsticks of the same run and server: a hand-written keyset page with lines (psycopg), a plain Django page with lines.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from urllib.parse import quote

import psycopg

from tests.bench import keyset, million
from tests.bench.figure import figure


def run() -> Iterator[dict[str, Any]]:
    it = million.inside("tests.bench.bench_lists")
    base, plain = it["keyset"], it["django"]
    yield figure(
        "lists.sql", it["sql"] * 1000, "ms", base * 1000, p95=round(it["sql_p95"] * 1000, 2), orders=million.ORDERS
    )
    yield figure("lists.read", it["read"] * 1000, "ms", base * 1000, p95=round(it["read_p95"] * 1000, 2))
    yield figure(
        "lists.page", it["page"] * 1000, "ms", plain * 1000, p95=round(it["page_p95"] * 1000, 1), queries=it["queries"]
    )
    yield figure("lists.rows500", it["rows500_p95"] * 1000, "ms p95", plain * 1000, bytes=it["bytes500"])
    yield figure("lists.tabs", it["tabs"] * 1000, "ms", base * 1000, equal_to_recount=it["equal"])


def measure(url: str) -> dict[str, Any]:
    import django

    django.setup()
    from core.tenancy import tenant_context
    from orders import queries

    actor, draw = million.owner(), Random(11)
    with tenant_context(million.SCHEMA):
        keys = _depths(draw)

        def listed() -> None:
            queries.page(
                actor,
                queries.Filter(tab=draw.choice(("all", "delivered", "to_ship", "cancelled"))),
                after=draw.choice(keys),
            )

        before = keyset.keyset_page(url)
        read = keyset.timed(listed, 300)
        sql = _alone(url, _statements(listed, 330))
        tabs = keyset.timed(lambda: queries.tabs(actor), 200)
        after = keyset.keyset_page(url)
        plain = keyset.django_page()
        equal = _recounted(queries.tabs(actor))
    pages = million.Visitor()
    address = "/orders/?tab=delivered&size={}&after={}".format
    whole = keyset.timed(lambda: pages.get(address(50, quote(draw.choice(keys)))), 100)
    rows = keyset.timed(lambda: pages.get(address(500, quote(draw.choice(keys)))), 30)
    return {
        "keyset": (keyset.p(before, 0.5) + keyset.p(after, 0.5)) / 2,
        "django": keyset.p(plain, 0.5),
        "sql": keyset.p(sql, 0.5),
        "sql_p95": keyset.p(sql, 0.95),
        "read": keyset.p(read, 0.5),
        "read_p95": keyset.p(read, 0.95),
        "tabs": keyset.p(tabs, 0.5),
        "equal": equal,
        "page": keyset.p(whole, 0.5),
        "page_p95": keyset.p(whole, 0.95),
        "queries": pages.queries(address(50, quote(keys[0]))),
        "rows500_p95": keyset.p(rows, 0.95),
        "bytes500": len(pages.get(address(500, quote(keys[0])))),
    }


def _statements(listed: Callable[[], object], many: int) -> list[tuple[str, Any]]:
    """What the list asks the server, as it asks it."""
    from django.db import connection

    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "orders_order" in sql:
            asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for _ in range(many):
            listed()
    return asked


def _alone(url: str, statements: list[tuple[str, Any]]) -> list[float]:
    """Seconds of each statement by psycopg alone, as the yardstick is asked."""
    left = iter(statements)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f'SET search_path = "{million.SCHEMA}", public')

        def once() -> None:
            sql, params = next(left)
            conn.execute(sql, params).fetchall()

        return keyset.timed(once, len(statements) * 10 // 11)


def _depths(draw: Random) -> list[str]:
    """Positions all over the list."""
    from core import bulk

    ids = [draw.randrange(1, million.ORDERS + 1) for _ in range(200)]
    rows = bulk.fetch("SELECT placed_at, id FROM orders_order WHERE id = ANY(%s)", [ids])
    return [f"{placed.isoformat()}~{pk}" for placed, pk in rows]


def _recounted(kept: dict[str, int]) -> bool:
    from core import bulk
    from orders.queries import TABS

    there = dict(bulk.fetch("SELECT state, count(*)::int FROM orders_order GROUP BY state"))
    return kept == {tab: sum(there.get(state, 0) for state in members) for tab, members in TABS.items()}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))

"""The yardstick of reading: hand-written keyset queries and a plain Django page over as many orders on the same server."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import psycopg

SCHEMA = """
DROP SCHEMA IF EXISTS yard CASCADE;
CREATE SCHEMA yard;
CREATE TABLE yard.orders (id bigserial PRIMARY KEY, account int NOT NULL, external text NOT NULL, status text NOT NULL,
    placed timestamptz NOT NULL, total numeric(19,4) NOT NULL, name text NOT NULL, raw jsonb NOT NULL);
CREATE TABLE yard.lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL, sku int NOT NULL, quantity int NOT NULL,
    price numeric(19,4) NOT NULL);
INSERT INTO yard.orders (account, external, status, placed, total, name, raw)
    SELECT 1 + g % 12, 'X' || g, (ARRAY['done', 'done', 'open', 'paid', 'done', 'gone', 'done', 'sent'])[1 + g % 8],
        timestamptz '2024-01-01' + g * interval '1 minute', 19.9, 'Somebody ' || g,
        jsonb_build_object('n', g, 'x', repeat('x', 300))
      FROM generate_series(1, {orders}) g;
INSERT INTO yard.lines (order_id, sku, quantity, price)
    SELECT g, 1 + (g * 7) % 1000, 1, 9.95 FROM generate_series(1, {orders}) g UNION ALL
    SELECT g, 1 + (g * 11) % 1000, 1, 9.95 FROM generate_series(1, {orders}) g;
CREATE INDEX ON yard.orders (account, status, placed, id);
CREATE INDEX ON yard.lines (order_id);
ANALYZE yard.orders;
ANALYZE yard.lines;
"""
PAGE = (
    "SELECT id, external, status, placed, total, name FROM yard.orders WHERE account = %s AND status = %s"
    " AND (placed, id) < (%s, %s) ORDER BY placed DESC, id DESC LIMIT 50"
)
LINES = "SELECT order_id, sku, quantity, price FROM yard.lines WHERE order_id = ANY(%s)"


def build(url: str, orders: int) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(SCHEMA.format(orders=orders))


def timed(call: Callable[[], object], times: int) -> list[float]:
    """Seconds of each call, sorted; the first tenth is warming up and left out."""
    found = []
    for place in range(times + times // 10):
        started = time.perf_counter()
        call()
        if place >= times // 10:
            found.append(time.perf_counter() - started)
    return sorted(found)


def p(sorted_seconds: list[float], share: float) -> float:
    return sorted_seconds[min(len(sorted_seconds) - 1, int(share * len(sorted_seconds)))]


def keyset_page(url: str, times: int = 300) -> list[float]:
    """Seconds of the hand-written page of 50 with lines, at drawn depths; psycopg, one connection."""
    draw = Random(3)
    with psycopg.connect(url, autocommit=True) as conn:
        row = conn.execute("SELECT max(id) FROM yard.orders").fetchone()
        assert row is not None

        def once() -> None:
            number = draw.randrange(1, row[0])
            status = draw.choice(("done", "open", "sent"))
            place = conn.execute("SELECT placed FROM yard.orders WHERE id = %s", [number]).fetchone()
            assert place is not None
            started = time.perf_counter()
            rows = conn.execute(PAGE, [1 + number % 12, status, place[0], number]).fetchall()
            conn.execute(LINES, [[one[0] for one in rows]]).fetchall()
            spent.append(time.perf_counter() - started)

        spent: list[float] = []
        for _ in range(times + times // 10):
            once()
    return sorted(spent[times // 10 :])


def django_page(times: int = 200) -> list[float]:
    """Seconds of a page of 50 with its lines by the ORM, nothing drawn."""
    from tests.bench.yardmodels import YardOrder

    draw = Random(4)

    def once() -> None:
        mine = YardOrder._default_manager.filter(account=draw.randrange(1, 13), status="done")
        found: Any = mine.order_by("-placed", "-id")
        for order in found.prefetch_related("lines")[:50]:
            list(order.lines.all())

    return timed(once, times)

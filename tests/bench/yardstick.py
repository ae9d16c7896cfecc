"""The yardstick Y: what hand-written SQL does with an order a transaction on one connection, on the same server.

BEGIN; INSERT order RETURNING id; multi-row INSERT of its lines; SELECT the levels FOR UPDATE in SKU order; multi-row
INSERT of the moves; UPDATE the levels; COMMIT. Raw JSON of about 1.1 kB on the order, 1,000 SKUs, one warehouse.
"""

from __future__ import annotations

import random
import time

import psycopg

RAW = '{"orderId":"%s","note":"' + "x" * 1050 + '"}'
SCHEMA = """
DROP SCHEMA IF EXISTS yardstick CASCADE;
CREATE SCHEMA yardstick;
CREATE TABLE yardstick.orders (id bigserial PRIMARY KEY, account int NOT NULL, external text NOT NULL, status text NOT NULL,
    placed timestamptz NOT NULL DEFAULT now(), total numeric(19,4) NOT NULL, raw jsonb NOT NULL, UNIQUE (account, external));
CREATE INDEX ON yardstick.orders (account, status, placed, id);
CREATE TABLE yardstick.lines (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES yardstick.orders, sku int NOT NULL,
    quantity int NOT NULL, price numeric(19,4) NOT NULL);
CREATE INDEX ON yardstick.lines (order_id);
CREATE TABLE yardstick.levels (sku int PRIMARY KEY, quantity int NOT NULL);
CREATE TABLE yardstick.moves (id bigserial PRIMARY KEY, order_id bigint NOT NULL, sku int NOT NULL, quantity int NOT NULL);
INSERT INTO yardstick.levels SELECT g, 1000000 FROM generate_series(1, 1000) g;
"""


def orders_per_second(url: str, seconds: float = 4.0, seed: int = 1) -> float:
    """Run Y for about ``seconds`` and return orders per second."""
    draw = random.Random(seed)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(SCHEMA)
        done = 0
        started = time.perf_counter()
        while (spent := time.perf_counter() - started) < seconds:
            skus = sorted(draw.sample(range(1, 1001), 2 + done % 2))
            with conn.transaction():
                _order(conn, f"{done:07}", skus)
            done += 1
        conn.execute("DROP SCHEMA yardstick CASCADE")
    return done / spent


def _order(conn: psycopg.Connection, external: str, skus: list[int]) -> None:
    row = conn.execute(
        "INSERT INTO yardstick.orders (account, external, status, total, raw) VALUES (1, %s, 'paid', 19.90, %s) RETURNING id",
        [external, RAW % external],
    ).fetchone()
    assert row is not None
    lines = ",".join(["(%s, %s, 1, 9.95)"] * len(skus))
    conn.execute(
        f"INSERT INTO yardstick.lines (order_id, sku, quantity, price) VALUES {lines}",
        [value for sku in skus for value in (row[0], sku)],
    )
    conn.execute("SELECT sku FROM yardstick.levels WHERE sku = ANY(%s) ORDER BY sku FOR UPDATE", [skus])
    moves = ",".join(["(%s, %s, -1)"] * len(skus))
    conn.execute(
        f"INSERT INTO yardstick.moves (order_id, sku, quantity) VALUES {moves}",
        [value for sku in skus for value in (row[0], sku)],
    )
    conn.execute("UPDATE yardstick.levels SET quantity = quantity - 1 WHERE sku = ANY(%s)", [skus])

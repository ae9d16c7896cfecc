"""Few statements for many rows: the hot paths write a page with one statement per table.

PostgreSQL reads ``unnest`` of typed arrays a little slower than a long VALUES list, but the statement text stays the
same whatever the number of rows, so it is prepared once per connection. Values are plain Python, no model instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from django.db import connection


def insert(
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str = "",
    returning: str = "",
    chunk: int = 1000,
) -> list[tuple[Any, ...]]:
    """Multi-row INSERT. ``conflict`` is the text after ON CONFLICT, ``returning`` the text after RETURNING.

    Names are ours, never a user's; values always go as parameters. Returns the returned rows, in no promised order.
    """
    if not rows:
        return []
    one = "(" + ",".join(["%s"] * len(columns)) + ")"
    head = f"INSERT INTO {table} ({','.join(columns)}) VALUES "
    tail = (f" ON CONFLICT {conflict}" if conflict else "") + (f" RETURNING {returning}" if returning else "")
    out: list[tuple[Any, ...]] = []
    # 65,535 parameters are the protocol's limit for one statement; Django interpolates on the client, so it does not
    # apply to us, but a statement of megabytes is no faster.
    with connection.cursor() as cursor:
        for start in range(0, len(rows), chunk):
            part = rows[start : start + chunk]
            cursor.execute(head + ",".join([one] * len(part)) + tail, list(chain.from_iterable(part)))
            if returning:
                out.extend(cursor.fetchall())
    return out


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows into columns, for unnest(%s::bigint[], %s::int[], …)."""
    return [list(column) for column in zip(*rows, strict=True)]


def update(
    table: str, key: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], *, extra: str = ""
) -> int:
    """One UPDATE for many rows. ``columns``: (name, SQL type) of the values after the key; a row = (key, *values).

    ``extra`` is further text of the SET clause, e.g. ``version = t.version + 1``.
    """
    if not rows:
        return 0
    one = "(%s::bigint," + ",".join(f"%s::{kind}" for _, kind in columns) + ")"
    sets = ", ".join(f"{name} = v.{name}" for name, _ in columns) + (f", {extra}" if extra else "")
    names = ", ".join(name for name, _ in columns)
    values = ",".join([one] * len(rows))
    sql = f"UPDATE {table} t SET {sets} FROM (VALUES {values}) AS v(k, {names}) WHERE t.{key} = v.k"
    with connection.cursor() as cursor:
        cursor.execute(sql, list(chain.from_iterable(rows)))
        return int(cursor.rowcount)

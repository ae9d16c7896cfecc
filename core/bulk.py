"""Few statements for many rows: the hot paths write a page with one statement per table, from plain Python values.

Two ways, both with a statement text that does not grow with the page (a text with thousands of placeholders costs more
in the client than the rows do in the server): COPY for rows that are simply added, and one JSON parameter that
PostgreSQL turns into typed rows where a conflict, a RETURNING or an UPDATE is wanted.
Names of tables and columns are ours, never a user's; values never become part of a statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def unpacked(value: Any) -> Any:
    """A column of jsonb as Python's own: Django's cursors hand it over as text."""
    return json.loads(value) if isinstance(value, str) else value


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Turn rows into columns, for unnest(%s::bigint[], %s::int[], …)."""
    return [list(column) for column in zip(*rows, strict=True)]


def ids(table: str, count: int) -> list[int]:
    """Take ``count`` fresh primary keys of a table, so that rows and their children can be copied without RETURNING."""
    if not count:
        return []
    sql = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    return [row[0] for row in fetch(sql, [table, count])]


def _copied(value: Any) -> str:
    """A value in COPY's text format."""
    if value is None:
        return "\\N"
    if type(value) is str:
        return value.translate(_ESCAPES)
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return _array(value).translate(_ESCAPES)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\\\x" + bytes(value).hex()
    return str(value)  # int, Decimal, float, UUID


def _array(values: Sequence[Any]) -> str:
    """An array literal. Numbers as they are, everything else quoted."""
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, int | float | Decimal):
            parts.append(str(value))
        else:
            parts.append('"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "{" + ",".join(parts) + "}"


def copy(table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows by COPY, inside the caller's transaction. JSON columns take a dict or JSON text (lists: JSON text)."""
    if not rows:
        return
    text = "\n".join(["\t".join([_copied(value) for value in row]) for row in rows])
    # What COPY refuses is told when it ends, outside of the calls that Django watches.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({','.join(names)}) FROM STDIN") as stream,
    ):
        stream.write(text + "\n")


def _default(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"cannot write {type(value).__name__}")


def _records(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=_default, ensure_ascii=False)


def insert(
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    conflict: str = "",
    returning: str = "",
    chunk: int = 1000,
) -> list[tuple[Any, ...]]:
    """INSERT of many rows. ``conflict`` is the text after ON CONFLICT, ``returning`` the text after RETURNING.

    Without either it is a COPY. Otherwise JSON columns take Python values (dict, list) or JSON text.
    Returns the returned rows, in no promised order.
    """
    if not rows:
        return []
    if not conflict and not returning:
        copy(table, columns, rows)
        return []
    names = ",".join(columns)
    sql = (
        f"INSERT INTO {table} ({names}) SELECT {_reads(table, columns)}"
        f" FROM json_populate_recordset(NULL::{table}, %s::json) AS v"
    )
    sql += (f" ON CONFLICT {conflict}" if conflict else "") + (f" RETURNING {returning}" if returning else "")
    out: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for start in range(0, len(rows), chunk):
            cursor.execute(sql, [_records(columns, rows[start : start + chunk])])
            if returning:
                out.extend(cursor.fetchall())
    return out


def _reads(table: str, names: Sequence[str]) -> str:
    """Column reads; a JSON column given as JSON text arrives as a JSON string and is unwrapped."""
    jsons = _json_columns(table)
    return ",".join(
        f"CASE WHEN jsonb_typeof({name}) = 'string' THEN ({name} #>> '{{}}')::jsonb ELSE {name} END"
        if name in jsons
        else name
        for name in names
    )


_jsons: dict[str, frozenset[str]] = {}


def _json_columns(table: str) -> frozenset[str]:
    """Names of a table's jsonb columns; the same for every tenant, so asked once per process."""
    found = _jsons.get(table)
    if found is None:
        rows = fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND atttypid = 'jsonb'::regtype", [table]
        )
        found = _jsons[table] = frozenset(row[0] for row in rows)
    return found


def update(
    table: str, key: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], *, extra: str = ""
) -> int:
    """One UPDATE for many rows. ``columns``: (name, SQL type) of the values after the key; a row = (key, *values).

    jsonb values are JSON text or None. ``extra`` is further text of the SET clause, e.g. ``version = t.version + 1``.
    """
    if not rows:
        return 0
    names = ["k", *(name for name, _ in columns)]
    types = ", ".join(["k bigint", *(f"{name} {'text' if kind == 'jsonb' else kind}" for name, kind in columns)])
    sets = [f"{name} = v.{name}{'::jsonb' if kind == 'jsonb' else ''}" for name, kind in columns]
    if extra:
        sets.append(extra)
    sql = f"UPDATE {table} t SET {', '.join(sets)} FROM json_to_recordset(%s::json) AS v({types}) WHERE t.{key} = v.k"
    return execute(sql, [_records(names, rows)])

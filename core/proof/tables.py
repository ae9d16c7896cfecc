"""Every text, JSON and bytes column of every table of a schema, looked through in one pass a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from psycopg import sql

from core.proof.spelling import SEPARATORS, Needle

TEXTS = ("text", "varchar", "bpchar", "name", "citext", "xml")
JSONS = ("json", "jsonb")
SHOWN = 5  # keys of rows that are named

_COLUMNS = """
SELECT c.relname, a.attname, t.typname, e.typname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
 WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'm') AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text still stands. ``needle``: which of the texts, counted from 1, so that no report repeats it."""

    kind: str  # table, file, log
    where: str  # schema.table.column, or a path
    rows: int
    keys: tuple[str, ...]
    needle: int


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str  # text, texts (an array of it), bytes, grams


def columns(schema: str) -> dict[str, list[Column]]:
    """{table: the columns in which a text can stand}."""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [schema])
        found: dict[str, list[Column]] = {}
        for table, name, kind, element in cursor.fetchall():
            held = element or kind
            if held in TEXTS or held in JSONS:
                found.setdefault(table, []).append(Column(name, "texts" if element else "text"))
            elif kind == "bytea":
                found.setdefault(table, []).append(Column(name, "bytes"))
            elif element == "int4":
                found.setdefault(table, []).append(Column(name, "grams"))
    return found


def search(schema: str, needles: Sequence[Needle]) -> Iterator[Place]:
    """Every column of the schema in which one of the texts stands. Reads only."""
    for table, held in columns(schema).items():
        key = _key(schema, table)
        for number, needle in enumerate(needles, 1):
            for column, rows, keys in _table(schema, table, held, key, needle):
                yield Place("table", f"{schema}.{table}.{column}", rows, keys, number)


def _key(schema: str, table: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
            " WHERE i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND i.indisprimary LIMIT 1",
            [schema, table],
        )
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _table(
    schema: str, table: str, held: Sequence[Column], key: str | None, needle: Needle
) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """(column, rows, some of their keys) of one table; one scan for all columns."""
    tests: list[tuple[Column, sql.Composable]] = []
    params: list[Any] = []
    for column in held:
        test, values = _test(column, needle)
        if test is not None:
            tests.append((column, test))
            params += values
    if not tests:
        return
    shown = sql.Identifier(key) if key else sql.SQL("ctid")
    parts = [
        sql.SQL("count(*) FILTER (WHERE m{n}), (array_agg(k) FILTER (WHERE m{n}))[1:{most}]").format(
            n=sql.SQL(str(n)), most=sql.Literal(SHOWN)
        )
        for n in range(len(tests))
    ]
    inner = [sql.SQL("{} AS m{}").format(test, sql.SQL(str(n))) for n, (_, test) in enumerate(tests)]
    query = sql.SQL("SELECT {} FROM (SELECT {}::text AS k, {} FROM {}) x").format(
        sql.SQL(", ").join(parts), shown, sql.SQL(", ").join(inner), sql.Identifier(schema, table)
    )
    with connection.cursor() as cursor:
        cursor.execute(query.as_string(), params)
        row = cursor.fetchone()
    for n, (column, _) in enumerate(tests):
        if row[2 * n]:
            yield column.name, int(row[2 * n]), tuple(row[2 * n + 1] or ())


def _test(column: Column, needle: Needle) -> tuple[sql.Composable | None, list[Any]]:
    name = sql.Identifier(column.name)
    if column.kind == "grams":
        return (sql.SQL("({} @> %s::int[])").format(name), [needle.grams]) if needle.grams else (None, [])
    if column.kind == "bytes":
        parts = [sql.SQL("position(%s::bytea in {}) > 0").format(name)] * len(needle.raw)
        return sql.SQL("({})").format(sql.SQL(" OR ").join(parts)), list(needle.raw)
    # An array's own text form escapes its members once more.
    shown = sql.SQL("array_to_string({}, ' ')" if column.kind == "texts" else "{}::text").format(name)
    test = sql.SQL("(lower({0}) LIKE ANY(%s) OR {0} LIKE ANY(%s)").format(shown)
    values: list[Any] = [[_like(one) for one in needle.plain], [_like(one) for one in needle.coded]]
    if needle.digits:
        test += sql.SQL(" OR translate({}, %s, '') LIKE %s").format(shown)
        values += [SEPARATORS, f"%{needle.digits}%"]
    return test + sql.SQL(")"), values


def _like(text: str) -> str:
    for char in ("\\", "%", "_"):
        text = text.replace(char, "\\" + char)
    return f"%{text}%"

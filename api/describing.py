"""The interface's description: OpenAPI for programs, and the same as rows for people."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from api.v1.interface import interface

PREFIX = "/api/v1/"


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """OpenAPI 3.1; the same for every company."""
    found: dict[str, Any] = json.loads(json.dumps(interface.get_openapi_schema(path_prefix=PREFIX), default=str))
    return found


@lru_cache(maxsize=1)
def readable() -> list[dict[str, Any]]:
    """[{name, operations: [{method, path, id, summary, about, scope, parameters, body, answer}]}] in the order of the tags."""
    groups: dict[str, list[dict[str, Any]]] = {}
    schemas = description()["components"]["schemas"]
    for path, operations in description()["paths"].items():
        for method, one in operations.items():
            groups.setdefault(one["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "id": one["operationId"],
                    "summary": one["summary"],
                    "about": one.get("description", ""),
                    "scope": one.get("x-scope") or "",
                    "parameters": [_parameter(each) for each in one["parameters"] if each["in"] != "header"],
                    "writes": method != "get",
                    "body": _fields(_content(one.get("requestBody", {})), schemas),
                    "answer": _fields(_content(_answer(one)), schemas),
                    "file": "application/pdf" in _answer(one).get("content", {}),
                }
            )
    return [{"name": name, "operations": rows} for name, rows in groups.items()]


def _answer(operation: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = operation["responses"]
    found: dict[str, Any] = next((one for status, one in answers.items() if status.startswith("2")), {})
    return found


def _content(found: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = found.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _parameter(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": found["name"],
        "kind": _kind(found["schema"]),
        "required": found["required"],
        "about": found.get("description", ""),
        "choices": found["schema"].get("enum", []),
    }


def _fields(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> list[dict[str, Any]]:
    """The fields of a body, those of fields that are objects themselves behind them, indented."""
    name = _named(schema)
    found = schemas.get(name, schema) if name else schema
    if found.get("type") == "array":
        return _fields(found["items"], schemas, depth)
    rows: list[dict[str, Any]] = []
    for field, one in found.get("properties", {}).items():
        rows.append(
            {
                "name": field,
                "kind": _kind(one),
                "depth": depth,
                "required": field in found.get("required", ()),
                "about": one.get("description", ""),
            }
        )
        inner = _inner(one)
        if inner and depth < 2:
            rows += _fields(inner, schemas, depth + 1)
    return rows


def _inner(schema: dict[str, Any]) -> dict[str, Any]:
    for one in (schema, *schema.get("anyOf", ())):
        if "$ref" in one:
            return dict(one)
        if one.get("type") == "array" and "$ref" in one.get("items", {}):
            return dict(one["items"])
    return {}


def _named(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rsplit("/", 1)[-1]


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"]]
        return " | ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return "object"
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    if schema.get("format") in ("date-time", "date"):
        return str(schema["format"])
    return str(schema.get("type", "any"))

"""The interface itself: its errors, its parser, its description (OpenAPI)."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from pydantic import ValidationError as PydanticError

from api import problems
from api.v1 import conversations, customers, goods, orders, places, restock, shipments, stock, work
from core import faults
from core.errors import SampanError

log = logging.getLogger(__name__)

ABOUT = (
    "The programming interface of Sampan. Sign in with a key of your company (`Authorization: Bearer smp_…`). "
    "Amounts are decimal strings with their currency, times RFC 3339 in UTC, weights grams, lengths millimetres. "
    "Every write needs an `Idempotency-Key`. Errors are RFC 9457 problem details. The guide is docs/api.md."
)


class StrictParser(Parser):
    """No NaN, no NUL, no half of a character: what the database cannot keep is refused at the door."""

    def parse_body(self, request: HttpRequest) -> Any:
        data = json.loads(request.body.decode("utf-8"), parse_constant=_refuse)
        _check(data)
        return data


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check(data: Any) -> None:
    pending = [data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and ("\0" in value or any("\ud800" <= char <= "\udfff" for char in value)):
            raise ValueError("a character that cannot be kept")


class Interface(NinjaAPI):
    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> OpenAPISchema:
        """Problems have a media type of their own; what is not JSON is said to be that."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for operations in schema["paths"].values():
            for operation in operations.values():
                for parameter in operation["parameters"]:
                    _without_null(parameter)
                for status, answer in operation["responses"].items():
                    content = answer.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        answer["content"] = {problems.MEDIA_TYPE: content["application/json"]}
                operation["responses"] = {str(status): one for status, one in operation["responses"].items()}
        return schema


def _without_null(parameter: dict[str, Any]) -> None:
    """A query string knows no null: a parameter that may be left out is simply not required."""
    schema = parameter["schema"]
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]


interface = Interface(
    title="Sampan",
    version="1",
    description=ABOUT,
    urls_namespace="api-v1",
    openapi_url=None,
    docs_url=None,
    parser=StrictParser(),
    openapi_extra={"security": [{"key": []}]},
)
for module in (places, orders, customers, goods, stock, shipments, conversations, restock, work):
    interface.add_router("", module.router)


@interface.exception_handler(SampanError)
def refused(request: HttpRequest, error: SampanError) -> HttpResponse:
    return problems.of_error(error)


@interface.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [
        {"at": ".".join(str(part) for part in _where(one["loc"]))[:200], "message": str(one["msg"])[:200]}
        for one in error.errors[:50]
    ]
    return problems.respond(422, "api.invalid", errors=found)


def _where(loc: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without the name of our own parameter."""
    return (loc[0], *loc[2:]) if len(loc) > 2 and loc[0] in ("body", "query") else loc


@interface.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problems.respond(error.status_code, "api.bad_request" if error.status_code == 400 else "error")


@interface.exception_handler(PydanticError)
@interface.exception_handler(Exception)
def crashed(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error(
        "api %s %s: %s",
        request.method,
        request.resolver_match.route if request.resolver_match else "",
        faults.trace(error),
    )
    return problems.respond(500, "error")

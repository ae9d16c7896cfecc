"""What all operations share: types that take nothing else than what they say, pages with signed places, the decorators."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from django.core import signing
from django.http import HttpRequest
from ninja import Router, Schema
from ninja.decorators import decorate_view
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictStr,
    WithJsonSchema,
)

from api.door import door
from core.errors import BusinessError
from core.permissions import Actor
from core.tenancy import require_tenant
from core.words import say

LARGEST = 2**63 - 1
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
MOST_ROWS, USUAL_ROWS = 200, 50
MOST_ITEMS = 500


class Call(HttpRequest):
    """A request inside an operation. ``idempotency_key``: of writes, unique to key and act."""

    actor: Actor
    tenant: Any
    idempotency_key: str


# -- types --------------------------------------------------------------------------------------------------------------


def _text_only(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value


def _rfc3339(value: Any) -> Any:
    if not isinstance(value, str) or "T" not in value.upper() or len(value) > 40:
        raise ValueError("must be an RFC 3339 time with its offset, for example 2026-11-01T08:00:00Z")
    return value


def _sane(value: datetime) -> datetime:
    """Whatever lies before our time or after it means the same as its ends, which the database can keep."""
    return min(max(value, EARLIEST), LATEST)


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 7.0 is a whole one. Texts and truths are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return value


def shown(amount: Decimal) -> str:
    """An amount as text: two to ten decimals, no exponent."""
    text = format(amount.normalize() if amount else Decimal(0), "f")
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"


Id = Annotated[int, Field(ge=1, le=LARGEST)]
WHOLE = BeforeValidator(_whole)  # behind the limits, which the description would lose otherwise
StrictId = Annotated[int, Field(ge=1, le=LARGEST), WHOLE]
Units = Annotated[int, Field(ge=1, le=1_000_000), WHOLE]
Grams = Annotated[int, Field(ge=1, le=1_000_000), WHOLE]
Millimetres = Annotated[int, Field(ge=1, le=10_000), WHOLE]
Flag = StrictBool
Text = StrictStr
Amount = Annotated[
    Decimal,
    BeforeValidator(_text_only),
    Field(ge=0, lt=Decimal("1e14"), max_digits=24, decimal_places=10),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,10})?$", "examples": ["12.50"]}),
]
AmountShown = Annotated[
    Decimal, PlainSerializer(shown, return_type=str), WithJsonSchema({"type": "string", "examples": ["12.50"]})
]
Currency = Annotated[StrictStr, Field(pattern=r"^[A-Z]{3}$")]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339),
    AfterValidator(_sane),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Ids = Annotated[list[StrictId], Field(min_length=1, max_length=MOST_ITEMS)]


def _utc(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    datetime, PlainSerializer(_utc, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"})
]


class In(Schema):
    """A body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Out(Schema):
    """An answer."""


class Money(Out):
    amount: AmountShown
    currency: str


def money(amount: Decimal | None, currency: str) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": currency}


class FieldError(Out):
    at: str = Field(description="Where: body.lines.0.sku_id, query.limit …")
    message: str


class Problem(Out):
    """RFC 9457. ``code`` is stable; ``detail`` is a sentence in the language asked for (Accept-Language)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] | None = None


class Refusal(Out):
    """One of several that could not be done."""

    id: int
    code: str
    detail: str


class Outcome(Out):
    """Of an act on several at once: those done and, each with its reason, those that could not be."""

    done: list[int]
    refused: list[Refusal]


# -- pages --------------------------------------------------------------------------------------------------------------

T = TypeVar("T")


class Page(Out, Generic[T]):
    """``next_cursor`` of the following page, null at the end."""

    items: list[T]
    next_cursor: str | None = None


class Paged(Schema):
    """Query of a list. ``cursor``: next_cursor of the page before, with the same filters."""

    limit: int = Field(USUAL_ROWS, ge=1, le=MOST_ROWS)
    cursor: str | None = Field(None, max_length=1000)

    def place(self, operation: str) -> Any:
        """The signed place, None at the start. Raises BusinessError ``api.bad_cursor``."""
        if not self.cursor:
            return None
        try:
            found = signing.loads(self.cursor, salt=self._salt(operation))
        except signing.BadSignature:
            raise BusinessError("api.bad_cursor") from None
        return found

    def page(self, operation: str, rows: list[Any], following: Any) -> dict[str, Any]:
        """``following``: the place behind the last row, None or '' at the end."""
        cursor = signing.dumps(following, salt=self._salt(operation)) if following else None
        return {"items": rows, "next_cursor": cursor}

    def _salt(self, operation: str) -> str:
        """A cursor is good in its own tenant, list and filters only."""
        filters = self.model_dump_json(exclude={"limit", "cursor"})
        return f"api.{require_tenant()}.{operation}.{hashlib.sha256(filters.encode()).hexdigest()[:16]}"


# -- operations ---------------------------------------------------------------------------------------------------------

View = Callable[..., Any]
_REFUSALS = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503)
_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "^[!-~]+$"},
    "description": "A fresh value of your own for each act. The same value again gives the first answer, for 24 hours.",
}


def read(
    router: Router,
    path: str,
    scope: str | None,
    response: Any,
    summary: str,
    *,
    query: type[Schema] | None = None,
    body: dict[str, Any] | None = None,
) -> Callable[[View], View]:
    """Declare a GET. ``query``: the schema of its query string. ``body``: the 200 of an answer that is no JSON."""
    known = tuple(query.model_fields) if query is not None else ()
    extra: dict[str, Any] = {"x-scope": scope}
    if body is not None:
        extra["responses"] = {200: body}

    def register(view: View) -> View:
        decorate_view(door(scope, query=known))(view)
        responses = _responses(200, response)
        router.get(
            path,
            response=responses,
            operation_id=view.__name__,
            summary=summary,
            openapi_extra=extra,
            url_name=view.__name__,
        )(view)
        return view

    return register


def write(
    router: Router,
    path: str,
    scope: str | None,
    response: Any,
    summary: str,
    *,
    method: str = "post",
    status: int = 200,
) -> Callable[[View], View]:
    """Declare a write: one transaction, an Idempotency-Key, the kept answer."""
    extra = {"x-scope": scope, "parameters": [_HEADER]}

    def register(view: View) -> View:
        decorate_view(door(scope, writes=True))(view)
        getattr(router, method)(
            path,
            response=_responses(status, response),
            operation_id=view.__name__,
            summary=summary,
            openapi_extra=extra,
            url_name=view.__name__,
        )(view)
        return view

    return register


def _responses(status: int, response: Any) -> dict[Any, Any]:
    return {status: response, **dict.fromkeys(_REFUSALS, Problem)}


def outcome(done: Any, refused: Any) -> dict[str, Any]:
    """``Outcome`` of what a service gave: ids done, {id: (code, params)}."""
    rows = [{"id": pk, "code": code, "detail": say(code, params)} for pk, (code, params) in sorted(refused.items())]
    return {"done": sorted(done), "refused": rows}

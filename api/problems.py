"""Errors as RFC 9457 problem details: a status, the code, and a sentence in the language that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from core.errors import AdapterError, BusinessError, NotAllowed, SampanError, Throttled, Transient
from core.words import knows, say

MEDIA_TYPE = "application/problem+json"
URN = "urn:sampan:problem:"

# Somebody was quicker, or the thing stands in another state than the act needs: asking again later may work.
_CONFLICTS = frozenset(
    {
        "order.changed_meanwhile",
        "order.too_late",
        "message.answered_meanwhile",
        "message.same_text",
        "job.not_resumable",
        "job.still_running",
        "ledger.not_there",
        "ledger.reserved",
        "handover.too_late",
        "weigh.outside",
        "api.same_key_running",
        "api.reference_taken",
        "sku.code_taken",
    }
)
_CONFLICT_FAMILIES = ("state.", "ship.")
# Answers in 404 instead of 422 besides ``…not_found``: the services name what is not there in two ways.
_MISSING = ("_not_found", ".not_found", ".unknown")


def respond(
    status: int,
    code: str,
    params: Mapping[str, Any] | None = None,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A problem as a response. ``errors``: [{at, message}, …] of single fields."""
    body: dict[str, Any] = {
        "type": f"{URN}{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": say(code, params or {})
        if knows(code)
        else HTTPStatus(status).description or HTTPStatus(status).phrase,
    }
    if errors:
        body["errors"] = list(errors)
    response = HttpResponse(json.dumps(body, ensure_ascii=False, default=str), status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def status_of(error: SampanError) -> int:
    """Which status an error of ours has: 403, 404, 409, 422, 429, 502, 503."""
    if isinstance(error, NotAllowed):
        return 403
    if error.code in _CONFLICTS or error.code.startswith(_CONFLICT_FAMILIES):
        return 409
    if isinstance(error, BusinessError):
        return 404 if error.code.endswith(_MISSING) else 422
    if isinstance(error, Throttled | Transient):
        return 503
    return 502 if isinstance(error, AdapterError) else 500


def of_error(error: SampanError) -> HttpResponse:
    status = status_of(error)
    headers = {"Retry-After": "5"} if status == 503 else {}
    if error.code == "api.same_key_running":
        headers["Retry-After"] = "1"
    return respond(status, error.code, error.params, headers=headers)

"""How SP-API answers, and how strictly it reads a request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..base.store import dumps
from .accounts import Account

DENIED = "Access to requested resource is denied."
# Only UTC times are taken; an offset such as +08:00 is refused.
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?Z")
ORDER_ID = re.compile(r"\d{3}-\d{7}-\d{7}")
MARKETPLACE_ID = re.compile(r"A[A-Z0-9]{9,14}")


class Refused(Exception):
    """A request that gets an error answer in Amazon's shape."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


def invalid(message: str = "Invalid Input", details: str = "") -> Refused:
    return Refused(400, "InvalidInput", message, details)


@dataclass
class Call:
    """One authenticated request."""

    account: Account
    request: Request
    body: bytes
    operation: str

    @property
    def path(self) -> Mapping[str, Any]:
        return self.request.path_params

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise invalid("Could not match input arguments") from None


def headers(rate: float | None = None) -> dict[str, str]:
    found = {"x-amzn-RequestId": os.urandom(16).hex()}
    if rate is not None:
        found["x-amzn-RateLimit-Limit"] = str(rate)
    return found


def answer(value: Any, status: int = 200) -> Response:
    content = value if isinstance(value, str) else dumps(value)
    return Response(content.encode("utf-8", "surrogatepass"), status, media_type="application/json")


def refusal(error: Refused) -> Response:
    return answer(
        {"errors": [{"code": error.code, "message": error.message, "details": error.details}]}, status=error.status
    )


def read_query(request: Request, *, single: Collection[str] = (), lists: Collection[str] = ()) -> dict[str, Any]:
    """Known parameters only. Lists come as one comma-separated value or as a repeated parameter.

    Raises Refused for an unknown, repeated or empty parameter.
    """
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in lists:
            found.setdefault(name, []).extend(part.strip() for part in value.split(","))
        elif name not in single:
            raise invalid(f"Unknown parameter: {name}")
        elif name in found:
            raise invalid(f"Parameter is given more than once: {name}")
        else:
            found[name] = value
    for name, value in found.items():
        if value == "" or (name in lists and "" in value):
            raise invalid(f"Parameter has no value: {name}")
    return found


def read_time(value: str, name: str) -> int:
    """Whole seconds since 1970. Raises Refused for anything but ISO 8601 in UTC with Z."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise invalid("Invalid Input", f"{name} is not an ISO 8601 time in UTC")
    try:
        return int(datetime.fromisoformat(value).astimezone(UTC).timestamp())
    except ValueError:
        raise invalid("Invalid Input", f"{name} is not a time") from None


def one_marketplace(query: dict[str, Any]) -> str:
    """The single id that several operations want in ``marketplaceIds``."""
    ids = query.get("marketplaceIds") or []
    if len(ids) != 1:
        raise invalid("Exactly one marketplace id is required in marketplaceIds")
    if not MARKETPLACE_ID.fullmatch(ids[0]):
        raise invalid(f"Invalid marketplaceIds: {ids[0]}")
    return str(ids[0])

"""The envelope, and the errors inside HTTP 200."""

from __future__ import annotations

import itertools
import json
from typing import Any

from starlette.responses import Response

from ..base import clock

NO_SUCH_PRODUCT = "02030008"
RULE_BROKEN = "02039171"
NO_SUCH_ORDER = "02041002"
NO_PRICE = "02060015"
# Our own numbers, in the style of the platform's: public sources do not name these.
BAD_FIELD = "02030001"
DUPLICATE = "02039001"
WRONG_STATE = "02041003"
NOT_READY = "02041010"
BAD_CREDENTIALS = "02010001"
BAD_TOKEN = "02010002"
BAD_SIGN = "02010003"
BAD_DATE = "02010004"
THROTTLED = "02010029"
BROKEN = "02000500"

_serial = itertools.count(1)


class Refused(Exception):
    """The platform says no: ``code`` and a sentence, HTTP 200 (or ``status``) around it."""

    def __init__(self, code: str, message: str, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.headers = code, message, status, headers


def envelope(*, code: str = "0", msg: str = "success", **more: Any) -> bytes:
    body = {
        "t": int(clock.epoch() * 1000),
        "success": code == "0",
        "code": code,
        "msg": msg,
        "request_id": f"sim-{next(_serial):x}-{int(clock.epoch()) & 0xFFFFFF:x}",
        **more,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def success(result: Any, *, key: str = "result") -> Response:
    return Response(envelope(**{key: result}), media_type="application/json")


def refusal(error: Refused) -> Response:
    body = envelope(code=error.code, msg=error.message, result=None)
    return Response(body, error.status, error.headers, "application/json")

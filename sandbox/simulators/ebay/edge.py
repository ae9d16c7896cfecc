"""Faults of the network and of the platform's edge, before and after a call is worked on."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from ..base.faults import Faults
from ..base.platform import Cut
from .errors import TradingError

BEFORE = ("throttle", "throttle_bare", "html503", "empty200", "server_error", "timeout_before")
#: ``call_limit`` is only scripted: error 518 as at the end of the day's calls
TRADING_ONLY = ("token_dead", "call_limit")
_HTML = (
    "<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head>"
    "<body><h1>Service Unavailable</h1><p>Zero size object &nbsp; Reference #132.4a</p></body></html>"
)


@dataclass
class Edge:
    faults: Faults

    def before(self, op: str, account_id: str, *, rest: bool = False) -> Response | None:
        """The answer that stands instead of the work, or None. Raises TradingError for faults in eBay's own shape.

        Throttling at the edge is HTTP 429; the daily limit of a Trading call is error 518 with status 200.
        """
        kind = self.faults.draw(BEFORE if rest else BEFORE + TRADING_ONLY, op=op, account=account_id)
        if kind is None:
            return None
        if kind == "timeout_before":
            return Cut()
        if kind in ("throttle", "throttle_bare"):
            headers = {"Retry-After": "2"} if kind == "throttle" else {}
            return PlainTextResponse("Too Many Requests", status_code=429, headers=headers)
        if kind == "html503":
            return HTMLResponse(_HTML, status_code=503)
        if kind == "empty200":
            return Response(b"", media_type="application/json" if rest else "text/xml")
        if kind == "server_error" and rest:
            text = {
                "error": "server_error",
                "error_description": "The authorization server met an unexpected condition",
            }
            return JSONResponse(text, status_code=500)
        if kind == "call_limit":
            raise TradingError(518, (op, "5000 calls a day"))
        raise TradingError(21917053 if kind == "token_dead" else 10007)

    def cut_after(self, op: str, account_id: str) -> bool:
        return self.faults.draw(("timeout_after",), op=op, account=account_id) is not None

    def dies(self, op: str, account_id: str) -> bool:
        return self.faults.draw(("die_mid_page",), op=op, account=account_id) is not None

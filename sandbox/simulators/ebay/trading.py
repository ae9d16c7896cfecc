"""The Trading endpoint: one URL, the call named by a header, errors always as XML with HTTP status 200."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..base.platform import Cut
from . import wire
from .accounts import PREFIX, SITES, Accounts
from .edge import Edge
from .errors import TradingError, invalid

Handler = Callable[[sqlite3.Row, dict[str, Any], int], str | wire.Partial]


@dataclass(frozen=True)
class Call:
    """One Trading call: what its request may hold, and what answers it."""

    grammar: wire.Grammar
    handle: Handler
    #: its answers are pages that can break off in the middle
    pages: bool = False


@dataclass
class Trading:
    accounts: Accounts
    edge: Edge
    calls: dict[str, Call]

    async def __call__(self, request: Request) -> Response:
        body = await request.body()
        name = request.headers.get("x-ebay-api-call-name", "")
        try:
            return self.answer(request, name, body)
        except TradingError as why:
            content = wire.answer(self.response_name(name), ack="Failure", errors=[wire.error_xml(why)])
            return Response(content, media_type="text/xml")

    def response_name(self, name: str) -> str:
        # A name that is no XML name must not break the answer.
        return name if name.isascii() and name.isalnum() and name[:1].isalpha() else "Unknown"

    def answer(self, http: Request, name: str, body: bytes) -> Response:
        call = self.calls.get(name)
        if call is None:
            raise TradingError(2, (name,))
        level = self.level(http)
        account = self.account(http, body)
        account_id = account["account_id"]
        struck = self.edge.before(name, account_id)
        if struck is not None:
            return struck
        self.accounts.count_call(account, name)
        request = wire.read(body, name, call.grammar)
        content = self.content(name, account, request, call.handle(account, request, level))
        if self.edge.cut_after(name, account_id):
            return Cut()
        if call.pages and self.edge.dies(name, account_id):
            return Cut(content[: len(content) // 2], len(content), "text/xml")
        return Response(content, media_type="text/xml")

    def content(self, name: str, account: sqlite3.Row, request: dict[str, Any], done: str | wire.Partial) -> bytes:
        """The envelope with the right Ack. The scripted kind ``warning`` adds a warning to what went well."""
        ack, errors = "Success", []
        if isinstance(done, wire.Partial):
            ack, errors, done = "PartialFailure", [wire.error_xml(done.error)], done.content
        elif self.edge.faults.draw(("warning",), op=name, account=account["account_id"]):
            ack, errors = "Warning", [wire.error_xml(invalid("WarningLevel", "It was ignored."), "Warning")]
        return wire.answer(name, ack=ack, content=done, errors=errors, correlation=request.get("MessageID"))

    def level(self, http: Request) -> int:
        """The compatibility level; the site is checked too. Raises error 10012."""
        values = {}
        for header in ("X-EBAY-API-SITEID", "X-EBAY-API-COMPATIBILITY-LEVEL"):
            value = http.headers.get(header, "")
            if not value.isascii() or not value.isdigit():
                raise TradingError(10012, (header,))
            values[header] = int(value)
        if values["X-EBAY-API-SITEID"] not in SITES:
            raise TradingError(10012, ("X-EBAY-API-SITEID",))
        if values["X-EBAY-API-COMPATIBILITY-LEVEL"] < 800:
            raise TradingError(10012, ("X-EBAY-API-COMPATIBILITY-LEVEL",))
        return values["X-EBAY-API-COMPATIBILITY-LEVEL"]

    def account(self, http: Request, body: bytes) -> sqlite3.Row:
        """The seller of the token. An OAuth token in the body's ``eBayAuthToken`` is not valid there."""
        token = http.headers.get("x-ebay-api-iaf-token", "")
        if not token:
            raise TradingError(931 if b"eBayAuthToken>" in body else 930)
        if not token.startswith(PREFIX):
            raise TradingError(21916984)
        return self.accounts.of_token(token)

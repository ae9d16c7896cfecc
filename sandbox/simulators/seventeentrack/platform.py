"""The wire of 17TRACK v2.4: a token in a header, arrays of at most 40 items, each accepted or rejected by itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..base.faults import Faults
from ..base.limits import Limiter
from ..base.platform import Cut, Platform
from ..base.store import Store
from . import carriers, control
from .book import SCHEMA, Book
from .sender import Sender

RATE, BURST, MOST = 3.0, 3.0, 40
BEFORE = ("timeout_before", "throttle", "throttle_bare", "html503", "server_error")
AFTER = ("timeout_after", "empty200")
LATE, OVERTAKEN = 120.0, 20.0  # simulated seconds
REGISTER_FIELDS = frozenset({
    "number", "carrier", "final_carrier", "auto_detection", "param", "tag", "order_no", "order_time", "lang", "email",
    "remark", "destination_country", "origin_country", "destination_postal_code", "ship_date", "customer_no",
})  # fmt: skip
POINT_FIELDS = frozenset({"number", "carrier"})
LIST_FIELDS = frozenset({
    "number", "carrier", "tracking_status", "package_status", "page_no", "order_by", "register_time_from",
    "register_time_to",
})  # fmt: skip

ERRORS = {
    -18010002: "Invalid security key.",
    -18010003: "Internal service error, please retry later.",
    -18010010: "The submitted data is required.",
    -18010012: "Invalid data format.",
    -18010013: "Invalid submitted data.",
    -18010014: "Submitted tracking numbers exceed the limit of 40.",
    -18010015: "The value of the field is invalid.",
    -18019901: "The tracking number '{number}' has been registered, do not need to repeat registration.",
    -18019902: "The tracking number '{number}' does not register, please register first.",
    -18019903: "Carrier cannot be detected.",
    -18019904: "Only stopped tracking numbers can be retracked.",
    -18019905: "The tracking number '{number}' is not in the tracking status, cannot be stopped.",
    -18019908: "Tracking quota is not enough.",
    -18019909: "No tracking information at this time.",
    -18019910: "The carrier value '{number}' is incorrect.",
}
Act = Callable[[sqlite3.Row, str, dict[str, Any]], "dict[str, Any] | int"]


class SeventeenTrack(Platform):
    name = "seventeentrack"

    def __init__(self, data: Path, faults: Faults, limiter: Limiter) -> None:
        super().__init__(data, faults, limiter)
        self.store = Store(data / "seventeentrack.sqlite", SCHEMA)
        self.book = Book(self.store)
        self.sender: Sender | None = None

    async def startup(self) -> None:
        self.sender = Sender(self.book)
        await self.sender.start()

    async def shutdown(self) -> None:
        if self.sender is not None:
            await self.sender.stop()

    def routes(self) -> list[BaseRoute]:
        each: dict[str, tuple[Act, frozenset[str]]] = {
            "register": (self.register, REGISTER_FIELDS),
            "gettrackinfo": (self.gettrackinfo, POINT_FIELDS | {"cacheLevel"}),
            "stoptrack": (self.stoptrack, POINT_FIELDS),
            "retrack": (self.retrack, POINT_FIELDS),
            "deletetrack": (self.deletetrack, POINT_FIELDS),
            "push": (self.push, POINT_FIELDS),
        }
        routes = [self._route(op, self._batch(act, fields)) for op, (act, fields) in each.items()]
        return [*routes, self._route("getquota", self.getquota), self._route("gettracklist", self.gettracklist)]

    def control(self) -> list[BaseRoute]:
        return control.routes(self)

    def announce(self, row: sqlite3.Row, event: str) -> None:
        """Owe a webhook; faults may send it twice, later, or behind the one that follows it."""
        fault = self.faults.draw(
            ("double_webhook", "late_webhook", "unordered_webhook"), op="webhook", account=row["account"]
        )
        delay = {"late_webhook": LATE, "unordered_webhook": OVERTAKEN}.get(fault or "", 0.0)
        self.book.owe(row, event, delay=delay, copies=2 if fault == "double_webhook" else 1)
        if self.sender is not None:
            self.sender.wake()

    # the gate

    def _route(self, op: str, act: Callable[[sqlite3.Row, Any], Response]) -> Route:
        return Route(f"/track/v2.4/{op}", self._gate(op, act), methods=["POST"])

    def _gate(self, op: str, act: Callable[[sqlite3.Row, Any], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            account = self.book.account_of(request.headers.get("17token", ""))
            if account is None:
                return failure(-18010002, status=401)
            wait = self.limiter.take((self.name, account["id"]), RATE, BURST)
            if wait:
                return JSONResponse({"code": 429, "msg": "Too Many Requests"}, 429)
            fault = self.faults.draw(BEFORE, op=op, account=account["id"])
            if fault == "timeout_before":
                return Cut()
            if fault in ("throttle", "throttle_bare"):
                headers = {"Retry-After": "1"} if fault == "throttle" else None
                return JSONResponse({"code": 429, "msg": "Too Many Requests"}, 429, headers)
            if fault == "html503":
                return HTMLResponse("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503)
            if fault == "server_error":
                return failure(-18010003, status=500)
            try:
                given = json.loads(raw) if raw else None
            except ValueError:
                return failure(-18010012)
            answer = act(account, given)
            fault = self.faults.draw(AFTER, op=op, account=account["id"])
            if fault == "timeout_after":
                return Cut()
            return Response(b"", 200) if fault == "empty200" else answer

        return endpoint

    def _batch(self, act: Act, fields: frozenset[str]) -> Callable[[sqlite3.Row, Any], Response]:
        def run(account: sqlite3.Row, items: Any) -> Response:
            if not isinstance(items, list) or not items:
                return failure(-18010010)
            if len(items) > MOST:
                return failure(-18010014)
            accepted: list[dict[str, Any]] = []
            rejected: list[dict[str, Any]] = []
            with self.store.transaction():
                for item in items:
                    number = item.get("number") if isinstance(item, dict) else None
                    if not isinstance(number, str) or not 5 <= len(number) <= 50 or not item.keys() <= fields:
                        rejected.append(refusal(str(number), -18010013))
                        continue
                    carrier = item.get("carrier")
                    if carrier is not None and not isinstance(carrier, int):
                        rejected.append(refusal(number, -18010015))
                        continue
                    outcome = act(account, number.strip().upper(), item)
                    if isinstance(outcome, int):
                        rejected.append(refusal(number, outcome, carrier))
                    else:
                        accepted.append(outcome)
            return JSONResponse({"code": 0, "data": {"accepted": accepted, "rejected": rejected}})

        return run

    # operations: an accepted item, or the code of the rejection

    def register(self, account: sqlite3.Row, number: str, item: dict[str, Any]) -> dict[str, Any] | int:
        carrier = item.get("carrier") or carriers.detect(number)
        if not carrier:
            return -18019903
        if carrier not in carriers.NAMES:
            return -18019910
        known = self.book.find(account["id"], number, carrier)
        if known is not None:
            self.book.registered_again(known)
            return -18019901
        fresh = self.book.account_of(account["token"])
        if fresh is None or fresh["used"] >= fresh["quota"]:
            return -18019908
        self.book.register(account["id"], number, carrier, item.get("tag"), item.get("param"))
        if self.book.events(account["id"], number):
            row = self.book.find(account["id"], number, carrier)
            assert row is not None
            self.announce(row, "TRACKING_UPDATED")
        return {
            "origin": 1 if item.get("carrier") else 2, "number": number, "carrier": carrier,
            "email": item.get("email"), "tag": item.get("tag"), "lang": item.get("lang"),
        }  # fmt: skip

    def gettrackinfo(self, account: sqlite3.Row, number: str, item: dict[str, Any]) -> dict[str, Any] | int:
        row = self.book.find(account["id"], number, item.get("carrier"))
        if row is None:
            return -18019902
        return self.book.state(row) if self.book.events(account["id"], number) else -18019909

    def stoptrack(self, account: sqlite3.Row, number: str, item: dict[str, Any]) -> dict[str, Any] | int:
        row = self.book.find(account["id"], number, item.get("carrier"))
        if row is None:
            return -18019902
        if row["stopped"]:
            return -18019905
        self.book.stop(row, True)
        self.announce(row, "TRACKING_STOPPED")
        return {"number": number, "carrier": row["carrier"]}

    def retrack(self, account: sqlite3.Row, number: str, item: dict[str, Any]) -> dict[str, Any] | int:
        row = self.book.find(account["id"], number, item.get("carrier"))
        if row is None:
            return -18019902
        if not row["stopped"]:
            return -18019904
        self.book.stop(row, False)
        return {"number": number, "carrier": row["carrier"]}

    def deletetrack(self, account: sqlite3.Row, number: str, item: dict[str, Any]) -> dict[str, Any] | int:
        row = self.book.find(account["id"], number, item.get("carrier"))
        if row is None:
            return -18019902
        self.book.delete(row)
        return {"number": number, "carrier": row["carrier"]}

    def push(self, account: sqlite3.Row, number: str, item: dict[str, Any]) -> dict[str, Any] | int:
        """Send the present state to the webhook once more."""
        row = self.book.find(account["id"], number, item.get("carrier"))
        if row is None:
            return -18019902
        if not self.book.events(account["id"], number):
            return -18019909
        self.announce(row, "TRACKING_UPDATED")
        return {"number": number, "carrier": row["carrier"]}

    def getquota(self, account: sqlite3.Row, _: Any) -> Response:
        used = account["used"]
        data = {
            "quota_total": account["quota"], "quota_used": used, "quota_remain": account["quota"] - used,
            "today_used": used, "max_track_daily": account["quota"],
        }  # fmt: skip
        return JSONResponse({"code": 0, "data": data})

    def gettracklist(self, account: sqlite3.Row, given: Any) -> Response:
        given = given or {}
        if not isinstance(given, dict) or not given.keys() <= LIST_FIELDS:
            return failure(-18010013)
        page = given.get("page_no", 1)
        if not isinstance(page, int) or page < 1:
            return failure(-18010015)
        total_row = self.store.one("SELECT count(*) AS n FROM numbers WHERE account = ?", account["id"])
        total = total_row["n"] if total_row else 0
        sql = "SELECT * FROM numbers WHERE account = ? ORDER BY id DESC LIMIT ? OFFSET ?"
        rows = self.store.all(sql, account["id"], MOST, (page - 1) * MOST)
        data = [control.shown(self.book, row, wire=True) for row in rows]
        pages = {
            "data_total": total, "page_total": -(-total // MOST), "page_no": page, "page_size": MOST,
            "has_next": page * MOST < total,
        }  # fmt: skip
        return JSONResponse({"code": 0, "page": pages, "data": {"accepted": data}})


def refusal(number: str, code: int, carrier: int | None = None) -> dict[str, Any]:
    item: dict[str, Any] = {"number": number}
    if carrier is not None:
        item["carrier"] = carrier
    return {**item, "error": {"code": code, "message": ERRORS[code].format(number=number)}}


def failure(code: int, *, status: int = 200) -> JSONResponse:
    """The whole request is refused."""
    return JSONResponse({"code": code, "data": {"errors": [{"code": code, "message": ERRORS[code]}]}}, status)

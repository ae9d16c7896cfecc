"""The side that tests and rehearsals see: accounts, events that happen in the world, and what was delivered."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from ..base import clock
from .book import Book

if TYPE_CHECKING:
    from .platform import SeventeenTrack


def shown(book: Book, row: sqlite3.Row, *, wire: bool = False) -> dict[str, Any]:
    """A registered number; ``wire`` as gettracklist writes it, else for tests."""
    events = book.events(row["account"], row["number"])
    latest = events[-1] if events else {"main": "NotFound", "sub": "NotFound_Other", "time": None, "description": None}
    common = {
        "number": row["number"],
        "carrier": row["carrier"],
        "tag": row["tag"],
        "param": row["param"],
        "register_time": clock.iso(row["registered_at"]),
        "tracking_status": "Stopped" if row["stopped"] else "Tracking",
        "package_status": latest["main"],
    }
    if wire:
        return {**common, "latest_event_time": latest["time"], "latest_event_info": latest["description"]}
    owed = book.store.one("SELECT count(*) AS n FROM webhooks WHERE number_id = ?", row["id"])
    return {
        **common,
        "sub_status": latest["sub"],
        "stopped": bool(row["stopped"]),
        "register_calls": row["register_calls"],
        "events": len(events),
        "webhooks_delivered": row["delivered"],
        "webhook_attempts": row["attempts"],
        "webhooks_owed": owed["n"] if owed else 0,
    }


def routes(platform: SeventeenTrack) -> list[BaseRoute]:
    book = platform.book

    async def accounts(request: Request) -> JSONResponse:
        """{"account_id", "token", "webhook": {"url", "host"?} | null, "quota"?}; ``host`` overrides the Host header."""
        given = await request.json()
        hook = given.get("webhook") or {}
        try:
            book.put_account(
                given["account_id"],
                given["token"],
                hook.get("url"),
                hook.get("host"),
                int(given.get("quota", 1_000_000)),
            )
        except (KeyError, ValueError, sqlite3.IntegrityError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        return JSONResponse({"account_id": given["account_id"]})

    async def events(request: Request) -> JSONResponse:
        """One event or {"events": [...]}: {"number", "main", "sub"?, "time"?, "description"?, "location"?, "country"?};
        instead of main and sub a YunExpress node ``code`` will do. A fault in one refuses all."""
        given, account = await request.json(), request.path_params["id"]
        concerned = 0
        try:
            with platform.store.transaction():
                for event in given.get("events", [given]):
                    for row in book.add_event(account, event):
                        platform.announce(row, "TRACKING_UPDATED")
                        concerned += 1
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        return JSONResponse({"concerned": concerned})

    async def numbers(request: Request) -> JSONResponse:
        """Oldest first; ``after`` is the ``next`` of the former page, ``number`` asks for one."""
        account = request.path_params["id"]
        limit = min(int(request.query_params.get("limit", 1000)), 5000)
        only = request.query_params.get("number")
        sql = "SELECT * FROM numbers WHERE account = ? AND id > ?" + (" AND number = ?" if only else "")
        arguments = [account, int(request.query_params.get("after") or 0), *([only] if only else [])]
        rows = platform.store.all(f"{sql} ORDER BY id LIMIT ?", *arguments, limit + 1)
        page = rows[:limit]
        following = str(page[-1]["id"]) if len(rows) > limit else None
        return JSONResponse({"numbers": [shown(book, row) for row in page], "next": following})

    async def owed(request: Request) -> JSONResponse:
        """Webhooks that were not delivered yet; a run is over when this is 0."""
        sql = "SELECT count(*) AS n, max(attempts) AS most, max(last_answer) AS answer FROM webhooks WHERE account = ?"
        row = platform.store.one(sql, request.path_params["id"])
        assert row is not None
        return JSONResponse({"owed": row["n"], "attempts": row["most"] or 0, "last_answer": row["answer"]})

    async def revoke(request: Request) -> JSONResponse:
        book.revoke(request.path_params["id"])
        return JSONResponse({"ok": True})

    return [
        Route("/accounts", accounts, methods=["POST"]),
        Route("/accounts/{id}/events", events, methods=["POST"]),
        Route("/accounts/{id}/numbers", numbers),
        Route("/accounts/{id}/webhooks", owed),
        Route("/accounts/{id}/revoke", revoke, methods=["POST"]),
    ]

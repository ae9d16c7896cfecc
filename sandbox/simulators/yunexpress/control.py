"""The side that tests and rehearsals see: accounts, what the carrier knows, and the next thing that happens."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from ..base import clock
from ..base.store import loads
from . import life, shipments

if TYPE_CHECKING:
    from .platform import YunExpress


def shown(row: sqlite3.Row) -> dict[str, Any]:
    body = loads(row["body"])
    return {
        "waybill": row["waybill"],
        "reference": row["reference"],
        "tracking_number": shipments.number_of(row) or None,
        "track_type": row["track_type"],
        "number_ready_at": clock.iso(row["ready_at"]),
        "status": row["state"],
        "package_status": row["package_state"],
        "product_code": row["product"],
        "recipient": body["receiver"],
        "declaration": body["declaration_info"],
        "customs_number": body.get("customs_number"),
        "weight_g": row["weight_g"],
        "cancelled": row["state"] == "C",
        "held": bool(row["held"]),
        "create_calls": row["create_calls"],
        "labels": row["labels"],
        "events": loads(row["events"]),
        "created_at": clock.iso(row["created_at"]),
    }


def routes(platform: YunExpress) -> list[BaseRoute]:
    async def accounts(request: Request) -> JSONResponse:
        given = await request.json()
        try:
            platform.accounts.put(
                given["account_id"], given["app_id"], given["app_secret"], given.get("products") or [],
            )  # fmt: skip
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        return JSONResponse({"account_id": given["account_id"]})

    async def listed(request: Request) -> JSONResponse:
        """Oldest first, ``after`` a waybill; ``reference`` asks for one."""
        account = request.path_params["id"]
        limit = min(int(request.query_params.get("limit", 1000)), 5000)
        after, only = request.query_params.get("after"), request.query_params.get("reference")
        start = platform.store.one("SELECT id FROM shipments WHERE waybill = ?", after) if after else None
        sql = "SELECT * FROM shipments WHERE account = ? AND id > ?" + (" AND reference = ?" if only else "")
        arguments = [account, start["id"] if start else 0, *([only] if only else [])]
        rows = platform.store.all(f"{sql} ORDER BY id LIMIT ?", *arguments, limit + 1)
        page = rows[:limit]
        following = page[-1]["waybill"] if len(rows) > limit else None
        return JSONResponse({"shipments": [shown(row) for row in page], "next": following})

    async def one(request: Request) -> JSONResponse:
        row = _row(request.path_params["id"], request.path_params["waybill"])
        return JSONResponse(shown(row)) if row else JSONResponse({"error": "no such waybill"}, 404)

    def _row(account: str, waybill: str) -> sqlite3.Row | None:
        return platform.store.one("SELECT * FROM shipments WHERE account = ? AND waybill = ?", account, waybill)

    def _advance(row: sqlite3.Row, given: dict[str, Any]) -> list[dict[str, Any]]:
        country = loads(row["body"])["receiver"]["country_code"]
        wanted = list(given.get("events") or [])
        if given.get("auto"):
            step = life.next_step(loads(row["events"]))
            wanted = [{"code": step}] if step is not None and row["state"] != "C" else []
        events = [
            {
                "code": event["code"],
                "time": event.get("time") or clock.iso(),
                "location": event.get("location") or life.place(event["code"], country),
                "description": event.get("description")
                or (life.NODES[event["code"]].text if event["code"] in life.NODES else event["code"]),
            }
            for event in wanted
        ]
        if events:
            platform.book.advance(row, events)
        return events

    async def advance(request: Request) -> JSONResponse:
        row = _row(request.path_params["id"], request.path_params["waybill"])
        if row is None:
            return JSONResponse({"error": "no such waybill"}, 404)
        happened = _advance(row, await request.json())
        after = _row(request.path_params["id"], request.path_params["waybill"])
        assert after is not None
        return JSONResponse({"happened": happened, **shown(after)})

    async def advance_all(request: Request) -> JSONResponse:
        """{"auto": true, "waybills": [...]} or without waybills: all of the account that are still under way."""
        given = await request.json()
        account, happened = request.path_params["id"], []
        if "waybills" in given:
            found = [_row(account, waybill) for waybill in given["waybills"]]
        else:
            sql = "SELECT * FROM shipments WHERE account = ? AND state IN ('S', 'R', 'T') ORDER BY id"
            found = list(platform.store.all(sql, account))
        with platform.store.transaction():
            for row in found:
                if row is not None:
                    number = shipments.number_of(row) or row["waybill"]
                    events = _advance(row, given)
                    happened += [{"waybill": row["waybill"], "number": number, **event} for event in events]
        return JSONResponse({"happened": happened})

    async def revoke(request: Request) -> JSONResponse:
        platform.accounts.revoke(request.path_params["id"])
        return JSONResponse({"ok": True})

    async def expire(request: Request) -> JSONResponse:
        platform.accounts.expire(request.path_params["id"])
        return JSONResponse({"ok": True})

    return [
        Route("/accounts", accounts, methods=["POST"]),
        Route("/accounts/{id}/shipments", listed),
        Route("/accounts/{id}/shipments/{waybill}", one),
        Route("/accounts/{id}/shipments/{waybill}/advance", advance, methods=["POST"]),
        Route("/accounts/{id}/advance", advance_all, methods=["POST"]),
        Route("/accounts/{id}/revoke", revoke, methods=["POST"]),
        Route("/accounts/{id}/expire", expire, methods=["POST"]),
    ]

"""Restock: the newest computation's lines, each with the terms that its number is made of."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from ninja import Path, Query, Router
from pydantic import Field

from api.v1.base import Call, Id, Out, Page, Paged, Time, read
from core.errors import BusinessError
from fba import permissions, queries

router = Router(tags=["Restock"])


class RestockQuery(Paged):
    tab: Literal["todo", "out", "late", "due", "ok", "excess", "idle", "all"] = "todo"
    sku: str | None = Field(None, max_length=80, description="Beginning of a SKU code")


class RestockRow(Out):
    """Units; ``velocity`` a day. ``send``: to the platform; ``buy``: from the supplier."""

    id: int
    sku_id: int
    sku: str
    account_id: int | None
    marketplace: str
    warehouse_id: int | None
    velocity: float
    position: int
    cover_days: float | None
    stockout_on: date | None
    order_by: date | None
    send: int
    buy: int
    urgency: str


class RestockLine(RestockRow):
    run_id: int
    terms: dict[str, Any] = Field(description="Every figure with what it was computed from")


class RestockRun(Out):
    id: int
    day: date
    zone: str
    started_at: Time
    finished_at: Time | None
    lines: int


@read(router, "/restock/run", permissions.VIEW, RestockRun, "The newest finished computation")
def get_restock_run(request: Call) -> Any:
    run = queries.latest(request.actor)
    if run is None:
        raise BusinessError("restock.not_found")
    return {
        "id": run.pk,
        "day": run.day,
        "zone": run.zone,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "lines": run.lines_count,
    }


@read(router, "/restock", permissions.VIEW, Page[RestockRow], "Lines of the newest computation", query=RestockQuery)
def list_restock(request: Call, query: Query[RestockQuery]) -> Any:
    run = queries.latest(request.actor)
    place = query.place("restock")
    if run is None:
        return query.page("restock", [], None)
    if place and place[0] != run.pk:  # a newer computation has other lines
        raise BusinessError("api.bad_cursor")
    chosen = queries.Filter(tab=query.tab, sku=query.sku or "")
    found = queries.lines(request.actor, run.pk, chosen, after=place[1] if place else "", limit=query.limit)
    return query.page("restock", found.rows, [run.pk, found.next] if found.next else None)


@read(router, "/restock/{int:line_id}", permissions.VIEW, RestockLine, "One line with all its terms")
def get_restock_line(request: Call, line_id: Path[Id]) -> Any:
    return queries.line(request.actor, line_id)

"""Stock: levels, what comes and goes, and what is set aside."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Query, Router
from ninja.responses import Status
from pydantic import Field

from api import permissions as own
from api import reading
from api.services import holds
from api.v1.base import (
    MOST_ITEMS,
    WHOLE,
    Amount,
    Call,
    Currency,
    Id,
    In,
    Moment,
    Out,
    Page,
    Paged,
    StrictId,
    Text,
    Time,
    Units,
    read,
    write,
)
from core.errors import BusinessError
from inventory import permissions, queries
from inventory.services import AdjustLine, Posted, ReceiptLine, adjust, opening, receive

router = Router(tags=["Stock"])
Numbers = Annotated[list[Id], Field(max_length=200)]
Reference = Annotated[Text, Field(min_length=1, max_length=80, pattern=r"\S")]


class StockQuery(Paged):
    q: str | None = Field(None, max_length=100)
    sku: Numbers = []
    warehouse: Numbers = []


class Level(Out):
    """Units of a SKU in a warehouse; ``available`` = sellable − reserved, may be below zero."""

    sku_id: int
    sku: str
    warehouse_id: int
    warehouse: str
    on_hand: int
    sellable: int
    reserved: int
    available: int
    transit: int
    qc: int
    returned: int
    frozen: int
    damaged: int


class CostIn(In):
    """Of one unit; ``rate`` converts ``currency`` to the company's own where they differ."""

    amount: Amount
    currency: Currency
    rate: Amount | None = None


class ReceiptIn(In):
    sku_id: StrictId
    quantity: Units
    unit_cost: CostIn | None = Field(None, description="Left out: not known yet, its value stays open")


class BringIn(In):
    """``effective_at`` left out means now; not in the future."""

    warehouse_id: StrictId
    lines: list[ReceiptIn] = Field(min_length=1, max_length=MOST_ITEMS)
    effective_at: Moment | None = None


class Change(In):
    """``change``: units found (above zero) or lost (below)."""

    sku_id: StrictId
    change: Annotated[int, Field(ge=-1_000_000, le=1_000_000), WHOLE]


class AdjustIn(In):
    warehouse_id: StrictId
    lines: list[Change] = Field(min_length=1, max_length=MOST_ITEMS)
    reason: Annotated[Text, Field(min_length=1, max_length=40, pattern=r"\S")]
    effective_at: Moment | None = None


class Negative(Out):
    warehouse_id: int
    sku_id: int
    sellable: int


class Moves(Out):
    """Ids of the moves in the order of the lines; ``negative``: what stands below zero after it."""

    moves: list[int]
    negative: list[Negative]


@read(router, "/stock", permissions.VIEW, Page[Level], "Stock by SKU and warehouse", query=StockQuery)
def list_stock(request: Call, query: Query[StockQuery]) -> Any:
    place = query.place("stock") or ["", 0]
    rows = queries.stock_rows(
        request.actor,
        search=query.q or "",
        sku_ids=query.sku or None,
        warehouse_ids=query.warehouse or None,
        after=(str(place[0]), int(place[1])),
        limit=query.limit + 1,
    )
    shown = rows[: query.limit]
    more = [shown[-1].code, shown[-1].warehouse_id] if len(rows) > query.limit else None
    return query.page("stock", [_level(one) for one in shown], more)


def _level(one: queries.StockRow) -> dict[str, Any]:
    return {
        "sku_id": one.sku_id,
        "sku": one.code,
        "warehouse_id": one.warehouse_id,
        "warehouse": one.warehouse,
        "on_hand": one.figures["on_hand"],
        "sellable": one.available + one.reserved,
        "reserved": one.reserved,
        "available": one.available,
        "transit": one.figures["transit"],
        "qc": one.figures["qc"],
        "returned": one.figures["rma"],
        "frozen": one.figures["frozen"],
        "damaged": one.figures["damaged"],
    }


@write(router, "/stock/receive", permissions.RECEIVE, Moves, "Goods came from a supplier")
def receive_stock(request: Call, body: BringIn) -> Any:
    reading.known_skus([one.sku_id for one in body.lines])
    made = receive(
        actor=request.actor,
        warehouse_id=reading.warehouse(request.actor, body.warehouse_id),
        lines=_receipts(body),
        key=request.idempotency_key,
        effective_at=body.effective_at,
    )
    return _moves(made)


@write(router, "/stock/opening", permissions.OPENING, Moves, "Stock that was there before")
def open_stock(request: Call, body: BringIn) -> Any:
    reading.known_skus([one.sku_id for one in body.lines])
    made = opening(
        actor=request.actor,
        warehouse_id=reading.warehouse(request.actor, body.warehouse_id),
        lines=_receipts(body),
        key=request.idempotency_key,
        effective_at=body.effective_at,
    )
    return _moves(made)


@write(router, "/stock/adjust", permissions.ADJUST, Moves, "Units were found or are lost")
def adjust_stock(request: Call, body: AdjustIn) -> Any:
    if any(one.change == 0 for one in body.lines):
        raise BusinessError("ledger.bad_quantity", quantity="0")
    reading.known_skus([one.sku_id for one in body.lines])
    made = adjust(
        actor=request.actor,
        warehouse_id=reading.warehouse(request.actor, body.warehouse_id),
        lines=[AdjustLine(one.sku_id, one.change) for one in body.lines],
        key=request.idempotency_key,
        reason=body.reason,
        effective_at=body.effective_at,
    )
    return _moves(made)


def _receipts(body: BringIn) -> list[ReceiptLine | tuple]:
    lines: list[ReceiptLine | tuple] = []
    for one in body.lines:
        cost = one.unit_cost
        if cost is None:
            lines.append(ReceiptLine(one.sku_id, one.quantity))
        else:
            lines.append(ReceiptLine(one.sku_id, one.quantity, cost.amount, cost.currency, cost.rate))
    return lines


def _moves(made: Posted) -> dict[str, Any]:
    negative = [{"warehouse_id": place, "sku_id": sku, "sellable": units} for place, sku, units in made.negative]
    return {"moves": list(made.moves), "negative": negative}


# -- reservations -------------------------------------------------------------------------------------------------------


class ReservationsQuery(Paged):
    sku: Numbers = []
    warehouse: Numbers = []
    owner: Literal["order_line", "api"] | None = None


class Reservation(Out):
    """Units set aside. ``owner`` order_line: of an order; api: by a program under its ``reference``."""

    id: int
    sku_id: int
    warehouse_id: int
    quantity: int
    kind: str
    owner: str
    order_id: int | None
    reference: str | None
    created_at: Time
    expires_at: Time | None


class ReserveLine(In):
    sku_id: StrictId
    quantity: Units


class ReserveIn(In):
    """All lines or none, from the first of the warehouses that has everything (none named: any)."""

    reference: Reference
    lines: list[ReserveLine] = Field(min_length=1, max_length=100)
    warehouse_ids: list[StrictId] = Field([], max_length=50)


class Reserved(Out):
    reference: str
    warehouse_id: int
    reservations: list[int]


class ReleaseIn(In):
    reference: Reference


class Released(Out):
    reference: str
    released: int


@read(router, "/reservations", permissions.VIEW, Page[Reservation], "Open reservations, by id", query=ReservationsQuery)
def list_reservations(request: Call, query: Query[ReservationsQuery]) -> Any:
    rows = reading.reservations(
        request.actor,
        sku_ids=query.sku,
        warehouse_ids=query.warehouse,
        owner=query.owner or "",
        after=int(query.place("reservations") or 0),
        limit=query.limit + 1,
    )
    more = rows[query.limit - 1]["id"] if len(rows) > query.limit else None
    return query.page("reservations", rows[: query.limit], more)


@write(router, "/reservations", own.RESERVE, Reserved, "Set units aside", status=201)
def reserve(request: Call, body: ReserveIn) -> Any:
    made = holds.reserve(
        actor=request.actor,
        reference=body.reference,
        lines=[(one.sku_id, one.quantity) for one in body.lines],
        warehouse_ids=body.warehouse_ids,
    )
    return Status(201, {"reference": body.reference, "warehouse_id": made.warehouse_id, "reservations": made.ids})


@write(router, "/reservations/release", own.RESERVE, Released, "Give back what was set aside under a reference")
def release_reservation(request: Call, body: ReleaseIn) -> Any:
    return {"reference": body.reference, "released": holds.release(actor=request.actor, reference=body.reference)}

"""Products and SKUs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from pydantic import Field

from api import reading
from api.v1.base import (
    MOST_ITEMS,
    WHOLE,
    Amount,
    Call,
    Currency,
    Flag,
    Grams,
    Id,
    In,
    Millimetres,
    Money,
    Out,
    Page,
    Paged,
    Text,
    Time,
    money,
    read,
    write,
)
from core.words import say
from inventory import permissions, queries_page
from inventory.models import Sku
from inventory.services import import_skus

router = Router(tags=["Products"])


class ProductsQuery(Paged):
    pass


class SkusQuery(Paged):
    q: str | None = Field(None, max_length=100, description="Beginning of the code, or part of a title")
    state: Literal["active", "discontinued"] | None = None


class Product(Out):
    id: int
    code: str
    title: str
    title_zh: str


class SkuRow(Out):
    """``on_hand`` and ``available`` over the warehouses that the key sees."""

    id: int
    code: str
    title: str
    title_zh: str
    state: str
    weight_g: int | None
    on_hand: int
    available: int


class SkuOut(Out):
    id: int
    code: str
    title: str
    title_zh: str
    state: str
    successor_id: int | None
    product: str | None
    weight_g: int | None
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    hs_code: str
    customs_name_en: str
    customs_name_zh: str
    customs_value: Money | None
    origin_country: str
    battery: bool
    tags: list[str]
    moq: int
    carton: int
    lead_days: int
    created_at: Time
    updated_at: Time


class SkuIn(In):
    """Known by its ``code``: what is given is changed, what is left out stays. A code that is not there is made."""

    code: Annotated[Text, Field(min_length=1, max_length=80, pattern=r"\S")]
    product: Annotated[Text, Field(max_length=80)] | None = None
    title: Annotated[Text, Field(max_length=300)] | None = None
    title_zh: Annotated[Text, Field(max_length=300)] | None = None
    weight_g: Grams | None = None
    length_mm: Millimetres | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None
    hs_code: Annotated[Text, Field(max_length=12)] | None = None
    customs_name_en: Annotated[Text, Field(max_length=120)] | None = None
    customs_name_zh: Annotated[Text, Field(max_length=120)] | None = None
    customs_value: Amount | None = None
    customs_currency: Currency | None = None
    origin_country: Annotated[Text, Field(pattern=r"^[A-Z]{2}$")] | None = None
    battery: Flag | None = None
    tags: list[Annotated[Text, Field(min_length=1, max_length=40)]] | None = Field(None, max_length=50)
    moq: Annotated[int, Field(ge=1, le=10**9), WHOLE] | None = None
    carton: Annotated[int, Field(ge=1, le=10**9), WHOLE] | None = None
    lead_days: Annotated[int, Field(ge=0, le=3650), WHOLE] | None = None


class SkusIn(In):
    items: list[SkuIn] = Field(min_length=1, max_length=MOST_ITEMS)


class Bad(Out):
    """``index`` in the list that was sent."""

    index: int
    field: str
    code: str
    detail: str


class Upserted(Out):
    """Items with errors are left out and named; the others are in."""

    created: int
    updated: int
    unchanged: int
    errors: list[Bad]


@read(router, "/products", permissions.VIEW, Page[Product], "Products, by code", query=ProductsQuery)
def list_products(request: Call, query: Query[ProductsQuery]) -> Any:
    rows = reading.products(request.actor, after=str(query.place("products") or ""), limit=query.limit + 1)
    more = rows[query.limit - 1].code if len(rows) > query.limit else None
    shown = [{"id": one.pk, "code": one.code, "title": one.title, "title_zh": one.title_zh} for one in rows]
    return query.page("products", shown[: query.limit], more)


@read(router, "/skus", permissions.VIEW, Page[SkuRow], "SKUs, by code", query=SkusQuery)
def list_skus(request: Call, query: Query[SkusQuery]) -> Any:
    found = queries_page.skus(
        request.actor,
        text=query.q or "",
        state=query.state or "",
        after=str(query.place("skus") or ""),
        limit=query.limit,
    )
    return query.page("skus", [{**row, "available": row["free"]} for row in found.rows], found.next)


@read(router, "/skus/{int:sku_id}", permissions.VIEW, SkuOut, "One SKU")
def get_sku(request: Call, sku_id: Path[Id]) -> Any:
    return _shown(queries_page.sku(request.actor, sku_id))


@write(router, "/skus", permissions.EDIT_CATALOGUE, Upserted, "Make or change SKUs, up to 500", method="put")
def put_skus(request: Call, body: SkusIn) -> Any:
    rows = [_row(one) for one in body.items]
    made = import_skus(actor=request.actor, rows=rows)
    return {
        "created": made.created,
        "updated": made.updated,
        "unchanged": made.unchanged,
        "errors": [
            {"index": one.line - 2, "field": one.field, "code": one.code, "detail": say(one.code, one.params)}
            for one in made.errors  # lines of a sheet: the first row is 2
        ],
    }


def _row(one: SkuIn) -> dict[str, Any]:
    """As a sheet's row: only what was given; the rows' own reader judges it."""
    return {name: value for name, value in one.model_dump(exclude_unset=True).items() if value is not None}


def _shown(sku: Sku) -> dict[str, Any]:
    names = (
        "code title title_zh state successor_id weight_g length_mm width_mm height_mm hs_code customs_name_en"
        " customs_name_zh origin_country battery moq carton lead_days created_at updated_at"
    ).split()
    return {name: getattr(sku, name) for name in names} | {
        "id": sku.pk,
        "product": sku.product.code if sku.product else None,
        "customs_value": money(sku.customs_value, sku.customs_currency),
        "tags": [str(tag) for tag in sku.tags],
    }

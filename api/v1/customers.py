"""Customers: who bought, under which names at which accounts."""

from __future__ import annotations

from typing import Any

from ninja import Path, Query, Router

from api import reading
from api.v1.base import Call, Id, Out, Page, Paged, Time, read
from orders import permissions

router = Router(tags=["Customers"])


class CustomersQuery(Paged):
    country: str | None = None


class CustomerRow(Out):
    """``name`` is null without the scope for personal fields."""

    id: int
    name: str | None
    country: str
    orders: int
    first_order_at: Time | None
    last_order_at: Time | None


class Identity(Out):
    account_id: int
    external_id: str
    member_name: str
    email: str


class Customer(CustomerRow):
    identities: list[Identity] | None


@read(router, "/customers", permissions.VIEW, Page[CustomerRow], "Customers, by id", query=CustomersQuery)
def list_customers(request: Call, query: Query[CustomersQuery]) -> Any:
    rows = reading.customers(
        request.actor,
        country=(query.country or "").upper()[:2],
        after=int(query.place("customers") or 0),
        limit=query.limit + 1,
    )
    more = rows[query.limit - 1]["id"] if len(rows) > query.limit else None
    return query.page("customers", rows[: query.limit], more)


@read(router, "/customers/{int:customer_id}", permissions.VIEW, Customer, "One customer with its identities")
def get_customer(request: Call, customer_id: Path[Id]) -> Any:
    return reading.customer(request.actor, customer_id)

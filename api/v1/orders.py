"""Orders: lists, one with all that hangs on it, and what can be done to them."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja.responses import Status
from pydantic import Field

from api.v1 import order_shapes as shapes
from api.v1.base import (
    WHOLE,
    Amount,
    Call,
    Currency,
    Flag,
    Id,
    Ids,
    In,
    Moment,
    Outcome,
    Page,
    Paged,
    StrictId,
    Text,
    outcome,
    read,
    write,
)
from core.errors import BusinessError, NotAllowed
from core.permissions import SEE_PERSONAL
from core.personal import log_read
from orders import permissions, queries, queries_changed, queries_page
from orders.services import acts, booking, manual

router = Router(tags=["Orders"])
Tab = Literal[
    "to_ship", "new", "attention", "unmatched", "address", "failed", "held", "short", "ready", "booked", "handed",
    "delivered", "platform", "cancelled", "all",
]  # fmt: skip
Codes = Annotated[list[str], Field(max_length=50)]
Numbers = Annotated[list[Id], Field(max_length=200)]


class OrdersQuery(Paged):
    """``updated_since`` changes the order of the list: by id, each changed order once."""

    tab: Tab = "all"
    q: str | None = Field(None, max_length=200, description="Number, SKU, tracking number; receiver with the scope")
    account: Numbers = []
    platform: Codes = []
    country: Codes = []
    warehouse: Numbers = []
    service: Numbers = []
    tag: Codes = []
    overdue: bool = False
    conflict: bool = False
    placed_from: Moment | None = None
    placed_to: Moment | None = None
    updated_since: Moment | None = None

    def filter(self) -> queries.Filter:
        return queries.Filter(
            tab=self.tab,
            text=self.q or "",
            accounts=tuple(self.account),
            platforms=tuple(self.platform),
            countries=tuple(self.country),
            warehouses=tuple(self.warehouse),
            services=tuple(self.service),
            tags=tuple(self.tag),
            overdue=self.overdue,
            conflict=self.conflict,
            placed_from=self.placed_from,
            placed_to=self.placed_to,
        )


class Note(In):
    ids: Ids
    note: Annotated[Text, Field(max_length=200)] = ""


class HoldIn(Note):
    until: Moment | None = Field(None, description="They go on by themselves then")


class Many(In):
    ids: Ids


class Tags(In):
    ids: Ids
    add: list[Annotated[Text, Field(min_length=1, max_length=40)]] = Field([], max_length=20)
    remove: list[Annotated[Text, Field(min_length=1, max_length=40)]] = Field([], max_length=20)


class ReceiverIn(In):
    name: Annotated[Text, Field(max_length=200)] = ""
    company: Annotated[Text, Field(max_length=200)] = ""
    lines: list[Annotated[Text, Field(max_length=200)]] = Field([], max_length=6)
    city: Annotated[Text, Field(max_length=120)] = ""
    district: Annotated[Text, Field(max_length=120)] = ""
    region: Annotated[Text, Field(max_length=120)] = ""
    postcode: Annotated[Text, Field(max_length=30)] = ""
    country: Annotated[Text, Field(pattern=r"^[A-Z]{2}$")]
    phone: Annotated[Text, Field(max_length=60)] = ""
    email: Annotated[Text, Field(max_length=254)] = ""

    def fields(self) -> dict[str, Any]:
        """In the shape of the order's columns."""
        return {f"ship_{name}": value for name, value in self.model_dump().items()}


class AddressIn(In):
    """``version`` of the order as it was read: when somebody changed it since, nothing is written (409)."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE]
    receiver: ReceiverIn


class ItemIn(In):
    sku_id: StrictId
    quantity: Annotated[int, Field(ge=1, le=manual.MOST_UNITS), WHOLE]
    unit_price: Amount = Decimal(0)


class NewOrder(In):
    """An order that no marketplace sent: by telephone, a sample, a parcel that is sent again."""

    receiver: ReceiverIn
    items: list[ItemIn] = Field(min_length=1, max_length=manual.MOST_ITEMS)
    currency: Currency
    account_id: StrictId | None = None
    shipping: Amount = Decimal(0)
    paid: Flag = True
    reference: Annotated[Text, Field(max_length=80)] = Field(
        "", description="Your own number; the same twice is refused"
    )
    note: Annotated[Text, Field(max_length=2000)] = ""
    ship_by: Moment | None = None
    anyway: Flag = Field(False, description="Also where an order looks the same")


@read(router, "/orders", permissions.VIEW, Page[shapes.OrderRow], "Orders, newest first", query=OrdersQuery)
def list_orders(request: Call, query: Query[OrdersQuery]) -> Any:
    place = query.place("orders")
    if query.updated_since is not None:
        if query.q:
            raise BusinessError("api.search_and_since")
        rows = queries_changed.changed_since(
            request.actor, query.filter(), query.updated_since, after=int(place or 0), limit=query.limit + 1
        )
        more = rows[query.limit - 1]["id"] if len(rows) > query.limit else None
        return query.page("orders", [shapes.row(one) for one in rows[: query.limit]], more)
    found = queries.page(request.actor, query.filter(), after=place or "", limit=query.limit)
    return query.page("orders", [shapes.row(one) for one in found.rows], found.next)


@read(router, "/orders/{int:order_id}", permissions.VIEW, shapes.Order, "One order with lines, parcels and history")
def get_order(request: Call, order_id: Path[Id]) -> Any:
    actor = request.actor
    order = queries.get(actor, order_id)
    if actor.can(SEE_PERSONAL):
        log_read(actor, "order", order_id, "receiver", always=False)
    return shapes.whole(
        actor, order, queries.lines_of(order_id), queries_page.parcels(order_id), queries.history(order_id)
    )


@write(router, "/orders", permissions.EDIT, shapes.OrderMade, "Enter an order", status=201)
def create_order(request: Call, body: NewOrder) -> Any:
    token = uuid.uuid5(uuid.NAMESPACE_URL, request.idempotency_key)
    order = manual.enter(
        actor=request.actor,
        given=manual.Entered(
            token=token,
            receiver=body.receiver.fields(),
            items=[manual.Item(one.sku_id, one.quantity, one.unit_price) for one in body.items],
            currency=body.currency,
            account_id=body.account_id,
            shipping=body.shipping,
            paid=body.paid,
            reference=body.reference,
            note=body.note,
            ship_by=body.ship_by,
        ),
        anyway=body.anyway,
    )
    return Status(201, {"id": order.pk, "number": order.number, "external_id": order.external_id, "state": order.state})


@write(router, "/orders/hold", permissions.HOLD, Outcome, "Hold orders before they are booked")
def hold_orders(request: Call, body: HoldIn) -> Any:
    made = acts.hold(actor=request.actor, order_ids=body.ids, note=body.note, until=body.until)
    return outcome(made.done, made.refused)


@write(router, "/orders/release", permissions.ROUTE, Outcome, "Let go of a hold, or route again")
def release_orders(request: Call, body: Many) -> Any:
    made = acts.route_again(actor=request.actor, order_ids=body.ids)
    return outcome(made.done, made.refused)


@write(router, "/orders/cancel", permissions.CANCEL, Outcome, "Cancel on our side, before a parcel exists")
def cancel_orders(request: Call, body: Note) -> Any:
    made = acts.cancel(actor=request.actor, order_ids=body.ids, note=body.note)
    return outcome(made.done, made.refused)


@write(router, "/orders/tag", permissions.EDIT, Outcome, "Add and remove tags")
def tag_orders(request: Call, body: Tags) -> Any:
    if not body.add and not body.remove:
        raise BusinessError("order.no_tags_given")
    made = acts.tag(actor=request.actor, order_ids=body.ids, add=body.add, remove=body.remove)
    return outcome(made.done, made.refused)


@write(router, "/orders/book", permissions.BOOK, Outcome, "Have the carrier asked for number and label")
def book_orders(request: Call, body: Many) -> Any:
    made = booking.book_orders(actor=request.actor, order_ids=body.ids)
    return outcome(made.done, made.refused)


@write(router, "/orders/{int:order_id}/address", permissions.EDIT, shapes.Order, "Change the receiver", method="put")
def change_address(request: Call, order_id: Path[Id], body: AddressIn) -> Any:
    actor = request.actor
    if not actor.can(SEE_PERSONAL):  # one cannot correct what one may not read
        raise NotAllowed("api.scope_missing", scope=SEE_PERSONAL)
    queries.get(actor, order_id)
    order = acts.edit_address(actor=actor, order_id=order_id, version=body.version, changes=body.receiver.fields())
    return shapes.whole(
        actor, order, queries.lines_of(order_id), queries_page.parcels(order_id), queries.history(order_id)
    )

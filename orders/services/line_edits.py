"""A person changes what is sent: another SKU, fewer or more units, a gift added, a line left out. Before a parcel exists.

What the marketplace knows of a line (pieces sold, cancelled, shipped, its price) is never touched, and only its own pieces
are ever confirmed: a line kept back in part is confirmed for what goes, an added line is confirmed to nobody. Lines of
orders by hand are ours alone, with price and pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record
from core.errors import BusinessError
from core.events import emit
from core.permissions import Actor
from inventory.reservation import release_many
from orders import permissions, states
from orders.models import MANUAL, LineEdit, Order, OrderLine
from orders.services.acts import route_later
from orders.services.manual import MOST_ITEMS, MOST_UNITS, check_item, usable
from orders.services.pages import reindex

MOST_PER_PIECE = 10_000
REASONS = ("buyer_asked", "swap", "gift", "short", "mistake", "other")
AGAIN = (states.UNMATCHED, states.ADDRESS, states.SHORT, states.READY, states.FAILED)
OWN = "own-"  # how the id of a line begins that a person added to a marketplace's order


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a line shall be. ``line_id`` None: a new one, known by ``key`` (of the form) when it comes twice.

    ``pieces``: sold pieces that are sent (0: none), ``per_piece``: units of the SKU in one of them. ``unit_price``: of a
    line that is ours, in the order's currency.
    """

    line_id: int | None
    sku_id: int | None
    pieces: int
    per_piece: int = 1
    unit_price: Decimal = Decimal(0)
    key: str = ""


@dataclass(slots=True)
class Held:
    """A line as it stands. ``own``: no marketplace knows of it."""

    row: OrderLine
    edit: LineEdit | None
    own: bool

    @property
    def pieces(self) -> int:
        left = self.row.quantity - self.row.cancelled
        return left if self.edit is None or self.edit.most is None else min(left, self.edit.most)

    @property
    def per_piece(self) -> int:
        return self.row.units // self.row.quantity

    def state(self) -> dict[str, Any]:
        """As the history keeps it, for taking the change back."""
        return {
            "line": self.row.pk,
            "sku": self.row.sku_id,
            "pieces": self.pieces,
            "per": self.per_piece,
            "price": str(self.row.unit_price),
        }


def edit(
    *, actor: Actor, order_id: int, version: int, wanted: Sequence[Wanted], reason: str = "other", note: str = ""
) -> Order:
    """Make the lines as ``wanted``; those not named stay. The order is routed and reserved anew. Nothing to change: no-op.

    Raises BusinessError ``order.not_found``, ``order.too_late`` (a parcel exists), ``order.changed_meanwhile``,
    ``line.not_found``, ``line.more_than_sold`` (add a line instead), ``line.less_than_sent``, ``line.per_piece``,
    ``line.needs_sku``, ``order.nothing_left`` (cancel it instead), ``order.too_many_items``, ``order.item_quantity``,
    ``order.item_price``, ``sku.not_found``, ``sku.discontinued``.
    """
    with transaction.atomic():
        return apply(
            actor=actor, order_id=order_id, version=version, wanted=wanted, code="order.lines_edited",
            told={"reason": reason if reason in REASONS else "other"} | ({"note": note.strip()[:200]} if note.strip() else {}),
        )  # fmt: skip


def apply(
    *, actor: Actor, order_id: int, version: int, wanted: Sequence[Wanted], code: str, told: Mapping[str, Any]
) -> Order:
    """As ``edit``, in the caller's transaction, with the history entry's code and what else it says."""
    actor.require(permissions.EDIT)
    order = editable(actor, order_id)
    held = _held(order)
    wanted = [_known(one, held) for one in wanted]
    before = {pk: one.state() for pk, one in held.items()}
    changed = [one for one in wanted if one.line_id is None or _differs(held, one, order)]
    if not changed:
        return order
    if order.version != version:
        raise BusinessError("order.changed_meanwhile")
    skus = usable([one.sku_id for one in changed if one.sku_id is not None and _new_sku(held, one)])
    for one in changed:
        _check(held, one, order)
    if sum(1 for one in changed if one.line_id is None) + len(held) > MOST_ITEMS:
        raise BusinessError("order.too_many_items", most=MOST_ITEMS)
    touched = [_write(order, held, one, skus) for one in changed]
    if not any(one.pieces for one in _held(order).values()):
        raise BusinessError("order.nothing_left")
    _after(actor, order, before, touched, code, told)
    order.refresh_from_db()
    return order


def editable(actor: Actor, order_id: int) -> Order:
    """The order, locked, when its lines may be changed. Raises BusinessError ``order.not_found``, ``order.too_late``."""
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None or not actor.sees_account(order.account_id) or not actor.sees_warehouse(order.warehouse_id):
        raise BusinessError("order.not_found")
    parcel = bulk.fetch("SELECT 1 FROM orders_consignment WHERE order_id = %s AND state = 'open' LIMIT 1", [order_id])
    if order.state not in states.BEFORE_BOOKING or order.platform_fulfilled or parcel:
        raise BusinessError("order.too_late", state=order.state)
    return order


def _held(order: Order) -> dict[int, Held]:
    rows = list(OrderLine.objects.select_for_update().filter(order=order).order_by("pk"))
    edits = LineEdit.objects.in_bulk([row.pk for row in rows])
    return {row.pk: Held(row, edits.get(row.pk), row.account_id is None) for row in rows}


def _known(one: Wanted, held: Mapping[int, Held]) -> Wanted:
    """A new line that came with the same form before is that line."""
    if one.line_id is not None or not one.key:
        return one
    name = own_id(one.key)
    found = next((pk for pk, there in held.items() if there.row.external_line_id == name), None)
    return replace(one, line_id=found)


def own_id(key: str) -> str:
    return f"{OWN}{key}"[:120]


def _line(held: Mapping[int, Held], one: Wanted) -> Held:
    found = held.get(one.line_id or 0)
    if found is None:
        raise BusinessError("line.not_found")
    return found


def _new_sku(held: Mapping[int, Held], one: Wanted) -> bool:
    return one.line_id is None or _line(held, one).row.sku_id != one.sku_id


def _differs(held: Mapping[int, Held], one: Wanted, order: Order) -> bool:
    there = _line(held, one)
    priced = order.platform == MANUAL and there.row.unit_price != one.unit_price
    if there.pieces == one.pieces == 0:
        return False  # left out already: its other figures say nothing
    return (there.row.sku_id, there.pieces, there.per_piece) != (one.sku_id, one.pieces, one.per_piece) or priced


def _check(held: Mapping[int, Held], one: Wanted, order: Order) -> None:
    if not 1 <= one.per_piece <= MOST_PER_PIECE:
        raise BusinessError("line.per_piece", most=MOST_PER_PIECE)
    if one.pieces < 0 or one.pieces * one.per_piece > MOST_UNITS:
        raise BusinessError("order.item_quantity", most=MOST_UNITS)
    if one.line_id is None:
        if one.sku_id is None:
            raise BusinessError("line.needs_sku")
        check_item(one.pieces, one.unit_price)
        return
    there = _line(held, one)
    if one.sku_id is None and there.row.sku_id is not None:
        raise BusinessError("line.needs_sku")
    if one.pieces < there.row.shipped:
        raise BusinessError("line.less_than_sent", sku=there.row.seller_sku, sent=there.row.shipped)
    if there.own:
        check_item(max(1, one.pieces), one.unit_price)
    elif one.pieces > there.row.quantity - there.row.cancelled:
        raise BusinessError(
            "line.more_than_sold", sku=there.row.seller_sku, sold=there.row.quantity - there.row.cancelled
        )


def _write(order: Order, held: Mapping[int, Held], one: Wanted, skus: Mapping[int, tuple[str, str]]) -> int:
    """Write one line; returns its key."""
    if one.line_id is None:
        assert one.sku_id is not None
        code, title = skus[one.sku_id]
        price = one.unit_price if order.platform == MANUAL else Decimal(0)
        return OrderLine.objects.create(
            order=order,
            external_line_id=own_id(one.key or f"{order.pk}-{len(held) + 1}-{clock.now():%H%M%S%f}"),
            seller_sku=code,
            title=title[:300],
            sku_id=one.sku_id,
            quantity=one.pieces,
            units=one.pieces * one.per_piece,
            unit_price=price,
            line_total=price * one.pieces,
        ).pk
    there = held[one.line_id]
    row = there.row
    if not there.own:
        _mark(there, one)
    elif one.pieces:
        row.quantity, row.cancelled = one.pieces, 0
        row.unit_price = one.unit_price if order.platform == MANUAL else row.unit_price
        row.line_total = row.unit_price * one.pieces
    else:
        row.cancelled = row.quantity  # left out; nobody has to be told
    if one.sku_id is not None and one.sku_id in skus and there.own:
        row.seller_sku, row.title = skus[one.sku_id][0], skus[one.sku_id][1][:300]
    row.sku_id = one.sku_id
    row.units = row.quantity * one.per_piece
    row.save()
    return row.pk


def _mark(there: Held, one: Wanted) -> None:
    """Beside a line that a marketplace knows: what a person said about it, and how it was before."""
    row, known = there.row, there.edit
    edit = known or LineEdit(line=row, sku_was_id=row.sku_id, per_was=there.per_piece)
    edit.most = one.pieces if one.pieces < row.quantity - row.cancelled else None
    same = one.sku_id == edit.sku_was_id and one.per_piece == edit.per_was
    edit.per_piece, edit.at = None if same else one.per_piece, clock.now()
    if same and edit.most is None:
        if known is not None:
            known.delete()
        return
    edit.save()


def _after(
    actor: Actor,
    order: Order,
    before: Mapping[int, Mapping[str, Any]],
    touched: Sequence[int],
    code: str,
    told: Mapping[str, Any],
) -> None:
    """Totals, history, stock and route of an order whose lines were changed."""
    now_held = _held(order)
    order.version += 1
    order.updated_at = clock.now()
    if order.platform == MANUAL:
        _total(order, now_held)
    order.save()
    gone = {"pieces": 0, "per": 1, "sku": None, "price": "0"}
    was = [dict(before.get(pk, gone | {"line": pk, "sku": now_held[pk].row.sku_id})) for pk in touched]
    now = [now_held[pk].state() for pk in touched]
    record(actor, "order", order.pk, code, was=was, now=now, **told)
    # The rest keeps its stock: it is asked for as a whole again when the order is routed.
    release_many(list(touched))
    reindex([order.pk])
    emit("orders.edited", {"ids": [order.pk]})
    if order.state in AGAIN:
        states.move([order.pk], states.NEW, expected=[order.state])
    if order.state in (*AGAIN, states.NEW, states.PENDING):
        route_later([order.pk])


def _total(order: Order, held: Mapping[int, Held]) -> None:
    """An order by hand is worth what its lines are; a marketplace's order is worth what the marketplace says."""
    sent = [one for one in held.values() if one.pieces]
    order.items_total = sum((one.row.unit_price * one.pieces for one in sent), Decimal(0))
    order.grand_total = order.items_total + order.shipping_total + order.tax_total - order.discount_total
    order.lines_count, order.units = len(sent), sum(one.pieces for one in sent)
    if sent:
        order.first_sku, order.first_title = sent[0].row.seller_sku[:80], sent[0].row.title[:200]

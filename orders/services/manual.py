"""Orders that a person enters: by telephone, by mail, a sample, a parcel that is sent again.

They have a number of their own (M-…), no marketplace behind them, and then go the way of every order. The form's token
makes a form that was sent twice one order; what looks entered already is said before it is entered again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from channels import canonical
from core import bulk, clock
from core.audit import record_many
from core.currencies import KNOWN
from core.errors import BusinessError
from core.events import emit
from core.permissions import Actor
from core.secrets import keyed_hash
from core.textnorm import squash
from inventory.reservation import make_paid
from orders import address, incoming, permissions, queries, states
from orders.models import MANUAL, ManualOrder, Order, OrderLine, OrderNote
from orders.services import lines
from orders.services.acts import ADDRESS_FIELDS, Outcome, locked, route_later
from orders.services.pages import reindex

MOST_ITEMS = 200
MOST_UNITS = 100_000
_LENGTHS = {
    "ship_name": 200,
    "ship_company": 200,
    "ship_city": 120,
    "ship_district": 120,
    "ship_region": 120,
    "ship_postcode": 30,
    "ship_country": 2,
    "ship_phone": 60,
    "ship_email": 254,
}


@dataclass(frozen=True, slots=True)
class Item:
    """``quantity`` in units of the SKU, ``unit_price`` in the order's currency (0: a gift, a replacement)."""

    sku_id: int
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Entered:
    """``receiver``: fields of ``ADDRESS_FIELDS`` (``ship_lines`` a list). ``reference``: the seller's own number for it.

    ``account_id``: the account that it counts for, if any; no marketplace is ever told. ``copied_from``: the order that is
    sent again, ``why`` then a code of ``resend.…``.
    """

    token: UUID
    receiver: Mapping[str, Any]
    items: Sequence[Item]
    currency: str
    account_id: int | None = None
    shipping: Decimal = Decimal(0)
    paid: bool = True
    reference: str = ""
    note: str = ""
    ship_by: datetime | None = None
    copied_from: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Similar:
    """An order that may be the same one. ``why``: reference, receiver."""

    order_id: int
    external_id: str
    state: str
    why: str


@transaction.atomic
def enter(*, actor: Actor, given: Entered, anyway: bool = False) -> Order:
    """Make the order and have it routed. The same token again gives the order that was made.

    Raises BusinessError ``order.no_items``, ``order.item_quantity``, ``order.item_price``, ``order.too_many_items``,
    ``sku.not_found``, ``sku.discontinued``, ``order.currency_malformed``, ``order.address_incomplete``,
    ``order.account_needed`` (the actor's accounts are limited), ``account.not_found``, ``order.not_found`` (copied from),
    ``order.looks_entered`` with {orders} unless ``anyway``.
    """
    actor.require(permissions.EDIT)
    now = clock.now()
    (claimed,) = bulk.fetch(
        "WITH made AS (INSERT INTO orders_manualorder (token, reference, reference_key, created_at)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (token) DO NOTHING RETURNING id) SELECT (SELECT id FROM made)",
        [given.token, given.reference.strip()[:80], reference_key(given.reference), now],
    )
    if claimed[0] is None:
        # Whoever had the token first has committed by now: the insert above waited for it.
        return queries.get(actor, ManualOrder.objects.get(token=given.token).order_id or 0)
    source = _checked(actor, given)
    row = _row(given, f"M-{claimed[0]:05d}", now)
    if not anyway:
        found = similar(actor, given.reference, row["merge_key"], copied_from=given.copied_from)
        if found:
            raise BusinessError("order.looks_entered", orders=[one.external_id for one in found])
    order = _write(actor, given, row, claimed[0], source)
    reindex([order.pk])
    route_later([order.pk])
    emit("orders.created", {"ids": [order.pk]})
    return order


def reference_key(reference: str) -> str:
    """As references are compared: spaces and case do not count."""
    return squash(reference).replace(" ", "")[:80]


def similar(actor: Actor, reference: str, merge_key: str, *, copied_from: int | None = None) -> list[Similar]:
    """Orders with the same own reference, or open ones to the same receiver; at most 10, newest first.

    ``copied_from``: its receiver is the same on purpose, so only references count.
    """
    found: dict[int, Similar] = {}
    key = reference_key(reference)
    if key:
        rows = bulk.fetch(
            "SELECT o.id, o.external_id, o.state, o.account_id FROM orders_manualorder m JOIN orders_order o"
            " ON o.id = m.order_id WHERE m.reference_key = %s AND m.reference_key > '' AND o.state <> 'cancelled'"
            " UNION SELECT id, external_id, state, account_id FROM orders_order"
            " WHERE account_id = ANY(SELECT id FROM channels_account) AND external_id = %s"
            " ORDER BY 1 DESC LIMIT 10",
            [key, reference.strip()],
        )
        found |= {
            pk: Similar(pk, number, state, "reference")
            for pk, number, state, account in rows
            if actor.sees_account(account)
        }
    if merge_key and copied_from is None:
        rows = bulk.fetch(
            "SELECT id, external_id, state, account_id FROM orders_order WHERE merge_key = %s"
            " AND state IN ('new', 'held', 'short', 'ready') ORDER BY id DESC LIMIT 10",
            [merge_key],
        )
        for pk, number, state, account in rows:
            if actor.sees_account(account):
                found.setdefault(pk, Similar(pk, number, state, "receiver"))
    return sorted(found.values(), key=lambda one: -one.order_id)[:10]


def _checked(actor: Actor, given: Entered) -> Order | None:
    """Raises what ``enter`` says; gives the order that is sent again."""
    if not given.items:
        raise BusinessError("order.no_items")
    if len(given.items) > MOST_ITEMS:
        raise BusinessError("order.too_many_items", most=MOST_ITEMS)
    for item in given.items:
        check_item(item.quantity, item.unit_price)
    if given.shipping < 0 or given.shipping >= incoming.LIMIT:
        raise BusinessError("order.item_price")
    if given.currency not in KNOWN:
        raise BusinessError("order.currency_malformed", currency=given.currency[:12])
    usable([item.sku_id for item in given.items])
    missing = address.problems({name: given.receiver.get(name) for name in ADDRESS_FIELDS})
    if missing:
        raise BusinessError("order.address_incomplete", missing=missing)
    if given.account_id is None:
        if actor.accounts is not None:
            raise BusinessError("order.account_needed")
    elif not actor.sees_account(given.account_id) or not bulk.fetch(
        "SELECT 1 FROM channels_account WHERE id = %s", [given.account_id]
    ):
        raise BusinessError("account.not_found")
    return queries.get(actor, given.copied_from) if given.copied_from is not None else None


def check_item(quantity: int, unit_price: Decimal) -> None:
    """Raises BusinessError ``order.item_quantity``, ``order.item_price``."""
    if not 0 < quantity <= MOST_UNITS:
        raise BusinessError("order.item_quantity", most=MOST_UNITS)
    if not 0 <= unit_price < incoming.LIMIT / MOST_UNITS:
        raise BusinessError("order.item_price")


def usable(sku_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """{SKU: (code, title)}. Raises BusinessError ``sku.not_found``; ``sku.discontinued`` with its successor (Req. 70)."""
    rows = bulk.fetch(
        "SELECT s.id, s.code, s.title, s.state, n.code FROM inventory_sku s"
        " LEFT JOIN inventory_sku n ON n.id = s.successor_id WHERE s.id = ANY(%s)",
        [list(set(sku_ids))],
    )
    if len(rows) < len(set(sku_ids)):
        raise BusinessError("sku.not_found")
    for _, code, _, state, successor in rows:
        if state != "active":
            raise BusinessError("sku.discontinued", sku=code, successor=successor or "")
    return {pk: (code, title) for pk, code, title, _, _ in rows}


def _row(given: Entered, number: str, now: datetime) -> dict[str, Any]:
    receiver: dict[str, Any] = {
        name: str(given.receiver.get(name) or "").strip()[:size] for name, size in _LENGTHS.items()
    }
    receiver["ship_lines"] = [str(line).strip()[:200] for line in given.receiver.get("ship_lines") or () if line][:6]
    goods = sum((item.unit_price * item.quantity for item in given.items), Decimal(0))
    text = incoming.merge_text(receiver)
    return receiver | {
        "account_id": given.account_id,
        "platform": MANUAL,
        "external_id": number,
        "channel_status": canonical.PAID if given.paid else canonical.PENDING,
        "channel_updated_at": now,
        "state": states.NEW if given.paid else states.PENDING,
        "state_at": now,
        "placed_at": now,
        "paid_at": now if given.paid else None,
        "ship_by": given.ship_by,
        "currency": given.currency,
        "items_total": goods,
        "shipping_total": given.shipping,
        "tax_total": Decimal(0),
        "discount_total": Decimal(0),
        "grand_total": goods + given.shipping,
        "merge_key": keyed_hash(text) if text else "",
        "created_at": now,
        "updated_at": now,
    }


def _write(actor: Actor, given: Entered, row: dict[str, Any], claimed: int, source: Order | None) -> Order:
    skus = usable([item.sku_id for item in given.items])
    code, title = skus[given.items[0].sku_id]
    order = Order.objects.create(
        **row,
        lines_count=len(given.items),
        units=sum(item.quantity for item in given.items),
        first_sku=code[:80],
        first_title=title[:200],
        customer_id=source.customer_id if source is not None else None,
    )
    OrderLine.objects.bulk_create(
        [
            OrderLine(
                order=order,
                external_line_id=f"{row['external_id']}-{index}",
                seller_sku=skus[item.sku_id][0],
                title=skus[item.sku_id][1][:300],
                sku_id=item.sku_id,
                quantity=item.quantity,
                units=item.quantity,
                unit_price=item.unit_price,
                line_total=item.unit_price * item.quantity,
            )
            for index, item in enumerate(given.items, 1)
        ]
    )
    root = _root(source)
    bulk.execute(
        "UPDATE orders_manualorder SET order_id = %s, copied_from_id = %s WHERE id = %s", [order.pk, root, claimed]
    )
    if given.note.strip():
        OrderNote.objects.create(
            order=order,
            text=given.note.strip()[:2000],
            at=row["created_at"],
            author_id=actor.id,
            author_label=actor.label,
        )
    total = {"lines": len(given.items), "total": str(row["grand_total"]), "currency": given.currency}
    history: list[tuple[str, int | None, str, dict[str, Any]]] = [("order", order.pk, "order.entered", total)]
    if source is not None:
        history.append(("order", order.pk, "order.copy_of", {"order": source.number, "reason": given.why}))
        again = {"order": order.number, "reason": given.why}
        history.append(("order", source.pk, "order.sent_again", again))
    record_many(actor, history)
    return order


def _root(source: Order | None) -> int | None:
    """The first order of a chain of copies: its platform's rules for personal data go for all of them."""
    if source is None:
        return None
    first = ManualOrder.objects.filter(order=source).values_list("copied_from_id", flat=True).first()
    return first or source.pk


@transaction.atomic
def mark_paid(*, actor: Actor, order_ids: Sequence[int]) -> Outcome:
    """The money of orders entered by hand is there: they go through the rules. Others hear it from their marketplace."""
    actor.require(permissions.EDIT)
    found, outcome = locked(actor, order_ids)
    rows = bulk.fetch(
        "UPDATE orders_order SET channel_status = %s, paid_at = %s WHERE id = ANY(%s) AND platform = %s AND state = %s"
        " RETURNING id",
        [canonical.PAID, clock.now(), list(found), MANUAL, states.PENDING],
    )
    paid = [row[0] for row in rows]
    for pk, state in found.items():
        if pk not in paid:
            outcome.refused[pk] = ("order.not_unpaid_by_hand", {"state": state})
    outcome.done = states.move(paid, states.NEW, expected=[states.PENDING])
    make_paid(lines.ids_of(outcome.done))
    record_many(actor, [("order", pk, "order.marked_paid", {}) for pk in outcome.done])
    route_later(outcome.done)
    return outcome

"""What a person (or an event) does to orders, many at once. Every act answers per order what could not be done and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record_many
from core.errors import BusinessError
from core.events import emit, emit_many
from core.permissions import Actor
from core.secrets import keyed_hash
from inventory.reservation import expired, make_paid, release_many
from orders import address, incoming, permissions, states
from orders.models import FormerAddress, Order
from orders.services import lines
from orders.services.of_parcels import at_carrier
from orders.services.pages import reindex
from orders.services.release import LET_GO, PAGE

KEEP_FORMER_ADDRESS = timedelta(days=60)
SHORT_AT_ONCE = PAGE
# A failed order's parcel that exists at the carrier: taken back, or accepted, before the order goes anywhere.
TO_BE_SETTLED = ("failed", "cancelling")
HOLDABLE = (states.NEW, states.UNMATCHED, states.ADDRESS, states.SHORT, states.READY, states.FAILED)
REROUTABLE = (
    states.UNMATCHED,
    states.ADDRESS,
    states.HELD,
    states.SHORT,
    states.READY,
    states.FAILED,
    states.ELSEWHERE,
)
ADDRESS_FIELDS = (
    "ship_name",
    "ship_company",
    "ship_lines",
    "ship_city",
    "ship_district",
    "ship_region",
    "ship_postcode",
    "ship_country",
    "ship_phone",
    "ship_email",
)


@dataclass
class Outcome:
    """``done``: order ids; ``refused``: {order id: (code, params)} for the page to put into words."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)


def locked(actor: Actor, order_ids: Sequence[int]) -> tuple[dict[int, str], Outcome]:
    """({order: state}, the outcome so far): what the actor may touch, locked in id order; the others are not there."""
    rows = bulk.fetch(
        "SELECT id, state, account_id, warehouse_id FROM orders_order WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
        [list(order_ids)],
    )
    found = {
        pk: state for pk, state, account, place in rows if actor.sees_account(account) and actor.sees_warehouse(place)
    }
    outcome = Outcome()
    for order_id in order_ids:
        if order_id not in found:
            outcome.refused[order_id] = ("order.not_found", {})
    return found, outcome


def route_later(order_ids: Sequence[int]) -> None:
    """Have orders in *new* (or unpaid ones) go through the rules, in the caller's transaction."""
    if not order_ids:
        return
    by_account: dict[int | None, list[int]] = {}
    for pk, account in bulk.fetch("SELECT id, account_id FROM orders_order WHERE id = ANY(%s)", [list(order_ids)]):
        by_account.setdefault(account, []).append(pk)
    for account, ids in by_account.items():
        # A page a transaction: one over thousands would hold stock while it waits for orders that others hold.
        pages = [{"account": account, "ids": ids[at : at + PAGE]} for at in range(0, len(ids), PAGE)]
        emit_many("orders.imported", pages)


def _move_each(
    actor: Actor,
    found: Mapping[int, str],
    outcome: Outcome,
    target: str,
    sources: Sequence[str],
    *,
    code: str,
    params: dict[str, Any] | None,
    entry: str,
) -> None:
    parcels = at_carrier([pk for pk, state in found.items() if state == states.FAILED], TO_BE_SETTLED)
    fit = [pk for pk, state in found.items() if state in sources and pk not in parcels]
    for pk, state in found.items():
        if pk in parcels:
            outcome.refused[pk] = ("order.too_late", {"state": state})
        elif state not in sources:
            outcome.refused[pk] = ("state.illegal_move", {"state": state, "target": target})
    by_source: dict[str, list[int]] = {}
    for pk in fit:
        by_source.setdefault(found[pk], []).append(pk)
    for source, ids in by_source.items():
        moved = states.move(ids, target, expected=[source], reason_code=code, reason_params=params)
        outcome.done.extend(moved)
        record_many(actor, [("order", pk, entry, {"from": source, **(params or {})}) for pk in moved])


@transaction.atomic
def hold(*, actor: Actor, order_ids: Sequence[int], note: str = "", until: datetime | None = None) -> Outcome:
    """Stop orders before booking; they keep their reserved stock. ``until``: they go on by themselves then."""
    actor.require(permissions.HOLD)
    found, outcome = locked(actor, order_ids)
    params = {"note": note[:200]} if note else None
    _move_each(
        actor, found, outcome, states.HELD, HOLDABLE, code="order.held_by_person", params=params, entry="order.held"
    )
    bulk.execute("UPDATE orders_order SET hold_until = %s WHERE id = ANY(%s)", [until, outcome.done])
    return outcome


def _held_by_house(found: Mapping[int, str]) -> list[int]:
    """Held by what the next routing would find again: a rule, a currency that nobody knows."""
    sql = "SELECT id FROM orders_order WHERE id = ANY(%s) AND state = 'held' AND reason_code = ANY(%s)"
    return [row[0] for row in bulk.fetch(sql, [list(found), ["order.held_by_rule", "order.currency_unknown"]])]


@transaction.atomic
def route_again(*, actor: Actor, order_ids: Sequence[int]) -> Outcome:
    """Let go of a hold, or try address, stock and rules again. Goes through the rules like a new order; an order that
    a rule or its currency held is not held for that this time."""
    actor.require(permissions.ROUTE)
    found, outcome = locked(actor, order_ids)
    held_by_house = _held_by_house(found)
    _move_each(actor, found, outcome, states.NEW, REROUTABLE, code="", params=None, entry="order.to_new")
    # Otherwise the same would hold them again at once.
    bulk.execute("UPDATE orders_order SET reason_code = %s WHERE id = ANY(%s)", [LET_GO, held_by_house])
    bulk.execute("UPDATE orders_order SET hold_until = NULL WHERE id = ANY(%s)", [outcome.done])
    route_later(outcome.done)
    return outcome


@transaction.atomic
def cancel(*, actor: Actor, order_ids: Sequence[int], note: str = "") -> Outcome:
    """Cancel on our side, before a parcel exists: stock is given back. The marketplace is not told by this."""
    actor.require(permissions.CANCEL)
    found, outcome = locked(actor, order_ids)
    params = {"note": note[:200]} if note else None
    sources = sorted(states.BEFORE_BOOKING)
    _move_each(
        actor,
        found,
        outcome,
        states.CANCELLED,
        sources,
        code="order.cancelled_by_person",
        params=params,
        entry="order.cancelled",
    )
    release_many(lines.ids_of(outcome.done))
    return outcome


@transaction.atomic
def tag(*, actor: Actor, order_ids: Sequence[int], add: Sequence[str] = (), remove: Sequence[str] = ()) -> Outcome:
    """Add and remove tags; at most 40 characters each."""
    actor.require(permissions.EDIT)
    found, outcome = locked(actor, order_ids)
    clean = [text.strip()[:40] for text in add if text.strip()]
    rows = bulk.fetch(
        "UPDATE orders_order o SET tags = (SELECT coalesce(array_agg(t ORDER BY p), '{}') FROM"
        " (SELECT t, min(p) AS p FROM unnest(o.tags || %s::varchar[]) WITH ORDINALITY AS u(t, p)"
        "  WHERE t <> ALL(%s::varchar[]) GROUP BY t) x), version = o.version + 1, updated_at = %s"
        " FROM orders_order b WHERE b.id = o.id AND o.id = ANY(%s) RETURNING o.id, b.tags, o.tags",
        [clean, list(remove), clock.now(), list(found)],
    )
    outcome.done = [row[0] for row in rows]
    if outcome.done:
        emit("orders.edited", {"ids": outcome.done})
    # What really changed, so that taking it back changes nothing else.
    record_many(
        actor,
        [
            (
                "order",
                pk,
                "order.tagged",
                {"add": [t for t in now if t not in was], "remove": [t for t in was if t not in now]},
            )
            for pk, was, now in rows
            if was != now
        ],
    )
    return outcome


@transaction.atomic
def edit_address(*, actor: Actor, order_id: int, version: int, changes: Mapping[str, Any]) -> Order:
    """Change the receiver before a parcel exists. The former address is kept for undo (and purged).

    Raises BusinessError ``order.changed_meanwhile`` when somebody saved after ``version``, ``order.too_late`` when a
    parcel exists, ``order.address_incomplete`` with what is missing.
    """
    actor.require(permissions.EDIT)
    order = Order.objects.select_for_update().get(pk=order_id)
    if not actor.sees_account(order.account_id) or not actor.sees_warehouse(order.warehouse_id):
        raise BusinessError("order.not_found")
    if order.version != version:
        raise BusinessError("order.changed_meanwhile")
    if order.state not in states.BEFORE_BOOKING or (
        order.state == states.FAILED and at_carrier([order_id], TO_BE_SETTLED)
    ):
        raise BusinessError("order.too_late", state=order.state)
    former = {name: getattr(order, name) for name in ADDRESS_FIELDS}
    fresh = {name: changes.get(name, former[name]) for name in ADDRESS_FIELDS}
    missing = address.problems(fresh)
    if missing:
        raise BusinessError("order.address_incomplete", missing=missing)
    changed = [name for name in ADDRESS_FIELDS if fresh[name] != former[name]]
    if not changed:
        return order
    kept = _write_address(order, fresh, former, actor)
    marks = {name: [keyed_hash(str(former[name])), keyed_hash(str(fresh[name]))] for name in changed}
    entry = {"fields": changed, "hashes": marks, "former": kept}
    record_many(actor, [("order", order.pk, "order.address_edited", entry)])
    if order.state in (states.ADDRESS, states.READY, states.SHORT, states.FAILED):
        states.move([order.pk], states.NEW, expected=[order.state])
        route_later([order.pk])
    reindex([order.pk])
    emit("orders.edited", {"ids": [order.pk]})
    order.refresh_from_db()
    return order


def _write_address(order: Order, fresh: Mapping[str, Any], former: Mapping[str, Any], actor: Actor) -> int:
    """Returns the key of the former address."""
    now = clock.now()
    kept = FormerAddress.objects.create(
        order=order, address=dict(former), replaced_at=now, replaced_by=actor.label, purge_at=now + KEEP_FORMER_ADDRESS
    )
    for name in ADDRESS_FIELDS:
        setattr(order, name, fresh[name])
    order.address_edited = True
    text = incoming.merge_text(fresh)
    order.merge_key = keyed_hash(text) if text else ""
    order.version += 1
    order.updated_at = now
    order.save(update_fields=[*ADDRESS_FIELDS, "address_edited", "merge_key", "version", "updated_at"])
    return kept.pk


@transaction.atomic
def match_listing(*, actor: Actor, listing_id: int, sku_id: int, units: int = 1) -> int:
    """Say which SKU a listing sells; orders that waited for it go on. Returns how many orders.

    Raises BusinessError ``sku.discontinued`` (naming the successor) for a SKU that is not sold any more (Req. 70).
    """
    actor.require(permissions.EDIT)
    rows = bulk.fetch(
        "SELECT s.state, n.code FROM inventory_sku s LEFT JOIN inventory_sku n ON n.id = s.successor_id WHERE s.id = %s",
        [sku_id],
    )
    if not rows:
        raise BusinessError("sku.not_found")
    if rows[0][0] != "active":
        raise BusinessError("sku.discontinued", successor=rows[0][1] or "")
    found = bulk.fetch(
        "UPDATE channels_listing SET sku_id = %s, units = %s, matched_by = 'person' WHERE id = %s"
        " RETURNING account_id, seller_sku",
        [sku_id, max(1, units), listing_id],
    )
    if not found or not actor.sees_account(found[0][0]):
        raise BusinessError("listing.not_found")
    account_id, seller_sku = found[0]
    # Who is routing these orders right now ends first; otherwise its *unmatched* would come after our mending.
    bulk.fetch(
        "SELECT id FROM orders_order WHERE id IN (SELECT order_id FROM orders_orderline WHERE account_id = %s"
        " AND seller_sku = %s AND sku_id IS NULL) ORDER BY id FOR UPDATE",
        [account_id, seller_sku],
    )
    orders = bulk.fetch(
        "UPDATE orders_orderline SET sku_id = %s, units = quantity * %s"
        " WHERE account_id = %s AND seller_sku = %s AND sku_id IS NULL RETURNING order_id",
        [sku_id, max(1, units), account_id, seller_sku],
    )
    record_many(actor, [("listing", listing_id, "listing.matched", {"sku": sku_id, "units": units})])
    moved = states.move(sorted({row[0] for row in orders}), states.NEW, expected=[states.UNMATCHED])
    record_many(actor, [("order", pk, "order.to_new", {"from": states.UNMATCHED}) for pk in moved])
    route_later(moved)
    return len(moved)


def retry_short(*, actor: Actor, sku_ids: Sequence[int], after: int | None = None) -> int:
    """Try short orders that want these SKUs again, the earliest ship-by first; a page, inside the caller's transaction.

    ``after``: the order that the last page ended with. Those behind a page have an event of their own: many that lack
    something else keep none from its goods, and no transaction holds stock while it waits for another page's orders.
    """
    from orders.services.release import release

    rows = bulk.fetch(
        "SELECT o.id FROM orders_order o WHERE o.state = 'short' AND EXISTS"
        " (SELECT 1 FROM orders_orderline l WHERE l.order_id = o.id AND l.sku_id = ANY(%s))"
        " AND (%s::bigint IS NULL OR (coalesce(o.ship_by, 'infinity'), o.placed_at, o.id) >"
        "  (SELECT coalesce(p.ship_by, 'infinity'), p.placed_at, p.id FROM orders_order p WHERE p.id = %s))"
        " ORDER BY coalesce(o.ship_by, 'infinity'), o.placed_at, o.id LIMIT %s",
        [list(sku_ids), after, after, SHORT_AT_ONCE],
    )
    ids = [row[0] for row in rows]
    release(order_ids=ids, actor=actor)
    if len(ids) == SHORT_AT_ONCE:
        emit("inventory.available", {"skus": list(sku_ids), "after": ids[-1]})
    return len(ids)


@transaction.atomic
def try_short_again(*, sku_ids: Sequence[int], actor: Actor) -> int:
    """As ``retry_short``, in a transaction of its own."""
    return retry_short(sku_ids=sku_ids, actor=actor)


@transaction.atomic
def expire_unpaid(*, actor: Actor, limit: int = 500) -> int:
    """Give back stock that unpaid orders held too long; the orders stay pending and may be paid later."""
    # Their orders first, as everybody does: one that is being paid in this moment keeps what it has.
    rows = bulk.fetch(
        "SELECT o.id, l.id, o.state FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id WHERE l.id = ANY(%s)"
        " ORDER BY o.id FOR UPDATE OF o",
        [[owner for _, owner in expired(limit)]],
    )
    late = [(order_id, line_id) for order_id, line_id, state in rows if state == states.PENDING]
    make_paid([line_id for _, line_id, state in rows if state != states.PENDING])
    release_many([line_id for _, line_id in late], closed_as="expired")
    record_many(actor, [("order", pk, "order.unpaid_expired", {}) for pk in sorted({pk for pk, _ in late})])
    return len(late)


@transaction.atomic
def wake_held(*, actor: Actor, limit: int = 500) -> int:
    """Orders held until a moment that has come go on."""
    rows = bulk.fetch(
        "SELECT id FROM orders_order WHERE state = 'held' AND hold_until <= %s ORDER BY hold_until LIMIT %s"
        " FOR UPDATE SKIP LOCKED",
        [clock.now(), limit],
    )
    moved = states.move([row[0] for row in rows], states.NEW, expected=[states.HELD])
    bulk.execute("UPDATE orders_order SET hold_until = NULL WHERE id = ANY(%s)", [moved])
    record_many(actor, [("order", pk, "order.to_new", {"from": states.HELD}) for pk in moved])
    route_later(moved)
    return len(moved)


@transaction.atomic
def compact_counts() -> int:
    """Sum the kept counts up to one row per account and state; returns how many rows went away."""
    before = bulk.execute(
        "WITH gone AS (DELETE FROM orders_ordercount WHERE id IN"
        " (SELECT id FROM orders_ordercount ORDER BY id LIMIT 50000 FOR UPDATE SKIP LOCKED)"
        " RETURNING account_id, state, n)"
        " INSERT INTO orders_ordercount (account_id, state, n)"
        " SELECT account_id, state, sum(n) FROM gone GROUP BY account_id, state HAVING sum(n) <> 0"
    )
    return before

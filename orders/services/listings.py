"""Which SKU a listing sells, for many listings at once: matched, taken back, left aside. Orders that waited go on.

Order of locks, the same for everybody: listings by id, orders by id. Whoever is routing these orders right now ends
first; otherwise its *unmatched* would come after our mending.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from channels import finding
from core import bulk, clock
from core.audit import Entry, record_many
from core.errors import BusinessError
from core.permissions import Actor
from inventory.codes import code_key
from inventory.reservation import release_many
from orders import permissions, states
from orders.services.acts import route_later
from orders.services.of_parcels import at_carrier

CODE, PERSON, IGNORED = "code", "person", "ignored"  # Listing.matched_by
MOST_UNITS = 10_000
# Where the line may still change: no parcel exists.
OPEN = (
    states.PENDING,
    states.NEW,
    states.UNMATCHED,
    states.ADDRESS,
    states.HELD,
    states.SHORT,
    states.READY,
    states.FAILED,
)


@dataclass(frozen=True, slots=True)
class Match:
    """``units`` of the SKU in one sold piece."""

    listing_id: int
    sku_id: int
    units: int = 1


@dataclass
class Outcome:
    """``done``: listing ids; ``refused``: {listing: (code, params)}; ``orders``: how many orders go on or go back."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    orders: int = 0


@transaction.atomic
def match_many(*, actor: Actor, matches: Sequence[Match], by: str = PERSON) -> Outcome:
    """Say which SKUs listings sell. A listing that has another SKU is refused: take that match back first.

    The same match again does nothing. Raises NotAllowed. Refused: ``listing.not_found``, ``listing.changed_meanwhile``,
    ``listing.bad_units``, ``sku.not_found``, ``sku.discontinued`` (naming the successor, Req. 70).
    """
    actor.require(permissions.EDIT)
    wanted = {one.listing_id: one for one in matches}
    found, outcome = _locked(actor, list(wanted))
    skus = {
        row[0]: (row[1], row[2])
        for row in bulk.fetch(
            "SELECT s.id, s.state, coalesce(n.code, '') FROM inventory_sku s"
            " LEFT JOIN inventory_sku n ON n.id = s.successor_id WHERE s.id = ANY(%s)",
            [sorted({one.sku_id for one in wanted.values()})],
        )
    }
    fresh: list[Match] = []
    for pk, (_account, _name, sku, units, _by) in found.items():
        one = wanted[pk]
        if one.sku_id not in skus:
            outcome.refused[pk] = ("sku.not_found", {})
        elif skus[one.sku_id][0] != "active":
            outcome.refused[pk] = ("sku.discontinued", {"successor": skus[one.sku_id][1]})
        elif not 1 <= one.units <= MOST_UNITS:
            outcome.refused[pk] = ("listing.bad_units", {})
        elif sku is not None and (sku, units) != (one.sku_id, one.units):
            outcome.refused[pk] = ("listing.changed_meanwhile", {})
        else:
            outcome.done.append(pk)
            if sku is None:
                fresh.append(one)
    if fresh:
        outcome.orders = _match(actor, fresh, found, by)
    return outcome


Found = dict[int, tuple[int, str, int | None, int, str]]  # listing: account, seller SKU, SKU, units, matched by


def _locked(actor: Actor, ids: Sequence[int]) -> tuple[Found, Outcome]:
    rows = bulk.fetch(
        "SELECT id, account_id, seller_sku, sku_id, units, matched_by FROM channels_listing WHERE id = ANY(%s)"
        " ORDER BY id FOR UPDATE",
        [sorted(ids)],
    )
    found: Found = {row[0]: row[1:] for row in rows if actor.sees_account(row[1])}
    return found, Outcome(refused={pk: ("listing.not_found", {}) for pk in ids if pk not in found})


def _match(actor: Actor, fresh: list[Match], found: Found, by: str) -> int:
    bulk.update(
        "channels_listing",
        "id",
        [("sku_id", "bigint"), ("units", "int"), ("matched_by", "text")],
        [(one.listing_id, one.sku_id, one.units, by) for one in fresh],
    )
    pairs = [(found[one.listing_id][0], found[one.listing_id][1], one.sku_id, one.units) for one in fresh]
    _platform_stock([pair[:3] for pair in pairs])
    accounts, names, skus, units = bulk.columns(pairs)
    bulk.fetch(
        "SELECT id FROM orders_order WHERE id IN (SELECT l.order_id FROM orders_orderline l"
        " JOIN unnest(%s::bigint[], %s::text[]) AS w(account, name) ON l.account_id = w.account AND l.seller_sku = w.name"
        " WHERE l.sku_id IS NULL) ORDER BY id FOR UPDATE",
        [accounts, names],
    )
    lines = bulk.fetch(
        "UPDATE orders_orderline l SET sku_id = w.sku, units = l.quantity * w.units"
        " FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::int[]) AS w(account, name, sku, units)"
        " WHERE l.account_id = w.account AND l.seller_sku = w.name AND l.sku_id IS NULL RETURNING l.order_id",
        [accounts, names, skus, units],
    )
    code = "listing.matched_code" if by == CODE else "listing.matched"
    entries: list[Entry] = [("listing", one.listing_id, code, {"sku": one.sku_id, "units": one.units}) for one in fresh]
    moved = states.move(sorted({row[0] for row in lines}), states.NEW, expected=[states.UNMATCHED])
    record_many(actor, [*entries, *(("order", pk, "order.to_new", {"from": states.UNMATCHED}) for pk in moved)])
    route_later(moved)
    return len(moved)


def _platform_stock(triples: Sequence[tuple[Any, ...]]) -> None:
    """What a platform holds under that name is of this SKU from now on; restocking sees it with its next run."""
    bulk.execute(
        "UPDATE channels_platformstock s SET sku_id = w.sku FROM unnest(%s::bigint[], %s::text[], %s::bigint[])"
        " AS w(account, name, sku) WHERE s.account_id = w.account AND s.seller_sku = w.name"
        " AND s.sku_id IS DISTINCT FROM w.sku",
        bulk.columns(triples),
    )


@transaction.atomic
def take_back(*, actor: Actor, listing_ids: Sequence[int]) -> Outcome:
    """The match was wrong: the listing has no SKU again, and orders without a parcel let go of what they reserved.

    Orders that have a parcel keep the SKU that was sent. Raises NotAllowed. Refused: ``listing.not_found``,
    ``listing.not_matched``.
    """
    actor.require(permissions.EDIT)
    found, outcome = _locked(actor, listing_ids)
    matched = {pk: one for pk, one in found.items() if one[2] is not None}
    outcome.refused |= {pk: ("listing.not_matched", {}) for pk in found.keys() - matched.keys()}
    outcome.done = sorted(matched)
    if not matched:
        return outcome
    accounts, names, skus = bulk.columns([one[:3] for one in matched.values()])
    orders = [
        row[0]
        for row in bulk.fetch(
            "SELECT id FROM orders_order WHERE state = ANY(%s) AND id IN (SELECT l.order_id FROM orders_orderline l"
            " JOIN unnest(%s::bigint[], %s::text[], %s::bigint[]) AS w(account, name, sku) ON l.account_id = w.account"
            " AND l.seller_sku = w.name AND l.sku_id = w.sku) ORDER BY id FOR UPDATE",
            [list(OPEN), accounts, names, skus],
        )
    ]
    sent = at_carrier(orders)  # a failed booking may have left one there; a combined order may have brought one
    orders = [pk for pk in orders if pk not in sent]
    lines = [row[0] for row in bulk.fetch("SELECT id FROM orders_orderline WHERE order_id = ANY(%s)", [orders])]
    release_many(lines)
    bulk.execute(
        "UPDATE orders_orderline l SET sku_id = NULL FROM unnest(%s::bigint[], %s::text[], %s::bigint[])"
        " AS w(account, name, sku) WHERE l.order_id = ANY(%s) AND l.account_id = w.account AND l.seller_sku = w.name"
        " AND l.sku_id = w.sku",
        [accounts, names, skus, orders],
    )
    bulk.execute(
        "UPDATE channels_listing SET sku_id = NULL, units = 1, matched_by = '' WHERE id = ANY(%s)", [outcome.done]
    )
    _platform_stock([(account, name, None) for account, name, *_ in matched.values()])
    entries: list[Entry] = [
        ("listing", pk, "listing.unmatched", {"sku": one[2], "units": one[3]}) for pk, one in matched.items()
    ]
    _back(actor, orders, entries)
    outcome.orders = len(orders)
    return outcome


def _back(actor: Actor, orders: list[int], entries: list[Entry]) -> None:
    """Routed anew, which finds the line without a SKU; those on hold and unpaid ones stay where they are."""
    moved: list[int] = []
    for state in (states.READY, states.SHORT, states.ADDRESS, states.FAILED, states.UNMATCHED):
        some = states.move(orders, states.NEW, expected=[state])
        entries += [("order", pk, "order.to_new", {"from": state}) for pk in some]
        moved += some
    record_many(actor, entries)
    again = bulk.fetch(
        "SELECT id FROM orders_order WHERE id = ANY(%s) AND state = ANY(%s)", [orders, ["new", "pending"]]
    )
    route_later([row[0] for row in again])


@transaction.atomic
def leave_aside(*, actor: Actor, listing_ids: Sequence[int], aside: bool = True) -> Outcome:
    """Listings that need no SKU (old ones, another shop's): off the list until an order waits for one; or back on it.

    Raises NotAllowed. Refused: ``listing.not_found``; matched ones as ``listing.changed_meanwhile``.
    """
    actor.require(permissions.EDIT)
    found, outcome = _locked(actor, listing_ids)
    for pk, (_account, _name, sku, _units, _by) in found.items():
        if sku is not None:
            outcome.refused[pk] = ("listing.changed_meanwhile", {})
        else:
            outcome.done.append(pk)
    changed = [pk for pk in outcome.done if (found[pk][4] == IGNORED) != aside]
    bulk.execute("UPDATE channels_listing SET matched_by = %s WHERE id = ANY(%s)", [IGNORED if aside else "", changed])
    record_many(actor, [("listing", pk, "listing.ignored" if aside else "listing.wanted", {}) for pk in changed])
    return outcome


def match_added(*, actor: Actor, sku_ids: Iterable[int]) -> Outcome:
    """SKUs that are new: listings with the same code that waited for one get it, one piece each."""
    rows = bulk.fetch("SELECT code_key, id FROM inventory_sku WHERE id = ANY(%s) AND state = 'active'", [list(sku_ids)])
    by_key = dict(rows)
    waiting = bulk.fetch(
        "SELECT id, seller_sku FROM channels_listing WHERE sku_id IS NULL AND matched_by <> %s", [IGNORED]
    )
    matches = [Match(pk, by_key[key]) for pk, seller_sku in waiting if (key := code_key(seller_sku)) and key in by_key]
    return match_many(actor=actor, matches=matches, by=CODE) if matches else Outcome()


@transaction.atomic
def add_listings(*, actor: Actor, pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """{(account, seller SKU): listing}; those that no order and no reading has named yet are made.

    Raises NotAllowed; BusinessError ``sheet.no_account`` for an account out of scope.
    """
    actor.require(permissions.EDIT)
    for account, _ in pairs:
        if not actor.sees_account(account):
            raise BusinessError("sheet.no_account", value=str(account))
    now = clock.now()
    columns = (
        "account_id",
        "seller_sku",
        "external_id",
        "variation",
        "title",
        "units",
        "matched_by",
        "platform_fulfilled",
    )
    bulk.insert(
        "channels_listing",
        (*columns, "grams", "seen_at"),
        [
            (account, name, "", "", "", 1, "", False, finding.grams_of(name, "", ""), now)
            for account, name in sorted(set(pairs))
        ],
        conflict="(account_id, seller_sku) DO NOTHING",
    )
    return listing_ids(pairs)


def listing_ids(pairs: Sequence[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """{(account, seller SKU): listing} of those that are there."""
    if not pairs:
        return {}
    rows = bulk.fetch(
        "SELECT g.account_id, g.seller_sku, g.id FROM channels_listing g JOIN unnest(%s::bigint[], %s::text[])"
        " AS w(account, name) ON g.account_id = w.account AND g.seller_sku = w.name",
        bulk.columns(pairs),
    )
    return {(account, name): pk for account, name, pk in rows}

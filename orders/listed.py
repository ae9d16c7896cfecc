"""What the orders list is narrowed by, and the SQL of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core import clock
from core.permissions import Actor

PAID_AFTER = timedelta(days=60)  # that a buyer takes at most to pay, as far as the filter by payment looks


@dataclass(frozen=True)
class Filter:
    """What the list shows. Empty means everything the actor may see."""

    tab: str = "to_ship"
    text: str = ""
    accounts: tuple[int, ...] = ()
    platforms: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    warehouses: tuple[int, ...] = ()
    services: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    overdue: bool = False
    conflict: bool = False
    placed_from: datetime | None = None
    placed_to: datetime | None = None
    assignees: tuple[int, ...] = ()  # users; 0: nobody's
    paid: tuple[tuple[datetime | None, datetime | None], ...] = ()  # [from, to) any of; (None, None): not paid
    values: tuple[tuple[Decimal | None, Decimal | None], ...] = ()  # [from, to) any of, in the order's own currency


def scope(actor: Actor, chosen: Filter) -> tuple[list[int] | None, list[str], list[Any]]:
    """(accounts or None, SQL conditions, parameters) of a filter as far as the actor may see."""
    accounts = list(chosen.accounts) or None
    if actor.accounts is not None:
        accounts = sorted(set(accounts or actor.accounts) & actor.accounts)
    conditions: list[str] = []
    params: list[Any] = []

    def add(condition: str, value: Any) -> None:
        conditions.append(condition)
        params.append(value)

    if chosen.platforms:
        add("o.platform = ANY(%s)", list(chosen.platforms))
    if chosen.countries:
        add("o.ship_country = ANY(%s)", list(chosen.countries))
    warehouses = set(chosen.warehouses)
    if actor.warehouses is not None:
        warehouses = (warehouses & actor.warehouses) if warehouses else set(actor.warehouses)
        add("(o.warehouse_id = ANY(%s) OR o.warehouse_id IS NULL)", sorted(warehouses))
    elif warehouses:
        add("o.warehouse_id = ANY(%s)", sorted(warehouses))
    if chosen.services:
        add("o.service_id = ANY(%s)", list(chosen.services))
    if chosen.tags:
        add("o.tags @> %s::varchar[]", list(chosen.tags))
    if chosen.overdue:
        add("o.ship_by < %s", clock.now())
    if chosen.conflict:
        conditions.append("o.conflict <> ''")
    _special(chosen, conditions, params)
    if chosen.placed_from:
        add("o.placed_at >= %s", chosen.placed_from)
    if chosen.placed_to:
        add("o.placed_at < %s", chosen.placed_to)
    return accounts, conditions, params


def _special(chosen: Filter, conditions: list[str], params: list[Any]) -> None:
    """Whose orders, when they were paid, what they are worth: any of what is chosen of each."""
    if chosen.assignees:
        users = [user for user in chosen.assignees if user]
        nobody = " OR o.assignee_id IS NULL" if 0 in chosen.assignees else ""
        conditions.append(f"(o.assignee_id = ANY(%s){nobody})")
        params.append(users)
    parts = []
    for start, end in chosen.paid:
        if start is None and end is None:
            parts.append("o.paid_at IS NULL")
            continue
        # Nothing is paid before it is placed, and hardly anything long after: the list's own index bounds the search.
        if start is not None:
            parts.append(
                "(o.paid_at >= %s AND o.placed_at >= %s" + (" AND o.paid_at < %s AND o.placed_at < %s)" if end else ")")
            )
            params += [start, start - PAID_AFTER, *((end, end) if end else ())]
        else:
            parts.append("(o.paid_at < %s AND o.placed_at < %s)")
            params += [end, end]
    if parts:
        conditions.append(f"({' OR '.join(parts)})")
    bands = []
    for low, high in chosen.values:
        bands.append(
            " AND ".join(
                [
                    *(["o.grand_total >= %s"] if low is not None else []),
                    *(["o.grand_total < %s"] if high is not None else []),
                ]
            )
        )
        params += [amount for amount in (low, high) if amount is not None]
    if bands:
        conditions.append("(" + " OR ".join(f"({band})" for band in bands) + ")")

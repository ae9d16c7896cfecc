"""Costs that become known, or turn out differently, after the goods came in."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from core import bulk
from core.errors import BusinessError
from core.permissions import Actor
from inventory.models import Location
from inventory.permissions import EDIT_COST
from inventory.services import valuation
from inventory.services.drafts import told
from inventory.services.history import Place
from inventory.services.periods import calendar


class LateCost(NamedTuple):
    """What a whole receipt (one move) cost after all. ``amount`` in ``currency`` ('' = base), ``rate`` to base."""

    move_id: int
    amount: Decimal
    currency: str = ""
    rate: Decimal | None = None


def late_cost(*, actor: Actor, costs: Sequence[LateCost | tuple], reason: str = "") -> int:
    """Tell costs of receipts, opening stock, found units or returns without an issue; re-values what follows.

    A cost that is told already changes nothing. Returns how many value entries were appended. Raises NotAllowed (also
    when a closed period is concerned); BusinessError: ``cost.not_incoming``, ``cost.negative``, ``cost.rate_missing``.
    """
    actor.require(EDIT_COST)
    wanted = {cost.move_id: cost for cost in (LateCost(*c) for c in costs)}
    if not wanted:
        return 0
    months = calendar()
    new = {
        move: told(amount=c.amount, currency=c.currency, base_currency=months.currency, rate=c.rate, reason=reason)
        for move, c in wanted.items()
    }
    with transaction.atomic():
        incoming = _incoming(sorted(wanted))
        for move in wanted:
            if move not in incoming:
                raise BusinessError("cost.not_incoming", move=move)
        valuation.lock({(sku, pool) for sku, pool, _ in incoming.values()})
        former = _told([*wanted])
        new = {move: cost for move, cost in new.items() if former.get(move) != (cost.amount, cost.currency, cost.rate)}
        since: dict[int, Place | None] = {}
        for move in sorted(new, key=lambda m: (incoming[m][2], m)):
            sku, _, effective_at = incoming[move]
            since.setdefault(sku, (effective_at, move))
        valuation.write_costs(actor, list(new.items()))
        return valuation.revalue(actor, months, since, new) if new else 0


def _incoming(moves: list[int]) -> dict[int, tuple]:
    """{move: (SKU, pool, effective time)} of those that brought units in from outside, other than returns of an issue."""
    rows = bulk.fetch(
        "SELECT m.id, m.sku_id, w.pool_ref, m.effective_at FROM inventory_move m"
        " JOIN inventory_location f ON f.id = m.from_location_id JOIN inventory_location t ON t.id = m.to_location_id"
        " JOIN inventory_warehouse w ON w.id = t.warehouse_id"
        " WHERE m.id = ANY(%s) AND m.reverses_id IS NULL AND f.kind <> ALL(%s) AND t.kind = ANY(%s)",
        [moves, list(Location.OWNED), list(Location.OWNED)],
    )
    return {row[0]: row[1:] for row in rows}


def _told(moves: list[int]) -> dict[int, tuple[Decimal, str, Decimal]]:
    rows = bulk.fetch(
        "SELECT DISTINCT ON (move_id) move_id, amount, currency, rate FROM inventory_cost WHERE move_id = ANY(%s)"
        " ORDER BY move_id, id DESC",
        [moves],
    )
    return {row[0]: row[1:] for row in rows}

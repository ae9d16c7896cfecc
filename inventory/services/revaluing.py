"""Playing the whole ledger again: after a repair, or to prove to oneself that nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import transaction

from core import bulk
from core.permissions import Actor
from inventory.permissions import EDIT_COST
from inventory.services import valuation
from inventory.services.periods import calendar

BATCH = 50_000  # moves played in one transaction


def revalue_all(*, actor: Actor, sku_ids: Sequence[int] | None = None) -> int:
    """Play the SKUs (None: all) from their first move and append what differs; returns how many entries were written.

    On a ledger that is right nothing is written. Each batch is a transaction, so it may be stopped and started again.
    Raises NotAllowed.
    """
    actor.require(EDIT_COST)
    months = calendar()
    written = 0
    for skus in _batches(sku_ids):
        with transaction.atomic():
            bulk.fetch(
                "SELECT id FROM inventory_poolstate WHERE sku_id = ANY(%s) ORDER BY sku_id, pool, method FOR UPDATE",
                [skus],
            )
            written += valuation.revalue(actor, months, dict.fromkeys(skus), {})
    return written


def _batches(sku_ids: Sequence[int] | None) -> Iterator[list[int]]:
    rows = bulk.fetch(
        "SELECT sku_id, count(*) FROM inventory_move WHERE %s::bigint[] IS NULL OR sku_id = ANY(%s::bigint[])"
        " GROUP BY sku_id ORDER BY sku_id",
        [sku_ids if sku_ids is None else list(sku_ids)] * 2,
    )
    batch: list[int] = []
    size = 0
    for sku, moves in rows:
        batch.append(sku)
        size += moves
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

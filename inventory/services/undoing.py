"""A movement taken back by one the other way; nothing is ever deleted."""

from __future__ import annotations

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import Actor
from inventory.models import Location
from inventory.permissions import ADJUST, OPENING, RECEIVE
from inventory.services import places as where
from inventory.services.drafts import Draft, Posted
from inventory.services.movements import allow
from inventory.services.periods import calendar
from inventory.services.posting import post

UNDO = "undo"
KINDS = {"adjust": ADJUST, "receipt": RECEIVE, "opening": OPENING}


def undo(*, actor: Actor, move_id: int) -> Posted:
    """Post the counter-movement of a receipt, opening stock or adjustment; the same again does nothing.

    What had come goes out again and must still be there, unreserved; what was lost comes back at what it was worth.
    Raises NotAllowed; BusinessError ``undo.not_found``, ``undo.kind``, ``ledger.not_there``, ``ledger.reserved``.
    """
    rows = bulk.fetch(
        "SELECT m.source_kind, m.sku_id, m.lot_id, m.quantity, m.from_location_id, m.to_location_id, f.warehouse_id,"
        " t.warehouse_id, f.kind FROM inventory_move m JOIN inventory_location f ON f.id = m.from_location_id"
        " JOIN inventory_location t ON t.id = m.to_location_id WHERE m.id = %s",
        [move_id],
    )
    if not rows or not (actor.sees_warehouse(rows[0][6]) and actor.sees_warehouse(rows[0][7])):
        raise BusinessError("undo.not_found")
    kind, sku, lot, quantity, source, target, *ends, out_of = rows[0]
    if kind not in KINDS:
        raise BusinessError("undo.kind")
    allow(actor, KINDS[kind], ends)
    lost = out_of in Location.OWNED
    draft = Draft(
        key=f"undo:{move_id}",
        source_kind=UNDO,
        source_id=move_id,
        value_kind="adjust",
        sku_id=sku,
        quantity=quantity,
        from_id=target,
        to_id=source,
        effective_at=clock.now(),
        floating=True,
        lot_id=lot,
        reverses_id=move_id if lost else None,
        strict=not lost,
    )
    return post(actor=actor, calendar=calendar(), places=where.load(ends, [source, target]), drafts=[draft])


def undone(move_ids: list[int]) -> set[int]:
    """Those of the moves that were taken back."""
    sql = "SELECT source_id FROM inventory_move WHERE source_kind = %s AND source_id = ANY(%s)"
    return {row[0] for row in bulk.fetch(sql, [UNDO, move_ids])}

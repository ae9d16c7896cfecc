"""Units that a program sets aside under its own reference, and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from api import permissions
from api.models import Hold
from core import bulk, clock
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from inventory.models import Reservation
from inventory.reservation import Want, WantedLine, release_many, reserve_many

OWNER = "api"


@dataclass(frozen=True, slots=True)
class Held:
    warehouse_id: int
    ids: list[int]


@transaction.atomic
def reserve(
    *, actor: Actor, reference: str, lines: Sequence[tuple[int, int]], warehouse_ids: Sequence[int] = ()
) -> Held:
    """All lines from one warehouse or nothing. A reference is in use until it is given back.

    Raises NotAllowed; BusinessError ``api.reference_taken``, ``sku.not_found``, ``warehouse.not_found``,
    ``api.not_enough`` with what is missing.
    """
    actor.require(permissions.RESERVE)
    places = _places(actor, warehouse_ids)
    units: dict[int, int] = {}
    for sku, quantity in lines:
        units[sku] = units.get(sku, 0) + quantity
    codes = dict(bulk.fetch("SELECT id, code FROM inventory_sku WHERE id = ANY(%s)", [list(units)]))
    if len(codes) < len(units):
        raise BusinessError("sku.not_found")
    name = reference.strip()
    bulk.fetch("SELECT pg_advisory_xact_lock(hashtext(current_schema() || %s))", [f":api.hold:{name}"])
    if _open(name):
        raise BusinessError("api.reference_taken", reference=name)
    hold = Hold.objects.create(reference=name, api_key_id=_key(actor), created_at=clock.now())
    wanted = tuple(WantedLine(hold.pk, sku, quantity) for sku, quantity in sorted(units.items()))
    found = reserve_many([Want(hold.pk, places, wanted)], kind=Reservation.PLAN, owner_kind=OWNER)[hold.pk]
    if found.warehouse is None:
        missing = [[codes[sku], need, have] for sku, need, have in found.missing[:5]]
        raise BusinessError("api.not_enough", missing=missing)
    record(actor, "reservation", hold.pk, "reservation.made", reference=name, warehouse=found.warehouse)
    rows = bulk.fetch(
        "SELECT id FROM inventory_reservation WHERE owner_kind = %s AND owner_id = %s AND closed_at IS NULL ORDER BY id",
        [OWNER, hold.pk],
    )
    return Held(found.warehouse, [row[0] for row in rows])


@transaction.atomic
def release(*, actor: Actor, reference: str) -> int:
    """Give back what is held under a reference. Returns how many reservations. Raises BusinessError ``hold.not_found``."""
    actor.require(permissions.RESERVE)
    name = reference.strip()
    held = _open(name)
    if not held or not all(actor.sees_warehouse(place) for _, place in held):
        raise BusinessError("hold.not_found")
    owners = sorted({owner for owner, _ in held})
    count = release_many(owners, owner_kind=OWNER)
    for owner in owners:
        record(actor, "reservation", owner, "reservation.given_back", reference=name)
    return count


def _open(reference: str) -> list[tuple[int, int]]:
    """[(hold, warehouse)] of open reservations under a reference."""
    rows = bulk.fetch(
        "SELECT h.id, r.warehouse_id FROM api_hold h JOIN inventory_reservation r ON r.owner_kind = %s"
        " AND r.owner_id = h.id AND r.closed_at IS NULL WHERE h.reference = %s",
        [OWNER, reference],
    )
    return [(row[0], row[1]) for row in rows]


def _places(actor: Actor, warehouse_ids: Sequence[int]) -> tuple[int, ...]:
    rows = bulk.fetch("SELECT id FROM inventory_warehouse WHERE active ORDER BY priority, id")
    mine = [row[0] for row in rows if actor.sees_warehouse(row[0])]
    if not warehouse_ids:
        return tuple(mine)
    if not set(warehouse_ids) <= set(mine):
        raise BusinessError("warehouse.not_found")
    return tuple(dict.fromkeys(warehouse_ids))


def _key(actor: Actor) -> int:
    """Programs act under the negative id of their key."""
    if actor.kind != "api" or actor.id is None:
        raise BusinessError("api.key_unknown")
    return -actor.id

"""What only a person can answer: the marketplace against the parcel, a wish to cancel against a hold that would end."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from core import bulk
from core.audit import record, record_many
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions
from orders.models import Order

CANCEL_ASKED = "order.cancel_requested"


def stay_held(order_ids: Sequence[int], actor: Actor) -> None:
    """The buyer asks to cancel orders that are held: now they are held for that, and no date or rule lets them go.

    In the caller's transaction, which has them locked; told once.
    """
    if not order_ids:
        return
    rows = bulk.fetch(
        "UPDATE orders_order SET reason_code = %s, reason_params = NULL, hold_until = NULL, version = version + 1"
        " WHERE id = ANY(%s) AND state = 'held' AND (reason_code <> %s OR hold_until IS NOT NULL) RETURNING id",
        [CANCEL_ASKED, list(order_ids), CANCEL_ASKED],
    )
    record_many(actor, [("order", pk, "order.to_held", {"from": "held", "why": CANCEL_ASKED}) for (pk,) in rows])


@transaction.atomic
def settle(*, actor: Actor, order_id: int, version: int) -> None:
    """The order goes on as it is; the conflict is no longer shown.

    Raises BusinessError ``order.not_found``, ``order.changed_meanwhile`` (somebody saved after ``version``),
    ``order.no_conflict``.
    """
    actor.require(permissions.EDIT)
    order = Order.objects.select_for_update().filter(pk=order_id).first()
    if order is None or not actor.sees_account(order.account_id) or not actor.sees_warehouse(order.warehouse_id):
        raise BusinessError("order.not_found")
    if order.version != version:
        raise BusinessError("order.changed_meanwhile")
    if not order.conflict:
        raise BusinessError("order.no_conflict")
    record(actor, "order", order_id, "order.conflict_settled", conflict=order.conflict)
    order.conflict = ""
    order.version += 1
    order.save(update_fields=["conflict", "version"])

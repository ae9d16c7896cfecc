"""A person settles a conflict between what the marketplace says and where the parcel is."""

from __future__ import annotations

from django.db import transaction

from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions
from orders.models import Order


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

"""Opening a masked personal field: allowed by role, and logged (the platforms ask for it)."""

from __future__ import annotations

from core import clock
from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from core.records.models import PersonalRead
from orders import queries

REVEALABLE = ("ship_phone", "ship_email", "buyer_email")


def reveal(*, actor: Actor, order_id: int, field: str) -> str:
    """The clear value of a masked field. Raises NotAllowed; BusinessError ``order.not_found``, ``order.no_such_field``."""
    actor.require(SEE_PERSONAL)
    if field not in REVEALABLE:
        raise BusinessError("order.no_such_field")
    order = queries.get(actor, order_id)
    PersonalRead.objects.create(
        at=clock.now(), actor_id=actor.id, actor_label=actor.label, kind="order", object_id=order_id, field=field
    )
    return str(getattr(order, field))

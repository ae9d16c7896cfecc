"""Opening a masked personal field: allowed by role, and logged (the platforms ask for it)."""

from __future__ import annotations

from core.errors import BusinessError
from core.permissions import SEE_PERSONAL, Actor
from core.personal import log_read
from orders import queries

REVEALABLE = ("ship_phone", "ship_email", "buyer_email")


def reveal(*, actor: Actor, order_id: int, field: str) -> str:
    """The clear value of a masked field. Raises NotAllowed; BusinessError ``order.not_found``, ``order.no_such_field``."""
    actor.require(SEE_PERSONAL)
    if field not in REVEALABLE:
        raise BusinessError("order.no_such_field")
    order = queries.get(actor, order_id)
    log_read(actor, "order", order_id, field)
    return str(getattr(order, field))

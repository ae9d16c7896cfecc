"""A person asks for one order to be read again from its marketplace, now."""

from __future__ import annotations

from channels.services.reread import read_again
from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions, queries
from orders.models import MANUAL
from orders.services.ingest import ingest_pending


def pull_again(*, actor: Actor, order_id: int) -> bool:
    """Read the order from its marketplace and ingest it; True when something was new. HTTP: never in a transaction.

    Raises BusinessError ``order.no_account`` (entered by hand), ``order.gone_at_channel``, or the reason why the
    marketplace did not answer (``order.pull_failed`` with its code).
    """
    actor.require(permissions.ROUTE)
    order = queries.get(actor, order_id)
    if order.account is None or order.platform == MANUAL:
        raise BusinessError("order.no_account")
    answer = read_again(account_id=order.account.pk, external_ids=[order.external_id], actor=actor)
    if answer.missing:
        raise BusinessError("order.gone_at_channel", number=order.number)
    if not answer.asked:
        why = answer.code or order.account.health_code or "adapter.transient"
        raise BusinessError("order.pull_failed", why=why, **answer.params)
    if answer.fresh:
        ingest_pending(account_id=order.account.pk, platform=order.account.platform, actor=actor)
    record(actor, "order", order_id, "order.pulled_again", fresh=answer.fresh)
    return bool(answer.fresh)

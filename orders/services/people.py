"""Who looks after an order, and what colleagues tell each other about it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from core import bulk, clock
from core.audit import record, record_many
from core.errors import BusinessError
from core.permissions import Actor
from orders import permissions
from orders.models import OrderNote
from orders.services.acts import Outcome, locked

MOST_CHARS = 2000


@transaction.atomic
def assign(*, actor: Actor, order_ids: Sequence[int], user_id: int | None, label: str = "") -> Outcome:
    """Give orders to a colleague (``user_id`` None: to nobody). ``label``: the colleague's name, for the history.

    The caller has seen that the colleague is a member. Whoever has an order already keeps it without an entry.
    """
    actor.require(permissions.ASSIGN)
    found, outcome = locked(actor, order_ids)
    rows = bulk.fetch(
        "UPDATE orders_order o SET assignee_id = %s FROM orders_order b WHERE b.id = o.id AND o.id = ANY(%s)"
        " AND o.assignee_id IS DISTINCT FROM %s RETURNING o.id, b.assignee_id",
        [user_id, list(found), user_id],
    )
    outcome.done = list(found)
    code = "order.unassigned" if user_id is None else "order.assigned"
    record_many(
        actor, [("order", pk, code, {"to": label, "user": user_id, "was": before}) for pk, before in sorted(rows)]
    )
    return outcome


@transaction.atomic
def note(*, actor: Actor, order_id: int, text: str) -> OrderNote:
    """Write an internal note; nobody outside the house ever sees it. The same words again within the minute are one note.

    Raises BusinessError ``order.not_found``, ``note.empty``, ``note.too_long``.
    """
    actor.require(permissions.ASSIGN)
    words = text.strip()
    if not words:
        raise BusinessError("note.empty")
    if len(words) > MOST_CHARS:
        raise BusinessError("note.too_long", most=MOST_CHARS)
    found, _ = locked(actor, [order_id])
    if not found:
        raise BusinessError("order.not_found")
    now = clock.now()
    last = OrderNote.objects.filter(order_id=order_id).order_by("-id").first()
    if last and last.text == words and last.author_id == actor.id and (now - last.at).total_seconds() < 60:
        return last
    made = OrderNote.objects.create(order_id=order_id, text=words, at=now, author_id=actor.id, author_label=actor.label)
    record(actor, "order", order_id, "order.noted", note_id=made.pk)
    return made


@transaction.atomic
def remove_note(*, actor: Actor, order_id: int, note_id: int) -> None:
    """Take a note of one's own away. Raises BusinessError ``order.not_found``, ``note.not_yours``."""
    actor.require(permissions.ASSIGN)
    found, _ = locked(actor, [order_id])
    if not found:
        raise BusinessError("order.not_found")
    gone, _ = OrderNote.objects.filter(order_id=order_id, pk=note_id, author_id=actor.id).delete()
    if not gone:
        raise BusinessError("note.not_yours")
    record(actor, "order", order_id, "order.note_removed", note_id=note_id)

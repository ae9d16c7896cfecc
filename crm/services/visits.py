"""Who is at a conversation now, and what they were writing: so that two do not answer at once and no draft is lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import Actor
from crm import permissions
from crm.models import Conversation, Visit

THERE = timedelta(seconds=45)  # wall: without a sign for so long, somebody has gone
LONGEST_DRAFT = 20_000


@dataclass(frozen=True, slots=True)
class Other:
    """A colleague who has the conversation open."""

    label: str
    writing: bool


def be_here(*, actor: Actor, conversation_id: int, writing: bool = False, draft: str | None = None) -> list[Other]:
    """Note that the actor has the conversation open (and keep the draft); returns the others who have. Two statements.

    Raises NotAllowed, BusinessError ``conversation.not_found``.
    """
    actor.require(permissions.ANSWER)
    if actor.id is None:
        return []
    account = Conversation.objects.filter(pk=conversation_id).values_list("account_id", flat=True).first()
    if account is None or not actor.sees_account(account):
        raise BusinessError("conversation.not_found")
    now = clock.wall()
    text = None if draft is None else draft.replace("\0", "")[:LONGEST_DRAFT]
    bulk.execute(
        "INSERT INTO crm_visit (conversation_id, user_id, user_label, seen_at, writing_at, draft, draft_at)"
        " VALUES (%s, %s, %s, %s, %s, coalesce(%s, ''), %s) ON CONFLICT (conversation_id, user_id) DO UPDATE SET"
        " seen_at = EXCLUDED.seen_at, user_label = EXCLUDED.user_label,"
        " writing_at = coalesce(EXCLUDED.writing_at, crm_visit.writing_at),"
        " draft = coalesce(%s, crm_visit.draft), draft_at = coalesce(EXCLUDED.draft_at, crm_visit.draft_at)",
        [
            conversation_id,
            actor.id,
            actor.label[:120],
            now,
            now if writing else None,
            text,
            now if text else None,
            text,
        ],
    )
    return others(actor, conversation_id)


def others(actor: Actor, conversation_id: int) -> list[Other]:
    """Colleagues who have the conversation open now."""
    if actor.id is None:
        return []
    since = clock.wall() - THERE
    rows = Visit.objects.filter(conversation_id=conversation_id, seen_at__gte=since).exclude(user_id=actor.id)
    return [
        Other(row.user_label, row.writing_at is not None and row.writing_at >= since)
        for row in rows.order_by("user_label")
    ]


def draft_of(actor: Actor, conversation_id: int) -> str:
    """What this person was writing when the page was left."""
    if actor.id is None:
        return ""
    found = Visit.objects.filter(conversation_id=conversation_id, user_id=actor.id).values_list("draft", flat=True)
    return str(found.first() or "")


def forget_draft(*, actor: Actor, conversation_id: int) -> None:
    """The answer was written: its draft goes, and nobody is writing any more."""
    if actor.id is not None:
        Visit.objects.filter(conversation_id=conversation_id, user_id=actor.id).update(
            draft="", draft_at=None, writing_at=None
        )

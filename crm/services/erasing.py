"""What conversations hold about people: who wrote, about what, and every text. Times, states and counts stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from channels.registry import all_adapters
from channels.services.inbox import MESSAGE as MESSAGE_PAYLOAD
from core import bulk, clock, files
from core.erasure import BUYER, CONVERSATION, ERASED, ORDER, PAYLOAD, Trail
from core.records.models import StoredFile
from crm.models import Conversation, Message

PAGE = 1000
DRAFTS_KEPT = timedelta(days=30)

_FOUND = """
SELECT c.id FROM crm_conversation c JOIN channels_account a ON a.id = c.account_id
 WHERE a.platform = coalesce(nullif(%s, ''), a.platform) AND c.thread NOT LIKE %s
   AND (c.buyer_id = ANY(%s) OR c.order_id = ANY(%s))
"""


def find(trail: Trail) -> None:
    """Only for a whole person: a conversation has dates of its own, whatever became of its order."""
    if not trail.whole:
        return
    rows = bulk.fetch(_FOUND, [trail.platform, f"{ERASED}%", trail.get(BUYER), trail.get(ORDER)])
    trail.add(CONVERSATION, [row[0] for row in rows])
    rows = bulk.fetch(
        "SELECT account_id, external_id FROM crm_message WHERE conversation_id = ANY(%s) AND external_id IS NOT NULL",
        [trail.get(CONVERSATION)],
    )
    trail.add(PAYLOAD, [(row[0], MESSAGE_PAYLOAD, row[1]) for row in rows])


def erase(trail: Trail) -> dict[str, int]:
    return {"conversations": forget(trail.get(CONVERSATION))}


def forget(conversation_ids: Sequence[int]) -> int:
    """Empty these conversations, in the caller's transaction; an answer that is not sent yet stays unsent."""
    if not conversation_ids:
        return 0
    ids = list(conversation_ids)
    count = bulk.execute(
        "UPDATE crm_conversation SET thread = %s || id, buyer_id = '', buyer_name = '', subject = '', state = %s,"
        " waiting_since = NULL, answer_by = NULL WHERE id = ANY(%s) AND thread NOT LIKE %s",
        [ERASED, Conversation.CLOSED, ids, f"{ERASED}%"],
    )
    bulk.execute(
        "UPDATE crm_message SET state = %s, next_at = NULL, lease_token = NULL, lease_until = NULL, error_code = %s"
        " WHERE conversation_id = ANY(%s) AND state = ANY(%s)",
        [Message.FAILED, "message.person_erased", ids, list(Message.UNDER_WAY)],
    )
    bulk.execute(
        "UPDATE crm_message SET state = %s WHERE conversation_id = ANY(%s) AND direction = 'in' AND state = ''",
        [Message.DISMISSED, ids],
    )
    _forget_files("conversation_id", ids)
    bulk.execute("DELETE FROM crm_visit WHERE conversation_id = ANY(%s)", [ids])  # what somebody was writing to them
    bulk.execute(
        "UPDATE crm_message SET body = '', error_params = '{}', purge_at = NULL WHERE conversation_id = ANY(%s)"
        " AND (body <> '' OR purge_at IS NOT NULL OR error_params <> '{}')",
        [ids],
    )
    return count


def _forget_files(of: str, ids: Sequence[int]) -> None:
    """Attachments ``of`` these (conversation_id or message_id), with what is stored of them."""
    rows = bulk.fetch(f"DELETE FROM crm_attachment WHERE {of} = ANY(%s) RETURNING file_id", [list(ids)])
    for file in StoredFile.objects.filter(pk__in=[row[0] for row in rows if row[0] is not None]):
        files.delete(file)


def expire() -> int:
    """A page of texts whose date has come, or of conversations in which nobody wrote since; returns how many."""
    # A draft that nobody came back to is no text for ever.
    bulk.execute("DELETE FROM crm_visit WHERE seen_at <= %s", [clock.now() - DRAFTS_KEPT])
    return _expire_texts() or forget_silent()


@transaction.atomic
def _expire_texts() -> int:
    """Texts with their files, wanted ones too."""
    rows = bulk.fetch(
        "UPDATE crm_message SET body = '', purge_at = NULL WHERE id IN"
        " (SELECT id FROM crm_message WHERE purge_at <= %s LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING id",
        [clock.now(), PAGE],
    )
    if rows:
        _forget_files("message_id", [row[0] for row in rows])
    return len(rows)


@transaction.atomic
def forget_silent() -> int:
    """Conversations whose last message is older than the platform's days; those with an answer under way wait."""
    days = {name: adapter.purge_after_days for name, adapter in all_adapters().items()}
    for platform, days_kept in days.items():
        rows = bulk.fetch(
            "SELECT c.id FROM crm_conversation c JOIN channels_account a ON a.id = c.account_id"
            " WHERE a.platform = %s AND c.last_at <= %s AND c.thread NOT LIKE %s AND NOT EXISTS"
            " (SELECT 1 FROM crm_message m WHERE m.conversation_id = c.id AND m.next_at IS NOT NULL) LIMIT %s",
            [platform, clock.now() - timedelta(days=days_kept), f"{ERASED}%", PAGE],
        )
        if rows:
            return forget([row[0] for row in rows])
    return 0

"""Keeps what the inbox is sorted by: since when each conversation waits and until when the platform wants an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from channels.models import Account
from channels.registry import adapter_of
from core import bulk, settings_store
from core.errors import BusinessError
from core.permissions import Actor

SETTING = "answer_hours"  # {account id: hours}; the platform's own where nothing is said
LONGEST_HOURS = 24 * 14

# The same rule as ``crm.waiting``. Reads only the messages of the conversations named, by their index.
_SQL = """
    WITH covered AS (
        SELECT a.conversation_id, a.id AS answer_id, p.at AS until_at, p.id AS until_id
          FROM crm_message a
          JOIN crm_message p ON p.conversation_id = a.conversation_id AND p.direction = 'in'
                            AND p.external_id = a.parent_external_id
         WHERE a.conversation_id = ANY(%s) AND a.direction = 'out' AND a.state = 'sent'
    ), now AS (
        SELECT m.conversation_id,
               min(m.at) FILTER (WHERE m.direction = 'in' AND m.state = '' AND NOT EXISTS (
                   SELECT 1 FROM covered c WHERE c.conversation_id = m.conversation_id AND m.id < c.answer_id
                      AND (m.at, m.id) <= (c.until_at, c.until_id))) AS since,
               max(m.at) FILTER (WHERE m.direction <> 'note') AS last_at,
               count(*) FILTER (WHERE m.direction <> 'note') AS n
          FROM crm_message m WHERE m.conversation_id = ANY(%s) GROUP BY m.conversation_id
    )
    UPDATE crm_conversation c
       SET waiting_since = now.since, answer_by = now.since + make_interval(hours => %s),
           last_at = COALESCE(now.last_at, c.last_at), messages_count = now.n,
           state = CASE WHEN now.since IS NOT NULL THEN 'open' WHEN c.state = 'closed' THEN 'closed' ELSE 'answered' END
      FROM now WHERE c.id = now.conversation_id
"""


def recompute(conversation_ids: Sequence[int], within_hours: int) -> None:
    """Write the clock of conversations that the caller has locked, in one statement.

    A closed one stays closed unless something in it waits.
    """
    if conversation_ids:
        ids = sorted(set(conversation_ids))
        bulk.execute(_SQL, [ids, ids, within_hours])


def lock(conversation_ids: Sequence[int]) -> None:
    """Lock conversations in the order that everybody takes."""
    bulk.fetch("SELECT id FROM crm_conversation WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [sorted(conversation_ids)])


def hours_of(account_id: int, platform: str) -> int:
    """Within how many hours a buyer of the account is to be answered: the house's own rule, else the platform's."""
    given = settings_store.get(SETTING, {})
    return int(given.get(str(account_id)) or adapter_of(platform).answer_within_hours)


@transaction.atomic
def tune(*, actor: Actor, hours: Mapping[int, int]) -> None:
    """Set the deadline of accounts; who waits already gets the new one.

    Raises NotAllowed, BusinessError ``conversation.hours``.
    """
    if any(not 1 <= value <= LONGEST_HOURS for value in hours.values()):
        raise BusinessError("conversation.hours", most=LONGEST_HOURS)
    known = set(Account.objects.filter(pk__in=hours).values_list("pk", flat=True))
    mine = {pk: value for pk, value in hours.items() if pk in known and actor.sees_account(pk)}
    settings_store.alone(SETTING)
    kept = settings_store.get(SETTING, {}) | {str(pk): value for pk, value in mine.items()}
    settings_store.put(actor, SETTING, kept)
    for pk, value in mine.items():
        bulk.execute(
            "UPDATE crm_conversation SET answer_by = waiting_since + make_interval(hours => %s)"
            " WHERE account_id = %s AND state = 'open' AND waiting_since IS NOT NULL",
            [value, pk],
        )

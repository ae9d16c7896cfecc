"""Writes to the outside world happen once: the intent is committed before the call, under the act's own key.

    state = begin("book:SO-17-1")            # commits
    if state == NEW: send … answered(key, …)  | unknown(key) on UnknownOutcome | refused(key) on Rejected
    if state in (SENT, UNKNOWN): look up at the other side; found → answered(key, …); not there → again(key), then send
    if state == ANSWERED: nothing to send, answer_of(key) is what came back

Moments here are wall clock: they guard real requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk
from core.clock import wall

NEW, SENT, UNKNOWN, ANSWERED = "new", "sent", "unknown", "answered"

# A request that began less than this ago may still be on its way: the longest time-out and some.
IN_FLIGHT_SECONDS = 40.0

TABLE = "records_externalwrite"


def begin(key: str) -> str:
    """Commit the intent to send. ``new``: send now. ``sent``, ``unknown``: look up, never send. ``answered``: done.

    A write that was refused before begins anew. Raises RuntimeError inside a transaction: the intent must be committed.
    """
    return begin_many([key])[key]


def begin_many(keys: Sequence[str]) -> dict[str, str]:
    """As ``begin`` for a page of acts, with one commit."""
    if not keys:
        return {}
    at = wall()
    # One statement decides: an existing row is only touched when it was refused, so of two workers one gets it back.
    conflict = (
        f"(key) DO UPDATE SET state = 'sent', sent_at = EXCLUDED.sent_at, closed_at = NULL, "
        f"attempts = {TABLE}.attempts + 1 WHERE {TABLE}.state = 'refused'"
    )
    rows = [(key, SENT, 1, at) for key in sorted(set(keys))]
    with transaction.atomic(durable=True):
        made = bulk.insert(TABLE, ("key", "state", "attempts", "sent_at"), rows, conflict=conflict, returning="key")
    found = {str(row[0]): NEW for row in made}
    rest = [key for key in keys if key not in found]
    if rest:
        found |= {str(k): str(s) for k, s in bulk.fetch(f"SELECT key, state FROM {TABLE} WHERE key = ANY(%s)", [rest])}
    return found


def again(key: str, *, in_flight: float = IN_FLIGHT_SECONDS) -> bool:
    """After a look-up found nothing: take the right to send once more; commits. False: too early, or not ours to take.

    ``in_flight``: seconds since the last sending within which a look-up proves nothing.
    """
    sql = f"""
        UPDATE {TABLE} SET state = 'sent', sent_at = %s, attempts = attempts + 1
         WHERE key = %s AND state IN ('sent', 'unknown') AND sent_at <= %s
    """
    at = wall()
    with transaction.atomic(durable=True):
        return bulk.execute(sql, [at, key, at - timedelta(seconds=in_flight)]) == 1


def answered(key: str, answer: Any) -> None:
    """The other side said yes (or a look-up found it). In the transaction that uses the answer. No personal data."""
    answered_many([(key, answer)])


def answered_many(answers: Iterable[tuple[str, Any]]) -> None:
    """As ``answered`` for a page, with one statement."""
    rows = [(key, json.dumps(answer, default=str)) for key, answer in answers]
    if rows:
        values = ",".join(["(%s, %s::jsonb)"] * len(rows))
        sql = f"""
            UPDATE {TABLE} t SET state = 'answered', answer = v.answer, closed_at = %s
              FROM (VALUES {values}) AS v(key, answer) WHERE t.key = v.key
        """
        bulk.execute(sql, [wall(), *(part for row in rows for part in row)])


def unknown(key: str) -> None:
    """The answer got lost: only a look-up may follow."""
    bulk.execute(f"UPDATE {TABLE} SET state = 'unknown' WHERE key = %s AND state = 'sent'", [key])


def refused(key: str) -> None:
    """The other side said no and did nothing: after a correction the act may begin anew under the same key."""
    bulk.execute(f"UPDATE {TABLE} SET state = 'refused', closed_at = %s WHERE key = %s", [wall(), key])


def not_sent(key: str) -> None:
    """The call ended before anything was sent (Transient, Throttled): the act may begin anew."""
    refused(key)


def answer_of(key: str) -> Any:
    """What ``answered`` kept; None when there is no answer."""
    rows = bulk.fetch(f"SELECT answer FROM {TABLE} WHERE key = %s AND state = 'answered'", [key])
    return bulk.unpacked(rows[0][0]) if rows else None

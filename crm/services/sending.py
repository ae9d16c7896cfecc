"""Sending answers: each once, whatever happens in between.

A row is committed as *sending* before its call goes out. Whoever finds a row in *sending* (a worker died) or *unknown*
(the reply got lost) asks the platform first; only what is not there is sent again. Calls run in a few threads that
touch no database; the results of a batch are written in one transaction.
"""

from __future__ import annotations

import contextvars
import json
import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from channels.canonical import Answer
from channels.models import Account
from channels.protocol import Session
from channels.registry import adapter_of
from channels.services import tokens
from channels.services.health import STOPPED, consent_refused
from channels.services.sessions import session_of
from core import bulk, clock, faults, files
from core.audit import record_many
from core.central.leases import kept, until
from core.errors import (
    AdapterError,
    AlreadyDone,
    AuthExpired,
    AuthRevoked,
    BadPayload,
    Conflict,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    UnknownOutcome,
)
from core.events import emit
from core.permissions import Actor
from core.tenancy import require_tenant
from crm.models import Message
from crm.services import deadlines, pictures

log = logging.getLogger(__name__)

BATCH, THREADS = 16, 8
IN_FLIGHT_SECONDS = 10.0  # wall: so long after a lost reply "not there" may still become "there"
RUN_SECONDS = 100.0
FIRST_BACKOFF, LONGEST_BACKOFF = 15.0, 1800.0  # business seconds
GIVE_UP_AFTER = 20  # tries
GAVE_UP = "message.gave_up"


@dataclass(frozen=True, slots=True)
class _Row:
    """A leased answer; ``look_up``: it may have been sent already."""

    id: int
    conversation_id: int
    answer: Answer
    attempts: int
    look_up: bool
    pictures: tuple[pictures.Picture, ...] = ()


@dataclass(slots=True)
class _Result:
    row: _Row
    state: str
    wait: float = 0.0
    at: datetime | None = None
    external_id: str = ""
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    error: AdapterError | None = None
    counted: bool = True
    urls: dict[int, str] = field(default_factory=dict)  # pictures that were put up


@dataclass
class Sent:
    """What a run did, by message id. ``wait``: business seconds the account must rest, None: nothing known."""

    sent: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    put_off: int = 0
    wait: float | None = None


def due_accounts() -> list[int]:
    """Accounts with answers whose time has come."""
    rows = bulk.fetch("SELECT DISTINCT account_id FROM crm_message WHERE next_at <= %s", [clock.now()])
    return sorted(row[0] for row in rows)


def send_due(*, account_id: int, actor: Actor, seconds: float = RUN_SECONDS) -> Sent:
    """Send the account's answers that are due, batch by batch. Never call it inside a transaction.

    Emits ``messages.answered`` {account_id, ids} for what the platform has.
    """
    done, end = Sent(), clock.monotonic() + seconds
    account = Account.objects.get(pk=account_id)
    adapter = adapter_of(account.platform)
    while account.health not in STOPPED and clock.monotonic() < end:
        if not _waiting(account_id):
            break
        try:
            token, generation = tokens.access(account_id=account_id, actor=actor)
        except AdapterError as error:
            done.wait = error.retry_after if isinstance(error, Throttled) else FIRST_BACKOFF
            break
        lease = uuid.uuid4()
        rows = _lease(account_id, lease)
        if not rows:
            break
        with ExitStack() as held:
            for (
                row
            ) in rows:  # a slow platform may keep a batch for minutes; who has not begun yet must not be overtaken
                held.enter_context(kept(f'"{require_tenant()}".crm_message', row.id, str(lease)))
            results = _call_all(adapter, session_of(account, token), rows)
        write(account, deadlines.hours_of(account.pk, account.platform), lease, results, done, actor)
        if any(isinstance(result.error, AuthExpired) for result in results):
            tokens.expire(account_id=account_id, generation=generation)
        rest = _rest(account, results, actor)
        if rest is not None:
            done.wait = rest
            break
    return done


def _waiting(account_id: int) -> bool:
    sql = "SELECT 1 FROM crm_message WHERE next_at <= %s AND account_id = %s LIMIT 1"
    return bool(bulk.fetch(sql, [clock.now(), account_id]))


def _lease(account_id: int, lease: uuid.UUID) -> list[_Row]:
    """Take a batch, of each conversation only its first open answer; *queued* is committed as *sending* before any call."""
    now, wall = clock.now(), clock.wall()
    sql = """
        WITH due AS (
            SELECT m.id, m.state FROM crm_message m
             WHERE m.next_at <= %s AND m.account_id = %s AND (m.lease_until IS NULL OR m.lease_until < %s)
               AND NOT EXISTS (SELECT 1 FROM crm_message e WHERE e.conversation_id = m.conversation_id
                                  AND e.id < m.id AND e.next_at IS NOT NULL)
             ORDER BY m.next_at, m.id LIMIT %s FOR UPDATE SKIP LOCKED
        )
        UPDATE crm_message m
           SET lease_token = %s, lease_until = %s, attempts = m.attempts + 1,
               state = CASE WHEN due.state = 'queued' THEN 'sending' ELSE due.state END
          FROM due, crm_conversation c WHERE m.id = due.id AND c.id = m.conversation_id
        RETURNING m.id, m.conversation_id, m.key, m.parent_external_id, m.body, m.attempts, due.state, c.buyer_id,
                  c.item_ref, c.order_external_id, c.subject
    """
    with transaction.atomic():
        found = bulk.fetch(sql, [now, account_id, wall, BATCH, lease, until()])
    shown = pictures.of([row[0] for row in found])
    rows = []
    for pk, conversation, key, parent, body, attempts, state, buyer, item, order, subject in found:
        answer = Answer(key, parent, buyer, body, item_ref=item, order_external_id=order, subject=subject)
        row = _Row(pk, conversation, answer, attempts, state != Message.QUEUED, shown.get(pk, ()))
        rows.append(replace(row, answer=replace(answer, media=pictures.media_of(row.pictures))))
    return rows


def _call_all(adapter: Any, session: Session, rows: list[_Row]) -> list[_Result]:
    """Calls in threads. After one reply that concerns the whole account, the rest of the batch is not tried."""
    stopped: list[AdapterError] = []

    def one(row: _Row) -> _Result:
        if stopped:
            return _put_off(row, stopped[0])
        result = call(adapter, session, row)
        if isinstance(result.error, Throttled | AuthExpired | AuthRevoked):
            stopped.append(result.error)
        return result

    if len(rows) == 1:
        return [one(rows[0])]
    with ThreadPoolExecutor(min(THREADS, len(rows)), thread_name_prefix="answers") as pool:
        # Each thread counts its calls in the caller's context.
        return [f.result() for f in [pool.submit(contextvars.copy_context().run, one, row) for row in rows]]


def call(adapter: Any, session: Session, row: _Row) -> _Result:
    """One answer: look it up where it may have been sent, else send it. Never raises.

    Pictures take a turn of their own before: they may be slow, and whoever lost the lease meanwhile must not send.
    """
    urls: dict[int, str] = {}
    result = _call(adapter, session, row, urls)
    result.urls = urls
    return result


def _call(adapter: Any, session: Session, row: _Row, urls: dict[int, str]) -> _Result:
    sending = False
    try:
        if row.look_up:
            found = adapter.find_answer(session, row.answer)
            if found is not None:
                return _Result(row, Message.SENT, at=found.at, external_id=found.external_id)
        if not all(one.url for one in row.pictures):
            pictures.put_up(adapter, session, row.pictures, urls)
            return _Result(row, Message.UNKNOWN if row.look_up else Message.QUEUED, counted=False)
        sending = True
        sent = adapter.send_answer(session, row.answer)
        return _Result(row, Message.SENT, at=sent.at, external_id=sent.external_id)
    except (UnknownOutcome, AlreadyDone) as error:
        return _settle(adapter, session, row, error)
    except (Rejected, NotFound, PermissionMissing, BadPayload, Conflict) as error:
        code, params = faults.stored(error)
        return _Result(row, Message.FAILED, code=code, params=params, error=error)
    except files.FileDamaged:
        return _Result(row, Message.FAILED, code="attachment.lost")
    except AdapterError as error:
        return _put_off(row, error)
    except Exception as error:  # a defect of ours: whether the call went out is not sure
        log.exception("answer %s", row.id)
        code, params = faults.stored(error)
        state = Message.UNKNOWN if sending or row.look_up else Message.QUEUED
        return _Result(row, state, _backoff(row, state), code=code, params=params)


def _settle(adapter: Any, session: Session, row: _Row, error: AdapterError) -> _Result:
    """Nobody knows whether it arrived: ask."""
    code, params = faults.stored(error)
    try:
        found = adapter.find_answer(session, row.answer)
    except AdapterError as second:
        wait = max(_wait_of(row, second), _backoff(row, Message.UNKNOWN))
        return _Result(row, Message.UNKNOWN, wait, code=code, params=params, error=second)
    if found is not None:
        return _Result(row, Message.SENT, at=found.at, external_id=found.external_id)
    # Not there now may still be on its way there: the next try asks again before it sends.
    return _Result(row, Message.UNKNOWN, _backoff(row, Message.UNKNOWN), code=code, params=params, error=error)


def _put_off(row: _Row, error: AdapterError) -> _Result:
    """Nothing was sent now; what may have been sent before still has to be looked up."""
    code, params = faults.stored(error)
    state = Message.UNKNOWN if row.look_up else Message.QUEUED
    counted = not isinstance(error, Throttled | AuthExpired | AuthRevoked)
    return _Result(row, state, _wait_of(row, error), code=code, params=params, error=error, counted=counted)


def _wait_of(row: _Row, error: AdapterError) -> float:
    if isinstance(error, Throttled):
        return max(0.5, error.retry_after or 2.0)
    return 0.0 if isinstance(error, AuthExpired) and row.attempts < 4 else _backoff(row, "")


def _backoff(row: _Row, state: str) -> float:
    wait = float(min(FIRST_BACKOFF * 2 ** min(row.attempts - 1, 10), LONGEST_BACKOFF))
    # Business time may run faster than the wire.
    return max(wait, IN_FLIGHT_SECONDS * clock.speed()) if state == Message.UNKNOWN else wait


def write(
    account: Account, within_hours: int, lease: uuid.UUID, results: Sequence[_Result], done: Sent, actor: Actor
) -> None:
    """Store a batch's results in one transaction; rows that another worker has taken over meanwhile are left to it."""
    now = clock.now()
    for result in results:
        if result.counted and result.state in Message.UNDER_WAY and result.row.attempts >= GIVE_UP_AFTER:
            result.state, result.code, result.params = Message.FAILED, GAVE_UP, {"reason": result.code}
    with transaction.atomic():
        deadlines.lock([result.row.conversation_id for result in results])
        mine = {
            row[0]
            for row in bulk.fetch(
                "SELECT id FROM crm_message WHERE id = ANY(%s) AND lease_token = %s ORDER BY id FOR UPDATE",
                [[result.row.id for result in results], lease],
            )
        }
        ours = [result for result in results if result.row.id in mine]
        if ours:
            bulk.execute(_WRITE, bulk.columns([_values(result, now) for result in ours]))
            pictures.save({pk: url for result in ours for pk, url in result.urls.items()})
        sent = [result for result in ours if result.state == Message.SENT]
        failed = [result for result in ours if result.state == Message.FAILED]
        deadlines.recompute([result.row.conversation_id for result in sent], within_hours)
        record_many(
            actor,
            [("conversation", r.row.conversation_id, "conversation.answered", {"message": r.row.id}) for r in sent]
            + [
                (
                    "conversation",
                    r.row.conversation_id,
                    "conversation.answer_failed",
                    {"message": r.row.id, "why": r.code},
                )
                for r in failed
            ],
        )
        if sent:
            emit("messages.answered", {"account_id": account.pk, "ids": [result.row.id for result in sent]})
    done.sent += [result.row.id for result in sent]
    done.failed += [result.row.id for result in failed]
    done.put_off += len(ours) - len(sent) - len(failed)


# A platform that lists our answers among the messages may have given this one in already: then the id stays there.
_WRITE = """
    UPDATE crm_message m
       SET state = v.state, next_at = v.next_at, at = COALESCE(v.sent_at, m.at), attempts = v.attempts,
           error_code = v.code, error_params = v.params::jsonb, lease_token = NULL, lease_until = NULL,
           external_id = CASE WHEN v.ext = '' OR EXISTS (SELECT 1 FROM crm_message x WHERE x.account_id = m.account_id
                                                            AND x.external_id = v.ext) THEN m.external_id ELSE v.ext END
      FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
                  %s::int[]) AS v(id, state, next_at, sent_at, ext, code, params, attempts)
     WHERE m.id = v.id
"""


def _values(result: _Result, now: datetime) -> tuple[Any, ...]:
    sent = result.state == Message.SENT
    return (
        result.row.id,
        result.state,
        None if sent or result.state == Message.FAILED else now + timedelta(seconds=result.wait),
        (result.at or now) if sent else None,
        result.external_id[:120],
        "" if sent else result.code,
        json.dumps({} if sent else result.params, default=str),
        result.row.attempts if result.counted else result.row.attempts - 1,
    )


def _rest(account: Account, results: Sequence[_Result], actor: Actor) -> float | None:
    """How long the account must rest after these results, None: not at all."""
    for result in results:
        error = result.error
        if isinstance(error, AuthRevoked):
            consent_refused(account=account, error=error, actor=actor)
            return FIRST_BACKOFF
        if isinstance(error, Throttled):
            return max(0.5, error.retry_after or 2.0)
    return None

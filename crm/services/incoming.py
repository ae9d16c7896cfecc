"""From the raw inbox to conversations: a page at a time, in bulk, each message exactly once.

As with orders: the raw rows' state is set in the transaction that writes the messages, and a page that the database
refuses is bisected down to the bad one, which becomes *dead* with its reason while the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError, IntegrityError, transaction

from channels import canonical
from channels.models import Account, RawPayload
from channels.registry import adapter_of
from channels.services.inbox import clean
from core import bulk, clock
from core.errors import BadPayload
from core.events import emit
from core.tenancy import require_tenant
from crm.models import Message
from crm.services import deadlines, linking, media

PAGE = 100
# Columns and how long a text they take.
SIZES = {"thread": 200, "buyer_id": 160, "buyer_name": 200, "subject": 300, "item_ref": 120, "order_external_id": 120}
MUST_FIT = ("thread", "buyer_id", "item_ref", "order_external_id")  # cut off they would be others
_CONVERSATION = ("id", "account_id", *SIZES, "state", "last_at", "messages_count", "created_at")
_MESSAGE = (
    "id",
    "conversation_id",
    "account_id",
    "direction",
    "external_id",
    "parent_external_id",
    "body",
    "at",
    "state",
    "attempts",
    "error_code",
    "error_params",
    "actor_label",
    "purge_at",
)

_ENRICH = """
    UPDATE crm_conversation c
       SET buyer_name = COALESCE(NULLIF(v.name, ''), c.buyer_name), subject = COALESCE(NULLIF(c.subject, ''), v.subject),
           item_ref = COALESCE(NULLIF(v.item, ''), c.item_ref),
           order_external_id = COALESCE(NULLIF(v.ext, ''), c.order_external_id)
      FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) AS v(id, name, subject, item, ext)
     WHERE c.id = v.id
"""

Bad = tuple[int, str, dict[str, Any]]  # raw id, code, parameters


@dataclass
class Result:
    """``created``: ids of new messages; ``known``: raw rows that said nothing new; ``dead``: raw rows set aside."""

    created: list[int] = field(default_factory=list)
    known: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Incoming:
    raw_id: int
    message: canonical.Message


def ingest_pending(*, account_id: int, limit: int = 100_000) -> Result:
    """Take in what waits in the account's raw inbox, oldest first, each page one transaction.

    Emits ``messages.stored`` {account_id, ids} for new messages. Returns counts of the whole call.
    """
    account = Account.objects.only("id", "platform").get(pk=account_id)
    result, seen = Result(), 0
    while seen < limit:
        count = _one_page(account, result)
        if count == 0:
            break
        seen += count
    return result


def pending_accounts() -> list[int]:
    """Accounts with messages in the raw inbox: for the sweep after a crash."""
    rows = bulk.fetch("SELECT DISTINCT account_id FROM channels_rawpayload WHERE kind = 'message' AND state = 0")
    return sorted(row[0] for row in rows)


def _one_page(account: Account, result: Result) -> int:
    with transaction.atomic():
        # One at a time per account: a second one waits, then finds nothing left.
        bulk.execute(
            "SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [f"messages:{require_tenant()}", account.pk % 2**31]
        )
        raws = bulk.fetch(
            "SELECT id, payload FROM channels_rawpayload WHERE account_id = %s AND kind = 'message' AND state = 0"
            " ORDER BY id LIMIT %s",
            [account.pk, PAGE],
        )
        if raws:
            page, bad = parse(account.platform, raws)
            bury(bad)
            result.dead += len(bad)
            if page:
                _write(account, page, result)
    return len(raws)


def parse(platform: str, raws: Sequence[tuple[int, str]]) -> tuple[list[Incoming], list[Bad]]:
    """Parsed messages, and what cannot be read with its reason. Never raises for content."""
    adapter = adapter_of(platform)
    page: list[Incoming] = []
    bad: list[Bad] = []
    for raw_id, payload in raws:
        try:
            message: canonical.Message = adapter.parse_message(payload)
            check(message)
        except BadPayload as error:
            bad.append((raw_id, error.code, error.params))
        except (ValueError, TypeError, KeyError, LookupError, ArithmeticError, AttributeError) as error:
            # A defect of the adapter does not stop the page; the class tells the programmer where to look.
            bad.append((raw_id, "payload.unreadable", {"kind": type(error).__name__}))
        else:
            page.append(Incoming(raw_id, message))
    return page, bad


def check(message: canonical.Message) -> None:
    """Raises BadPayload for what cannot stand in the inbox."""
    if not message.external_id or len(message.external_id) > 120:
        raise BadPayload("message.no_id", path="external_id")
    if not message.thread:
        raise BadPayload("message.no_thread", path="thread")
    for name in MUST_FIT:
        if len(getattr(message, name)) > SIZES[name]:
            raise BadPayload("payload.too_long", path=name)
    if message.sent_at.tzinfo is None:
        raise BadPayload("payload.naive_time", path="sent_at")


def _write(account: Account, page: list[Incoming], result: Result) -> None:
    try:
        with transaction.atomic():
            created = write_page(account, page)
    except (DataError, IntegrityError) as error:
        if len(page) == 1:
            bury([(page[0].raw_id, "payload.refused_by_database", {"kind": type(error).__name__})])
            result.dead += 1
            return
        middle = len(page) // 2
        _write(account, page[:middle], result)
        _write(account, page[middle:], result)
        return
    result.created += created
    result.known += len(page) - len(created)
    if created:
        emit("messages.stored", {"account_id": account.pk, "ids": created})


def write_page(account: Account, page: Sequence[Incoming]) -> list[int]:
    """Write a page in the caller's transaction, with a fixed number of statements. Returns the new messages' ids."""
    adapter = adapter_of(account.platform)
    newest: dict[str, canonical.Message] = {}
    for item in page:
        before = newest.get(item.message.external_id)
        if before is None or item.message.answered or not before.answered:
            newest[item.message.external_id] = item.message
    now = clock.now()
    known = {
        row[0]: row[1]
        for row in bulk.fetch(
            "SELECT external_id, conversation_id FROM crm_message WHERE account_id = %s AND external_id = ANY(%s)",
            [account.pk, list(newest)],
        )
    }
    fresh = [message for external_id, message in newest.items() if external_id not in known]
    answered = [external_id for external_id in known if newest[external_id].answered]
    threads = _conversations(account.pk, fresh, {known[external_id] for external_id in answered}, now)
    bulk.execute(
        "UPDATE crm_message SET state = %s WHERE account_id = %s AND external_id = ANY(%s) AND direction = 'in'"
        " AND state = ''",
        [Message.ELSEWHERE, account.pk, answered],
    )
    ids = _insert(account.pk, fresh, threads, timedelta(days=adapter.purge_after_days))
    touched = {*threads.values(), *(known[external_id] for external_id in answered)}
    linking.link(sorted(touched))
    deadlines.recompute(sorted(touched), deadlines.hours_of(account.pk, account.platform))
    bulk.execute(
        "UPDATE channels_rawpayload SET state = %s, attempts = attempts + 1 WHERE id = ANY(%s)",
        [RawPayload.INGESTED, [item.raw_id for item in page]],
    )
    return ids


def _conversations(
    account_id: int, fresh: Sequence[canonical.Message], also: set[int], now: datetime
) -> dict[str, int]:
    """{thread: conversation id} of the fresh messages, made where they are new; all of them locked, ``also`` too."""
    latest: dict[str, canonical.Message] = {}
    for message in sorted(fresh, key=lambda one: one.sent_at):
        latest[clean(message.thread)] = message
    rows = bulk.fetch(
        "SELECT thread, id FROM crm_conversation WHERE (account_id = %s AND thread = ANY(%s)) OR id = ANY(%s)"
        " ORDER BY id FOR UPDATE",
        [account_id, list(latest), sorted(also)],
    )
    found = {thread: pk for thread, pk in rows if thread in latest}
    missing = [thread for thread in latest if thread not in found]
    ids = dict(zip(missing, bulk.ids("crm_conversation", len(missing)), strict=True))
    bulk.insert(
        "crm_conversation",
        _CONVERSATION,
        [
            (ids[thread], account_id, *_texts(latest[thread]), "open", latest[thread].sent_at, 0, now)
            for thread in missing
        ],
    )
    if found:
        # What a later message says of the buyer or the order fills in what was not known.
        values = [(found[thread], *_texts(latest[thread])[2:]) for thread in sorted(found)]
        bulk.execute(_ENRICH, bulk.columns(values))
    return found | ids


def _texts(message: canonical.Message) -> tuple[str, ...]:
    return tuple(clean(getattr(message, name))[:size] for name, size in SIZES.items())


def _insert(account_id: int, fresh: Sequence[canonical.Message], threads: dict[str, int], keep: timedelta) -> list[int]:
    # In the order of sending, so that ids of one page follow the conversation.
    rows = sorted(fresh, key=lambda one: (one.sent_at, one.external_id))
    ids = bulk.ids("crm_message", len(rows))
    bulk.insert(
        "crm_message",
        _MESSAGE,
        [
            (
                pk,
                threads[clean(one.thread)],
                account_id,
                Message.IN,
                clean(one.external_id),
                "",
                clean(one.body),
                one.sent_at,
                Message.ELSEWHERE if one.answered else "",
                0,
                "",
                "{}",
                "",
                one.sent_at + keep,
            )
            for pk, one in zip(ids, rows, strict=True)
        ],
    )
    media.want(account_id, [(pk, threads[clean(one.thread)], one.media) for pk, one in zip(ids, rows, strict=True)])
    return ids


def bury(bad: Sequence[Bad]) -> None:
    """Mark raw rows dead with their reason: they stand on the dead-letter desk."""
    if bad:
        bulk.update(
            "channels_rawpayload",
            "id",
            [("error_code", "text"), ("error_params", "jsonb")],
            [(raw_id, code, json.dumps(params, default=str)) for raw_id, code, params in bad],
            extra=f"state = {RawPayload.DEAD}, attempts = t.attempts + 1",
        )

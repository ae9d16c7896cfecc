"""Pictures of buyers: fetched from the platform outside of any transaction, each kept once or refused with its reason.

A wanted one is claimed (its attempt counted, its next try put off) before anything is called, so whoever dies in between
leaves a row that somebody else takes later, and one that kills its worker every time is given up in the end. What came
is written only while the row still stands as it was claimed.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from channels import canonical
from channels.models import Account
from channels.protocol import MediaSource, Session
from channels.registry import all_adapters
from channels.services.inbox import clean
from channels.services.sessions import session_of
from core import bulk, clock, faults, files
from core.errors import AdapterError, NotFound, Throttled, Transient, UnknownOutcome
from core.events import emit
from crm import permissions
from crm.models import Attachment
from crm.services.attachments import KIND

log = logging.getLogger(__name__)

WANTED = "crm.media_wanted"
MOST = 20  # of one message; a platform takes fewer
MOST_BYTES = 12 * 1024 * 1024
LONGEST_SOURCE = 1000
BATCH, THREADS = 8, 4
RUN_SECONDS = 60.0
CLAIM_SECONDS = 180.0  # wall: longer than a batch takes at worst
FIRST_BACKOFF, LONGEST_BACKOFF = 30.0, 3600.0  # business seconds
GIVE_UP_AFTER = 8  # tries
ENDINGS = {files.PNG: ".png", files.JPEG: ".jpg", files.PDF: ".pdf"}
_COLUMNS = (
    "id conversation_id message_id name media_type size source state attempts next_at error_code error_params"
    " created_at"
).split()


@dataclass
class Fetched:
    """Ids of attachments, by what became of them."""

    kept: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    put_off: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    account_id: int
    name: str
    source: str
    attempts: int


@dataclass(frozen=True, slots=True)
class _Result:
    """``content`` None: refused with ``code`` when ``wait`` is None, else tried again after ``wait`` seconds."""

    claim: _Claim
    content: bytes | None = None
    media_type: str = ""
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    wait: float | None = None
    counted: bool = True


def want(account_id: int, given: Sequence[tuple[int, int, Sequence[canonical.Media]]]) -> None:
    """Note pictures (message, conversation, media) as wanted, in the transaction that writes the new messages.

    Emits ``crm.media_wanted`` {account_id}.
    """
    now = clock.now()
    rows = []
    for message_id, conversation_id, media in given:
        for one in media[:MOST]:
            fits = len(one.url) <= LONGEST_SOURCE
            rows.append(
                (
                    conversation_id,
                    message_id,
                    clean(one.name)[-160:] or "",
                    "",
                    0,
                    clean(one.url) if fits else "",
                    Attachment.WANTED if fits else Attachment.REFUSED,
                    0,
                    now if fits else None,
                    "" if fits else "media.address",
                    "{}",
                    now,
                )
            )
    if rows:
        ids = bulk.ids("crm_attachment", len(rows))
        bulk.insert("crm_attachment", _COLUMNS, [(pk, *row) for pk, row in zip(ids, rows, strict=True)])
        emit(WANTED, {"account_id": account_id})


def fetch_due(*, account_id: int | None = None, seconds: float = RUN_SECONDS) -> Fetched:
    """Fetch what is wanted and due, of one account or of all. Never call it inside a transaction."""
    done, end = Fetched(), clock.monotonic() + seconds
    while clock.monotonic() < end:
        claims = _claim(account_id)
        if not claims:
            break
        for result in _fetch_all(claims):
            _write(result, done)
    return done


def _claim(account_id: int | None) -> list[_Claim]:
    now = clock.now()
    until = now + timedelta(seconds=CLAIM_SECONDS * clock.speed())
    only, params = ("", []) if account_id is None else (" AND m.account_id = %s", [account_id])
    sql = f"""
        WITH due AS (
            SELECT a.id FROM crm_attachment a JOIN crm_message m ON m.id = a.message_id
             WHERE a.state = 'wanted' AND a.next_at <= %s{only}
             ORDER BY a.next_at, a.id LIMIT %s FOR UPDATE OF a SKIP LOCKED
        )
        UPDATE crm_attachment a SET attempts = a.attempts + 1, next_at = %s
          FROM due, crm_message m WHERE a.id = due.id AND m.id = a.message_id
        RETURNING a.id, m.account_id, a.name, a.source, a.attempts
    """
    return [_Claim(*row) for row in sorted(bulk.fetch(sql, [now, *params, BATCH, until]))]


def _fetch_all(claims: Sequence[_Claim]) -> list[_Result]:
    """Calls in threads that touch no database."""
    accounts = Account.objects.in_bulk({claim.account_id for claim in claims})
    ways: dict[int, tuple[Any, Session]] = {
        pk: (all_adapters().get(account.platform), session_of(account)) for pk, account in accounts.items()
    }
    with ThreadPoolExecutor(min(THREADS, len(claims)), thread_name_prefix="media") as pool:
        # Each thread counts its calls in the caller's context.
        waiting = [
            pool.submit(contextvars.copy_context().run, _fetch, ways[one.account_id][0], ways[one.account_id][1], one)
            for one in claims
        ]
        return [future.result() for future in waiting]


def _fetch(adapter: Any, session: Session, claim: _Claim) -> _Result:
    """One picture. Never raises."""
    if claim.attempts > GIVE_UP_AFTER:  # the last try was never written down: its worker died
        return _Result(claim, code="media.gave_up")
    if not isinstance(adapter, MediaSource):
        return _Result(claim, code="media.address")
    try:
        content = adapter.fetch_media(session, claim.source)
    except Throttled as error:
        return _Result(claim, wait=max(1.0, error.retry_after or FIRST_BACKOFF), counted=False)
    except NotFound:
        return _Result(claim, code="media.gone")
    except (Transient, UnknownOutcome) as error:
        return _again(claim, error)
    except AdapterError as error:
        code, params = faults.stored(error)
        return _Result(claim, code=code, params=params)
    except Exception as error:  # a defect of ours
        log.error("attachment %s: %s", claim.id, faults.trace(error))
        return _again(claim, error)
    return _checked(claim, content)


def _again(claim: _Claim, error: Exception) -> _Result:
    if claim.attempts >= GIVE_UP_AFTER:
        return _Result(claim, code="media.gave_up")
    code, params = faults.stored(error)
    wait = float(min(FIRST_BACKOFF * 2 ** (claim.attempts - 1), LONGEST_BACKOFF))
    return _Result(claim, code=code, params=params, wait=wait)


def _checked(claim: _Claim, content: bytes) -> _Result:
    """By its bytes: what the sender or the server calls it says nothing."""
    if len(content) > MOST_BYTES:
        return _Result(claim, code="media.too_large", params={"megabytes": MOST_BYTES // 1024 // 1024})
    if not content:  # an edge that answers with nothing: the picture may be there in a moment
        return _again(claim, Transient("media.empty"))
    found = next((kind for kind in ENDINGS if content.startswith(files.BEGINS[kind])), None)
    if found is None:
        return _Result(claim, code="media.type")
    return _Result(claim, content, found)


def _write(result: _Result, done: Fetched) -> None:
    """Store what came, unless the row was erased or taken over meanwhile: then the bytes are nobody's."""
    claim = result.claim
    with transaction.atomic():
        row = (
            Attachment.objects.select_for_update(of=("self",))
            .select_related("message")
            .filter(pk=claim.id, state=Attachment.WANTED, attempts=claim.attempts)
            .first()
        )
        if row is None or row.message is None:
            return
        row.error_code, row.error_params = result.code, result.params
        if result.content is not None:
            _keep(row, claim.account_id, result.content, result.media_type)
        elif result.wait is None:
            row.state, row.next_at = Attachment.REFUSED, None
        else:
            row.next_at = clock.now() + timedelta(seconds=result.wait)
            row.attempts -= 0 if result.counted else 1
        row.save()
    kept, refused = row.state == Attachment.KEPT, row.state == Attachment.REFUSED
    (done.kept if kept else done.refused if refused else done.put_off).append(row.pk)


def _keep(row: Attachment, account_id: int, content: bytes, media_type: str) -> None:
    assert row.message is not None
    file = files.store(
        KIND,
        named(row.name, media_type),
        content,
        media_type,
        permissions.VIEW,
        account_id=account_id,
        purge_at=row.message.purge_at,
    )
    row.state, row.next_at = Attachment.KEPT, None
    row.file_id, row.name, row.media_type, row.size = file.pk, file.name[:160], file.media_type, file.size


def named(name: str, media_type: str) -> str:
    """The name with the ending of what it is."""
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    return (stem.strip() or "picture")[-140:] + ENDINGS[media_type]

"""The raw inbox: what a platform said is stored as it came, each thing once, until it is ingested, dead or dropped."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta

from channels.canonical import RawItem
from channels.models import RawPayload
from core import bulk, clock

ORDER, MESSAGE, INVENTORY = "order", "message", "inventory"
KEEP = timedelta(days=30)
# A dead one waits longer for somebody to mend it; then the platform's rules on personal data win.
KEEP_DEAD = timedelta(days=90)
_BAD = re.compile("[\x00\ud800-\udfff]")
_COLUMNS = (
    "account_id",
    "kind",
    "external_id",
    "digest",
    "payload",
    "state",
    "attempts",
    "error_code",
    "fetched_at",
    "purge_at",
)


def clean(text: str) -> str:
    """Text as PostgreSQL can keep it: no NUL, no half of a surrogate pair."""
    return _BAD.sub("\ufffd", text) if _BAD.search(text) else text


def digest_of(payload: str) -> bytes:
    return hashlib.blake2b(payload.encode(), digest_size=16).digest()


def store(*, account_id: int, kind: str, items: Sequence[RawItem]) -> list[int]:
    """Add what is not there yet, in the caller's transaction. Returns the ids of the new rows, in the order of ``items``."""
    if not items:
        return []
    now = clock.now()
    rows: dict[tuple[str, bytes], tuple[object, ...]] = {}
    for item in items:
        payload = clean(item.payload)
        external_id, digest = clean(item.external_id)[:120], digest_of(payload)
        rows[external_id, digest] = (
            account_id,
            kind,
            external_id,
            digest,
            payload,
            RawPayload.NEW,
            0,
            "",
            now,
            now + KEEP,
        )
    found = bulk.insert(
        "channels_rawpayload",
        _COLUMNS,
        list(rows.values()),
        conflict="(account_id, kind, external_id, digest) DO NOTHING",
        returning="id",
    )
    return sorted(int(row[0]) for row in found)


def purge(limit: int = 5000) -> int:
    """Delete rows whose time is over; returns how many. What was never ingested stays some weeks longer."""
    now = clock.now()
    return bulk.execute(
        "DELETE FROM channels_rawpayload WHERE id IN (SELECT id FROM channels_rawpayload WHERE purge_at < %s"
        " AND (state IN (%s, %s) OR purge_at < %s) ORDER BY purge_at LIMIT %s)",
        [now, RawPayload.INGESTED, RawPayload.DROPPED, now - (KEEP_DEAD - KEEP), limit],
    )

"""Pictures of our answers: kept with the answer, put up at the platform before it is sent, named by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.canonical import Media
from channels.protocol import MediaSource, Session
from channels.registry import adapter_of
from core import bulk, clock, files
from core.errors import BusinessError
from core.records.models import StoredFile
from crm import permissions
from crm.models import Attachment, Message
from crm.services.attachments import KIND, LIMITS, Limits, screened
from crm.services.media import named

ENDINGS = {files.PNG: ".png", files.JPEG: ".jpg,.jpeg"}
UPLOAD_SECONDS = 60.0  # wall: so long one turn puts up pictures; the rest follows in the next


@dataclass(frozen=True, slots=True)
class Picture:
    """``url``: where the platform has it, '' until it is put up; ``file``: None when it is gone from our store."""

    id: int
    name: str
    media_type: str
    url: str
    file: StoredFile | None


def limits_of(platform: str) -> Limits | None:
    """What an answer there may carry; None: no pictures."""
    adapter = adapter_of(platform)
    if not isinstance(adapter, MediaSource) or not adapter.most_media:
        return None
    endings = ",".join(ENDINGS[kind] for kind in sorted(adapter.media_types, reverse=True) if kind in ENDINGS)
    return Limits(adapter.most_media, min(adapter.media_bytes, LIMITS.bytes), endings)


def checked(platform: str, given: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes, str]]:
    """(name, content, media type by the content) of pictures for an answer.

    Raises BusinessError as ``attachments.screened``, ``attachment.not_here``, ``attachment.picture``.
    """
    if not given:
        return []
    adapter, limits = adapter_of(platform), limits_of(platform)
    if limits is None:
        raise BusinessError("attachment.not_here", platform=adapter.title)

    def kind_of(name: str, content: bytes) -> str:
        for kind in ENDINGS:
            if kind in adapter.media_types and content.startswith(files.BEGINS[kind]):
                return kind
        raise BusinessError("attachment.picture", name=name)

    return [(named(name, kind), content, kind) for name, content, kind in screened(given, limits, kind_of)]


def keep(message: Message, given: Sequence[tuple[str, bytes, str]]) -> None:
    """Beside an answer, in the transaction that writes it. ``given``: as ``checked`` gives it."""
    for name, content, media_type in given:
        file = files.store(KIND, name, content, media_type, permissions.VIEW, account_id=message.account_id)
        Attachment.objects.create(
            conversation_id=message.conversation_id,
            message=message,
            name=file.name[:160],
            media_type=media_type,
            size=file.size,
            file_id=file.pk,
            created_at=clock.now(),
        )


def of(message_ids: Sequence[int]) -> dict[int, tuple[Picture, ...]]:
    """{answer: its pictures in their order}, in one query and one more where there are any."""
    rows = list(Attachment.objects.filter(message_id__in=message_ids, state=Attachment.KEPT).order_by("id"))
    stored = StoredFile.objects.in_bulk([row.file_id for row in rows if row.file_id]) if rows else {}
    out: dict[int, tuple[Picture, ...]] = {}
    for row in rows:
        if row.message_id is not None:
            made = Picture(row.pk, row.name, row.media_type, row.source, stored.get(row.file_id or 0))
            out[row.message_id] = (*out.get(row.message_id, ()), made)
    return out


def media_of(pictures: Sequence[Picture]) -> tuple[Media, ...]:
    return tuple(Media(one.name, one.url) for one in pictures)


def put_up(adapter: Any, session: Session, pictures: Sequence[Picture], urls: dict[int, str]) -> None:
    """Put up those that are not there yet, for as long as a turn lasts; each one's address goes into ``urls`` at once.

    Touches no database. Raises the adapter's errors and FileDamaged; what was put up before stays in ``urls``.
    """
    end = clock.monotonic() + UPLOAD_SECONDS
    for one in pictures:
        if one.url or clock.monotonic() > end:
            continue
        if one.file is None:
            raise files.FileDamaged(name=one.name)
        urls[one.id] = adapter.upload_media(session, one.name, one.media_type, files.read(one.file))


def save(urls: Mapping[int, str]) -> None:
    """Keep where the platform has them, in the caller's transaction."""
    if urls:
        rows = [(pk, url[:1000]) for pk, url in urls.items()]
        bulk.execute(
            "UPDATE crm_attachment a SET source = v.source FROM unnest(%s::bigint[], %s::text[]) AS v(id, source)"
            " WHERE a.id = v.id",
            bulk.columns(rows),
        )


def forget_uploads(message_id: int) -> None:
    """Before an answer is tried anew: a platform keeps pictures that nobody used for some days only."""
    Attachment.objects.filter(message_id=message_id).update(source="")

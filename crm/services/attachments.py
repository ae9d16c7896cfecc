"""Files beside internal notes: checked by their content, kept by ``core.files``, served only to who may read the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import clock, files
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import StoredFile
from crm import permissions
from crm.models import Attachment, Message

KIND = "attachment"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many files of how many bytes each; ``endings`` for the browser's picker."""

    most: int = 5
    bytes: int = 10 * 1024 * 1024
    endings: str = ".pdf,.png,.jpg,.jpeg,.txt,.csv"

    @property
    def megabytes(self) -> int:
        return self.bytes // 1024 // 1024


LIMITS = Limits()


def checked(given: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes, str]]:
    """(name, content, media type by the content) of uploads.

    Raises BusinessError ``attachment.too_many``, ``attachment.too_large``, ``attachment.type``, ``file.empty``.
    """
    if len(given) > LIMITS.most:
        raise BusinessError("attachment.too_many", most=LIMITS.most)
    out = []
    for name, content in given:
        if not content:
            raise BusinessError("file.empty", name=name)
        if len(content) > LIMITS.bytes:
            raise BusinessError("attachment.too_large", name=name, megabytes=LIMITS.megabytes)
        out.append((name, content, _type(name, content)))
    return out


def _type(name: str, content: bytes) -> str:
    """By the first bytes; a text must be one and be called one, so that no page of HTML comes in as such."""
    for media_type in (files.PDF, files.PNG, files.JPEG):
        if content.startswith(files.BEGINS[media_type]):
            return media_type
    ending = name.rsplit(".", 1)[-1].lower()
    if ending in ("txt", "csv"):
        try:
            content.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
        else:
            return "text/csv" if ending == "csv" else "text/plain"
    raise BusinessError("attachment.type", name=name)


@transaction.atomic
def keep(*, actor: Actor, message: Message, given: Sequence[tuple[str, bytes]]) -> list[Attachment]:
    """Keep files beside a note of the actor's. Raises as ``checked``, ``message.not_found``."""
    actor.require(permissions.ANSWER)
    if message.direction != Message.NOTE or not actor.sees_account(message.account_id):
        raise BusinessError("message.not_found")
    made = []
    for name, content, media_type in checked(given):
        file = files.store(
            KIND, name, content, media_type, permissions.VIEW, account_id=message.account_id, purge_at=message.purge_at
        )
        made.append(
            Attachment.objects.create(
                conversation_id=message.conversation_id,
                message=message,
                name=file.name[:160],
                media_type=file.media_type,
                size=file.size,
                file_id=file.pk,
                state=Attachment.KEPT,
                created_at=clock.now(),
            )
        )
    return made


def of(message_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """{message: its files with name, size and uid} in one query and one for the files."""
    rows = list(Attachment.objects.filter(message_id__in=message_ids, file_id__isnull=False).order_by("id"))
    uids = (
        dict(StoredFile.objects.filter(pk__in=[row.file_id for row in rows]).values_list("pk", "uid")) if rows else {}
    )
    out: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        if row.file_id in uids and row.message_id is not None:
            shown = {"name": row.name, "size": row.size, "uid": str(uids[row.file_id])}
            out.setdefault(row.message_id, []).append(shown)
    return out

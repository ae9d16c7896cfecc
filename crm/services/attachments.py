"""Files of messages: beside notes they are checked by their content and kept by ``core.files``; all of them are served
only to who may read the inbox. Buyers' pictures come by ``media``, those of answers by ``pictures``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import bulk, clock, files
from core.errors import BusinessError
from core.permissions import Actor
from crm import permissions
from crm.models import Attachment, Message

KIND = "attachment"
PICTURES = frozenset({files.PNG, files.JPEG})


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
    """(name, content, media type by the content) of uploads beside a note.

    Raises BusinessError as ``screened``, and ``attachment.type``.
    """
    return screened(given, LIMITS, _type)


def screened(
    given: Sequence[tuple[str, bytes]], limits: Limits, type_of: Callable[[str, bytes], str]
) -> list[tuple[str, bytes, str]]:
    """(name, content, what ``type_of`` says or refuses) of uploads that keep to the limits.

    Raises BusinessError ``attachment.too_many``, ``attachment.too_large``, ``file.empty``.
    """
    if len(given) > limits.most:
        raise BusinessError("attachment.too_many", most=limits.most)
    out = []
    for name, content in given:
        if not content:
            raise BusinessError("file.empty", name=name)
        if len(content) > limits.bytes:
            raise BusinessError("attachment.too_large", name=name, megabytes=limits.megabytes)
        out.append((name, content, type_of(name, content)))
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
    """{message: its files} in one query: name, size, uid ('' until it is kept), state, why, whether it is a picture."""
    rows = bulk.fetch(
        "SELECT a.message_id, a.name, a.size, f.uid, a.state, a.error_code, a.error_params, a.media_type"
        " FROM crm_attachment a LEFT JOIN records_storedfile f ON f.id = a.file_id"
        " WHERE a.message_id = ANY(%s) AND (f.id IS NOT NULL OR a.state <> 'kept') ORDER BY a.id",
        [list(message_ids)],
    )
    out: dict[int, list[dict[str, Any]]] = {}
    for message, name, size, uid, state, code, params, media_type in rows:
        kept = state == Attachment.KEPT
        shown = {
            "name": name,
            "size": size,
            "uid": str(uid) if kept else "",
            "state": state,
            "why": code if state == Attachment.REFUSED else "",
            "params": bulk.unpacked(params),
            "picture": kept and media_type in PICTURES,
        }
        out.setdefault(message, []).append(shown)
    return out

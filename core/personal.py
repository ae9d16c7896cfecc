"""Who opened whose personal data, and when: the platforms ask for this log (Amazon's data protection policy)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.cache import cache

from core import clock
from core.permissions import MANAGER, Actor, operation
from core.records.models import PersonalRead

SEE_READS = operation("personal.reads", MANAGER)
# A page that refreshes itself is one reading.
AGAIN_AFTER = timedelta(minutes=10)


def log_read(actor: Actor, kind: str, object_id: int, field: str, *, always: bool = True) -> None:
    """Somebody read the field ``field`` of the object. ``always=False``: not again within ten minutes (pages that refresh)."""
    if not always:
        key = f"personal-read:{actor.kind}:{actor.id}:{kind}:{object_id}:{field}"
        try:
            fresh = cache.add(key, 1, AGAIN_AFTER.total_seconds())
        except Exception:  # whatever became of the cache: one entry too many is better than none
            fresh = True
        if not fresh:
            return
    PersonalRead.objects.create(
        at=clock.now(), actor_id=actor.id, actor_label=actor.label, kind=kind, object_id=object_id, field=field
    )


def personal_reads(
    actor: Actor,
    *,
    kind: str = "",
    object_ids: Sequence[int] | None = None,
    reader_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[PersonalRead]:
    """What was read, newest first, at most 500. ``before_id``: go on behind this entry. Raises NotAllowed.

    ``kind``: order, raw (a payload), conversation, file; ``reader_id``: the user who read.
    """
    actor.require(SEE_READS)
    found = PersonalRead.objects.order_by("-id")
    if kind:
        found = found.filter(kind=kind)
    if object_ids is not None:
        found = found.filter(object_id__in=list(object_ids))
    if reader_id is not None:
        found = found.filter(actor_id=reader_id)
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    if before_id is not None:
        found = found.filter(id__lt=before_id)
    return list(found[: max(1, min(limit, 500))])

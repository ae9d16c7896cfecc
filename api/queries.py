"""What the pages of keys and webhooks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet

from api import permissions
from api.models import ApiKey, Attempt, Delivery, Endpoint
from api.news import within
from core import bulk, clock
from core.errors import BusinessError
from core.permissions import Actor

OFF = "webhook.off_failing"
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ShownKey:
    """``state``: active, ending (changed for a fresh one, or ends within a week), expired, revoked, resting (maker gone)."""

    key: ApiKey
    state: str
    scopes: tuple[str, ...]
    narrowed: bool


def keys(actor: Actor, present: set[int]) -> list[ShownKey]:
    """Those in use first. ``present``: users who are members now. One query. Raises NotAllowed."""
    actor.require(permissions.KEYS)
    rows = ApiKey.objects.order_by("-pk")[:500]
    shown = [
        ShownKey(
            one, _state(one, present), tuple(one.operations), one.accounts is not None or one.warehouses is not None
        )
        for one in rows
    ]
    return sorted(shown, key=lambda one: one.state in ("revoked", "expired"))


def _state(key: ApiKey, present: set[int]) -> str:
    now = clock.now()
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    if key.maker_id not in present:
        return "resting"
    return "ending" if key.expires_at is not None and key.expires_at <= now + timedelta(days=7) else "active"


@dataclass
class ShownEndpoint:
    """``waiting``: deliveries under way; ``done``/``lost`` of the last day."""

    endpoint: Endpoint
    waiting: int = 0
    done: int = 0
    lost: int = 0

    @property
    def state(self) -> str:
        if not self.endpoint.active:
            return "off"
        return "failing" if self.endpoint.failures else "ok"


def endpoints(actor: Actor) -> list[ShownEndpoint]:
    """Two queries. Raises NotAllowed."""
    actor.require(permissions.WEBHOOKS)
    found = [ShownEndpoint(one) for one in _endpoints() if within(actor, one)]
    rows = bulk.fetch(
        "SELECT endpoint_id, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1),"
        " count(*) FILTER (WHERE state = 2) FROM api_delivery WHERE endpoint_id = ANY(%s)"
        " AND (state = 0 OR created_at >= %s) GROUP BY endpoint_id",
        [[one.endpoint.pk for one in found], clock.now() - LATELY],
    )
    counts = {row[0]: row[1:] for row in rows}
    for one in found:
        one.waiting, one.done, one.lost = counts.get(one.endpoint.pk, (0, 0, 0))
    return found


def _endpoints() -> QuerySet[Endpoint]:
    rows: QuerySet[Endpoint] = Endpoint.objects.defer("secret", "former_secret").order_by("pk")
    return rows


def endpoint(actor: Actor, endpoint_id: int) -> Endpoint:
    """Raises NotAllowed, BusinessError ``webhook.not_found``."""
    actor.require(permissions.WEBHOOKS)
    found = _endpoints().filter(pk=endpoint_id).first()
    if found is None or not within(actor, found):
        raise BusinessError("webhook.not_found")
    return found


@dataclass
class Told:
    """A delivery with its calls, the last one first."""

    delivery: Delivery
    uid: str
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def state(self) -> str:
        if self.delivery.state == Delivery.WAITING:
            return "retrying" if self.delivery.attempts else "waiting"
        return "done" if self.delivery.state == Delivery.DONE else "given_up"


def log(endpoint_id: int, *, before: int | None = None, failed: bool = False, limit: int = 50) -> list[Told]:
    """Newest first, ids below ``before``; ``failed``: only what did not arrive (yet). Two queries."""
    rows = Delivery.objects.select_related("news").filter(endpoint_id=endpoint_id).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if failed:
        rows = rows.exclude(state=Delivery.DONE).filter(attempts__gt=0)
    found = [Told(one, str(one.news.uid)) for one in rows[:limit]]
    by_id = {one.delivery.pk: one for one in found}
    for attempt in _attempts(list(by_id)):
        by_id[attempt.delivery_id].attempts.append(attempt)
    return found


def _attempts(ids: Sequence[int]) -> list[Attempt]:
    return list(Attempt.objects.filter(delivery_id__in=ids).order_by("-pk")[:2000])


def switched_off(endpoint: Endpoint) -> bool:
    """By the machine, as ``needs_person`` counts them."""
    return endpoint.off_code == OFF


def needs_person(actor: Actor) -> int:
    """Endpoints that the machine switched off. One cheap query, for Today."""
    found = Endpoint.objects.defer("secret", "former_secret").filter(off_code=OFF)
    return sum(1 for one in found if within(actor, one))

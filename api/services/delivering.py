"""Telling endpoints: signed calls outside of any transaction, retried with growing waits for a day, each one logged.

Before each call its row is marked (committed), after it the outcome is written. Whoever is killed between tells the same
event a second time, under the same id; nothing is lost. One runner an endpoint (the lease of its row of recurring work).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from api import news
from api.models import Attempt, Delivery, Endpoint, News
from api.services import endpoints
from core import bulk, clock, http
from core.errors import AdapterError
from core.secrets import decrypt
from core.tenancy import require_tenant

# Seconds after the first, second, … failure: 21 tries within about a day.
WAITS = (5, 15, 60, 120, 300, 600, 1200, 1800, 3600, 3600, *[7200] * 10)
OFF_AFTER = timedelta(days=3)  # of failures only
TURN_SECONDS = 25.0  # real; then another endpoint may have the worker
PAGE = 20
PROBING = 3  # after so many failures in a row one call a turn shows whether it is back
PROBE_EVERY = 30.0
TIMEOUT = 10.0
SHOWN = 1000  # characters of what they answered
BREAKER = "http.breaker_open"


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose turn it is, with its news."""

    id: int
    uid: str
    type: str
    kind: str
    object_id: int | None
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """``status`` None: no answer came. ``sent`` False: the house's own door held the call back."""

    status: int | None
    duration_ms: int
    code: str = ""
    response: str = ""
    sent: bool = True

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver(endpoint_id: int) -> float | None:
    """Tell what is due. Returns the seconds until something is due again (business time), None when nothing waits."""
    ends = clock.monotonic() + TURN_SECONDS
    while True:
        endpoint = Endpoint.objects.filter(pk=endpoint_id, active=True).first()
        if endpoint is None:
            return None
        found = due(endpoint)
        for one in found:
            if not _deliver(endpoint, one):
                return _pause(endpoint_id)
            if clock.monotonic() >= ends:
                return 0.0
        if len(found) < PAGE:
            return _next(endpoint_id)


def due(endpoint: Endpoint, limit: int = PAGE) -> list[Due]:
    """The deliveries whose time has come, at most one of each object: what happened first is told first."""
    rows = bulk.fetch(
        "SELECT d.id, n.uid, n.type, n.kind, n.object_id, n.at, d.attempts FROM api_delivery d"
        " JOIN api_news n ON n.id = d.news_id"
        " WHERE d.endpoint_id = %s AND d.state = 0 AND d.next_at <= %s AND NOT EXISTS (SELECT 1 FROM api_delivery e"
        " WHERE e.endpoint_id = d.endpoint_id AND e.state = 0 AND e.kind = d.kind"
        " AND e.object_id IS NOT DISTINCT FROM d.object_id AND e.id < d.id) ORDER BY d.next_at, d.id LIMIT %s",
        [endpoint.pk, clock.now(), 1 if endpoint.failures >= PROBING else limit],
    )
    return [Due(row[0], str(row[1]), *row[2:]) for row in rows]


def body_of(one: Due) -> bytes:
    """What is sent: ids only. ``url`` is the object's address in the interface."""
    place = news.PLACES.get(one.kind)
    thing = {"kind": one.kind, "id": one.object_id, "url": f"/api/v1/{place}/{one.object_id}" if place else None}
    said = {"id": f"evt_{one.uid}", "type": one.type, "occurred_at": _rfc(one.at), "object": thing}
    return json.dumps(said, separators=(",", ":")).encode()


def signature(secrets: Sequence[bytes], moment: int, body: bytes) -> str:
    """``t=<seconds>,v1=<hex>``; a second v1 while a former secret is still good."""
    signed = [hmac.new(one, f"{moment}.".encode() + body, hashlib.sha256).hexdigest() for one in secrets]
    return ",".join([f"t={moment}", *(f"v1={one}" for one in signed)])


def _deliver(endpoint: Endpoint, one: Due) -> bool:
    """One call. False: the endpoint does not answer as it should, leave it alone for a while."""
    marked = Delivery.objects.filter(pk=one.id, state=Delivery.WAITING, attempts=one.attempts)
    if not marked.update(attempts=one.attempts + 1):
        return True  # sent again or given up by a person meanwhile
    outcome = _call(endpoint, one)
    with transaction.atomic():
        _keep(endpoint, one, outcome)
    return outcome.ok


def _call(endpoint: Endpoint, one: Due) -> Outcome:
    body, now = body_of(one), clock.now()
    secrets = [decrypt(bytes(endpoint.secret))]
    if endpoint.former_secret is not None and endpoint.former_until is not None and endpoint.former_until > now:
        secrets.append(decrypt(bytes(endpoint.former_secret)))
    headers = {
        "content-type": "application/json",
        "sampan-event-id": f"evt_{one.uid}",
        "sampan-event": one.type,
        "sampan-signature": signature(secrets, int(clock.wall().timestamp()), body),
    }
    started = clock.monotonic()
    try:
        answer = http.client("webhook", f"{require_tenant()}:{endpoint.pk}").send(
            "POST", endpoint.url, operation="deliver", headers=headers, content=body, timeout=TIMEOUT
        )
    except AdapterError as error:
        return Outcome(None, _since(started), error.code, sent=error.code != BREAKER)
    said = answer.content[: SHOWN * 4].decode("utf-8", "replace").replace("\0", "")[:SHOWN]
    return Outcome(answer.status, _since(started), "" if 200 <= answer.status < 300 else "webhook.refused", said)


def _since(started: float) -> int:
    return int((clock.monotonic() - started) * 1000)


def _keep(endpoint: Endpoint, one: Due, outcome: Outcome) -> None:
    """What became of the call: the row, the log, and how the endpoint fares. In the caller's transaction."""
    now = clock.now()
    row = Delivery.objects.filter(pk=one.id)
    if not outcome.sent:  # no try at all
        row.update(attempts=one.attempts, next_at=now + timedelta(seconds=WAITS[1]))
        return
    Attempt.objects.create(
        delivery_id=one.id,
        at=now,
        status=outcome.status,
        duration_ms=outcome.duration_ms,
        error_code=outcome.code[:80],
        response=outcome.response,
    )
    if outcome.ok:
        row.update(state=Delivery.DONE, closed_at=now)
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None, failures=0, last_ok_at=now)
        return
    if one.attempts >= len(WAITS):
        row.update(state=Delivery.GIVEN_UP, closed_at=now)
    else:
        row.update(next_at=now + timedelta(seconds=WAITS[one.attempts]))
    since = endpoint.failing_since or now
    Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=since, failures=endpoint.failures + 1)
    if now - since >= OFF_AFTER:
        endpoints.give_up(endpoint, OFF_AFTER.days)


def _pause(endpoint_id: int) -> float | None:
    following = _next(endpoint_id)
    failures = Endpoint.objects.filter(pk=endpoint_id).values_list("failures", flat=True).first() or 0
    if following is None or failures < PROBING:
        return following
    return max(following, PROBE_EVERY)


def _next(endpoint_id: int) -> float | None:
    """Seconds until the next one is due; those behind an earlier one of the same object wait for it."""
    rows = bulk.fetch(
        "SELECT min(greatest(d.next_at, coalesce((SELECT max(e.next_at) FROM api_delivery e WHERE e.endpoint_id ="
        " d.endpoint_id AND e.state = 0 AND e.kind = d.kind AND e.object_id IS NOT DISTINCT FROM d.object_id"
        " AND e.id < d.id), d.next_at))) FROM (SELECT * FROM api_delivery WHERE endpoint_id = %s AND state = 0"
        " ORDER BY next_at, id LIMIT 200) d",
        [endpoint_id],
    )
    soonest: datetime | None = rows[0][0]
    if soonest is None:
        return None
    return max(0.0, (soonest - clock.now()).total_seconds())


def _rfc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def purge(before: datetime, limit: int = 2000) -> int:
    """Remove old news that nobody waits for, with its deliveries and their log. Returns how many."""
    waits = Exists(Delivery.objects.filter(news_id=OuterRef("pk"), state=Delivery.WAITING))
    old = News.objects.filter(~waits, at__lt=before).order_by("pk")
    gone = list(old.values_list("pk", flat=True)[:limit])
    News.objects.filter(pk__in=gone).delete()
    return len(gone)

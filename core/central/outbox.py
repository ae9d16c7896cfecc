"""The worker's side of the outbox: claim, run, close or fail (architecture §5).

A *stream* is (schema, handler, stream). At most one row of it is leased (a unique index says so), the one with the
smallest id first. Times here are wall clock. Claiming walks the partial index of open rows by loose scans, so its cost
grows with the tenants and streams that have work, neither with their backlog nor with what has been.
"""

from __future__ import annotations

import json
import logging
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django_tenants.utils import get_tenant_model

from core import bulk, clock, events, faults, settings_store
from core.central.leases import kept, until
from core.central.models import Outbox
from core.errors import LeaseLost, SampanError, Throttled
from core.tenancy import public_context, tenant_context

log = logging.getLogger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 300.0  # seconds
DIED = "work.died"
NO_HANDLER = "work.handler_missing"
DEFAULT_RETRIES = 8

_TENANTS = """
WITH RECURSIVE open AS (
    (SELECT o.schema FROM public.central_outbox o WHERE o.state < 2 ORDER BY o.schema LIMIT 1)
    UNION ALL
    SELECT (SELECT o.schema FROM public.central_outbox o WHERE o.state < 2 AND o.schema > open.schema
             ORDER BY o.schema LIMIT 1)
      FROM open WHERE open.schema IS NOT NULL
)
SELECT open.schema FROM open JOIN {tenants} t ON t.schema_name = open.schema WHERE t.state = 'active'
"""

# The heads of a tenant's streams, walked in the index from {start} on: one probe a stream.
_WALK = """
        WITH RECURSIVE walk AS (
            (SELECT o.handler, o.stream, o.id, o.state, o.available_at FROM public.central_outbox o
              WHERE o.state < 2 AND o.schema = c.schema AND {start}
              ORDER BY o.schema, o.handler, o.stream, o.id LIMIT 1)
            UNION ALL
            SELECT next.* FROM walk CROSS JOIN LATERAL (
                SELECT o.handler, o.stream, o.id, o.state, o.available_at FROM public.central_outbox o
                 WHERE o.state < 2 AND o.schema = c.schema AND (o.handler, o.stream) > (walk.handler, walk.stream)
                   AND {end}
                 ORDER BY o.schema, o.handler, o.stream, o.id LIMIT 1) next
        )
        SELECT walk.id, walk.handler, walk.stream FROM walk
         WHERE walk.state = 0 AND walk.available_at <= %s
           AND NOT EXISTS (SELECT 1 FROM public.central_outbox l
                            WHERE l.state = 1 AND l.schema = c.schema AND l.handler = walk.handler
                              AND l.stream = walk.stream)
           AND NOT EXISTS (SELECT 1 FROM public.central_outbox d
                            WHERE d.state = 2 AND d.schema = c.schema AND d.handler = walk.handler
                              AND d.stream = walk.stream AND d.id < walk.id)
"""
_BEHIND = _WALK.format(start="(o.handler, o.stream) > (c.handler, c.stream)", end="true")
_UP_TO = _WALK.format(
    start="(o.handler, o.stream) <= (c.handler, c.stream)", end="(o.handler, o.stream) <= (c.handler, c.stream)"
)

# Claimable heads, some a tenant, each tenant's round beginning behind its cursor. A head that is leased, backs off or
# stands behind a dead row of a holding stream is passed over together with its stream. The tenants come out in the
# order they went in (a nested loop over unnest); an ORDER BY would walk all of them before the LIMIT.
_HEADS = f"""
SELECT head.id, c.schema, head.handler, head.stream
  FROM unnest(%s::text[], %s::text[], %s::text[]) AS c(schema, handler, stream)
 CROSS JOIN LATERAL (({_BEHIND}) UNION ALL ({_UP_TO}) LIMIT %s) head
 LIMIT %s
"""

_LEASE = """
UPDATE public.central_outbox SET state = 1, lease_token = %s, lease_until = %s, attempt = attempt + 1
 WHERE id IN (SELECT id FROM public.central_outbox
               WHERE id = ANY(%s) AND state = 0 AND available_at <= %s FOR UPDATE SKIP LOCKED)
RETURNING id, schema, event, handler, stream, payload, attempt
"""

MERGED_AT_ONCE = 60
_BEHIND_IT = """
SELECT id, payload FROM public.central_outbox
 WHERE state = 0 AND schema = %s AND handler = %s AND stream = %s AND id > %s AND attempt = 0 AND available_at <= %s
 ORDER BY id LIMIT %s
"""


@dataclass(slots=True)
class Lease:
    """A row that is ours until it is closed, fails, or the lease runs out because we died."""

    id: int
    schema: str
    event: str
    handler: str
    stream: str
    payload: dict[str, Any]
    attempt: int
    token: str
    closed: bool = False
    merged: list[int] = field(default_factory=list)


class _Places:
    """Where this process's round over the tenants and each tenant's streams stands."""

    def __init__(self) -> None:
        self.tenant = ""
        self.stream: dict[str, tuple[str, str]] = {}


_places = _Places()


def claim(limit: int = 1) -> list[Lease]:
    """Lease up to ``limit`` heads, one tenant after the other. Works in public; commits."""
    with public_context():
        try:
            with transaction.atomic():
                # A claim that a crash of the server forgets is only claimed again: no need to wait for the disk.
                bulk.execute("SET LOCAL synchronous_commit = off")
                _take_back()
                found = _heads(limit)
                return _lease(found) if found else []
        except IntegrityError:  # somebody leased another row of the same stream in the same moment
            return []


def _take_back() -> None:
    """Rows whose worker died go back to their place, or are dead after too many tries (they may be what kills)."""
    sql = """
        SELECT id, handler, stream, attempt FROM public.central_outbox
         WHERE state = 1 AND lease_until < %s FOR UPDATE SKIP LOCKED
    """
    for row_id, handler, stream, attempt in bulk.fetch(sql, [clock.wall()]):
        _put_back(row_id, handler, stream, attempt, 0.0, DIED, {}, token=None)


def _heads(limit: int) -> list[tuple[int, str, str, str]]:
    tenants = get_tenant_model()._meta.db_table
    schemas = sorted(row[0] for row in bulk.fetch(_TENANTS.format(tenants=f"public.{tenants}")))
    if not schemas:
        return []
    after = [s for s in schemas if s > _places.tenant]
    order = after + schemas[: len(schemas) - len(after)]
    found = _walk(order, -(-limit // len(order)), limit)
    if len(found) < limit and len(order) > 1 and limit > 1:  # few tenants have work, so they may have more of it
        found = _walk(order, limit, limit)
    for _, schema, handler, stream in found:
        _places.tenant = schema
        _places.stream[schema] = (handler, stream)
    if len(_places.stream) > 10_000:
        _places.stream.clear()
    return found


def _walk(schemas: Sequence[str], per: int, limit: int) -> list[tuple[int, str, str, str]]:
    cursors = [_places.stream.get(schema, ("", "")) for schema in schemas]
    handlers, streams = [c[0] for c in cursors], [c[1] for c in cursors]
    now = clock.wall()
    rows = bulk.fetch(_HEADS, [list(schemas), handlers, streams, now, now, per, limit])
    return [(int(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in rows]


def _lease(found: list[tuple[int, str, str, str]]) -> list[Lease]:
    token = str(uuid.uuid4())
    ids = [row[0] for row in found]
    rows = {row[0]: row for row in bulk.fetch(_LEASE, [token, until(), ids, clock.wall()])}
    return [
        Lease(row[0], row[1], row[2], row[3], row[4], _json(row[5]), row[6], token)
        for row in (rows[i] for i in ids if i in rows)
    ]


def _json(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else dict(json.loads(value))


def run(lease: Lease) -> bool:
    """Call the handler in the tenant's schema and close the row. Returns False when it failed or the lease was lost.

    What the handler raises is stored with the row, never raised here; only what ends the process passes through.
    """
    handler = events.handler_of(lease.handler)
    try:
        with kept("public.central_outbox", lease.id, lease.token), tenant_context(lease.schema):
            if handler is None:
                raise SampanError(NO_HANDLER, handler=lease.handler)
            payload = _with_those_behind(lease) if handler.merge and lease.attempt == 1 else lease.payload
            with events.running(lease), settings_store.remembered():
                handler.call(payload)
            if not lease.closed:
                with transaction.atomic():
                    events.close(lease)
    except LeaseLost:
        log.warning("outbox row %s (%s): another worker has taken it over", lease.id, lease.handler)
        return False
    except Exception as error:  # the handler's, whatever it is
        fail(lease, error)
        return False
    return True


def _with_those_behind(lease: Lease) -> dict[str, Any]:
    """One payload for the row and those that wait behind it; what fails is tried again by itself, so one bad row is met
    alone the next time."""
    found = bulk.fetch(_BEHIND_IT, [lease.schema, lease.handler, lease.stream, lease.id, clock.wall(), MERGED_AT_ONCE])
    payloads = [lease.payload, *(_json(row[1]) for row in found)]
    lease.merged = [int(row[0]) for row in found]
    return {"ids": list(dict.fromkeys(pk for payload in payloads for pk in payload["ids"]))}


def fail(lease: Lease, error: BaseException) -> None:
    """Put the row back with a later time, or make it dead; the reason is kept as code and params."""
    code, params = faults.stored(error)
    log.warning("outbox row %s (%s, try %s): %s", lease.id, lease.handler, lease.attempt, faults.trace(error))
    attempt, wait = lease.attempt, backoff(lease.attempt)
    if isinstance(error, Throttled):
        # Being told to wait is no failure of the row, so it does not count. Their seconds are of the business clock.
        attempt -= 1
        wait = max(0.2, (error.retry_after or 2.0) / clock.speed())
    with public_context():
        _put_back(lease.id, lease.handler, lease.stream, attempt, wait, code, params, token=lease.token)


def backoff(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th try: doubling from 1 to 300, ±20 %."""
    return min(FIRST_BACKOFF * 2 ** max(attempt - 1, 0), LONGEST_BACKOFF) * random.uniform(0.8, 1.2)


def _put_back(
    row_id: int,
    handler_name: str,
    stream: str,
    attempt: int,
    wait: float,
    code: str,
    params: dict[str, Any],
    *,
    token: str | None,
) -> None:
    handler = events.handler_of(handler_name)
    dead = attempt >= (handler.retries if handler else DEFAULT_RETRIES)
    changes: dict[str, Any] = {
        "state": Outbox.DEAD if dead else Outbox.READY,
        "attempt": attempt,
        "available_at": clock.wall() + timedelta(seconds=wait),
        "lease_token": None,
        "lease_until": None,
        "error_code": code,
        "error_params": params,
    }
    # A death is mostly not the row's fault (a worker was restarted), so it keeps its place until it has used its tries.
    failed = token is not None or dead
    if failed and (handler is None or handler.on_failure == "aside") and "~" not in stream:
        changes["stream"] = f"{stream}~{row_id}"  # a stream of its own: those behind it go on
    rows = Outbox.objects.filter(pk=row_id, state=Outbox.LEASED)
    if token is not None:
        rows = rows.filter(lease_token=token)
    rows.update(**changes)


def drain(max_seconds: float = 50.0, limit: int = 1) -> int:
    """Work until nothing is claimable or the time is used up. Returns how many rows were handled, well or not."""
    end, handled = clock.monotonic() + max_seconds, 0
    while leases := claim(limit):
        for lease in leases:
            run(lease)
            handled += 1
        if clock.monotonic() >= end:
            break
    return handled


def waiting() -> bool:
    """Whether any open row could be claimed now or is leased (one index probe; may be wrong to the busy side)."""
    return bool(bulk.fetch("SELECT 1 FROM public.central_outbox WHERE state < 2 LIMIT 1"))


# -- the dead-letter desk -------------------------------------------------------------------------------------------


def dead(schema: str, limit: int = 100) -> list[Outbox]:
    """The tenant's dead rows, oldest first: event, handler, payload ids, error_code and error_params, attempt."""
    return list(Outbox.objects.filter(schema=schema, state=Outbox.DEAD).order_by("id")[:limit])


def retry(schema: str, ids: Sequence[int]) -> int:
    """Make dead rows ready again, with all their tries. Returns how many; wakes a worker."""
    with transaction.atomic():
        changed = Outbox.objects.filter(schema=schema, state=Outbox.DEAD, pk__in=list(ids)).update(
            state=Outbox.READY, attempt=0, available_at=clock.wall(), error_code="", error_params={}
        )
        transaction.on_commit(events.hint)
    return changed


def drop(schema: str, ids: Sequence[int]) -> int:
    """Give up dead rows: their event will not be handled. Returns how many. The caller writes the audit entry."""
    return int(Outbox.objects.filter(schema=schema, state=Outbox.DEAD, pk__in=list(ids)).delete()[0])


def explain(schemas: Sequence[str], limit: int = 1) -> dict[str, Any]:
    """PostgreSQL's plan (JSON, with its buffers) of the walk over the tenants' streams, for the test of its cost."""
    none, now = [""] * len(schemas), clock.wall()
    params = [list(schemas), none, none, now, now, limit, limit]
    plan = bulk.fetch("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + _HEADS, params)[0][0]
    return dict(bulk.unpacked(plan)[0]["Plan"])

"""Telling marketplaces that parcels were sent: each parcel once, whatever happens in between.

A row is committed as *sent* before the call goes out. Whoever finds a row in *sent* or *unknown* looks up first; only
what the platform does not know is sent (again). Calls run in a few threads that touch no database; their results are
written in one transaction per batch.
"""

from __future__ import annotations

import contextvars
import json
import logging
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from channels.canonical import Order, ShipNotice
from channels.models import Account, Confirmation
from channels.protocol import Session
from channels.registry import adapter_of
from channels.services import inbox, tokens
from channels.services.health import STOPPED, consent_refused
from channels.services.sessions import session_of
from core import bulk, clock, faults
from core.central.leases import kept, until
from core.errors import (
    AdapterError,
    AlreadyDone,
    AuthExpired,
    AuthRevoked,
    BadPayload,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    UnknownOutcome,
)
from core.events import emit
from core.permissions import Actor
from core.tenancy import require_tenant

log = logging.getLogger(__name__)

BATCH, THREADS = 32, 8
RUN_SECONDS = 30.0  # wall
FIRST_BACKOFF, LONGEST_BACKOFF = 15.0, 3600.0  # business seconds
REST_SECONDS = 5.0  # business seconds
GIVE_UP_AFTER = 25  # tries
OTHER_PARCEL, GAVE_UP = "confirm.other_parcel_known", "confirm.gave_up"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parcel that left. ``reference`` is ours, digits only, unique for the account's order; ``lines`` in sold pieces."""

    account_id: int
    order_external_id: str
    order_ref: int
    reference: str
    carrier: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[tuple[str, int], ...]
    service: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A leased row; ``look_up``: somebody may have sent it already."""

    id: int
    order_ref: int
    notice: ShipNotice
    attempts: int
    look_up: bool


@dataclass(slots=True)
class _Result:
    row: _Row
    state: str
    wait: float = 0.0
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    error: AdapterError | None = None
    counted: bool = True


@dataclass
class Sent:
    """What a run did. ``wait``: business seconds until it is worth coming again (None: nothing is known to wait)."""

    confirmed: list[int] = field(default_factory=list)  # our order ids
    refused: list[int] = field(default_factory=list)
    put_off: int = 0
    wait: float | None = None


def want(wanted: Sequence[Wanted]) -> int:
    """Ask for confirmations, in the caller's transaction. The same (account, order, reference) again changes nothing.

    Returns how many are new.
    """
    if not wanted:
        return 0
    now = clock.now()
    columns = (
        "account_id",
        "order_external_id",
        "reference",
        "order_ref",
        "carrier",
        "service",
        "tracking_number",
        "lines",
        "shipped_at",
        "state",
        "attempts",
        "next_at",
        "error_code",
        "error_params",
    )
    made = bulk.insert(
        "channels_confirmation",
        columns,
        [
            (
                one.account_id,
                one.order_external_id,
                one.reference,
                one.order_ref,
                one.carrier[:80],
                one.service[:120],
                one.tracking_number[:60],
                json.dumps([list(line) for line in one.lines]),
                one.shipped_at,
                Confirmation.WANTED,
                0,
                now,
                "",
                "{}",
            )
            for one in wanted
        ],
        conflict="(account_id, order_external_id, reference) DO NOTHING",
        returning="account_id",
    )
    for account_id in sorted({int(row[0]) for row in made}):
        emit("channels.confirm_wanted", {"account_id": account_id})
    return len(made)


def follow(*, order_ref: int, into: int, external_id: str) -> None:
    """The platform combined an order of ours into another one: what it was to be told is told of that one.

    In the caller's transaction. What was refused is asked for again, what may have been sent is looked up first; a call
    that is on its way loses its lease, so its answer about the old order changes nothing.
    """
    rows = bulk.fetch(
        "UPDATE channels_confirmation SET order_ref = %s, lease_token = NULL, lease_until = NULL,"
        " order_external_id = CASE WHEN state = 'confirmed' THEN order_external_id ELSE %s END,"
        " state = CASE state WHEN 'refused' THEN 'wanted' WHEN 'sent' THEN 'unknown' ELSE state END,"
        " next_at = CASE WHEN state = 'confirmed' THEN next_at ELSE %s END"
        " WHERE order_ref = %s RETURNING account_id, state",
        [into, external_id, clock.now(), order_ref],
    )
    for account_id in sorted({row[0] for row in rows if row[1] in (Confirmation.WANTED, Confirmation.UNKNOWN)}):
        emit("channels.confirm_wanted", {"account_id": account_id})


def send_due(*, account_id: int, actor: Actor, seconds: float = RUN_SECONDS) -> Sent:
    """Send what is due of one account, batch by batch. Never call it inside a transaction.

    Emits ``channels.confirmed`` and ``channels.confirm_refused`` {"ids": our order ids}.
    """
    sent, end = Sent(), clock.monotonic() + seconds
    account = Account.objects.get(pk=account_id)
    adapter = adapter_of(account.platform)
    while account.health not in STOPPED:
        if clock.monotonic() > end:
            sent.wait = 0.0
            break
        try:
            token, generation = tokens.access(account_id=account_id, actor=actor)
        except AdapterError as error:
            sent.wait = error.retry_after if isinstance(error, Throttled) else FIRST_BACKOFF
            break
        lease = uuid.uuid4()
        rows = _lease(account, adapter, lease)
        if not rows:
            break
        with ExitStack() as held:
            for row in rows:
                held.enter_context(kept(f'"{require_tenant()}".channels_confirmation', row.id, str(lease)))
            results = _call_all(adapter, session_of(account, token), rows)
        stop = _write(account, lease, results, sent, actor)
        if any(isinstance(result.error, AuthExpired) for result in results):
            tokens.expire(account_id=account_id, generation=generation)
        if stop is not None:
            sent.wait = stop
            break
    return sent


def _lease(account: Account, adapter: Any, lease: uuid.UUID) -> list[_Row]:
    """Take a batch; what was *wanted* is committed as *sent* before anything goes out."""
    now, wall = clock.now(), clock.wall()
    sql = """
        WITH due AS (
            SELECT id, state FROM channels_confirmation
             WHERE account_id = %s AND state IN ('wanted', 'sent', 'unknown') AND next_at <= %s
               AND (lease_until IS NULL OR lease_until < %s)
             ORDER BY next_at, id LIMIT %s FOR UPDATE SKIP LOCKED
        )
        UPDATE channels_confirmation c
           SET lease_token = %s, lease_until = %s, attempts = c.attempts + 1, sent_at = COALESCE(c.sent_at, %s),
               state = CASE WHEN due.state = 'wanted' THEN 'sent' ELSE due.state END
          FROM due WHERE c.id = due.id
        RETURNING c.id, c.order_ref, c.order_external_id, c.reference, c.carrier, c.service, c.tracking_number,
                  c.lines, c.shipped_at, c.attempts, due.state
    """
    with transaction.atomic():
        found = bulk.fetch(sql, [account.pk, now, wall, BATCH, lease, until(), now])
    orders = _orders(account, adapter, [row[2] for row in found]) if found else {}
    rows = []
    for row in found:
        told = bulk.unpacked(row[7])
        lines, order = tuple((str(line), int(quantity)) for line, quantity in told), orders.get(row[2])
        notice = ShipNotice(
            order_external_id=row[2],
            reference=row[3],
            carrier=row[4],
            service=row[5],
            tracking_number=row[6],
            shipped_at=row[8],
            lines=lines,
            marketplace=order.marketplace if order else "",
            whole_order=_is_whole(order, lines),
        )
        rows.append(_Row(row[0], row[1], notice, row[9], look_up=row[10] != Confirmation.WANTED))
    return rows


def _orders(account: Account, adapter: Any, order_ids: list[str]) -> dict[str, Order]:
    """The orders as the platform told them last, while that is kept: where they were placed, what they hold."""
    found = {}
    for external_id, payload in bulk.fetch(
        "SELECT DISTINCT ON (external_id) external_id, payload FROM channels_rawpayload"
        " WHERE account_id = %s AND kind = %s AND external_id = ANY(%s) ORDER BY external_id, id DESC",
        [account.pk, inbox.ORDER, order_ids],
    ):
        try:
            found[external_id] = adapter.parse_order(payload)
        except BadPayload:
            continue
    return found


def _is_whole(order: Order | None, lines: tuple[tuple[str, int], ...]) -> bool:
    """Whether the parcel holds all that the order still has."""
    if order is None:
        return False
    wanted = {line.external_line_id: line.quantity - line.cancelled for line in order.lines}
    return dict(lines) == {line: quantity for line, quantity in wanted.items() if quantity > 0}


def _call_all(adapter: Any, session: Session, rows: list[_Row]) -> list[_Result]:
    """Calls in threads. After one answer that concerns the account, the rest of the batch is not tried."""
    stopped: list[AdapterError] = []

    def one(row: _Row) -> _Result:
        if stopped:
            return _put_off(row, stopped[0])
        result = _call(adapter, session, row)
        if isinstance(result.error, Throttled | AuthExpired | AuthRevoked):
            stopped.append(result.error)
        return result

    if len(rows) == 1:
        return [one(rows[0])]
    with ThreadPoolExecutor(min(THREADS, len(rows)), thread_name_prefix="confirm") as pool:
        # Each thread counts its calls in the caller's context.
        return [f.result() for f in [pool.submit(contextvars.copy_context().run, one, row) for row in rows]]


def _call(adapter: Any, session: Session, row: _Row) -> _Result:
    """One row: look up where it may have been sent, else send. Never raises."""
    sending = False
    try:
        if row.look_up and adapter.shipment_known(session, row.notice):
            return _Result(row, Confirmation.CONFIRMED)
        sending = True
        adapter.confirm_shipment(session, row.notice)
        return _Result(row, Confirmation.CONFIRMED)
    except AlreadyDone as error:
        return _settle(adapter, session, row, error)
    except UnknownOutcome as error:
        return _settle(adapter, session, row, error)
    except (Rejected, NotFound, PermissionMissing) as error:
        code, params = faults.stored(error)
        return _Result(row, Confirmation.REFUSED, code=code, params=params, error=error)
    except AdapterError as error:
        return _put_off(row, error)
    except Exception as error:  # a defect of ours: whether the call went out is not sure
        log.exception("confirmation %s", row.id)
        code, params = faults.stored(error)
        state = Confirmation.UNKNOWN if sending or row.look_up else Confirmation.WANTED
        return _Result(row, state, _backoff(row), code, params)


def _settle(adapter: Any, session: Session, row: _Row, error: AdapterError) -> _Result:
    """The platform says it has it already, or nobody knows: look whether it is this parcel."""
    code, params = faults.stored(error)
    try:
        if adapter.shipment_known(session, row.notice):
            return _Result(row, Confirmation.CONFIRMED)
    except AdapterError as second:
        return _Result(row, Confirmation.UNKNOWN, _wait_of(row, second), code, params, second)
    if isinstance(error, AlreadyDone):
        return _Result(row, Confirmation.REFUSED, code=OTHER_PARCEL, params=params, error=error)
    # Not there now may still be on its way there: the next try looks again before it sends.
    return _Result(row, Confirmation.UNKNOWN, _backoff(row), code, params, error)


def _put_off(row: _Row, error: AdapterError) -> _Result:
    """Nothing was done with this row; what may have been sent before still has to be looked up."""
    code, params = faults.stored(error)
    state = Confirmation.UNKNOWN if row.look_up else Confirmation.WANTED
    counted = not isinstance(error, Throttled | AuthRevoked)
    return _Result(row, state, _wait_of(row, error), code, params, error, counted)


def _wait_of(row: _Row, error: AdapterError) -> float:
    if isinstance(error, Throttled):
        return max(0.5, error.retry_after or 2.0)
    return 0.0 if isinstance(error, AuthExpired) and row.attempts < 4 else _backoff(row)


def _backoff(row: _Row) -> float:
    return float(min(FIRST_BACKOFF * 2 ** min(row.attempts - 1, 10), LONGEST_BACKOFF))


def _write(account: Account, lease: uuid.UUID, results: list[_Result], sent: Sent, actor: Actor) -> float | None:
    """Store a batch's results and tell of them. Returns how long to wait when the account must rest, else None."""
    now = clock.now()
    for result in results:
        if result.counted and result.wait and result.row.attempts >= GIVE_UP_AFTER:
            result.state, result.code = Confirmation.REFUSED, GAVE_UP
    with transaction.atomic():
        mine = {
            row[0]
            for row in bulk.fetch(
                "SELECT id FROM channels_confirmation WHERE id = ANY(%s) AND lease_token = %s ORDER BY id FOR UPDATE",
                [[result.row.id for result in results], lease],
            )
        }
        kept = [result for result in results if result.row.id in mine]
        bulk.update(
            "channels_confirmation",
            "id",
            [
                ("state", "text"),
                ("next_at", "timestamptz"),
                ("confirmed_at", "timestamptz"),
                ("error_code", "text"),
                ("error_params", "jsonb"),
                ("attempts", "int"),
            ],
            [
                (
                    result.row.id,
                    result.state,
                    now + timedelta(seconds=result.wait),
                    now if result.state == Confirmation.CONFIRMED else None,
                    result.code,
                    json.dumps(result.params),
                    result.row.attempts if result.counted else result.row.attempts - 1,
                )
                for result in kept
            ],
            extra="lease_token = NULL, lease_until = NULL",
        )
        confirmed = [result.row.order_ref for result in kept if result.state == Confirmation.CONFIRMED]
        refused = [result.row.order_ref for result in kept if result.state == Confirmation.REFUSED]
        if confirmed:
            emit("channels.confirmed", {"ids": sorted(set(confirmed))})
        if refused:
            emit("channels.confirm_refused", {"ids": sorted(set(refused))})
    sent.confirmed += confirmed
    sent.refused += refused
    sent.put_off += len(kept) - len(confirmed) - len(refused)
    return _rest(account, kept, actor)


def _rest(account: Account, results: list[_Result], actor: Actor) -> float | None:
    for result in results:
        error = result.error
        if isinstance(error, AuthRevoked):
            consent_refused(account=account, error=error, actor=actor)
            return FIRST_BACKOFF
        if isinstance(error, Throttled):
            # Not for each single token: a batch should find some.
            return max(REST_SECONDS, error.retry_after or 0.0)
    return None

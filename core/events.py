"""Events: the only way news travels to the left (architecture §2, §5).

``emit`` writes one outbox row per registered handler inside the caller's transaction; a worker leases the row and calls
the handler in the tenant's schema, at least once. Payloads carry ids only, never a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from core import bulk
from core.clock import monotonic, wall
from core.errors import LeaseLost
from core.tenancy import PUBLIC, current_schema, require_tenant

Payload = dict[str, Any]
OnFailure = Literal["hold", "aside"]

STREAM_CHARS = 90  # of the column's 120; the rest is for the mark of a row that was set aside
HINT_EVERY = 0.3  # real seconds between two hints of one process
AFTER_FAILURE = 5.0  # … longer while the broker is away
HINT_EXPIRES = 3.0  # a hint that nobody read by then has been overtaken by the tick's


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered reader of an event. ``hold``: a row that failed stops the rows behind it in its stream."""

    event: str
    name: str
    call: Callable[[Payload], None]
    stream: Callable[[Payload], str]
    on_failure: OnFailure
    retries: int
    merge: bool = False
    wanted: Callable[[], bool] | None = None


class HeldRow(Protocol):
    """What ``close_row`` needs of the row whose handler is running; it sets ``closed`` when the row is gone for good."""

    closed: bool
    merged: list[int]  # rows behind it in its stream that are handled together with it

    @property
    def id(self) -> int: ...

    @property
    def token(self) -> str: ...


_by_event: dict[str, list[Handler]] = {}
_by_name: dict[str, Handler] = {}
_row: ContextVar[HeldRow | None] = ContextVar("outbox_row", default=None)
_last_hint = float("-inf")


def on(
    event: str,
    *,
    name: str,
    stream: Callable[[Payload], str] | None = None,
    on_failure: OnFailure = "aside",
    retries: int = 8,
    merge: bool = False,
    wanted: Callable[[], bool] | None = None,
) -> Callable[[Callable[[Payload], None]], Callable[[Payload], None]]:
    """Register a handler, at import of the app's ``handlers`` module (imported by its ``AppConfig.ready``).

    ``name`` is stored in rows: never rename it while rows are open. ``stream`` names what must be handled one after the
    other within the tenant (default: everything of this handler); at most 90 characters. ``retries``: tries before the
    row is dead. ``merge``: rows that wait behind one in its stream are handled together with it; their payloads are
    {"ids": […]} and nothing else, and one call gets all ids. ``wanted``: asked at ``emit`` in the tenant's schema; where it
    is False no row is written (what few tenants use costs the others nothing). The handler may run more than once: its
    last transaction is opened with ``close_row()``, so that what it does there happens exactly once; one that opens none
    is closed after it has returned.
    """

    def register(call: Callable[[Payload], None]) -> Callable[[Payload], None]:
        known = _by_name.get(name)
        if known is not None and known.call is not call:
            raise ValueError(f"handler {name!r} is registered twice")
        if known is None:
            named = stream or (lambda payload: "")
            handler = Handler(event, name, call, named, on_failure, retries, merge, wanted)
            _by_name[name] = handler
            _by_event.setdefault(event, []).append(handler)
        return call

    return register


def emit(event: str, payload: Payload, *, schema: str | None = None) -> int:
    """Write one row per handler of ``event`` into the outbox; nothing happens unless the caller's transaction commits.

    ``schema``: the tenant it is for, when the caller works in public (webhook intake). Returns the number of rows.
    Raises TransactionManagementError outside of a transaction, NoTenant in public without ``schema``.
    """
    return emit_many(event, [payload], schema=schema)


def emit_many(event: str, payloads: list[Payload], *, schema: str | None = None) -> int:
    """As ``emit``, for several payloads with one INSERT."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(f"emit({event!r}) needs the transaction of what it tells about")
    home = schema or require_tenant()
    at = wall()
    here = home == current_schema()
    handlers = [
        one for one in _by_event.get(event, ()) if payloads and (one.wanted is None or not here or one.wanted())
    ]
    rows = [
        (home, event, handler.name, _stream(handler, payload), json.dumps(payload), 0, 0, at, at, "", "{}")
        for payload in payloads
        for handler in handlers
    ]
    if rows:
        columns = "schema event handler stream payload state attempt created_at available_at error_code error_params"
        bulk.insert("public.central_outbox", columns.split(), rows)
        transaction.on_commit(hint)
    return len(rows)


def _stream(handler: Handler, payload: Payload) -> str:
    stream = handler.stream(payload)
    if len(stream) > STREAM_CHARS:
        raise ValueError(f"stream of {handler.name} is longer than {STREAM_CHARS} characters")
    return stream


@contextmanager
def close_row() -> Iterator[None]:
    """The handler's last transaction: whatever it writes commits together with the end of its outbox row.

    Raises LeaseLost (and rolls everything inside back) when another worker has taken the row over. Outside of a
    worker, as in a test or a bench that calls the handler itself, it is a plain transaction.
    """
    row = _row.get()
    with transaction.atomic(durable=row is not None):
        if row is not None:
            close(row)
        yield
    if row is not None:
        row.closed = True


def close(row: HeldRow) -> None:
    """Delete the row first: that locks it, so nobody takes it over while the transaction is open."""
    sql = "DELETE FROM public.central_outbox WHERE id = %s AND lease_token = %s AND state = 1"
    if bulk.execute(sql, [row.id, row.token]) != 1:
        raise LeaseLost(row=row.id)
    if row.merged:  # nobody leases them while we hold the head of their stream
        bulk.execute("DELETE FROM public.central_outbox WHERE id = ANY(%s) AND state = 0", [row.merged])


@contextmanager
def running(row: HeldRow) -> Iterator[None]:
    """Mark which row the code inside works on (for ``close_row``)."""
    before = _row.set(row)
    try:
        yield
    finally:
        _row.reset(before)


def hint() -> None:
    """Wake a worker. Never needed: without it the beat's tick finds the row within a second."""
    global _last_hint
    if monotonic() - _last_hint < HINT_EVERY:
        return
    _last_hint = monotonic()
    if not send("core.central.drain", expires=HINT_EXPIRES):
        _last_hint += AFTER_FAILURE


def send(task: str, *args: Any, expires: float, retry: bool = False) -> bool:
    """Send a central task as a hint; a broker that does not answer is no error. Returns whether it was taken.

    Never sent where tasks run in place (tests): ``send_task`` would go to the real broker all the same.
    """
    if current_app.conf.task_always_eager:
        return False
    try:
        current_app.send_task(task, args=args, expires=expires, retry=retry, headers={"_schema_name": PUBLIC})
    except (OperationalError, OSError):
        return False
    return True


def handler_of(name: str) -> Handler | None:
    return _by_name.get(name)


def registered() -> Mapping[str, list[Handler]]:
    """Every event with its handlers."""
    return {event: list(handlers) for event, handlers in sorted(_by_event.items())}

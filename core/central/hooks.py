"""Calls from outside (webhooks): judged on their raw bytes, kept once, answered at once, handed over by outbox.

A *reader* per platform says whether a call is genuine and whose it is; apps register theirs. What is routed leaves
``public`` with the same commit, what nobody claims or what is forged stays, encrypted, for the operators' desk.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from django.db import transaction

from core import bulk, clock, faults
from core.central import due
from core.central.models import InboundHook
from core.errors import AdapterError, BusinessError, Rejected
from core.events import emit
from core.secrets import open_public, seal_public
from core.tenancy import PUBLIC, public_context

log = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024
MOST_KEPT = 500  # of a kind, per platform: whoever floods us with calls that nobody signed fills no disk
KEEP_HANDED, KEEP_OTHERS = timedelta(days=7), timedelta(days=30)
SWEEP_SECONDS = 300
UNROUTED, NO_HANDLER = "hook.unrouted", "hook.no_handler"
_SECRET_HEADERS = frozenset({"cookie", "authorization", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class HookCall:
    """A call as it came. ``headers`` have lower-case names; ``route`` is the path behind ``/hooks/<platform>/``."""

    platform: str
    route: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    url: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handover:
    """One tenant's news: ``event`` with ``payload`` (ids only) goes into its outbox."""

    schema: str
    event: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    content: bytes = b""
    media_type: str = "text/plain"


class HookReader(Protocol):
    def greet(self, call: HookCall) -> Reply | None:
        """Answer a GET by which a platform checks the address; None when it knows no such thing."""

    def read(self, call: HookCall) -> list[Handover]:
        """Whose news this is; [] when it is genuine and nobody's. Called outside of a transaction, in ``public``.

        Raises Rejected when it is not from the platform, another AdapterError when that cannot be told now.
        """


_readers: dict[str, HookReader] = {}
_finders: list[Callable[[str], HookReader | None]] = []


def register(platform: str, reader: HookReader) -> None:
    """From the app's ``AppConfig.ready``."""
    _readers[platform] = reader


def register_finder(find: Callable[[str], HookReader | None]) -> None:
    """For an app with many platforms: ``find(platform)`` is asked when nobody registered under that name."""
    if find not in _finders:
        _finders.append(find)


def reader_of(platform: str) -> HookReader | None:
    if platform in _readers:
        return _readers[platform]
    return next((reader for find in _finders if (reader := find(platform)) is not None), None)


def receive(call: HookCall) -> Reply:
    """Take one call. 200 when it is ours to deal with from here on, also when it came before; never raises for content."""
    reader = reader_of(call.platform)
    if reader is None or "\0" in call.route:
        return Reply(404)
    if call.method == "GET":
        return reader.greet(call) or Reply(405)
    if call.method != "POST":
        return Reply(405)
    if len(call.body) > MOST_BYTES:
        return Reply(413)
    digest = _digest(call)
    with public_context():
        if _seen(call.platform, digest):
            return Reply(200)
        return _judge(reader, call, digest)


def again(hook_id: int) -> str:
    """Judge a kept call once more (its account is connected by now, the key server answers again). Returns a code or ''.

    Raises BusinessError when there is no such call, or its body is gone.
    """
    with public_context():
        row = InboundHook.objects.filter(pk=hook_id).first()
        reader = reader_of(row.platform) if row else None
        if row is None or row.body is None or reader is None:
            raise BusinessError("hook.gone")
        kept = json.loads(open_public(bytes(row.body)))
        call = HookCall(row.platform, row.route, kept["body"].encode("latin-1"), row.headers, query=kept["query"])
        _judge(reader, call, row.digest)
        row.refresh_from_db()
        return row.error_code


def sweep() -> None:
    """Judge again what could not be judged, the one that was looked at longest ago first, and delete what is old."""
    with public_context():
        now = clock.now()
        InboundHook.objects.filter(purge_at__lt=now).delete()
        InboundHook.objects.filter(state=InboundHook.NEW, received_at__lt=now - KEEP_OTHERS).delete()
        waiting = InboundHook.objects.filter(state=InboundHook.NEW).order_by("purge_at", "id")
        for hook_id in list(waiting.values_list("id", flat=True)[:200]):
            try:
                again(hook_id)
            except Exception as error:  # the reader's, whatever it is: the calls behind this one have their turn
                log.warning("hook %s: %s", hook_id, faults.trace(error))
                code, params = faults.stored(error)
                InboundHook.objects.filter(pk=hook_id).update(
                    error_code=code[:80], error_params=params, purge_at=now + KEEP_OTHERS
                )


@due.due_job("hooks.sweep")
def _sweep(key: str) -> None:
    sweep()


def _digest(call: HookCall) -> str:
    return hashlib.sha256(f"{call.platform}\0{call.route}\0".encode() + call.body).hexdigest()


def _seen(platform: str, digest: str) -> bool:
    """Handed over before: platforms repeat themselves."""
    rows = InboundHook.objects.filter(platform=platform, digest=digest, state=InboundHook.HANDED)
    row = rows.values_list("pk", "times").first()
    if row is None:
        return False
    rows.filter(pk=row[0]).update(times=row[1] + 1)
    return True


def _judge(reader: HookReader, call: HookCall, digest: str) -> Reply:
    try:
        news = reader.read(call)
    except Rejected as error:
        code, params = faults.stored(error)
        log.warning("hook of %s refused: %s", call.platform, code)
        if _room(call, digest, InboundHook.REFUSED):
            _keep(call, digest, InboundHook.REFUSED, code, params)
        return Reply(401)
    except AdapterError as error:
        code, params = faults.stored(error)
        if not _room(call, digest, InboundHook.NEW):
            return Reply(503)  # the platform comes again
        _keep(call, digest, InboundHook.NEW, code, params)
        return Reply(200)
    if not news:
        if _room(call, digest, InboundHook.UNROUTED):
            _keep(call, digest, InboundHook.UNROUTED, UNROUTED, {})
        return Reply(200)
    with transaction.atomic():
        if _keep(call, digest, InboundHook.HANDED, "", {}):
            handlers = sum(emit(one.event, one.payload, schema=one.schema) for one in news)
            if not handlers:
                _keep(call, digest, InboundHook.UNROUTED, NO_HANDLER, {})
    return Reply(200)


def _room(call: HookCall, digest: str, state: int) -> bool:
    """Whether a call in this state may be kept: it is already, or there are few. Nobody's calls are not verified."""
    kept = InboundHook.objects.filter(platform=call.platform)
    if len(kept.filter(state=state).values_list("pk")[:MOST_KEPT]) < MOST_KEPT:
        return True
    return kept.filter(digest=digest).exists()


def _keep(call: HookCall, digest: str, state: int, code: str, params: dict[str, Any]) -> bool:
    """Write the call's row; what is handed over keeps its digest only. False when it was handed over before."""
    now = clock.now()
    handed = state == InboundHook.HANDED
    text = json.dumps({"body": call.body.decode("latin-1"), "query": dict(call.query)})
    body = None if handed else seal_public(text.encode())
    headers = {} if handed else {n: v[:500] for n, v in list(call.headers.items())[:60] if n not in _SECRET_HEADERS}
    rows = bulk.fetch(
        "INSERT INTO public.central_inboundhook AS h (platform, route, digest, body, headers, state, times, error_code,"
        " error_params, received_at, purge_at) VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s)"
        " ON CONFLICT (platform, digest) DO UPDATE SET state = EXCLUDED.state, body = EXCLUDED.body,"
        " headers = EXCLUDED.headers, error_code = EXCLUDED.error_code, error_params = EXCLUDED.error_params,"
        " purge_at = EXCLUDED.purge_at, times = h.times + 1"
        " WHERE h.state <> %s OR EXCLUDED.error_code = %s RETURNING h.id, h.times",
        [
            call.platform,
            call.route[:120],
            digest,
            body,
            json.dumps(headers),
            state,
            code[:80],
            json.dumps(params),
            now,
            now + (KEEP_HANDED if handed else KEEP_OTHERS),
            InboundHook.HANDED,
            NO_HANDLER,
        ],
    )
    if rows and rows[0][1] == 1 and (not handed or rows[0][0] % 100 == 1):
        due.schedule(PUBLIC, "hooks.sweep", "", SWEEP_SECONDS)
    return bool(rows)

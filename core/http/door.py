"""One call out, from budget to answer. Nothing here retries or sleeps; bodies, queries and headers are never logged."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
from django.conf import settings
from django.db import connection

from core import clock
from core.errors import AdapterError, Rejected, Throttled, Transient, UnknownOutcome
from core.http.addresses import GuardedTransport
from core.http.breaker import Breaker
from core.http.budget import Budget
from core.wire import HttpAnswer

log = logging.getLogger("core.http")

CONNECT_SECONDS = 5.0
MOST_BYTES = 64 * 1024 * 1024
USER_AGENT = "Sampan/1"
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
BROKEN = frozenset({500, 502, 503, 504})

# Below the 5 s after which common servers close an idle connection: a write on one that just went would be unknown.
KEEPALIVE_SECONDS = 4.0

_transport: tuple[int, GuardedTransport] | None = None
_counts: ContextVar[Counter[str] | None] = ContextVar("http_counts", default=None)
budget = Budget()
breaker = Breaker()


class InTransaction(RuntimeError):
    """HTTP inside a database transaction: locks would be held for as long as somebody else pleases."""


def transport() -> GuardedTransport:
    """This process's pool of connections. A transport and not a client: a client would mix all tenants' cookies."""
    global _transport
    if _transport is None or _transport[0] != os.getpid():
        made = GuardedTransport(max_connections=64, max_keepalive=32, keepalive_seconds=KEEPALIVE_SECONDS)
        _transport = (os.getpid(), made)
    return _transport[1]


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count the calls made inside, by operation (and ``all``); for benches and tests."""
    counter: Counter[str] = Counter()
    before = _counts.set(counter)
    try:
        yield counter
    finally:
        _counts.reset(before)


class Door:
    """``core.wire.Http`` for one application and account."""

    def __init__(self, application: str, account_key: str) -> None:
        self.application, self.account = application, account_key

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | list[tuple[str, Any]] | None = None,
        content: bytes | None = None,
        writes: bool = False,
        timeout: float = 30.0,
        rate: tuple[float, float] | None = None,
    ) -> HttpAnswer:
        refuse_in_transaction()
        request = _request(method, url, headers, params, content, timeout)
        host = request.url.netloc.decode("ascii")
        self._may(host, operation, rate)
        counter = _counts.get()
        if counter is not None:
            counter.update((operation, "all"))
        started = clock.monotonic()
        try:
            answer = _exchange(request, started + 2 * timeout)
        except httpx.TransportError as error:
            breaker.note(host, self.account, ok=False)
            log.warning("%s %s %s: %s", method, host, operation, type(error).__name__)
            raise _meaning(error, writes, host, operation) from None
        breaker.note(host, self.account, ok=answer.status not in BROKEN)
        log.debug("%s %s %s: %s in %.3f s", method, host, operation, answer.status, clock.monotonic() - started)
        if rate is not None:
            self._learn(operation, answer)
        return answer

    def _may(self, host: str, operation: str, rate: tuple[float, float] | None) -> None:
        if breaker.wait(host, self.account):
            raise Transient("http.breaker_open", host=host)
        if rate is not None:
            wait = budget.take(self.application, self.account, operation, rate)
            if wait:
                raise Throttled(retry_after=round(wait, 3), operation=operation)

    def _learn(self, operation: str, answer: HttpAnswer) -> None:
        told = answer.headers.get("x-amzn-ratelimit-limit", "")
        if told:
            try:
                budget.learn(self.application, self.account, operation, float(told))
            except ValueError:
                log.debug("%s: a rate limit that is no number", operation)
        if answer.status == 429:
            budget.empty(self.application, self.account, operation)


def refuse_in_transaction() -> None:
    """Raise InTransaction inside an open transaction (the one a test is wrapped in does not count)."""
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise InTransaction("HTTP inside a database transaction")


def _request(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    params: Mapping[str, Any] | list[tuple[str, Any]] | None,
    content: bytes | None,
    timeout: float,
) -> httpx.Request:
    times = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout), pool=CONNECT_SECONDS)
    given = {name.lower(): value for name, value in (headers or {}).items()}
    try:
        request = httpx.Request(
            method,
            url,
            params=params,
            headers={"user-agent": USER_AGENT, "accept": "*/*", "accept-encoding": "gzip, deflate"} | given,
            content=content,
            extensions={"timeout": times.as_dict()},
        )
    except (httpx.InvalidURL, ValueError, TypeError):
        raise Rejected("http.bad_address") from None
    if request.url.scheme not in ("http", "https") or not request.url.host:
        raise Rejected("http.bad_address")
    # Secrets and buyers' addresses go out: in production encrypted only. (The simulators are never there.)
    if request.url.scheme == "http" and settings.SESSION_COOKIE_SECURE:
        raise Rejected("http.not_encrypted", host=request.url.host)
    return request


def _exchange(request: httpx.Request, deadline: float) -> HttpAnswer:
    response = transport().handle_request(request)
    try:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > MOST_BYTES:
                raise httpx.ReadError("the answer is too large")
            # The time-out is for silence; a server that sends a byte now and then would hold us for ever.
            if clock.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer takes too long")
            parts.append(part)
    except httpx.DecodingError as error:
        raise httpx.ReadError("the answer's encoding is broken") from error
    finally:
        response.close()
    kept = {name.lower(): value for name, value in response.headers.items() if name.lower() != "content-encoding"}
    return HttpAnswer(response.status_code, kept, b"".join(parts), str(request.url))


def _meaning(error: httpx.TransportError, writes: bool, host: str, operation: str) -> AdapterError:
    """What a failed exchange means: nothing happened, or (a write that may have arrived) nobody knows."""
    if isinstance(error, NOT_SENT):
        return Transient("http.unreachable", host=host)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return Rejected("http.bad_address")
    if writes:
        return UnknownOutcome("http.no_answer", host=host, operation=operation)
    code = "http.timeout" if isinstance(error, httpx.TimeoutException) else "http.cut"
    return Transient(code, host=host, operation=operation)

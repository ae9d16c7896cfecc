"""Ways out for adapters in tests: straight to a server, or answers from a script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from channels.protocol import Session
from core.errors import Transient, UnknownOutcome
from core.wire import HttpAnswer


class Direct:
    """To the server, with nothing in between but what a lost answer means."""

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        content: bytes | None = None,
        writes: bool = False,
        timeout: float = 30.0,
        rate: tuple[float, float] | None = None,
    ) -> HttpAnswer:
        try:
            answer = httpx.request(
                method, url, headers=dict(headers or {}), params=params, content=content, timeout=timeout
            )
        except httpx.TransportError as error:
            raise (UnknownOutcome if writes else Transient)("http.cut") from error
        return HttpAnswer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)


@dataclass(frozen=True)
class Sent:
    method: str
    url: str
    operation: str
    headers: Mapping[str, str]
    params: Mapping[str, Any]
    content: bytes | None
    writes: bool
    rate: tuple[float, float] | None


@dataclass
class Scripted:
    """Gives the same answer to every call, and remembers the calls. ``answer`` None: the answer is lost."""

    answer: HttpAnswer | None
    sent: list[Sent] = field(default_factory=list)

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        content: bytes | None = None,
        writes: bool = False,
        timeout: float = 30.0,
        rate: tuple[float, float] | None = None,
    ) -> HttpAnswer:
        self.sent.append(Sent(method, url, operation, dict(headers or {}), dict(params or {}), content, writes, rate))
        if self.answer is None:
            raise (UnknownOutcome if writes else Transient)("http.no_answer")
        return self.answer


def session(adapter: Any, http: Any, url: str = "https://simulators.test", token: str = "token") -> Session:
    """A session of a store that the adapter's sandbox draft describes (nothing is registered)."""
    draft = adapter.sandbox_draft(url, "US")
    return Session(
        http=http,
        external_account=draft.external_id,
        settings=draft.settings,
        credentials=draft.credentials,
        marketplaces=draft.marketplaces,
        access_token=token,
        now=lambda: datetime.now(UTC),
    )

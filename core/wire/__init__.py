"""What adapters and carriers see of the way out: a protocol and its answer. No Django, no database here.

``core.http`` builds the real thing and hands it in; ``core.wire.sdk`` puts the platforms' own libraries behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """``content`` is decoded (no gzip left); header names are lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str = ""


class Http(Protocol):
    """The only way out, from ``core.http``: time-outs, rate budget, breaker, redaction.

    Raises ``Throttled`` (our own budget is used up), ``Transient`` (nothing was sent, or a read failed) and
    ``UnknownOutcome`` (``writes=True`` and no answer came), ``Rejected`` for an address that must not be called.
    Any status is returned, never raised; redirects are not followed.
    """

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
        """``operation`` names the call for budget, log and counts. ``rate``: (tokens a second, burst) of business time.

        ``timeout``: seconds for the answer; connecting has 5.
        """
        ...

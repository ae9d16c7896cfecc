"""Bars the network for a while, below every library: Python reports socket calls to an audit hook before they happen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

EVENTS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"}

_attempts: list[str] | None = None
_hooked = False


class NetworkBarred(RuntimeError):
    """Something tried to look up or reach an address where it must not."""


@contextmanager
def barred() -> Iterator[list[str]]:
    """While open, look-ups and connections raise NetworkBarred and are listed. PostgreSQL's own library is not seen."""
    global _attempts, _hooked
    if not _hooked:
        sys.addaudithook(_hook)  # can never be taken away again, so it is idle outside
        _hooked = True
    attempts: list[str] = []
    _attempts = attempts
    try:
        yield attempts
    finally:
        _attempts = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _attempts is not None and event in EVENTS:
        words = f"{event} {arguments[1:] if event != 'socket.getaddrinfo' else arguments[:2]}"
        _attempts.append(words)
        raise NetworkBarred(words)

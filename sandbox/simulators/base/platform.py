"""What every simulator is: a name, its routes, its store, its faults and limits, and its control routes."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from .faults import Faults
from .limits import Limiter


class Platform:
    """Base of a simulator. ``routes`` are mounted at ``/<name>``, ``control`` at ``/_control/<name>``."""

    name = ""

    def __init__(self, data: Path, faults: Faults, limiter: Limiter) -> None:
        self.data = data
        self.faults = faults
        self.limiter = limiter

    def routes(self) -> list[BaseRoute]:
        return []

    def control(self) -> list[BaseRoute]:
        return []

    async def startup(self) -> None:
        """Start background work (webhook delivery). Called inside the event loop."""

    async def shutdown(self) -> None:
        """Stop it."""


class Cut(Response):
    """Answer by cutting the connection: nothing (or ``part`` of a body) is sent. uvicorn closes the socket."""

    def __init__(self, part: bytes = b"", length: int | None = None, media_type: str = "application/json") -> None:
        super().__init__(b"")
        self.part, self.length, self.content_type = part, length, media_type

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.part:
            headers = [(b"content-type", self.content_type.encode())]
            headers.append((b"content-length", str(self.length or len(self.part) * 2).encode()))
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self.part, "more_body": True})
        transport = scope.get("extensions", {}).get("sampan.transport")
        if transport is None:
            raise RuntimeError(
                "no transport in the scope: the application must be built by sandbox.simulators.app.build"
            )
        # A close sends what was written first; without a part nothing may reach the client, not even an orderly end.
        transport.close() if self.part else transport.abort()
        # Until the server knows of the lost connection it would answer 500 for us.
        while (await receive())["type"] != "http.disconnect":
            pass


def bearer(request: Request, header: str = "authorization") -> str:
    value = request.headers.get(header, "")
    return value.removeprefix("Bearer ").strip()

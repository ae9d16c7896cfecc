"""One process serves every simulator: ``/<platform>/…`` as the platform does, ``/_control/…`` for tests and rehearsals."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from .base import clock
from .base.faults import Faults, Scripted
from .base.limits import Limiter
from .base.platform import Platform


class Simulators(Starlette):
    """Remembers the connection before the middleware wraps ``send``, so that ``Cut`` can cut it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's ``send`` is a method of its request cycle, which knows the connection.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope.setdefault("extensions", {})["sampan.transport"] = transport
        await super().__call__(scope, receive, send)


def discover() -> list[type[Platform]]:
    """Every sub-package that has ``SIMULATOR`` is a simulator; adding a folder adds one."""
    import sandbox.simulators as here

    found = []
    for info in pkgutil.iter_modules(here.__path__):
        if info.ispkg and info.name != "base":
            module = importlib.import_module(f"sandbox.simulators.{info.name}")
            simulator = getattr(module, "SIMULATOR", None)
            if simulator is not None:
                found.append(simulator)
    return found


def build(data: Path, *, limits: bool = True) -> Starlette:
    faults, limiter = Faults(), Limiter()
    limiter.enabled = limits
    platforms = [cls(data, faults, limiter) for cls in discover()]

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"ok": True, "platforms": [p.name for p in platforms]})

    async def set_faults(request: Request) -> JSONResponse:
        """{"profile": "storm", "seed": 7} and/or {"script": [{"kind", "op", "account", "times"}]}; GET shows counts."""
        if request.method == "POST":
            body = await request.json()
            if "profile" in body:
                faults.set_profile(body["profile"], int(body.get("seed", 1)))
            if "script" in body:
                faults.scripted = [Scripted(**item) for item in body["script"]]
        return JSONResponse({"profile": faults.profile, "seed": faults.seed, "counts": faults.counts})

    async def set_limits(request: Request) -> JSONResponse:
        if request.method == "POST":
            limiter.enabled = bool((await request.json())["on"])
        return JSONResponse({"on": limiter.enabled})

    async def set_clock(request: Request) -> JSONResponse:
        """{"clock": "<real epoch>:<simulated epoch>:<speed>" or null for the machine's}: for those who play the past."""
        if request.method == "POST":
            raw = (await request.json())["clock"]
            if raw is None:
                os.environ.pop("SAMPAN_CLOCK", None)
            else:
                os.environ["SAMPAN_CLOCK"] = str(raw)
        return JSONResponse({"now": clock.iso()})

    routes: list = [
        Route("/_control/health", health),
        Route("/_control/clock", set_clock, methods=["GET", "POST"]),
        Route("/_control/faults", set_faults, methods=["GET", "POST"]),
        Route("/_control/limits", set_limits, methods=["GET", "POST"]),
    ]
    for platform in platforms:
        routes.append(Mount(f"/_control/{platform.name}", routes=platform.control()))
        routes.append(Mount(f"/{platform.name}", routes=platform.routes()))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for platform in platforms:
            await platform.startup()
        yield
        for platform in platforms:
            await platform.shutdown()

    return Simulators(routes=routes, lifespan=lifespan)

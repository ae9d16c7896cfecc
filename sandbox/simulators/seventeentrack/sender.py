"""Delivery of webhooks: signed, repeated until the receiver answers 200, a few at a time."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from urllib.parse import urlsplit

import httpx

from .book import Book

AT_ONCE = 8
REST = 0.05  # real seconds between two looks when nothing is due
TIMEOUT = 10.0
FIRST_RETRY, LONGEST_RETRY = 2.0, 60.0  # seconds of the simulated clock


def signature(body: bytes, key: str) -> str:
    """A plain SHA-256 over body, slash and key; not an HMAC, although many clients think so."""
    return hashlib.sha256(body + b"/" + key.encode()).hexdigest()


def target(url: str, host: str | None) -> tuple[str, str | None]:
    """URL to connect to and Host header. Names under .localhost resolve in browsers only, so they go to loopback."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    if name.endswith(".localhost"):
        port = f":{parts.port}" if parts.port else ""
        return parts._replace(netloc=f"127.0.0.1{port}").geturl(), host or f"{name}{port}"
    return url, host


class Sender:
    def __init__(self, book: Book) -> None:
        self.book = book
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._flying: dict[int, asyncio.Task[None]] = {}  # by registered number: no two at once for the same one
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        self._client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        tasks = [task for task in (self._task, *self._flying.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def wake(self) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            for row in self.book.due(AT_ONCE * 4):
                if len(self._flying) >= AT_ONCE:
                    break
                if row["number_id"] not in self._flying:
                    self._flying[row["number_id"]] = asyncio.create_task(self._send(row))
            try:
                await asyncio.wait_for(self._wake.wait(), REST)
            except TimeoutError:
                pass

    async def _send(self, row: sqlite3.Row) -> None:
        try:
            ok, answer = await self._post(row)
            wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(row["attempts"], 10))
            self.book.answered(row, ok=ok, answer=answer, again_in=wait)
        finally:
            self._flying.pop(row["number_id"], None)
            self._wake.set()

    async def _post(self, row: sqlite3.Row) -> tuple[bool, str]:
        assert self._client is not None
        body = row["body"].encode()
        url, host = target(row["url"], row["host"])
        headers = {"content-type": "application/json", "sign": signature(body, row["token"])}
        if host:
            headers["host"] = host
        try:
            response = await self._client.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return False, f"{type(error).__name__}: {error}"
        return response.status_code == 200, f"HTTP {response.status_code}"

"""Leases are short and renewed while their process lives, so a killed worker's work is taken over soon.

A thread of the process renews what it holds, on a connection of its own. Work that hangs is ended by Celery's hard time
limit, which ends the renewing too; no lease outlives its process by more than ``LEASE_SECONDS``.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection, connections

from core.clock import wall

log = logging.getLogger(__name__)

LEASE_SECONDS = 30
BEAT_SECONDS = 7.0


def until(seconds: float | None = None) -> datetime:
    """Wall clock: until when a lease that begins now is good (``LEASE_SECONDS`` unless told)."""
    return wall() + timedelta(seconds=LEASE_SECONDS if seconds is None else seconds)


class _Keeper:
    """The leases that this process holds, and the thread that renews them."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.held: dict[str, tuple[str, list[Any]]] = {}
        self.guard = threading.Lock()
        self.wake = threading.Event()
        self.thread: threading.Thread | None = None

    def add(self, name: str, sql: str, params: list[Any]) -> None:
        with self.guard:
            self.held[name] = (sql, params)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self.thread.start()

    def remove(self, name: str) -> None:
        with self.guard:
            self.held.pop(name, None)

    def _run(self) -> None:
        while not self.wake.wait(BEAT_SECONDS):
            with self.guard:
                held = list(self.held.values())
                if not held:
                    self.thread = None
                    return
            renew(held)
            connections.close_all()  # of this thread: a connection that lies idle would only cost


def renew(held: Sequence[tuple[str, list[Any]]]) -> None:
    """Push the leases' ends out. A row that its own holder is just closing is locked and skipped."""
    for sql, params in held:
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, [until(), *params])
        except Error as error:
            log.warning("a lease could not be renewed: %s", type(error).__name__)


_keeper = _Keeper()


@contextmanager
def kept(table: str, row_id: int, token: str) -> Iterator[None]:
    """Renew the lease of a row of ``table`` (with its schema; columns lease_token, lease_until) while inside."""
    global _keeper
    if _keeper.pid != os.getpid():  # after a fork neither the thread nor its lock are ours
        _keeper = _Keeper()
    keeper, name = _keeper, f"{table} {row_id} {token}"
    sql = (
        f"UPDATE {table} SET lease_until = %s WHERE id IN "
        f"(SELECT id FROM {table} WHERE id = %s AND lease_token = %s FOR UPDATE SKIP LOCKED)"
    )
    keeper.add(name, sql, [row_id, token])
    try:
        yield
    finally:
        keeper.remove(name)

"""Reading a platform window by window and page by page, into the raw inbox.

A page's raw rows and its page token are one transaction; the cursor's position moves with the last page of a window.
So a kill at any point costs at most one page read again, which the digests recognise. Being told to wait, or finding
the platform down, ends a run politely: the next one goes on with the token.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction

from channels import permissions
from channels.canonical import Page, Window
from channels.models import Account, Cursor
from channels.protocol import Session
from channels.registry import adapter_of
from channels.services import inbox, runs, tokens
from channels.services.health import STOPPED, consent_refused, recovered, set_health
from channels.services.sessions import session_of
from core import clock, faults
from core.audit import record
from core.central.leases import kept, until
from core.errors import AdapterError, AuthExpired, AuthRevoked, BusinessError, LeaseLost, Rejected, Throttled, Transient
from core.events import emit
from core.permissions import Actor
from core.tenancy import require_tenant

log = logging.getLogger(__name__)

PAGE_TOKEN_DEAD, WINDOW_TOO_BIG = "adapter.page_token_dead", "adapter.window_too_big"
RUN_SECONDS = 30.0  # wall: a run ends between two pages, so that other accounts and the outbox get their turn
SMALLEST = timedelta(minutes=1)
HALVE_FROM = timedelta(hours=2)
FAILING_AFTER = 3  # failures in a row until the account is called failing
RESTARTS = 3  # of a window within one run
FIRST_BACKOFF, LONGEST_BACKOFF = 15.0, 900.0  # business seconds

OnPage = Callable[[int], None]
T = TypeVar("T")
Fetch = Callable[[Session, Window, str], Page]


@dataclass
class Pulled:
    """What a run did. ``wait``: business seconds until the next run should come, None: as usual.

    ``done``: everything up to now is read. ``busy``: another worker is reading, or the account stands still.
    """

    pages: int = 0
    items: int = 0
    fresh: int = 0
    done: bool = False
    busy: bool = False
    wait: float | None = None
    code: str = ""
    params: dict[str, Any] = field(default_factory=dict)


def fetch_orders(
    *, account_id: int, actor: Actor, on_page: OnPage | None = None, seconds: float = RUN_SECONDS
) -> Pulled:
    """Read the orders that changed since the cursor. ``on_page`` is called after each page's commit with the number
    of new raw rows. Never call it inside a transaction. Raises only what is a defect of ours.
    """
    account = Account.objects.get(pk=account_id)
    return _Run(account, "orders", inbox.ORDER, adapter_of(account.platform).fetch_orders, actor).go(on_page, seconds)


def fetch_messages(*, account_id: int, actor: Actor, seconds: float = RUN_SECONDS) -> Pulled:
    """Read buyers' messages; emits ``messages.received`` {account_id, ids of raw rows} with each page that has new ones."""
    account = Account.objects.get(pk=account_id)
    fetch = adapter_of(account.platform).fetch_messages
    return _Run(account, "messages", inbox.MESSAGE, fetch, actor, event="messages.received").go(None, seconds)


def read_again_from(*, actor: Actor, account_id: int, since: datetime, job: str = "orders") -> None:
    """Set a cursor back: the period since then is read once more (what is known is recognised). A person's act."""
    actor.require(permissions.PULL)
    if since > clock.now() or since < clock.now() - timedelta(days=730):
        raise BusinessError("account.period")
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update().filter(account_id=account_id, job=job).first()
        if cursor is None or not actor.sees_account(account_id):
            raise BusinessError("account.unknown")
        cursor.position = min(cursor.position, since)
        cursor.began_at = cursor.position
        cursor.window_from = cursor.window_to = None
        cursor.page_token = ""
        cursor.lease_token = cursor.lease_until = None  # whoever reads now loses the lease with its next page
        cursor.save()
        record(actor, "account", account_id, "account.read_again", since=since.isoformat(), job=job)


class _Run:
    """One worker's go at one cursor."""

    def __init__(self, account: Account, job: str, kind: str, fetch: Fetch, actor: Actor, event: str = "") -> None:
        self.account, self.job, self.kind, self.fetch, self.actor, self.event = account, job, kind, fetch, actor, event
        self.adapter = adapter_of(account.platform)
        self.lease = uuid.uuid4()
        self.done = Pulled()
        self.restarts = 0
        self.started = clock.monotonic()

    def go(self, on_page: OnPage | None, seconds: float) -> Pulled:
        if not self._claim():
            return self.done
        try:
            with self._kept():
                self._read(on_page, clock.monotonic() + seconds)
        except LeaseLost:
            # Another worker took over, or a person set the cursor back; what we stored is good.
            self.done.busy = True
        except AdapterError as error:
            self._failed(error)
        except BaseException:
            self._release({})
            raise
        return self.done

    def _kept(self) -> AbstractContextManager[None]:
        return kept(f'"{require_tenant()}".channels_cursor', self.cursor.pk, str(self.lease))

    def _claim(self) -> bool:
        """Take the lease and see that a window is open. False when there is nothing to do for us."""
        now, wall = clock.now(), clock.wall()
        with transaction.atomic():
            cursor = Cursor.objects.select_for_update().get(account_id=self.account.pk, job=self.job)
            health = Account.objects.values_list("health", flat=True).get(pk=self.account.pk)
            if health in STOPPED or (cursor.lease_until and cursor.lease_until > wall):
                self.done.busy = True
                return False
            if cursor.window_to is None and not self._open(cursor, now):
                self.done.done = True
                return False
            cursor.lease_token, cursor.lease_until, cursor.last_started_at = self.lease, until(), now
            cursor.save()
        self.cursor = cursor
        return True

    def _open(self, cursor: Cursor, now: datetime) -> bool:
        """Open the next window: a little back behind the position, up to a little behind now."""
        adapter = self.adapter
        end = now - timedelta(seconds=adapter.lag_seconds)
        end = min(end, cursor.position + timedelta(seconds=adapter.max_window_seconds))
        if end <= cursor.position:
            return False
        cursor.window_from = cursor.position - timedelta(seconds=adapter.overlap_seconds)
        cursor.window_to, cursor.page_token = end, ""
        cursor.pages = cursor.items = cursor.fresh = 0
        return True

    def _read(self, on_page: OnPage | None, end: float) -> None:
        while True:
            page = self._page()
            if page is None:
                continue
            fresh = self._store(page)
            if on_page is not None:
                on_page(fresh)
            if self.cursor.window_to is None:
                self.done.done = True
                return self._release({"failures": 0, "error_code": "", "error_params": {}}, ended=True)
            if clock.monotonic() > end:
                self.done.wait = 0.0
                return self._release({"failures": 0, "error_code": "", "error_params": {}})

    def _page(self) -> Page | None:
        """The next page; None when the window begins anew. An access token that died is replaced once."""
        cursor = self.cursor
        assert cursor.window_from is not None and cursor.window_to is not None
        window = Window(cursor.window_from, cursor.window_to)
        try:
            page = with_token(self.account, self.actor, lambda s: self.fetch(s, window, cursor.page_token))
        except Rejected as error:
            if error.code == PAGE_TOKEN_DEAD and cursor.page_token and self.restarts < RESTARTS:
                self._reopen(cursor.window_to)
                return None
            if error.code == WINDOW_TOO_BIG and self._halve():
                return None
            raise
        if page.next_token and page.next_token == cursor.page_token:
            raise Transient("adapter.page_repeats")  # it would go round for ever
        return page

    def _halve(self) -> bool:
        cursor = self.cursor
        assert cursor.window_from is not None and cursor.window_to is not None
        half = (cursor.window_to - cursor.window_from) / 2
        # The half must lie beyond the position, else the overlap alone would be read for ever.
        middle = max(cursor.window_from + half, cursor.position + SMALLEST)
        if middle >= cursor.window_to:
            return False
        self._reopen(middle)
        self.restarts -= 1
        return True

    def _reopen(self, window_to: datetime) -> None:
        """Read the window from its first page on, up to ``window_to``."""
        self.restarts += 1
        self._move(page_token="", window_to=window_to, pages=0, items=0, fresh=0)

    def _store(self, page: Page) -> int:
        cursor, now = self.cursor, clock.now()
        changes: dict[str, Any] = {"page_token": page.next_token, "lease_until": until()}
        if not page.next_token:
            changes |= {"position": cursor.window_to, "window_from": None, "window_to": None}
        with transaction.atomic():
            self._hold()
            ids = inbox.store(account_id=self.account.pk, kind=self.kind, items=page.items)
            changes |= {
                "pages": cursor.pages + 1,
                "items": cursor.items + len(page.items),
                "fresh": cursor.fresh + len(ids),
            }
            if not page.next_token:
                for name, value in changes.items():
                    setattr(cursor, name, value)
                if self._open_next(now):
                    names = ("window_from", "window_to", "page_token", "pages", "items", "fresh")
                    changes |= {name: getattr(cursor, name) for name in names}
            self._move(**changes)
            if ids and self.event:
                emit(self.event, {"account_id": self.account.pk, "ids": ids})
        self.done.pages += 1
        self.done.items += len(page.items)
        self.done.fresh += len(ids)
        return len(ids)

    def _open_next(self, now: datetime) -> bool:
        """After a window that ended long before now: the next one follows at once."""
        behind = now - timedelta(seconds=self.adapter.lag_seconds) - self.cursor.position
        return behind > timedelta(seconds=self.adapter.pull_every_seconds) and self._open(self.cursor, now)

    def _hold(self) -> None:
        """Lock the cursor in our transaction. Raises LeaseLost when it is not ours any more."""
        mine = Cursor.objects.select_for_update().filter(pk=self.cursor.pk, lease_token=self.lease)
        if not mine.exists():
            raise LeaseLost(cursor=self.cursor.pk)

    def _move(self, **changes: Any) -> None:
        if not Cursor.objects.filter(pk=self.cursor.pk, lease_token=self.lease).update(**changes):
            raise LeaseLost(cursor=self.cursor.pk)
        for name, value in changes.items():
            setattr(self.cursor, name, value)

    def _release(self, changes: dict[str, Any], *, ended: bool = False) -> None:
        now, done = clock.now(), self.done
        made = runs.entry(
            at=now,
            seconds=clock.monotonic() - self.started,
            pages=done.pages,
            items=done.items,
            fresh=done.fresh,
            code=done.code,
            params=done.params,
        )
        changes = changes | {"runs": runs.added(self.cursor.runs, made)}
        mine = Cursor.objects.filter(pk=self.cursor.pk, lease_token=self.lease)
        mine.update(lease_token=None, lease_until=None, last_finished_at=now, **changes)
        if ended:
            Account.objects.filter(pk=self.account.pk).update(last_success_at=now)
            recovered(account_id=self.account.pk, actor=self.actor)

    def _failed(self, error: AdapterError) -> None:
        """Give the cursor back with the reason; say when to come again."""
        done = self.done
        done.code, done.params = faults.stored(error)
        log.warning("%s of account %s: %s", self.job, self.account.pk, faults.trace(error))
        reason = {"error_code": done.code, "error_params": done.params}
        if isinstance(error, Throttled):  # no failure: told to come back later
            done.wait = max(1.0, error.retry_after or float(self.adapter.pull_every_seconds))
            return self._release(reason)
        if isinstance(error, AuthRevoked):
            self._release(reason)
            consent_refused(account=self.account, error=error, actor=self.actor)
            return None
        failures = self.cursor.failures + 1
        done.wait = min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), LONGEST_BACKOFF)
        window = self.cursor.window_to - self.cursor.window_from  # type: ignore[operator]
        if failures >= FAILING_AFTER and not self.cursor.page_token and window > HALVE_FROM and error.retry:
            # A platform that dies of a big window often answers a smaller one.
            self._halve()
        self._release(reason | {"failures": failures})
        if failures >= FAILING_AFTER or not error.retry:
            set_health(
                account_id=self.account.pk,
                health=Account.FAILING,
                actor=self.actor,
                code=done.code,
                params=done.params,
            )
        return None


def with_token(account: Account, actor: Actor, call: Callable[[Session], T]) -> T:
    """Call with a session that has a usable access token; mint once more when the platform says it is dead."""
    token, generation = tokens.access(account_id=account.pk, actor=actor)
    try:
        return call(session_of(account, token))
    except AuthExpired:
        tokens.expire(account_id=account.pk, generation=generation)
    token, generation = tokens.access(account_id=account.pk, actor=actor)
    return call(session_of(account, token))

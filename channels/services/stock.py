"""What a platform holds for us: a full reading each time, because its own "changed since" misses changes.

A SKU that one reading does not name may just be missing from it; only the second reading in a row makes it zero.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction

from channels import finding
from channels.canonical import Page, StockItem
from channels.models import Account, Cursor, RawPayload
from channels.registry import adapter_of
from channels.services import inbox, runs
from channels.services.health import STOPPED, recovered, set_health
from channels.services.pull import PAGE_TOKEN_DEAD, RESTARTS, RUN_SECONDS, Pulled, with_token
from core import bulk, clock, faults
from core.central.leases import kept, until
from core.errors import AdapterError, AuthRevoked, BadPayload, LeaseLost, PermissionMissing, Rejected, Throttled
from core.events import emit
from core.permissions import Actor
from core.tenancy import require_tenant
from inventory.codes import code_key

log = logging.getLogger(__name__)

JOB = "inventory"
ABSENT_TWICE = 2
NUMBERS = (
    "fulfillable",
    "inbound_working",
    "inbound_shipped",
    "inbound_receiving",
    "reserved_customer",
    "reserved_transfer",
    "reserved_processing",
    "researching",
    "unfulfillable",
)
_COLUMNS = ("account_id", "marketplace", "seller_sku", "asin", "fnsku", "title", *NUMBERS, "seen_at", "missed")
STALE = timedelta(hours=1)  # a reading that stood still longer begins anew
FIRST_BACKOFF, LONGEST_BACKOFF = 30.0, 1800.0
FAILING_AFTER = 3
PATIENCE = 5.0  # business seconds


def fetch_stock(*, account_id: int, actor: Actor, seconds: float = RUN_SECONDS) -> Pulled:
    """Read all of a platform's stock into PlatformStock; emits ``channels.stock_read`` {account_id} after the last page.

    Never call it inside a transaction.
    """
    account = Account.objects.get(pk=account_id)
    done, lease = Pulled(), uuid.uuid4()
    cursor = _claim(account, lease)
    if cursor is None:
        done.busy = True
        return done
    try:
        with kept(f'"{require_tenant()}".channels_cursor', cursor.pk, str(lease)):
            _read(account, cursor, actor, done, clock.monotonic() + seconds)
    except LeaseLost:
        done.busy = True
    except AdapterError as error:
        _failed(account, cursor, actor, done, error)
    except BaseException:
        _release(cursor, done)
        raise
    return done


def _claim(account: Account, lease: uuid.UUID) -> Cursor | None:
    now, wall = clock.now(), clock.wall()
    with transaction.atomic():
        cursor = Cursor.objects.select_for_update().get(account_id=account.pk, job=JOB)
        if account.health in STOPPED or (cursor.lease_until and cursor.lease_until > wall):
            return None
        if cursor.window_from is None or cursor.window_from < now - STALE:
            _begin(cursor)
        cursor.lease_token, cursor.lease_until, cursor.last_started_at = lease, until(), now
        cursor.save()
    return cursor


def _begin(cursor: Cursor) -> None:
    """``window_from`` marks the reading: what is seen gets a later time, the rest was not named."""
    cursor.window_from, cursor.page_token = clock.now(), ""
    cursor.pages = cursor.items = cursor.fresh = 0


def _read(account: Account, cursor: Cursor, actor: Actor, done: Pulled, end: float) -> None:
    adapter = adapter_of(account.platform)
    restarts = 0
    while True:
        try:
            page: Page = with_token(account, actor, lambda session: adapter.fetch_stock(session, cursor.page_token))
        except Rejected as error:
            if error.code != PAGE_TOKEN_DEAD or not cursor.page_token or restarts >= RESTARTS:
                raise
            restarts += 1
            _move(cursor, page_token="", pages=0, items=0, fresh=0)
            continue
        except Throttled as error:
            # The next page's token lives half a minute: better to wait here than to begin anew.
            if not error.retry_after or error.retry_after > PATIENCE or clock.monotonic() > end:
                raise
            clock.sleep(error.retry_after / clock.speed())
            continue
        last = not page.next_token
        _store(account, cursor, adapter, page, last)
        done.pages += 1
        done.items += len(page.items)
        if last:
            done.done = True
            Account.objects.filter(pk=account.pk).update(last_success_at=clock.now())
            _release(cursor, done, failures=0, error_code="", error_params={})
            return recovered(account_id=account.pk, actor=actor)
        if clock.monotonic() > end:
            done.wait = 0.0
            return _release(cursor, done, failures=0, error_code="", error_params={})


def _store(account: Account, cursor: Cursor, adapter: Any, page: Page, last: bool) -> None:
    items: dict[tuple[str, str], StockItem] = {}
    bad = []
    for raw in page.items:
        try:
            item: StockItem = adapter.parse_stock(raw.payload)
        except BadPayload as error:
            bad.append((raw, error))
            continue
        items[item.marketplace, inbox.clean(item.seller_sku)[:120]] = item
    with transaction.atomic():
        _move(
            cursor,
            page_token=page.next_token,
            lease_until=until(),
            pages=cursor.pages + 1,
            items=cursor.items + len(page.items),
        )
        _upsert(account.pk, list(items.values()))
        for raw, why in bad:
            ids = inbox.store(account_id=account.pk, kind=inbox.INVENTORY, items=[raw])
            RawPayload.objects.filter(pk__in=ids).update(
                state=RawPayload.DEAD, attempts=1, error_code=why.code, error_params=why.params
            )
        if last:
            _close(account.pk, cursor)
            emit("channels.stock_read", {"account_id": account.pk})


def _upsert(account_id: int, items: Sequence[StockItem]) -> None:
    now = clock.now()
    rows = [
        (
            account_id,
            item.marketplace[:20],
            inbox.clean(item.seller_sku)[:120],
            item.asin[:20],
            item.fnsku[:20],
            inbox.clean(item.title)[:300],
            *(getattr(item, name) for name in NUMBERS),
            now,
            0,
        )
        for item in items
    ]
    told = [name for name in _COLUMNS if name not in ("account_id", "marketplace", "seller_sku")]
    sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in told)
    conflict = f"(account_id, marketplace, seller_sku) DO UPDATE SET {sets}"
    bulk.insert("channels_platformstock", _COLUMNS, rows, conflict=conflict)


def _close(account_id: int, cursor: Cursor) -> None:
    """After the last page: count what was not named, and match new seller SKUs to ours."""
    zeros = ", ".join(f"{name} = CASE WHEN missed + 1 >= {ABSENT_TWICE} THEN 0 ELSE {name} END" for name in NUMBERS)
    bulk.execute(
        f"UPDATE channels_platformstock SET missed = missed + 1, {zeros} WHERE account_id = %s AND seen_at < %s",
        [account_id, cursor.window_from],
    )
    _list_new(account_id)
    bulk.execute(
        "UPDATE channels_platformstock s SET sku_id = l.sku_id FROM channels_listing l"
        " WHERE s.account_id = %s AND l.account_id = s.account_id AND l.seller_sku = s.seller_sku"
        " AND s.sku_id IS DISTINCT FROM l.sku_id",
        [account_id],
    )
    Cursor.objects.filter(pk=cursor.pk).update(position=cursor.window_from, window_from=None, page_token="")
    cursor.window_from = None


def _list_new(account_id: int) -> None:
    """Seller SKUs without a listing get one, matched by code where one active SKU has it."""
    unknown = bulk.fetch(
        "SELECT DISTINCT ON (s.seller_sku) s.seller_sku, s.asin, s.title FROM channels_platformstock s"
        " WHERE s.account_id = %s AND NOT EXISTS (SELECT 1 FROM channels_listing l"
        " WHERE l.account_id = s.account_id AND l.seller_sku = s.seller_sku)",
        [account_id],
    )
    if not unknown:
        return
    keys = [code_key(row[0]) for row in unknown]
    skus = dict(
        bulk.fetch("SELECT code_key, id FROM inventory_sku WHERE state = 'active' AND code_key = ANY(%s)", [keys])
    )
    now = clock.now()
    bulk.insert(
        "channels_listing",
        (
            "account_id",
            "seller_sku",
            "external_id",
            "variation",
            "title",
            "sku_id",
            "units",
            "matched_by",
            "platform_fulfilled",
            "grams",
            "seen_at",
        ),
        [
            (
                account_id,
                sku,
                asin,
                "",
                title,
                skus.get(code_key(sku)),
                1,
                "code" if code_key(sku) in skus else "",
                True,
                finding.grams_of(sku, asin, title),
                now,
            )
            for sku, asin, title in unknown
        ],
        conflict="(account_id, seller_sku) DO NOTHING",
    )


def _move(cursor: Cursor, **changes: Any) -> None:
    if not Cursor.objects.filter(pk=cursor.pk, lease_token=cursor.lease_token).update(**changes):
        raise LeaseLost(cursor=cursor.pk)
    for name, value in changes.items():
        setattr(cursor, name, value)


def _release(cursor: Cursor, done: Pulled, **changes: Any) -> None:
    mine, now = Cursor.objects.filter(pk=cursor.pk, lease_token=cursor.lease_token), clock.now()
    began = cursor.last_started_at or now
    made = runs.entry(
        at=now,
        seconds=(now - began).total_seconds(),
        pages=done.pages,
        items=done.items,
        fresh=0,
        code=done.code,
        params=done.params,
    )
    kept_runs = runs.added(cursor.runs, made)
    mine.update(lease_token=None, lease_until=None, last_finished_at=now, runs=kept_runs, **changes)


def _failed(account: Account, cursor: Cursor, actor: Actor, done: Pulled, error: AdapterError) -> None:
    done.code, done.params = faults.stored(error)
    log.warning("stock of account %s: %s", account.pk, faults.trace(error))
    reason = {"error_code": done.code, "error_params": done.params}
    if isinstance(error, Throttled):
        done.wait = max(1.0, error.retry_after or 60.0)
        return _release(cursor, done, **reason)
    if isinstance(error, PermissionMissing):
        # Many sellers keep no stock at the platform: said at this job, no reason to call the account failing.
        return _release(cursor, done, **reason)
    failures = cursor.failures + 1
    done.wait = min(FIRST_BACKOFF * 2 ** min(failures - 1, 10), LONGEST_BACKOFF)
    _release(cursor, done, failures=failures, **reason)
    revoked = isinstance(error, AuthRevoked)
    if revoked or failures >= FAILING_AFTER or not error.retry:
        health = Account.RECONNECT if revoked else Account.FAILING
        set_health(
            account_id=account.pk,
            health=health,
            actor=actor,
            code=done.code,
            params=done.params,
            consent=account.consented_at,
        )
    return None

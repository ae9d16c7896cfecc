"""Orders that the platform ships itself: their goods leave the platform's warehouse in our books, each line once.

A line is found by what is missing, a move of its own, under the lock of its order; the move's key is the line's, so
neither a second worker nor a second reading posts it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from channels import canonical
from channels.models import Account
from core import bulk, clock, settings_store
from core.audit import record_many
from core.errors import BusinessError
from core.permissions import Actor
from core.tenancy import require_tenant
from inventory.models import Warehouse
from inventory.services import Issue, IssueLine, create_warehouse, issue_many
from orders import states

SOURCE = "platform"  # source kind of the moves; source = order, source line = its line
FROM = "orders.platform_issued_from"  # tenant setting: what was shipped before is in the opening stock already
LOOK_BACK = timedelta(days=60)  # of the sweep; later news come as changes of the order
BATCH = 200  # orders in one transaction
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

# Shipped by the platform, the SKU known, not in the books yet. What was cancelled in part did not leave.
_MISSING = """
      FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
     WHERE o.state = %(state)s AND l.sku_id IS NOT NULL AND l.quantity > l.cancelled AND o.account_id IS NOT NULL
       AND (o.channel_status = %(shipped)s
            OR (o.channel_status = %(partly)s AND l.shipped >= l.quantity - l.cancelled))
       AND o.channel_updated_at >= %(since)s
       AND NOT EXISTS (SELECT 1 FROM inventory_move m WHERE m.source_kind = %(source)s AND m.source_id = o.id
                          AND m.source_line = l.id)
"""


def issue_shipped(*, order_ids: Sequence[int], actor: Actor) -> list[int]:
    """Issue what the platform has shipped of these orders, in the caller's transaction. Returns the order ids touched.

    Units = sold pieces that were not cancelled × units per listing; effective when the platform said so.
    """
    # The lock first, then what is missing: of two workers the second sees the first one's moves.
    held = bulk.fetch(
        "SELECT id FROM orders_order WHERE id = ANY(%s) AND state = %s ORDER BY id FOR UPDATE",
        [sorted(set(order_ids)), states.PLATFORM],
    )
    if not held:
        return []
    rows = _named(
        "SELECT o.id, o.account_id, o.channel_updated_at, l.id, l.sku_id,"
        f" l.units * (l.quantity - l.cancelled) / l.quantity {_MISSING} AND o.id = ANY(%(ids)s) ORDER BY o.id, l.id",
        _params() | {"ids": [row[0] for row in held]},
    )
    if not rows:
        return []
    places = {account: warehouse_of(account_id=account, actor=actor) for account in sorted({row[1] for row in rows})}
    now = clock.now()
    issue_many(
        actor=actor,
        issues=[
            Issue(
                key=f"issue:platform:{line}",
                warehouse_id=places[account],
                effective_at=min(at, now),
                source_kind=SOURCE,
                source_id=order,
                lines=[IssueLine(line, sku, int(units))],
            )
            for order, account, at, line, sku, units in rows
        ],
    )
    touched = sorted({row[0] for row in rows})
    record_many(actor, [("order", order, "order.issued_by_platform", {}) for order in touched])
    return touched


def sweep(*, actor: Actor) -> int:
    """Issue what no event told of (first seen as shipped, matched to a SKU later). Returns how many orders."""
    done, after = 0, 0
    while True:
        found = _named(
            f"SELECT DISTINCT o.id {_MISSING} AND o.placed_at > %(oldest)s AND o.id > %(after)s ORDER BY o.id LIMIT %(n)s",
            _params() | {"oldest": clock.now() - LOOK_BACK, "after": after, "n": BATCH},
        )
        if not found:
            return done
        ids = [row[0] for row in found]
        with transaction.atomic():
            done += len(issue_shipped(order_ids=ids, actor=actor))
        after = ids[-1]


def warehouse_of(*, account_id: int, actor: Actor) -> int:
    """The warehouse of what the account's platform holds for us; made when it is missing."""
    mine = Warehouse.objects.filter(kind=Warehouse.PLATFORM, account_ref=account_id).order_by("pk")
    found = mine.values_list("pk", flat=True).first()
    if found is not None:
        return int(found)
    with transaction.atomic():
        bulk.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [f"place:{require_tenant()}", account_id])
        found = mine.values_list("pk", flat=True).first()
        if found is not None:
            return int(found)
        account = Account.objects.get(pk=account_id)
        made = create_warehouse(
            actor=actor,
            code=f"{account.platform}-{account.pk}".upper(),
            name=account.name,
            kind=Warehouse.PLATFORM,
            country="",
            timezone=account.timezone,
            account_ref=account.pk,
            priority=900,
        )
    return int(made.pk)


def issue_from(*, actor: Actor, moment: datetime) -> None:
    """Leave alone what the platform shipped before ``moment``: the opening stock was counted after it."""
    if moment.tzinfo is None:
        raise BusinessError("ledger.naive_time", time=moment.isoformat())
    settings_store.put(actor, FROM, moment.isoformat())


def _named(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _params() -> dict[str, Any]:
    since = settings_store.get(FROM, "")
    return {
        "state": states.PLATFORM,
        "shipped": canonical.SHIPPED,
        "partly": canonical.PARTLY_SHIPPED,
        "source": SOURCE,
        "since": datetime.fromisoformat(since) if since else BEFORE_ALL,
    }

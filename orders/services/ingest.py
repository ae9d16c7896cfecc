"""From the raw inbox to orders: a page at a time, in bulk, each order exactly once.

The raw rows' state is set in the transaction that writes the orders, so a kill between two statements leaves either
both or none. A page that the database refuses is bisected down to the bad order, which becomes *dead* with its reason
while the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import DataError, IntegrityError, transaction

from channels import canonical
from channels.models import RawPayload
from channels.registry import adapter_of
from core import bulk
from core.errors import BadPayload, BusinessError
from core.events import emit
from core.permissions import Actor
from core.tenancy import current_schema
from orders import incoming
from orders.services.pages import Incoming, Written, write_page

PAGE = 100


@dataclass
class Result:
    """Counts of one call: raw rows by what became of them, orders by id."""

    created: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    same: int = 0
    dead: int = 0

    def add(self, other: Written) -> None:
        self.created += other.created
        self.changed += other.changed
        self.same += other.same


@dataclass(frozen=True, slots=True)
class Raw:
    id: int
    external_id: str
    payload: str


def ingest_pending(*, account_id: int, platform: str, actor: Actor, limit: int = 100_000) -> Result:
    """Ingest what waits in the raw inbox of an account, oldest first, page by page, each page one transaction."""
    result = Result()
    seen = 0
    while seen < limit:
        count = _one_page(account_id, platform, actor, result)
        if count == 0:
            break
        seen += count
    return result


def _one_page(account_id: int, platform: str, actor: Actor, result: Result) -> int:
    with transaction.atomic():
        _only_one(account_id)
        raws = [
            Raw(*row)
            for row in bulk.fetch(
                "SELECT id, external_id, payload FROM channels_rawpayload"
                " WHERE account_id = %s AND kind = 'order' AND state = 0 ORDER BY id LIMIT %s",
                [account_id, PAGE],
            )
        ]
        if raws:
            _ingest(account_id, platform, raws, actor, result)
    return len(raws)


def _only_one(account_id: int) -> None:
    """One ingester per account at a time: a second one waits, then finds nothing left."""
    bulk.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [f"ingest:{current_schema()}", account_id % 2**31])


def _ingest(account_id: int, platform: str, raws: Sequence[Raw], actor: Actor, result: Result) -> None:
    page, bad = parse(platform, raws)
    bury(bad)
    result.dead += len(bad)
    if page:
        _write(account_id, platform, page, actor, result)


def parse(platform: str, raws: Sequence[Raw]) -> tuple[list[Incoming], list[tuple[int, str, dict]]]:
    """Parsed orders, and (raw id, code, params) of what cannot be read. Never raises for content."""
    adapter = adapter_of(platform)
    page: list[Incoming] = []
    bad: list[tuple[int, str, dict]] = []
    for raw in raws:
        try:
            order: canonical.Order = adapter.parse_order(raw.payload)
            incoming.check(order)
        except BadPayload as error:
            bad.append((raw.id, error.code, error.params))
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
            # An adapter's own defect must not stop the page either; the class name tells the programmer where to look.
            bad.append((raw.id, "payload.unreadable", {"kind": type(error).__name__}))
        else:
            page.append(Incoming(raw.id, order, incoming.row_of(order)))
    return page, bad


def _write(account_id: int, platform: str, page: list[Incoming], actor: Actor, result: Result) -> None:
    try:
        with transaction.atomic():
            written = write_page(account_id=account_id, platform=platform, page=page, actor=actor)
    except (DataError, IntegrityError, UnicodeError) as error:
        if len(page) == 1:
            bury([(page[0].raw_id, "payload.refused_by_database", {"kind": type(error).__name__})])
            result.dead += 1
            return
        middle = len(page) // 2
        _write(account_id, platform, page[:middle], actor, result)
        _write(account_id, platform, page[middle:], actor, result)
        return
    result.add(written)
    if written.created:
        emit("orders.created", {"ids": written.created})
    if written.to_route:
        emit("orders.imported", {"account": account_id, "ids": written.to_route})
    if written.changed:
        emit("orders.changed", {"account": account_id, "ids": written.changed})
    if written.ask_cancel:
        emit("orders.cancel_wanted", {"account": account_id, "ids": written.ask_cancel})


def bury(bad: Sequence[tuple[int, str, dict]]) -> None:
    """Mark raw rows dead with their reason; they stand on the dead-letter desk until mended, retried or dropped."""
    if not bad:
        return
    bulk.update(
        "channels_rawpayload",
        "id",
        [("error_code", "text"), ("error_params", "jsonb")],
        [(raw_id, code, incoming.dumps(params)) for raw_id, code, params in bad],
        extra=f"state = {RawPayload.DEAD}, attempts = t.attempts + 1",
    )


def retry_dead(*, actor: Actor, raw_ids: Sequence[int]) -> int:
    """Put dead raw orders back into the inbox (after a mend of the payload or of the adapter)."""
    from orders.permissions import EDIT

    actor.require(EDIT)
    count = bulk.execute(
        "UPDATE channels_rawpayload SET state = 0, error_code = '', error_params = NULL"
        " WHERE id = ANY(%s) AND state = 2 AND kind = 'order'",
        [list(raw_ids)],
    )
    if not count:
        raise BusinessError("deadletter.gone")
    return count

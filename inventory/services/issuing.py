"""Goods leave for the customer. The hot path of shipping: a page of issues in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import BusinessError
from core.permissions import Actor
from inventory.models import Location
from inventory.permissions import ISSUE
from inventory.services import places as where
from inventory.services.drafts import Draft, Posted, check_quantity, line_keys
from inventory.services.movements import allow, moment
from inventory.services.periods import calendar
from inventory.services.posting import post


@dataclass(frozen=True, slots=True)
class IssueLine:
    """``source_line``: the line of the source (a consignment's line). ``owner_*``: whose reservation is used up."""

    source_line: int | None
    sku_id: int
    quantity: int
    owner_kind: str = ""
    owner_id: int | None = None
    lot_id: int | None = None
    location_id: int | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """One parcel's goods. ``key`` is the act's own, e.g. ``issue:shipment:77``; ``effective_at`` None = now."""

    key: str
    warehouse_id: int
    effective_at: datetime | None
    source_kind: str
    source_id: int | None
    lines: Sequence[IssueLine | tuple]


@dataclass(frozen=True, slots=True)
class Issued:
    """``moves`` by line, in the lines' order of (source line, SKU); ``repeated``: posted before, nothing done now."""

    key: str
    moves: tuple[int, ...]
    repeated: bool


def issue_many(*, actor: Actor, issues: Sequence[Issue]) -> list[Issued]:
    """Post issues from stock to the customers: moves, levels, stock, both values; uses up the owners' reservations.

    What has left has left: an issue of more than the books know goes below zero, and its cost stays open until a receipt
    covers it. All or nothing; the number of statements is the same for 1 and for 100 issues. Raises NotAllowed;
    BusinessError as ``posting.post`` does (params name the key or SKU).
    """
    if not issues:
        return []
    allow(actor, ISSUE, {issue.warehouse_id for issue in issues})
    plans = [_lines(issue) for issue in issues]
    months = calendar()
    places = where.load([i.warehouse_id for i in issues], [line.location_id for lines in plans for line in lines])
    drafts: list[Draft] = []
    for issue, lines in zip(issues, plans, strict=True):
        at = moment(issue.effective_at)
        customer = places.of(issue.warehouse_id, Location.CUSTOMER).id
        for key, line in zip(line_keys(issue.key, len(lines)), lines, strict=True):
            owner = None if line.owner_id is None else (line.owner_kind, line.owner_id)
            drafts.append(
                Draft(
                    key=key,
                    source_kind=issue.source_kind,
                    value_kind="issue",
                    source_id=issue.source_id,
                    source_line=line.source_line,
                    sku_id=line.sku_id,
                    quantity=check_quantity(line.quantity, line.sku_id),
                    from_id=places.pick(issue.warehouse_id, Location.STOCK, line.location_id).id,
                    to_id=customer,
                    effective_at=at,
                    floating=issue.effective_at is None,
                    lot_id=line.lot_id,
                    owner=owner,
                    attrs={"owner": list(owner)} if owner else {},
                )
            )
    return _by_issue(issues, plans, post(actor=actor, calendar=months, places=places, drafts=drafts))


def _lines(issue: Issue) -> list[IssueLine]:
    """In an order of their own, so that a repeated posting with its lines turned round meets the same keys."""
    lines = [line if isinstance(line, IssueLine) else IssueLine(*line) for line in issue.lines]
    if not lines:
        raise BusinessError("ledger.nothing", key=issue.key)
    return sorted(lines, key=lambda x: (x.source_line or 0, x.sku_id, x.lot_id or 0, x.location_id or 0, x.quantity))


def _by_issue(issues: Sequence[Issue], plans: Sequence[Sequence[IssueLine]], posted: Posted) -> list[Issued]:
    results = []
    start = 0
    for issue, lines in zip(issues, plans, strict=True):
        moves = posted.moves[start : start + len(lines)]
        start += len(lines)
        results.append(Issued(issue.key, moves, not posted.written.intersection(moves)))
    return results

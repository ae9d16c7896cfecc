"""What the carriers' answers mean for the rows: a batch in one transaction, nothing decided twice.

A row whose lease another worker has taken over is left alone: that one looks the reference up.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core import bulk, clock, faults, files, patterns
from core.errors import AdapterError, AuthRevoked, PermissionMissing, Rejected, Throttled
from core.events import emit
from core.external import IN_FLIGHT_SECONDS
from core.values import money4
from logistics import numbers, permissions, states
from logistics.services.calls import BOOK, CANCEL, Result

FIRST_BACKOFF, LONGEST_BACKOFF = 2.0, 600.0  # business seconds
ACCOUNT_BACKOFF = 300.0  # the account itself is refused: a person has to act
NUMBER_FIRST, NUMBER_LONGEST = 60.0, 1800.0  # asking for a number that comes later
SOON = 2.0
# A file that is no label: some carriers encode an error page. They are asked again.
LABELS = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG", "application/zpl": b"^XA"}


@dataclass
class Row:
    """A shipment as it stands, and what it becomes."""

    id: int
    reference: str
    state: str
    waybill: str
    tracking_number: str
    needs: str
    attempts: int
    weighed: bool
    label_file_id: int | None
    cost: Decimal | None
    cost_currency: str
    call_sent_at: datetime | None
    warehouse_id: int
    number_format: str
    carrier: str
    next_at: datetime | None = None
    error_code: str = ""
    error_params: dict[str, Any] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def go(self, target: str) -> None:
        if target != self.state:
            states.check(self.state, target)
            self.state = target

    def stopped_by(self, error: AdapterError) -> None:
        self.error_code, self.error_params = faults.stored(error)

    def later(self, seconds: float) -> None:
        self.next_at = clock.now() + timedelta(seconds=seconds)


_LOCK = """
SELECT s.id, s.reference, s.state, s.waybill, s.tracking_number, s.needs, s.attempts, s.weighed_at IS NOT NULL,
       s.label_file_id, s.cost, s.cost_currency, s.call_sent_at, s.warehouse_ref, v.number_format, a.carrier
  FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id
  JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id
 WHERE s.id = ANY(%s) AND s.lease_token = %s ORDER BY s.id FOR UPDATE OF s
"""
_WRITTEN = (
    ("state", "text"),
    ("waybill", "text"),
    ("tracking_number", "text"),
    ("needs", "text"),
    ("attempts", "int"),
    ("label_file_id", "bigint"),
    ("cost", "numeric"),
    ("cost_currency", "text"),
    ("call_sent_at", "timestamptz"),
    ("next_at", "timestamptz"),
    ("error_code", "text"),
    ("error_params", "jsonb"),
)


def write(results: Sequence[Result], token: uuid.UUID) -> None:
    """Write what became of the items of a pass, store labels, emit events; in the caller's transaction."""
    by_id = {result.item.id: result for result in results}
    rows = [Row(*values) for values in bulk.fetch(_LOCK, [list(by_id), token])]
    labels: list[tuple[Row, Result]] = []
    for row in rows:
        result = by_id[row.id]
        settle(row, result)
        if result.label is not None and "label" not in row.needs.split(",") and row.state != states.CANCELLED:
            labels.append((row, result))
    _store_labels(labels)
    bulk.update(
        "logistics_shipment",
        "id",
        _WRITTEN,
        [
            (
                row.id,
                row.state,
                row.waybill,
                row.tracking_number,
                row.needs,
                row.attempts,
                row.label_file_id,
                row.cost,
                row.cost_currency,
                row.call_sent_at,
                row.next_at,
                row.error_code,
                json.dumps(row.error_params, default=str),
            )
            for row in rows
        ],
        extra="lease_token = NULL, lease_until = NULL",
    )
    told: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        for event in row.events:
            told[event].append(row.id)
    for event, ids in told.items():
        emit(event, {"ids": ids})


def _store_labels(labels: Sequence[tuple[Row, Result]]) -> None:
    items = []
    for row, result in labels:
        assert result.label is not None
        ending = {"application/pdf": "pdf", "image/png": "png"}.get(result.label.media_type, "zpl")
        items.append((f"{row.reference}.{ending}", result.label.content, result.label.media_type))
    stored = files.store_many("label", items, permissions.LABEL, [row.warehouse_id for row, _ in labels])
    for (row, _), file in zip(labels, stored, strict=True):
        row.label_file_id = file.pk


def settle(row: Row, result: Result) -> None:
    """Decide what one result means; changes ``row`` only."""
    if result.untouched:
        _untouched(row, result)
    elif result.item.act == CANCEL:
        _cancelled(row, result)
    elif result.booking is None and result.item.act == BOOK:
        _not_booked(row, result)
    else:
        _booked(row, result)


def _untouched(row: Row, result: Result) -> None:
    """Nothing was sent in this pass: the row stands as it stood before."""
    row.call_sent_at = result.item.sent_at
    if row.state == states.BOOKING and row.call_sent_at is None:
        row.go(states.QUEUED)
    elif row.state == states.CANCELLING and row.call_sent_at is None and not row.waybill:
        _off(row)
        return
    if result.error is None:
        row.later(0)
    else:
        _again(row, result.error)


def _off(row: Row) -> None:
    row.go(states.CANCELLED)
    row.next_at, row.call_sent_at = None, None
    row.events.append("shipments.cancelled")


def _again(row: Row, error: AdapterError) -> None:
    """Put the row back with a later time."""
    row.stopped_by(error)
    if isinstance(error, Throttled):
        row.later(max(0.2, error.retry_after if error.retry_after is not None else SOON))
        return
    row.attempts += 1
    if isinstance(error, AuthRevoked | PermissionMissing):
        row.later(ACCOUNT_BACKOFF)
    else:
        row.later(min(FIRST_BACKOFF * 2 ** min(row.attempts - 1, 12), LONGEST_BACKOFF))


def _cancelled(row: Row, result: Result) -> None:
    if result.cancelled:
        _off(row)
        return
    assert result.error is not None
    if result.booking is not None:
        row.waybill = result.booking.waybill
    if isinstance(result.error, Rejected) and row.waybill:
        _back_from_cancelling(row, result.error)
    elif result.sent and result.error.code == "carrier.outcome_open":
        _open(row, result)
    else:
        _again(row, result.error)


def _back_from_cancelling(row: Row, error: AdapterError) -> None:
    """The carrier keeps the parcel: it stands where it stood."""
    row.go(states.standing(waybill=row.waybill, needs=row.needs, weighed=row.weighed))
    row.stopped_by(error)
    row.attempts = 0
    row.next_at = clock.now() if row.needs else None
    row.events.append("shipments.cancel_refused")


def _open(row: Row, result: Result) -> None:
    """Nobody knows yet whether the carrier has it: look again once the call cannot be on its way any more."""
    assert result.error is not None
    row.stopped_by(result.error)
    if row.call_sent_at is None or result.error.code != "carrier.outcome_open":
        row.call_sent_at = clock.wall()
    left = IN_FLIGHT_SECONDS - (clock.wall() - row.call_sent_at).total_seconds()
    row.attempts += 1
    row.later(max(1.0, left) * clock.speed())


def _not_booked(row: Row, result: Result) -> None:
    assert result.error is not None
    cancelling = row.state == states.CANCELLING
    if isinstance(result.error, Rejected):
        row.call_sent_at = None
        if cancelling:
            _off(row)
        else:
            row.go(states.FAILED)
            row.stopped_by(result.error)
            row.next_at = None
            row.events.append("shipments.failed")
    elif result.sent:
        _open(row, result)
    elif result.item.looked_for:
        row.call_sent_at = result.item.sent_at
        _again(row, result.error)
    elif cancelling:
        _off(row)
    else:
        row.call_sent_at = None
        row.go(states.QUEUED)
        _again(row, result.error)


def _booked(row: Row, result: Result) -> None:
    """The carrier has it. What it still owes decides between waiting and ready."""
    fresh = result.booking is not None
    if result.booking is not None:
        _take_over(row, result)
    needs = set(filter(None, row.needs.split(",")))
    refused = _take_number(row, result, needs)
    if result.label is not None and _is_label(result):
        needs.discard("label")
    row.needs = ",".join(sorted(needs, reverse=True))
    row.error_code, row.error_params = "", {}
    if row.state == states.CANCELLING:
        row.attempts = 0
        row.later(0)
        return
    if refused is not None or isinstance(result.error, Rejected):
        row.go(states.FAILED)
        row.stopped_by(refused or result.error)  # type: ignore[arg-type]
        row.next_at = None
        row.events.append("shipments.failed")
        return
    if not needs:
        row.go(states.READY)
        row.next_at = None
        row.attempts = 0
        row.events.append("shipments.booked")
        return
    row.go(states.WAITING)
    _wait(row, result, needs, fresh)
    if fresh or result.number:
        row.events.append("shipments.numbered")


def _take_over(row: Row, result: Result) -> None:
    assert result.booking is not None
    booking = result.booking
    row.waybill = booking.waybill[:60]
    row.needs = ",".join(sorted(booking.needs & {"number", "label"}, reverse=True))
    row.call_sent_at, row.attempts = None, 0
    if booking.cost is not None:
        row.cost, row.cost_currency = money4(booking.cost.amount), booking.cost.currency


def _take_number(row: Row, result: Result, needs: set[str]) -> AdapterError | None:
    """Keep the number; a number that the carrier's own format refuses is kept too, but the parcel stops."""
    number = (result.number or "").strip()[:60]
    if not number:
        return None
    row.tracking_number = number
    problem = refuse_number(row.carrier, row.number_format, number)
    if problem is None:
        needs.discard("number")
    return problem


def refuse_number(carrier: str, number_format: str, number: str) -> Rejected | None:
    """Why a number cannot be one of this service; None when it can."""
    if number_format and not patterns.fits(number_format, number):
        return Rejected("number.not_the_services_format", item=number, format=number_format)
    verdict = numbers.check(carrier, number)
    if verdict.valid is False:
        return Rejected(f"number.{verdict.reason_code}", item=number)
    return None


def _is_label(result: Result) -> bool:
    assert result.label is not None
    begins = LABELS.get(result.label.media_type)
    return begins is not None and result.label.content.lstrip().startswith(begins)


def _wait(row: Row, result: Result, needs: set[str], fresh: bool) -> None:
    if result.error is not None:
        _again(row, result.error)
    elif "number" in needs:
        row.attempts += 0 if fresh else 1
        row.later(min(NUMBER_FIRST * 1.5 ** min(row.attempts, 20), NUMBER_LONGEST))
    else:
        row.attempts += 1
        row.later(min(SOON * 2 ** min(row.attempts, 12), LONGEST_BACKOFF))

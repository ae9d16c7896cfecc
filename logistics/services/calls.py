"""Talking to carriers about many shipments at once: threads that only do HTTP, no database in them.

``run`` gives one ``Result`` per item. What a result means for the row is decided by ``logistics.services.booking``.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import clock
from core.errors import (
    AdapterError,
    AlreadyDone,
    AuthExpired,
    NotFound,
    Rejected,
    Throttled,
    UnknownOutcome,
)
from core.values import Booking, Label, ShipmentRequest
from logistics.protocol import CarrierSession

THREADS = 8
PASS_SECONDS = 60.0  # real: no new call is begun after that; a pass stays well below a task's time limit
SHORT_WAIT = 3.0  # real seconds that a pass waits for a rate budget instead of putting the row back
RENEW_EVERY = 8.0

BOOK, CANCEL, COMPLETE = "book", "cancel", "complete"


@dataclass(frozen=True, slots=True)
class Item:
    """One shipment to work on. ``looked_for``: a create call may have acted before, so look first, never send blindly.

    ``may_send``: so long ago that a look-up which finds nothing proves that it did not act.
    """

    id: int
    account_id: int
    act: str
    request: ShipmentRequest
    waybill: str = ""
    needs: frozenset[str] = frozenset()
    looked_for: bool = False
    may_send: bool = True
    sent_at: datetime | None = None  # wall clock, of the call that may have acted


@dataclass(slots=True)
class Result:
    """What became of an item.

    ``booking``: made or found now. ``number``/``label``: fetched now. ``cancelled``: it is off there (or never was).
    ``sent``: a create call may be on the wire. ``error``: what stopped it, if anything did. ``untouched``: not tried.
    """

    item: Item
    booking: Booking | None = None
    adopted: bool = False
    number: str = ""
    label: Label | None = None
    cancelled: bool = False
    sent: bool = False
    error: AdapterError | None = None
    untouched: bool = False


@dataclass(slots=True)
class Opened:
    """A carrier account ready to be used: adapter, session, and how to get a fresh token (None: cannot)."""

    carrier: Any
    session: CarrierSession
    refresh: Callable[[CarrierSession], CarrierSession] | None = None
    generation: int = 0
    problem: AdapterError | None = field(default=None)


def run(items: Sequence[Item], accounts: Mapping[int, Opened], *, renew: Callable[[], object]) -> list[Result]:
    """Work on all items, some at a time. ``renew`` is called in this thread now and then, to keep the leases."""
    results: list[Result] = []
    waiting: deque[tuple[float, Item, int]] = deque((0.0, item, 0) for item in items)
    flying: dict[Future[Result], tuple[Item, int, int]] = {}
    end = clock.monotonic() + PASS_SECONDS
    renewed = clock.monotonic()
    with ThreadPoolExecutor(max_workers=min(THREADS, max(1, len(items))), thread_name_prefix="carrier") as pool:
        while waiting or flying:
            if clock.monotonic() >= end:
                results += [_not_tried(item) for _, item, _ in waiting]
                waiting.clear()
            _start(pool, waiting, flying, accounts, results)
            _wait(waiting, flying)
            for future in [future for future in flying if future.done()]:
                item, tries, generation = flying.pop(future)
                again = _again(future.result(), tries, accounts[item.account_id], generation)
                if again is None:
                    results.append(future.result())
                else:
                    waiting.append((clock.monotonic() + again, item, tries + 1))
            if clock.monotonic() - renewed >= RENEW_EVERY:
                renewed = clock.monotonic()
                renew()
    return results


def _not_tried(item: Item) -> Result:
    return Result(item, untouched=True)


def _start(
    pool: ThreadPoolExecutor,
    waiting: deque[tuple[float, Item, int]],
    flying: dict[Future[Result], tuple[Item, int, int]],
    accounts: Mapping[int, Opened],
    results: list[Result],
) -> None:
    for _ in range(len(waiting)):
        if len(flying) >= THREADS:
            return
        at, item, tries = waiting.popleft()
        account = accounts[item.account_id]
        if account.problem is not None:
            results.append(Result(item, error=account.problem, untouched=True))
        elif at > clock.monotonic():
            waiting.append((at, item, tries))
        else:
            context = contextvars.copy_context()  # so that calls are counted where the pass was begun
            future = pool.submit(context.run, work, account.carrier, account.session, item)
            flying[future] = (item, tries, account.generation)


def _wait(waiting: Sequence[tuple[float, Item, int]], flying: Mapping[Future[Result], Any]) -> None:
    if flying:
        wait(flying, timeout=0.05 if waiting and len(flying) < THREADS else 1.0, return_when=FIRST_COMPLETED)
    elif waiting:
        clock.sleep(min(0.5, max(0.0, min(entry[0] for entry in waiting) - clock.monotonic())))


def _again(result: Result, tries: int, account: Opened, generation: int) -> float | None:
    """Seconds after which the item is tried again in this pass, or None. Only where certainly nothing was done."""
    error = result.error
    if error is None or result.sent or result.booking is not None or tries >= 4:
        return None
    if isinstance(error, AuthExpired) and account.refresh is not None and tries < 2:
        if generation == account.generation:  # the first one to notice fetches the token for all
            try:
                account.session = account.refresh(account.session)
            except AdapterError as refused:
                account.problem = refused
            account.generation += 1
        return 0.0
    if isinstance(error, Throttled):
        seconds = (error.retry_after if error.retry_after is not None else 1.0) / clock.speed()
        return max(0.02, seconds) if seconds <= SHORT_WAIT else None
    return None


def work(carrier: Any, session: CarrierSession, item: Item) -> Result:
    """All that can be done for one shipment now. Runs in a thread; raises nothing that a carrier may raise."""
    result = Result(item)
    try:
        if item.act == CANCEL:
            _cancel(carrier, session, item, result)
        else:
            if item.act == BOOK:
                _book(carrier, session, item, result)
            _complete(carrier, session, item, result)
    except UnknownOutcome as error:
        result.error = error
        result.sent = result.booking is None
    except Rejected as error:
        result.error, result.sent = error, False  # it answered: the outcome is known
    except AdapterError as error:
        result.error = error
    except Exception as error:  # an adapter's defect must not stop the other parcels of the batch
        result.error = AdapterError("carrier.adapter_failed", kind=type(error).__name__)
        result.sent = item.act == BOOK and result.booking is None
    return result


def _book(carrier: Any, session: CarrierSession, item: Item, result: Result) -> None:
    if item.looked_for:
        _look(carrier, session, item, result)
        if result.booking is not None:
            return
        if not item.may_send:
            raise UnknownOutcome("carrier.outcome_open")
    try:
        result.booking = carrier.book(session, item.request)
    except AlreadyDone:
        _look(carrier, session, item, result)
        if result.booking is None:
            raise UnknownOutcome("carrier.reference_unclear") from None
    except UnknownOutcome:
        # What is found now settles it; what is not found may still be on its way, so that settles nothing.
        result.sent = True
        _look(carrier, session, item, result)
        if result.booking is None:
            raise
        result.sent = False


def _look(carrier: Any, session: CarrierSession, item: Item, result: Result) -> None:
    found: Booking | None = carrier.find(session, item.request.reference)
    if found is None:
        return
    told, receiver = found.raw, item.request.receiver
    same = _same(told.get("country"), {"UK": "GB"}.get(receiver.country, receiver.country))
    if not (same and _same(told.get("postcode"), receiver.postcode)):
        raise Rejected("carrier.reference_taken")
    result.booking, result.adopted = found, True


def _same(theirs: Any, ours: str) -> bool:
    return not theirs or not ours or str(theirs).strip().upper() == ours.strip().upper()


def _complete(carrier: Any, session: CarrierSession, item: Item, result: Result) -> None:
    """Number and label, as far as they can be had already."""
    booking = result.booking
    waybill = booking.waybill if booking else item.waybill
    needs = set(booking.needs if booking else item.needs)
    if booking is not None:
        result.number, result.label = booking.tracking_number, booking.label
    if "number" in needs and booking is None:
        result.number = carrier.fetch_number(session, waybill)
    if "number" in needs and not result.number:
        return
    if "label" in needs and result.label is None:
        try:
            result.label = carrier.fetch_label(session, waybill)
        except NotFound:
            return


def _cancel(carrier: Any, session: CarrierSession, item: Item, result: Result) -> None:
    waybill = item.waybill
    try:
        if not waybill and item.looked_for:
            found = carrier.find(session, item.request.reference)
            waybill = found.waybill if found else ""
            result.booking = found
            if found is None and not item.may_send:
                raise UnknownOutcome("carrier.outcome_open")
        if waybill:
            carrier.cancel(session, waybill)
    except AlreadyDone:
        pass
    except Rejected as error:
        if error.code != "carrier.booking_cancelled":
            raise
    result.cancelled = True

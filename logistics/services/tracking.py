"""Tracking: what sources tell of parcels, each milestone once, and where the parcels stand by it.

Events may come twice, late and in any order, from the carrier and from an aggregator: they are kept by their key, and
the standing is computed from all of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.central import due
from core.events import emit
from core.tenancy import require_tenant
from core.values import TrackEvent
from logistics import canonical as c
from logistics import numbers, progress, states
from logistics.canonical import Tracked

REGISTER_JOB, POLL_JOB, PURGE_JOB = "logistics.register", "logistics.poll", "logistics.purge"
CARRIER, AGGREGATOR, PERSON = "carrier", "17track", "person"
# What PostgreSQL cannot keep: NUL, and half of an emoji that the carrier's system cut in two.
_BAD = re.compile("[\x00\ud800-\udfff]")

_EVENT = (
    "shipment_id",
    "key",
    "at",
    "offset_minutes",
    "main",
    "sub",
    "code",
    "description",
    "place",
    "source",
    "received_at",
)


def schedule_tracking() -> None:
    """Let the tenant's parcels be registered at aggregators, asked for and forgotten; in the caller's transaction."""
    schema = require_tenant()
    due.schedule(schema, REGISTER_JOB, "", 60)
    due.schedule(schema, POLL_JOB, "", 300)
    due.schedule(schema, PURGE_JOB, "", 86_400)


def record_tracking(*, tracked: Sequence[Tracked], source: str) -> list[int]:
    """Keep milestones and move the parcels by them; returns the shipments that something new is known of."""
    with transaction.atomic():
        touched = keep_events(tracked=tracked, source=source)
        settle(shipment_ids=touched)
    return touched


def keep_events(*, tracked: Sequence[Tracked], source: str) -> list[int]:
    """Write milestones that are new; a number that no shipment has is passed over. Returns the shipments touched."""
    known = _shipments([item.number for item in tracked])
    now = clock.now()
    rows: dict[tuple[int, str], tuple[Any, ...]] = {}
    for item in tracked:
        for shipment, carrier in known.get(numbers.clean(item.number), ()):
            for event in _milestones(item, now):
                key = progress.event_key(carrier, event)
                rows[shipment, key] = (
                    shipment,
                    key,
                    event.time,
                    event.utc_offset_minutes,
                    event.main,
                    event.sub[:24],
                    event.code,
                    event.description[:400],
                    event.location[:120],
                    source,
                    now,
                )
    fresh = bulk.insert(
        "logistics_trackingevent",
        _EVENT,
        [rows[name] for name in sorted(rows)],
        conflict="(shipment_id, key) DO NOTHING",
        returning="shipment_id",
    )
    return sorted({row[0] for row in fresh})


def parcels_of(tracked: Sequence[Tracked]) -> list[int]:
    """The shipments that these speak of, by id."""
    return sorted({pk for found in _shipments([item.number for item in tracked]).values() for pk, _ in found})


def _shipments(given: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """{clean number: [(shipment, carrier), …]}: by tracking number or waybill, without cancelled and failed ones."""
    wanted = sorted({spelling for number in given for spelling in (number, numbers.clean(number)) if number})
    out: dict[str, list[tuple[int, str]]] = defaultdict(list)
    rows = bulk.fetch(
        "SELECT s.id, s.tracking_number, s.waybill, a.carrier FROM logistics_shipment s"
        " JOIN logistics_service v ON v.id = s.service_id JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id"
        " WHERE (s.tracking_number = ANY(%s) OR s.waybill = ANY(%s)) AND s.state NOT IN ('cancelled', 'failed')",
        [wanted, wanted],
    )
    for pk, number, waybill, carrier in rows:
        for name in {numbers.clean(number), numbers.clean(waybill)} - {""}:
            out[name].append((pk, carrier))
    return out


def _milestones(item: Tracked, now: datetime) -> list[TrackEvent]:
    """Its events; a source that gives up says so in its summary only, which becomes a milestone of its own."""
    events = [_storable(event) for event in item.events]
    if item.main == c.EXPIRED and (not events or events[-1].main != c.EXPIRED):
        last = events[-1].time if events else now
        events.append(TrackEvent(last + timedelta(seconds=1), c.EXPIRED, "", "summary"))
    return events


def _storable(event: TrackEvent) -> TrackEvent:
    told = (event.code, event.description, event.location)
    if not any(_BAD.search(text) for text in told):
        return event
    code, description, location = (_BAD.sub("\ufffd", text) for text in told)
    return replace(event, code=code, description=description, location=location)


@dataclass
class _Parcel:
    id: int
    state: str
    main: str
    sub: str
    at: datetime | None
    delivered_at: datetime | None
    reopened_at: datetime | None
    handed_at: datetime | None


def settle(*, shipment_ids: Sequence[int]) -> None:
    """Compute anew where shipments stand; in the caller's transaction, constant statements for any number of them.

    Emits shipments.tracked, and shipments.delivered for those that arrived or came back just now.
    """
    if not shipment_ids:
        return
    parcels = [
        _Parcel(*row)
        for row in bulk.fetch(
            "SELECT id, state, track_main, track_sub, track_at, delivered_at, reopened_at, handed_at"
            " FROM logistics_shipment WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            [list(shipment_ids)],
        )
    ]
    miles: dict[int, list[progress.Milestone]] = defaultdict(list)
    for pk, at, main, sub in bulk.fetch(
        "SELECT shipment_id, at, main, sub FROM logistics_trackingevent WHERE shipment_id = ANY(%s)",
        [list(shipment_ids)],
    ):
        miles[pk].append(progress.Milestone(at, main, sub))
    rows, ended = [], []
    for parcel in parcels:
        found = progress.standing(miles[parcel.id])
        target = _state(parcel.state, found)
        if target in states.GONE - {states.HANDED} and target != parcel.state:
            ended.append(parcel.id)
        rows.append(
            (parcel.id, target, found.main, found.sub, found.at, found.ended_at, found.reopened_at, _ask(parcel, found))
        )
    bulk.update(
        "logistics_shipment",
        "id",
        [
            ("state", "text"),
            ("track_main", "text"),
            ("track_sub", "text"),
            ("track_at", "timestamptz"),
            ("delivered_at", "timestamptz"),
            ("reopened_at", "timestamptz"),
            ("poll_at", "timestamptz"),
        ],
        rows,
    )
    emit("shipments.tracked", {"ids": [parcel.id for parcel in parcels]})
    if ended:
        emit("shipments.delivered", {"ids": ended})


def _state(state: str, found: progress.Standing) -> str:
    """Tracking moves only parcels that were handed over; one that moves without a hand-over is an alarm."""
    if state not in states.GONE:
        return state
    target = {c.DELIVERED: states.DELIVERED, c.RETURNED: states.RETURNED}.get(found.main, states.HANDED)
    if target != state:
        states.check(state, target)
    return target


def _ask(parcel: _Parcel, found: progress.Standing) -> datetime | None:
    wait = progress.ask_again_in(found.main)
    now = clock.now()
    if wait is None or parcel.handed_at is None or now - parcel.handed_at > progress.ASK_NO_LONGER:
        return None
    return now + wait


def note(*, shipment_id: int, main: str, description: str, at: datetime | None = None) -> list[int]:
    """A person enters a milestone by hand (carriers without tracking). ``main`` is a canonical state."""
    rows = bulk.fetch("SELECT tracking_number, waybill FROM logistics_shipment WHERE id = %s", [shipment_id])
    number = (rows[0][0] or rows[0][1]) if rows else ""
    event = TrackEvent(at or clock.now(), main, "", "person", description[:400])
    return record_tracking(tracked=[Tracked(number, (event,))], source=PERSON)

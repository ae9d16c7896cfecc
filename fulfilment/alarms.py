"""Parcels that want a person: which alarm rings for which parcel, after how long, and who has settled it.

A parcel has at most one alarm, the worst. Thresholds are settings of the tenant, in hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from core import bulk, clock, settings_store
from core.audit import record_many
from core.errors import BusinessError
from core.permissions import Actor
from fulfilment import finding, permissions
from fulfilment.models import AlarmMark
from logistics import canonical as c
from logistics import states
from logistics.progress import ASK_NO_LONGER

SETTING = "alarm_hours"  # {kind: hours}
# Kinds in the order of their weight; hours after which each rings (0: at once).
HOURS: dict[str, int] = {
    "failed": 0,  # the carrier refuses to book it
    "moving": 0,  # the carrier has it, we never handed it over
    "stuck": 2,  # queued, being booked or being cancelled, and nothing happens
    "owed": 12,  # booked, but number or label never comes
    "returned": 0,  # it came back, or is on its way back
    "attempt": 0,  # a delivery attempt failed
    "exception": 0,  # lost, damaged, refused, no news for long
    "customs": 48,  # held at customs
    "unscanned": 72,  # handed over, the carrier is asked, and has not scanned it
    "pickup": 120,  # waits to be picked up, then it goes back
    "stalled": 240,  # on its way, and no news
    "reopened": 0,  # news after delivery or return
}
KINDS = tuple(HOURS)
TUNABLE = tuple(kind for kind, hours in HOURS.items() if hours)
MOST_HOURS = 24 * 90
FORGET_RETURNS = timedelta(days=30)
SNOOZE_HOURS = (4, 24, 72, 168)

# States in which a kind can ring: what the index is asked for.
IN_STATES: dict[str, tuple[str, ...]] = {
    "failed": (states.FAILED,),
    "moving": (states.READY, states.PACKED),
    "stuck": (states.QUEUED, states.BOOKING, states.CANCELLING),
    "owed": (states.WAITING,),
    "returned": (states.RETURNED, states.HANDED),
} | dict.fromkeys(("attempt", "exception", "customs", "unscanned", "pickup", "stalled", "reopened"), (states.HANDED,))

_CASE = f"""CASE
 WHEN s.state = 'failed' THEN 'failed'
 WHEN s.state IN ('ready', 'packed') AND s.track_main IN ('{c.IN_TRANSIT}', '{c.OUT_FOR_DELIVERY}', '{c.DELIVERED}') THEN 'moving'
 WHEN s.state IN ('queued', 'booking', 'cancelling') AND s.created_at < %(stuck)s THEN 'stuck'
 WHEN s.state = 'waiting' AND s.created_at < %(owed)s THEN 'owed'
 WHEN s.state = 'returned' AND s.delivered_at > %(forget)s THEN 'returned'
 WHEN s.state <> 'handed' OR s.handed_at < %(old)s THEN NULL
 WHEN s.track_main = '{c.EXCEPTION}' AND s.track_sub = 'returning' THEN 'returned'
 WHEN s.track_main = '{c.FAILED}' THEN 'attempt'
 WHEN s.track_main IN ('{c.EXCEPTION}', '{c.EXPIRED}') THEN 'exception'
 WHEN s.track_main = '{c.IN_TRANSIT}' AND s.track_sub IN ('customs', 'customs_info_needed') AND s.track_at < %(customs)s
      THEN 'customs'
 WHEN s.track_main IN ('', '{c.NOT_FOUND}', '{c.INFO_RECEIVED}') AND s.handed_at < %(unscanned)s
      AND (s.poll_at IS NOT NULL OR s.registered_at IS NOT NULL) THEN 'unscanned'
 WHEN s.track_main = '{c.PICKUP}' AND s.track_at < %(pickup)s THEN 'pickup'
 WHEN s.track_main IN ('{c.IN_TRANSIT}', '{c.OUT_FOR_DELIVERY}') AND s.track_at < %(stalled)s THEN 'stalled'
 WHEN s.reopened_at IS NOT NULL THEN 'reopened' END"""
_SINCE = """CASE WHEN s.state IN ('failed', 'queued', 'booking', 'cancelling', 'waiting') THEN s.created_at
 WHEN s.track_main IN ('', 'NotFound', 'InfoReceived') THEN s.handed_at ELSE coalesce(s.track_at, s.handed_at) END"""

# Joined to ``logistics_shipment s``: the alarm that rings (``alarm.kind``) and since when, unless a person has settled it.
JOIN = f"""
 CROSS JOIN LATERAL (SELECT {_CASE} AS kind, {_SINCE} AS since) ringing
  LEFT JOIN fulfilment_alarmmark mark ON mark.shipment_id = s.id AND mark.kind = ringing.kind
   AND (mark.until > %(now)s OR (mark.until IS NULL AND mark.at >= ringing.since))
 CROSS JOIN LATERAL (SELECT CASE WHEN mark.id IS NULL THEN ringing.kind END AS kind, ringing.since AS since) alarm
"""


def hours() -> dict[str, int]:
    """{kind: hours} as this tenant wants them. One query."""
    given = settings_store.get(SETTING, {})
    return {kind: int(given.get(kind, usual)) if kind in TUNABLE else usual for kind, usual in HOURS.items()}


def moments(wanted: Mapping[str, int] | None = None) -> dict[str, datetime]:
    """The parameters of ``JOIN``."""
    now = clock.now()
    wanted = wanted or hours()
    return {kind: now - timedelta(hours=wanted[kind]) for kind in TUNABLE} | {
        "forget": now - FORGET_RETURNS,
        "old": now - ASK_NO_LONGER,
        "now": now,
    }


def tune(*, actor: Actor, wanted: Mapping[str, int]) -> None:
    """Change after how many hours alarms ring. Raises NotAllowed, BusinessError ``alarm.hours``."""
    kept = {kind: int(value) for kind, value in wanted.items() if kind in TUNABLE}
    if any(not 1 <= value <= MOST_HOURS for value in kept.values()):
        raise BusinessError("alarm.hours", most=MOST_HOURS)
    with transaction.atomic():
        settings_store.alone(SETTING)
        settings_store.put(actor, SETTING, {**settings_store.get(SETTING, {}), **kept})


def named(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a statement with named parameters."""
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(params))
        return list(cursor.fetchall())


def of_parcel(actor: Actor, shipment_id: int) -> dict[str, Any] | None:
    """What rings for one parcel, or was settled: {kind, since, mark}; None when nothing does."""
    sql = f"""SELECT ringing.kind, ringing.since, mark.until, mark.note, mark.at, mark.actor_label, mark.id IS NOT NULL
                FROM logistics_shipment s {JOIN} WHERE s.id = %(id)s AND ringing.kind IS NOT NULL"""
    rows = named(sql, {**moments(), "id": shipment_id})
    if not rows:
        return None
    kind, since, until, note, at, who, marked = rows[0]
    mark = {"until": until, "note": note, "at": at, "who": who} if marked else None
    return {"kind": kind, "since": since, "mark": mark}


@transaction.atomic
def mark(*, actor: Actor, shipment_ids: Sequence[int], sleep_hours: int | None = None, note: str = "") -> list[int]:
    """Settle what rings for these parcels (``sleep_hours`` None), or let it sleep; the note stands beside it.

    News of the parcel make a settled alarm ring again. Returns the parcels for which one rang; twice does no harm.
    """
    actor.require(permissions.SHIP)
    if sleep_hours is not None and not 1 <= sleep_hours <= MOST_HOURS:
        raise BusinessError("alarm.hours", most=MOST_HOURS)
    sql = f"""SELECT s.id, alarm.kind FROM logistics_shipment s {JOIN}
               WHERE s.id = ANY(%(ids)s) AND alarm.kind IS NOT NULL ORDER BY s.id"""
    rows = named(sql, {**moments(), "ids": finding.mine(actor, shipment_ids)})
    now = clock.now()
    until = None if sleep_hours is None else now + timedelta(hours=sleep_hours)
    bulk.insert(
        "fulfilment_alarmmark",
        ("shipment_id", "kind", "until", "note", "at", "actor_id", "actor_label"),
        [(pk, kind, until, note.strip()[:300], now, actor.id, actor.label) for pk, kind in rows],
        conflict="(shipment_id, kind) DO UPDATE SET until = EXCLUDED.until, note = EXCLUDED.note, at = EXCLUDED.at,"
        " actor_id = EXCLUDED.actor_id, actor_label = EXCLUDED.actor_label",
    )
    code = "shipment.alarm_settled" if until is None else "shipment.alarm_snoozed"
    more = {} if until is None else {"until": until.isoformat(timespec="minutes")}
    record_many(actor, [("shipment", pk, code, {"kind": kind, **more}) for pk, kind in rows])
    return [row[0] for row in rows]


@transaction.atomic
def ring_again(*, actor: Actor, shipment_id: int) -> None:
    """Take a settling back. Raises BusinessError ``shipment.not_found``."""
    actor.require(permissions.SHIP)
    rows = bulk.fetch("SELECT 1 FROM logistics_shipment WHERE id = ANY(%s)", [finding.mine(actor, [shipment_id])])
    if not rows:
        raise BusinessError("shipment.not_found")
    gone, _ = AlarmMark.objects.filter(shipment_id=shipment_id).delete()
    if gone:
        record_many(actor, [("shipment", shipment_id, "shipment.alarm_again", {})])

"""Sources of tracking: registration at an aggregator, its webhook, and asking carriers or aggregators regularly."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock, faults
from core.central.hooks import Handover, HookCall, Reply
from core.errors import AdapterError, BusinessError, Throttled
from core.http import client
from core.secrets import decrypt_json
from core.tenancy import require_tenant, tenant_context
from logistics import numbers, progress
from logistics.canonical import Tracked
from logistics.models import Tracker
from logistics.protocol import TRACK, CarrierSession
from logistics.registry import tracker_of
from logistics.services import tracking
from logistics.services.calls import THREADS
from logistics.services.sessions import note_health, open_accounts
from tenants.models import Tenant, WebhookRoute

log = logging.getLogger(__name__)

AT_ONCE = 40  # numbers of one registration
ROUNDS = 25  # registrations of one run
CLAIMED = timedelta(minutes=30)  # a poll whose worker dies is made again after that
POLL_PAGE = 200
TRACKED_EVENT = "tracking.received"
QUOTA = frozenset({"-18019907", "-18019908"})


def session_of(tracker: Tracker) -> CarrierSession:
    return CarrierSession(
        http=client(tracker.kind, f"{require_tenant()}:tracker:{tracker.pk}"),
        settings=tracker.settings,
        credentials=decrypt_json(bytes(tracker.credentials)) if tracker.credentials else {},
        now=clock.now,
    )


# -- registration -----------------------------------------------------------------------------------------------------


def register_due() -> int:
    """Register parcels that were handed over, 40 a call; outside of any transaction. Returns how many were told.

    Only one aggregator is used: the oldest active one. Raises what stops the run; what was told until then is kept.
    """
    tracker = Tracker.objects.filter(active=True).order_by("pk").first()
    if tracker is None:
        return 0
    adapter, session, told = tracker_of(tracker.kind), session_of(tracker), 0
    for _ in range(ROUNDS):
        rows = bulk.fetch(
            "SELECT s.id, s.tracking_number, v.aggregator_code, s.country FROM logistics_shipment s"
            " JOIN logistics_service v ON v.id = s.service_id"
            " WHERE s.state = 'handed' AND s.registered_at IS NULL AND s.tracking_number <> '' ORDER BY s.id LIMIT %s",
            [AT_ONCE],
        )
        if not rows:
            break
        told_of = adapter.register(session, [(number, carrier, country) for _, number, carrier, country in rows])
        answers = {numbers.clean(number): code for number, code in told_of.items()}  # it spells them its own way
        told += _note_registered(rows, answers)
        if any(code in QUOTA for code in answers.values()):
            raise BusinessError("tracker.quota", tracker=tracker.name)
        if not any(numbers.clean(number) in answers for _, number, _, _ in rows):
            break  # nothing of what we asked was answered: do not ask the same for ever
    return told


def _note_registered(rows: Sequence[tuple[Any, ...]], answers: dict[str, str]) -> int:
    """Registered, or refused for good (kept as a remark); a number that met the quota is told again later."""
    found = [(pk, answers.get(numbers.clean(number))) for pk, number, _, _ in rows]
    done = [(pk, code) for pk, code in found if code is not None and code not in QUOTA]
    remarks = [(pk, json.dumps({"tracker": code})) for pk, code in done if code]
    now = clock.now()
    bulk.update("logistics_shipment", "id", [("registered_at", "timestamptz")], [(pk, now) for pk, _ in done])
    if remarks:
        bulk.execute(
            "UPDATE logistics_shipment s SET extras = s.extras || v.remark FROM"
            " unnest(%s::bigint[], %s::jsonb[]) AS v(id, remark) WHERE v.id = s.id",
            bulk.columns(remarks),
        )
    return len(done)


# -- the webhook --------------------------------------------------------------------------------------------------------


class TrackerHook:
    """Reads the calls of one aggregator: ``/hooks/<kind>/<external id of the tracker>``.

    The milestones are written into the tenant while the call is read (twice does no harm); the event makes the parcels
    stand anew by them.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def greet(self, call: HookCall) -> Reply | None:
        return None

    def read(self, call: HookCall) -> list[Handover]:
        routes = WebhookRoute.objects.select_related("tenant").filter(
            platform=self._kind, external_id=call.route, tenant__state=Tenant.ACTIVE
        )
        out: list[Handover] = []
        for route in routes:
            with tenant_context(route.tenant.schema_name):
                tracker = Tracker.objects.filter(pk=route.account_id, active=True).first()
                if tracker is None:
                    continue
                secret = decrypt_json(bytes(tracker.credentials)) if tracker.credentials else {}
                found = tracker_of(self._kind).parse_webhook(call.body, call.headers, secret)
                tracking.keep_events(tracked=found, source=self._kind)
                # All that it names, not only what was new: whoever died after the milestones left the parcels as they
                # stood, and the aggregator's second call says the same once more.
                named = tracking.parcels_of(found)
            out.append(Handover(route.tenant.schema_name, TRACKED_EVENT, {"ids": named}))
        return out


# -- asking -------------------------------------------------------------------------------------------------------------


def poll_due(limit: int = POLL_PAGE) -> int:
    """Ask the carriers for parcels whose time has come (aggregators where the carrier cannot tell). Returns how many.

    The rows are claimed by putting their time off before anybody is asked; a killed worker's are asked again later.
    """
    now = clock.now()
    with transaction.atomic():
        rows = bulk.fetch(
            "UPDATE logistics_shipment s SET poll_at = %s FROM logistics_service v, logistics_carrieraccount a"
            " WHERE v.id = s.service_id AND a.id = v.carrier_account_id AND s.id IN"
            " (SELECT id FROM logistics_shipment WHERE poll_at <= %s ORDER BY poll_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING s.id, coalesce(nullif(s.tracking_number, ''), s.waybill), a.id, s.registered_at IS NOT NULL",
            [now + CLAIMED, now, limit],
        )
    if not rows:
        return 0
    by_account: dict[int, list[str]] = defaultdict(list)
    registered: list[str] = []
    opened = open_accounts({row[2] for row in rows})
    for _, number, account_id, known in sorted(rows):
        account = opened[account_id]
        if account.problem is None and TRACK in account.carrier.capabilities:
            by_account[account_id].append(number)
        elif known:
            registered.append(number)
    errors = _ask_carriers(opened, by_account)
    if registered:
        _ask_aggregator(registered)
    with transaction.atomic():
        note_health(opened, errors, set(by_account) - set(errors))
    _put_off(sorted(row[0] for row in rows), now)
    return len(rows)


def _put_off(shipment_ids: Sequence[int], since: Any) -> None:
    """Where nothing new was told, the next time comes by the parcel's state."""
    rows = bulk.fetch(
        "SELECT id, track_main FROM logistics_shipment WHERE id = ANY(%s) AND poll_at = %s",
        [list(shipment_ids), since + CLAIMED],
    )
    later = []
    for pk, main in rows:
        wait = progress.ask_again_in(main)
        later.append((pk, since + wait if wait else None))
    bulk.update("logistics_shipment", "id", [("poll_at", "timestamptz")], later)


def _ask_carriers(opened: Any, by_account: dict[int, list[str]]) -> dict[int, AdapterError]:
    """In threads that touch no database, some numbers each; what is told is recorded here."""
    jobs = [
        (account_id, numbers[at : at + 10])
        for account_id, numbers in by_account.items()
        for at in range(0, len(numbers), 10)
    ]
    errors: dict[int, AdapterError] = {}

    def ask(job: tuple[int, list[str]]) -> tuple[list[Tracked], AdapterError | None]:
        account = opened[job[0]]
        out: list[Tracked] = []
        for number in job[1]:
            try:
                out += account.carrier.track(account.session, [number])
            except AdapterError as error:
                return out, error
            except Exception as error:  # one parcel's answer that cannot be read must not keep the others' from us
                log.error("tracking at account %s: %s", job[0], faults.trace(error))
        return out, None

    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="track") as pool:
        for (account_id, _), (found, error) in zip(jobs, pool.map(ask, jobs), strict=True):
            if found:
                tracking.record_tracking(tracked=found, source=tracking.CARRIER)
            if error is not None:
                errors[account_id] = error
    return errors


def _ask_aggregator(numbers: Sequence[str]) -> None:
    tracker = Tracker.objects.filter(active=True).order_by("pk").first()
    if tracker is None:
        return
    adapter, session = tracker_of(tracker.kind), session_of(tracker)
    for at in range(0, len(numbers), AT_ONCE):
        try:
            found = adapter.fetch(session, numbers[at : at + AT_ONCE])
        except Throttled:
            return  # asked again when their time comes once more
        tracking.record_tracking(tracked=found, source=tracker.kind)

"""Reads about accounts: their health, how far they were read, and the dead-letter desk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from channels import permissions
from channels.models import Account, Confirmation, Cursor, RawPayload
from channels.registry import all_adapters
from channels.services import runs
from channels.services.deadletters import CONFIRM, EVENT, RAW
from channels.services.runs import Run
from core import clock
from core.central import outbox
from core.permissions import Actor
from core.tenancy import require_tenant


@dataclass(frozen=True, slots=True)
class Reading:
    """How far one job of an account has come. ``lag_seconds``: how old the newest thing we may not know of can be."""

    job: str
    position: datetime
    lag_seconds: int
    reading: bool  # a window is open
    pages: int
    items: int
    fresh: int
    started_at: datetime | None
    finished_at: datetime | None
    failures: int
    code: str
    params: dict[str, Any]
    runs: list[Run] = field(default_factory=list)
    share: int | None = None  # per cent of a long stretch that is read (connecting, a period again); None: not behind


@dataclass(frozen=True, slots=True)
class AccountHealth:
    id: int
    platform: str
    platform_title: str
    name: str
    external_id: str
    marketplaces: list[str]
    timezone: str
    health: str
    code: str
    params: dict[str, Any]
    since: datetime | None
    last_success_at: datetime | None
    readings: list[Reading] = field(default_factory=list)
    waiting: int = 0  # raw rows not ingested yet
    dead: int = 0
    unconfirmed: int = 0
    refused: int = 0


def accounts(actor: Actor) -> QuerySet[Account]:
    """The accounts the actor sees, by name."""
    actor.require(permissions.VIEW)
    rows = Account.objects.order_by("name", "pk")
    return rows if actor.accounts is None else rows.filter(pk__in=actor.accounts)


def platforms() -> dict[str, str]:
    """{key: name} of the platforms that this tenant has accounts at."""
    adapters = all_adapters()
    keys = Account.objects.values_list("platform", flat=True).order_by("platform").distinct()
    return {key: str(adapters[key].title) if key in adapters else key for key in keys}


def scope_choices() -> list[tuple[int, str]]:
    """(id, name) of all accounts, for whoever narrows members to some of them."""
    return list(Account.objects.order_by("name", "pk").values_list("pk", "name"))


def account_health(actor: Actor, account_id: int | None = None) -> list[AccountHealth]:
    """All accounts (or one) with their jobs and counts, in five queries however many there are."""
    found = accounts(actor)
    rows = list(found if account_id is None else found.filter(pk=account_id))
    ids = [row.pk for row in rows]
    readings: dict[int, list[Reading]] = {}
    for cursor in Cursor.objects.filter(account_id__in=ids, job__in=("orders", "messages", "inventory")).order_by(
        "job"
    ):
        readings.setdefault(cursor.account_id, []).append(_reading(cursor))
    waiting = _counts(RawPayload.objects.filter(account_id__in=ids, state=RawPayload.NEW))
    dead = _counts(RawPayload.objects.filter(account_id__in=ids, state=RawPayload.DEAD))
    open_states = (Confirmation.WANTED, Confirmation.SENT, Confirmation.UNKNOWN)
    unconfirmed = _counts(Confirmation.objects.filter(account_id__in=ids, state__in=open_states))
    refused = _counts(Confirmation.objects.filter(account_id__in=ids, state=Confirmation.REFUSED))
    adapters = all_adapters()
    return [
        AccountHealth(
            id=row.pk,
            platform=row.platform,
            platform_title=adapters[row.platform].title if row.platform in adapters else row.platform,
            name=row.name,
            external_id=row.external_id,
            marketplaces=list(row.marketplaces),
            timezone=row.timezone,
            health=row.health,
            code=row.health_code,
            params=row.health_params,
            since=row.health_since,
            last_success_at=row.last_success_at,
            readings=readings.get(row.pk, []),
            waiting=waiting.get(row.pk, 0),
            dead=dead.get(row.pk, 0),
            unconfirmed=unconfirmed.get(row.pk, 0),
            refused=refused.get(row.pk, 0),
        )
        for row in rows
    ]


BEHIND = timedelta(minutes=20)


def _share(cursor: Cursor, now: datetime) -> int | None:
    """How much of the stretch since ``began_at`` is read, while there is more than a little left of it."""
    if cursor.job == "inventory" or cursor.began_at is None or cursor.position > now - BEHIND:
        return None
    whole = (now - cursor.began_at).total_seconds()
    if (now - cursor.position).total_seconds() < whole / 50:
        return None  # a pause of the house, not a past that is being read
    return (
        max(0, min(99, int(100 * (cursor.position - cursor.began_at).total_seconds() / whole))) if whole > 0 else None
    )


def _reading(cursor: Cursor) -> Reading:
    return Reading(
        job=cursor.job,
        position=cursor.position,
        lag_seconds=max(0, int((clock.now() - cursor.position) / timedelta(seconds=1))),
        reading=cursor.window_from is not None,
        pages=cursor.pages,
        items=cursor.items,
        fresh=cursor.fresh,
        started_at=cursor.last_started_at,
        finished_at=cursor.last_finished_at,
        failures=cursor.failures,
        code=cursor.error_code,
        params=cursor.error_params,
        runs=runs.read(cursor.runs),
        share=_share(cursor, clock.now()),
    )


def _counts(rows: Any) -> dict[int, int]:
    return dict(rows.values_list("account_id").annotate(n=Count("pk")).order_by())


# -- the dead-letter desk -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. ``label``: the platform's id of the thing, or the handler's name; never personal."""

    kind: str
    id: int
    account_id: int | None
    account: str
    what: str
    label: str
    code: str
    params: dict[str, Any]
    attempts: int
    at: datetime


def dead_letters(actor: Actor, kind: str, *, before: int | None = None, limit: int = 50) -> list[Letter]:
    """Newest first; ``before``: the id of the last one of the page before."""
    actor.require(permissions.LETTERS)
    if kind == EVENT:
        return _events(actor, before, limit)
    names = dict(accounts(actor).values_list("pk", "name"))
    rows: Any
    if kind == RAW:
        rows = RawPayload.objects.filter(state=RawPayload.DEAD, account_id__in=names).defer("payload")
    else:
        rows = Confirmation.objects.filter(state=Confirmation.REFUSED, account_id__in=names)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [
        Letter(
            kind=kind,
            id=row.pk,
            account_id=row.account_id,
            account=names[row.account_id],
            what=row.kind if kind == RAW else "confirmation",
            label=row.external_id if kind == RAW else row.order_external_id,
            code=row.error_code,
            params=row.error_params or {},
            attempts=row.attempts,
            at=row.fetched_at if kind == RAW else row.next_at,
        )
        for row in rows.order_by("-pk")[:limit]
    ]


def dead_counts(actor: Actor) -> dict[str, int]:
    """{kind: how many}, for the tabs."""
    actor.require(permissions.LETTERS)
    ids = list(accounts(actor).values_list("pk", flat=True))
    return {
        RAW: RawPayload.objects.filter(state=RawPayload.DEAD, account_id__in=ids).count(),
        CONFIRM: Confirmation.objects.filter(state=Confirmation.REFUSED, account_id__in=ids).count(),
        EVENT: len(outbox.dead(require_tenant(), 1000)) if actor.accounts is None else 0,
    }


def _events(actor: Actor, before: int | None, limit: int) -> list[Letter]:
    if actor.accounts is not None:
        return []
    rows = [row for row in outbox.dead(require_tenant(), 1000) if before is None or row.pk < before]
    return [
        Letter(
            kind=EVENT,
            id=row.pk,
            account_id=None,
            account="",
            what=row.event,
            label=row.handler,
            code=row.error_code,
            params=row.error_params,
            attempts=row.attempt,
            at=row.created_at,
        )
        for row in sorted(rows, key=lambda row: -row.pk)[:limit]
    ]

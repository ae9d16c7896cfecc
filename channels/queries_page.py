"""What the pages of accounts and of the dead-letter desk show, in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from channels import permissions
from channels.masking import masked
from channels.models import Account, Confirmation, RawPayload
from channels.protocol import WEBHOOKS, Guided
from channels.queries import AccountHealth, Letter, account_health, accounts
from channels.registry import all_adapters
from channels.services.deadletters import CONFIRM, EVENT, RAW
from channels.services.sessions import application_of, credentials_of
from core import clock
from core.central import outbox
from core.central.models import Due
from core.errors import BusinessError
from core.http import door
from core.http.budget import Left
from core.permissions import Actor
from core.records.models import AuditEntry
from core.tenancy import require_tenant
from core.ui import desk
from core.words import say

JOB_OF = {"orders": "orders.pull", "messages": "messages.pull", "inventory": "stock.pull"}
SICK = (Account.RECONNECT, Account.FAILING)
MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """When a job of an account runs next; ``every`` seconds between two runs."""

    due_at: datetime
    every: int
    paused: bool
    failures: int


def turns(account_ids: Sequence[int]) -> dict[tuple[int, str], Turn]:
    """{(account, job of the cursor): when it is read next}. One query."""
    names = {due: job for job, due in JOB_OF.items()}
    rows = Due.objects.filter(
        schema=require_tenant(), job__in=list(names), key__in=[str(pk) for pk in account_ids]
    ).values_list("key", "job", "due_at", "every", "paused", "failures")
    return {
        (int(key), names[job]): Turn(due_at, every, paused, failures)
        for key, job, due_at, every, paused, failures in rows
    }


def counts(actor: Actor) -> dict[str, int]:
    """{tab: how many accounts}."""
    healths = list(accounts(actor).order_by().values_list("health", flat=True))
    return {
        "all": sum(one != Account.GONE for one in healths),
        "gone": sum(one == Account.GONE for one in healths),
        "sick": sum(one in SICK for one in healths),
        "paused": sum(one == Account.PAUSED for one in healths),
    }


def one(actor: Actor, account_id: int) -> tuple[AccountHealth, Account]:
    """An account with its health. Raises BusinessError ``account.not_found``."""
    found = account_health(actor, account_id)
    if not found:
        raise BusinessError("account.not_found")
    return found[0], Account.objects.get(pk=account_id)


def history(actor: Actor, account_id: int, limit: int = 30) -> list[AuditEntry]:
    """What happened to an account, newest first; the caller has checked that the actor sees it."""
    actor.require(permissions.VIEW)
    return list(AuditEntry.objects.filter(kind="account", object_id=account_id).order_by("-id")[:limit])


HEALTH_CODES = (
    "account.connected",
    "account.ok",
    "account.paused",
    "account.reconnect",
    "account.failing",
    "account.gone",
)


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in one state of health. ``reason``: the code that led into it. ``until`` None: it lasts."""

    entry: AuditEntry
    since: datetime
    until: datetime | None
    reason: str


def spells(actor: Actor, account_id: int, limit: int = 12) -> list[Spell]:
    """How the account fared, newest first. One query."""
    actor.require(permissions.VIEW)
    rows = list(
        AuditEntry.objects.filter(kind="account", object_id=account_id, code__in=HEALTH_CODES).order_by("-id")[:limit]
    )
    ends = [None, *(row.at for row in rows)]
    return [Spell(row, row.at, end, str(row.params.get("reason") or "")) for row, end in zip(rows, ends, strict=False)]


@dataclass(frozen=True, slots=True)
class Keys:
    """What is known of an account's keys. ``ends``: about when the seller's consent runs out."""

    token_until: datetime | None
    consented_at: datetime | None
    ends: datetime | None
    soon: bool


CONSENT_SOON = timedelta(days=30)


def keys_of(account: Account) -> Keys:
    adapter = all_adapters().get(account.platform)
    days = adapter.consent_days if isinstance(adapter, Guided) else 0
    given = account.consented_at or account.created_at
    ends = given + timedelta(days=days) if days else None
    soon = ends is not None and ends < clock.now() + CONSENT_SOON
    return Keys(account.token_expires_at, given, ends, soon)


def budgets(account: Account) -> list[Left]:
    """The rate budget of each kind of call that was made lately, the emptiest first."""
    if not account.credentials:
        return []
    found = door.budget.left(application_of(account, credentials_of(account)), account.external_id)
    return sorted(found, key=lambda one: (one.share, one.operation))


def webhook_address(account: Account) -> str:
    """Where the platform sends its notifications, '' when it has none."""
    adapter = all_adapters().get(account.platform)
    if adapter is None or WEBHOOKS not in adapter.capabilities:
        return ""
    scheme = "https" if settings.SESSION_COOKIE_SECURE else "http"
    return f"{scheme}://{settings.BASE_DOMAIN}/hooks/{account.platform}"


def capability_rows() -> list[dict[str, Any]]:
    """Platforms that can be connected, by title."""
    found = all_adapters().values()
    return [
        {"key": one.platform, "title": one.title, "capabilities": sorted(one.capabilities)}
        for one in sorted(found, key=lambda one: one.title)
    ]


# -- one dead letter ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paper:
    """A dead letter opened: the letter, and what a person can change about it."""

    letter: Letter
    carrier: str = ""
    tracking_number: str = ""
    order_ref: int | None = None
    ids: tuple[int, ...] = ()


def paper(actor: Actor, kind: str, pk: int) -> Paper:
    """Raises BusinessError ``deadletter.not_found`` when it is not dead (any more) or out of the actor's scope."""
    actor.require(permissions.LETTERS)
    names = dict(accounts(actor).values_list("pk", "name"))
    found = {RAW: _raw, CONFIRM: _confirm, EVENT: _event}.get(kind)
    out = found(actor, names, pk) if found is not None else None
    if out is None:
        raise BusinessError("deadletter.not_found")
    return out


def glance(actor: Actor, raw_id: int) -> str:
    """A dead payload with everything masked that may be personal; '' when that cannot be told. The caller saw the letter."""
    actor.require(permissions.LETTERS)
    row = RawPayload.objects.filter(pk=raw_id).values_list("payload", "account__platform", "account_id").first()
    if row is None or not actor.sees_account(row[2]):
        raise BusinessError("deadletter.not_found")
    adapter = all_adapters().get(row[1])
    return masked(row[0], adapter.person_fields if adapter is not None else ())


def _raw(actor: Actor, names: dict[int, str], pk: int) -> Paper | None:
    row = RawPayload.objects.filter(pk=pk, state=RawPayload.DEAD, account_id__in=names).defer("payload").first()
    if row is None:
        return None
    name = names[row.account_id]
    params = row.error_params or {}
    return Paper(
        Letter(
            RAW,
            pk,
            row.account_id,
            name,
            row.kind,
            row.external_id,
            row.error_code,
            params,
            row.attempts,
            row.fetched_at,
        )
    )


def _confirm(actor: Actor, names: dict[int, str], pk: int) -> Paper | None:
    row = Confirmation.objects.filter(pk=pk, state=Confirmation.REFUSED, account_id__in=names).first()
    if row is None:
        return None
    letter = Letter(
        CONFIRM,
        pk,
        row.account_id,
        names[row.account_id],
        "confirmation",
        row.order_external_id,
        row.error_code,
        row.error_params,
        row.attempts,
        row.next_at,
    )
    return Paper(letter, row.carrier, row.tracking_number, row.order_ref)


def _event(actor: Actor, names: dict[int, str], pk: int) -> Paper | None:
    if actor.accounts is not None:
        return None
    row = next((row for row in outbox.dead(require_tenant(), MOST_EVENTS) if row.pk == pk), None)
    if row is None:
        return None
    letter = Letter(
        EVENT, pk, None, "", row.event, row.handler, row.error_code, row.error_params, row.attempt, row.created_at
    )
    ids = row.payload.get("ids") or []
    return Paper(letter, ids=tuple(one for one in ids[:50] if isinstance(one, int)))


def causes(actor: Actor) -> list[tuple[str, str]]:
    """(code, sentence) of what lies on the desk now. Two scans of partial indexes."""
    actor.require(permissions.LETTERS)
    ids = list(accounts(actor).values_list("pk", flat=True))
    raw = RawPayload.objects.filter(state=RawPayload.DEAD, account_id__in=ids).order_by()
    refused = Confirmation.objects.filter(state=Confirmation.REFUSED, account_id__in=ids).order_by()
    codes = {*raw.values_list("error_code", flat=True).distinct()}
    codes |= {*refused.values_list("error_code", flat=True).distinct()}
    return [(code, say(code, {})) for code in sorted(codes) if code]


def as_row(letter: desk.Letter, otherwise: str) -> dict[str, Any]:
    """A letter as a row of the desk's list."""
    return {
        "id": letter.id,
        "what": letter.what,
        "label": letter.label,
        "place": letter.place,
        "code": letter.code,
        "params": letter.params,
        "todo": desk.advice(letter.code, otherwise),
        "attempts": letter.attempts,
        "at": letter.at,
        "href": letter.href,
    }

"""An account's health: what stops its work, as a code with parameters, and the jobs that stand still meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from channels import protocol
from channels.models import Account, Cursor
from core import clock, faults
from core.audit import record
from core.central import due
from core.errors import AuthRevoked
from core.permissions import Actor
from core.tenancy import require_tenant

# capability, job, seconds between two runs (None: the adapter says); the key of a job is the account's id
JOBS: tuple[tuple[str, str, int | None], ...] = (
    (protocol.ORDERS, "orders.pull", None),
    (protocol.ORDERS, "orders.reread", 300),
    (protocol.MESSAGES, "messages.pull", None),
    (protocol.PLATFORM_STOCK, "stock.pull", 3600),
    (protocol.SHIPMENTS, "channels.confirm", 60),
)
_ENTRIES = {
    Account.OK: "account.ok",
    Account.PAUSED: "account.paused",
    Account.RECONNECT: "account.reconnect",
    Account.FAILING: "account.failing",
    Account.GONE: "account.gone",
}
STOPPED = (Account.PAUSED, Account.RECONNECT, Account.GONE)


def jobs_of(capabilities: frozenset[str]) -> list[tuple[str, int | None]]:
    return [(job, every) for capability, job, every in JOBS if capability in capabilities]


def set_health(
    *,
    account_id: int,
    health: str,
    actor: Actor,
    code: str = "",
    params: dict[str, Any] | None = None,
    consent: datetime | None = None,
) -> bool:
    """Change the health and its reason; False when nothing changed. *Paused* and *reconnect* stop the jobs.

    An account that a person paused, or whose consent is gone, is not called *failing* or *ok* by work that was
    still under way: only ``resume`` and ``reconnect`` lead out of there. ``consent``: ``consented_at`` of the account that
    the work began with; that a former consent is refused says nothing of the one that was given since.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account_id)
        if account.health in STOPPED and health in (Account.OK, Account.FAILING):
            return False
        if health == Account.RECONNECT:
            given_anew = consent is not None and account.consented_at != consent
            if given_anew or account.health in (Account.PAUSED, Account.GONE):
                return False
        return write_health(account, health, actor, code, params or {})


def consent_refused(*, account: Account, error: AuthRevoked, actor: Actor) -> bool:
    """The platform refused the consent that ``account``, as it was read before the call, has: *reconnect*, unless it was
    given anew meanwhile."""
    code, params = faults.stored(error)
    return set_health(
        account_id=account.pk,
        health=Account.RECONNECT,
        actor=actor,
        code=code,
        params=params,
        consent=account.consented_at,
    )


def recovered(*, account_id: int, actor: Actor) -> None:
    """A job of the account went well: it is *ok* again, unless another of its jobs still fails."""
    if not Cursor.objects.filter(account_id=account_id, failures__gt=0).exists():
        set_health(account_id=account_id, health=Account.OK, actor=actor)


def write_health(account: Account, health: str, actor: Actor, code: str, params: dict[str, Any]) -> bool:
    """As ``set_health``, for a row that the caller has locked, whatever its health was."""
    if (account.health, account.health_code, account.health_params) == (health, code, params):
        return False
    if account.health != health:
        account.health_since = clock.now()
        record(actor, "account", account.pk, _ENTRIES[health], reason=code)
        act = due.pause if health in STOPPED else due.resume
        for _, job, _ in JOBS:
            act(require_tenant(), job, str(account.pk))
    account.health, account.health_code, account.health_params = health, code, params
    account.save(update_fields=["health", "health_code", "health_params", "health_since"])
    return True

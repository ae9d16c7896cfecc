"""Bringing every tenant's schema up to date: who is behind in one statement, a canary first, then the rest.

What is done is remembered per tenant (``Tenant.migration_head``), so a killed run goes on where it was. A tenant whose
migration fails is paused with the reason and stops nobody else; the next run tries it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from core.permissions import Actor
from core.tenancy import public_context
from tenants import migration
from tenants.models import Tenant
from tenants.services.provisioning import run_setup_steps

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one tenant. ``error`` is '' when it is up to date now; ``applied`` names what was run."""

    schema: str
    applied: tuple[str, ...] = ()
    error: str = ""


def behind(*, schemas: list[str] | None = None) -> list[Tenant]:
    """Tenants that lack a migration, in one statement; the canary stands first.

    The canary is the tenant that was opened first among those in use. Closed tenants and those still being made are
    left alone.
    """
    waiting = Tenant.objects.exclude(migration_head=migration.head()).exclude(
        state__in=[Tenant.CLOSED, Tenant.PROVISIONING]
    )
    if schemas is not None:
        waiting = waiting.filter(schema_name__in=schemas)
    with public_context():
        # Those that failed before go last: a canary that is known to be ill says nothing about the others.
        return sorted(waiting, key=lambda tenant: (bool(tenant.migration_error), tenant.pk))


def migrate_tenants(
    *, actor: Actor, schemas: list[str] | None = None, report: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Migrate who is behind. After a failure of the canary nobody else is touched; one of another pauses that one."""
    outcomes = []
    for place, tenant in enumerate(behind(schemas=schemas)):
        canary = place == 0 and not tenant.migration_error
        outcome = _migrate(tenant, actor)
        outcomes.append(outcome)
        if report:
            report(outcome)
        if outcome.error and canary:
            break
    return outcomes


def _migrate(tenant: Tenant, actor: Actor) -> Outcome:
    schema = tenant.schema_name
    with public_context(), migration.only_one(schema):
        try:
            applied = migration.run(schema)
            with transaction.atomic():
                run_setup_steps(schema=schema, actor=actor)
                _settle(tenant, "")
        except Exception as error:  # whatever a migration can raise concerns this tenant alone
            text = f"{type(error).__name__}: {error}"[:2000]
            log.error("tenant %s paused, its migration failed: %s", schema, text)
            _settle(tenant, text)
            return Outcome(schema, error=text)
    return Outcome(schema, tuple(applied))


def _settle(tenant: Tenant, error: str) -> None:
    """Keep the result; pause a failed tenant, and let one that was paused by a failure go on."""
    rows = Tenant.objects.filter(pk=tenant.pk)
    if error:
        rows.update(migration_error=error, state=Tenant.PAUSED)
        return
    rows.filter(state=Tenant.PAUSED).exclude(migration_error="").update(state=Tenant.ACTIVE)
    rows.update(migration_error="", migration_head=migration.head())

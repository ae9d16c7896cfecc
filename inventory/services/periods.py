"""The tenant's calendar of value: base currency, zone, closed months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from core import bulk, clock
from core.errors import BusinessError
from core.permissions import Actor
from core.tenancy import require_tenant
from inventory.models import ClosedPeriod
from inventory.permissions import CLOSE_PERIOD


@dataclass(frozen=True, slots=True)
class Calendar:
    """A *period* is a month of the tenant's zone, named by its first day."""

    currency: str
    zone: str
    closed: frozenset[date]

    def natural(self, moment: datetime) -> date:
        """The period a moment belongs to."""
        return moment.astimezone(ZoneInfo(self.zone)).date().replace(day=1)

    def open_from(self, period: date) -> date:
        """The first open period, from this one on."""
        while period in self.closed:
            period = date(period.year + period.month // 12, period.month % 12 + 1, 1)
        return period


def calendar() -> Calendar:
    """Of the current tenant: one statement."""
    rows = bulk.fetch(
        "SELECT currency, timezone, ARRAY(SELECT period FROM inventory_closedperiod)"
        " FROM public.tenants_tenant WHERE schema_name = %s",
        [require_tenant()],
    )
    currency, zone, closed = rows[0]
    return Calendar(currency, zone, frozenset(closed))


def close_period(*, actor: Actor, period: date) -> None:
    """Close a month (any day of it): its value does not change any more. Closing twice changes nothing.

    Raises NotAllowed; BusinessError (``period.not_over``) for the present month and later ones.
    """
    actor.require(CLOSE_PERIOD)
    period = period.replace(day=1)
    with transaction.atomic():
        if period >= calendar().natural(clock.now()):
            raise BusinessError("period.not_over", period=period.isoformat())
        ClosedPeriod.objects.get_or_create(
            period=period, defaults={"closed_at": clock.now(), "actor_label": actor.label[:120]}
        )

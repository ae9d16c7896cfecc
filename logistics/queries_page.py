"""What the pages of carriers show besides ``logistics.queries``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from core import bulk
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import AuditEntry
from logistics import permissions
from logistics.models import CarrierAccount, Service, Tracker
from logistics.registry import all_carriers, all_trackers

LOW_POOL = 100  # fewer free numbers than this ask for more


def account(actor: Actor, account_id: int) -> CarrierAccount:
    """Raises BusinessError ``carrier.not_found``."""
    actor.require(permissions.VIEW)
    found = CarrierAccount.objects.prefetch_related("services").filter(pk=account_id).first()
    if found is None:
        raise BusinessError("carrier.not_found")
    return found


def service(actor: Actor, account_id: int, service_id: int) -> Service:
    """Raises BusinessError ``service.not_found``."""
    actor.require(permissions.VIEW)
    found = Service.objects.filter(pk=service_id, carrier_account_id=account_id).first()
    if found is None:
        raise BusinessError("service.not_found")
    return found


def pools(account_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """{account: (free, taken)} numbers. One query."""
    rows = bulk.fetch(
        "SELECT carrier_account_id, count(*) FILTER (WHERE taken_at IS NULL), count(*) FILTER (WHERE taken_at IS NOT NULL)"
        " FROM logistics_poolnumber WHERE carrier_account_id = ANY(%s) GROUP BY carrier_account_id",
        [list(account_ids)],
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def trackers(actor: Actor) -> list[dict[str, Any]]:
    """Accounts at tracking aggregators; the address of their webhook, which nobody can guess, for whoever connects."""
    actor.require(permissions.VIEW)
    told = actor.can(permissions.CONNECT)
    known = all_trackers()
    return [
        {
            "id": one.pk,
            "name": one.name,
            "title": getattr(known.get(one.kind), "title", one.kind),
            "active": one.active,
            "webhook": webhook(one) if told else "",
        }
        for one in Tracker.objects.order_by("pk")
    ]


def webhook(tracker: Tracker) -> str:
    scheme = "https" if settings.SESSION_COOKIE_SECURE else "http"
    return f"{scheme}://{settings.BASE_DOMAIN}/hooks/{tracker.kind}/{tracker.external_id}"


def kinds() -> list[dict[str, Any]]:
    """Carriers that can be connected, by title."""
    return [
        {"key": one.key, "title": one.title, "capabilities": sorted(one.capabilities)}
        for one in sorted(all_carriers().values(), key=lambda one: one.title)
    ]


def tracker_kinds() -> list[tuple[str, str]]:
    return sorted((kind, str(getattr(one, "title", kind))) for kind, one in all_trackers().items())


def needs_person(account: CarrierAccount) -> bool:
    """As ``sick`` counts them."""
    return account.active and account.health != CarrierAccount.OK


def sick(actor: Actor) -> int:
    """Carrier accounts that need a person."""
    actor.require(permissions.VIEW)
    return CarrierAccount.objects.filter(active=True).exclude(health=CarrierAccount.OK).count()


def history(account_id: int, limit: int = 20) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind="carrier", object_id=account_id).order_by("-id")[:limit])

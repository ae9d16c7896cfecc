"""What a company says of itself: its name, and the zone, currency and language that its work is counted and shown in."""

from __future__ import annotations

from django.db import transaction

from core.audit import record
from core.errors import BusinessError
from core.permissions import Actor
from core.tenancy import tenant_context
from tenants import ports
from tenants.choices import known_currencies, known_timezones
from tenants.models import Tenant
from tenants.permissions import PROFILE

LANGUAGES = ("en", "zh-hans")


def change_profile(
    *, actor: Actor, tenant: Tenant, name: str, timezone: str, currency: str, language: str
) -> list[str]:
    """Change the profile; returns the names of what changed. The currency is fixed once something is valued in it.

    Raises NotAllowed; BusinessError ``tenants.no_name``, ``tenants.bad_timezone``, ``tenants.bad_currency``,
    ``tenants.bad_language``, ``tenants.profile_currency_fixed``.
    """
    actor.require(PROFILE)
    given = {"name": name.strip()[:120], "timezone": timezone, "currency": currency, "language": language}
    if not given["name"]:
        raise BusinessError("tenants.no_name")
    if timezone not in known_timezones():
        raise BusinessError("tenants.bad_timezone", timezone=timezone[:60])
    if currency not in known_currencies():
        raise BusinessError("tenants.bad_currency", currency=currency[:10])
    if language not in LANGUAGES:
        raise BusinessError("tenants.bad_language")
    with transaction.atomic(), tenant_context(tenant.schema_name):
        row = Tenant.objects.select_for_update().get(pk=tenant.pk)
        changed = [field for field, value in given.items() if getattr(row, field) != value]
        if "currency" in changed and ports.is_valued():
            raise BusinessError("tenants.profile_currency_fixed", currency=row.currency)
        if changed:
            for field in changed:
                setattr(row, field, given[field])
            row.save(update_fields=changed)
            record(actor, "company", row.pk, "tenants.profile_changed", fields=changed)
    return changed

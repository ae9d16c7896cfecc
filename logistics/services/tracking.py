"""Tracking: what sources tell of parcels, once each, and where the parcels stand by it."""

from __future__ import annotations

from core.central import due
from core.tenancy import require_tenant

REGISTER_JOB, POLL_JOB = "logistics.register", "logistics.poll"


def schedule_tracking() -> None:
    """Let the tenant's parcels be registered at aggregators and asked for; in the caller's transaction."""
    due.schedule(require_tenant(), REGISTER_JOB, "", 60)
    due.schedule(require_tenant(), POLL_JOB, "", 300)

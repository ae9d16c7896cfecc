"""What restocking does by itself: the evening's stock, and a run each morning of the tenant."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from core import clock
from core.central import due
from core.jobs import start
from core.permissions import Actor, system
from core.tenancy import require_tenant
from fba.services import restock, snapshots
from tenants.ports import setup_step

SNAPSHOT_EVERY = 1800
RUN_AT = time(4, 0)


@due.due_job("inventory.daily_stock")
def daily_stock(key: str) -> None:
    """Twice an hour: somewhere a day may have ended."""
    snapshots.snapshot()
    while snapshots.purge():
        pass


@due.due_job("fba.restock")
def daily_restock(key: str) -> float:
    if not restock.running():
        start(system("restock"), restock.JOB, "job.restock", {}, {})
    return until_next(restock.zone_of_tenant())


def until_next(zone: str) -> float:
    """Business seconds to the next run in the tenant's early morning."""
    now = clock.now().astimezone(ZoneInfo(zone))
    at = datetime.combine(now.date(), RUN_AT, now.tzinfo)
    if at <= now:
        at = datetime.combine(now.date() + timedelta(days=1), RUN_AT, now.tzinfo)
    return (at.astimezone(ZoneInfo("UTC")) - now.astimezone(ZoneInfo("UTC"))).total_seconds()


@setup_step("fba.jobs")
def start_jobs(actor: Actor) -> None:
    schema = require_tenant()
    due.schedule(schema, "inventory.daily_stock", "", SNAPSHOT_EVERY)
    due.schedule(schema, "fba.restock", "", 86400)

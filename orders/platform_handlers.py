"""What orders do about goods that the platform ships: into the books when it says so, and a look for what was missed."""

from __future__ import annotations

from core.central import due
from core.events import Payload, close_row, on
from core.permissions import Actor, system
from core.tenancy import require_tenant
from orders.handlers import by_account
from orders.services import platform
from tenants.ports import setup_step

SWEEP_EVERY = 300


@on("orders.changed", name="orders.platform_issue", stream=by_account)
def changed(payload: Payload) -> None:
    with close_row():
        platform.issue_shipped(order_ids=payload["ids"], actor=system("platform"))


@due.due_job("orders.platform_sweep")
def sweep(key: str) -> None:
    platform.sweep(actor=system("platform"))


@setup_step("orders.platform_jobs")
def start_jobs(actor: Actor) -> None:
    due.schedule(require_tenant(), "orders.platform_sweep", "", SWEEP_EVERY)

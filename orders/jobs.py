"""What runs for orders by itself: reading accounts, reading single orders again, and what was left in the inbox."""

from __future__ import annotations

from channels.models import Account
from channels.services import pull, reread
from core import bulk, faults
from core.central import due
from core.events import Payload, on
from core.permissions import Actor, system
from core.tenancy import require_tenant
from orders.services import rereading
from orders.services.ingest import ingest_pending
from tenants.ports import setup_step

SWEEP_EVERY = 300
MOST_IDS = 20  # that one call may name; the pull finds the rest


def by_account(payload: Payload) -> str:
    return str(payload["account_id"])


@due.due_job("orders.pull")
def pull_orders(key: str) -> float | None:
    """Read an account page by page and ingest each page; before that, what a killed worker left in the inbox."""
    account_id, actor = int(key), system("sync")
    _ingest(account_id, actor)

    def on_page(fresh: int) -> None:
        if fresh:
            _ingest(account_id, actor)

    return pull.fetch_orders(account_id=account_id, actor=actor, on_page=on_page).wait


@due.due_job("orders.reread")
def reread_orders(key: str) -> float | None:
    """Orders whose personal data was held back, then open ones that nobody spoke of for a day."""
    account_id, actor = int(key), system("sync")
    done = rereading.reread_some(account_id=account_id, actor=actor)
    if done.fresh:
        _ingest(account_id, actor)
    return done.wait


@due.due_job("orders.sweep")
def sweep(key: str) -> None:
    """Raw orders that are still new: of accounts that stand still, or after a kill."""
    rows = bulk.fetch(
        "SELECT DISTINCT account_id FROM channels_rawpayload WHERE state = 0 AND kind = 'order' ORDER BY account_id"
    )
    faults.each([row[0] for row in rows], lambda account_id: _ingest(account_id, system("sync")))


@on("channels.raw_ready", name="orders.ingest_left", stream=by_account)
def ingest_left(payload: Payload) -> None:
    _ingest(payload["account_id"], system("sync"))


@on("channels.hook_news", name="orders.hook_news", stream=by_account)
def hook_news(payload: Payload) -> None:
    """The platform says that something happened: read it by API."""
    account_id, actor = payload["account_id"], system("hook")
    if payload["kind"] == "message":
        due.run_now(require_tenant(), "messages.pull", str(account_id))
        return
    ids = payload["external_ids"][:MOST_IDS]
    if not ids:
        due.run_now(require_tenant(), "orders.pull", str(account_id))
        return
    if reread.read_again(account_id=account_id, external_ids=ids, actor=actor).fresh:
        _ingest(account_id, actor)


@setup_step("orders.jobs")
def start_jobs(actor: Actor) -> None:
    due.schedule(require_tenant(), "orders.sweep", "", SWEEP_EVERY)


def _ingest(account_id: int, actor: Actor) -> None:
    platform = Account.objects.values_list("platform", flat=True).get(pk=account_id)
    ingest_pending(account_id=account_id, platform=platform, actor=actor)

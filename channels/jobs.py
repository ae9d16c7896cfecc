"""What runs for accounts by itself: due jobs (key = account id) and handlers of our own events."""

from __future__ import annotations

from channels.services import confirm, deletion, inbox, pull, rereads, stock
from channels.services.wishes import READ_AGAIN
from core import erasure
from core.central import due
from core.errors import Throttled
from core.events import Payload, close_row, on
from core.jobs import JobRun, job
from core.permissions import Actor, system
from core.tenancy import require_tenant
from tenants.ports import setup_step

PURGE_EVERY = 3600


@due.due_job("messages.pull")
def messages(key: str) -> float | None:
    return pull.fetch_messages(account_id=int(key), actor=system("sync")).wait


@due.due_job("stock.pull")
def platform_stock(key: str) -> float | None:
    return stock.fetch_stock(account_id=int(key), actor=system("sync")).wait


@due.due_job("channels.confirm")
def confirm_again(key: str) -> float | None:
    """Retries, and what a killed worker left."""
    return confirm.send_due(account_id=int(key), actor=system("confirm")).wait


@on("channels.confirm_wanted", name="channels.confirm", stream=lambda payload: str(payload["account_id"]))
def confirm_now(payload: Payload) -> None:
    sent = confirm.send_due(account_id=payload["account_id"], actor=system("confirm"))
    if sent.wait is not None:
        # The row comes back when the platform has room again; being told to wait is no failure.
        raise Throttled(sent.wait)


@due.due_job("channels.purge")
def purge(key: str) -> None:
    while inbox.purge():
        pass


@on(deletion.PERSON_DELETED, name="channels.forget_person")
def forget_person(payload: Payload) -> None:
    """A platform told everybody that an account was closed; most tenants hold nothing of that person."""
    with close_row():
        erasure.erase_person(
            actor=system(payload["platform"]), platform=payload["platform"], buyer_ids=deletion.subject(payload)
        )


@job(READ_AGAIN)
def read_again(run: JobRun) -> None:
    rereads.follow(run)


@setup_step("channels.jobs")
def start_jobs(actor: Actor) -> None:
    due.schedule(require_tenant(), "channels.purge", "", PURGE_EVERY)

"""What conversations do by themselves: take messages in, send answers, find their orders."""

from __future__ import annotations

from django.db import transaction

from core import faults
from core.central import due
from core.events import Payload, on
from core.permissions import Actor, system
from core.tenancy import require_tenant
from crm.services import incoming, linking, media, sending
from crm.services.answers import WANTED
from tenants.ports import setup_step

SEND_EVERY, MEDIA_EVERY, SWEEP_EVERY = 30, 300, 300


def by_account(payload: Payload) -> str:
    return str(payload["account_id"])


@on("messages.received", name="crm.ingest", stream=by_account)
def take_in(payload: Payload) -> None:
    """Each page commits by itself with its raw rows' state, so this may run again."""
    incoming.ingest_pending(account_id=payload["account_id"])


@on(WANTED, name="crm.send", stream=by_account)
def send(payload: Payload) -> None:
    """An answer was written. What cannot go out now is left to the due job."""
    sending.send_due(account_id=payload["account_id"], actor=system("answers"))


@on(media.WANTED, name="crm.media", stream=by_account)
def fetch(payload: Payload) -> None:
    """A buyer sent pictures. What cannot be had now is left to the due job."""
    media.fetch_due(account_id=payload["account_id"])


@due.due_job("crm.media")
def fetch_again(key: str) -> None:
    media.fetch_due()


@due.due_job("crm.send")
def send_again(key: str) -> None:
    """Retries, and what a killed worker left."""
    faults.each(
        sending.due_accounts(), lambda account_id: sending.send_due(account_id=account_id, actor=system("answers"))
    )


@due.due_job("crm.sweep")
def sweep(key: str) -> None:
    """Raw messages that are still new, and conversations whose order may have come since."""
    with transaction.atomic():
        linking.link_open()
    faults.each(incoming.pending_accounts(), lambda account_id: incoming.ingest_pending(account_id=account_id))


@setup_step("crm.jobs")
def start_jobs(actor: Actor) -> None:
    due.schedule(require_tenant(), "crm.send", "", SEND_EVERY)
    due.schedule(require_tenant(), "crm.media", "", MEDIA_EVERY)
    due.schedule(require_tenant(), "crm.sweep", "", SWEEP_EVERY)

"""What a person asks of an account's jobs out of turn."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from channels import permissions
from channels.models import Account
from channels.registry import adapter_of
from channels.services import pull
from channels.services.health import STOPPED, jobs_of
from core import jobs
from core.audit import record
from core.central import due
from core.errors import BusinessError
from core.permissions import Actor
from core.records.models import Job
from core.tenancy import require_tenant

READ_AGAIN = "channels.read_again"


def pull_now(*, actor: Actor, account_id: int) -> int:
    """Read the account at once, whatever its rhythm; a worker does it. Returns how many jobs were asked for.

    Raises BusinessError ``account.unknown``, ``account.stands_still`` (paused, or to be connected again).
    """
    actor.require(permissions.PULL)
    account = Account.objects.filter(pk=account_id).first()
    if account is None or not actor.sees_account(account_id):
        raise BusinessError("account.unknown")
    if account.health in STOPPED:
        raise BusinessError("account.stands_still", name=account.name)
    with transaction.atomic():
        names = [job for job, _ in jobs_of(adapter_of(account.platform).capabilities)]
        asked = sum(due.run_now(require_tenant(), name, str(account_id)) for name in names)
        record(actor, "account", account_id, "account.pull_asked")
    return asked


def read_again(*, actor: Actor, account_id: int, since: datetime, job: str = "orders") -> Job:
    """Read a period once more, as a job that one can watch. Raises as ``pull.read_again_from`` and ``pull_now``."""
    with transaction.atomic():
        pull.read_again_from(actor=actor, account_id=account_id, since=since, job=job)
        pull_now(actor=actor, account_id=account_id)
        name = Account.objects.values_list("name", flat=True).get(pk=account_id)
        title = {"account": name, "since": since.isoformat()}
        params = {"account": account_id, "job": job, "since": since.isoformat()}
        return jobs.start(actor, READ_AGAIN, f"job.{READ_AGAIN}.{job}", title, params, total=100)


def pull_all(*, actor: Actor) -> int:
    """Read every account of the actor that is not stopped. Returns how many."""
    actor.require(permissions.PULL)
    found = Account.objects.exclude(health__in=STOPPED).order_by("pk").values_list("pk", flat=True)
    mine = [pk for pk in found if actor.sees_account(pk)]
    for pk in mine:
        pull_now(actor=actor, account_id=pk)
    return len(mine)

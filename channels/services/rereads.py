"""Reading a period again, watched: the account's usual work does the reading, the job says how far it has come.

So it keeps to the rate budget and to the one lease like any reading, and no worker waits for a platform's permission:
when the platform makes us wait longer, the job ends and the account's page shows the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from channels.models import Account, Cursor
from channels.services import pull
from channels.services.health import STOPPED
from core import clock
from core.errors import BusinessError
from core.events import emit
from core.jobs import JobRun

PATIENCE = 20.0  # business seconds that the job itself waits for the platform
LOOK_SECONDS = 1.0  # wall, between two looks at what another worker reads
NEAR = timedelta(minutes=10)


def follow(run: JobRun) -> None:
    """Read with the others until the cursor is near now again. Progress is in per cent of the period."""
    account_id, name, since = int(run.params["account"]), str(run.params["job"]), run.params["since"]
    begun = datetime.fromisoformat(since)
    shown = int(run.checkpoint or 0)
    while True:
        account = Account.objects.filter(pk=account_id).first()
        if account is None or account.health in STOPPED:
            raise BusinessError("account.stands_still", name=account.name if account else "")
        share, near = _share(account_id, name, begun)
        run.progress(done=max(0, share - shown), checkpoint=max(share, shown))
        shown = max(share, shown)
        if near:
            run.progress(done=100 - shown, checkpoint=100)
            return
        wait = _read(run, account, name)
        if wait is not None and wait > PATIENCE:
            run.progress(log=[{"id": None, "label": account.name, "code": "job.goes_on_slowly", "params": {}}])
            return
        clock.sleep(LOOK_SECONDS if wait is None else min(wait / clock.speed(), LOOK_SECONDS))


def _share(account_id: int, name: str, begun: datetime) -> tuple[int, bool]:
    position = Cursor.objects.values_list("position", flat=True).get(account_id=account_id, job=name)
    now = clock.now()
    whole = max((now - begun).total_seconds(), 1.0)
    share = int(100 * (position - begun).total_seconds() / whole)
    return max(0, min(share, 99)), position > now - NEAR


def _read(run: JobRun, account: Account, name: str) -> float | None:
    """One go at the cursor: how long to wait until the next, None when another worker reads."""
    if name == "messages":
        done = pull.fetch_messages(account_id=account.pk, actor=run.actor, seconds=5)
    else:
        done = pull.fetch_orders(
            account_id=account.pk,
            actor=run.actor,
            seconds=5,
            on_page=lambda fresh: _tell(account.pk) if fresh else None,
        )
    if done.busy:
        return None
    return done.wait if done.wait is not None else 0.0


def _tell(account_id: int) -> None:
    with transaction.atomic():
        emit("channels.raw_ready", {"account_id": account_id})

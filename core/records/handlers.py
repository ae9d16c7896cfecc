"""What runs by itself for every tenant's records. Imported when the app is ready."""

from __future__ import annotations

from core import erasure, files, jobs
from core.central.due import due_job
from core.permissions import system


@due_job("records.upkeep", every_tenant=3600)
def upkeep(key: str) -> None:
    """Purge files whose date has passed, sweep bytes without a row, show dead jobs as interrupted."""
    files.purge()
    files.sweep()
    jobs.mark_interrupted()


@due_job("records.forget", every_tenant=86400)
def forget(key: str) -> None:
    """Personal data whose time is over by the platforms' rules."""
    erasure.purge_due(actor=system("purge"))

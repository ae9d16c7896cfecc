"""Acts of restocking: run, settings, the evening's stock."""

from fba.options import Options, change
from fba.services.restock import JOB, prune, run_now
from fba.services.snapshots import snapshot

__all__ = ["JOB", "Options", "change", "prune", "run_now", "snapshot"]

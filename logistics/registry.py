"""Carriers are found by folder scan and by entry points."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from core.errors import BusinessError
from logistics import carriers


@lru_cache(maxsize=1)
def _all() -> tuple[dict[str, Any], dict[str, Any]]:
    found: dict[str, Any] = {}
    trackers: dict[str, Any] = {}
    for info in pkgutil.iter_modules(carriers.__path__):
        if info.ispkg:
            module = importlib.import_module(f"{carriers.__name__}.{info.name}.carrier")
            if hasattr(module, "CARRIER"):
                found[module.CARRIER.key] = module.CARRIER
            if hasattr(module, "TRACKER"):
                trackers[module.TRACKER.kind] = module.TRACKER
    for entry in entry_points(group="sampan.carriers"):
        carrier = entry.load()
        found[carrier.key] = carrier
    return found, trackers


def all_carriers() -> dict[str, Any]:
    return _all()[0]


def all_trackers() -> dict[str, Any]:
    return _all()[1]


def carrier_of(key: str) -> Any:
    """Raises BusinessError ``carrier.unknown``."""
    try:
        return all_carriers()[key]
    except KeyError:
        raise BusinessError("carrier.unknown", carrier=key) from None


def tracker_of(kind: str) -> Any:
    try:
        return all_trackers()[kind]
    except KeyError:
        raise BusinessError("tracker.unknown", tracker=kind) from None

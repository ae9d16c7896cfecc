"""Marketplaces are found by folder scan and by entry points; adding one needs no other edit."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from channels import adapters
from core.errors import BusinessError


@lru_cache(maxsize=1)
def all_adapters() -> dict[str, Any]:
    """{platform: adapter}. A folder ``channels/adapters/<name>/`` whose ``adapter`` module has ``ADAPTER`` is one."""
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(adapters.__path__):
        if info.ispkg:
            module = importlib.import_module(f"{adapters.__name__}.{info.name}.adapter")
            found[module.ADAPTER.platform] = module.ADAPTER
    for entry in entry_points(group="sampan.channels"):
        adapter = entry.load()
        found[adapter.platform] = adapter
    return found


def adapter_of(platform: str) -> Any:
    """Raises BusinessError ``channel.unknown`` for a platform that is not installed."""
    try:
        return all_adapters()[platform]
    except KeyError:
        raise BusinessError("channel.unknown", platform=platform) from None

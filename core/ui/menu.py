"""The menu by the day's work. Each app registers its entries in ``apps.py: ready()``; only pages that exist appear.

Places: Today 0, Orders 10, Fulfilment 20, Shipments 30, Stock 40, Purchasing 50, FBA restock 60, Inbox 70,
Customers 80, Finance 90, Reports 100, Channels 110, Settings 120.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from core.permissions import Actor

Count = Callable[[Actor], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """``url``: a URL name. ``count``: how many things there need a person (one cheap query). ``icon``: Tabler's, without ti-."""

    key: str
    label: str | Promise
    icon: str
    url: str
    position: int
    operation: str | None = None
    count: Count | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as this person sees it on this page."""

    entry: Entry
    href: str
    active: bool
    count: int | None


_entries: dict[str, Entry] = {}


def register(entry: Entry) -> None:
    """Add an entry; the same key twice is an error unless it is the same entry (``ready`` may run again)."""
    if _entries.get(entry.key, entry) != entry:
        raise ValueError(f"menu entry {entry.key} registered twice")
    _entries[entry.key] = entry


def entries() -> list[Entry]:
    return sorted(_entries.values(), key=lambda entry: (entry.position, entry.key))


def shown(actor: Actor, path: str) -> list[Shown]:
    """What ``actor`` may open, with counts, the one that ``path`` belongs to marked."""
    found = []
    for entry in entries():
        if entry.operation is not None and not actor.can(entry.operation):
            continue
        try:
            found.append((entry, reverse(entry.url)))
        except NoReverseMatch:
            continue
    inside = [href for _, href in found if path == href or (href != "/" and path.startswith(href))]
    best = max(inside, key=len, default="")
    return [
        Shown(entry, href, href == best, entry.count(actor) if entry.count is not None else None)
        for entry, href in found
    ]

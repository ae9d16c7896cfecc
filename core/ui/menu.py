"""The menu by the day's work. Each app registers its entries in ``apps.py: ready()``; only pages that exist appear.

Places: Today 0, Orders 10, Fulfilment 20, Shipments 30, Stock 40, Purchasing 50, FBA restock 60, Inbox 70,
Customers 80, Finance 90, Reports 100, Channels 110, Settings 120.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from django.conf import settings
from django.urls import NoReverseMatch, get_urlconf, reverse
from django.utils.functional import Promise

from core.cache import forget as forgotten
from core.cache import kept
from core.permissions import Actor

Count = Callable[[Actor], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """``url``: a URL name. ``count``: how many things there need a person (one cheap query). ``icon``: Tabler's, without ti-.

    ``jump``: the letter that opens it after a g; without one the first free letter of ``key``.
    """

    key: str
    label: str | Promise
    icon: str
    url: str
    position: int
    operation: str | None = None
    count: Count | None = None
    jump: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as this person sees it on this page."""

    entry: Entry
    href: str
    active: bool
    count: int | None
    jump: str = ""


# Letters as sellers learn them once; they stay when an entry comes in between.
LETTERS = {
    "today": "t",
    "orders": "o",
    "ship": "d",
    "shipments": "s",
    "stock": "k",
    "products": "p",
    "restock": "f",
    "inbox": "i",
    "customers": "u",
    "finance": "n",
    "reports": "r",
    "channels": "c",
    "deadletters": "x",
    "carriers": "a",
    "members": "m",
    "settings": "e",
}

_entries: dict[str, Entry] = {}


def register(entry: Entry) -> None:
    """Add an entry; the same key twice is an error unless it is the same entry (``ready`` may run again)."""
    if _entries.get(entry.key, entry) != entry:
        raise ValueError(f"menu entry {entry.key} registered twice")
    _entries[entry.key] = entry


def entries() -> list[Entry]:
    return sorted(_entries.values(), key=lambda entry: (entry.position, entry.key))


def jumps() -> dict[str, str]:
    """{key of an entry: its letter}; the same for everybody, whatever a person may open."""
    return dict(_jumps(tuple(entries())))


@lru_cache(maxsize=4)
def _jumps(known: tuple[Entry, ...]) -> dict[str, str]:
    out: dict[str, str] = {}
    for entry in known:
        wanted = [entry.jump, LETTERS.get(entry.key, ""), *entry.key]
        taken = {*out.values(), *(LETTERS[key] for key in LETTERS.keys() & _entries.keys() if key != entry.key)}
        letter = next((one for one in wanted if len(one) == 1 and one.isalpha() and one not in taken), "")
        if letter:
            out[entry.key] = letter
    return out


def shown(actor: Actor, path: str) -> list[Shown]:
    """What ``actor`` may open, with counts, the one that ``path`` belongs to marked."""
    found = []
    for entry in entries():
        if entry.operation is not None and not actor.can(entry.operation):
            continue
        if href := _address(entry.url, get_urlconf() or ""):
            found.append((entry, href))
    inside = [href for _, href in found if path == href or (href != "/" and path.startswith(href))]
    best = max(inside, key=len, default="")
    letters = jumps()
    waiting = counts(actor)
    return [
        Shown(
            entry,
            href,
            href == best,
            waiting.get(entry.key),
            letters.get(entry.key, ""),
        )
        for entry, href in found
    ]


@lru_cache(maxsize=200)
def _address(url: str, urlconf: str) -> str:
    """Where an entry leads on this host; nothing where there is no such page."""
    try:
        return reverse(url, urlconf=urlconf or None)
    except NoReverseMatch:
        return ""


def counts(actor: Actor) -> dict[str, int]:
    """{entry: how many things there need this person}. Kept for some seconds: not every page asks every app anew.

    Whoever does something sees its effect at once (``forget``); what others do shows up some seconds later.
    """
    if not settings.MENU_COUNTS_SECONDS:
        return _counted(actor)
    found: dict[str, int] = kept(_key(actor), settings.MENU_COUNTS_SECONDS, lambda: _counted(actor))
    return found


def forget(actor: Actor) -> None:
    """The next page counts anew."""
    forgotten(_key(actor))


def _counted(actor: Actor) -> dict[str, int]:
    return {
        entry.key: entry.count(actor)
        for entry in entries()
        if entry.count is not None and (entry.operation is None or actor.can(entry.operation))
    }


def _key(actor: Actor) -> str:
    scope = [sorted(ids) if ids is not None else None for ids in (actor.accounts, actor.warehouses)]
    return f"menu:{actor.kind}:{actor.id}:{crc32(repr([scope, sorted(actor.operations)]).encode())}"

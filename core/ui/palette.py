"""What the command palette finds: pages of the menu, and what the apps register finders for.

A finder is one indexed query with a limit, narrowed to what the actor may see. Apps register in ``apps.py: ready()``:

    palette.register("orders", find_orders, permissions.VIEW, label=_("Orders"), position=10)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.ui import menu

LIMIT = 6  # of each finder
LONGEST = 200
MOST_PAGES = 8


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to open. ``detail``: what tells it from its neighbours; ``badge``: its state in a word."""

    label: str
    href: str
    detail: str = ""
    icon: str = "point"
    badge: str = ""
    keys: tuple[str, ...] = ()


Find = Callable[[Actor, str, int], Sequence[Found]]


@dataclass(frozen=True, slots=True)
class _Finder:
    name: str
    find: Find
    operation: str
    label: str | Promise
    position: int
    shortest: int


@dataclass(frozen=True, slots=True)
class _Page:
    label: str | Promise
    url: str
    icon: str
    operation: str | None


_finders: dict[str, _Finder] = {}
_pages: dict[str, _Page] = {}


def register(
    name: str, find: Find, operation: str, *, label: str | Promise, position: int = 100, shortest: int = 2
) -> None:
    """``find(actor, text, limit)``, asked for texts of at least ``shortest`` characters by those with ``operation``."""
    _finders[name] = _Finder(name, find, operation, label, position, shortest)


def register_page(label: str | Promise, url: str, icon: str, operation: str | None = None) -> None:
    """A page besides the menu's, by URL name."""
    _pages[url] = _Page(label, url, icon, operation)


def registered() -> list[str]:
    return sorted(_finders)


def find(actor: Actor, text: str) -> list[tuple[str, list[Found]]]:
    """(heading, what was found) by group; without a text the pages."""
    text = " ".join(text.split())[:LONGEST]
    groups: list[tuple[str, list[Found]]] = []
    pages = _matching(actor, text)
    if pages and not text:
        return [(gettext("Pages"), pages)]
    for one in sorted(_finders.values(), key=lambda one: (one.position, one.name)):
        if len(text) >= one.shortest and actor.can(one.operation):
            found = list(one.find(actor, text, LIMIT))[:LIMIT]
            if found:
                groups.append((str(one.label), found))
    if pages:  # a page that is called so stands first, for who types its name
        groups.insert(0, (gettext("Pages"), pages[:MOST_PAGES]))
    return groups


def _matching(actor: Actor, text: str) -> list[Found]:
    """Pages whose name holds the words, in the reader's language or in English; those that begin so first."""
    words = text.casefold().split()
    found: list[tuple[bool, int, Found]] = []
    for index, (page, keys) in enumerate(_all_pages(actor)):
        try:
            href = reverse(page.url)
        except NoReverseMatch:
            continue
        label = str(page.label)
        with translation.override("en"):
            names = f"{label} {page.label}".casefold()
        if all(word in names for word in words):
            begins = any(name.startswith(text.casefold()) for name in (label.casefold(), *names.split()))
            found.append((not begins, index, Found(label, href, icon=page.icon, keys=keys)))
    return [one for _begins, _index, one in sorted(found, key=lambda row: row[:2])]


def _all_pages(actor: Actor) -> list[tuple[_Page, tuple[str, ...]]]:
    jumps = menu.jumps()
    out = [
        (_Page(one.label, one.url, one.icon, one.operation), ("g", jumps[one.key]) if one.key in jumps else ())
        for one in menu.entries()
    ]
    out += [(one, ()) for one in _pages.values()]
    return [(page, keys) for page, keys in out if page.operation is None or actor.can(page.operation)]


register_page(_("Long work"), "jobs", "bell")
register_page(_("Sign-in security"), "mfa_index", "key")
register_page(_("Change password"), "account_change_password", "lock")

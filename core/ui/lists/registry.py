"""Which lists there are, by name: for what works on a list without its page (saved views, files, acts in the background)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from core.errors import BusinessError
from core.permissions import Actor
from core.ui.lists.contract import ListPage

Make = Callable[[Actor], ListPage]


@dataclass(frozen=True, slots=True)
class Listed:
    """``make(actor)`` gives the page; ``url``: its URL name; ``operation``: the right to see it."""

    name: str
    make: Make
    url: str
    operation: str


_lists: dict[str, Listed] = {}


def register(name: str, make: Make, *, url: str, operation: str) -> None:
    """Called in ``apps.py: ready()``. ``name`` is the page's; its title for stored work is the sentence ``list.<name>``."""
    _lists[name] = Listed(name, make, url, operation)


def registered() -> list[Listed]:
    return sorted(_lists.values(), key=lambda one: one.name)


def known(name: str) -> bool:
    return name in _lists


def named(actor: Actor, name: str) -> ListPage:
    """The list as this person sees it. Raises BusinessError ``list.not_found``, NotAllowed."""
    found = _lists.get(name)
    if found is None:
        raise BusinessError("list.not_found")
    actor.require(found.operation)
    return found.make(actor)


def address(name: str, query: str = "") -> str:
    """Where the list is, with the query string of a view."""
    where = reverse(_lists[name].url)
    return f"{where}?{query}" if query else where

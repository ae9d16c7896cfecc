"""The dead-letter desk's sources: each app says what it could not do, and how a person retries or drops it.

The desk is one page (``channels``); apps beside or above it register here in ``apps.py: ready()``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.functional import Promise

from core.permissions import Actor
from core.words import knows, say


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing that wants a person. ``what`` and ``label`` name it (never personal); ``code``/``params``: the cause.

    ``place``: the account it belongs to; ``href``: where it is looked at and mended, '' for nowhere.
    """

    id: int
    what: str
    label: str
    place: str
    code: str
    params: Mapping[str, Any]
    attempts: int
    at: datetime
    href: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A tab of the desk. ``page(actor, before, limit)``: newest first, with ids below ``before``.

    ``retry(actor, ids)`` and ``drop(actor, ids, reason)`` return how many; ``drop`` None: it cannot be given up here.
    ``warning`` says what is lost by dropping. ``advice``: the code of what to do when the cause has none of its own.
    """

    key: str
    label: str | Promise
    position: int
    operation: str
    advice: str
    count: Callable[[Actor], int]
    page: Callable[[Actor, int | None, int], Sequence[Letter]]
    retry: Callable[[Actor, Sequence[int]], int]
    drop: Callable[[Actor, Sequence[int], str], int] | None = None
    warning: str | Promise = field(default="")


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    _sources[source.key] = source


def sources(actor: Actor) -> list[Source]:
    """Those that this person may work on, in order."""
    return sorted(
        (one for one in _sources.values() if actor.can(one.operation)), key=lambda one: (one.position, one.key)
    )


def waiting(actor: Actor) -> int:
    """How many letters lie on the desk, for the menu."""
    return sum(one.count(actor) for one in sources(actor))


def advice(code: str, otherwise: str) -> str:
    """What to do about a cause: the sentence ``todo.<code>``, else that of its family, else ``otherwise``."""
    family = code.partition(".")[0]
    for known in (f"todo.{code}", f"todo.{family}"):
        if knows(known):
            return say(known)
    return say(otherwise)

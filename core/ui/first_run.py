"""The first steps of a new company: what a seller does before the first parcel leaves, and how far that has come.

Apps register steps (and upper apps *offers*: another button of a step) in ``apps.py: ready()``. Whether steps are done
is asked in one query of EXISTS expressions, so the list costs the same whatever lies in the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from core import bulk, clock, settings_store
from core.permissions import Actor

DISMISSED = "first_run.dismissed"  # tenant setting: whether the list was put away
PRAISE = timedelta(days=14)  # so long after a company was opened its finished list is still shown, to be put away


@dataclass(frozen=True, slots=True)
class Offer:
    """Another way to do a step. ``post``: the button acts at once; else it is a link. ``url``: a URL name."""

    step: str
    label: str | Promise
    url: str
    icon: str
    operation: str
    post: bool = True
    args: tuple[str, ...] = ()  # of the URL
    shown: Callable[[], bool] = field(default=lambda: True)

    @property
    def href(self) -> str:
        return _address(self.url, self.args)


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first things a new company does. ``exists``: a SQL boolean expression that says whether it is done.

    ``button`` leads to ``url`` (a URL name, with ``query``); ``operation``: who may do it.
    """

    key: str
    position: int
    label: str | Promise
    detail: str | Promise
    button: str | Promise
    url: str
    exists: str
    operation: str
    icon: str = "point"
    query: str = ""

    @property
    def href(self) -> str:
        found = _address(self.url)
        return found + (f"?{self.query}" if found and self.query else "")


@dataclass(frozen=True, slots=True)
class Shown:
    """A step as the page shows it. ``may``: this person may do it; ``next``: the first one that is open."""

    step: Step
    done: bool
    may: bool
    next: bool
    offers: list[Offer]


@dataclass(frozen=True, slots=True)
class Checklist:
    rows: list[Shown]
    dismissed: bool
    may_dismiss: bool

    @property
    def done(self) -> int:
        return sum(row.done for row in self.rows)

    @property
    def total(self) -> int:
        return len(self.rows)

    @property
    def complete(self) -> bool:
        return self.done == self.total


_steps: dict[str, Step] = {}
_offers: dict[tuple[str, str], Offer] = {}


def register(step: Step) -> None:
    _steps[step.key] = step


def register_offer(offer: Offer) -> None:
    _offers[offer.step, offer.url] = offer


def checklist(actor: Actor, opened: datetime | None = None) -> Checklist | None:
    """None when there is nothing to show: put away, or finished in a company that is long at work. Two queries at most.

    ``opened``: when the company was opened.
    """
    steps = sorted(_steps.values(), key=lambda step: step.position)
    if not steps or not any(actor.can(step.operation) for step in steps):
        return None
    may = actor.can(settings_store.CHANGE)
    if settings_store.get(DISMISSED, False):
        return Checklist([], True, may) if may else None
    done = bulk.fetch("SELECT " + ", ".join(f"({step.exists})" for step in steps))[0]
    if all(done) and (opened is None or opened < clock.now() - PRAISE):
        return None
    first = next((step.key for step, ready in zip(steps, done, strict=True) if not ready), "")
    rows = [
        Shown(step, bool(ready), actor.can(step.operation), step.key == first, _offers_of(step.key, actor))
        for step, ready in zip(steps, done, strict=True)
    ]
    return Checklist(rows, False, may)


def dismiss(*, actor: Actor, away: bool) -> None:
    """Put the list away, or bring it back, for everybody in the company. Raises NotAllowed."""
    settings_store.put(actor, DISMISSED, away)


def _offers_of(key: str, actor: Actor) -> list[Offer]:
    return [
        offer
        for (step, _), offer in sorted(_offers.items())
        if step == key and offer.shown() and actor.can(offer.operation) and offer.href
    ]


def _address(url: str, args: tuple[str, ...] = ()) -> str:
    try:
        return reverse(url, args=args)
    except NoReverseMatch:
        return ""

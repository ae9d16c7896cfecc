"""What the house holds about a person, and how it is forgotten (architecture §7).

Apps register here, in ``apps.py: ready()``, how they *find* what they hold and how they *erase* it. Nobody here knows a
business: a ``Trail`` is a bag of keys by kind (the constants below), and the finders are asked again and again until
none of them adds anything, so that an order leads to its parcel, the parcel to its label, without core knowing either.

Three ways lead to erasing:

* ``erase_person``: somebody asks to be forgotten (or a platform says so): everything that leads to the person.
* ``purge_due``: a platform's time is over: only what hangs on the things that are due. Runs daily in every tenant.
* what each app lets expire by itself (former addresses, message texts).

Erased is set-based and in one transaction a trail; run again after a kill it finds what is left. Audit entries say how
much was erased and for whom by a keyed hash, never a personal value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from core.audit import record
from core.errors import BusinessError, NotAllowed
from core.permissions import MANAGER, Actor, operation
from core.secrets import keyed_hash

ERASE = operation("personal.erase", MANAGER)

# Kinds of keys in a trail. ``buyer``: the platform's ids of the person; ``email``: lower case; ``payload``:
# (account, kind, the platform's id) of something that came in raw; the others: our primary keys.
BUYER, EMAIL, ORDER, CUSTOMER, SHIPMENT, CONVERSATION, PAYLOAD, RAW, FILE = (
    "buyer",
    "email",
    "order",
    "customer",
    "shipment",
    "conversation",
    "payload",
    "raw",
    "file",
)
ERASED = "erased:"  # how a pseudonym begins that took the place of a platform's id
MOST_ROUNDS = 12
_SHORTEST_TEXT = 5


@dataclass
class Trail:
    """What is known to lead to a person so far.

    ``platform``: only what came from there ('' is everywhere). ``whole``: the person is to be forgotten; otherwise only
    the things named are, because their time is over. ``texts``: what the person is called in our rows, for places
    where only the text can be found (job logs, saved searches).
    """

    platform: str = ""
    whole: bool = True
    keys: dict[str, set[Any]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)

    def add(self, kind: str, keys: Iterable[Any]) -> None:
        self.keys.setdefault(kind, set()).update(keys)

    def get(self, kind: str) -> list[Any]:
        """Sorted, so that rows are locked in one order."""
        return sorted(self.keys.get(kind, ()))

    def name(self, texts: Iterable[str]) -> None:
        """Remember texts; those too short to tell one person from another are left out."""
        self.texts.update(text.strip() for text in texts if text and _telling(text.strip()))

    def size(self) -> int:
        return sum(len(keys) for keys in self.keys.values())

    @property
    def holds(self) -> bool:
        """Whether anything of ours was found, beyond what was asked for."""
        return any(keys for kind, keys in self.keys.items() if kind not in (BUYER, EMAIL))


def _telling(text: str) -> bool:
    return len(text) >= _SHORTEST_TEXT or (not text.isascii() and len(text) >= 3)


Find = Callable[[Trail], None]
Erase = Callable[[Trail], dict[str, int]]

_finders: dict[str, Find] = {}
_erasers: dict[str, Erase] = {}
_due: dict[str, Callable[[], Iterator[Trail]]] = {}
_expiring: dict[str, Callable[[], int]] = {}


def register(
    app: str,
    *,
    find: Find,
    erase: Erase,
    due: Callable[[], Iterator[Trail]] | None = None,
    expire: Callable[[], int] | None = None,
) -> None:
    """From ``AppConfig.ready``.

    ``find(trail)`` adds keys by what the trail has; it only reads. ``erase(trail)`` empties or replaces, inside the
    caller's transaction, and returns {what: how many}; on what was erased before it does nothing.
    ``due()`` yields trails (``whole=False``) of things whose time is over, a page each; each is erased and committed
    before the next is asked for. ``expire()`` lets go a page of what has a date of its own, commits, and returns how
    many; it is called until it returns 0.
    """
    _finders[app], _erasers[app] = find, erase
    if due is not None:
        _due[app] = due
    if expire is not None:
        _expiring[app] = expire


def erase_person(
    *,
    actor: Actor,
    platform: str = "",
    buyer_ids: Iterable[str] = (),
    emails: Iterable[str] = (),
    order_ids: Iterable[int] = (),
) -> dict[str, int]:
    """Forget a person in the current tenant; returns {what: how many}, {} when nothing is held. Safe to repeat.

    ``buyer_ids``: the platform's ids and user names; ``order_ids``: orders that the person made. With ``platform`` only
    what came from there is erased. Orders that still were to be sent are put on hold. Raises NotAllowed (also for an
    actor who sees some accounts only: a person is forgotten everywhere), BusinessError ``erasure.nobody``.
    """
    actor.require(ERASE)
    if actor.accounts is not None:
        raise NotAllowed(operation=ERASE)
    trail = Trail(platform)
    trail.add(BUYER, {one.strip() for one in buyer_ids if one.strip()})
    trail.add(EMAIL, {one.strip().lower() for one in emails if one.strip()})
    trail.add(ORDER, order_ids)
    if not trail.size():
        raise BusinessError("erasure.nobody")
    asked = sorted({keyed_hash(text) for kind in (BUYER, EMAIL) for text in trail.get(kind)})
    with transaction.atomic():
        return _erase(actor, trail, "person.erased", {"platform": platform, "asked": asked})


def purge_due(*, actor: Actor) -> dict[str, int]:
    """Erase what the platforms' rules say must go by now; returns {what: how many}. Each page commits by itself."""
    actor.require(ERASE)
    total: dict[str, int] = {}
    for due in list(_due.values()):
        for trail in due():
            with transaction.atomic():
                _add(total, _erase(actor, trail, "person.purged", {}))
    for app, expire in sorted(_expiring.items()):
        while count := expire():
            _add(total, {f"{app} expired": count})
    return total


def _erase(actor: Actor, trail: Trail, code: str, params: dict[str, Any]) -> dict[str, int]:
    follow(trail)
    if not trail.holds:
        return {}
    counts: dict[str, int] = {}
    # The trail is complete, so the order of the apps does not matter.
    for erase in _erasers.values():
        _add(counts, erase(trail))
    counts = {what: count for what, count in counts.items() if count}
    if counts:
        record(actor, "person", None, code, **params, counts=counts)
    return counts


def follow(trail: Trail) -> None:
    """Ask the finders until nothing more is found; they only read."""
    for _ in range(MOST_ROUNDS):
        before = trail.size()
        for find in _finders.values():
            find(trail)
        if trail.size() == before:
            return


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for what, count in more.items():
        total[what] = total.get(what, 0) + count


def registered() -> list[str]:
    return sorted(_finders)

"""Reads of the audit trail for people: who did what, when, to which object; by keyset, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import bulk
from core.permissions import MANAGER, Actor, operation
from core.words import knows, say

SEE = operation("audit.view", MANAGER)

PEOPLE, PROGRAMS, MACHINE = "people", "programs", "machine"
_KINDS_OF_ACTOR = {PEOPLE: "user", PROGRAMS: "api", MACHINE: "system"}


@dataclass(frozen=True)
class Filter:
    """``who``: people, programs, machine or '' for people and programs (the machine writes nearly all entries).

    ``person``: one user's id. ``kind``: of the object; ``object_id`` of it. ``family``: the first part of a code, e.g. order.
    """

    who: str = ""
    person: int | None = None
    kind: str = ""
    object_id: int | None = None
    family: str = ""
    code: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    at: datetime
    actor_kind: str
    actor_id: int | None
    actor_label: str
    kind: str
    object_id: int | None
    code: str
    params: dict[str, Any]

    @property
    def said(self) -> str:
        """The sentence; what it says of persons is masked (the trail itself holds none)."""
        return say(self.code, shown(self.params)) if knows(self.code) else self.code


# Never put into words, whatever a service wrote: keyed hashes help nobody who reads.
_HIDDEN = frozenset({"hashes", "former", "hash"})
# Free words of colleagues may name a buyer.
_FREE = frozenset({"note", "reason_text", "text"})


def shown(params: dict[str, Any]) -> dict[str, Any]:
    return {
        name: ("•••" if name in _FREE and value else value) for name, value in params.items() if name not in _HIDDEN
    }


def entries(actor: Actor, chosen: Filter, *, before: int | None = None, limit: int = 50) -> list[Entry]:
    """Newest first with ids below ``before``; ``limit`` at most 500. Raises NotAllowed.

    An actor who sees only some accounts or warehouses sees only what has neither: people, keys, settings and the like.
    """
    actor.require(SEE)
    conditions, params = _conditions(actor, chosen)
    if before is not None:
        conditions.append("id < %s")
        params.append(before)
    where = " AND ".join(conditions) or "true"
    rows = bulk.fetch(
        "SELECT id, at, actor_kind, actor_id, actor_label, kind, object_id, code, params FROM records_auditentry"
        f" WHERE {where} ORDER BY id DESC LIMIT %s",
        [*params, max(1, min(limit, 500))],
    )
    found: list[tuple[Any, ...]] = [(*row[:8], bulk.unpacked(row[8])) for row in rows]
    return [Entry(*one) for one in found]


# Objects of accounts or warehouses: an actor who is narrowed would read of others' here.
_NARROWED = (
    "order",
    "shipment",
    "conversation",
    "listing",
    "account",
    "stock",
    "warehouse",
    "confirmation",
    "reservation",
)


def _conditions(actor: Actor, chosen: Filter) -> tuple[list[str], list[Any]]:
    parts: list[tuple[str, Any]] = []
    if chosen.person is not None:
        parts.append(("actor_kind = 'user' AND actor_id = %s", chosen.person))
    elif chosen.who in _KINDS_OF_ACTOR:
        parts.append(("actor_kind = %s", _KINDS_OF_ACTOR[chosen.who]))
    if chosen.kind:
        parts.append(("kind = %s", chosen.kind))
    if chosen.object_id is not None:
        parts.append(("object_id = %s", chosen.object_id))
    if chosen.family:
        parts.append(("starts_with(code, %s)", f"{chosen.family}."))
    if chosen.code:
        parts.append(("code = %s", chosen.code))
    if chosen.since is not None:
        parts.append(("at >= %s", chosen.since))
    if chosen.until is not None:
        parts.append(("at < %s", chosen.until))
    if actor.accounts is not None or actor.warehouses is not None:
        parts.append(("kind <> ALL(%s)", list(_NARROWED)))
    conditions = [condition for condition, _ in parts]
    if chosen.person is None and chosen.who not in (MACHINE, "all"):
        conditions.append("actor_kind <> 'system'")  # as the index of people's acts has it
    elif chosen.person is not None:
        conditions.append("actor_kind <> 'system'")
    return conditions, [value for _, value in parts]


def kinds() -> list[str]:
    """Kinds of objects that entries are about, as far as people and programs touched them lately."""
    rows = bulk.fetch(
        "SELECT DISTINCT kind FROM (SELECT kind FROM records_auditentry WHERE actor_kind <> 'system'"
        " ORDER BY id DESC LIMIT 5000) x ORDER BY kind"
    )
    return [row[0] for row in rows]


def people() -> list[tuple[int, str]]:
    """(id, name) of people who did something lately."""
    rows = bulk.fetch(
        "SELECT actor_id, max(actor_label) FROM (SELECT actor_id, actor_label FROM records_auditentry"
        " WHERE actor_kind <> 'system' AND actor_id > 0 ORDER BY id DESC LIMIT 5000) x GROUP BY actor_id ORDER BY 2"
    )
    return [(row[0], row[1]) for row in rows]

"""Pure: what differs between two lists of rules, and how one person's edits go onto another's.

A list of rules is ordered JSON (``core.rules.conditions``) whose rules carry besides ``off`` (True: kept, not asked) and
``note``. A rule is known by its ``id``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rule = Mapping[str, Any]
PARTS = ("name", "note", "conditions", "actions", "stop")
_EMPTY: Mapping[str, Any] = {
    "name": "",
    "note": "",
    "conditions": {"all": []},
    "actions": [],
    "stop": False,
    "off": False,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that differs. ``kind``: added, removed, changed, on, off or moved; ``parts``: which of PARTS changed.

    ``place`` and ``was_place`` count from 1 (0: it is not there).
    """

    kind: str
    before: Rule | None
    after: Rule | None
    parts: tuple[str, ...] = ()
    place: int = 0
    was_place: int = 0

    @property
    def rule(self) -> Rule:
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Rebased:
    """``rules``: the draft on the newer base; ``clashes``: ids of rules that both sides changed (the draft's is kept)."""

    rules: list[dict[str, Any]]
    clashes: tuple[str, ...] = ()


def part(rule: Rule, name: str) -> Any:
    """A part of a rule; what is left out is as if it stood there empty."""
    found = rule.get(name)
    return _EMPTY[name] if found is None else found


def same(one: Rule | None, other: Rule | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(part(one, name) == part(other, name) for name in (*PARTS, "off"))


def mark(rule: Rule) -> str:
    """A short digest of a rule's content: tells whether somebody changed it meanwhile."""
    plain = {name: part(rule, name) for name in (*PARTS, "off")}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def diff(old: Sequence[Rule], new: Sequence[Rule]) -> list[Change]:
    """Rule by rule in the new order, the removed ones last. Moved are as few rules as explain the new order."""
    was = {str(rule["id"]): (index + 1, rule) for index, rule in enumerate(old)}
    now = {str(rule["id"]): (index + 1, rule) for index, rule in enumerate(new)}
    kept = [pk for pk in now if pk in was]
    steady = _longest_rising([was[pk][0] for pk in kept])
    stayed = {pk for pk, rises in zip(kept, steady, strict=True) if rises}
    out = []
    for pk, (place, rule) in now.items():
        if pk not in was:
            out.append(Change("added", None, rule, place=place))
            continue
        was_place, before = was[pk]
        parts = tuple(name for name in PARTS if part(before, name) != part(rule, name))
        switched = bool(part(before, "off")) != bool(part(rule, "off"))
        kinds = ["changed"] if parts else []
        if switched:
            kinds.append("off" if part(rule, "off") else "on")
        if pk not in stayed:
            kinds.append("moved")
        out += [Change(kind, before, rule, parts if kind == "changed" else (), place, was_place) for kind in kinds]
    out += [Change("removed", rule, None, was_place=place) for pk, (place, rule) in was.items() if pk not in now]
    return out


def _longest_rising(numbers: Sequence[int]) -> list[bool]:
    """Which of the numbers belong to a longest rising row of them."""
    best: list[int] = []  # length of the longest row that ends at each
    came: list[int] = []
    for at, number in enumerate(numbers):
        length, before = 1, -1
        for earlier in range(at):
            if numbers[earlier] < number and best[earlier] + 1 > length:
                length, before = best[earlier] + 1, earlier
        best.append(length)
        came.append(before)
    out = [False] * len(numbers)
    at = max(range(len(numbers)), key=lambda index: best[index]) if numbers else -1
    while at >= 0:
        out[at] = True
        at = came[at]
    return out


def rebase(base: Sequence[Rule], theirs: Sequence[Rule], mine: Sequence[Rule]) -> Rebased:
    """``mine`` was edited from ``base`` while ``theirs`` took its place: the edits of ``mine`` on top of ``theirs``.

    A rule that one side alone changed or removed is as that side has it. The order is mine where I changed it,
    else theirs. What both changed differently is as in mine, and named in ``clashes``.
    """
    at = {name: {str(rule["id"]): rule for rule in rules} for name, rules in (("b", base), ("t", theirs), ("m", mine))}
    picked: dict[str, Rule] = {}
    clashes = []
    for pk in dict.fromkeys([*at["m"], *at["t"]]):
        b, t, m = (at[name].get(pk) for name in "btm")
        if same(b, m):
            chosen = t
        elif same(b, t) or same(t, m):
            chosen = m
        else:
            chosen = m if m is not None else t
            clashes.append(pk)
        if chosen is not None:
            picked[pk] = chosen
    common = [pk for pk in at["b"] if pk in at["m"]]
    reordered = [pk for pk in at["m"] if pk in at["b"]] != common
    order = _merged_order(list(at["m"]), list(at["t"])) if reordered else _merged_order(list(at["t"]), list(at["m"]))
    return Rebased([dict(picked[pk]) for pk in order if pk in picked], tuple(clashes))


def _merged_order(leading: list[str], other: list[str]) -> list[str]:
    """``leading`` with what only ``other`` has, each after the one that it follows there."""
    out = list(leading)
    for index, pk in enumerate(other):
        if pk in out:
            continue
        before = next((one for one in reversed(other[:index]) if one in out), None)
        out.insert(0 if before is None else out.index(before) + 1, pk)
    return out

"""Pure: rules that can never decide anything, whatever the order is, because an earlier one always decides first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Warning:
    """``code``: hidden (rule ``by`` takes all that it could decide), unreachable (``by`` always stops), never (its
    conditions contradict themselves)."""

    rule_id: str
    code: str
    by: str = ""


def always(node: Mapping[str, Any]) -> bool:
    """Holds for every order, by its form alone."""
    if "all" in node:
        return all(always(child) for child in node["all"])
    if "any" in node:
        return any(always(child) for child in node["any"])
    if "not" in node:
        return never(node["not"])
    return False


def never(node: Mapping[str, Any]) -> bool:
    """Holds for no order, by its form alone (a condition together with its contrary among them)."""
    if "all" in node:
        children = node["all"]
        said = {_key(child) for child in children}
        return any(never(child) or ("not" in child and _key(child["not"]) in said) for child in children)
    if "any" in node:
        return all(never(child) for child in node["any"])
    if "not" in node:
        return always(node["not"])
    return False


def _key(node: Mapping[str, Any]) -> str:
    return json.dumps(node, sort_keys=True, ensure_ascii=False)


def _sets(rule: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """(kinds of actions, tags) that a rule sets."""
    kinds: set[str] = set()
    tags: set[str] = set()
    for action in rule.get("actions") or ():
        if action["do"] == "tag":
            given = action.get("value")
            tags.update([given] if isinstance(given, str) else given or ())
        else:
            kinds.add(str(action["do"]))
    return kinds, tags


@dataclass(frozen=True, slots=True)
class _Earlier:
    id: str
    key: str
    always: bool
    kinds: set[str]
    tags: set[str]
    stop: bool


def warnings(rules: Sequence[Mapping[str, Any]]) -> list[Warning]:
    """For the rules that are on, in their order. At most one a rule."""
    out: list[Warning] = []
    earlier: list[_Earlier] = []
    for rule in rules:
        if rule.get("off"):
            continue
        pk, conditions = str(rule["id"]), rule.get("conditions") or {"all": []}
        kinds, tags = _sets(rule)
        key = _key(conditions)
        before = [one for one in earlier if one.always or one.key == key]  # they match whenever this one does
        stopper = next((one.id for one in before if one.stop), "")
        if stopper:
            out.append(Warning(pk, "unreachable", stopper))
        elif never(conditions):
            out.append(Warning(pk, "never"))
        elif not rule.get("stop") and before:
            taken = set().union(*(one.kinds for one in before))
            tagged = set().union(*(one.tags for one in before))
            if kinds <= taken and tags <= tagged:
                out.append(
                    Warning(pk, "hidden", next(one.id for one in before if one.kinds & kinds or one.tags & tags))
                )
        earlier.append(_Earlier(pk, key, always(conditions), kinds, tags, bool(rule.get("stop"))))
    return out

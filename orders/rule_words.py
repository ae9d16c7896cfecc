"""Rules as a page shows them, without an order: conditions and actions, what changed, what a trial found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from core.rules.changes import Change, part
from core.rules.cover import Warning
from core.words import formats, knows, say
from orders.explaining import value

Names = Mapping[str, Mapping[str, str]]  # {action: {stored value: name}}


@dataclass(slots=True)
class RuleRow:
    """``state``: how the draft differs from what is in force ('', added, changed, on, off, moved); ``warning``: why it can
    never decide. ``by``, ``at``: who changed it in the draft."""

    id: str
    name: str
    note: str
    on: bool
    conditions: str
    actions: str
    stop: bool
    states: list[str] = field(default_factory=list)
    warning: str = ""
    clash: bool = False
    by: str = ""
    at: str = ""


def row(rule: Mapping[str, Any], names: Names) -> RuleRow:
    return RuleRow(
        str(rule["id"]),
        str(rule.get("name") or rule["id"]),
        str(rule.get("note") or ""),
        not rule.get("off"),
        condition(rule.get("conditions") or {"all": []}),
        actions(rule, names),
        bool(rule.get("stop")),
        by=str(rule.get("by") or ""),
        at=str(rule.get("at") or ""),
    )


def rows(
    rules: Sequence[Mapping[str, Any]],
    names: Names,
    changes: Iterable[Change] = (),
    warnings: Iterable[Warning] = (),
    clashes: Iterable[str] = (),
) -> list[RuleRow]:
    out = [row(rule, names) for rule in rules]
    by_id = {one.id: one for one in out}
    for change in changes:
        if change.after is not None:
            by_id[str(change.rule["id"])].states.append(change.kind)
    for one in warnings:
        other = by_id.get(one.by)
        by_id[one.rule_id].warning = say(f"rules.warn.{one.code}", {"rule": other.name if other else one.by})
    for rule_id in clashes:
        if rule_id in by_id:
            by_id[rule_id].clash = True
    return out


def condition(node: Mapping[str, Any], top: bool = True) -> str:
    """``{"all": []}`` always holds."""
    if "not" in node:
        return f"{say('rule.not')} ({condition(node['not'])})"
    for kind, between in (("all", " · "), ("any", f" {say('rule.or')} ")):
        if kind in node:
            parts = [condition(child, False) for child in node[kind]]
            text = between.join(parts) if parts else say("rule.always")
            return text if top or len(parts) < 2 else f"({text})"
    name = str(node.get("field", ""))
    given = node.get("value")
    shown = f"{value(name, given[:8])} …(+{len(given) - 8})" if isinstance(given, list) and len(given) > 9 else None
    every = node.get("lines") == "all"
    label = say(f"rule.line.{name}" if every else f"rule.field.{name}")
    words = (label, say(f"rule.op.{node.get('op', '')}"), shown or value(name, given))
    text = " ".join(one for one in words if one)
    return f"{say('rule.every_line')} {text}" if every else text


def actions(rule: Mapping[str, Any], names: Names) -> str:
    parts = []
    for action in rule.get("actions") or ():
        do, wanted = str(action["do"]), action.get("value", "")
        many = wanted if isinstance(wanted, list) else [wanted]
        said = formats.joined(names.get(do, {}).get(str(one), str(one)) for one in many)
        parts.append(f"{say(f'rule.do.{do}')}: {said}")
    if rule.get("stop"):
        parts.append(say("rule.stop"))
    return " · ".join(parts)


# -- what changed -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """One change in words. ``parts``: (what, before, after); for a new or removed rule all that it says."""

    kind: str
    rule_id: str
    name: str
    parts: list[tuple[str, str, str]]


def told(changes: Sequence[Change], names: Names) -> list[Told]:
    out = []
    for change in changes:
        parts: list[tuple[str, str, str]] = []
        if change.kind == "changed" and change.before is not None and change.after is not None:
            parts = [
                (say(f"rules.part.{name}"), _part(change.before, name, names), _part(change.after, name, names))
                for name in change.parts
            ]
        elif change.kind in ("added", "removed"):
            for name in ("conditions", "actions", "note"):
                text = _part(change.rule, name, names)
                if text:
                    parts.append((say(f"rules.part.{name}"), *(("", text) if change.kind == "added" else (text, ""))))
        elif change.kind == "moved":
            parts = [(say("rules.part.place"), str(change.was_place), str(change.place))]
        out.append(Told(change.kind, str(change.rule["id"]), str(change.rule.get("name") or change.rule["id"]), parts))
    return out


def _part(rule: Mapping[str, Any], name: str, names: Names) -> str:
    given = part(rule, name)
    if name == "conditions":
        return condition(given)
    if name == "actions":
        return actions({"actions": given}, names)
    if name == "stop":
        return _("yes") if given else _("no")
    return str(given)


def summary(changes: Sequence[Change]) -> str:
    """ "2 new, 1 changed, 1 moved" """
    kinds: dict[str, int] = {}
    for change in changes:
        kinds[change.kind] = kinds.get(change.kind, 0) + 1
    order = ("added", "changed", "on", "off", "moved", "removed")
    return formats.joined(say(f"rules.count.{kind}", {"n": kinds[kind]}) for kind in order if kind in kinds)


# -- problems -----------------------------------------------------------------------------------------------------------


def problem(one: Mapping[str, Any]) -> str:
    """A problem's sentence; what is expected of a value is part of the code's family."""
    params = one.get("params") or {}
    expected = f"rules.expected.{params.get('expected')}"
    if one["code"] == "rules.problem.wrong_value" and knows(expected):
        return say(expected, params)
    return say(str(one["code"]), params)


# -- what a trial found -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """An outcome in words. ``by``: (what, rule) that decided."""

    service: str
    warehouse: str
    hold: str
    tags: list[str]
    stop: str
    by: dict[str, str]


def seen(found: Mapping[str, Any], names: Names, rule_names: Mapping[str, str]) -> Seen:
    """``found`` as ``orders.trying.outcome`` gives it."""
    by = {
        kind: formats.joined(rule_names.get(pk, pk) for pk in str(ids).split(","))
        for kind, ids in (found.get("by") or {}).items()
    }
    code = str(found.get("c") or "")
    stop = say(code, found.get("p") or {}) if code and not found.get("h") else ""
    service, warehouse = found.get("s"), found.get("w")
    return Seen(
        names["service"].get(service, service) if service else "",
        names["warehouse"].get(warehouse, warehouse) if warehouse else "",
        str(found.get("h") or ""),
        list(found.get("t") or ()),
        stop,
        by,
    )

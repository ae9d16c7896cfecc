"""Rules as a page shows them, without an order: conditions and actions in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.words import say
from orders.explaining import value


@dataclass(frozen=True, slots=True)
class RuleRow:
    id: str
    name: str
    on: bool
    conditions: str
    actions: str
    stop: bool


def rows(rules: Sequence[Mapping[str, Any]], names: Mapping[str, Mapping[str, str]]) -> list[RuleRow]:
    """``names``: {action: {value: name}}, e.g. of services and warehouses."""
    return [
        RuleRow(
            str(rule["id"]),
            str(rule.get("name") or rule["id"]),
            not rule.get("off"),
            condition(rule.get("conditions") or {"all": []}),
            actions(rule, names),
            bool(rule.get("stop")),
        )
        for rule in rules
    ]


def condition(node: Mapping[str, Any], top: bool = True) -> str:
    """``{"all": []}`` always holds."""
    if "not" in node:
        return f"{say('rule.not')} ({condition(node['not'], False)})"
    for kind, between in (("all", " · "), ("any", f" {say('rule.or')} ")):
        if kind in node:
            parts = [condition(child, False) for child in node[kind]]
            text = between.join(parts) if parts else say("rule.always")
            return text if (top and kind == "all") or len(parts) < 2 else f"({text})"
    name = str(node.get("field", ""))
    words = (say(f"rule.field.{name}"), say(f"rule.op.{node.get('op', '')}"), value(name, node.get("value")))
    text = " ".join(part for part in words if part)
    return f"{say('rule.every_line')} {text}" if node.get("lines") == "all" else text


def actions(rule: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> str:
    parts = []
    for action in rule.get("actions") or ():
        do, wanted = str(action["do"]), str(action.get("value", ""))
        parts.append(f"{say(f'rule.do.{do}')}: {names.get(do, {}).get(wanted, wanted)}")
    if rule.get("stop"):
        parts.append(say("rule.stop"))
    return " · ".join(parts)

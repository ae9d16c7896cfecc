"""Pure: what rules would make of an order, small enough to keep for 20,000 of them, and what differs between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.rules import CompiledRules
from orders import states
from orders.routing import LineFact, Places, Route, facts_of, route

Barred = tuple[str, dict[str, Any]] | None
KINDS = ("service", "warehouse", "hold", "tags", "stops")


def outcome(
    row: Mapping[str, Any], lines: Sequence[LineFact], rules: CompiledRules, where: Places, barred: Barred = None
) -> dict[str, Any]:
    """The order's route by ``rules`` in short names.

    ``st`` the state that follows (stock is not asked), ``c`` and ``p`` the reason of a stop, ``s`` service key,
    ``w`` warehouse code (None: any that has the stock), ``h`` a rule's note for holding, ``t`` the rules' tags,
    ``by`` which rule decided (by kind), ``hit`` ids of the rules that set something.
    """
    made: Route = route(row, lines, rules, where, barred)
    found: dict[str, Any] = {"st": made.target, "s": None, "w": None, "h": None, "t": [], "by": {}, "hit": []}
    if made.code:
        found |= {"c": made.code, "p": made.params or {}}
    plan = made.plan
    if plan is None:
        return found
    codes = {pk: code for code, pk in where.warehouses.items()}
    found["s"] = made.service or plan.service
    found["w"] = codes[made.warehouses[0]] if len(made.warehouses) == 1 else plan.warehouse
    found["h"] = plan.hold if made.code == "order.held_by_rule" else None
    found["t"] = sorted(plan.tags)
    found["by"] = {kind: action.rule_id for kind, action in plan.actions.items()}
    hits = [rule for rule, letter in zip(rules.rules, plan.trace["o"], strict=True) if letter == "a"]
    found["hit"] = [rule.id for rule in hits]
    tagging = [rule.id for rule in hits if rule.tags]
    if tagging:
        found["by"]["tag"] = ",".join(tagging)
    return found


def facts_for(row: Mapping[str, Any], lines: Sequence[LineFact], rules: CompiledRules) -> dict[str, Any]:
    """The facts that ``rules`` ask of the order, and those that every order has."""
    return facts_of(row, lines, asked=rules.asked)


def differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Which KINDS differ: where the order goes, not which rule says so."""
    out = []
    if before["s"] != after["s"]:
        out.append("service")
    if before["w"] != after["w"]:
        out.append("warehouse")
    if before["h"] != after["h"]:
        out.append("hold")
    if before["t"] != after["t"]:
        out.append("tags")
    stops = [(one["st"], one.get("c", ""), one.get("p")) for one in (before, after)]
    if stops[0] != stops[1] and "hold" not in out:
        out.append("stops")
    return out


def goes_on(found: Mapping[str, Any]) -> bool:
    return bool(found["st"] == states.READY)

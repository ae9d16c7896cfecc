"""Expand a stored trace for a page: every rule with the result of each of its conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .compile import Action, CompiledRules, Node
from .trace import ACTED, ALREADY_SET, NO, SKIPPED, Failure, Trace, render


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """One condition as a page shows it.

    ``holds`` is None when the facts are gone and the trace does not tell. ``value`` is the value as written in the rule,
    ``actual`` the fact as short text; ``hidden``: the fact is personal and was not asked for.
    """

    path: str
    kind: str  # all, any, not, leaf
    holds: bool | None
    field: str = ""
    label: str = ""
    op: str = ""
    value: Any = None
    lines: str = ""
    actual: str | None = None
    hidden: bool = False
    children: tuple[ConditionResult, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """``agrees`` is False when today's facts give another answer than the trace (the facts have changed since)."""

    rule_id: str
    version_id: str
    name: str
    outcome: str  # acted, already_set, no, skipped
    stop: bool
    conditions: ConditionResult
    actions: tuple[Action, ...]
    tags: tuple[str, ...]
    agrees: bool = True


_WORDS = {ACTED: "acted", ALREADY_SET: "already_set", NO: "no", SKIPPED: "skipped"}


class _Expander:
    def __init__(self, facts: Mapping[str, Any] | None, values: Sequence[Any], show_personal: bool) -> None:
        self.facts, self.values, self.show_personal = facts, values, show_personal

    def expand(self, node: Node, failure: Failure | None, matched: bool) -> ConditionResult:
        children = tuple(self.expand(child, failure, matched and node.kind == "all") for child in node.children)
        holds: bool | None
        actual: str | None = None
        failed_here = failure is not None and failure.path == node.path
        if self.facts is not None:
            holds = node.test(self.values) == 0
        else:  # only what the trace itself proves
            # A failure travels up through all and any, and ends at a not: everything above it failed as well.
            above = failure is not None and (node.path == "" or failure.path.startswith(node.path + "."))
            holds = True if matched else False if failed_here or above else None
        hidden = node.field is not None and node.field.personal and not self.show_personal
        if node.field is not None and not hidden:
            if self.facts is not None:
                actual = render(self.facts.get(node.field.name))
            elif failed_here and failure is not None:
                actual = failure.actual
        if node.field is None:
            return ConditionResult(node.path, node.kind, holds, children=children)
        return ConditionResult(
            node.path,
            node.kind,
            holds,
            node.field.name,
            node.field.label,
            node.op,
            node.value,
            node.lines,
            actual,
            hidden,
        )


def explain(
    rules: CompiledRules, facts: Mapping[str, Any] | None, trace: Trace, *, show_personal: bool = False
) -> list[RuleExplanation]:
    """Per-condition results of each rule, in order. ``rules`` must be the version that the trace names (else ValueError).

    ``facts`` None (purged): only what the trace itself proves. Rules after a stop are computed too, so that a page can say
    what they would have done.
    """
    if trace.rule_set_version != rules.version_id or len(trace.outcomes) != len(rules.rules):
        raise ValueError(f"trace of version {trace.rule_set_version}, rules of version {rules.version_id}")
    expander = _Expander(facts, rules.prepare(facts) if facts is not None else (), show_personal)
    failures = {failure.rule: failure for failure in trace.failures}
    out = []
    for index, rule in enumerate(rules.rules):
        outcome = trace.outcomes[index : index + 1]
        matched = outcome in (ACTED, ALREADY_SET)
        result = expander.expand(rule.root, failures.get(index) if outcome == NO else None, matched)
        if result.holds is None and outcome == NO:  # the failing condition did not fit, but the rule as a whole failed
            result = ConditionResult(result.path, result.kind, False, children=result.children)
        agrees = facts is None or outcome == SKIPPED or result.holds is matched
        out.append(
            RuleExplanation(
                rule.id,
                rule.version_id,
                rule.name,
                _WORDS[outcome],
                rule.stop,
                result,
                rule.actions,
                rule.tags,
                agrees,
            )
        )
    return out

"""Compile a rule set once, evaluate it for many orders: plain closures over prepared facts, no text is ever executed.

A test returns 0 when it holds, else the number of the first condition that failed, so that one pass gives both the answer
and its reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core.textnorm import fold

from .conditions import ActionKind, Field, FieldType, InvalidRuleSet, condition_value, validate
from .trace import ACTED, ALREADY_SET, NO, SKIPPED, Failure, Trace, render

Test = Callable[[Sequence[Any]], int]
TAG = "tag"
# Failures beyond these would not fit into a stored trace.
KEPT_FAILURES = 80


class FactError(TypeError):
    """A fact has not the type of its field: an error of the caller, not of the rule's author."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does: ``do`` and ``value`` as written, further keys in ``params``, and who decided it."""

    do: str
    value: Any
    params: Mapping[str, Any]
    rule_id: str
    rule_version_id: str


@dataclass(frozen=True, slots=True)
class Decision:
    """``actions`` by kind (the first rule that set it), ``tags`` in the order of the rules, and why."""

    actions: Mapping[str, Action]
    tags: tuple[str, ...]
    trace: Trace


@dataclass(slots=True)
class Node:
    """One compiled condition. ``path`` counts children from the root ("1.0"; "" is the root, a ``not`` has child 0)."""

    number: int
    path: str
    kind: str  # all, any, not, leaf
    test: Test
    children: tuple[Node, ...] = ()
    field: Field | None = None
    op: str = ""
    value: Any = None
    lines: str = ""
    slot: int = -1


@dataclass(frozen=True, slots=True)
class CompiledRule:
    id: str
    version_id: str
    name: str
    stop: bool
    root: Node
    nodes: tuple[Node, ...]
    actions: tuple[Action, ...]
    tags: tuple[str, ...]


# -- facts ------------------------------------------------------------------------------------------------------------


def _fact_text(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise FactError(f"text expected, not {type(value).__name__}")
    return fold(value) or None


def _fact_number(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FactError(f"int or Decimal expected, not {type(value).__name__}")
    return value


def _fact_money(value: Any) -> Any:
    if value is None:
        return None
    try:
        amount, currency = value.amount, value.currency
    except AttributeError:
        raise FactError(f"amount and currency expected, not {type(value).__name__}") from None
    if not isinstance(amount, Decimal):
        raise FactError(f"Decimal amount expected, not {type(amount).__name__}")
    return currency, amount


def _fact_bool(value: Any) -> Any:
    if value is not None and not isinstance(value, bool):
        raise FactError(f"bool expected, not {type(value).__name__}")
    return value


def _fact_set(value: Any) -> Any:
    if not value:
        return None
    if isinstance(value, str):
        raise FactError("a collection of texts expected, not str")
    return frozenset([fold(item) for item in value])


def _fact_date(value: Any) -> Any:
    # A datetime has no day until a zone is named, which is the caller's business.
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise FactError(f"date expected, not {type(value).__name__}")
    return value


def _fact_country(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise FactError(f"country code expected, not {type(value).__name__}")
    return value.strip().upper() or None if value else None


_FACTS: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.TEXT: _fact_text,
    FieldType.NUMBER: _fact_number,
    FieldType.MONEY: _fact_money,
    FieldType.BOOL: _fact_bool,
    FieldType.SET: _fact_set,
    FieldType.DATE: _fact_date,
    FieldType.COUNTRY: _fact_country,
}


def _reader(asked: Field) -> Callable[[Any], Any]:
    one = _FACTS[asked.type]
    if not asked.many:
        return one

    def read_lines(values: Any) -> Any:
        if values is not None and not isinstance(values, list | tuple):
            raise FactError(f"a value per line expected, not {type(values).__name__}")
        return tuple([one(value) for value in values or ()])

    return read_lines


# -- operators: predicates over one prepared fact that is not empty ------------------------------------------------------

_WORDISH = r"0-9a-z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff"


def _keywords(words: tuple[str, ...]) -> Callable[[str], bool]:
    """Whole words for scripts with spaces ("pen" is not in "open"), anywhere for Chinese and the like."""
    alternatives = []
    for word in words:
        before = rf"(?<![{_WORDISH}])" if re.match(f"[{_WORDISH}]", word) else ""
        after = rf"(?![{_WORDISH}])" if re.match(f"[{_WORDISH}]", word[-1]) else ""
        alternatives.append(before + re.escape(word) + after)
    search = re.compile("|".join(alternatives)).search
    return lambda x: search(x) is not None


def _predicate(asked: Field, op: str, want: Any) -> Callable[[Any], bool]:
    if asked.type is FieldType.MONEY and op not in ("eq", "ne", "is_set", "is_empty"):
        # Amounts of different currencies are never compared: the condition does not hold.
        currency = want[0][0] if op == "between" else want[0]
        inner = _predicate(Field("", FieldType.NUMBER), op, (want[0][1], want[1][1]) if op == "between" else want[1])
        return lambda x: x[0] == currency and inner(x[1])
    if asked.type is FieldType.SET:
        wanted = frozenset(want if isinstance(want, tuple) else (want,)) if want is not None else frozenset()
        if op == "not_in":
            return lambda x: wanted.isdisjoint(x)
        if op in ("in", "contains"):
            return lambda x: not wanted.isdisjoint(x)
    if op in ("in", "not_in"):
        members = frozenset(want)
        return (lambda x: x in members) if op == "in" else (lambda x: x not in members)
    if op == "between":
        low, high = want
        return lambda x: low <= x <= high
    if op == "matches_any":
        return _keywords(want)
    simple: Mapping[str, Callable[[Any], bool]] = {
        "eq": lambda x: x == want,
        "ne": lambda x: x != want,
        "gt": lambda x: x > want,
        "gte": lambda x: x >= want,
        "lt": lambda x: x < want,
        "lte": lambda x: x <= want,
        "contains": lambda x: want in x,
        "starts_with": lambda x: x.startswith(want),
        "is_set": lambda x: True,
        "is_empty": lambda x: False,
    }
    return simple[op]


_HOLDS_FOR_EMPTY = frozenset({"ne", "not_in", "is_empty"})


def _leaf_test(asked: Field, op: str, want: Any, lines: str, slot: int, number: int) -> Test:
    holds = _predicate(asked, op, want)
    empty = 0 if op in _HOLDS_FOR_EMPTY else number
    if asked.many:
        when_none = op in _HOLDS_FOR_EMPTY
        no_lines = 0 if op == "is_empty" else number  # nothing holds for the lines of an order without lines
        each = all if lines == "all" else any

        def over_lines(values: Sequence[Any]) -> int:
            xs = values[slot]
            if not xs:
                return no_lines
            return 0 if each([when_none if x is None else holds(x) for x in xs]) else number

        return over_lines
    if op == "eq":
        return lambda values: 0 if values[slot] == want else number
    if op == "in" and asked.type is not FieldType.SET:
        members = frozenset(want)
        return lambda values: 0 if values[slot] in members else number

    def test(values: Sequence[Any]) -> int:
        x = values[slot]
        if x is None:
            return empty
        return 0 if holds(x) else number

    return test


# -- compilation --------------------------------------------------------------------------------------------------------


def _all_test(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda values: first(values) or second(values)

    def test(values: Sequence[Any]) -> int:
        for one in tests:
            failed = one(values)
            if failed:
                return failed
        return 0

    return test


def _any_test(tests: tuple[Test, ...]) -> Test:
    def test(values: Sequence[Any]) -> int:
        first = 0
        for one in tests:
            failed = one(values)
            if not failed:
                return 0
            first = first or failed
        return first

    return test


@dataclass(slots=True)
class _Builder:
    fields: Mapping[str, Field]
    slots: dict[str, int] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def build(self, raw: Mapping[str, Any], path: str = "") -> Node:
        node = Node(len(self.nodes) + 1, path, "leaf", lambda values: 0)
        self.nodes.append(node)
        kind = next((key for key in ("all", "any", "not") if key in raw), "leaf")
        node.kind = kind
        if kind == "leaf":
            asked = self.fields[raw["field"]]
            node.field, node.op, node.value = asked, raw["op"], raw.get("value")
            node.lines = raw.get("lines", "any") if asked.many else ""
            node.slot = self.slots.setdefault(asked.name, len(self.slots))
            want = condition_value(asked, node.op, node.value)
            node.test = _leaf_test(asked, node.op, want, node.lines, node.slot, node.number)
            return node
        children = [raw["not"]] if kind == "not" else raw[kind]
        prefix = f"{path}." if path else ""
        node.children = tuple(self.build(child, f"{prefix}{index}") for index, child in enumerate(children))
        tests = tuple(child.test for child in node.children)
        if kind == "not":
            inner, number = tests[0], node.number
            node.test = lambda values: 0 if inner(values) else number
        else:
            node.test = _all_test(tests) if kind == "all" else _any_test(tests)
        return node


class CompiledRules:
    """Made by ``compile_rules``; immutable, safe to share between threads."""

    def __init__(self, version_id: str, rules: tuple[CompiledRule, ...], asked: Mapping[str, Field]) -> None:
        self.version_id = version_id
        self.rules = rules
        self.asked = asked  # fields that any rule asks for, in slot order: other facts need not be gathered
        self._rule_versions = tuple(rule.version_id for rule in rules)
        self._readers = tuple((name, _reader(one)) for name, one in asked.items())
        self._steps = tuple((rule.root.test, rule.actions, rule.tags, rule.stop) for rule in rules)

    def prepare(self, facts: Mapping[str, Any]) -> list[Any]:
        """Facts in slot order, folded once. Raises FactError with the field's name."""
        values = []
        for name, read in self._readers:
            try:
                values.append(read(facts.get(name)))
            except (FactError, AttributeError, TypeError) as error:
                raise FactError(f"fact {name}: {error}") from error
        return values

    def evaluate(self, facts: Mapping[str, Any]) -> Decision:
        """Decide for one order. A fact that is missing or None is empty. Raises FactError."""
        values = self.prepare(facts)
        outcomes = bytearray(SKIPPED * len(self._steps))
        taken: dict[str, Action] = {}
        tags: dict[str, None] = {}
        failed: list[tuple[int, int]] = []
        for index, (test, actions, new_tags, stop) in enumerate(self._steps):
            at = test(values)
            if at:
                outcomes[index] = NO[0]
                if len(failed) < KEPT_FAILURES:
                    failed.append((index, at))
                continue
            acted = stop
            for action in actions:
                if action.do not in taken:
                    taken[action.do] = action
                    acted = True
            for tag in new_tags:
                if tag not in tags:
                    tags[tag] = None
                    acted = True
            outcomes[index] = ACTED[0] if acted else ALREADY_SET[0]
            if stop:
                break
        failures = tuple([self._failure(index, at, facts) for index, at in failed])
        return Decision(taken, tuple(tags), Trace(self.version_id, self._rule_versions, bytes(outcomes), failures))

    def _failure(self, index: int, at: int, facts: Mapping[str, Any]) -> Failure:
        node = self.rules[index].nodes[at - 1]
        # A "not" over a single condition fails by that condition's fact.
        leaf = node.children[0] if node.kind == "not" else node
        if leaf.field is None or leaf.field.personal:
            return Failure(index, node.path, differs_only=True)
        return Failure(index, node.path, render(facts.get(leaf.field.name)))


def _compile_rule(raw: Mapping[str, Any], builder: _Builder) -> CompiledRule:
    builder.nodes = []
    root = builder.build(raw["conditions"])
    rule_id, version_id = str(raw["id"]), str(raw["version_id"])
    actions: list[Action] = []
    tags: dict[str, None] = {}
    for given in raw.get("actions", ()):
        value = given.get("value")
        if given["do"] == TAG:
            tags.update(dict.fromkeys(tag.strip() for tag in ([value] if isinstance(value, str) else value)))
            continue
        params = {key: item for key, item in given.items() if key not in ("do", "value")}
        actions.append(Action(given["do"], value, params, rule_id, version_id))
    stop = bool(raw.get("stop", False))
    name = str(raw.get("name", ""))
    return CompiledRule(rule_id, version_id, name, stop, root, tuple(builder.nodes), tuple(actions), tuple(tags))


def compile_rules(
    rule_set: Mapping[str, Any], fields: Mapping[str, Field], actions: Mapping[str, ActionKind] | None = None
) -> CompiledRules:
    """Compile a checked rule set (shape: ``core.rules.conditions``). Raises InvalidRuleSet with every problem."""
    problems = validate(rule_set, fields, actions)
    if problems:
        raise InvalidRuleSet(problems)
    builder = _Builder(fields)
    rules = tuple(_compile_rule(raw, builder) for raw in rule_set["rules"])
    return CompiledRules(str(rule_set["version_id"]), rules, {name: fields[name] for name in builder.slots})

"""What a rule may ask: fields, their types, the operators of each type, and the check of a rule set before it is kept.

A rule set is plain JSON::

    {"version_id": "17", "rules": [
        {"id": "5", "version_id": "9", "name": "Batteries by sea", "stop": false,
         "conditions": {"all": [{"field": "country", "op": "in", "value": ["DE", "FR"]},
                                {"not": {"field": "line_skus", "op": "starts_with", "value": "BAT", "lines": "all"}}]},
         "actions": [{"do": "service", "value": "YUN-SEA"}, {"do": "tag", "value": "battery"}]}]}

``{"all": []}`` always holds (a last rule for everything else). Values in JSON by type: text, country (ISO alpha-2) and set
elements are strings; number is an integer or a decimal string; money is ``{"amount": "50.00", "currency": "EUR"}``; bool is
true/false; date is ``YYYY-MM-DD``. ``in``, ``not_in`` and ``matches_any`` take a list, ``between`` two values (both ends
included), ``is_set`` and ``is_empty`` none. A field with a value per order line (``many``) is asked with ``"lines": "any"``
(the default) or ``"all"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from core.textnorm import fold

MAX_DEPTH = 12


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    BOOL = "bool"
    SET = "set"
    DATE = "date"
    COUNTRY = "country"


_EMPTINESS = ("is_set", "is_empty")
_ORDERED = ("eq", "ne", "gt", "gte", "lt", "lte", "between", *_EMPTINESS)
OPS: Mapping[FieldType, tuple[str, ...]] = {
    FieldType.TEXT: ("eq", "ne", "in", "not_in", "contains", "starts_with", "matches_any", *_EMPTINESS),
    FieldType.NUMBER: (*_ORDERED, "in", "not_in"),
    FieldType.MONEY: _ORDERED,
    FieldType.BOOL: ("eq", "ne", *_EMPTINESS),
    FieldType.SET: ("contains", "in", "not_in", *_EMPTINESS),
    FieldType.DATE: _ORDERED,
    FieldType.COUNTRY: ("eq", "ne", "in", "not_in", *_EMPTINESS),
}
ALL_OPS = frozenset(op for ops in OPS.values() for op in ops)
LIST_OPS = frozenset({"in", "not_in", "matches_any"})


@dataclass(frozen=True, slots=True)
class Field:
    """A fact that rules may ask for. ``label`` is a code that the page puts into words.

    ``ops`` narrows the operators of the type (empty: all of them). ``many``: the fact is a sequence, one value per order
    line. ``personal``: a trace never keeps the value, only that it differs.
    """

    name: str
    type: FieldType
    label: str = ""
    ops: frozenset[str] = frozenset()
    many: bool = False
    personal: bool = False

    def allowed_ops(self) -> tuple[str, ...]:
        return tuple(op for op in OPS[self.type] if not self.ops or op in self.ops)


@dataclass(frozen=True, slots=True)
class ActionKind:
    """What a rule may do. ``value`` is the JSON type of its value: ``text``, ``number`` (integer) or ``none``."""

    name: str
    label: str = ""
    value: str = "text"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a rule set cannot be kept. ``path`` leads to the place (``rules.0.conditions.all.1.value``)."""

    code: str
    path: str
    params: Mapping[str, Any]


class InvalidRuleSet(ValueError):
    """Raised by ``compile_rules``; ``problems`` are those of ``validate``."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.code} at {problem.path}" for problem in problems))


class BadValue(ValueError):
    """A value in a condition has the wrong shape for its field; ``expected`` names the right one."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        super().__init__(expected)


def registry(fields: Iterable[Field]) -> dict[str, Field]:
    """Fields by name; a name declared twice raises ValueError."""
    found: dict[str, Field] = {}
    for field in fields:
        if field.name in found:
            raise ValueError(f"field {field.name} is declared twice")
        found[field.name] = field
    return found


# -- values of conditions --------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not fold(value):
        raise BadValue("text")
    return fold(value)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise BadValue("number")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise BadValue("number") from None
    if not number.is_finite():
        raise BadValue("number")
    return number


def _money(value: Any) -> tuple[str, Decimal]:
    if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
        raise BadValue("money")
    currency = value["currency"]
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Za-z]{3}", currency):
        raise BadValue("money")
    try:
        return currency.upper(), _number(value["amount"])
    except BadValue:
        raise BadValue("money") from None


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue("bool")
    return value


def _date(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise BadValue("date")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise BadValue("date") from None


def _country(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2}", value):
        raise BadValue("country")
    return value.upper()


_SCALARS: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.MONEY: _money,
    FieldType.BOOL: _bool,
    FieldType.SET: _text,
    FieldType.DATE: _date,
    FieldType.COUNTRY: _country,
}


def condition_value(field: Field, op: str, value: Any) -> Any:
    """The value of a leaf, read once: folded, as Decimal, as date; a tuple for list operators and ``between``.

    Money reads as ``(currency, amount)``. Raises BadValue.
    """
    read = _SCALARS[field.type]
    if op in _EMPTINESS:
        if value is not None:
            raise BadValue("nothing")
        return None
    if op in LIST_OPS:
        if not isinstance(value, list | tuple) or not value:
            raise BadValue(f"list of {field.type}")
        return tuple(read(item) for item in value)
    if op == "between":
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise BadValue(f"two of {field.type}")
        low, high = read(value[0]), read(value[1])
        if field.type is FieldType.MONEY and low[0] != high[0]:
            raise BadValue("one currency")
        if low > high:
            raise BadValue("smaller value first")
        return low, high
    return read(value)


# -- the check -------------------------------------------------------------------------------------------------------


class _Check:
    def __init__(self, fields: Mapping[str, Field], actions: Mapping[str, ActionKind] | None) -> None:
        self.fields, self.actions = fields, actions
        self.problems: list[Problem] = []

    def say(self, code: str, path: str, **params: Any) -> None:
        self.problems.append(Problem(code, path, params))

    def keys(self, given: Mapping[str, Any], known: set[str], path: str) -> None:
        for key in given:
            if key not in known:
                self.say("unknown_key", f"{path}.{key}", key=str(key))

    def condition(self, node: Any, path: str, depth: int = 0) -> None:
        if not isinstance(node, Mapping):
            return self.say("not_a_condition", path)
        if depth > MAX_DEPTH:
            return self.say("too_deep", path, limit=MAX_DEPTH)
        groups = [key for key in ("all", "any", "not") if key in node]
        if not groups:
            return self.leaf(node, path)
        if len(node) != 1:
            return self.say("mixed_condition", path, keys=sorted(map(str, node)))
        kind = groups[0]
        inner = node[kind]
        if kind == "not":
            return self.condition(inner, f"{path}.not", depth + 1)
        if not isinstance(inner, list | tuple):
            return self.say("not_a_list", f"{path}.{kind}")
        if not inner and kind == "any":
            return self.say("empty_any", f"{path}.any")
        for index, child in enumerate(inner):
            self.condition(child, f"{path}.{kind}.{index}", depth + 1)
        return None

    def leaf(self, node: Mapping[str, Any], path: str) -> None:
        self.keys(node, {"field", "op", "value", "lines"}, path)
        name, op = node.get("field"), node.get("op")
        field = self.fields.get(name) if isinstance(name, str) else None
        if field is None:
            return self.say("unknown_field", f"{path}.field", field=str(name))
        if not isinstance(op, str) or op not in ALL_OPS:
            return self.say("unknown_op", f"{path}.op", op=str(op))
        if op not in field.allowed_ops():
            return self.say("op_not_allowed", f"{path}.op", op=op, field=field.name, type=str(field.type))
        if "lines" in node and (not field.many or node["lines"] not in ("any", "all")):
            self.say("bad_quantifier" if field.many else "quantifier_without_lines", f"{path}.lines", field=field.name)
        try:
            condition_value(field, op, node.get("value"))
        except BadValue as bad:
            self.say("wrong_value", f"{path}.value", field=field.name, op=op, expected=bad.expected)
        return None

    def action(self, action: Any, path: str) -> str:
        if not isinstance(action, Mapping) or not isinstance(action.get("do"), str) or not action["do"]:
            self.say("not_an_action", path)
            return ""
        kind, value = str(action["do"]), action.get("value")
        if self.actions is not None and kind not in self.actions:
            self.say("unknown_action", f"{path}.do", action=kind)
            return kind
        expected = self.actions[kind].value if self.actions is not None else "any"
        if kind == "tag":
            tags = value if isinstance(value, list | tuple) else [value]
            if not tags or not all(isinstance(tag, str) and tag.strip() for tag in tags):
                self.say("wrong_action_value", f"{path}.value", action=kind, expected="text")
        elif (
            (expected == "text" and not (isinstance(value, str) and value.strip()))
            or (expected == "number" and (isinstance(value, bool) or not isinstance(value, int)))
            or (expected == "none" and value is not None)
        ):
            self.say("wrong_action_value", f"{path}.value", action=kind, expected=expected)
        return kind

    def rule(self, rule: Any, path: str) -> None:
        if not isinstance(rule, Mapping):
            return self.say("not_a_rule", path)
        self.keys(rule, {"id", "version_id", "name", "conditions", "actions", "stop"}, path)
        for key in ("id", "version_id"):
            if rule.get(key) in (None, ""):
                self.say("missing", f"{path}.{key}", key=key)
        if "conditions" not in rule:
            self.say("missing", f"{path}.conditions", key="conditions")
        else:
            self.condition(rule["conditions"], f"{path}.conditions")
        stop, actions = rule.get("stop", False), rule.get("actions", [])
        if not isinstance(stop, bool):
            self.say("wrong_value", f"{path}.stop", expected="bool")
        if not isinstance(actions, list | tuple):
            return self.say("not_a_list", f"{path}.actions")
        if not actions and stop is not True:
            self.say("does_nothing", path)
        kinds: set[str] = set()
        for index, action in enumerate(actions):
            kind = self.action(action, f"{path}.actions.{index}")
            if kind and kind != "tag" and kind in kinds:
                self.say("action_twice", f"{path}.actions.{index}", action=kind)
            kinds.add(kind)
        return None


def validate(
    rule_set: Mapping[str, Any], fields: Mapping[str, Field], actions: Mapping[str, ActionKind] | None = None
) -> list[Problem]:
    """Everything that is wrong with ``rule_set`` (empty: it compiles). ``actions`` None accepts any kind of action.

    Codes: missing, not_a_list, not_a_rule, unknown_key, duplicate_rule, not_a_condition, mixed_condition, empty_any, too_deep,
    unknown_field, unknown_op, op_not_allowed, bad_quantifier, quantifier_without_lines, wrong_value, not_an_action,
    unknown_action, wrong_action_value, action_twice, does_nothing.
    """
    check = _Check(fields, actions)
    if rule_set.get("version_id") in (None, ""):
        check.say("missing", "version_id", key="version_id")
    rules = rule_set.get("rules")
    if not isinstance(rules, list | tuple):
        check.say("not_a_list", "rules")
        return check.problems
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        check.rule(rule, f"rules.{index}")
        rule_id = str(rule.get("id", "")) if isinstance(rule, Mapping) else ""
        if rule_id and rule_id in seen:
            check.say("duplicate_rule", f"rules.{index}.id", id=rule_id)
        seen.add(rule_id)
    return check.problems

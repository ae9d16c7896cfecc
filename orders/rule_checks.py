"""Is a rule fit to be kept? Every problem with its place, for the editor to tell it there. And what is typed, tidied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from core import bulk
from core.currencies import KNOWN
from core.rules import FieldType, validate
from core.rules.conditions import LIST_OPS
from core.words import formats
from orders.routing import ACTIONS, FIELDS
from orders.services.rules import as_set

MOST_NAME, MOST_NOTE, MOST_TAG, MOST_HOLD = 80, 500, 40, 120
MOST_CONDITIONS, MOST_VALUES, MOST_TEXT = 300, 5000, 300
MOST_NUMBER = Decimal(10) ** 15
Problems = list[dict[str, Any]]


def problems(rule: Mapping[str, Any]) -> Problems:
    """``[{code, path, params}]``; a path as the engine's without the rule's own: ``conditions.all.1``, ``actions.0``,
    ``name``. One query."""
    out: Problems = []

    def tell(code: str, path: str, **params: Any) -> None:
        out.append({"code": f"rules.problem.{code}", "path": path, "params": params})

    whole = as_set("1", [{**rule, "id": rule.get("id") or "new", "off": False}])
    for found in validate(whole, FIELDS, ACTIONS):
        path = re.sub(r"\.(value|op|field|lines|do)$", "", found.path.removeprefix(f"rules.{0}").lstrip("."))
        if found.code in ("empty_any", "not_a_list"):
            path = path.rpartition(".")[0] or path
        params = {name: str(value) for name, value in found.params.items()}
        if expected := params.get("expected"):
            params["expected"] = expected.replace(" ", "_")
        tell(found.code, path, **params)
    name, note = str(rule.get("name") or "").strip(), str(rule.get("note") or "")
    if not name:
        tell("no_name", "name")
    if len(name) > MOST_NAME:
        tell("too_long", "name", most=MOST_NAME)
    if len(note) > MOST_NOTE:
        tell("too_long", "note", most=MOST_NOTE)
    if not out:
        _conditions(rule.get("conditions") or {}, "conditions", tell, [0])
    _actions(rule, tell)
    return out


def _conditions(node: Mapping[str, Any], path: str, tell: Any, count: list[int]) -> None:
    """What the engine would take and the house knows better: names of places that are none, far too many values."""
    for kind in ("all", "any"):
        for index, child in enumerate(node.get(kind) or ()):
            _conditions(child, f"{path}.{kind}.{index}", tell, count)
    if "not" in node:
        _conditions(node["not"], f"{path}.not", tell, count)
    if "field" not in node:
        return
    count[0] += 1
    if count[0] == MOST_CONDITIONS + 1:
        tell("too_many_conditions", path, most=MOST_CONDITIONS)
    field, given = FIELDS[node["field"]], node.get("value")
    values = given if isinstance(given, list) else [given]
    if len(values) > MOST_VALUES:
        tell("too_many_values", path, most=MOST_VALUES)
    if any(isinstance(value, str) and len(value) > MOST_TEXT for value in values):
        tell("too_long", path, most=MOST_TEXT)
    numbers = [one["amount"] if isinstance(one, Mapping) else one for one in values if one is not None]
    if field.type in (FieldType.NUMBER, FieldType.MONEY) and any(
        abs(Decimal(str(one))) >= MOST_NUMBER for one in numbers
    ):
        tell("too_large", path)
    if field.type is FieldType.COUNTRY:
        unknown = [str(value) for value in values if value and str(value).upper() not in formats.locale().territories]
        if unknown:
            tell("unknown_country", path, codes=unknown[:5])
    if field.type is FieldType.MONEY:
        unknown = [value["currency"] for value in values if value and str(value["currency"]).upper() not in KNOWN]
        if unknown:
            tell("unknown_currency", path, codes=unknown[:1])


def _actions(rule: Mapping[str, Any], tell: Any) -> None:
    actions = [one for one in rule.get("actions") or () if isinstance(one, Mapping)]
    known: set[tuple[str, str]] = set()
    if any(one.get("do") in ("service", "warehouse") for one in actions):
        known = {
            (kind, key)
            for kind, key in bulk.fetch(
                "SELECT 'service', key FROM logistics_service UNION ALL SELECT 'warehouse', code FROM inventory_warehouse"
            )
        }
    for one in actions:
        kind, value = one.get("do"), one.get("value")
        if kind in ("service", "warehouse") and isinstance(value, str) and value and (kind, value) not in known:
            tell(f"no_{kind}", f"actions.{kind}", value=value)
        if kind == "hold" and len(str(value)) > MOST_HOLD:
            tell("too_long", "actions.hold", most=MOST_HOLD)
        tags = value if isinstance(value, list) else [value]
        if kind == "tag" and any(len(str(tag)) > MOST_TAG for tag in tags):
            tell("too_long", "actions.tag", most=MOST_TAG)


# -- tidying ----------------------------------------------------------------------------------------------------------


def tidy(node: Any) -> Any:
    """Conditions in one spelling: numbers as numbers, codes in capitals, nothing twice. What is wrong stays as typed."""
    if not isinstance(node, Mapping):
        return node
    for kind in ("all", "any"):
        if isinstance(node.get(kind), list):
            return {**node, kind: [tidy(child) for child in node[kind]]}
    if "not" in node:
        return {**node, "not": tidy(node["not"])}
    field = FIELDS.get(str(node.get("field")))
    if field is None or "value" not in node:
        return dict(node)
    given = node["value"]
    if isinstance(given, list):
        value: Any = [_one(field.type, one) for one in given]
        if node.get("op") in LIST_OPS:
            value = [one for index, one in enumerate(value) if one not in value[:index] and one != ""]
    else:
        value = _one(field.type, given)
    return {**node, "value": value}


def _one(kind: FieldType, given: Any) -> Any:
    if isinstance(given, Mapping):
        amount, currency = given.get("amount", ""), given.get("currency", "")
        return {"amount": str(_number(amount)).strip(), "currency": str(currency).strip().upper()}
    if not isinstance(given, str):
        return given
    text = given.strip()
    if kind is FieldType.NUMBER:
        return _number(text)
    return text.upper() if kind is FieldType.COUNTRY else text


def _number(given: Any) -> Any:
    """Whole numbers as such, others as a plain decimal text; what is no number as it was typed."""
    text = str(given).strip().replace("\N{MINUS SIGN}", "-")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number) >= MOST_NUMBER:
        return text
    return int(number) if number == number.to_integral_value() else format(number.normalize(), "f")

"""Fields, facts and short forms for tests of the rule engine."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core.rules import Field, FieldType, compile_rules, registry
from core.values import Money

FIELDS = registry(
    [
        Field("account", FieldType.TEXT),
        Field("note", FieldType.TEXT),
        Field("receiver", FieldType.TEXT, personal=True),
        Field("country", FieldType.COUNTRY, label="field.country"),
        Field("total", FieldType.MONEY),
        Field("weight_g", FieldType.NUMBER),
        Field("paid", FieldType.BOOL),
        Field("tags", FieldType.SET),
        Field("ship_by", FieldType.DATE),
        Field("line_skus", FieldType.TEXT, many=True),
        Field("line_quantities", FieldType.NUMBER, many=True),
        Field("channel", FieldType.TEXT, ops=frozenset({"eq", "in"})),
    ]
)
FACTS = {
    "account": "Amazon DE",
    "note": "Please send a PEN, not the open box. 请尽快发货",
    "receiver": "王小明",
    "country": "DE",
    "total": Money(Decimal("49.90"), "EUR"),
    "weight_g": 1200,
    "paid": True,
    "tags": {"Gift", "VIP"},
    "ship_by": date(2026, 11, 20),
    "line_skus": ["BAT-1", "BAT-2"],
    "line_quantities": (1, 5),
}


def leaf(field, op, value=None, lines=None):
    node = {"field": field, "op": op}
    if value is not None:
        node["value"] = value
    if lines:
        node["lines"] = lines
    return node


def rule(number, conditions, *actions, stop=False):
    return {
        "id": f"r{number}",
        "version_id": str(number),
        "name": f"Rule {number}",
        "conditions": conditions,
        "actions": [{"do": kind, "value": value} for kind, value in actions],
        "stop": stop,
    }


def compiled(*rules):
    return compile_rules({"version_id": "v1", "rules": list(rules)}, FIELDS)

"""The rule engine: every operator, first setter wins, stop, tags, problems with their place, traces and explanations."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.rules import (
    ActionKind,
    FactError,
    InvalidRuleSet,
    compile_rules,
    validate,
)
from tests.support.rule_samples import FACTS, FIELDS, compiled, leaf, rule


def holds(condition, facts=FACTS):
    return compiled(rule(1, condition, ("tag", "x"))).evaluate(facts).tags == ("x",)


EUR = {"amount": "49.90", "currency": "EUR"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (leaf("account", "eq", "ＡＭＡＺＯＮ　de"), True),  # width, case and spaces do not count
        (leaf("account", "eq", "Amazon FR"), False),
        (leaf("account", "ne", "amazon de"), False),
        (leaf("account", "in", ["x", "AMAZON DE"]), True),
        (leaf("account", "not_in", ["x"]), True),
        (leaf("note", "contains", "open BOX"), True),
        (leaf("account", "starts_with", "amaz"), True),
        (leaf("account", "starts_with", "de"), False),
        (leaf("note", "matches_any", ["pen"]), True),
        (leaf("note", "matches_any", ["pe", "end"]), False),  # whole words only
        (leaf("note", "matches_any", ["发货"]), True),  # Chinese has no spaces between words
        (leaf("country", "eq", "de"), True),
        (leaf("country", "in", ["FR", "DE"]), True),
        (leaf("country", "not_in", ["FR", "DE"]), False),
        (leaf("total", "gt", {"amount": "49.89", "currency": "eur"}), True),
        (leaf("total", "gt", EUR), False),
        (leaf("total", "gte", EUR), True),
        (leaf("total", "eq", {"amount": "49.9000", "currency": "EUR"}), True),
        (leaf("total", "lt", {"amount": "1000", "currency": "USD"}), False),  # other currency: never compared
        (leaf("total", "gt", {"amount": "1", "currency": "USD"}), False),
        (leaf("total", "ne", {"amount": "49.90", "currency": "USD"}), True),
        (leaf("total", "between", [{"amount": 10, "currency": "EUR"}, EUR]), True),
        (leaf("weight_g", "between", [1200, "1200.0"]), True),
        (leaf("weight_g", "lt", "1200.5"), True),
        (leaf("weight_g", "lte", 1199), False),
        (leaf("weight_g", "in", [1, 1200]), True),
        (leaf("paid", "eq", True), True),
        (leaf("paid", "ne", True), False),
        (leaf("tags", "contains", "gift"), True),
        (leaf("tags", "in", ["new", "vip"]), True),
        (leaf("tags", "not_in", ["new"]), True),
        (leaf("tags", "not_in", ["vip"]), False),
        (leaf("tags", "is_empty"), False),
        (leaf("ship_by", "lt", "2026-11-21"), True),
        (leaf("ship_by", "between", ["2026-11-20", "2026-11-20"]), True),
        (leaf("line_skus", "starts_with", "bat", "all"), True),
        (leaf("line_skus", "eq", "bat-2"), True),  # any line
        (leaf("line_skus", "eq", "bat-2", "all"), False),
        (leaf("line_quantities", "gt", 4), True),
        (leaf("line_quantities", "gt", 4, "all"), False),
        (leaf("channel", "eq", "ebay"), False),  # a missing fact is empty
        ({"all": []}, True),
        ({"not": {"all": []}}, False),
        ({"any": [leaf("paid", "eq", False), {"not": leaf("country", "eq", "FR")}]}, True),
        (
            {"all": [leaf("paid", "eq", True), {"any": [leaf("country", "eq", "FR"), leaf("weight_g", "gt", 9999)]}]},
            False,
        ),
    ],
)
def test_operators(condition, expected):
    assert holds(condition) is expected


@pytest.mark.parametrize("name", sorted(set(FIELDS) - {"channel"}))
def test_an_empty_fact_is_empty_and_differs_from_everything(name):
    for facts in (
        {},
        {name: None},
        *([{name: ""}, {name: "  "}] if FIELDS[name].type == "text" and not FIELDS[name].many else []),
    ):
        assert holds(leaf(name, "is_empty"), facts)
        assert not holds(leaf(name, "is_set"), facts)
    assert not holds(leaf(name, "is_empty")) and holds(leaf(name, "is_set"))
    values = {"text": "x", "money": EUR, "number": 1, "bool": True, "set": "x", "date": "2026-01-01", "country": "DE"}
    value = values[FIELDS[name].type]
    op = "contains" if FIELDS[name].type == "set" else "eq"
    assert not holds(leaf(name, op, value), {})
    if op == "eq" and not FIELDS[name].many:
        assert holds(leaf(name, "ne", value), {})


def test_nothing_is_said_about_lines_that_are_not_there():
    facts: dict[str, list] = {"line_skus": []}
    assert not holds(leaf("line_skus", "starts_with", "a", "all"), facts)
    assert not holds(leaf("line_skus", "ne", "a", "all"), facts)
    assert holds(leaf("line_skus", "is_empty", lines="all"), facts)
    assert holds(leaf("line_skus", "is_empty"), {"line_skus": ["A", None]})
    assert not holds(leaf("line_skus", "is_set", lines="all"), {"line_skus": ["A", ""]})


def test_first_setter_wins_tags_add_up_and_stop_ends():
    rules = compiled(
        rule(1, leaf("country", "eq", "FR"), ("warehouse", "PARIS")),
        rule(2, leaf("country", "eq", "DE"), ("warehouse", "BERLIN"), ("tag", ["eu", "de"])),
        rule(3, {"all": []}, ("warehouse", "SHENZHEN")),
        rule(4, {"all": []}, ("warehouse", "SHENZHEN"), ("service", "DHL"), ("tag", "eu")),
        rule(5, leaf("paid", "eq", True), ("tag", "paid"), stop=True),
        rule(6, {"all": []}, ("hold", "never")),
    )
    decision = rules.evaluate(FACTS)
    assert {kind: action.value for kind, action in decision.actions.items()} == {
        "warehouse": "BERLIN",
        "service": "DHL",
    }
    assert decision.actions["warehouse"].rule_version_id == "2"
    assert decision.tags == ("eu", "de", "paid")
    assert decision.trace.outcomes == b"namaas"
    assert decision.trace.rule_versions == ("1", "2", "3", "4", "5", "6")
    assert set(rules.asked) == {"country", "paid"}


def test_a_stop_without_actions_is_a_deed_and_parameters_are_kept():
    rules = compile_rules(
        {
            "version_id": 3,
            "rules": [
                {
                    "id": 1,
                    "version_id": 1,
                    "conditions": {"all": []},
                    "actions": [{"do": "hold", "value": "x", "hours": 4}],
                },
                {"id": 2, "version_id": 2, "conditions": {"all": []}, "stop": True},
            ],
        },
        FIELDS,
    )
    decision = rules.evaluate({})
    assert decision.trace.outcomes == b"aa"
    assert decision.actions["hold"].params == {"hours": 4}


@pytest.mark.parametrize(
    ("condition", "code", "path"),
    [
        (leaf("colour", "eq", "red"), "unknown_field", ".field"),
        (leaf("country", "like", "D"), "unknown_op", ".op"),
        (leaf("country", "gt", "DE"), "op_not_allowed", ".op"),
        (leaf("channel", "contains", "x"), "op_not_allowed", ".op"),
        (leaf("country", "eq", "Germany"), "wrong_value", ".value"),
        (leaf("account", "eq", 5), "wrong_value", ".value"),
        (leaf("account", "eq", "  "), "wrong_value", ".value"),
        (leaf("account", "in", "x"), "wrong_value", ".value"),
        (leaf("account", "in", []), "wrong_value", ".value"),
        (leaf("weight_g", "gt", True), "wrong_value", ".value"),
        (leaf("weight_g", "gt", "heavy"), "wrong_value", ".value"),
        (leaf("weight_g", "gt", "NaN"), "wrong_value", ".value"),
        (leaf("weight_g", "between", [5, 1]), "wrong_value", ".value"),
        (leaf("total", "gt", "5.00"), "wrong_value", ".value"),
        (leaf("total", "between", [EUR, {"amount": "60", "currency": "USD"}]), "wrong_value", ".value"),
        (leaf("ship_by", "eq", "2026-02-30"), "wrong_value", ".value"),
        (leaf("paid", "eq", 1), "wrong_value", ".value"),
        (leaf("paid", "is_set", True), "wrong_value", ".value"),
        (leaf("country", "eq", "DE", "any"), "quantifier_without_lines", ".lines"),
        (leaf("line_skus", "eq", "x", "some"), "bad_quantifier", ".lines"),
        ({"field": "country", "op": "eq", "value": "DE", "vlaue": 1}, "unknown_key", ".vlaue"),
        ({"any": []}, "empty_any", ".any"),
        ({"all": {}}, "not_a_list", ".all"),
        ({"all": [], "any": []}, "mixed_condition", ""),
        ({"all": [{"not": [leaf("country", "eq", "DE")]}]}, "not_a_condition", ".all.0.not"),
        (
            {"all": [leaf("country", "eq", "DE"), {"any": [leaf("nope", "eq", "1")]}]},
            "unknown_field",
            ".all.1.any.0.field",
        ),
    ],
)
def test_problems_of_conditions_say_what_and_where(condition, code, path):
    rule_set = {"version_id": "1", "rules": [rule(1, condition, ("tag", "x"))]}
    assert [(p.code, p.path) for p in validate(rule_set, FIELDS)] == [(code, "rules.0.conditions" + path)]
    with pytest.raises(InvalidRuleSet) as caught:
        compile_rules(rule_set, FIELDS)
    assert caught.value.problems[0].code == code


def test_problems_of_rules_and_actions():
    kinds = {
        "warehouse": ActionKind("warehouse"),
        "tag": ActionKind("tag"),
        "unhold": ActionKind("unhold", value="none"),
    }
    always: dict[str, list] = {"all": []}
    rule_set = {
        "version_id": "1",
        "rules": [
            rule(1, always),
            rule(1, always, ("warehouse", "A"), ("warehouse", "B")),
            rule(2, always, ("explode", "now"), ("warehouse", ""), ("unhold", "x"), ("tag", [])),
            {"id": "3", "conditions": always, "actions": ["x"], "stop": "yes"},
            "rule",
        ],
    }
    assert [(p.code, p.path) for p in validate(rule_set, FIELDS, kinds)] == [
        ("does_nothing", "rules.0"),
        ("action_twice", "rules.1.actions.1"),
        ("duplicate_rule", "rules.1.id"),
        ("unknown_action", "rules.2.actions.0.do"),
        ("wrong_action_value", "rules.2.actions.1.value"),
        ("wrong_action_value", "rules.2.actions.2.value"),
        ("wrong_action_value", "rules.2.actions.3.value"),
        ("missing", "rules.3.version_id"),
        ("wrong_value", "rules.3.stop"),
        ("not_an_action", "rules.3.actions.0"),
        ("not_a_rule", "rules.4"),
    ]
    assert [p.code for p in validate({}, FIELDS)] == ["missing", "not_a_list"]
    deep = leaf("country", "eq", "DE")
    for _ in range(20):
        deep = {"not": deep}
    assert [p.code for p in validate({"version_id": 1, "rules": [rule(1, deep, ("tag", "x"))]}, FIELDS)] == ["too_deep"]


@pytest.mark.parametrize(
    "facts",
    [
        {"weight_g": 1.5},
        {"weight_g": True},
        {"total": Decimal("5")},
        {"account": 7},
        {"ship_by": datetime(2026, 1, 1, tzinfo=UTC)},
        {"line_skus": "BAT"},
        {"tags": "gift"},
        {"paid": "yes"},
    ],
)
def test_a_fact_of_the_wrong_type_is_an_error_not_an_answer(facts):
    (name,) = facts
    with pytest.raises(FactError, match=name):
        compiled(rule(1, leaf(name, "is_set"), ("tag", "x"))).evaluate(facts)

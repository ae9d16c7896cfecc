"""The rule engine: every operator, first setter wins, stop, tags, problems with their place, traces and explanations."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rules import (
    ActionKind,
    FactError,
    Field,
    FieldType,
    InvalidRuleSet,
    Trace,
    compile_rules,
    explain,
    registry,
    validate,
)
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
    facts = {"line_skus": []}
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
    always = {"all": []}
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


def test_trace_keeps_the_first_failing_condition_and_no_personal_value():
    rules = compiled(
        rule(1, {"all": [leaf("paid", "eq", True), leaf("country", "in", ["FR", "IT"])]}, ("tag", "a")),
        rule(2, {"all": [leaf("receiver", "contains", "李")]}, ("tag", "b")),
        rule(
            3,
            {"all": [leaf("paid", "eq", True), {"not": leaf("total", "gt", {"amount": "1", "currency": "EUR"})}]},
            ("tag", "c"),
        ),
        rule(4, {"any": [leaf("weight_g", "gt", 5000), leaf("line_skus", "eq", "Z")]}, ("tag", "d")),
        rule(5, {"not": leaf("receiver", "is_set")}, ("tag", "e")),
    )
    trace = rules.evaluate(FACTS).trace
    data = trace.to_json()
    assert data == {
        "v": "v1",
        "o": "nnnnn",
        "f": [[0, "1", "DE"], [1, "0"], [2, "1", "49.90 EUR"], [3, "0", "1200"], [4, ""]],
    }
    assert "小" not in json.dumps(data, ensure_ascii=False)
    again = Trace.from_json(json.loads(json.dumps(data)), trace.rule_versions)
    assert again == trace
    with pytest.raises(ValueError):
        Trace.from_json({"v": "1", "o": "xyz"})


def test_a_trace_of_200_rules_fits_one_kilobyte_as_postgresql_writes_it():
    rules = compiled(
        *[
            rule(i, {"all": [leaf("paid", "eq", True), leaf("note", "contains", f"词{i}")]}, ("tag", "x"))
            for i in range(200)
        ]
    )
    facts = {**FACTS, "note": "发货\x00" * 100}
    decision = rules.evaluate(facts)
    data = decision.trace.to_json()
    size = len(json.dumps(data, ensure_ascii=False).encode())
    assert data["o"] == "n" * 200 and 850 < size <= 1000 and 0 < len(data["f"]) < 80
    assert "\x00" not in data["f"][0][2]
    shown = explain(rules, facts, Trace.from_json(data))
    assert len(shown) == 200 and all(one.outcome == "no" and one.agrees for one in shown)
    assert shown[199].conditions.children[1].holds is False  # computed again, though it was not kept


def test_explain_shows_every_condition_with_its_value():
    rules = compiled(
        rule(1, {"all": [leaf("country", "eq", "DE"), {"not": leaf("receiver", "contains", "王")}]}, ("tag", "a")),
        rule(2, leaf("country", "eq", "de"), ("warehouse", "B"), stop=True),
        rule(3, {"any": [leaf("paid", "eq", True)]}, ("tag", "c")),
    )
    trace = Trace.from_json(rules.evaluate(FACTS).trace.to_json())
    first, second, third = explain(rules, FACTS, trace)
    assert [one.outcome for one in (first, second, third)] == ["no", "acted", "skipped"]
    country, negation = first.conditions.children
    assert (country.holds, country.actual, country.label, country.value) == (True, "DE", "field.country", "DE")
    assert negation.holds is False and negation.children[0].holds is True
    assert negation.children[0].hidden and negation.children[0].actual is None
    shown = explain(rules, FACTS, trace, show_personal=True)[0]
    assert shown.conditions.children[1].children[0].actual == "王小明"
    assert third.conditions.holds is True and second.actions[0].value == "B"

    changed = explain(rules, {**FACTS, "country": "FR"}, trace)
    assert [one.agrees for one in changed] == [True, False, True]

    gone_first, gone_second, _ = explain(rules, None, trace)
    assert gone_first.conditions.holds is False and gone_first.conditions.children[1].holds is False
    assert gone_first.conditions.children[0].holds is None and gone_second.conditions.holds is True
    with pytest.raises(ValueError, match="version"):
        explain(compile_rules({"version_id": "v2", "rules": []}, FIELDS), FACTS, trace)


LEAVES = st.sampled_from(
    [
        leaf("country", "eq", "DE"),
        leaf("country", "not_in", ["DE", "FR"]),
        leaf("weight_g", "gt", 1000),
        leaf("paid", "eq", False),
        leaf("line_skus", "starts_with", "BAT", "all"),
        leaf("tags", "contains", "vip"),
    ]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items: {"all": items}, st.lists(inner, max_size=3)),
        st.builds(lambda items: {"any": items}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda item: {"not": item}, inner),
    ),
    max_leaves=12,
)


def slow_holds(node, facts):
    """The meaning of a condition, written down as plainly as possible."""
    if "all" in node:
        return all(slow_holds(child, facts) for child in node["all"])
    if "any" in node:
        return any(slow_holds(child, facts) for child in node["any"])
    if "not" in node:
        return not slow_holds(node["not"], facts)
    fact = facts.get(node["field"])
    answers = {
        ("country", "eq"): lambda: fact == "DE",
        ("country", "not_in"): lambda: fact not in ("DE", "FR"),
        ("weight_g", "gt"): lambda: bool(fact and fact > 1000),
        ("paid", "eq"): lambda: fact is False,
        ("line_skus", "starts_with"): lambda: bool(fact) and all(sku.startswith("BAT") for sku in fact),
        ("tags", "contains"): lambda: "VIP" in (fact or ()),
    }
    return answers[node["field"], node["op"]]()


@settings(max_examples=300)
@given(
    CONDITIONS,
    st.fixed_dictionaries(
        {},
        optional={
            "country": st.sampled_from(["DE", "FR", "US", None]),
            "weight_g": st.integers(0, 2000),
            "paid": st.booleans(),
            "line_skus": st.lists(st.sampled_from(["BAT1", "BAT2", "X"]), max_size=3),
            "tags": st.sets(st.sampled_from(["VIP", "new"])),
        },
    ),
)
def test_any_nesting_means_what_it_says_and_the_explanation_agrees(condition, facts):
    rules = compiled(rule(1, condition, ("tag", "x")))
    decision = rules.evaluate(facts)
    assert bool(decision.tags) is slow_holds(condition, facts)
    (shown,) = explain(rules, facts, decision.trace)
    assert shown.agrees and shown.conditions.holds is bool(decision.tags)
    if decision.trace.failures:
        (failure,) = decision.trace.failures
        node = shown.conditions
        for step in failure.path.split(".") if failure.path else ():
            assert node.holds is False
            node = node.children[int(step)]
        assert node.holds is False  # the place that the trace names really failed, and so did all above it

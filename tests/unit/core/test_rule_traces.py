"""Why a rule set decided as it did: small traces without personal values, and explanations that agree with them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rules import Trace, compile_rules, explain
from tests.support.rule_samples import FACTS, FIELDS, compiled, leaf, rule


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

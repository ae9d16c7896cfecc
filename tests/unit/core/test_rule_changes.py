"""Differences of rule lists, edits of two people at once, and rules that can never decide anything."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.rules import compile_rules
from core.rules.changes import diff, mark, rebase, same
from core.rules.cover import always, never, warnings
from tests.support.rule_samples import FACTS, FIELDS, leaf

GERMANY = leaf("country", "eq", "DE")


def rule(pk, conditions=None, service="a", **more):
    return {
        "id": pk,
        "name": f"Rule {pk}",
        "conditions": conditions or {"all": []},
        "actions": [{"do": "service", "value": service}],
        **more,
    }


def kinds(changes):
    return [(change.kind, change.rule["id"]) for change in changes]


def test_a_difference_is_told_rule_by_rule():
    old = [rule("1"), rule("2"), rule("3"), rule("4")]
    new = [rule("3"), rule("1", off=True), rule("2", GERMANY, name="New"), rule("5")]
    found = diff(old, new)
    assert kinds(found) == [("moved", "3"), ("off", "1"), ("changed", "2"), ("added", "5"), ("removed", "4")]
    assert found[0].was_place == 3 and found[0].place == 1
    assert found[2].parts == ("name", "conditions")


def test_what_is_left_out_is_as_if_it_stood_there_empty():
    plain = {"id": "1", "name": "x", "conditions": {"all": []}, "actions": []}
    full = plain | {"note": "", "stop": False, "off": False}
    assert diff([plain], [full]) == [] and same(plain, full) and mark(plain) == mark(full)
    assert mark(plain) != mark(plain | {"stop": True})


def test_edits_of_two_people_are_joined():
    base = [rule("1"), rule("2"), rule("3")]
    theirs = [rule("2"), rule("1", service="b"), rule("3"), rule("4")]  # moved, changed, added
    mine = [rule("1"), rule("2"), rule("3", service="c"), rule("5")]  # changed, added
    found = rebase(base, theirs, mine)
    assert [(one["id"], one["actions"][0]["value"]) for one in found.rules] == [
        ("2", "a"), ("1", "b"), ("3", "c"), ("5", "a"), ("4", "a"),
    ]  # fmt: skip
    assert found.clashes == ()
    clash = rebase(base, [rule("1", service="b"), *base[1:]], [rule("1", service="c"), *base[1:]])
    assert clash.clashes == ("1",) and clash.rules[0]["actions"][0]["value"] == "c"
    # removed here, changed there: the change is not lost
    gone = rebase(base, [rule("1", service="b"), *base[1:]], base[1:])
    assert gone.clashes == ("1",) and gone.rules[0]["actions"][0]["value"] == "b"
    assert [one["id"] for one in rebase(base, base, base[1:]).rules] == ["2", "3"]


NUMBERS = st.sampled_from("123456")
LISTS = st.lists(st.tuples(NUMBERS, st.sampled_from("abc")), unique_by=lambda one: one[0], max_size=6).map(
    lambda many: [rule(pk, service=service) for pk, service in many]
)


@given(LISTS, LISTS)
def test_no_difference_exactly_for_equal_lists(one, other):
    assert (diff(one, other) == []) == (one == other)
    by = {change.rule["id"] for change in diff(one, other)}
    unchanged = [r["id"] for r in other if r["id"] not in by]
    assert [r["id"] for r in one if r["id"] in unchanged] == unchanged  # what is not named kept its order


@given(LISTS, LISTS, LISTS)
def test_who_changed_nothing_gets_the_other_side(base, theirs, mine):
    assert rebase(base, theirs, base).rules == theirs
    assert rebase(base, base, mine).rules == mine
    found = rebase(base, theirs, mine)
    ids = [one["id"] for one in found.rules]
    assert len(ids) == len(set(ids))
    assert {one["id"] for one in mine} - {one["id"] for one in base} <= set(ids)  # nothing added is lost
    assert {one["id"] for one in theirs} - {one["id"] for one in base} <= set(ids)


TREES = st.recursive(
    st.sampled_from([GERMANY, leaf("paid", "eq", True), leaf("weight_g", "gt", 5), {"all": []}]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: {"all": many})
        | st.lists(inner, min_size=1, max_size=3).map(lambda many: {"any": many})
        | inner.map(lambda one: {"not": one})
    ),
    max_leaves=8,
)
SOME = [FACTS, {}, {**FACTS, "country": "FR"}, {**FACTS, "paid": False, "weight_g": 1}]


@given(TREES)
def test_always_and_never_are_true_of_any_order(tree):
    made = {"id": "1", "version_id": "1", "conditions": tree, "actions": [{"do": "tag", "value": "x"}]}
    compiled = compile_rules({"version_id": "1", "rules": [made]}, FIELDS)
    held = [bool(compiled.evaluate(facts).tags) for facts in SOME]
    assert not always(tree) or all(held)
    assert not never(tree) or not any(held)


def told(*rules):
    return [(one.rule_id, one.code, one.by) for one in warnings(rules)]


def test_rules_behind_one_that_always_holds():
    everything, german = rule("1"), rule("2", GERMANY)
    assert told(german, everything) == []
    assert told(everything, german) == [("2", "hidden", "1")]
    assert told(everything | {"off": True}, german) == []
    held = german | {"actions": [{"do": "hold", "value": "look"}]}
    assert told(everything, held) == []  # it decides something else
    assert told(everything | {"stop": True}, held) == [("2", "unreachable", "1")]
    assert told(rule("1", {"any": [GERMANY, {"all": []}]}), german) == [("2", "hidden", "1")]
    assert told(rule("1", GERMANY), german) == [("2", "hidden", "1")]  # the same conditions once more
    tag = {"id": "3", "conditions": GERMANY, "actions": [{"do": "tag", "value": ["x", "y"]}]}
    assert told({**tag, "id": "1", "conditions": {"all": []}}, tag) == [("3", "hidden", "1")]
    assert told({**tag, "id": "1", "actions": [{"do": "tag", "value": "x"}]}, tag) == []
    assert told(rule("1", {"all": [GERMANY, {"not": GERMANY}]})) == [("1", "never", "")]


@given(st.lists(st.tuples(TREES, st.sampled_from(["service", "hold", "tag"]), st.booleans()), max_size=5))
def test_a_rule_that_is_warned_about_never_acts(given_rules):
    made = [
        {"id": str(n), "version_id": "1", "conditions": tree, "actions": [{"do": do, "value": "x"}], "stop": stop}
        for n, (tree, do, stop) in enumerate(given_rules)
    ]
    compiled = compile_rules({"version_id": "1", "rules": made}, FIELDS)
    warned = {int(one.rule_id) for one in warnings(made)}
    for facts in SOME:
        outcomes = compiled.evaluate(facts).trace.outcomes.decode()
        assert all(outcomes[n] != "a" for n in warned)

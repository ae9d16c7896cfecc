"""The draft of the rules: edits of two people, undo, publishing, rolling back; nothing counts before it is published."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, Actor, of_role, system
from core.rules.changes import mark
from core.tenancy import tenant_context
from orders.models import RuleDraft, RuleSet
from orders.services import rule_edits, rules
from orders.services.rule_edits import RuleChanged
from tests.orders.conftest import Shop, make_shop

LI, WANG = system("Li Na"), system("Wang Wu")
GERMANY = {"field": "country", "op": "eq", "value": "DE"}


def rule(name: str, conditions: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "note": "",
        "conditions": conditions or GERMANY,
        "actions": [{"do": "tag", "value": [name.lower()]}],
        "stop": False,
        **more,
    }


def names() -> list[str]:
    return [one["name"] for one in rule_edits.current().rules]


def test_edits_gather_and_count_only_when_published(shop: Shop) -> None:
    pk = rule_edits.save(actor=LI, rule=rule("EU"))
    draft = rule_edits.current()
    assert names() == ["EU", "All"]  # before the rule that always holds
    assert [change.kind for change in draft.changes] == ["added"] and draft.by == "Li Na"
    assert rules.compiled().version_id == "1" and len(rules.compiled().rules) == 1
    rule_edits.switch(actor=WANG, rule_id=pk, on=False)
    rule_edits.switch(actor=WANG, rule_id=pk, on=False)  # twice does no harm
    made = rule_edits.publish(actor=LI, stamp=rule_edits.current().stamp, note="Europe")
    assert made.version == 2 and made.note == "Europe"
    assert [one["name"] for one in made.rules] == ["EU", "All"] and "by" not in made.rules[0]
    assert [one.name for one in rules.compiled().rules] == ["All"]  # what is off is kept, and not asked
    assert not rule_edits.current().changes and not RuleDraft.objects.exists()
    with pytest.raises(BusinessError) as none:
        rule_edits.publish(actor=LI, stamp="")
    assert none.value.code == "rules.no_changes"


def test_only_who_may_edits(shop: Shop) -> None:
    clerk = Actor("user", 5, "clerk", of_role(CLERK))
    for act in (
        lambda: rule_edits.save(actor=clerk, rule=rule("EU")),
        lambda: rule_edits.remove(actor=clerk, rule_id="1"),
        lambda: rule_edits.publish(actor=clerk, stamp=""),
        lambda: rule_edits.roll_back(actor=clerk, version=1, in_force=1),
        lambda: rule_edits.discard(actor=clerk, stamp=""),
        lambda: rule_edits.take(actor=clerk, version=1, rule_id="1"),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert not RuleDraft.objects.exists()


def test_a_removed_rule_stands_again_where_it_was(shop: Shop) -> None:
    first = rule_edits.save(actor=LI, rule=rule("A"))
    second = rule_edits.save(actor=LI, rule=rule("B"))
    rule_edits.remove(actor=LI, rule_id=first)
    rule_edits.remove(actor=LI, rule_id=first)
    assert names() == ["B", "All"] and [one["name"] for one in rule_edits.current().removed] == ["A"]
    rule_edits.put_back(actor=WANG, rule_id=first)
    rule_edits.put_back(actor=WANG, rule_id=first)
    assert names() == ["A", "B", "All"]
    rule_edits.move(actor=LI, rule_id=second, step=-1)
    assert names() == ["B", "A", "All"]
    rule_edits.move(actor=LI, rule_id=second, before="")
    assert names() == ["A", "All", "B"]
    rule_edits.move(actor=LI, rule_id=second, before=first)
    assert names() == ["B", "A", "All"]
    copy = rule_edits.duplicate(actor=LI, rule_id=first, name="Copy of A")
    assert names() == ["B", "A", "Copy of A", "All"]
    assert rule_edits.current().find(copy)["off"] is True
    with pytest.raises(BusinessError) as gone:
        rule_edits.move(actor=LI, rule_id="nothing", step=1)
    assert gone.value.code == "rule.not_found"


def test_two_people_edit_one_rule(shop: Shop) -> None:
    pk = rule_edits.save(actor=LI, rule=rule("EU"))
    was = mark(rule_edits.current().find(pk))
    rule_edits.save(actor=WANG, rule=rule("Europe", id=pk), was=was)
    with pytest.raises(RuleChanged) as clash:
        rule_edits.save(actor=LI, rule=rule("European Union", id=pk), was=was)
    assert clash.value.params["who"] == "Wang Wu" and clash.value.theirs["name"] == "Europe"
    assert names() == ["Europe", "All"]  # nothing was overwritten
    rule_edits.save(actor=LI, rule=rule("European Union", id=pk), was=mark(clash.value.theirs))  # having seen theirs
    assert names() == ["European Union", "All"]
    # the same words by both are no clash
    rule_edits.save(actor=WANG, rule=rule("European Union", id=pk), was=was)
    # edits of different rules do not meet
    other = rule_edits.save(actor=WANG, rule=rule("Other"))
    rule_edits.save(actor=LI, rule=rule("EU", id=pk), was=mark(rule("European Union", id=pk)))
    assert names() == ["EU", "Other", "All"]
    # gone meanwhile: told, and saving again brings it back
    was = mark(rule_edits.current().find(other))
    rule_edits.remove(actor=LI, rule_id=other)
    with pytest.raises(RuleChanged) as gone:
        rule_edits.save(actor=WANG, rule=rule("Other!", id=other), was=was)
    assert gone.value.code == "rules.rule_gone" and gone.value.params["who"] == "Li Na" and gone.value.theirs is None
    rule_edits.save(actor=WANG, rule=rule("Other!", id=other), was="")
    assert names() == ["EU", "Other!", "All"] and not rule_edits.current().removed


def test_who_publishes_has_seen_what_goes_out(shop: Shop) -> None:
    rule_edits.save(actor=LI, rule=rule("A"))
    seen = rule_edits.current().stamp
    rule_edits.save(actor=WANG, rule=rule("B"))
    for act in (rule_edits.publish, rule_edits.discard):
        with pytest.raises(BusinessError) as changed:
            act(actor=LI, stamp=seen)
        assert changed.value.code == "rules.draft_changed" and changed.value.params["who"] == "Wang Wu"
    rule_edits.publish(actor=LI, stamp=rule_edits.current().stamp)
    with pytest.raises(BusinessError) as gone:
        rule_edits.publish(actor=WANG, stamp=seen)
    assert gone.value.code == "rules.draft_gone"
    rule_edits.save(actor=WANG, rule=rule("C"))
    rule_edits.discard(actor=LI, stamp=rule_edits.current().stamp)
    assert names() == ["A", "B", "All"]


def test_rolling_back_is_a_new_version_and_keeps_the_draft(shop: Shop) -> None:
    rule_edits.save(actor=LI, rule=rule("A"))
    rule_edits.publish(actor=LI, stamp=rule_edits.current().stamp)
    draft = rule_edits.save(actor=WANG, rule=rule("Mine"))
    with pytest.raises(BusinessError) as old:
        rule_edits.roll_back(actor=LI, version=1, in_force=1)
    assert old.value.code == "rules.changed_meanwhile"
    made = rule_edits.roll_back(actor=LI, version=1, in_force=2)
    assert made.version == 3 and [one["name"] for one in made.rules] == ["All"]
    assert names() == ["Mine", "All"] and [one.kind for one in rule_edits.current().changes] == ["added"]
    rule_edits.take(actor=LI, version=2, rule_id=str(RuleSet.objects.get(version=2).rules[0]["id"]))
    rule_edits.remove(actor=LI, rule_id=draft)
    assert names() == ["A", "All"]
    with pytest.raises(BusinessError) as nothing:
        rule_edits.roll_back(actor=LI, version=1, in_force=3)
    assert nothing.value.code == "rules.no_changes"


def test_a_clash_with_a_version_is_named(shop: Shop) -> None:
    pk = rule_edits.save(actor=LI, rule=rule("A"))
    rule_edits.publish(actor=LI, stamp=rule_edits.current().stamp)
    rule_edits.save(actor=WANG, rule=rule("A by Wang", id=pk))
    theirs = [
        {**one, "name": "A by import"} if one["id"] == pk else one for one in RuleSet.objects.get(version=2).rules
    ]
    rules.publish(actor=LI, rules=theirs)
    found = rule_edits.current()
    assert found.clashes == (pk,) and found.find(pk)["name"] == "A by Wang"


@pytest.mark.parametrize(
    ("changes", "problem", "path"),
    [
        ({"name": " "}, "no_name", "name"),
        ({"actions": []}, "does_nothing", ""),
        ({"actions": [{"do": "service", "value": "gone"}]}, "no_service", "actions.service"),
        ({"conditions": {"all": [GERMANY, {"field": "", "op": ""}]}}, "unknown_field", "conditions.all.1"),
        ({"conditions": {"not": {"any": []}}}, "empty_any", "conditions.not"),
        ({"conditions": {"field": "country", "op": "in", "value": ["DE", "XQ"]}}, "unknown_country", "conditions"),
        (
            {"conditions": {"all": [{"any": [{"field": "amount", "op": "gt", "value": "viel"}]}]}},
            "wrong_value",
            "conditions.all.0.any.0",
        ),
        (
            {"conditions": {"field": "total", "op": "gt", "value": {"amount": "5", "currency": "QQQ"}}},
            "unknown_currency",
            "conditions",
        ),
        ({"conditions": None}, "not_a_condition", "conditions"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(shop: Shop, changes: dict, problem: str, path: str) -> None:
    with pytest.raises(BusinessError) as refused:
        rule_edits.save(actor=LI, rule=rule("EU") | changes)
    found = [(one["code"], one["path"]) for one in refused.value.params["problems"]]
    assert (f"rules.problem.{problem}", path) in found, found
    assert not RuleDraft.objects.exists()


def test_two_editors_at_the_same_moment(committed_db, acme) -> None:
    """Twenty edits from two threads at once: each rule of either is there once, none is lost."""
    with tenant_context(acme):
        make_shop()
    failed: list[Exception] = []

    def edit(who: str) -> None:
        try:
            with tenant_context(acme):
                for n in range(10):
                    rule_edits.save(actor=system(who), rule=rule(f"{who} {n}"))
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=edit, args=(who,)) for who in ("Li", "Wang")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed
    with tenant_context(acme):
        assert sorted(names()) == sorted([f"{who} {n}" for who in ("Li", "Wang") for n in range(10)] + ["All"])
        assert RuleDraft.objects.count() == 1


def test_of_two_who_publish_at_once_one_is_told(committed_db, acme) -> None:
    with tenant_context(acme):
        make_shop()
        rule_edits.save(actor=LI, rule=rule("EU"))
        stamp = rule_edits.current().stamp
    told: list[str] = []
    gate = threading.Barrier(2)

    def publish() -> None:
        try:
            with tenant_context(acme):
                gate.wait()
                told.append(f"version {rule_edits.publish(actor=LI, stamp=stamp).version}")
        except BusinessError as error:
            told.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=publish) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(told) == ["rules.draft_gone", "version 2"]

"""The rules' pages: the draft in order, the editor and what it refuses, versions, trials, why; by role, in few queries."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.central import outbox
from core.permissions import CLERK, MANAGER, VIEWER, system
from core.tenancy import tenant_context
from logistics.models import CarrierAccount, Service
from orders.models import Order, RuleSet, RuleTrial
from orders.services import rule_edits, rules
from orders.services.release import release
from tests.orders.conftest import ACTOR, line, make_shop, order, take
from tests.support.database import ACME
from tests.ui2.conftest import cost, post, text

pytestmark = pytest.mark.django_db
GERMANY = {"field": "country", "op": "in", "value": ["DE", "FR"]}


@pytest.fixture
def shop(db: None) -> Any:
    """Eight orders to Germany, routed by one rule; a second service."""
    with tenant_context(ACME):
        made = make_shop()
        Service.objects.create(carrier_account=CarrierAccount.objects.get(), code="P", key="post", name="Deutsche Post")
        take(made, *[order(f"O-{n}", line(f"O-{n}-1")) for n in range(8)])
        release(order_ids=list(Order.objects.values_list("pk", flat=True)), actor=ACTOR)
        return made


def typed(name: str, conditions: Any, **more: str) -> dict[str, str]:
    return {"name": name, "conditions": json.dumps(conditions), **more}


def stamp(client: Client) -> str:
    return re.findall(r'id="stamp" name="stamp" value="([^"]*)"', text(client, "/orders/rules/"))[0].replace(
        "&#x2B;", "+"
    )


def problems(page: str) -> dict[str, str]:
    return dict(json.loads(re.findall(r'<script id="rule-problems" type="application/json">(.*?)</script>', page)[0]))


def conditions(page: str) -> Any:
    return json.loads(re.findall(r'<script id="rule-conditions" type="application/json">(.*?)</script>', page)[0])


def test_a_rule_is_made_in_the_draft_and_put_in_force(owner: Client, shop: Any) -> None:
    nested = {"all": [GERMANY, {"not": {"any": [{"field": "weight_g", "op": "gt", "value": "2000"}]}}]}
    to = post(
        owner,
        "/orders/rules/new",
        typed("EU", nested, do_service="post", do_tag="eu, new", stop="on"),
        htmx=False,
        status=302,
    )
    assert to == "/orders/rules/"
    page = text(owner, to)
    assert "Saved in the draft" in page and "Draft, not in force yet" in page and "1 new" in page
    assert "country in DE, FR · not (goods weight &gt; 2,000 g)" in page
    assert "service: Deutsche Post · tag: eu, new · stop here" in page
    assert page.index(">EU</a>") < page.index(">All</a>")  # before the one that always holds
    with tenant_context(ACME):
        assert rules.compiled().version_id == "1"
    to = post(owner, "/orders/rules/publish", {"stamp": stamp(owner), "note": "Europe by post"})
    page = text(owner, to)
    assert "Version 2 is in force." in page and "Europe by post" in page and "<ins>country in DE, FR" in page
    with tenant_context(ACME):
        kept = RuleSet.objects.get(version=2).rules[0]
        assert kept["conditions"]["all"][1]["not"]["any"][0]["value"] == 2000  # as a number
        assert rules.compiled().version_id == "2"


def test_a_refusal_keeps_all_that_was_typed_and_says_why_there(owner: Client, shop: Any) -> None:
    wrong = {
        "all": [
            GERMANY,
            {"any": [{"field": "amount", "op": "gt", "value": "viel"}, {"field": "", "op": ""}]},
            {"any": []},
        ]
    }
    page = post(owner, "/orders/rules/new", typed("", wrong, do_hold="look", note="why"), htmx=False, status=422)
    assert problems(page) == {
        "conditions.all.1.any.0": "Write a number, for example 12.5.",
        "conditions.all.1.any.1": "Choose what to look at.",
        "conditions.all.2": "Add a condition to this group, or remove the group.",
    }
    assert conditions(page) == wrong and 'value="look"' in page and 'value="why"' in page
    assert "Give the rule a name." in page
    page = post(owner, "/orders/rules/new", typed("X", GERMANY), htmx=False, status=422)
    assert "Say what the rule does" in page
    page = post(owner, "/orders/rules/new", {"name": "X", "conditions": "{[", "do_hold": "x"}, htmx=False, status=422)
    assert "could not be read" in problems(page)["conditions"]
    page = post(owner, "/orders/rules/new", typed("X", GERMANY, do_service="gone"), htmx=False, status=422)
    assert "no service “gone” any more" in page and '<option value="gone" selected>gone (not there)' in page
    deep: Any = GERMANY
    for _ in range(30):
        deep = {"all": [deep]}
    page = post(owner, "/orders/rules/new", typed("X", deep, do_hold="x"), htmx=False, status=422)
    assert "nested too deeply" in " ".join(problems(page).values())
    with tenant_context(ACME):
        assert not rule_edits.current().changes


@pytest.mark.parametrize(
    "given",
    [
        "1",
        "[]",
        "null",
        '{"all": 5}',
        '{"any": {"all": []}}',
        '{"not": []}',
        '{"all": [1, null, "x", []]}',
        '{"field": [], "op": {}}',
        '{"field": "amount", "op": "gt", "value": 1e400}',
        '{"field": "amount", "op": "in", "value": [NaN]}',
        '{"field": "amount", "op": "gt", "value": 99999999999999999999999999999999}',
        '{"field": "total", "op": "gt", "value": {"amount": {}, "currency": []}}',
        '{"field": "country", "op": "in", "value": [{"a": 1}]}',
        '{"field": "sku", "op": "in", "value": "x", "lines": 5}',
        '{"\\ud800": 1, "field": "\\u0000"}',
        '{"all":[' * 900 + "]}" * 900,
        '{"all":[' * 90000,
    ],
)
def test_whatever_is_posted_is_answered(owner: Client, shop: Any, given: str) -> None:
    form = {"name": "X", "conditions": given, "do_tag": "x"}
    assert owner.post("/orders/rules/new", form).status_code == 422
    assert owner.post("/orders/rules/check", form).json()["said"]
    odd = {"name": "X", "conditions": '{"field": "note", "op": "eq", "value": "a\\ud800\\u0000"}', "do_tag": "x"}
    assert owner.post("/orders/rules/new", odd).status_code == 302  # kept without what cannot be kept
    assert "buyer&#x27;s note = a" in text(owner, "/orders/rules/")


def test_somebody_else_changed_the_rule_meanwhile(owner: Client, shop: Any) -> None:
    with tenant_context(ACME):
        pk = rule_edits.save(
            actor=ACTOR, rule={"name": "EU", "conditions": GERMANY, "actions": [{"do": "tag", "value": ["eu"]}]}
        )
    page = text(owner, f"/orders/rules/rule/{pk}/")
    was = re.findall(r'name="was" value="(\w+)"', page)[0]
    with tenant_context(ACME):
        theirs = rule_edits.current().find(pk)
        assert theirs is not None
        rule_edits.save(actor=system("Wang Wu"), rule={**theirs, "name": "Europe"})
    mine = typed("My EU", {"field": "country", "op": "eq", "value": "IT"}, do_hold="look") | {"was": was}
    page = post(owner, f"/orders/rules/rule/{pk}/", mine, htmx=False, status=422)
    assert "Wang Wu changed this rule meanwhile" in page and "Save over theirs" in page
    assert 'value="My EU"' in page and conditions(page)["value"] == "IT" and "<del>Europe</del>" in page
    was = re.findall(r'name="was" value="(\w+)"', page)[0]
    post(owner, f"/orders/rules/rule/{pk}/", mine | {"was": was}, htmx=False, status=302)
    assert "My EU" in text(owner, "/orders/rules/")
    seen = stamp(owner)
    with tenant_context(ACME):
        rule_edits.remove(actor=system("Wang Wu"), rule_id=pk)
    said = post(owner, "/orders/rules/publish", {"stamp": seen}, status=422)
    assert "Wang Wu edited the draft after you opened the page" in said
    page = post(owner, f"/orders/rules/rule/{pk}/", mine | {"was": was}, htmx=False, status=422)
    assert "Wang Wu removed this rule meanwhile" in page and "Saving puts the rule back" in page
    post(owner, f"/orders/rules/rule/{pk}/", mine | {"was": ""}, htmx=False, status=302)
    assert owner.get("/orders/rules/rule/nothing/").status_code == 404


def test_acts_on_the_list(owner: Client, shop: Any) -> None:
    with tenant_context(ACME):
        first, second = (
            rule_edits.save(
                actor=ACTOR, rule={"name": name, "conditions": GERMANY, "actions": [{"do": "tag", "value": name}]}
            )
            for name in ("A", "B")
        )

    def order_of(page: str) -> list[str]:
        return re.findall(r'id="name-\w+">([^<]+)<', page)

    def act(what: str) -> str:
        return post(owner, "/orders/rules/arrange", {"act": what})

    assert order_of(act(f"down:{first}")) == ["B", "A", "All"]
    assert order_of(act(f"place:{first}:{second}")) == ["A", "B", "All"]
    page = act(f"place:{first}:")
    assert order_of(page) == ["B", "All", "A"] and "Place 3." in page
    page = act(f"off:{second}")
    assert 'aria-checked="false"' in page and "Switched off." in page
    page = act(f"remove:{first}")
    assert (
        order_of(page) == ["B", "All"]
        and "Removed in this draft" in page
        and f'value="put_back:{first}" id="undo"' in page
    )
    assert order_of(act(f"put_back:{first}")) == ["B", "All", "A"]
    to = act("copy:1")
    assert re.fullmatch(r"/orders/rules/rule/\w+/", to) and "Copy of All" in text(owner, to)
    assert "other rules" not in act("on:1")
    assert post(owner, "/orders/rules/arrange", {"act": "nonsense:1"}, status=422)
    assert owner.post("/orders/rules/arrange", {"act": "up:none"}, headers={"HX-Request": "true"}).status_code == 404
    post(owner, "/orders/rules/discard", {"stamp": stamp(owner)})
    assert order_of(text(owner, "/orders/rules/")) == ["All"]


def test_warnings_and_figures(owner: Client, shop: Any) -> None:
    with tenant_context(ACME):
        rules.publish(
            actor=ACTOR,
            rules=[
                {
                    "id": "c",
                    "name": "Canada",
                    "conditions": {"field": "country", "op": "eq", "value": "CA"},
                    "actions": [{"do": "tag", "value": "x"}],
                },
                {
                    "id": "1",
                    "name": "All",
                    "conditions": {"all": []},
                    "actions": [{"do": "service", "value": "yun-std"}],
                },
                {"id": "h", "name": "Hidden", "conditions": GERMANY, "actions": [{"do": "service", "value": "post"}]},
            ],
        )
        take(shop, order("NEW"))
        release(order_ids=[Order.objects.get(external_id="NEW").pk], actor=ACTOR)
    assert "“All” above always decides the same first" in text(owner, "/orders/rules/")
    page = text(owner, "/orders/rules/figures")
    assert 'id="fig-1" hx-swap-oob="true">decided 9×' in page and "never matched (1 orders)" in page
    assert 'id="fig-h" hx-swap-oob="true">matched 1×, never decided' in page


def test_versions_are_compared_and_rolled_back(owner: Client, shop: Any) -> None:
    post(owner, "/orders/rules/new", typed("EU", GERMANY, do_service="post"), htmx=False, status=302)
    post(owner, "/orders/rules/publish", {"stamp": stamp(owner)})
    page = text(owner, "/orders/rules/versions/")
    assert page.index("Version 2") < page.index("Version 1") and "in force" in page and "1 new" in page
    page = text(owner, "/orders/rules/versions/1/?with=2")
    assert "Against version 2" in page and "<del>country in DE, FR</del>" in page and "Back to this version" in page
    assert "Against no rules at all" in text(owner, "/orders/rules/versions/1/")
    assert owner.get("/orders/rules/versions/99/").status_code == 404
    assert "other rules in force meanwhile" in post(
        owner, "/orders/rules/versions/1/back", {"in_force": "1"}, status=422
    )
    to = post(owner, "/orders/rules/versions/1/back", {"in_force": "2"})
    assert to == "/orders/rules/versions/3/" and "Version 3 is in force, with the rules of version 1." in text(
        owner, to
    )
    with tenant_context(ACME):
        eu = RuleSet.objects.get(version=2).rules[0]["id"]
    post(owner, "/orders/rules/versions/2/take", {"rule": eu})
    assert "Draft, not in force yet" in text(owner, "/orders/rules/") and ">EU</a>" in text(owner, "/orders/rules/")


def test_a_draft_is_tried_and_explained(owner: Client, shop: Any) -> None:
    post(owner, "/orders/rules/new", typed("EU", GERMANY, do_service="post", do_tag="eu"), htmx=False, status=302)
    assert "1 new" in text(owner, "/orders/rules/try/")
    to = post(owner, "/orders/rules/try/start", {"kind": "newest", "n_newest": "100"})
    assert "Asking the orders" in text(owner, to) or "queued" in text(owner, to)
    assert "hx-trigger" in text(owner, f"{to}?part=progress")
    with tenant_context(ACME):
        outbox.drain()
        pk = Order.objects.order_by("-placed_at", "-pk").values_list("pk", flat=True)[0]
    assert owner.get(f"{to}?part=progress").headers["HX-Redirect"] == to
    page = text(owner, to)
    assert "<b>8</b><span>go another way" in page and "<b>0</b><span>stay as they are" in page
    assert "Yun Standard" in page and "Deutsche Post" in page and f"S-{pk}" in page
    assert "other service" in page and "other tags" in page
    assert "go another way" in text(owner, f"{to}?kind=tags") and "EU" in text(owner, f"{to}?rule=1&show=all")
    why = text(owner, f"/orders/rules/why/{pk}/?trial={to.split('/')[-2]}")
    assert "It would go another way:" in why and "other service" in why and "country in DE, FR <i>✓</i>" in why
    assert "It would go another way:" in text(owner, f"/orders/rules/why/{pk}/")  # of the draft itself
    post(owner, "/orders/rules/arrange", {"act": "off:1"})
    assert "The draft was edited after this trial" in text(owner, to)
    assert "Choose which orders" in post(owner, "/orders/rules/try/start", {"kind": "days", "n_days": "x"}, status=422)
    assert "No order fits" in post(owner, "/orders/rules/try/start", {"kind": "list", "numbers": "NOPE"}, status=422)
    assert owner.get("/orders/rules/try/999999/").status_code == 404


def test_open_orders_are_offered_after_publishing(owner: Client, shop: Any) -> None:
    post(owner, "/orders/rules/new", typed("EU", GERMANY, do_service="post"), htmx=False, status=302)
    to = post(owner, "/orders/rules/publish", {"stamp": stamp(owner)})
    assert "The open orders are being asked" in text(owner, to)
    with tenant_context(ACME):
        outbox.drain()
        trial = RuleTrial.objects.get()
    page = text(owner, to)
    assert "8 of 8 open orders would go another way than they were decided." in page and "Route these 8 again" in page
    post(owner, f"/orders/rules/try/{trial.pk}/reroute")
    assert "are being routed again already" in post(owner, f"/orders/rules/try/{trial.pk}/reroute", status=422)
    with tenant_context(ACME):
        outbox.drain()
        assert set(Order.objects.values_list("service__key", "state")) == {("post", "ready")}
    assert "They were routed again." in text(owner, to)


def test_the_editor_asks_the_newest_orders(owner: Client, shop: Any) -> None:
    told = owner.post("/orders/rules/check", typed("", GERMANY)).json()
    assert told["said"] == "Holds for 8 of the 8 newest orders." and len(told["orders"]) == 8
    told = owner.post("/orders/rules/check", typed("", {"all": [{"field": "sku", "op": "in", "value": []}]})).json()
    assert told["problems"] == {"conditions.all.0": "Name at least one."}
    assert owner.post("/orders/rules/check", {"conditions": "x"}).json()["problems"]


def test_who_may_see_and_who_may_change(sign_in: Any, shop: Any) -> None:
    viewer, clerk, manager = sign_in(VIEWER), sign_in(CLERK), sign_in(MANAGER)
    for path in ("/orders/rules/", "/orders/rules/versions/", "/orders/rules/versions/1/", "/orders/rules/figures"):
        page = text(viewer, path)
        assert 'name="act"' not in page and "Publish…" not in page
    for client in (viewer, clerk):
        for path in (
            "/orders/rules/new",
            "/orders/rules/rule/1/",
            "/orders/rules/try/",
            "/orders/rules/try/1/",
            "/orders/rules/why/1/",
        ):
            assert client.get(path).status_code == 403, path
        for path in (
            "arrange",
            "publish",
            "discard",
            "check",
            "try/start",
            "try/1/reroute",
            "versions/1/back",
            "versions/1/take",
        ):
            assert client.post(f"/orders/rules/{path}").status_code == 403, path
    assert manager.get("/orders/rules/new").status_code == 200
    assert 'href="/orders/rules/new"' in text(manager, "/orders/rules/")


def test_a_fixed_number_of_queries_whatever_the_size(owner: Client, shop: Any) -> None:
    def counts() -> dict[str, int]:
        return {path: len(cost(owner, path)) for path in paths}

    with tenant_context(ACME):
        made = [
            {"id": f"r{n}", "name": f"R{n}", "conditions": GERMANY, "actions": [{"do": "tag", "value": f"t{n}"}]}
            for n in range(150)
        ]
        trial = RuleTrial.objects.create(
            kind="draft",
            base=1,
            rules=[],
            scope={"kind": "open"},
            created_at=clock.now(),
            finished_at=clock.now(),
            actor_label="x",
        )
    paths = [
        "/orders/rules/", "/orders/rules/new", "/orders/rules/rule/1/", "/orders/rules/versions/", "/orders/rules/versions/1/",
        "/orders/rules/try/", f"/orders/rules/try/{trial.pk}/?show=all",
    ]  # fmt: skip
    few = counts()
    with tenant_context(ACME):
        base = RuleSet.objects.get().rules
        for n in range(20):
            rules.publish(actor=ACTOR, rules=[*made[: n * 7], *base])
        rule_edits.switch(actor=ACTOR, rule_id="r5", on=False)
        from core import bulk

        bulk.execute(
            "INSERT INTO orders_ruletrialrow (trial_id, order_ref, changed, kinds, before, after)"
            " SELECT %s, o.id, true, '{service}', x.j, x.j FROM orders_order o, generate_series(1, 63) g,"
            ' (SELECT \'{"st":"ready","s":"post","w":null,"h":null,"t":[],"by":{},"hit":[]}\'::jsonb AS j) x',
            [trial.pk],
        )
    many = counts()
    page = text(owner, f"/orders/rules/try/{trial.pk}/?show=all")
    assert page.count('class="t-order"') == 100 and "part=rows" in page
    for path in paths:
        assert many[path] <= few[path] + 1 and many[path] <= 7, (path, few[path], many[path])
    assert len(cost(owner, "/orders/rules/figures")) <= 2  # kept for five minutes

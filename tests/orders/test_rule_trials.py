"""Dry runs: unchanged rules change nothing, nothing of an order is touched, and what is foretold is what then happens."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels import canonical
from core import bulk, clock
from core.central import outbox
from core.errors import BusinessError
from core.permissions import MANAGER, SEE_PERSONAL, Actor, of_role, system
from core.records.models import Job
from core.values import Address
from inventory.models import Stock, Warehouse
from logistics.models import CarrierAccount, Service
from orders import queries_rules
from orders.models import Order, RouteOverride, RuleTrial, RuleTrialRow
from orders.services import acts, rule_edits, rule_publishing, rule_reroute, rule_trials, rules
from orders.services.release import release
from tests.orders.conftest import ACTOR, Shop, line, order, take

LI = Actor("user", 7, "Li Na", of_role(MANAGER))
EVERYTHING = {"all": []}
COUNTRIES = {
    "DE": Address("Hanna Weiß", "", ("Gasse 1",), "Berlin", "", "", "10115", "DE", "+49 30 1"),
    "FR": Address("Jean Petit", "Petit SA", ("1 rue du Lac",), "Lyon", "", "", "69001", "FR", "+33 4 1"),
    "US": Address("Jo Doe", "", ("1 Main St",), "Austin", "", "TX", "78701", "US", "+1 512 1"),
    "JP": Address("Yuki Tanaka", "", (), "Osaka", "", "", "530-0001", "JP", "+81 6 1"),  # no street
}


def leaf(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


def rule(pk: str, conditions: Any, stop: bool = False, **does: Any) -> dict[str, Any]:
    actions = [{"do": kind, "value": value} for kind, value in does.items()]
    return {"id": pk, "name": f"Rule {pk}", "conditions": conditions, "actions": actions, "stop": stop}


BASE = [
    rule("g", leaf("country", "eq", "DE"), tag="german"),
    rule("h", leaf("note", "contains", "call me"), hold="call the buyer"),
    rule("e", leaf("country", "eq", "US"), warehouse="YW"),
    rule("s", EVERYTHING, service="yun-std"),
]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Two warehouses, three services, BASE in force, and orders of all sorts that were routed by it."""
    second = Warehouse.objects.create(code="YW", name="Yiwu", priority=5)
    for sku in shop.skus.values():
        Stock.objects.create(warehouse=second, sku=sku, sellable=1000)
    Stock.objects.filter(warehouse=shop.warehouse).update(sellable=1000)
    carrier = CarrierAccount.objects.get()
    for key, more in (("post", {"countries": ["DE", "FR"]}), ("light", {"max_weight_g": 300})):
        Service.objects.create(carrier_account=carrier, code=key, key=key, name=key.title(), **more)
    rules.publish(actor=ACTOR, rules=BASE)
    made = []
    for n, (country, address) in enumerate(list(COUNTRIES.items()) * 3):
        code = ("LAMP", "CABLE", "CUP", "UNKNOWN")[n % 4 if n > 7 else n % 3]
        note = "please call me" if n == 5 else ""
        made.append(order(f"{country}-{n}", line(f"{country}-{n}-1", code, 1 + n % 3), receiver=address, note=note))
    made.append(order("UNPAID", status=canonical.PENDING, paid_at=None))
    take(shop, *made)
    release(order_ids=list(Order.objects.order_by("pk").values_list("pk", flat=True)), actor=ACTOR)
    return shop


def draft(made: list[dict[str, Any]]) -> None:
    """The draft shall be exactly this."""
    known = {str(one["id"]) for one in rule_edits.current().rules}
    for pk in known - {str(one["id"]) for one in made}:
        rule_edits.remove(actor=LI, rule_id=pk)
    for one in made:
        rule_edits.save(actor=LI, rule=one)
    for one in made:
        rule_edits.move(actor=LI, rule_id=str(one["id"]), before="")


def tried(scope: dict[str, Any] | None = None, actor: Actor = LI, text: str = "") -> RuleTrial:
    made = rule_trials.start(actor=actor, scope=scope or {"kind": "newest", "n": 500}, text=text)
    outbox.drain()
    made.refresh_from_db()
    return made


def everything() -> dict[str, list[tuple]]:
    """All rows of what a dry run must not touch."""
    tables = "orders_order orders_orderline inventory_reservation inventory_stock orders_consignment orders_ordercount"
    return {name: sorted(bulk.fetch(f"SELECT t::text FROM {name} t")) for name in tables.split()}


def test_unchanged_rules_change_nothing_and_nothing_is_touched(busy: Shop) -> None:
    before = everything()
    found = tried()
    assert found.finished_at is not None and found.orders == 13 and found.changed == 0
    assert everything() == before
    assert found.figures["rules"]["g"] == [4, 4]


def test_the_difference_is_told_order_by_order(busy: Shop) -> None:
    draft([rule("f", leaf("country", "in", ["FR", "DE"]), service="post"), *BASE[1:]])
    before = everything()
    found = tried()
    assert everything() == before
    assert found.figures["kinds"] == {"service": 7, "tags": 4} and found.changed == 7
    rows, more = queries_rules.trial_rows(LI, found.pk, changed=True)
    assert more is None and {row.country for row in rows} == {"DE", "FR"}
    german = next(row for row in rows if row.external_id == "DE-0")
    assert german.kinds == ["service", "tags"] and german.before["s"] == "yun-std" and german.after["s"] == "post"
    assert german.after["by"]["service"] == "f" and german.before["by"] == {"service": "s", "tag": "g"}
    only, _ = queries_rules.trial_rows(LI, found.pk, changed=True, kind="tags")
    assert {row.country for row in only} == {"DE"}
    of_rule, _ = queries_rules.trial_rows(LI, found.pk, changed=False, rule_id="h")
    assert [row.external_id for row in of_rule] == ["FR-5"]
    both = queries_rules.both(LI, german.order_id, found.base, found.rules, show_personal=True)
    assert both.kinds == german.kinds and both.rules_after[0].outcome == "acted"


def test_which_orders(busy: Shop) -> None:
    ids = {one.external_id: one.pk for one in Order.objects.all()}
    Order.objects.filter(pk=ids["DE-0"]).update(state="cancelled")
    Order.objects.filter(pk=ids["FR-1"]).update(
        placed_at=clock.now() - 40 * (clock.now() - clock.now().replace(hour=0))
    )
    found = tried({"kind": "list"}, text=f"S-{ids['US-2']}, DE-4\nDE-0;S-999999 NOPE")
    assert found.orders == 2 and found.scope["missing"] == ["S-999999", "NOPE"]
    assert tried({"kind": "newest", "n": 3}).orders == 3
    assert tried({"kind": "open"}).orders == 12
    assert tried({"kind": "days", "n": 365}).orders == 12
    for scope in ({"kind": "days", "n": 0}, {"kind": "newest", "n": 20_001}, {"kind": "x"}):
        with pytest.raises(BusinessError) as bad:
            rule_trials.start(actor=LI, scope=scope)
        assert bad.value.code == "rules.trial_bad_scope"
    nobody = Actor("user", 8, "x", of_role(MANAGER), accounts=frozenset({busy.account.pk + 1}))
    with pytest.raises(BusinessError) as none:
        rule_trials.start(actor=nobody, scope={"kind": "open"})
    assert none.value.code == "rules.trial_no_orders"
    with pytest.raises(BusinessError):  # figures of all accounts are not for somebody who sees one of them
        queries_rules.trial(nobody, found.pk)


def test_few_queries_whatever_the_size(busy: Shop) -> None:
    ids = list(Order.objects.values_list("pk", flat=True))
    compiled = rules.compile_draft(BASE)
    rules.compiled(2)
    for some in (ids[:2], ids):
        with CaptureQueriesContext(connection) as asked:
            rule_trials.try_page(some, compiled, base=2)
        assert len(asked) <= 6, [one["sql"][:90] for one in asked.captured_queries]


# -- what is foretold happens -------------------------------------------------------------------------------------------

CONDITIONS = st.recursive(
    st.sampled_from(
        [
            leaf("country", "in", ["DE", "US"]),
            leaf("country", "eq", "FR"),
            leaf("sku", "eq", "LAMP", lines="any"),
            leaf("sku", "in", ["CABLE", "CUP"], lines="all"),
            leaf("units", "gte", 2),
            leaf("weight_g", "lt", 500),
            leaf("company", "eq", True),
            leaf("note", "contains", "call"),
            EVERYTHING,
        ]
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda many: {"all": many})
        | st.lists(inner, min_size=1, max_size=3).map(lambda many: {"any": many})
        | inner.map(lambda one: {"not": one})
    ),
    max_leaves=5,
)
DOES = st.fixed_dictionaries(
    {},
    optional={
        "service": st.sampled_from(["yun-std", "post", "light"]),
        "warehouse": st.sampled_from(["SZ", "YW"]),
        "hold": st.just("look at it"),
        "tag": st.sampled_from(["a", "b"]),
    },
).filter(bool)
RULES = st.lists(st.tuples(CONDITIONS, DOES, st.booleans()), min_size=1, max_size=5).map(
    lambda many: [rule(f"r{n}", conditions, stop, **does) for n, (conditions, does, stop) in enumerate(many)]
)


@given(made=RULES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_foretold_is_what_release_does(busy: Shop, made: list[dict[str, Any]]) -> None:
    """The same orders once more, as new ones, after the draft was published: each goes where the trial said."""
    point = bulk.execute
    point("SAVEPOINT example")
    try:
        ids = sorted(Order.objects.values_list("pk", flat=True))
        known, _ = rule_trials.try_page(ids, rules.compile_draft(made), base=2)
        rules.publish(actor=ACTOR, rules=made)
        tags = dict(Order.objects.values_list("pk", "tags"))
        Order.objects.all().update(state="new", reason_code="", service=None)
        release(order_ids=ids, actor=ACTOR)
        codes = dict(Warehouse.objects.values_list("pk", "code"))
        keys = dict(Service.objects.values_list("pk", "key"))
        now = {one.pk: one for one in Order.objects.all()}
        assert len(known) == len(ids)
        for pk, _kinds, _before, told in known:
            one = now[pk]
            assert one.state == told["st"], (told, one.reason_code)
            assert one.reason_code == told.get("c", "")
            assert set(one.tags) == {*tags[pk], *told["t"]}
            if one.state == "ready":
                assert keys[one.service_id] == told["s"]
                assert told["w"] in (None, codes[one.warehouse_id])
        # and by the rules that are in force now nothing changes any more
        again, _ = rule_trials.try_page(ids, rules.compile_draft(made), base=3)
        assert not any(kinds for _, kinds, _, _ in again)
    finally:
        point("ROLLBACK TO SAVEPOINT example")
        rules._compiled.clear()


def test_open_orders_are_routed_again_and_others_are_left(busy: Shop) -> None:
    by = {one.external_id: one for one in Order.objects.all()}
    acts.hold(actor=LI, order_ids=[by["US-2"].pk, by["FR-9"].pk], note="mine")  # held by a person
    Order.objects.filter(pk=by["FR-1"].pk).update(state="booked")  # a parcel is there
    RouteOverride.objects.create(
        order=by["DE-4"], service=Service.objects.get(key="light"), actor_label="Li Na", at=clock.now()
    )
    acts.route_again(actor=LI, order_ids=[by["DE-4"].pk])
    acts.route_again(actor=LI, order_ids=[by["FR-5"].pk])  # the rule's hold was let go by hand
    outbox.drain()
    assert Order.objects.get(external_id="FR-5").state == "ready"
    draft([rule("p", leaf("country", "in", ["DE", "FR"]), service="post"), *BASE])
    made = rule_publishing.publish(actor=LI, stamp=rule_edits.current().stamp)
    outbox.drain()
    found = queries_rules.of_version(LI, made.version)
    assert found.finished_at is not None
    changed, _ = queries_rules.trial_rows(LI, found.pk, changed=True)
    assert {row.external_id for row in changed} == {"DE-0", "FR-5", "DE-8"}
    foretold = {row.order_id: row.after for row in changed}
    # between trial and act one is booked, another is held
    acts.hold(actor=LI, order_ids=[by["DE-0"].pk], note="mine")
    Order.objects.filter(external_id="DE-8").update(state="booking")
    started = rule_reroute.start(actor=LI, trial_id=found.pk)
    with pytest.raises(BusinessError) as twice:
        rule_reroute.start(actor=LI, trial_id=found.pk)
    assert twice.value.code == "rules.reroute_started"
    outbox.drain()
    job = Job.objects.get(pk=started.pk)
    assert job.state == Job.DONE and (job.done, job.failed) == (1, 2)
    assert {(one["label"], one["code"]) for one in job.log} == {
        (f"S-{by['DE-0'].pk}", "rules.reroute_held"),
        (f"S-{by['DE-8'].pk}", "rules.reroute_too_late"),
    }
    now = {one.external_id: one for one in Order.objects.select_related("service")}
    assert now["FR-5"].state == "ready" and now["FR-5"].service.key == "post"  # not held again by what was let go
    assert foretold[now["FR-5"].pk]["s"] == "post" and now["FR-9"].state == now["US-2"].state == "held"
    assert now["DE-0"].state == "held" and now["DE-4"].service.key == "light" and now["FR-1"].state == "booked"
    # routed by the new version now: nothing is left to change
    again = rule_trials.of_version(actor=LI, published=made)
    outbox.drain()
    again.refresh_from_db()
    assert again.changed == 0


def test_a_version_that_is_not_in_force_any_more_routes_nothing(busy: Shop) -> None:
    draft([rule("p", EVERYTHING, service="light"), *BASE])
    made = rule_publishing.publish(actor=LI, stamp=rule_edits.current().stamp)
    outbox.drain()
    found = queries_rules.of_version(LI, made.version)
    assert found.changed
    job = rule_reroute.start(actor=LI, trial_id=found.pk)
    rule_publishing.roll_back(actor=LI, version=2, in_force=made.version)
    services = sorted(Order.objects.values_list("pk", "service_id"))
    outbox.drain()
    assert Job.objects.get(pk=job.pk).error_code == "rules.changed_meanwhile"
    assert sorted(Order.objects.values_list("pk", "service_id")) == services


def test_old_trials_go(busy: Shop) -> None:
    for _ in range(rule_trials.KEPT + 2):
        tried({"kind": "newest", "n": 1})
    assert RuleTrial.objects.count() == rule_trials.KEPT == RuleTrialRow.objects.count()


def test_figures_of_rules_come_from_stored_traces(busy: Shop) -> None:
    rules.publish(actor=ACTOR, rules=[rule("new", leaf("country", "eq", "CA"), tag="x"), *BASE])
    one = Order.objects.filter(state="held").first()
    acts.route_again(actor=LI, order_ids=[one.pk])
    outbox.drain()
    found = queries_rules.figures(LI)
    asked = Order.objects.exclude(trace=None).count()
    assert found.orders == asked and not found.capped
    assert found.rules["g"].decided == Order.objects.filter(ship_country="DE").exclude(trace=None).count()
    assert found.rules["new"].asked == 1 and found.rules["new"].decided == 0
    assert found.rules["s"].decided == asked and found.rules["s"].last is not None


def test_a_probe_counts_the_newest_orders(busy: Shop) -> None:
    found = queries_rules.probe(system("x"), leaf("country", "eq", "DE"))
    assert (found.orders, found.matched) == (13, 4) and len(found.examples) == 4  # the unpaid one goes to DE too
    blind = Actor("user", 9, "x", of_role(MANAGER) - {SEE_PERSONAL})
    with pytest.raises(BusinessError) as personal:
        queries_rules.probe(blind, {"not": leaf("receiver", "contains", "tanaka")})
    assert personal.value.code == "rules.personal"

"""The demo's data: a small one is made through the services, a second start adds nothing, a half-made one begins anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import override_settings

from core import bulk, clock, settings_store
from core.tenancy import tenant_context
from inventory.prove import prove
from sandbox.demo import catalogue, house, seed, story
from sandbox.rehearse.control import Control
from tenants import queries as tenant_queries
from tests.support.database import WorkerDatabase
from tests.support.simulators import running


def count(sql: str) -> int:
    return int(bulk.fetch(sql)[0][0])


def test_a_small_demo_is_made_once(committed_db: WorkerDatabase, tmp_path: Path) -> None:
    said: list[str] = []
    with running(tmp_path) as simulators, override_settings(SANDBOX_URL=simulators.url, DEMO=True):
        assert seed.seed(said.append, web_url="http://127.0.0.1:9", past=100, today=40, days=20)
        assert seed.is_done()
        with tenant_context(house.SCHEMA):
            states = dict(bulk.fetch("SELECT state, count(*) FROM orders_order GROUP BY state"))
            assert {"delivered", "ready", "booked", "packed", "handed", "held", "address", "unmatched"} <= states.keys()
            assert {"failed", "pending", "short"} <= states.keys()
            assert sum(states.values()) == 140
            assert count("SELECT count(*) FROM crm_conversation WHERE waiting_since IS NOT NULL") > 0
            assert count("SELECT count(*) FROM crm_conversation WHERE waiting_since IS NULL") > 0
            assert count("SELECT count(*) FROM channels_confirmation WHERE state <> 'confirmed'") == 0
            assert count("SELECT count(DISTINCT day) FROM inventory_dailystock") > 15
            assert count("SELECT count(*) FROM orders_order WHERE created_at > now() - interval '1 day'") < 60
            assert prove().differences == []
        assert Control(simulators.url).get("/clock")["now"][:13] == clock.now().isoformat()[:13], "the clocks are home"
        assert not seed.seed(said.append, web_url="http://127.0.0.1:9")
        with tenant_context(house.SCHEMA):
            assert count("SELECT count(*) FROM orders_order") == 140
    roles = {each.role for each in tenant_queries.members_of(tenant_queries.demo_tenant() or pytest.fail("no tenant"))}
    assert roles == {"owner", "manager", "clerk", "warehouse", "service", "finance", "viewer"}


def test_a_half_made_demo_begins_anew(committed_db: WorkerDatabase, tmp_path: Path) -> None:
    with running(tmp_path) as simulators, override_settings(SANDBOX_URL=simulators.url, DEMO=True):
        shop = house.open_tenant()
        with tenant_context(shop.schema):
            settings_store.put(shop.owner, seed.PREFIX, "demo-broken-off")
        assert not seed.is_done()
        assert seed.seed(lambda text: None, web_url="http://127.0.0.1:9", past=12, today=20, days=2)
        with tenant_context(house.SCHEMA):
            assert settings_store.get(seed.PREFIX) != "demo-broken-off"
            assert count("SELECT count(*) FROM orders_order") == 32


def test_the_story_is_the_same_for_the_same_seed_and_has_its_troubles() -> None:
    skus, now = catalogue.catalogue(7), clock.now()
    first = story.tell(now, skus, seed=7, past=300, today=60, prefix="d")
    again = story.tell(now, catalogue.catalogue(7), seed=7, past=300, today=60, prefix="d")
    assert [order.to_json() for order in first.plan.orders] == [order.to_json() for order in again.plan.orders]
    assert len({sku.code for sku in skus}) == len(skus) >= 200
    assert all(sku.title and sku.title_zh and sku.customs_zh for sku in skus)
    assert (len(first.past), len(first.today), len(first.short)) == (300, 60, 4)
    codes = {sku.code for sku in skus}
    assert any(line.sku not in codes for order in first.today for line in order.lines)
    assert any(order.recipient.country == "IE" for order in first.today)
    waits = [now - message.sent_at for message in first.plan.messages if message.ref.startswith("q-")]
    assert max(waits).total_seconds() > 23 * 3600


def test_the_trickle_is_bounded_and_belongs_to_its_day() -> None:
    skus, now = catalogue.catalogue(7), clock.now()
    plan = story.trickle(now, skus, day=739000, prefix="d", orders=30, hours=2.0)
    again = story.trickle(now, skus, day=739000, prefix="d", orders=30, hours=2.0)
    assert [order.ref for order in plan.orders] == [order.ref for order in again.orders]
    assert len(plan.orders) == 30
    assert all(order.visible_at is not None and order.visible_at > now for order in plan.orders)
    assert len(plan.messages) <= 30

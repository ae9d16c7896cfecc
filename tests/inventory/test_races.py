"""Fifty at once, on real connections: nothing is sold twice, nothing is posted twice, nobody deadlocks."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection, transaction

from core import bulk
from core.tenancy import tenant_context
from inventory import services
from inventory.prove import prove
from inventory.reservation import Want, WantedLine, release_many, reserve_many
from tests.inventory.conftest import Shop, build
from tests.support.database import WorkerDatabase

BUYERS = 50


def at_once(number: int, act: Callable[[int], object], schema: str) -> list[Any]:
    """Run ``act(0…number-1)`` in as many threads, each with a connection of its own, all starting together."""
    start = Barrier(number)

    def one(index: int) -> object:
        try:
            with tenant_context(schema):
                bulk.fetch("SELECT 1")
                start.wait(60)
                return act(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def two_warehouses(schema: str, skus: int) -> tuple[Shop, list[int]]:
    shop = build(schema, skus)
    other = services.create_warehouse(actor=shop.actor, code="NB", name="Ningbo")
    return shop, [shop.warehouse, other.pk]


def test_issues_of_the_same_goods_from_two_warehouses(committed_db: WorkerDatabase, acme: str) -> None:
    with tenant_context(acme):
        shop, places = two_warehouses(acme, 6)
        for sku in shop.skus[:3]:  # the others are short, and have no stock rows yet
            shop.receive(sku, 500, "3.33", 1)

    def ship(buyer: int) -> int:
        rng = random.Random(buyer)
        for page in range(3):
            issues = [
                services.Issue(
                    f"issue:{buyer}:{page}:{n}",
                    rng.choice(places),
                    None,
                    "shipment",
                    n,
                    [(None, sku, rng.randint(1, 3)) for sku in rng.sample(shop.skus, 3)],
                )
                for n in range(4)
            ]
            services.issue_many(actor=shop.actor, issues=issues)
        return buyer

    assert at_once(BUYERS, ship, acme) == list(range(BUYERS))
    with tenant_context(acme):
        assert bulk.fetch("SELECT count(*) FROM inventory_move WHERE source_kind = 'shipment'")[0][0] == BUYERS * 36
        assert prove().differences == []


def test_buyers_never_get_more_than_there_is(committed_db: WorkerDatabase, acme: str) -> None:
    with tenant_context(acme):
        shop, places = two_warehouses(acme, 4)
        for place in places:
            for sku in shop.skus:
                shop.receive(sku, 40, "2", 1, warehouse=place)

    def buy(buyer: int) -> int:
        rng = random.Random(buyer)
        sold = 0
        for order in range(8):
            line = buyer * 100 + order * 10
            lines = tuple(WantedLine(line + i, s, rng.randint(1, 2)) for i, s in enumerate(rng.sample(shop.skus, 2)))
            with transaction.atomic():
                place = reserve_many([Want(line, tuple(rng.sample(places, 2)), lines)])[line].warehouse
            if place is None:
                continue
            if rng.random() < 0.2:
                with transaction.atomic():
                    release_many([w.owner_id for w in lines])
                continue
            parts = [services.IssueLine(w.owner_id, w.sku_id, w.quantity, "order_line", w.owner_id) for w in lines]
            issue = services.Issue(f"issue:{line}", place, None, "shipment", line, parts)
            services.issue_many(actor=shop.actor, issues=[issue])
            sold += sum(w.quantity for w in lines)
            if rng.random() < 0.1:
                services.receive(
                    actor=shop.actor, warehouse_id=place, lines=[(rng.choice(shop.skus), 1, None)], key=f"po:{line}"
                )
        return sold

    sold = at_once(BUYERS, buy, acme)
    with tenant_context(acme):
        assert bulk.fetch("SELECT min(sellable), min(sellable - reserved) FROM inventory_stock")[0] >= (0, 0)
        came = bulk.fetch("SELECT sum(quantity) FROM inventory_move WHERE source_kind = 'receipt'")[0][0]
        left = bulk.fetch("SELECT sum(sellable) FROM inventory_stock")[0][0]
        assert sum(sold) == came - left
        assert left < 60  # they did fight for the last ones
        assert prove().differences == []


def test_the_same_act_from_many_workers_is_posted_once(committed_db: WorkerDatabase, acme: str) -> None:
    with tenant_context(acme):
        shop = build(acme, 2)
    lines = [(sku, 5, None) for sku in shop.skus]

    def deliver(_: int) -> tuple[tuple[int, ...], bool]:
        posted = services.receive(actor=shop.actor, warehouse_id=shop.warehouse, lines=lines, key="po:1")
        return posted.moves, posted.repeated

    results = at_once(12, deliver, acme)
    assert len({moves for moves, _ in results}) == 1
    assert sum(not repeated for _, repeated in results) == 1
    with tenant_context(acme):
        assert bulk.fetch("SELECT sum(sellable) FROM inventory_stock")[0][0] == 10
        assert prove().differences == []


def test_transfers_costs_and_returns_meet_in_the_middle(committed_db: WorkerDatabase, acme: str) -> None:
    with tenant_context(acme):
        shop = build(acme, 3)
        far = services.create_warehouse(actor=shop.actor, code="LA", name="LA", pool_ref="us").pk
        first = [shop.receive(sku, 300, None, 1) for sku in shop.skus]
        sold = [shop.issue(sku, 50, 2) for sku in shop.skus]

    def work(worker: int) -> None:
        rng = random.Random(worker)
        for n in range(3):
            key, which = f"w:{worker}:{n}", rng.randrange(3)
            sku = shop.skus[which]
            act = rng.randrange(4)
            if act == 0:
                there = rng.choice([(shop.warehouse, far), (far, shop.warehouse)])
                services.transfer(
                    actor=shop.actor,
                    from_warehouse_id=there[0],
                    to_warehouse_id=there[1],
                    lines=[(s, 1) for s in rng.sample(shop.skus, 2)],
                    key=key,
                    into="stock",
                    force=True,
                )
            elif act == 1:
                services.late_cost(actor=shop.actor, costs=[(move, rng.randint(1, 900)) for move in first])
            elif act == 2:
                services.return_goods(actor=shop.actor, warehouse_id=far, lines=[(sku, 1, sold[which])], key=key)
            else:
                issue = services.Issue(key, rng.choice([far, shop.warehouse]), None, "shipment", n, [(1, sku, 2)])
                services.issue_many(actor=shop.actor, issues=[issue])

    at_once(20, work, acme)
    with tenant_context(acme):
        assert prove().differences == []

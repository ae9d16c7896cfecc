"""Random acts through the services on the real database: whatever is done, the proof finds nothing."""

from __future__ import annotations

from decimal import Decimal as D

from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core import bulk
from core.errors import BusinessError
from core.tenancy import tenant_context
from inventory import services
from inventory.prove import prove
from tests.inventory.conftest import Shop, build

SKU = st.integers(0, 1)
UNITS = st.integers(1, 9)
HOUR = st.integers(1, 500)
COST = st.one_of(st.none(), st.decimals("0", "99.9999", places=4))


class Acts(RuleBasedStateMachine):
    """Acts in any order, at any earlier time."""

    shop: Shop
    far: int

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        self.shop = build("t_acme", skus=2)
        far = services.create_warehouse(actor=self.shop.actor, code="LA", name="LA", pool_ref="us")
        self.places = [self.shop.warehouse, far.pk]
        self.received: list[tuple[int, int]] = []
        self.issued: list[tuple[int, int, int, int]] = []

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)

    @rule(sku=SKU, units=UNITS, cost=COST, hour=HOUR, place=st.integers(0, 1))
    def receive(self, sku: int, units: int, cost: D | None, hour: int, place: int) -> None:
        told = None if cost is None else str(cost)
        move = self.shop.receive(self.shop.skus[sku], units, told, hour, self.places[place])
        self.received.append((move, units))

    @rule(sku=SKU, units=UNITS, hour=HOUR, place=st.integers(0, 1))
    def issue(self, sku: int, units: int, hour: int, place: int) -> None:
        move = self.shop.issue(self.shop.skus[sku], units, hour, self.places[place])
        self.issued.append((move, sku, units, hour))

    @precondition(lambda self: self.issued)
    @rule(data=st.data(), later=st.integers(0, 300), place=st.integers(0, 1))
    def take_back(self, data: st.DataObject, later: int, place: int) -> None:
        move, sku, units, hour = data.draw(st.sampled_from(self.issued))
        back = data.draw(st.integers(1, units))
        try:
            self.shop.back(self.shop.skus[sku], back, move, hour + later, self.places[place])
        except BusinessError as error:
            if error.code != "ledger.return_too_many":
                raise

    @precondition(lambda self: self.received)
    @rule(data=st.data(), amount=st.decimals("0", "999", places=2))
    def tell_cost(self, data: st.DataObject, amount: D) -> None:
        move, _ = data.draw(st.sampled_from(self.received))
        services.late_cost(actor=self.shop.actor, costs=[(move, amount)])

    @rule(sku=SKU, change=st.integers(-5, 5).filter(bool), hour=HOUR, average=st.booleans())
    def adjust(self, sku: int, change: int, hour: int, average: bool) -> None:
        line = services.AdjustLine(self.shop.skus[sku], change, at_average=average)
        shop = self.shop
        services.adjust(
            actor=shop.actor,
            warehouse_id=shop.warehouse,
            lines=[line],
            key=shop.key(),
            reason="count",
            effective_at=shop.at(hour),
            force=True,
        )

    @rule(sku=SKU, units=UNITS, hour=HOUR, there=st.integers(0, 1))
    def transfer(self, sku: int, units: int, hour: int, there: int) -> None:
        services.transfer(
            actor=self.shop.actor,
            from_warehouse_id=self.places[1 - there],
            to_warehouse_id=self.places[there],
            lines=[(self.shop.skus[sku], units)],
            key=self.shop.key(),
            effective_at=self.shop.at(hour),
            into="stock",
            force=True,
        )

    @invariant()
    def proven(self) -> None:
        assert prove().differences == []
        assert bulk.fetch("SELECT coalesce(sum(quantity), 0) FROM inventory_level")[0][0] == 0


def test_whatever_is_done_the_proof_finds_nothing(db: None, acme: str) -> None:
    with tenant_context(acme):
        run_state_machine_as_test(
            Acts,
            settings=settings(
                max_examples=30, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )

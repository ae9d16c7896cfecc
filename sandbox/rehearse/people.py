"""The people of the house: they let holds go, mend what can be mended, weigh, hand over and answer. Through services only.

Each method is one look around and returns how much was done. What the server's death interrupts is done again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from core import bulk, clock
from core.errors import BusinessError
from core.tenancy import tenant_context
from crm import services as crm
from fulfilment import services as floor
from inventory import services as stock
from inventory.models import Sku
from orders.models import Order
from orders.services import acts, booking, conflicts

from .scenario import MAIN, NEW_NAME, SECOND, Scenario, sku_row, warehouse_of
from .shop import CURRENCY, TEMPLATE, Shop, unit_cost

AT_ONCE = 200
REST = 1.5  # real seconds that a held order is looked at before it is let go


def steady(call: Callable[[], Any], tries: int = 60) -> Any:
    """Run ``call``, again while the database server is being restarted. It must be repeatable."""
    for attempt in range(tries):
        try:
            return call()
        except (OperationalError, InterfaceError):
            if attempt == tries - 1:
                raise
            connection.close()
            clock.sleep(0.5)
    raise AssertionError


@dataclass
class People:
    """``weigh_share``: of the parcels that are weighed before they leave (a weighing is one act per parcel)."""

    shop: Shop
    scenario: Scenario
    seed: int
    weigh_share: float = 1.0
    template: str = TEMPLATE
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    waiting: dict[int, float] = field(default_factory=dict)  # held order → since when (monotonic)
    tried: set[tuple[Any, ...]] = field(default_factory=set)  # (order, code, params) of bookings asked for once more
    valued: set[str] = field(default_factory=set)  # SKUs that were given a customs value

    def look_around(self, *, may_let_go: bool) -> int:
        """One round through the house; ``may_let_go``: the combinations that were planned have happened."""
        before = sum(self.done.values())
        with tenant_context(self.shop.schema):
            for act in (self._ship, self._answer, self._match, self._addresses, self._failed, self._settle):
                steady(act)
            steady(lambda: self._let_go(may_let_go))
        return sum(self.done.values()) - before

    # -- the floor --------------------------------------------------------------------------------------------------

    def _ship(self) -> None:
        rows = bulk.fetch(
            "SELECT id, state, expected_weight_g FROM logistics_shipment WHERE state IN ('ready', 'packed')"
            " ORDER BY id LIMIT %s",
            [AT_ONCE],
        )
        for shipment, state, expected in rows:
            if state == "ready" and Random(f"{self.seed}|weigh|{shipment}").random() < self.weigh_share:
                self._weigh(shipment, expected)
        if rows:
            handed = floor.hand_over(actor=self.shop.owner, shipment_ids=[row[0] for row in rows])
            self.done["parcels handed over"] += len(handed.done)
            for code, _ in handed.refused.values():
                self.refused[code] += 1

    def _weigh(self, shipment: int, expected: int) -> None:
        off = Random(f"{self.seed}|scales|{shipment}").randrange(-8, 9)
        try:
            floor.weigh(
                actor=self.shop.owner, shipment=shipment, weight_g=min(1_000_000, max(1, expected + off)), accept=True
            )
            self.done["parcels weighed"] += 1
        except BusinessError as error:
            self.refused[error.code] += 1

    # -- the office -------------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        """Each open conversation gets the template; the key is the last message's, so a repeat is the same answer."""
        rows = bulk.fetch(
            "SELECT c.id, max(m.id) FROM crm_conversation c JOIN crm_message m ON m.conversation_id = c.id"
            " WHERE c.waiting_since IS NOT NULL AND m.direction = 'in'"
            " AND NOT EXISTS (SELECT 1 FROM crm_message o WHERE o.conversation_id = c.id AND o.direction = 'out'"
            "                 AND o.state IN ('queued', 'sending', 'unknown', 'failed'))"
            " GROUP BY c.id ORDER BY c.id LIMIT %s",
            [AT_ONCE],
        )
        for conversation, last in rows:
            try:
                text = crm.fill(actor=self.shop.owner, conversation_id=conversation, name=self.template)
                body = f"{text.body}\n\n({last})"
                crm.answer(
                    actor=self.shop.owner, conversation_id=conversation, body=body, key=f"rehearse-{last}", seen=last
                )
                self.done["answers written"] += 1
            except BusinessError as error:
                self.refused[error.code] += 1

    def _match(self) -> None:
        """Listings of SKUs that we did not know: the SKU is made, its goods come in, the listing is matched."""
        rows = bulk.fetch(
            "SELECT id, seller_sku FROM channels_listing WHERE sku_id IS NULL AND NOT platform_fulfilled ORDER BY id"
        )
        known = {sku.sku: sku for sku in self.scenario.plan.skus}
        for listing, code in rows:
            if code not in known:
                continue
            found = Sku.objects.filter(code=code).first()
            if found is None:
                stock.import_skus(actor=self.shop.owner, rows=[sku_row(known[code])])
                found = Sku.objects.get(code=code)
            self.shop.skus[code] = found.pk
            for place in (MAIN, SECOND):
                units = self.scenario.stock.get((place, code), 0)
                if units:
                    cost = unit_cost(self.seed, code, 1)
                    stock.receive(
                        actor=self.shop.owner,
                        warehouse_id=self.shop.warehouses[place],
                        lines=[(found.pk, units, cost, CURRENCY)],
                        key=f"new:{place}:{code}",
                    )
            acts.match_listing(actor=self.shop.owner, listing_id=listing, sku_id=found.pk)
            self.done["listings matched"] += 1

    def _addresses(self) -> None:
        """Orders without a name get one. What the platform only holds back for a while is left alone: it comes by itself."""
        nameless = {ref for _, ref in self.scenario.nameless}
        if not nameless:
            return
        for order in (
            Order.objects.filter(state="address", ship_name="").exclude(ship_lines=[]).order_by("pk")[:AT_ONCE]
        ):
            try:
                acts.edit_address(
                    actor=self.shop.owner, order_id=order.pk, version=order.version, changes={"ship_name": NEW_NAME}
                )
                self.done["addresses mended"] += 1
            except BusinessError as error:
                self.refused[error.code] += 1

    def _failed(self) -> None:
        """Bookings that failed for a reason that may pass, or that a person can mend, are asked for once more."""
        rows = bulk.fetch(
            "SELECT id, reason_code, reason_params::text FROM orders_order WHERE state = 'failed' ORDER BY id LIMIT %s",
            [AT_ONCE],
        )
        # Once only: what fails twice for the same reason is a difference that the reconciliation names.
        again = [row for row in rows if row not in self.tried]
        for _, code, params in again:
            if code == "customs.value_missing":
                self._value(json.loads(params)["item"])
        if again:
            outcome = booking.book_orders(actor=self.shop.owner, order_ids=[row[0] for row in again])
            self.done["bookings repeated"] += len(outcome.done)
        self.tried.update(again)

    def _value(self, code: str) -> None:
        """Something was sold for nothing, a gift: its SKU gets a value for the customs."""
        if code not in self.valued and code in self.shop.skus:
            self.valued.add(code)
            value: dict[str, Any] = {"customs_value": Decimal("0.50"), "customs_currency": CURRENCY}
            stock.update_sku(actor=self.shop.owner, sku_id=self.shop.skus[code], **value)
            self.done["customs values entered"] += 1

    def _settle(self) -> None:
        """Parcels whose buyer wants something else, which we cannot do any more: they go as they are."""
        found = Order.objects.filter(conflict__in=("cancel_requested", "address_changed", "lines_changed"))
        for order in found.order_by("pk")[:AT_ONCE]:
            try:
                conflicts.settle(actor=self.shop.owner, order_id=order.pk, version=order.version)
                self.done["conflicts settled"] += 1
            except BusinessError as error:
                self.refused[error.code] += 1

    def _let_go(self, may_let_go: bool) -> None:
        rows = bulk.fetch("SELECT id, reason_params::text FROM orders_order WHERE state = 'held' ORDER BY id")
        now = clock.monotonic()
        held = {row[0] for row in rows}
        self.waiting = {pk: since for pk, since in self.waiting.items() if pk in held}
        ready = []
        for pk, params in rows:
            since = self.waiting.setdefault(pk, now)
            if now - since >= REST and (may_let_go or "combine?" not in (params or "")):
                ready.append(pk)
        if ready:
            outcome = acts.route_again(actor=self.shop.owner, order_ids=ready)
            self.done["holds let go"] += len(outcome.done)

    # -- goods in ---------------------------------------------------------------------------------------------------

    def take_delivery(self) -> None:
        """What was short at first arrives."""

        def receive() -> None:
            for place, warehouse in self.shop.warehouses.items():
                lines = [
                    (self.shop.skus[sku], units, unit_cost(self.seed, sku, 3), CURRENCY)
                    for (code, sku), units in self.scenario.late.items()
                    if code == place
                ]
                if lines:
                    stock.receive(actor=self.shop.owner, warehouse_id=warehouse, lines=lines, key=f"late:{place}")

        with tenant_context(self.shop.schema):
            steady(receive)
        self.done["deliveries taken"] += 1


__all__ = ["People", "steady", "warehouse_of"]

"""What happens in the world while the house works: payments, cancellations, combinations, parcels on their way, returns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from core import bulk, clock
from core.tenancy import tenant_context
from inventory import services as stock

from .control import Control
from .people import steady
from .plan import PlannedReturn
from .scenario import Combination, Key, Scenario, times
from .seeding import World
from .shop import Shop

STEPS = ("FIRST_MILE_ARRIVE", "MAIN_LINE_DEPART", "MAIN_LINE_ARRIVE", "CUSTOMS_RELEASE", "LAST_MILE_DELIVERY")
AT_ONCE = 400
LATE_DELIVERY = 0.35  # of the run: when the goods come that were short


@dataclass
class Director:
    """Plays the scenario's late acts at their time, and the carriers' life of every parcel that was handed over."""

    shop: Shop
    scenario: Scenario
    world: World
    control: Control
    seed: int
    start: datetime
    run_seconds: float
    story_share: float = 1.0  # of parcels whose way is told step by step; the others only arrive
    done: Counter[str] = field(default_factory=Counter)
    cancelled: dict[Key, datetime] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)  # shipment → delivered or returned, as the world told it
    goods_came: bool = False
    last_act: datetime = field(default_factory=clock.now)

    def __post_init__(self) -> None:
        _, later = times(self.start, self.scenario.plan.returns)
        self._cancellations = sorted(later, key=lambda back: back.at)
        self._payments = sorted((after, key) for key, after in self.scenario.pay_after.items())
        self._combinations = [each for each in self.scenario.combinations if not each.early]
        self._wishes = sorted(self.scenario.cancel_asked)
        self._returns = [back for back in self.scenario.plan.returns if back.kind == "return"]
        self._shipped_by_amazon = [
            order for order in self.scenario.plan.orders if order.fulfilment == "platform" and order.visible_at is None
        ]

    @property
    def elapsed(self) -> float:
        """Seconds of the business clock since the start."""
        return (clock.now() - self.start).total_seconds()

    @property
    def combinations_played(self) -> bool:
        return not self._combinations

    def left(self) -> dict[str, int]:
        """What has not happened yet."""
        open_acts = {
            "payments": len(self._payments),
            "cancellations": len(self._cancellations),
            "combinations": len(self._combinations),
            "wishes": len(self._wishes),
            "goods": int(not self.goods_came),
        }
        return {name: count for name, count in open_acts.items() if count}

    def play(self) -> int:
        """Let happen what is due; returns how much did."""
        before = sum(self.done.values())
        self._pay()
        self._cancel()
        self._combine()
        self._wish()
        self._amazon_ships()
        self._parcels()
        if sum(self.done.values()) != before:
            self.last_act = clock.now()
        return sum(self.done.values()) - before

    def goods_due(self) -> bool:
        return not self.goods_came and self.elapsed >= LATE_DELIVERY * self.run_seconds

    # -- buyers ------------------------------------------------------------------------------------------------------

    def _pay(self) -> None:
        while self._payments and self._payments[0][0] <= self.elapsed:
            _, key = self._payments.pop(0)
            self.world.act(key, "pay")
            self.done["payments"] += 1

    def _cancel(self) -> None:
        while self._cancellations and self._cancellations[0].at <= clock.now():
            back = self._cancellations.pop(0)
            key = (back.account, back.order_ref)
            at = clock.now()
            if self.world.act(key, "cancel") is not None:
                self.cancelled[key] = at
                self.done["cancellations"] += 1

    def _combine(self) -> None:
        """As soon as both orders are held at our side (or cannot be any more), the buyer's wish is done by eBay."""
        for combination in list(self._combinations):
            if self._both_held(combination) or self.elapsed > 0.6 * self.run_seconds:
                self._combinations.remove(combination)
                self.world.combine(combination)
                self.done["combinations"] += 1

    def _both_held(self, combination: Combination) -> bool:
        ids = [self.world.ids[combination.account, ref] for ref in combination.refs]
        sql = "SELECT count(*) FROM orders_order WHERE account_id = %s AND external_id = ANY(%s) AND state = 'held'"
        account = self.shop.accounts[combination.account]
        with tenant_context(self.shop.schema):
            return bool(steady(lambda: bulk.fetch(sql, [account, ids]))[0][0] == len(ids))

    def _wish(self) -> None:
        """Buyers ask for a cancellation, and take it back on eBay (on Amazon a wish stays in the order)."""
        if self._wishes and self.elapsed > 0.02 * self.run_seconds:
            for key in self._wishes:
                if self.world.act(key, "request_cancel") is not None and self.world.platform(key[0]) == "ebay":
                    self.world.act(key, "reject_cancel")
                self.done["wishes"] += 1
            self._wishes = []

    def _amazon_ships(self) -> None:
        if self.elapsed > 0.3 * self.run_seconds:
            for order in self._shipped_by_amazon[:50]:
                self.world.act((order.account, order.ref), "ship")
                self.done["shipped by Amazon"] += 1
            self._shipped_by_amazon = self._shipped_by_amazon[50:]

    # -- carriers ----------------------------------------------------------------------------------------------------

    def _parcels(self) -> None:
        """Parcels that were handed over travel and arrive; a few come back."""
        sql = (
            "SELECT s.id, s.waybill, s.tracking_number, s.handed_at, a.carrier FROM logistics_shipment s"
            " JOIN logistics_service v ON v.id = s.service_id"
            " JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id"
            " WHERE s.state = 'handed' AND s.id <> ALL(%s) ORDER BY s.id LIMIT %s"
        )
        with tenant_context(self.shop.schema):
            rows = steady(lambda: bulk.fetch(sql, [list(self.ended), AT_ONCE]))
        events: list[dict[str, Any]] = []
        lives: dict[str, list[str]] = {}
        for shipment, waybill, number, handed, carrier in rows:
            source = Random(f"{self.seed}|life|{shipment}")
            end = "RETURNED" if source.random() < 0.01 else "DELIVERED"
            codes = [*(STEPS if source.random() < self.story_share else ()), end]
            if carrier == "yunexpress":
                lives.setdefault(",".join(codes), []).append(waybill)
            told = number or waybill
            events += [
                {"number": told, "code": code, "time": _iso(handed + timedelta(seconds=place + 1))}
                for place, code in enumerate(codes)
            ]
            self.ended[shipment] = end.lower()
        for codes_text, waybills in lives.items():
            body = {"events": [{"code": code} for code in codes_text.split(",")], "waybills": waybills}
            self.control.post(f"/yunexpress/accounts/{self.shop.carrier_account}/advance", body)
        for start in range(0, len(events), 500):
            page = {"events": events[start : start + 500]}
            self.control.post(f"/seventeentrack/accounts/{self.shop.tracker_account}/events", page)
        self.done["parcels' ways told"] += len(rows)

    # -- goods that come back ------------------------------------------------------------------------------------------

    def take_returns(self) -> None:
        """Returns of goods that were sent: announced on eBay, and received at the warehouse they came from."""
        due = [back for back in self._returns if back.at <= clock.now()]
        if not due:
            return
        with tenant_context(self.shop.schema):
            parcels = steady(lambda: self._parcels_of(due))
            for back in due:
                parcel = parcels.get((self.shop.accounts[back.account], self.world.ids[back.account, back.order_ref]))
                if parcel is not None:
                    self._take_back(back, *parcel)
                    self._returns.remove(back)
                    self.done["returns"] += 1

    def _parcels_of(self, due: list[PlannedReturn]) -> dict[tuple[int, str], tuple[int, int]]:
        """{(account, order): (shipment, warehouse)} of those whose goods have left."""
        rows = bulk.fetch(
            "SELECT o.account_id, o.external_id, k.shipment_id, k.warehouse_id FROM orders_order o"
            " JOIN orders_consignment k ON k.order_id = o.id AND k.issued_at IS NOT NULL AND k.state = 'open'"
            " WHERE o.external_id = ANY(%s)",
            [[self.world.ids[back.account, back.order_ref] for back in due]],
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def _take_back(self, back: PlannedReturn, shipment: int, warehouse: int) -> None:
        def receive() -> None:
            key = f"issue:shipment:{shipment}"
            mine = f"return:{back.account}:{back.ref}"
            # An order may be sent back in several goes: what came back before does not come back again.
            moves = bulk.fetch(
                "SELECT m.id, m.sku_id, m.quantity - coalesce((SELECT sum(r.quantity)::int FROM inventory_move r"
                " WHERE r.reverses_id = m.id AND NOT (r.key >= %s AND r.key < %s)), 0)"
                " FROM inventory_move m WHERE m.key >= %s AND m.key < %s ORDER BY m.id",
                [f"{mine}#", f"{mine}$", f"{key}#", f"{key}$"],
            )
            lines = _lines_of(back, {self.shop.skus.get(line.sku): line.sku for line in back.lines}, moves)
            if lines:
                stock.return_goods(actor=self.shop.owner, warehouse_id=warehouse, lines=lines, key=mine)

        steady(receive)
        if self.world.platform(back.account) == "ebay":
            self.world.act((back.account, back.order_ref), "return")


def _lines_of(back: PlannedReturn, codes: dict[int | None, str], moves: list[tuple[Any, ...]]) -> list[Any]:
    """(SKU, units, cost None, currency, issue) of what comes back, by the moves that it left with."""
    wanted: Counter[str] = Counter()
    for line in back.lines:
        wanted[line.sku] += line.quantity
    found = []
    for move, sku, quantity in moves:
        code = codes.get(sku)
        units = min(quantity, wanted[code]) if code else 0
        if code and units > 0:
            wanted[code] -= units
            found.append((sku, units, move))
    return [stock.ReturnLine(sku_id=sku, quantity=units, issue_id=move) for sku, units, move in found]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")

"""What goes wrong on purpose besides the simulators' faults: pure choices over a plan, all from its seed.

Every merchant-fulfilled order has at most one part to play: paid late, combined with another, without a name, held for
a look, asked to be cancelled; the other orders are just orders. SKUs may be missing in our catalogue or be short at first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from .plan import PlannedAccount, PlannedOrder, PlannedReturn, PlannedSku, RehearsalPlan

COMBINE_NOTE = "Please combine my orders"
LOOK_NOTE = "Call me before you send it"
NEW_NAME = "Name given by phone"
EAST = ("JP", "HK", "SG", "CN", "AU")  # sent from the second warehouse
CARRIER_SERVES_NOT = ("CN", "RU")
MAIN, SECOND = "SZ", "YW"

Key = tuple[str, str]  # account, ref


@dataclass(frozen=True, slots=True)
class Combination:
    """Orders of one eBay buyer that become one. ``early``: before we read the account for the first time."""

    account: str
    refs: tuple[str, ...]
    early: bool
    old: str  # what GetOrders does with the old ones: vanish, inactive


@dataclass
class Scenario:
    """``pay_after``: seconds of the business clock after the start. ``unlisted``: codes of SKUs that we do not know yet.

    ``late``: units by (warehouse, SKU) that arrive during the run only.
    """

    plan: RehearsalPlan
    pay_after: dict[Key, float] = field(default_factory=dict)
    combinations: list[Combination] = field(default_factory=list)
    nameless: set[Key] = field(default_factory=set)
    looked_at: set[Key] = field(default_factory=set)
    cancel_asked: set[Key] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)
    late: dict[tuple[str, str], int] = field(default_factory=dict)
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    not_told: int = 0  # planned questions on platforms without a message API

    def order_json(self, order: PlannedOrder) -> dict[str, Any]:
        """The order as the simulator gets it, with its part."""
        data, key = order.to_json(), (order.account, order.ref)
        if key in self.pay_after:
            data |= {"status": "pending", "paid_at": None}
        if key in self.nameless:
            data["recipient"] = {**data["recipient"], "name": ""}
        if key in self.looked_at:
            data["buyer_note"] = LOOK_NOTE
        if any(order.account == each.account and order.ref in each.refs for each in self._of(key)):
            data["buyer_note"] = COMBINE_NOTE
        return data

    def _of(self, key: Key) -> list[Combination]:
        if not hasattr(self, "_by_key"):
            self._by_key: dict[Key, list[Combination]] = defaultdict(list)
            for each in self.combinations:
                for ref in each.refs:
                    self._by_key[each.account, ref].append(each)
        return self._by_key.get(key, [])

    def summary(self) -> dict[str, int]:
        return {
            "paid late": len(self.pay_after),
            "combined": sum(len(each.refs) for each in self.combinations),
            "without a name": len(self.nameless),
            "held for a look": len(self.looked_at),
            "asked to be cancelled": len(self.cancel_asked),
            "unknown SKUs": len(self.unlisted),
            "SKUs short at first": len(self.late),
            "questions without a way to us": self.not_told,
        }


def warehouse_of(country: str) -> str:
    return SECOND if country in EAST else MAIN


def write(plan: RehearsalPlan, *, seed: int, now: datetime, run_seconds: float) -> Scenario:
    """Give parts to orders and SKUs. ``run_seconds``: of the business clock, in which late things should happen."""
    made = Scenario(plan)
    source = Random(f"{seed}|scenario")
    platform = {one.account: one.platform for one in plan.accounts}
    free = _free_orders(plan, now)
    made.combinations = _combinations(free, platform, source)
    taken = {(each.account, ref) for each in made.combinations for ref in each.refs}
    rest = [order for order in free if (order.account, order.ref) not in taken]
    source.shuffle(rest)
    share = max(1, len(rest) // 100)

    def draw(count: int) -> list[Key]:
        return [(order.account, order.ref) for order in (rest.pop() for _ in range(min(count, len(rest) // 2)))]

    made.pay_after = {key: source.uniform(0.1, 0.7) * run_seconds for key in draw(share)}
    made.nameless = set(draw(min(20, max(1, share // 4))))
    made.looked_at = set(draw(min(60, share)))
    made.cancel_asked = set(draw(min(10, max(1, share // 4))))
    made.unlisted = _unlisted(plan, source)
    made.stock = _stock(plan.orders)
    made.late = _late(made.stock, made.unlisted, source)
    reachable = {one.account for one in plan.accounts if one.platform == "ebay"}
    made.not_told = sum(message.account not in reachable for message in plan.messages)
    return made


def _free_orders(plan: RehearsalPlan, now: datetime) -> list[PlannedOrder]:
    """Orders that nothing happens to by plan, visible from the start."""
    busy = {(back.account, back.order_ref) for back in plan.returns}
    return [
        order
        for order in plan.orders
        if order.fulfilment == "merchant" and order.visible_at is None and (order.account, order.ref) not in busy
    ]


def _combinations(free: list[PlannedOrder], platform: dict[str, str], source: Random) -> list[Combination]:
    """At most 30 pairs of a buyer's orders in the same currency to the same address."""
    by_buyer: dict[tuple[object, ...], list[PlannedOrder]] = defaultdict(list)
    for order in free:
        if platform[order.account] == "ebay":
            by_buyer[order.account, order.buyer.id, order.currency, order.recipient].append(order)
    pairs = [group[:2] for group in by_buyer.values() if len(group) >= 2]
    source.shuffle(pairs)
    return [
        Combination(
            pair[0].account,
            (pair[0].ref, pair[1].ref),
            early=source.random() < 0.4,
            old=source.choice(("vanish", "inactive")),
        )
        for pair in pairs[: max(1, min(30, len(pairs) // 4))]
    ]


def _unlisted(plan: RehearsalPlan, source: Random) -> set[str]:
    """Up to five SKUs that are in few orders."""
    uses: dict[str, int] = defaultdict(int)
    for order in plan.orders:
        for sku in {line.sku for line in order.lines}:
            uses[sku] += 1
    rare = sorted(sku for sku, count in uses.items() if count <= 3)
    return set(source.sample(rare, min(5, max(1, len(rare) // 20), len(rare))))


def _stock(orders: Iterable[PlannedOrder]) -> dict[tuple[str, str], int]:
    """Units by (warehouse, SKU) that all merchant-fulfilled orders need."""
    needed: dict[tuple[str, str], int] = defaultdict(int)
    for order in orders:
        if order.fulfilment == "merchant":
            for line in order.lines:
                needed[warehouse_of(order.recipient.country), line.sku] += line.quantity
    return dict(sorted(needed.items()))


def _late(stock: dict[tuple[str, str], int], unlisted: set[str], source: Random) -> dict[tuple[str, str], int]:
    known = sorted(key for key in stock if key[1] not in unlisted)
    chosen = source.sample(known, min(len(known), max(1, len(known) // 33)))
    return {key: stock[key] - stock[key] // 2 for key in sorted(chosen)}


def times(now: datetime, returns: Iterable[PlannedReturn]) -> tuple[list[PlannedReturn], list[PlannedReturn]]:
    """(cancellations that have happened by ``now``, those that happen in the run)."""
    cancellations = [back for back in returns if back.kind == "cancellation"]
    return [b for b in cancellations if b.at <= now], [b for b in cancellations if b.at > now]


def sku_row(sku: PlannedSku) -> dict[str, str]:
    """The SKU as a sheet's row, ready for customs."""
    length, width, height = sku.dims_mm
    return {
        "sku": sku.sku,
        "title": sku.title[:300],
        "weight_g": str(sku.weight_g),
        "length_mm": str(length),
        "width_mm": str(width),
        "height_mm": str(height),
        "hs_code": "392690",
        "customs_name_en": "household goods",
        "customs_name_zh": "家居用品",
        "origin_country": "CN",
    }


def site_of(account: PlannedAccount) -> str:
    return account.site


def horizon(now: datetime, hours: float) -> datetime:
    """Since when accounts are read, so that nothing of the plan lies before it."""
    return now - timedelta(hours=hours + 1)

"""What lies at Amazon: what it says of it week by week, and the same in the seller's books, but for a few units lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random

from inventory import services as stock
from sandbox.rehearse import seeding
from sandbox.rehearse.control import Control
from sandbox.rehearse.seeding import World
from sandbox.rehearse.shop import CURRENCY, Shop

from .catalogue import DemoSku
from .story import Story

LOST_SHARE = 0.04  # of SKUs of which Amazon has fewer than the books say


@dataclass(frozen=True, slots=True)
class Rest:
    """Units of a SKU that are there when everything of the story is sold. ``inbound``: on their way there."""

    fulfillable: int
    customer: int
    unfulfillable: int
    inbound: int
    lost: int


def _rest(site: str, sku: str) -> Rest:
    source = Random(f"demo|fba|{site}|{sku}")
    return Rest(
        fulfillable=0 if source.random() < 0.25 else source.randrange(2, 30),
        customer=source.randrange(0, 3),
        unfulfillable=source.randrange(1, 4) if source.random() < 0.1 else 0,
        inbound=source.randrange(24, 72) if source.random() < 0.15 else 0,
        lost=source.randrange(1, 4) if source.random() < LOST_SHARE else 0,
    )


def _sold(story: Story, account: str, after: datetime | None = None) -> Counter[str]:
    """Units by SKU that Amazon sends, all of them or those ordered later."""
    units: Counter[str] = Counter()
    for order in story.past:
        if order.account == account and order.fulfilment == "platform":
            for line in order.lines:
                units[line.sku] += line.quantity if after is None or order.placed_at > after else 0
    return units


def open_books(shop: Shop, story: Story, skus: list[DemoSku], account: str, warehouse: int) -> None:
    """Opening stock of the platform's warehouse: what it will sell, and what will be left."""
    cost = {sku.code: sku.cost for sku in skus}
    lines = []
    for sku, units in sorted(_sold(story, account).items()):
        rest = _rest(account.rsplit("-", 1)[-1], sku)
        there = units + rest.fulfillable + rest.customer + rest.unfulfillable + rest.lost
        lines.append((shop.skus[sku], there, cost[sku].quantize(Decimal("0.0001")), CURRENCY))
    if lines:
        stock.opening(actor=shop.owner, warehouse_id=warehouse, lines=lines, key=f"demo:opening:{account}")


def tell(story: Story, world: World, control: Control, at: datetime) -> None:
    """What Amazon counts at a moment of the story."""
    for name, account in world.accounts.items():
        if account.platform != "amazon":
            continue
        items = []
        for place, (sku, units) in enumerate(sorted(_sold(story, name, at).items())):
            rest = _rest(name.rsplit("-", 1)[-1], sku)
            items.append(
                {
                    "sku": sku,
                    "asin": f"B0{seeding.digits(sku, 8)}",
                    "fnsku": f"X00{place:07d}",
                    "fulfillable": units + rest.fulfillable,
                    "inbound_shipped": rest.inbound,
                    "reserved_customer": rest.customer,
                    "unfulfillable": rest.unfulfillable,
                }
            )
        if items:
            control.post(f"/amazon/accounts/{name}/inventory", {"items": items})

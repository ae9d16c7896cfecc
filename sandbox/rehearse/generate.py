"""Invented orders in the shape of the real ones, for rehearsals of any size without a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from .addresses import LANDS
from .dataset import BEFORE_SHIPPING, RawLine, Source, SourceOrder, SourceReturn
from .plan import account_index

SITES = (("GB", "GBP"), ("DE", "EUR"), ("US", "USD"), ("FR", "EUR"), ("IT", "EUR"), ("ES", "EUR"))

_KINDS = (
    "Mug", "Lantern", "Tote Bag", "Phone Case", "Notebook", "Candle", "Wall Clock", "Desk Lamp", "Umbrella", "Cushion",
    "USB Cable 2 m", "Key Ring", "Yoga Mat Strap", "Pet Bowl", "Garden Gnome", "Tea Towel",
)  # fmt: skip
_LOOKS = ("Red", "Blue", "Vintage", "Polka Dot", "Mini", "XL", "Set of 3", "Bamboo", "Café", "Rosé", "Weiß", "竹制")
_START = datetime(2026, 1, 5, 8, tzinfo=UTC)


def _catalogue(source: Random, count: int) -> dict[str, tuple[str, Decimal]]:
    made: dict[str, tuple[str, Decimal]] = {}
    while len(made) < count:
        sku = f"{source.choice('ABCDEFGH')}{len(made):04d}-{source.choice(('RD', 'BL', 'S', 'XL', '01'))}"
        title = f"{source.choice(_LOOKS)} {source.choice(_KINDS)}"
        made[sku] = title, Decimal(source.randrange(99, 6000)).scaleb(-2)
    return made


def generate_source(count: int, seed: int, sites: Sequence[str]) -> Source:
    """``count`` orders of about ``count / 2`` customers; ``sites``: the country of each account's marketplace.

    Two of three parcels stay in the marketplace's own country, the others go anywhere. About 1 % are cancelled at once, 2 %
    are returned in part, some list the same SKU twice.
    """
    source = Random(f"{seed}|generate|{count}")
    catalogue = _catalogue(source, max(20, min(2000, count // 4)))
    skus = list(catalogue)
    anywhere = sorted(LANDS)
    customers: dict[str, str] = {}
    orders: list[SourceOrder] = []
    returns: list[SourceReturn] = []
    at = _START
    for index in range(count):
        at += timedelta(seconds=source.randrange(20, 900))
        number = f"{600000 + index}"
        customer = "" if source.random() < 0.1 else f"{10000 + source.randrange(max(1, count // 2))}"
        home = sites[account_index(customer, number, len(sites))]
        drawn = home if source.random() < 0.67 else source.choice(anywhere)
        country = customers.setdefault(customer, drawn) if customer else drawn
        lines = []
        for _ in range(min(40, 1 + int(source.expovariate(0.9)))):
            sku = (
                skus[min(int(source.paretovariate(0.7)) - 1, len(skus) - 1)]
                if source.random() < 0.5
                else source.choice(skus)
            )
            lines.append(RawLine(sku, 1 + int(source.expovariate(1.4)), catalogue[sku][1]))
        if source.random() < 0.02:
            lines.append(lines[0])
        charges = Decimal(source.choice(("0.00", "0.00", "2.99", "4.50")))
        order = SourceOrder(number, at, customer, country, lines, charges)
        orders.append(order)
        draw = source.random()
        if draw < 0.01:
            whole = [(place, line.quantity) for place, line in enumerate(lines)]
            returns.append(SourceReturn(f"C{number}", at + timedelta(minutes=20), order, "cancellation", whole))
        elif draw < 0.03:
            returns.append(SourceReturn(f"C{number}", at + 5 * BEFORE_SHIPPING, order, "return", [(0, 1)]))
    titles = {sku: title for sku, (title, _) in catalogue.items()}
    rows = sum(len(order.lines) for order in orders)
    return Source(orders, returns, titles, Counter(), Counter(), rows, count + len(returns), len(returns))

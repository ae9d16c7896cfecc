"""What waits on a Monday morning: how many orders of which kind, and the questions of three buyers. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.demo.catalogue import DemoSku, catalogue
from sandbox.rehearse.build import PlanOptions, build_plan
from sandbox.rehearse.dataset import RawLine, Source, SourceOrder
from sandbox.rehearse.plan import PlannedMessage, RehearsalPlan
from sandbox.rehearse.texts import question

SEED = 11
ACCOUNTS = 4
SITES = (("GB", "GBP"), ("DE", "EUR"))
KINDS = 24  # of goods that are sold
WHOLESALE = 12  # units that look like a wholesaler's order
PLAIN, HELD, SHORT, IRISH, FAR = "plain", "held", "short", "irish", "far"


@dataclass(frozen=True)
class Size:
    """``orders`` in all; among them ``held`` by a rule, ``short`` of one SKU beyond the ``few`` that still have it,
    ``irish`` ones that the rules send a wrong way, ``far`` ones that the carrier refuses."""

    orders: int
    held: int
    short: int
    irish: int
    far: int = 2
    questions: int = 3
    few: int = 2

    def kinds(self) -> list[str]:
        special = [HELD] * self.held + [SHORT] * (self.short + self.few) + [IRISH] * self.irish + [FAR] * self.far
        drawn = special + [PLAIN] * (self.orders - len(special))
        Random(SEED).shuffle(drawn)
        return drawn


WHOLE = Size(orders=800, held=41, short=17, irish=12)
SMALL = Size(orders=26, held=4, short=3, irish=3)


@dataclass(frozen=True)
class Monday:
    """``scarce``: the SKU that runs out."""

    size: Size
    plan: RehearsalPlan
    skus: list[DemoSku]
    scarce: str


def tell(size: Size, now: datetime, prefix: str) -> Monday:
    """The weekend's orders of four accounts, as of ``now``."""
    skus = [sku for sku in catalogue(SEED) if not sku.battery][:KINDS]
    scarce, goods = skus[0], skus[1:]
    source = Random(SEED)
    orders = []
    for place, kind in enumerate(size.kinds()):
        sku = scarce if kind == SHORT else source.choice(goods)
        lines = [RawLine(sku.code, WHOLESALE if kind == HELD else 1, sku.price)]
        if kind == PLAIN and source.random() < 0.3:
            other = source.choice([one for one in goods if one is not sku])
            lines.append(RawLine(other.code, source.choice((1, 1, 2)), other.price))
        country = {IRISH: "IE", FAR: "RU"}.get(kind) or source.choice(("GB", "GB", "DE", "DE", "FR", "NL"))
        orders.append(
            SourceOrder(f"{500_000 + place}", now + timedelta(minutes=place), "", country, lines, Decimal("0.00"))
        )
    titles = {sku.code: sku.title for sku in skus}
    rows = sum(len(order.lines) for order in orders)
    options = PlanOptions(
        now=now,
        seed=SEED,
        accounts=ACCOUNTS,
        prefix=prefix,
        hours=40.0,
        message_share=0,
        note_share=0,
        awkward_share=0.05,
        platform_share=0,
        retyped_share=0,
        gift_share=0,
    )
    plan = build_plan(Source(orders, [], titles, Counter(), Counter(), rows, len(orders), 0), options, SITES)
    plan.messages = _questions(plan, size.questions, now)
    return Monday(size, plan, skus, scarce.code)


def _questions(plan: RehearsalPlan, count: int, now: datetime) -> list[PlannedMessage]:
    """Of buyers at the marketplace that lets us answer."""
    reachable = {one.account for one in plan.accounts if one.platform == "ebay"}
    source = Random(SEED)
    asked = source.sample([order for order in plan.orders if order.account in reachable], count)
    made = []
    for place, order in enumerate(asked):
        language, subject, body = question(source, order.recipient.country, order.lines[0].title)
        sent = now - timedelta(hours=3 + place)
        made.append(
            PlannedMessage(order.account, f"m-{order.ref}", order.ref, order.buyer.id, subject, body, language, sent)
        )
    return made

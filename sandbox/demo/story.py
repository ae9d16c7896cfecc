"""The demo seller's last sixty days and today, as a plan for the simulators. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.rehearse.addresses import LANDS, recipient
from sandbox.rehearse.build import PlanOptions, build_plan
from sandbox.rehearse.dataset import RawLine, Source, SourceOrder
from sandbox.rehearse.plan import PlannedMessage, PlannedOrder, RehearsalPlan, account_index
from sandbox.rehearse.scenario import Scenario, warehouse_of
from sandbox.rehearse.texts import question

from .catalogue import DemoSku

SITES = (("US", "USD"), ("DE", "EUR"), ("GB", "GBP"))
ACCOUNTS = 6
DAYS = 60
HOME_SHARE = 0.8  # of parcels that stay in the marketplace's own country
TODAY = timedelta(hours=20)  # what was ordered so lately is still to be sent


@dataclass
class Story:
    """``past`` and ``today``: the plan's orders by whether they are over. ``short``: codes of SKUs that are sold out."""

    plan: RehearsalPlan
    scenario: Scenario
    past: list[PlannedOrder] = field(default_factory=list)
    today: list[PlannedOrder] = field(default_factory=list)
    short: set[str] = field(default_factory=set)
    needed: dict[tuple[str, str], int] = field(default_factory=dict)  # units by (warehouse, SKU), of past orders


def tell(now: datetime, skus: list[DemoSku], *, seed: int, past: int, today: int, prefix: str) -> Story:
    """``past`` orders over sixty days and ``today`` of the last hours, for six accounts."""
    # The last of all these orders are today's: without this the days before today would be empty.
    whole = timedelta(days=DAYS)
    options = PlanOptions(
        now=now + whole * today / (past + today) - TODAY,
        seed=seed,
        accounts=ACCOUNTS,
        prefix=prefix,
        hours=DAYS * 24.0,
        message_share=0.06,
        platform_share=0.3,
        awkward_share=0.05,
    )
    plan = build_plan(_source(skus, past + today, seed), options, SITES)
    plan.orders = [*plan.orders[:past], *_lately(plan.orders[past:], now)]
    moved = {(order.account, order.ref): order for order in plan.orders[past:]}
    plan.messages = [_message(message, moved, now) for message in plan.messages]
    plan.orders = [replace(order, visible_at=order.placed_at) for order in plan.orders]
    story = Story(plan, Scenario(plan), plan.orders[:past], plan.orders[past:])
    _parts(story, skus, seed)
    plan.messages = [replace(message, visible_at=message.sent_at) for message in plan.messages]
    plan.messages += questions(story, now, seed, 12)
    return story


def _source(skus: list[DemoSku], count: int, seed: int, first: int = 700_000) -> Source:
    """Orders with weekends, favourites and repeat buyers, over the whole time."""
    source = Random(f"{seed}|demo orders")
    order_of = source.sample(skus, len(skus))
    anywhere = sorted(set(LANDS) - {"RU", "CN", "IE"})
    homes = [site for site, _ in SITES]
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    orders, at = [], start
    for index in range(count):
        at += timedelta(minutes=source.randrange(5, 110))
        number = f"{first + index}"
        customer = "" if source.random() < 0.15 else f"{40000 + source.randrange(max(1, count // 2))}"
        site = homes[account_index(customer, number, ACCOUNTS) // 2 % len(homes)]
        country = site if Random(f"{seed}|{customer or number}").random() < HOME_SHARE else source.choice(anywhere)
        lines = []
        for _ in range(1 + min(4, int(source.expovariate(1.3)))):
            place = min(int(source.paretovariate(0.6)) - 1, len(skus) - 1)
            sku = order_of[place]
            lines.append(RawLine(sku.code, 1 + int(source.expovariate(1.8)), sku.price))
        unique = list({line.sku: line for line in lines}.values())
        charges = Decimal(source.choice(("0.00", "0.00", "3.99")))
        orders.append(SourceOrder(number, at, customer, country, unique, charges))
    titles = {sku.code: sku.title for sku in skus}
    rows = sum(len(order.lines) for order in orders)
    return Source(orders, [], titles, Counter(), Counter(), rows, count, 0)


def _lately(orders: list[PlannedOrder], now: datetime) -> list[PlannedOrder]:
    """Spread over the last hours, up to some minutes ago."""
    made = []
    for place, order in enumerate(orders):
        at = now - TODAY + (TODAY - timedelta(minutes=20)) * place / max(1, len(orders))
        made.append(
            replace(order, placed_at=at, ship_by=at + timedelta(days=1), fulfilment="merchant", visible_at=None)
        )
    return made


def _message(message: PlannedMessage, moved: dict[tuple[str, str], PlannedOrder], now: datetime) -> PlannedMessage:
    """Questions about today's orders come today, the oldest of them near its deadline."""
    order = moved.get((message.account, message.order_ref or ""))
    if order is None:
        return replace(message, sent_at=min(message.sent_at, now - timedelta(minutes=10)))
    return replace(message, sent_at=min(order.placed_at + timedelta(minutes=5), now - timedelta(minutes=10)))


def _parts(story: Story, skus: list[DemoSku], seed: int) -> None:
    """Today's troubles: a few orders of several kinds, SKUs that sold out, and listings that nobody has matched."""
    source = Random(f"{seed}|demo parts")
    keys = [(order.account, order.ref) for order in source.sample(story.today, min(len(story.today), 17))]
    story.scenario.pay_after = dict.fromkeys(keys[:5], 0.0)
    story.scenario.nameless = set(keys[5:8])
    story.scenario.looked_at = set(keys[8:12])
    strangers = set(keys[12:15])
    story.today = [_stranger(order) if (order.account, order.ref) in strangers else order for order in story.today]
    abroad = set(keys[15:17])
    plain = next(sku for sku in skus if not sku.battery)
    story.today = [
        _to_ireland(order, plain, seed) if (order.account, order.ref) in abroad else order for order in story.today
    ]
    story.plan.orders = [*story.past, *story.today]
    sold_today = sorted({line.sku for order in story.today for line in order.lines} & {sku.code for sku in skus})
    sold_today = [code for code in sold_today if code != plain.code]
    story.short = set(source.sample(sold_today, min(4, len(sold_today))))
    needed: Counter[tuple[str, str]] = Counter()
    for order in story.past:
        if order.fulfilment == "merchant":
            for line in order.lines:
                needed[warehouse_of(order.recipient.country), line.sku] += line.quantity
    story.needed = dict(sorted(needed.items()))


def _stranger(order: PlannedOrder) -> PlannedOrder:
    """Sold under a code that the catalogue does not know."""
    first, *others = order.lines
    return replace(order, lines=(replace(first, sku=f"{first.sku}-2PK", title=f"{first.title} (2 pieces)"), *others))


def _to_ireland(order: PlannedOrder, sku: DemoSku, seed: int) -> PlannedOrder:
    """Where our rules choose a service that the carrier does not offer there."""
    line = replace(order.lines[0], sku=sku.code, title=sku.title, quantity=1, unit_price=sku.price)
    return replace(order, recipient=recipient(Random(f"{seed}|{order.ref}"), "IE"), lines=(line,))


def questions(story: Story, now: datetime, seed: int, count: int) -> list[PlannedMessage]:
    """Questions of eBay buyers that wait now, the oldest close to the end of the time that a seller has."""
    source = Random(f"{seed}|demo questions")
    asked = {message.order_ref for message in story.plan.messages}
    lately = [order for order in story.past[-400:] if "ebay" in order.account and order.ref not in asked]
    made = []
    for place, order in enumerate(source.sample(lately, min(count, len(lately)))):
        language, subject, body = question(source, order.recipient.country, order.lines[0].title)
        sent = now - timedelta(hours=23.3 * (count - place) / count, minutes=5)
        made.append(
            PlannedMessage(
                order.account, f"q-{order.ref}", order.ref, order.buyer.id, subject, body, language, sent, sent
            )
        )
    return made


def trickle(now: datetime, skus: list[DemoSku], *, day: int, prefix: str, orders: int, hours: float) -> RehearsalPlan:
    """What comes in while the demo runs: ``orders`` over the next ``hours``, a question with every eighth or so."""
    options = PlanOptions(
        now=now,
        seed=day,
        accounts=ACCOUNTS,
        prefix=prefix,
        in_run=1.0,
        run_seconds=hours * 3600,
        message_share=0.25,
        platform_share=0.1,
    )
    return build_plan(_source(skus, orders, day, first=10_000_000 + day * 1000), options, SITES)

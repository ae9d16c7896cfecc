"""From source orders to a rehearsal plan: accounts, people, goods, questions and times, all from one seed.

The same source, seed, accounts and ``now`` give the same plan to the byte. Everything about a customer hangs on the customer's
number and everything about an order on the order's, so that a plan of the first 100 invoices equals the head of a bigger one
in all but the times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2s
from pathlib import Path
from random import Random

from .addresses import recipient, retyped
from .dataset import Source, SourceOrder, SourceReturn, read_source
from .generate import SITES, generate_source
from .names import AWKWARD
from .plan import (
    Person,
    PlannedAccount,
    PlannedLine,
    PlannedMessage,
    PlannedOrder,
    PlannedReturn,
    PlannedSku,
    Recipient,
    RehearsalPlan,
    ReturnedLine,
    account_index,
    count_stock,
)
from .texts import NOTES, question

PLATFORMS = ("amazon", "ebay")


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How a plan is made.

    ``hours``: the data's whole span is mapped into so many hours before ``now``. ``in_run``: share of the events (orders,
    questions, returns) that become visible only during the run, spread over ``run_seconds``. Shares are probabilities.
    """

    now: datetime
    seed: int = 1
    accounts: int = 6
    prefix: str = "rehearsal"
    hours: float = 6.0
    in_run: float = 0.0
    run_seconds: float = 60.0
    message_share: float = 0.03
    note_share: float = 0.02
    awkward_share: float = 0.08
    platform_share: float = 0.04  # of Amazon's orders: fulfilled by Amazon
    retyped_share: float = 0.04
    gift_share: float = 0.02


def _accounts(options: PlanOptions, sites: Sequence[tuple[str, str]]) -> list[PlannedAccount]:
    if options.accounts < 1:
        raise ValueError("at least one account")
    made = []
    for index in range(options.accounts):
        platform = PLATFORMS[index % len(PLATFORMS)]
        site, currency = sites[index // len(PLATFORMS) % len(sites)]
        made.append(PlannedAccount(f"{options.prefix}-{platform}-{index + 1}", platform, site, currency))
    return made


def plan_sku(seed: int, sku: str, title: str, price: Decimal) -> PlannedSku:
    """Light goods, as gifts are: half of them under 40 g, none over 900 g; sizes from an invented density."""
    source = Random(f"{seed}|sku|{sku}")
    weight = min(900, max(4, round(source.lognormvariate(3.7, 0.8))))
    volume_mm3 = weight / source.uniform(0.15, 0.9) * 1000
    length = round(volume_mm3 ** (1 / 3) * source.uniform(1.0, 1.8)) + 10
    width = round(volume_mm3 ** (1 / 3) * source.uniform(0.7, 1.1)) + 8
    height = max(3, round(volume_mm3 / (length * width)))
    return PlannedSku(sku, title, weight, (length, width, height), price)


def event_times(count: int, options: PlanOptions) -> list[datetime]:
    """``count`` strictly rising moments (milliseconds): the first in the hours before ``now``, the last ones in the run."""
    later = round(count * options.in_run)
    before = count - later
    now = options.now.replace(microsecond=options.now.microsecond // 1000 * 1000)
    # The last minute before now stays empty: whoever starts pulling must not race with the set-up.
    span_ms = round(options.hours * 3_600_000) - 60_000
    if before > span_ms:
        raise ValueError(f"{before} events do not fit into {options.hours} hours at a millisecond each")
    start = now - timedelta(hours=options.hours)
    times = [start + timedelta(milliseconds=index * span_ms // max(before, 1)) for index in range(before)]
    run_ms = max(round(options.run_seconds * 1000), later)
    times.extend(now + timedelta(milliseconds=(index + 1) * run_ms // later) for index in range(later))
    return times


def _number(key: str) -> int:
    """Twelve digits that stand for ``key``."""
    return 10**11 + int.from_bytes(blake2s(key.encode(), digest_size=8).digest()) % (9 * 10**11)


class _Builder:
    def __init__(self, source: Source, options: PlanOptions, sites: Sequence[tuple[str, str]]) -> None:
        self.source, self.options = source, options
        self.accounts = _accounts(options, sites)
        self.people: dict[str, Person] = {}
        self.homes: dict[tuple[str, str], Recipient] = {}
        self.listings: dict[tuple[str, str], str] = {}
        self.cancelled = {back.order.number for back in source.returns if back.kind == "cancellation"}
        self.skus = self._skus()

    def random(self, kind: str, key: str) -> Random:
        return Random(f"{self.options.seed}|{kind}|{key}")

    def _skus(self) -> dict[str, PlannedSku]:
        prices: dict[str, list[Decimal]] = {}
        for order in self.source.orders:
            for line in order.lines:
                prices.setdefault(line.sku, []).append(line.price)
        made = {}
        for sku, seen in sorted(prices.items()):
            seen.sort()
            title = self.source.titles.get(sku) or f"Item {sku}"
            made[sku] = plan_sku(self.options.seed, sku, title, seen[len(seen) // 2])
        return made

    def home(self, key: str, country: str) -> Recipient:
        known = self.homes.get((key, country))
        if known is None:
            source = self.random("home", f"{key}|{country}")
            awkward = source.choice(AWKWARD) if source.random() < self.options.awkward_share else ""
            known = self.homes[key, country] = recipient(source, country, awkward)
        return known

    def person(self, key: str, country: str) -> Person:
        known = self.people.get(key)
        if known is None:
            number = _number(f"{self.options.seed}|{key}")
            name = " ".join(self.home(key, country).name.split())
            known = self.people[key] = Person(f"b{number}", name, f"buyer.{number:x}@example.com")
        return known

    def listing(self, account: str, sku: str) -> str:
        known = self.listings.get((account, sku))
        if known is None:
            known = self.listings[account, sku] = str(_number(f"{account}|{sku}"))
        return known

    def order(self, given: SourceOrder, at: datetime) -> PlannedOrder:
        options = self.options
        source = self.random("order", given.number)
        account = self.accounts[account_index(given.customer, given.number, options.accounts)]
        key = given.customer or f"guest {given.number}"
        returning = (key, given.country) in self.homes
        receiver = self.home(key, given.country)
        buyer = self.person(key, given.country)
        draws = [source.random() for _ in range(4)]
        if draws[0] < options.gift_share:
            receiver = recipient(source, given.country)
        elif returning and draws[0] < options.gift_share + options.retyped_share:
            receiver = retyped(source, receiver)
        by_platform = account.platform == "amazon" and draws[1] < options.platform_share
        lines = tuple(
            PlannedLine(
                line.sku, self.skus[line.sku].title, line.quantity, line.price, self.listing(account.account, line.sku)
            )
            for line in given.lines
        )
        return PlannedOrder(
            account=account.account,
            ref=given.number,
            buyer=buyer,
            recipient=receiver,
            lines=lines,
            currency=account.currency,
            shipping_price=given.charges,
            tax=Decimal("0.00"),
            placed_at=at,
            ship_by=at + timedelta(days=2),
            deliver_by=at + timedelta(days=8 + source.randrange(8)),
            # What the seller cannot stop, the seller does not cancel either.
            fulfilment="platform" if by_platform and given.number not in self.cancelled else "merchant",
            visible_at=at if at > options.now else None,
            buyer_note=source.choice(NOTES) if draws[2] < options.note_share else "",
        )

    def message(self, order: PlannedOrder, sent: datetime) -> PlannedMessage:
        source = self.random("message", order.ref)
        language, subject, body = question(source, order.recipient.country, order.lines[0].title)
        return PlannedMessage(
            account=order.account,
            ref=f"m-{order.ref}",
            order_ref=order.ref,
            buyer_id=order.buyer.id,
            subject=subject,
            body=body,
            language=language,
            sent_at=sent,
            visible_at=sent if sent > self.options.now else None,
        )

    def asks(self, given: SourceOrder) -> bool:
        return self.random("asks", given.number).random() < self.options.message_share

    def build(self) -> RehearsalPlan:
        source = self.source
        # Questions come a while after their order: behind the order that follows it by about two hours of the data.
        order_times = [order.at for order in source.orders]
        events: list[tuple[datetime, int, int, str]] = []
        for index, given in enumerate(source.orders):
            events.append((given.at, 0, index, "order"))
            if self.asks(given):
                following = bisect_right(order_times, given.at + timedelta(hours=2)) - 1
                events.append((order_times[following], 1, index, "message"))
        events.extend((back.at, 2, index, "return") for index, back in enumerate(source.returns))
        events.sort(key=lambda event: event[:3])
        orders: dict[int, PlannedOrder] = {}
        by_ref: dict[str, PlannedOrder] = {}
        messages: list[PlannedMessage] = []
        returns: list[PlannedReturn] = []
        repeats: dict[str, int] = {}
        for (_, _, index, kind), at in zip(events, event_times(len(events), self.options), strict=True):
            if kind == "order":
                planned = orders[index] = self.order(source.orders[index], at)
                by_ref[planned.ref] = planned
            elif kind == "message":
                messages.append(self.message(orders[index], at))
            else:
                back = source.returns[index]
                repeats[back.number] = repeats.get(back.number, 0) + 1
                returns.append(_planned_return(back, by_ref[back.order.number], repeats[back.number], at))
        made = list(orders.values())
        own, platform = count_stock(made)
        return RehearsalPlan(
            accounts=self.accounts,
            skus=list(self.skus.values()),
            orders=made,
            messages=messages,
            returns=returns,
            rejected=dict(sorted(source.rejected.items())),
            stock_needed=own,
            platform_stock=platform,
            rows=source.rows,
            invoices=source.invoices,
            notes={**source.notes, "credit_invoices_used": source.taken_back},
        )


def _planned_return(back: SourceReturn, order: PlannedOrder, repeat: int, at: datetime) -> PlannedReturn:
    lines = tuple(ReturnedLine(place, order.lines[place].sku, quantity) for place, quantity in back.lines)
    ref = back.number if repeat == 1 else f"{back.number}-{repeat}"
    return PlannedReturn(order.account, ref, order.ref, back.kind, lines, at)


def build_plan(
    source: Source, options: PlanOptions, sites: Sequence[tuple[str, str]] = (("GB", "GBP"),)
) -> RehearsalPlan:
    """The plan for ``source``. ``sites``: (country, currency) of the marketplaces, given to the accounts in turn."""
    return _Builder(source, options, sites).build()


def make_plan(orders: str | int, options: PlanOptions, limit: int | None = None) -> RehearsalPlan:
    """A plan from ``--orders``: a number is that many invented orders, anything else is the path of a CSV or CSV.GZ.

    Real orders keep their pounds and their British marketplace; invented ones are spread over ``generate.SITES``.
    Raises BadDataset, OSError, ValueError.
    """
    text = str(orders).strip()
    if text.isdigit():
        accounts = _accounts(options, SITES)
        return build_plan(generate_source(int(text), options.seed, [one.site for one in accounts]), options, SITES)
    return build_plan(read_source(Path(text), limit), options)

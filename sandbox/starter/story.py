"""What a sandbox store holds: a dozen products, orders that wait, buyers who ask, and more orders to come. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from zlib import crc32

from sandbox.demo.catalogue import DemoSku, catalogue
from sandbox.rehearse.addresses import recipient
from sandbox.rehearse.plan import Person, PlannedAccount, PlannedLine, PlannedMessage, PlannedOrder
from sandbox.rehearse.texts import question

SEED = 7
PRODUCTS = 12
WAITING = 16  # orders that are there at once
LATER, EVERY = 24, timedelta(minutes=5)  # orders that come in while one looks around
QUESTIONS = 3
HOME, CURRENCY = "US", "USD"
ABROAD = ("GB", "DE", "FR", "AU")
STRANGE = "-2PK"  # ends the code of a listing that no product has: a person matches it


@dataclass(frozen=True, slots=True)
class StoreStory:
    account: PlannedAccount
    orders: list[PlannedOrder]
    messages: list[PlannedMessage]


def products() -> list[DemoSku]:
    """Goods without batteries, one of each kind: the same for every store, so that a second one sells them too."""
    kinds: dict[str, DemoSku] = {}
    for sku in catalogue(SEED):
        if not sku.battery:
            kinds.setdefault(sku.product, sku)
    return list(kinds.values())[:PRODUCTS]


def tell(platform: str, key: str, now: datetime) -> StoreStory:
    """The store ``key`` (letters and digits) at ``platform``, as of ``now``: the same for the same arguments."""
    account = PlannedAccount(f"sandbox-{key}-{platform}", platform, HOME, CURRENCY)
    source = Random(f"{key}|{platform}")
    goods = products()
    orders = []
    for place in range(WAITING):
        at = now - timedelta(hours=25) * (WAITING - place) / WAITING - timedelta(minutes=5)
        orders.append(_order(account, place, at, None, goods, source))
    for place in range(LATER):
        at = now + EVERY * (place + 1)
        orders.append(_order(account, WAITING + place, at, at, goods, source))
    return StoreStory(account, orders, _questions(account, orders, now, source))


def _order(
    account: PlannedAccount, place: int, at: datetime, visible: datetime | None, goods: list[DemoSku], source: Random
) -> PlannedOrder:
    country = HOME if source.random() < 0.75 else source.choice(ABROAD)
    home = recipient(source, country)
    number = 10**11 + crc32(f"{account.account}|{place}".encode())
    lines: list[PlannedLine] = []
    for sku in source.sample(goods, 1 if source.random() < 0.8 else 2):
        strange = place in (3, 9) and not lines
        lines.append(
            PlannedLine(
                sku.code + STRANGE if strange else sku.code,
                f"{sku.title} (2 pieces)" if strange else sku.title,
                1 if source.random() < 0.85 else 2,
                sku.price * 2 if strange else sku.price,
                str(10**11 + crc32(f"{account.account}|{sku.code}|{strange}".encode())),
            )
        )
    return PlannedOrder(
        account=account.account,
        ref=f"{900_000 + place}",
        buyer=Person(f"b{number}", home.name, f"buyer.{number:x}@example.com"),
        recipient=home,
        lines=tuple(lines),
        currency=account.currency,
        shipping_price=Decimal(source.choice(("0.00", "3.99"))),
        tax=Decimal("0.00"),
        placed_at=at,
        ship_by=at + timedelta(days=1 if place == 0 else 2),
        deliver_by=at + timedelta(days=10),
        visible_at=visible,
    )


def _questions(
    account: PlannedAccount, orders: list[PlannedOrder], now: datetime, source: Random
) -> list[PlannedMessage]:
    """The oldest comes close to the end of the day that a seller has to answer."""
    made = []
    for place, hours in enumerate((22.5, 9.0, 0.5)[:QUESTIONS]):
        order = orders[place * 4]
        language, subject, body = question(source, order.recipient.country, order.lines[0].title)
        sent = max(now - timedelta(hours=hours), order.placed_at + timedelta(minutes=1))
        made.append(
            PlannedMessage(
                account.account, f"q-{order.ref}", order.ref, order.buyer.id, subject, body, language, sent, sent
            )
        )
    return made

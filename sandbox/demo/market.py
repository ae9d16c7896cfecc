"""The demo's buyers: orders and questions from a seed, planned at the simulators, most of them before today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.demo.goods import Good
from sandbox.rehearse.addresses import recipient
from sandbox.rehearse.plan import iso


@dataclass(frozen=True, slots=True)
class Store:
    """A seller account of the demo: which marketplace, where most of its buyers live, its currency against the dollar."""

    platform: str
    name: str
    site: str
    currency: str
    per_dollar: Decimal
    countries: tuple[str, ...]
    share: int


STORES = (
    Store("amazon", "Lantern US", "US", "USD", Decimal(1), ("US",), 5),
    Store("amazon", "Lantern DE", "DE", "EUR", Decimal("0.92"), ("DE", "DE", "FR", "ES", "PL"), 4),
    Store("amazon", "Lantern UK", "GB", "GBP", Decimal("0.79"), ("GB",), 2),
    Store("ebay", "lantern-uk", "GB", "GBP", Decimal("0.79"), ("GB", "GB", "IE"), 3),
    Store("ebay", "lantern-us", "US", "USD", Decimal(1), ("US", "US", "CA"), 3),
    Store("ebay", "lampenhaus", "DE", "EUR", Decimal("0.92"), ("DE", "AT", "NL", "IT"), 2),
)

QUESTIONS = (
    ("US", "Where is my order?", "Hi, I ordered last week and the tracking has not moved for three days. Where is it?"),
    ("GB", "Delivery by Friday?", "Could this arrive before Friday? It is a birthday present."),
    ("DE", "Rechnung", "Guten Tag, können Sie mir bitte eine Rechnung mit ausgewiesener Mehrwertsteuer schicken?"),
    ("DE", "Kann die Lampe bis Freitag da sein?", "Kann die Lampe bis Freitag da sein? Danke & Gruß"),
    ("IT", "Spedizione", "Buongiorno, quando arriva il mio pacco?"),
    ("CA", "Wrong colour", "I received the white one but ordered black. What can we do?"),
    ("US", "Change address", "Please ship to my office instead, I will be travelling."),
    ("NL", "Battery", "Is the battery included and is it replaceable?"),
)


class Market:
    """Draws orders; the same seed gives the same ones."""

    def __init__(self, goods: list[Good], seed: int) -> None:
        self.goods, self.seed = goods, seed
        self.weights = [good.pace for good in goods]

    def order(self, store: Store, ref: str, placed: datetime, **changes: Any) -> dict[str, Any]:
        """A planned order in the simulators' neutral shape."""
        source = Random(f"{self.seed}|{store.name}|{ref}")
        country = source.choice(store.countries)
        person = recipient(source, country, source.choice(("", "", "", "", "", "chinese", "ampersand", "long")))
        customer = source.randrange(400)
        lines = []
        for good in {
            g.sku: g for g in source.choices(self.goods, self.weights, k=source.choice((1, 1, 1, 2, 2, 3)))
        }.values():
            price = (good.price * store.per_dollar).quantize(Decimal("0.01"))
            lines.append(
                {
                    "sku": good.sku,
                    "title": good.title,
                    "quantity": source.choice((1, 1, 1, 2, 3)),
                    "unit_price": str(price),
                }
            )
        base = {
            "ref": ref,
            "buyer": {
                "id": f"{store.site.lower()}_buyer{customer}",
                "name": person.name,
                "email": f"b{customer}@example.com",
            },
            "recipient": {
                "name": person.name,
                "company": person.company,
                "lines": list(person.lines),
                "city": person.city,
                "region": person.region,
                "postcode": person.postcode,
                "country": country,
                "phone": person.phone,
            },
            "lines": lines,
            "currency": store.currency,
            "shipping_price": source.choice(("0.00", "0.00", "3.99", "5.50")),
            "tax": "0.00",
            "placed_at": iso(placed),
            "paid_at": iso(placed + timedelta(minutes=source.randrange(1, 30))),
            "ship_by": iso(placed + timedelta(hours=source.choice((24, 36, 48)))),
            "deliver_by": iso(placed + timedelta(days=source.randrange(7, 16))),
            "changed_at": None if "visible_at" in changes else iso(placed + timedelta(minutes=30)),
            "fulfilment": "platform" if store.platform == "amazon" and source.random() < 0.12 else "merchant",
        }
        return base | changes

    def history(self, now: datetime, count: int, days: int) -> list[tuple[Store, dict[str, Any]]]:
        """Orders of the last ``days`` until two days ago: more at week-ends, slowly growing."""
        source = Random(f"{self.seed}|history")
        found = []
        for number in range(count):
            age = days * (1 - source.random() ** 0.85) + 2
            placed = now - timedelta(days=age, minutes=source.randrange(600))
            store = source.choices(STORES, [s.share for s in STORES])[0]
            found.append((store, self.order(store, f"h{number}", placed)))
        return found

    def recent(self, now: datetime, count: int) -> list[tuple[Store, dict[str, Any]]]:
        """Orders of the last two days, some with what a person must look at."""
        source = Random(f"{self.seed}|recent")
        found = []
        for number in range(count):
            placed = now - timedelta(minutes=source.randrange(20, 40 * 60))
            store = source.choices(STORES, [s.share for s in STORES])[0]
            order = self.order(store, f"r{number}", placed, fulfilment="merchant")
            trouble = number % 12
            if trouble == 3:
                order["recipient"]["name"] = ""
            elif trouble == 5:
                order["lines"].append(
                    {"sku": "NEW-LISTING-9", "title": "Garden lantern, copper", "quantity": 1, "unit_price": "31.90"}
                )
            elif trouble == 7:
                order["lines"] = [
                    {"sku": "KBD-60-RED", "title": "Mechanical keyboard 60 %", "quantity": 40, "unit_price": "55.00"}
                ]
            elif trouble == 9:
                order["status"], order["paid_at"] = "pending", None
            found.append((store, order))
        return found

    def coming(self, now: datetime, count: int, every: timedelta, batch: str) -> list[tuple[Store, dict[str, Any]]]:
        """Orders that show themselves one after the other while the demo runs."""
        source = Random(f"{self.seed}|{batch}")
        found = []
        for number in range(count):
            at = now + every * (number + 1)
            store = source.choices(STORES, [s.share for s in STORES])[0]
            found.append((store, self.order(store, f"{batch}-{number}", at, visible_at=iso(at))))
        return found

    def questions(
        self, now: datetime, orders: list[tuple[Store, dict[str, Any]]]
    ) -> list[tuple[Store, dict[str, Any]]]:
        """Buyers' messages at the stores that have them, some near their deadline."""
        source = Random(f"{self.seed}|questions")
        asked = []
        with_messages = [(store, order) for store, order in orders if store.platform == "ebay"]
        for number, (country, subject, body) in enumerate(QUESTIONS * 2):
            fit = [pair for pair in with_messages if pair[1]["recipient"]["country"] == country] or with_messages
            store, order = source.choice(fit)
            asked.append(
                (
                    store,
                    {
                        "ref": f"m{number}",
                        "order_ref": order["ref"],
                        "buyer_id": order["buyer"]["id"],
                        "subject": subject,
                        "body": body,
                        "sent_at": iso(now - timedelta(hours=source.choice((1, 3, 8, 16, 21, 23)), minutes=number)),
                    },
                )
            )
        return asked

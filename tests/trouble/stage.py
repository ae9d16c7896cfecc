"""A tenant at work on the simulators, for the tests of trouble: real HTTP, committed rows, a signed-in member's pages.

Nothing is called by hand that a worker would do: ``settle`` lets time pass and drains due jobs and the outbox.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
from django.db import connection
from django.db.models import F
from django.test import Client

from channels.models import Account, Confirmation, Listing, RawPayload
from channels.services import accounts, pull
from core import clock, settings_store
from core.central import due, outbox
from core.central.models import Due, Outbox
from core.permissions import system
from core.tenancy import public_context, tenant_context
from core.words import knows, say
from crm.models import Message
from fulfilment import services as floor
from inventory import services as stock
from inventory.models import Sku, Warehouse
from logistics.models import CarrierAccount, Service, Shipment
from logistics.services import accounts as carriers
from orders.models import Order
from orders.services import booking, rules
from tenants.models import User
from tests.support import amazon, ebay_wire
from tests.support.database import ACME
from tests.support.parcels import SENDER, Carrier, open_carrier

ACTOR = system("test")
WEIGHTS = {"TEE-RED": 180, "CUP": 300, "MUG-RED": 350, "POT-1": 900, "LAMP": 10}
CODE = re.compile(r"\b(?!www\.)[a-z]{3,}(?:_[a-z]+)*\.[a-z]+(?:[_.][a-z]+)+\b|\b[a-z]+\.[a-z]+_[a-z_]+\b")
SPACES = re.compile(r"\s+")
JOBS = ("orders.upkeep", "orders.sweep", "logistics.work", "crm.send")
OPEN = ("wanted", "sent", "unknown")


@dataclass
class Shop:
    """A seller at a simulator and the account that it is connected as."""

    seller: Any
    account: Account
    good: Any = None  # a good payload as the platform serves it

    def plan(self, *plans: dict[str, Any]) -> dict[str, str]:
        """{ref: the platform's order id}."""
        if isinstance(self.seller, amazon.Seller):
            return self.seller.plan(*plans)
        return dict(zip((one["ref"] for one in plans), self.seller.plan(*plans), strict=True))

    def raw(self, *orders: Any) -> None:
        """Put what is to be served word for word."""
        if isinstance(self.seller, amazon.Seller):
            # As ASCII: some of them hold halves of characters.
            url = f"/_control/amazon/accounts/{self.seller.account_id}/raw-orders"
            answer = self.seller.http.post(url, content=json.dumps({"orders": list(orders)}))
            assert answer.status_code == 200, answer.text
        else:
            self.seller.control("raw-orders", orders=list(orders))

    def act(self, external_id: str, act: str, **more: Any) -> Any:
        if isinstance(self.seller, amazon.Seller):
            # Amazon is read up to two minutes ago.
            return self.seller.act(external_id, act, at=amazon.ago(minutes=3), **more)
        return self.seller.control(f"orders/{external_id}/act", act=act, **more)

    def revoke(self) -> None:
        if isinstance(self.seller, amazon.Seller):
            self.seller.control("@/revoke", {})
        else:
            self.seller.control("revoke")

    def consent_again(self) -> dict[str, str]:
        """The seller agrees once more: new credentials, as the connect form takes them."""
        if isinstance(self.seller, amazon.Seller):
            fresh = self.seller.credentials | {"refresh_token": f"{self.seller.credentials['refresh_token']}+"}
            self.seller.credentials.update(fresh)
            self.seller.control("/accounts", self.seller.spec | {"credentials": fresh})
            return fresh
        fresh = self.seller.credentials | {"refresh_token": f"{self.seller.credentials['refresh_token']}+"}
        self.seller.credentials.update(fresh)
        body = {"account_id": self.seller.id, "site": "US", "credentials": fresh}
        assert self.seller.http.post("/_control/ebay/accounts", json=body).status_code == 200
        return {name: value for name, value in fresh.items() if name != "user_id"}

    def known(self, external_id: str) -> dict[str, Any]:
        """What the platform knows of an order."""
        found: dict[str, Any]
        if isinstance(self.seller, amazon.Seller):
            found = self.seller.known(external_id)
        else:
            found = self.seller.order(external_id)
        return found


@dataclass
class Stage:
    base: str
    warehouse: Warehouse = field(init=False)
    skus: dict[str, Sku] = field(init=False, default_factory=dict)
    carrier: Carrier = field(init=False)
    carrier_account: CarrierAccount = field(init=False)
    service: Service = field(init=False)
    client: Client = field(init=False)

    def build(self, units: int = 500) -> Stage:
        """Warehouse, stock, a carrier with one service, rules that choose it; the tenant's schema is current."""
        self.warehouse = stock.create_warehouse(actor=ACTOR, code="SZ", name="SZ main", sender=SENDER)
        for code, grams in WEIGHTS.items():
            self.sku(code, grams)
        self.receive(units, *WEIGHTS)
        self.carrier = open_carrier(self.base)
        self.carrier_account = self.connect_carrier(self.carrier)
        self.service = self.sell("BKPHR", "yun-std", "Yun Standard")
        self.use("yun-std")
        settings_store.put(ACTOR, booking.AUTO_BOOK, True)
        with public_context():
            user = User.objects.get(email="owner@acme.localhost")
        self.client = Client(HTTP_HOST="acme.localhost")
        self.client.force_login(user)
        return self

    # -- the seller's house ---------------------------------------------------------------------------------------

    def sku(self, code: str, grams: int | None = 200, **more: Any) -> Sku:
        made = stock.create_sku(
            actor=ACTOR,
            code=code,
            title=code.title(),
            weight_g=grams,
            customs_name_en=f"{code} item",
            customs_name_zh="商品",
            **more,
        )
        self.skus[code] = made
        return made

    def receive(self, units: int, *codes: str) -> None:
        lines = [(self.skus[code].pk, units, Decimal("2.50"), "CNY") for code in codes]
        key = f"test:receipt:{clock.wall().timestamp()}"
        stock.receive(actor=ACTOR, warehouse_id=self.warehouse.pk, lines=lines, key=key)

    def connect_carrier(self, carrier: Carrier, **settings: Any) -> CarrierAccount:
        return carriers.connect_carrier(
            actor=ACTOR,
            carrier="yunexpress",
            name="Yun",
            credentials={"app_id": f"app-{carrier.account}", "app_secret": f"secret-of-{carrier.account}"},
            settings={"base_url": f"{self.base}/yunexpress", **settings},
        )

    def sell(self, code: str, key: str, name: str, account: CarrierAccount | None = None, **more: Any) -> Service:
        """A service for the rules to choose."""
        fields = {"code": code, "key": key, "name": name, "battery": True} | more
        return carriers.save_service(actor=ACTOR, account_id=(account or self.carrier_account).pk, **fields)

    def use(self, *services: str, tagged: dict[str, str] | None = None) -> None:
        """Rules: orders whose buyer's note names a service take that one, all others the first."""
        made = [
            {
                "id": f"n-{key}",
                "name": key,
                "conditions": {"all": [{"field": "note", "op": "contains", "value": key}]},
                "actions": [{"do": "service", "value": key}],
                "stop": True,
            }
            for key in services[1:]
        ]
        made.append(
            {"id": "1", "name": "All", "conditions": {"all": []}, "actions": [{"do": "service", "value": services[0]}]}
        )
        rules.publish(actor=ACTOR, rules=made)

    # -- the marketplaces -----------------------------------------------------------------------------------------

    def amazon(self, **changes: Any) -> Shop:
        seller = amazon.Seller(self.base)
        values: dict[str, Any] = {"settings": {"base_url": f"{self.base}/amazon", "usage_plan": 1000}}
        return Shop(seller, self._connect("amazon", seller.account_id, seller.credentials, values | changes))

    def ebay(self, app: str | None = None, **changes: Any) -> Shop:
        seller = ebay_wire.Seller(self.base, app=app)
        values: dict[str, Any] = {"settings": {"base_url": f"{self.base}/ebay"}}
        return Shop(seller, self._connect("ebay", seller.credentials["user_id"], seller.credentials, values | changes))

    def _connect(self, platform: str, external: str, secret: dict[str, str], values: dict[str, Any]) -> Account:
        return accounts.connect_account(
            actor=ACTOR,
            platform=platform,
            name=f"{platform} {external[-6:]}",
            external_id=external,
            credentials=secret,
            marketplaces=["US"],
            read_from=clock.now() - timedelta(days=1),
            **values,
        )

    def pull(self, *shops: Shop, job: str = "orders") -> None:
        """Let the accounts be read from a day ago on, and everything that follows be done."""
        for shop in shops:
            since = clock.now() - timedelta(hours=20)
            pull.read_again_from(actor=ACTOR, account_id=shop.account.pk, since=since, job=job)
            due.run_now(ACME, f"{job}.pull", str(shop.account.pk))
        self.settle()

    # -- time and workers -----------------------------------------------------------------------------------------

    def settle(self, rounds: int = 4) -> None:
        """Let waits be over and the workers work, until a round finds nothing to do (at most ``rounds``)."""
        for _ in range(rounds):
            self._time_passes()
            worked = due.drain() + outbox.drain(20)
            if not worked:
                break

    def _time_passes(self) -> None:
        now, wall = clock.now(), clock.wall()
        jobs = Due.objects.filter(schema=ACME, paused=False)
        jobs.filter(job__in=JOBS).update(due_at=now)
        untold = Confirmation.objects.filter(state__in=OPEN).values_list("account_id", flat=True)
        jobs.filter(job="channels.confirm", key__in=[str(pk) for pk in untold]).update(due_at=now)
        Outbox.objects.filter(schema=ACME, state=Outbox.READY).update(available_at=wall)
        # A call of unknown outcome is long over: its reference may be looked up, and sent again when it is not there.
        Shipment.objects.exclude(next_at=None).update(
            next_at=now, call_sent_at=F("call_sent_at") - timedelta(minutes=5)
        )
        Confirmation.objects.filter(state__in=OPEN).update(next_at=now)
        Message.objects.exclude(next_at=None).update(next_at=now)

    def ship(self, *orders: Order) -> None:
        """Hand the parcels over; the marketplace is told."""
        self._hand([parcel.pk for parcel in map(self.parcel, orders)])

    def ship_rest(self, order: Order) -> None:
        """Every parcel of the order that is still in the house."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT shipment_id FROM orders_consignment WHERE order_id = %s AND state = 'open'", [order.pk]
            )
            ids = [row[0] for row in cursor.fetchall()]
        self._hand(list(Shipment.objects.filter(pk__in=ids, handed_at=None).values_list("pk", flat=True)))

    def told(self, order: Order) -> list[Confirmation]:
        return list(Confirmation.objects.filter(order_ref=order.pk).order_by("pk"))

    def _hand(self, ids: list[int]) -> None:
        floor.hand_over(actor=ACTOR, shipment_ids=ids)
        self.tell()

    def tell(self) -> None:
        """Until the marketplaces were told of everything, as far as their accounts work."""
        self.settle()
        end = clock.monotonic() + 15
        while Confirmation.objects.filter(state__in=OPEN, account__health="ok").exists() and clock.monotonic() < end:
            clock.sleep(0.3)  # the platform's rate is for real
            self.settle()

    def match(self, order: Order, sku: str) -> None:
        """On the order's page: find the SKU for the line that has none, and pick it."""
        listing = Listing.objects.get(account=order.account_id, seller_sku=order.lines.get(sku=None).seller_sku)
        assert sku in self.page(self.order_page(order, f"listing/{listing.pk}/skus?sku={sku}"))
        self.post(self.order_page(order, f"listing/{listing.pk}/match"), sku=self.skus[sku].pk, units=1)

    # -- looking --------------------------------------------------------------------------------------------------

    def order(self, external_id: str) -> Order:
        found: Order = Order.objects.get(external_id=external_id)
        return found

    def parcel(self, order: Order) -> Shipment:
        """The newest one."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT max(shipment_id) FROM orders_consignment WHERE order_id = %s", [order.pk])
            found: Shipment = Shipment.objects.get(pk=cursor.fetchone()[0])
        return found

    def dead(self, shop: Shop) -> list[RawPayload]:
        return list(RawPayload.objects.filter(account=shop.account, state=RawPayload.DEAD).order_by("pk"))

    def page(self, path: str, lang: str = "en", status: int = 200) -> str:
        """What stands on a page, as a member reads it."""
        with public_context():
            self.client.cookies["lang"] = lang
            answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.content[:600])
        return read(answer.content)

    def post(self, path: str, status: int = 302, **given: Any) -> str:
        """Press a button of a page."""
        with public_context():
            answer = self.client.post(path, given)
        assert answer.status_code == status, (path, answer.status_code, read(answer.content)[:600])
        return read(answer.content)

    def order_page(self, order: Order, rest: str = "") -> str:
        return f"/orders/{order.pk}/{rest}"

    def today(self) -> str:
        return self.page("/")


def read(content: bytes) -> str:
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", content.decode(), flags=re.S)
    return SPACES.sub(" ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def plain(text: str) -> str:
    return SPACES.sub(" ", text)


def _values(params: Any) -> Iterable[str]:
    if isinstance(params, dict):
        for value in params.values():
            yield from _values(value)
    elif isinstance(params, list | tuple):
        for value in params:
            yield from _values(value)
    else:
        yield str(params)


def sentence(code: str, params: dict[str, Any] | None) -> str:
    """The stored reason in English, after looking that both languages have a whole one of it."""
    assert code, "no reason is stored"
    assert knows(code), f"no sentence for {code}"
    said = {lang: say(code, params or {}, lang) for lang in ("en", "zh-hans")}
    for lang, text in said.items():
        assert text != code and "{" not in text, (code, lang, text)
        bare = text
        for value in sorted(_values(params or {}), key=len, reverse=True):
            bare = bare.replace(value, "") if value else bare
        assert not CODE.search(bare), (code, lang, text)
    assert re.search(r"[\u4e00-\u9fff]", said["zh-hans"]), (code, said["zh-hans"])
    return plain(said["en"])


def leaks(page: str, but: str = "") -> list[str]:
    """Codes that stand on a page as they are (``but``: the one that a letter names among its facts, for support)."""
    return [found for found in CODE.findall(page) if knows(found) and found != but] + re.findall(
        r"\btodo\.[a-z._]+", page
    )


def control(base: str, path: str, body: Any) -> Any:
    answer = httpx.post(f"{base}/_control/{path}", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


def inside() -> Any:
    return tenant_context(ACME)

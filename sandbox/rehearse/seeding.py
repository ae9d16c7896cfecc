"""The other side of the trip: sellers, orders and questions at the simulators, and our accounts connected to them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

from django.db import OperationalError

from channels.services import accounts
from core import clock
from core.errors import BusinessError, SampanError
from core.tenancy import tenant_context

from .control import Control, ControlRefused
from .plan import PlannedAccount, json_by_account
from .scenario import Combination, Key, Scenario, times
from .shop import Shop

CONNECT_TRIES = 20


@dataclass
class World:
    """What was put into the simulators. ``ids``: the platform's order id by (account, ref).

    ``cancelled_before``: orders that were cancelled before we could know them. ``combined``: (combination, new id).
    ``refused``: acts that a platform did not allow any more, with its reason.
    """

    control: Control
    accounts: dict[str, PlannedAccount] = field(default_factory=dict)
    ids: dict[Key, str] = field(default_factory=dict)
    cancelled_before: set[Key] = field(default_factory=set)
    combined: list[tuple[Combination, str]] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)

    def platform(self, account: str) -> str:
        return self.accounts[account].platform

    def act(self, key: Key, act: str, **more: Any) -> Any:
        """Play an act; None (and a note) when the platform does not allow it any more."""
        account, ref = key
        try:
            return self.control.act(self.platform(account), account, self.ids[key], act, **more)
        except ControlRefused as error:
            self.refused.append((act, ref, str(error)))
            return None

    def combine(self, combination: Combination) -> bool:
        first, *others = (self.ids[combination.account, ref] for ref in combination.refs)
        key = (combination.account, combination.refs[0])
        answer = self.act(key, "combine", **{"with": others, "old": combination.old})
        if answer is not None:
            self.combined.append((combination, str(answer["external_id"])))
        return answer is not None


def digits(text: str, count: int) -> str:
    """Digits that stand for a text."""
    return f"{crc32(text.encode()) % 10**count:0{count}d}"


def credentials(account: PlannedAccount) -> dict[str, str]:
    """Secrets of a seller's consent, of the shape that the platform gives out."""
    name = account.account
    if account.platform == "amazon":
        return {
            "client_id": f"amzn1.application-oa2-client.{name}",
            "client_secret": f"secret-{name}",
            "refresh_token": f"Atzr|{name}",
        }
    return {
        "app_id": f"app-{name}",
        "dev_id": f"dev-{name}",
        "cert_id": f"cert-{name}",
        "refresh_token": f"v^1.1#{name}",
    }


def fill(scenario: Scenario, control: Control) -> World:
    """Make the sellers, their orders and questions, and let happen what happened before we come."""
    plan = scenario.plan
    world = World(control, {one.account: one for one in plan.accounts})
    for account in plan.accounts:
        make_seller(control, account)
    by_account: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in plan.orders:
        by_account[order.account].append(scenario.order_json(order))
    for name, orders in by_account.items():
        ids = control.plan_orders(world.platform(name), name, orders)
        world.ids |= {(name, ref): external for ref, external in ids.items()}
    _before(scenario, world)
    for name, messages in json_by_account(plan.messages).items():
        if world.platform(name) == "ebay":
            control.plan_messages("ebay", name, messages)
    _platform_stock(scenario, world)
    return world


def make_seller(control: Control, account: PlannedAccount, webhook: dict[str, Any] | None = None) -> None:
    """A seller account at its platform; the same again changes its webhook only."""
    given: dict[str, Any] = {"account_id": account.account, "credentials": credentials(account)}
    if account.platform == "amazon":
        given["marketplace"] = account.site
    else:
        given["site"] = account.site
        given["credentials"] |= {"user_id": account.account}
        given["webhook"] = webhook
    control.post(f"/{account.platform}/accounts", given)


def call_us(scenario: Scenario, control: Control, web_url: str) -> None:
    """From now on eBay tells us of questions and payments by itself (the orders of the past are found by reading)."""
    hook = {"url": f"{web_url}/hooks/ebay", "events": ["AskSellerQuestion", "ItemMarkedPaid"]}
    for account in scenario.plan.accounts:
        if account.platform == "ebay":
            make_seller(control, account, hook)


def _before(scenario: Scenario, world: World) -> None:
    past, _ = times(clock.now(), scenario.plan.returns)
    for back in past:
        key = (back.account, back.order_ref)
        if world.act(key, "cancel") is not None:
            world.cancelled_before.add(key)
    for combination in scenario.combinations:
        if combination.early:
            world.combine(combination)


def _platform_stock(scenario: Scenario, world: World) -> None:
    """What Amazon holds for us: enough for the orders that it fulfils, and some more."""
    for name, needed in scenario.plan.platform_stock.items():
        if world.platform(name) != "amazon":
            continue
        items = [
            {
                "sku": sku,
                "asin": f"B0{digits(sku, 8)}",
                "fnsku": f"X00{place:07d}",
                "fulfillable": units + 5,
            }
            for place, (sku, units) in enumerate(sorted(needed.items()))
        ]
        for start in range(0, len(items), 500):
            world.control.post(f"/amazon/accounts/{name}/inventory", {"items": items[start : start + 500]})


def connect(shop: Shop, scenario: Scenario, world: World, since: datetime) -> None:
    """The owner connects the accounts and wants the orders since ``since``; a platform that does not answer is asked
    again, as a person would."""
    with tenant_context(shop.schema):
        for account in scenario.plan.accounts:
            shop.accounts[account.account] = _connect_one(shop, account, world.control.url, since)


def _connect_one(shop: Shop, account: PlannedAccount, simulators: str, since: Any) -> int:
    for attempt in range(CONNECT_TRIES):
        try:
            made = accounts.connect_account(
                actor=shop.owner,
                platform=account.platform,
                name=f"{account.platform} {account.site} {account.account[-2:]}",
                external_id=account.account,
                settings={"base_url": f"{simulators}/{account.platform}"},
                credentials=credentials(account),
                marketplaces=[account.site],
                timezone="Europe/London",
                read_from=since,
            )
            return int(made.pk)
        except (BusinessError, SampanError, OperationalError):
            if attempt == CONNECT_TRIES - 1:
                raise
            clock.sleep(0.5)
    raise AssertionError

"""The demo's data: sixty days are played day by day through the real services, then today is left half done."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.conf import settings as django_settings

from channels.models import Account
from core import bulk, clock, settings_store
from core.central import due, outbox
from core.errors import BusinessError
from core.tenancy import public_context, tenant_context
from core.values import TrackEvent
from fba import services as fba
from fulfilment import services as floor
from inventory import services as stock
from logistics import canonical as tracks
from logistics.canonical import Tracked
from logistics.services import manifest, tracking
from orders.services import booking
from sandbox.rehearse import seeding
from sandbox.rehearse.control import Control
from sandbox.rehearse.people import People
from sandbox.rehearse.plan import json_by_account
from sandbox.rehearse.scenario import Key, horizon
from sandbox.rehearse.seeding import World
from sandbox.rehearse.shop import Shop
from tenants import queries as tenant_queries
from tenants.services import drop_tenant

from . import house, platform_stock
from .catalogue import DemoSku, catalogue
from .story import DAYS, Story, tell, trickle
from .travel import Traveller, travelling

SEED = 7
DONE, PREFIX = "demo.done", "demo.prefix"  # tenant settings
PAST, TODAY = 1500, 64
TRICKLE, TRICKLE_HOURS = 60, 6.0
BUSY_FROM = 40  # before that day only every second evening is worked on; the stock is written down every evening
EVENING = 12  # o'clock UTC: when a day of the past is worked on
# Days after the hand-over, what happens, and what the carrier calls it.
WAY = (
    (1, tracks.IN_TRANSIT, "picked_up", "FIRST_MILE_ARRIVE", "Arrived at origin facility", "Shenzhen, CN"),
    (2, tracks.IN_TRANSIT, "departed", "MAIN_LINE_DEPART", "Departed from origin country", "Shenzhen, CN"),
    (5, tracks.IN_TRANSIT, "arrived_country", "MAIN_LINE_ARRIVE", "Arrived at the destination country", ""),
    (7, tracks.OUT_FOR_DELIVERY, "", "LAST_MILE_DELIVERY", "Out for delivery", ""),
)
# What runs every evening of the past; everything else rests until today.
WANTED = ("orders.pull", "messages.pull", "stock.pull", "logistics.work", "inventory.daily_stock")


@dataclass
class Demo:
    """What is being made."""

    shop: Shop
    story: Story
    skus: list[DemoSku]
    control: Control
    world: World
    people: People
    number: str
    say: Callable[[str], None]
    shipped: set[Key] = field(default_factory=set)  # by Amazon


def seed(say: Callable[[str], None], *, web_url: str, past: int = PAST, today: int = TODAY, days: int = DAYS) -> bool:
    """Make the demo tenant's data unless it is there; whether anything was made. A half-made one is begun anew."""
    control = Control(django_settings.SANDBOX_URL)
    with travelling(control) as traveller:
        traveller.home()
        if is_done():
            drip(control)
            house.call_us(control, _prefix().removeprefix("demo"), web_url)  # the port may be another one this time
            return False
        drop_tenant(schema=house.SCHEMA, actor=house.ACTOR)
        demo = _begin(control, traveller, say, past, today)
        house.invite_people(demo.shop)
        _play_past(demo, traveller, days)
        traveller.home()
        _play_today(demo)
        house.connect_tracker(demo.shop, control, demo.number, web_url)
        with tenant_context(demo.shop.schema):
            _rest(demo.shop.schema, due.resume)
            fba.run_now(actor=demo.shop.owner)
            settings_store.keep(DONE, True)
        drip(control)
    return True


def is_done() -> bool:
    if tenant_queries.demo_tenant() is None:
        return False
    with tenant_context(house.SCHEMA):
        return bool(settings_store.get(DONE, False))


def _begin(control: Control, traveller: Traveller, say: Callable[[str], None], past: int, today: int) -> Demo:
    now, number = clock.now(), uuid.uuid4().hex[:6]
    skus = catalogue(SEED)
    story = tell(now, skus, seed=SEED, past=past, today=today, prefix=f"demo{number}")
    traveller.go(now - timedelta(days=DAYS + 1))
    shop = house.open_tenant()
    house.furnish(shop, story, skus, control, number, SEED)
    world = World(control, {one.account: one for one in story.plan.accounts})
    for account in story.plan.accounts:
        seeding.make_seller(control, account)
    orders: dict[str, list[dict[str, Any]]] = {}
    for order in story.plan.orders:
        orders.setdefault(order.account, []).append(story.scenario.order_json(order))
    for name, planned in orders.items():
        ids = control.plan_orders(world.platform(name), name, planned)
        world.ids |= {(name, ref): external for ref, external in ids.items()}
    for name, messages in json_by_account(story.plan.messages).items():
        if world.platform(name) == "ebay":
            control.plan_messages("ebay", name, messages)
    seeding.connect(shop, story.scenario, world, horizon(clock.now(), 2.0))
    _name_accounts(shop, world, story, skus)
    with tenant_context(shop.schema):
        settings_store.keep(PREFIX, f"demo{number}")
    _rest(shop.schema, due.pause)
    people = People(shop, story.scenario, SEED, weigh_share=0.25, template=house.ANSWER)
    return Demo(shop, story, skus, control, world, people, number, say)


def _rest(schema: str, act: Callable[[str, str, str], None]) -> None:
    """Pause, or resume, the jobs that the past does without."""
    with public_context():
        jobs = bulk.fetch(
            "SELECT job, key FROM public.central_due WHERE schema = %s AND job <> ALL(%s)", [schema, list(WANTED)]
        )
        for job, key in jobs:
            act(schema, job, key)


def _name_accounts(shop: Shop, world: World, story: Story, skus: list[DemoSku]) -> None:
    """Names as a seller gives them, and a place for the goods that lie at Amazon."""
    with tenant_context(shop.schema):
        for planned, account in shop.accounts.items():
            one = world.accounts[planned]
            title = f"{'Amazon' if one.platform == 'amazon' else 'eBay'} {one.site}"
            Account.objects.filter(pk=account).update(name=title)
            if one.platform == "amazon":
                place = stock.create_warehouse(
                    actor=shop.owner,
                    code=f"FBA-{one.site}",
                    name=f"Amazon {one.site}",
                    kind="platform",
                    country=one.site,
                    account_ref=account,
                )
                platform_stock.open_books(shop, story, skus, planned, place.pk)


# -- the past -----------------------------------------------------------------------------------------------------------


def _play_past(demo: Demo, traveller: Traveller, days: int) -> None:
    """Each evening: read, book, send, tell, answer; parcels arrive after a week or two."""
    end = clock.wall() - timedelta(hours=21)  # what is younger belongs to today
    first = (end - timedelta(days=DAYS)).replace(hour=EVENING, minute=0, second=0, microsecond=0)
    for day in range(DAYS - days, DAYS + 1):
        at = min(first + timedelta(days=day), end)
        traveller.go(at)
        if day % 7 == 0:
            with tenant_context(demo.shop.schema):
                house.receive(demo.shop, demo.story, demo.skus, Decimal("0.07"), f"week{day // 7}", SEED)
            platform_stock.tell(demo.story, demo.world, demo.control, at)
        if day % 2 and day < BUSY_FROM:
            with tenant_context(demo.shop.schema):
                fba.snapshot()
            continue
        _amazon_ships(demo, at)
        _work_off()
        demo.people.look_around(may_let_go=True)
        _work_off()
        _close_lists(demo.shop)
        _arrivals(demo, at)
        if day % 10 == 0:
            demo.say(f"day {day} of {DAYS}: {_count(demo)} orders")


def _work_off() -> None:
    """All that is due now and all that follows from it."""
    for _ in range(4):
        ran = due.drain(100)
        if not outbox.drain(60) and not ran:
            return


def _count(demo: Demo) -> int:
    with tenant_context(demo.shop.schema):
        return int(bulk.fetch("SELECT count(*) FROM orders_order")[0][0])


def _close_lists(shop: Shop) -> None:
    """The carrier's driver signs for what was handed over that evening."""
    with tenant_context(shop.schema):
        for carrier, warehouse in bulk.fetch(
            "SELECT DISTINCT v.carrier_account_id, s.warehouse_ref FROM logistics_shipment s"
            " JOIN logistics_service v ON v.id = s.service_id WHERE s.state = 'handed' AND s.manifest_id IS NULL"
        ):
            manifest.close_manifest(actor=shop.owner, carrier_account_id=carrier, warehouse_id=warehouse)


def _amazon_ships(demo: Demo, at: datetime) -> None:
    for order in demo.story.past:
        if order.fulfilment == "platform" and at - timedelta(days=3) < order.placed_at <= at - timedelta(days=1):
            key = (order.account, order.ref)
            if key not in demo.shipped:
                demo.shipped.add(key)
                demo.world.act(key, "ship")


def _arrivals(demo: Demo, at: datetime) -> None:
    """Milestones of the parcels under way, as an aggregator would tell them; the carrier knows of them too."""
    with tenant_context(demo.shop.schema):
        rows = bulk.fetch(
            "SELECT s.id, s.waybill, coalesce(nullif(s.tracking_number, ''), s.waybill), s.handed_at, s.country, a.carrier"
            " FROM logistics_shipment s JOIN logistics_service v ON v.id = s.service_id"
            " JOIN logistics_carrieraccount a ON a.id = v.carrier_account_id WHERE s.state = 'handed' ORDER BY s.id"
        )
        told: list[Tracked] = []
        arrived: list[str] = []
        for shipment, waybill, number, handed, country, carrier in rows:
            source = Random(f"{SEED}|way|{shipment}")
            last = source.randrange(7, 15)
            events = [
                TrackEvent(handed + timedelta(days=day, hours=3), main, sub, code, text, place or country)
                for day, main, sub, code, text, place in WAY
                if day < last and handed + timedelta(days=day, hours=3) <= at
            ]
            if handed + timedelta(days=last) <= at:
                end = tracks.RETURNED if source.random() < 0.012 else tracks.DELIVERED
                text = "Delivered" if end == tracks.DELIVERED else "Returned to sender"
                events.append(TrackEvent(handed + timedelta(days=last), end, "", text.upper()[:9], text, country))
                if carrier == "yunexpress" and end == tracks.DELIVERED:
                    arrived.append(waybill)
            if events:
                told.append(Tracked(number, tuple(events)))
        tracking.record_tracking(tracked=told, source=tracking.AGGREGATOR)
    if arrived:
        body = {"events": [{"code": "DELIVERED"}], "waybills": arrived}
        demo.control.post(f"/yunexpress/accounts/{demo.shop.carrier_account}/advance", body)
    outbox.drain(60)


# -- today --------------------------------------------------------------------------------------------------------------


def _play_today(demo: Demo) -> None:
    """Orders come in and stand in every state: some wait for people, some have their label, a few have left."""
    shop = demo.shop
    platform_stock.tell(demo.story, demo.world, demo.control, clock.now())
    with tenant_context(shop.schema):
        settings_store.put(shop.owner, booking.AUTO_BOOK, False)
        for account in shop.accounts.values():
            for job in ("orders.pull", "messages.pull", "stock.pull"):
                due.run_now(shop.schema, job, str(account))
    _work_off()
    with tenant_context(shop.schema):
        ready = _ids("SELECT id FROM orders_order WHERE state = 'ready' ORDER BY placed_at, id")
        irish = _ids("SELECT id FROM orders_order WHERE state = 'ready' AND ship_country = 'IE'")
        booking.book_orders(actor=shop.owner, order_ids=sorted({*ready[: len(ready) * 2 // 3], *irish}))
    _work_off()
    with tenant_context(shop.schema):
        parcels = bulk.fetch("SELECT id, expected_weight_g FROM logistics_shipment WHERE state = 'ready' ORDER BY id")
        weighed = parcels[: len(parcels) // 2]
        for shipment, expected in weighed:
            try:
                floor.weigh(actor=shop.owner, shipment=shipment, weight_g=expected + 3)
            except BusinessError:
                continue
        floor.hand_over(actor=shop.owner, shipment_ids=[row[0] for row in weighed[: len(weighed) // 2]])
        demo.say(f"today: {len(ready)} ready, {len(parcels)} with a label")
    _work_off()


def _ids(sql: str) -> list[int]:
    return [row[0] for row in bulk.fetch(sql)]


def _prefix() -> str:
    """How the accounts' names at the simulators begin."""
    with tenant_context(house.SCHEMA):
        return str(settings_store.get(PREFIX, ""))


# -- while it runs --------------------------------------------------------------------------------------------------------


def drip(control: Control) -> None:
    """Plan what comes in over the next hours; once a day, so a second start adds nothing."""
    now = clock.now()
    with tenant_context(house.SCHEMA):
        prefix = str(settings_store.get(PREFIX, ""))
    if not prefix:
        return
    plan = trickle(now, catalogue(SEED), day=now.date().toordinal(), prefix=prefix, orders=TRICKLE, hours=TRICKLE_HOURS)
    platform = {one.account: one.platform for one in plan.accounts}
    for name, orders in json_by_account(plan.orders).items():
        control.plan_orders(platform[name], name, orders)
    for name, messages in json_by_account(plan.messages).items():
        if platform[name] == "ebay":
            control.plan_messages("ebay", name, messages)

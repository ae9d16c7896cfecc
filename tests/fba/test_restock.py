"""The run: shares of own stock, urgency, terms kept and opened again, kills, batches, and where books and platform differ."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from channels import canonical
from channels.models import Account
from core import clock, settings_store
from core.central import due, outbox
from core.central.models import Outbox
from core.errors import BusinessError, NotAllowed
from core.permissions import CLERK, MANAGER, SERVICE, Actor, of_role, system
from core.records.models import Job
from core.tenancy import tenant_context
from fba import figures, options, queries
from fba.figures import Figures, Item, Shelf, Site, Sold
from fba.handlers import until_next
from fba.models import RestockLine, RestockRun
from fba.options import Options
from fba.planning import plan
from fba.queries import Filter
from fba.services import restock, snapshots
from fba.terms import unpack
from inventory.codes import code_key
from inventory.demand import Demand, project
from inventory.models import DailyStock, Level, Location, Sku, Stock
from tests.fba.conftest import US, ZONE, at_platform, evening, platform_warehouse, sell, today
from tests.orders.conftest import Shop, make_shop

DAY = date(2026, 11, 1)
ACTOR = system("test")
CLERK_LI = Actor("user", 7, "Li", of_role(CLERK))


def figures_of(*, platform: dict[str, int] | None = None, sold: int = 0, own_sold: int = 0, free: int = 0) -> Figures:
    """One SKU (id 1, 90 full days known) at account 5 and in warehouse 2; ``sold`` units a day."""
    since = DAY - timedelta(days=90)
    made = Figures(DAY, {1: Item(1, None, 1, 1, 20)}, [Site(2, True)])
    if platform is not None:
        made.parts[1, 5, US] = platform
        made.platform_sold[1, 5, US] = Sold([sold * 7, sold * 30, sold * 90], since)
    if own_sold:
        made.own_sold[1, 2] = Sold([own_sold * 7, own_sold * 30, own_sold * 90], since)
    made.free[1, 2] = free
    return made


def test_own_stock_is_shared_by_days_of_cover_and_never_counted_twice() -> None:
    lines = list(plan(figures_of(platform={"available": 100}, sold=10, own_sold=10, free=300), Options()))
    fba, own = lines
    assert (fba.account_id, fba.warehouse_id, own.account_id, own.warehouse_id) == (5, None, None, 2)
    # 400 units for 20 a day: 20 days each
    assert (fba.position, own.position) == (200, 200) and fba.position + own.position == 400
    assert fba.send == 100 and own.send == 0
    assert fba.cover_days == own.cover_days == 20.0
    # order-up-to: lead 20 + 40 days and 7 + 14 more, at 10 a day
    assert fba.buy == 10 * (20 + 40 + 7 + 14) - 200
    assert (fba.urgency, fba.stockout_on) == (RestockLine.LATE, DAY + timedelta(days=20))


def test_nobody_asks_nothing_is_sent() -> None:
    fba, own = plan(figures_of(platform={"available": 3}, free=50), Options())
    assert (fba.send, fba.buy, fba.urgency) == (0, 0, RestockLine.IDLE)
    assert (own.position, own.buy) == (50, 0)


def test_no_unit_that_is_promised_or_broken_counts() -> None:
    (line, *_) = plan(figures_of(platform={"customer_reserve": 50, "unfulfillable": 50}, sold=2), Options())
    assert line.position == 0 and line.urgency == RestockLine.OUT and line.send == 0


def test_days_without_stock_raise_the_average() -> None:
    made = figures_of(platform={"available": 0}, sold=1)
    plain = next(plan(made, Options())).velocity
    made.shelves[1, -5] = Shelf([0, 10, 40], DAY - timedelta(days=90))
    corrected = next(plan(made, Options())).velocity
    assert plain == 1.0 and corrected == round(0.2 * 1 + 0.3 * 30 / 20 + 0.5 * 90 / 50, 4)
    assert next(plan(made, Options(correct_stockouts=False))).velocity == 1.0


@given(
    here=st.floats(0, 5000) | st.integers(0, 500),
    per_day=st.sampled_from([0.0, 0.1, 0.3, 1 / 3, 0.7, 1.0, 2.5, 10.0, 37.3]),
    lots=st.lists(st.tuples(st.integers(-5, 120), st.integers(1, 300)), max_size=3),
    horizon=st.integers(0, 700),
    keep=st.integers(0, 100),
)
def test_the_short_projection_says_what_the_long_one_says(
    here: float, per_day: float, lots: list[tuple[int, int]], horizon: int, keep: int
) -> None:
    whole = project(here, Demand(per_day), lots, horizon)
    short = project(here, Demand(per_day), lots, horizon, keep)
    assert short.days == whole.days[: len(short.days)] and len(short.days) >= min(keep, horizon)
    # A shortage of about a thousandth of a unit may count on either side of its day.
    assert short.lost_units == pytest.approx(whole.lost_units, abs=0.002)
    if whole.lost_units > 0.01:
        assert short.stock_out is not None and short.stock_out == pytest.approx(whole.stock_out, abs=0.02)


def test_every_term_is_kept_in_little_room_and_opened_again() -> None:
    from fba import planning

    kept: list[Any] = []
    real = planning.suggest

    def watch(request: Any) -> Any:
        kept.append(real(request))
        return kept[-1]

    planning.suggest = watch
    try:
        parts = {"available": 20, "inbound_shipped": 5, "customer_reserve": 1, "fc_transfer": 2}
        lines = list(plan(figures_of(platform=parts, sold=3, own_sold=1, free=60), Options()))
    finally:
        planning.suggest = real
    for line, made in zip(lines, kept, strict=True):
        text = json.dumps(line.terms, separators=(",", ":"))
        assert len(text) < 4000
        assert unpack(json.loads(text)) == _rounded(made.to_json())


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def test_a_run_from_the_tables_to_the_page(shop: Shop) -> None:
    for ago in range(1, 61):
        sell(shop, "CUP", 2, ago, fulfilment=canonical.PLATFORM, status=canonical.SHIPPED)
        sell(shop, "LAMP", 1, ago)
    at_platform(shop, "CUP", fulfillable=10)
    Stock.objects.filter(sku=shop.skus["CUP"]).update(sellable=40)
    restock.run_now(actor=CLERK_LI)
    with pytest.raises(BusinessError, match=r"restock\.running"):
        restock.run_now(actor=CLERK_LI)
    outbox.drain()
    run = queries.latest(CLERK_LI)
    assert run is not None and (run.lines_count, run.day, run.zone, run.actor_label) == (3, today(), ZONE, "Li")
    job = Job.objects.get()
    assert (job.state, job.done, job.total) == (Job.DONE, 3, 3)
    page = queries.lines(CLERK_LI, run.pk, Filter())
    assert [(row["sku"], row["urgency"], row["account"], row["warehouse"]) for row in page.rows] == [
        ("LAMP", "out", None, "SZ main"),
        ("CUP", "late", "store-1", None),
    ]
    cup = queries.line(CLERK_LI, page.rows[1]["id"])
    assert (cup["velocity"], cup["position"], cup["send"]) == (2.0, 50, 40)
    assert cup["terms"]["velocity"]["value"] == 2.0 and cup["terms"]["send"]["quantity"] == 40
    assert queries.counts(CLERK_LI, run.pk) == {
        "todo": 2, "out": 1, "late": 1, "due": 0, "ok": 0, "excess": 0, "idle": 1, "all": 3,
    }  # fmt: skip
    with pytest.raises(NotAllowed):
        queries.latest(Actor("user", 9, "S", of_role(SERVICE)))
    with pytest.raises(NotAllowed):
        restock.run_now(actor=Actor("user", 9, "S", of_role(SERVICE)))


def test_statements_do_not_grow_with_the_batch(shop: Shop) -> None:
    run = RestockRun.objects.create(started_at=clock.now(), zone=ZONE, day=today(), actor_label="t")
    now = clock.now()
    skus = [
        Sku.objects.create(code=f"K{n}", code_key=code_key(f"K{n}"), created_at=now, updated_at=now) for n in range(60)
    ]
    for sku in skus:
        Stock.objects.create(warehouse=shop.warehouse, sku=sku, sellable=3)

    def statements(ids: list[int]) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert restock.write(run.pk, ids, today(), ZONE, Options()) == len(ids)
        return len(seen)

    assert statements([skus[0].pk]) == statements([sku.pk for sku in skus[1:]]) <= 8


def test_lines_page_by_page_by_urgency_and_scope(shop: Shop) -> None:
    run = RestockRun.objects.create(started_at=clock.now(), zone=ZONE, day=DAY, actor_label="t")
    other = Account.objects.create(platform="amazon", name="other", external_id="S2", created_at=clock.now())
    values: dict[str, Any] = {"run": run, "velocity": 1, "position": 1, "send": 0, "buy": 0, "terms": {}}
    days = [None, DAY, DAY + timedelta(days=1), DAY, None, DAY + timedelta(days=3)]
    kinds = ["ok", "due", "out", "due", "out", "excess"]
    made = [
        RestockLine.objects.create(
            sku=shop.skus["CUP"], marketplace=f"m{n}", account=other if n == 3 else shop.account,
            urgency=kind, order_by=day, **values,
        ).pk
        for n, (kind, day) in enumerate(zip(kinds, days, strict=True))
    ]  # fmt: skip
    expected = [made[2], made[4], made[1], made[3], made[0], made[5]]
    for size in (1, 2, 5):
        seen, after = [], ""
        while True:
            page = queries.lines(CLERK_LI, run.pk, Filter("all"), after=after, limit=size)
            seen += [row["id"] for row in page.rows]
            after = page.next
            if not after:
                break
        assert seen == expected
    assert [row["id"] for row in queries.lines(CLERK_LI, run.pk, Filter()).rows] == expected[:4]
    narrow = Actor("user", 9, "N", CLERK_LI.operations, accounts=frozenset({shop.account.pk}))
    assert made[3] not in [row["id"] for row in queries.lines(narrow, run.pk, Filter("all")).rows]
    assert queries.counts(narrow, run.pk)["all"] == 5
    with pytest.raises(BusinessError):
        queries.line(narrow, made[3])
    assert queries.lines(CLERK_LI, run.pk, Filter("all", sku="cu")).rows
    assert not queries.lines(CLERK_LI, run.pk, Filter("all", sku="c%")).rows
    with pytest.raises(BusinessError):
        queries.lines(CLERK_LI, run.pk, Filter(), after="x~y")


def test_settings(shop: Shop) -> None:
    manager = Actor("user", 1, "M", of_role(MANAGER))
    assert options.change(actor=manager, safety_days=30).safety_days == 30
    assert options.current().safety_days == 30 and options.current().review_days == 7
    with pytest.raises(BusinessError, match=r"restock\.bad_setting"):
        options.change(actor=manager, safety_days=-1)
    with pytest.raises(BusinessError, match=r"restock\.bad_setting"):
        options.change(actor=manager, weight_7=0, weight_30=0, weight_90=0)
    with pytest.raises(NotAllowed):
        options.change(actor=CLERK_LI, safety_days=1)
    assert settings_store.get(options.NAME)["safety_days"] == 30


def test_books_and_platform_are_compared_and_nothing_is_changed(shop: Shop) -> None:
    place = platform_warehouse(shop)
    location = Location.objects.create(warehouse=place, kind=Location.PLATFORM, code="STOCK")
    for code, ours in (("CUP", 100), ("LAMP", 50), ("CABLE", 5)):
        Level.objects.create(location=location, sku=shop.skus[code], quantity=ours)
    at_platform(shop, "CUP", fulfillable=80, reserved_transfer=15, unfulfillable=1)
    at_platform(shop, "LAMP", fulfillable=40, inbound_receiving=10)
    at_platform(shop, "CABLE", fulfillable=3, reserved_customer=2)
    found = {one.sku: one for one in queries.differences(CLERK_LI)}
    assert set(found) == {"CUP", "LAMP"}
    cup = found["CUP"]
    assert (cup.ours, cup.theirs, cup.difference, cup.cause) == (100, 96, -4, "in_transfer")
    assert (found["LAMP"].difference, found["LAMP"].cause) == (-10, "inbound")
    assert queries.cause_of(-3, {"fulfillable": 1}) == "lost" and queries.cause_of(2, {}) == "found"
    assert Level.objects.get(sku=shop.skus["CUP"]).quantity == 100
    narrow = Actor("user", 9, "N", CLERK_LI.operations, accounts=frozenset())
    assert queries.differences(narrow) == []


def test_the_evening_is_written_once_with_what_the_platform_said(shop: Shop) -> None:
    cup, lamp, place = shop.skus["CUP"], shop.skus["LAMP"], platform_warehouse(shop)
    Stock.objects.filter(sku=cup).update(sellable=7)
    Stock.objects.create(warehouse=place, sku=cup, sellable=100)
    Stock.objects.create(warehouse=place, sku=lamp, sellable=4)
    at_platform(shop, "CUP", fulfillable=80)
    yesterday = today() - timedelta(days=1)
    assert snapshots.snapshot() == {shop.warehouse.pk: yesterday, place.pk: yesterday}
    rows = set(DailyStock.objects.values_list("warehouse_id", "sku__code", "sellable", "day"))
    assert {row for row in rows if row[2]} == {
        (shop.warehouse.pk, "CUP", 7, yesterday),
        (place.pk, "CUP", 80, yesterday),
        (place.pk, "LAMP", 4, yesterday),
    }
    Stock.objects.update(sellable=1)
    assert snapshots.snapshot() == {}
    evening(shop.warehouse, cup, snapshots.KEEP_DAYS + 3, 1)
    assert snapshots.purge() == 1


def test_the_next_morning() -> None:
    seconds = until_next("Asia/Shanghai")
    assert 0 < seconds <= 86400
    at = (clock.now() + timedelta(seconds=seconds)).astimezone(ZoneInfo("Asia/Shanghai"))
    assert (at.hour, at.minute) in ((4, 0), (3, 59))


@pytest.fixture
def many(committed_db: Any, acme: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    monkeypatch.setattr(restock, "BATCH", 4)
    with tenant_context(acme):
        shop = make_shop(stock=5)
        now = clock.now()
        ids = [sku.pk for sku in shop.skus.values()]
        for n in range(9):
            sku = Sku.objects.create(code=f"K{n}", code_key=code_key(f"K{n}"), created_at=now, updated_at=now)
            Stock.objects.create(warehouse=shop.warehouse, sku=sku, sellable=2)
            ids.append(sku.pk)
        yield ids


class Killed(BaseException):
    pass


def test_a_killed_run_goes_on_and_has_each_line_once(many: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = restock.write, []

    def dies(*args: Any) -> int:
        calls.append(args)
        made = real(*args)
        if len(calls) == 2:
            raise Killed
        return made

    monkeypatch.setattr(restock, "write", dies)
    restock.run_now(actor=CLERK_LI)
    with pytest.raises(Killed):
        outbox.drain()
    assert RestockLine.objects.count() == 4 and queries.latest(CLERK_LI) is None
    past = clock.wall() - timedelta(hours=1)
    Outbox.objects.update(lease_until=past, available_at=past)
    Job.objects.exclude(lease_until=None).update(lease_until=past)
    outbox.drain()
    run = RestockRun.objects.get()
    assert run.finished_at and run.lines_count == 12
    assert sorted(RestockLine.objects.values_list("sku_id", flat=True)) == sorted(many)


def test_old_runs_are_forgotten(many: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restock, "KEPT_RUNS", 2)
    for _ in range(4):
        restock.run_now(actor=CLERK_LI)
        outbox.drain()
    assert RestockRun.objects.count() == 2 and RestockLine.objects.count() == 24


def test_it_runs_by_itself(many: list[int], acme: str) -> None:
    due.schedule(acme, "fba.restock", "", 86400, first_at=clock.now())
    due.schedule(acme, "inventory.daily_stock", "", 1800, first_at=clock.now())
    while due.drain():
        pass
    outbox.drain()
    run = RestockRun.objects.get()
    assert run.finished_at and run.actor_label == "restock"
    assert DailyStock.objects.count() == len(many) == len(figures.next_skus((-1, 0), 99))
    row = due.state(acme, "fba.restock", "")
    assert row is not None and row.due_at > clock.now()


def test_two_who_press_at_once_start_one_run(committed_db: Any, acme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would see that none is under way, before the other one has started."""
    from tests.orders.test_hand_races import at_once

    real, looked = restock.running, threading.Barrier(2)

    def both_look() -> bool:
        found = real()
        with contextlib.suppress(threading.BrokenBarrierError):
            looked.wait(2)
        return found

    monkeypatch.setattr(restock, "running", both_look)
    made = at_once(lambda: restock.run_now(actor=CLERK_LI).state, times=2)
    assert sorted(made) == ["queued", "restock.running"]

"""One rehearsal from the empty folder to the reconciliation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from core import bulk, clock
from core.central import due
from core.tenancy import public_context, tenant_context

from . import progress, scenario, seeding
from .build import PlanOptions, make_plan
from .control import Control
from .director import Director
from .killing import Killer, plan_kills
from .people import People, steady
from .plan import RehearsalPlan
from .reconcile import Report, reconcile
from .reconcile.facts import AccountFacts, Facts
from .scenario import NEW_NAME, Scenario
from .seeding import World
from .shop import Shop, furnish, open_shop
from .stage import Stage

SMALL = 2000  # orders up to which every parcel is weighed and every way told step by step
ROUND = 0.25  # real seconds between two rounds of the people
LAG = 600.0  # business seconds: Amazon shows changes after two minutes, accounts are read every few minutes
TALK = 5.0  # real seconds between two lines of progress
CARRIER_NAMES = {
    ("yunexpress", "amazon"): "Yun Express",
    ("yunexpress", "ebay"): "YunExpress",
    ("pool", "amazon"): "China Post",
    ("pool", "ebay"): "China Post",
}


@dataclass(frozen=True)
class Wishes:
    """What the caller asked for. ``patience``: real seconds without any movement after which the run is given up."""

    orders: str
    accounts: int = 4
    faults: str = "none"
    kills: int = 0
    limits: bool = True
    speed: float = 120.0
    seed: int = 1
    hours: float = 6.0
    patience: float = 180.0
    in_run: float = 0.15
    run_seconds: float = 0.0  # business seconds in which late things happen; 0: by the number of orders
    limit: int | None = None


@dataclass
class Result:
    """What came of it, for table and JSON."""

    plan: RehearsalPlan
    report: Report
    seconds: dict[str, float] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    world: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    kills: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    gave_up: str = ""

    @property
    def differences(self) -> int:
        return len(self.report.differences)


class Rehearsal:
    """Plays one run on a stage that has been started."""

    def __init__(self, wishes: Wishes, stage: Stage, say: Callable[[str], None]) -> None:
        self.wishes, self.stage, self.say = wishes, stage, say
        self.control = Control(stage.plan.simulators_url)
        self.number = stage.given.number
        self.begun = clock.monotonic()
        self.seconds: dict[str, float] = {}
        self.waits = ""
        self.asked = 0.0

    def play(self) -> Result:
        """Set up, work, compare. Raises what the setting up raises; what goes wrong later is in the result."""
        plan, parts, run_seconds, start = self._plan()
        shop = open_shop(self.number, f"Rehearsal {self.number}")
        furnish(shop, parts, self.control, self.number, self.stage.web_url, self.wishes.seed)
        self._lap("tenant, catalogue and stock")
        world = seeding.fill(parts, self.control)
        self._lap("simulators filled")
        seeding.connect(shop, parts, world, scenario.horizon(start, self.wishes.hours))
        if len(plan.orders) <= SMALL:
            seeding.call_us(parts, self.control, self.stage.web_url)
        self.control.post("/faults", {"profile": self.wishes.faults, "seed": self.wishes.seed})
        self._lap("accounts connected")
        big = len(plan.orders) > SMALL
        people = People(shop, parts, self.wishes.seed, weigh_share=0.1 if big else 1.0)
        share = 0.1 if big else 1.0
        director = Director(shop, parts, world, self.control, self.wishes.seed, start, run_seconds, story_share=share)
        killer = Killer(self.stage, plan_kills(self.wishes.kills, self.stage.killable(), self.wishes.seed))
        gave_up = self._work(shop, parts, people, director, killer)
        self._lap("work")
        self.control.post("/faults", {"profile": "none", "seed": self.wishes.seed})
        last = progress.look(shop.schema)
        report = reconcile(self._facts(shop, parts, world), self.control, self.say)
        self._lap("reconciliation")
        return Result(
            plan=plan,
            report=report,
            seconds=self.seconds,
            parts=parts.summary(),
            people=dict(people.done),
            world=dict(director.done),
            refused=dict(people.refused) | {f"{act} refused by the platform": 1 for act, _, _ in world.refused},
            kills=[str(kill) for kill in killer.kills],
            faults=self.control.get("/faults")["counts"],
            missing=self._missing(shop, last, director) if gave_up else {},
            states=last.states,
            gave_up=gave_up,
        )

    def _plan(self) -> tuple[RehearsalPlan, Scenario, float, datetime]:
        wishes, now = self.wishes, clock.now()
        count = int(wishes.orders) if wishes.orders.isdigit() else 20_000
        # Enough business time that limits refill and things happen while work is going on, about half of the real time.
        run_seconds = wishes.run_seconds or wishes.speed * min(300.0, 12.0 + count / 60)
        options = PlanOptions(
            now=now,
            seed=wishes.seed,
            accounts=wishes.accounts,
            prefix=f"r{self.number}",
            hours=wishes.hours,
            in_run=wishes.in_run,
            run_seconds=run_seconds,
        )
        plan = make_plan(wishes.orders, options, wishes.limit)
        parts = scenario.write(plan, seed=wishes.seed, now=now, run_seconds=run_seconds)
        summary = plan.summary()
        self.say(
            f"plan: {summary['orders']} orders, {summary['lines']} lines, {summary['skus']} SKUs, seed {wishes.seed}"
        )
        self._lap("plan")
        return plan, parts, run_seconds, now

    def _lap(self, name: str) -> None:
        now = clock.monotonic()
        self.seconds[name] = round(now - self.begun, 1)
        self.say(f"{name}: {self.seconds[name]} s")
        self.begun = now

    # -- the work --------------------------------------------------------------------------------------------------------

    def _work(self, shop: Shop, parts: Scenario, people: People, director: Director, killer: Killer) -> str:
        """Rounds of everybody until all is done; the reason when it was given up."""
        expected = len(parts.plan.orders)
        talked = moved = clock.monotonic()
        best: list[int] = []
        while True:
            director.play()
            if director.goods_due():
                people.take_delivery()
                director.goods_came = True
            people.look_around(may_let_go=director.combinations_played)
            steady(director.take_returns)
            now, there = clock.monotonic(), progress.look(shop.schema)
            kill = killer.strike(self._share(there, expected))
            if kill is not None:
                self.say(str(kill))
            if there.further(best):
                moved = now
            if now - talked >= TALK:
                talked = now
                self.say(f"{there.line()}  {self.waits}".rstrip())
            if self.stage.dead():
                return f"a process was given up: {self.stage.dead()[0].splitlines()[0]}"
            if self._all_done(there, director) and not self._unread(shop, director.world):
                if killer.planned:
                    forced = killer.force()
                    if forced is not None:
                        self.say(str(forced))
                    continue
                self.waits = self._unsettled(shop, director)
                if not self.waits:
                    return ""
            if now - moved > self.wishes.patience:
                return f"nothing moved for {self.wishes.patience:.0f} s {self.waits}".strip()
            clock.sleep(ROUND)

    def _unread(self, shop: Shop, world: World) -> int:
        """Orders of the platforms that do not stand in Sampan yet; those that became part of another one need not."""
        gone = {(each.account, world.ids[each.account, ref]) for each, _ in world.combined for ref in each.refs}
        wanted = {(name, external) for (name, _), external in world.ids.items()} - gone
        wanted |= {(each.account, external) for each, external in world.combined}
        with tenant_context(shop.schema):
            rows = steady(lambda: bulk.fetch("SELECT account_id, external_id FROM orders_order"))
        there = {(row[0], row[1]) for row in rows}
        return sum((shop.accounts[name], external) not in there for name, external in wanted)

    def _share(self, there: progress.Progress, expected: int) -> float:
        """How much of the work is done, by the stages that an order goes through."""
        if not expected:
            return 1.0
        return (there.orders + there.booked + there.confirmed + there.delivered) / (4 * expected)

    def _all_done(self, there: progress.Progress, director: Director) -> bool:
        return (
            there.orders > 0
            and there.ended == there.orders
            and there.unconfirmed == 0
            and there.open_work == 0
            and there.raw_new == 0
            and not director.left()
        )

    def _unsettled(self, shop: Shop, director: Director) -> str:
        """What may still move: the last acts are not read yet, questions wait, calls are owed, jobs run. '' if nothing."""
        with tenant_context(shop.schema):
            behind, waiting, asked = steady(
                lambda: bulk.fetch(
                    "SELECT (SELECT count(*) FROM channels_cursor WHERE job IN ('orders', 'messages') AND position < %s),"
                    " (SELECT count(*) FROM crm_conversation WHERE waiting_since IS NOT NULL),"
                    " (SELECT count(*) FROM crm_message WHERE direction = 'out' AND state <> 'sent')",
                    [director.last_act],
                )
            )[0]
        owed = self.control.get(f"/seventeentrack/accounts/{shop.tracker_account}/webhooks")["owed"]
        lagging = (clock.now() - director.last_act).total_seconds() > LAG
        if behind and lagging and clock.monotonic() - self.asked > TALK:
            self.asked = clock.monotonic()
            self._read_now(shop)
        left = {"accounts to read": behind, "questions": waiting, "answers": asked, "calls owed": owed}
        words = ", ".join(f"{name} {count}" for name, count in left.items() if count)
        return f"({words})" if words else ("" if self._idle(shop) else "(jobs run)")

    def _read_now(self, shop: Shop) -> None:
        for account in shop.accounts.values():
            for job in ("orders.pull", "messages.pull"):
                steady(lambda account=account, job=job: due.run_now(shop.schema, job, str(account)))  # type: ignore[misc]

    def _idle(self, shop: Shop) -> bool:
        """No job of the tenant is running, so nobody writes while we compare."""
        with public_context():
            rows = steady(
                lambda: bulk.fetch(
                    "SELECT count(*) FROM public.central_due WHERE schema = %s AND lease_until > %s",
                    [shop.schema, clock.wall()],
                )
            )
        return bool(rows[0][0] == 0)

    # -- the end ---------------------------------------------------------------------------------------------------------

    def _facts(self, shop: Shop, parts: Scenario, world: World) -> Facts:
        connection.close()
        return Facts(
            schema=shop.schema,
            accounts=[
                AccountFacts(world.platform(name), name, account) for name, account in sorted(shop.accounts.items())
            ],
            carrier_account=shop.carrier_account,
            carrier_names=CARRIER_NAMES,
            names_given={(name, world.ids[name, ref]): NEW_NAME for name, ref in parts.nameless},
            cancelled_unseen={(name, world.ids[name, ref]) for name, ref in world.cancelled_before},
        )

    def _missing(self, shop: Shop, last: progress.Progress, director: Director) -> dict[str, int]:
        """What had not happened when the run was given up."""
        found: dict[str, int] = {f"not played: {name}": count for name, count in director.left().items()}
        found |= {f"orders {state}": n for state, n in last.states.items() if state not in progress.ENDED}
        unread = self._unread(shop, director.world)
        if unread:
            found["orders not read"] = unread
        for name in ("unconfirmed", "refused", "raw_new", "raw_dead", "open_work", "dead"):
            count = getattr(last, name)
            if count:
                found[name] = count
        return found


def to_json(result: Result, wishes: Wishes) -> dict[str, Any]:
    """Everything about a run; at most 50 differences are listed, ``differences`` counts all."""
    return {
        "wishes": wishes.__dict__,
        "plan": result.plan.summary(),
        "parts": result.parts,
        "seconds": result.seconds,
        "people": result.people,
        "world": result.world,
        "refused": result.refused,
        "kills": result.kills,
        "faults": result.faults,
        "compared": dict(result.report.counts),
        "open": dict(result.report.open),
        "states": result.states,
        "gave_up": result.gave_up,
        "missing": result.missing,
        "listed": [one.to_json() for one in result.report.differences[:50]],
        "differences": result.differences,
    }

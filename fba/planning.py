"""Pure: from the figures of a batch of SKUs to its restock lines.

Own free stock is shared: platforms and own demand get the same days of cover from it, so that no unit is counted in two
lines. Only warehouses of kind *own* send to platforms; the others keep what they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from typing import Any

from fba.figures import LONGEST, Choice, Figures, Item, Sold
from fba.models import RestockLine
from fba.options import Options
from fba.terms import Packed, pack
from inventory.demand import (
    Claim,
    CoverSettings,
    LeadTime,
    Packing,
    Request,
    Stock,
    Suggestion,
    Term,
    fair_shares,
    suggest,
    velocity,
)
from inventory.demand.position import AT_PLATFORM, INBOUND
from inventory.demand.terms import FACTOR, PER_DAY

URGENCY = {
    "out": RestockLine.OUT,
    "late": RestockLine.LATE,
    "order": RestockLine.DUE,
    "ok": RestockLine.OK,
    "excess": RestockLine.EXCESS,
    "no_demand": RestockLine.IDLE,
}
FARTHEST = 3650  # days: a date beyond ten years says nothing


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the result; dates in the run's zone."""

    sku_id: int
    account_id: int | None
    marketplace: str
    warehouse_id: int | None
    velocity: float
    position: int
    cover_days: float | None
    stockout_on: Any
    order_by: Any
    send: int
    buy: int
    urgency: str
    terms: Packed


def plan(figures: Figures, options: Options) -> Iterator[Line]:
    """Lines of all SKUs of a batch, by SKU. A SKU that is nowhere and was not sold gives none."""
    families = _families(figures)
    platforms: dict[int, list[tuple[int, str]]] = {}
    for sku, account, marketplace in sorted({*figures.parts, *figures.platform_sold}):
        platforms.setdefault(sku, []).append((account, marketplace))
    settings = Settings(options)
    for sku in sorted(figures.items):
        yield from _Sku(figures, settings, figures.items[sku], families).lines(platforms.get(sku, []))


class Settings:
    """The options as the mathematics takes them, made once for a batch; some of them a SKU's own."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.velocity, self.position, self.plain = options.velocity(), options.position(), options.cover()
        self.to_platform = options.to_platform()
        self._leads: dict[tuple[int, bool], LeadTime] = {}

    def lead(self, days: int, *, for_platform: bool) -> LeadTime:
        found = self._leads.get((days, for_platform))
        if found is None:
            found = self._leads[days, for_platform] = self.options.bought(days, for_platform=for_platform)
        return found

    def cover(self, choice: Choice | None) -> CoverSettings:
        """Days of safety that somebody chose for a SKU win over the service level too."""
        if choice is None or choice.safety_days is None:
            return self.plain
        return replace(self.plain, safety_days=choice.safety_days, service_level=None)


def grown(speed: Term, growth: float | None) -> Term:
    """What is expected to be sold a day: ``growth`` times what was."""
    if growth is None or growth == 1:
        return speed
    inputs = (speed, Term("growth", growth, FACTOR, "choice"))
    return Term("velocity.grown", speed.number * growth, PER_DAY, "formula", inputs)


def _families(figures: Figures) -> dict[tuple[int, int], tuple[float, int]]:
    """{(product, place): (units a day of its SKUs together, how many)} of those known for the whole longest window."""
    made: dict[tuple[int, int], tuple[float, int]] = {}
    for (sku, place), sold in figures.own_sold.items():
        item = figures.items[sku]
        windows = figures.windows(sold, figures.shelves.get((sku, place)))
        if item.product is not None and windows[-1].known >= LONGEST and windows[-1].in_stock:
            total, count = made.get((item.product, place), (0.0, 0))
            made[item.product, place] = total + windows[-1].sold / windows[-1].in_stock, count + 1
    return made


class _Sku:
    def __init__(
        self, figures: Figures, settings: Settings, item: Item, families: dict[tuple[int, int], tuple[float, int]]
    ) -> None:
        self.figures, self.settings, self.item, self.families = figures, settings, item, families
        self.choice = figures.choices.get(item.id)
        self.cover = settings.cover(self.choice)
        self.packing = Packing(moq=max(0, item.moq if item.moq > 1 else 0), carton=max(1, item.carton))

    def lines(self, platforms: list[tuple[int, str]]) -> Iterator[Line]:
        sku = self.item.id
        speeds = {key: self._speed(self.figures.platform_sold.get((sku, *key)), -key[0]) for key in platforms}
        sites = [
            site
            for site in self.figures.sites
            if self.figures.free.get((sku, site.id)) or (sku, site.id) in self.figures.own_sold
        ]
        own = {site.id: self._speed(self.figures.own_sold.get((sku, site.id)), site.id) for site in sites}
        free = {site.id: max(0, self.figures.free.get((sku, site.id), 0)) for site in sites}
        shippers = [site.id for site in sites if site.ships]
        shares, kept = self._share(platforms, speeds, own, {pk: free[pk] for pk in shippers})
        for key in platforms:
            yield self._platform(key, speeds[key], shares[key])
        for site in sites:
            yield self._own(site.id, site.ships, own[site.id], kept.get(site.id, free[site.id]))

    def _speed(self, sold: Sold | None, place: int) -> Term:
        shelf = self.figures.shelves.get((self.item.id, place))
        windows = self.figures.windows(sold or Sold(), shelf)
        family = self.families.get((self.item.product, place)) if self.item.product is not None else None
        # A mean of one other is no mean.
        mean = family[0] / family[1] if family and family[1] >= 3 else None
        speed = velocity(windows, self.settings.velocity, mean)
        return grown(speed, self.choice.growth if self.choice else None)

    def _share(
        self,
        platforms: list[tuple[int, str]],
        speeds: dict[tuple[int, str], Term],
        own: dict[int, Term],
        free: dict[int, int],
    ) -> tuple[dict[tuple[int, str], int], dict[int, int]]:
        """(units each platform may count, units each sending warehouse keeps for its own buyers)."""
        if not platforms:
            return {}, free
        supply = sum(free.values())
        claims = [
            Claim(f"{n}", speeds[key].number, self._there(self.figures.parts.get((self.item.id, *key), {})))
            for n, key in enumerate(platforms)
        ]
        claims += [Claim(f"own {pk}", own[pk].number, 0) for pk in free]
        shares = fair_shares(supply, claims).units
        given = {key: shares[f"{n}"] for n, key in enumerate(platforms)}
        kept = {pk: shares[f"own {pk}"] for pk in free}
        if not any(claim.per_day > 0 for claim in claims):  # nobody asks: it stays where it is
            return given, free
        return given, kept

    def _there(self, parts: dict[str, int]) -> int:
        switches = self.settings.position.switches
        return sum(max(0, parts.get(code, 0)) for code in (*AT_PLATFORM, *INBOUND) if switches.get(code))

    def _platform(self, key: tuple[int, str], speed: Term, share: int) -> Line:
        parts = dict(self.figures.parts.get((self.item.id, *key), {}))
        if share:
            parts["local_free"] = share
        lead = self.settings.lead(self.item.lead_days, for_platform=True)
        made = self._suggest(speed, parts, lead, self.settings.to_platform)
        return self._line(made, key[0], key[1], None)

    def _own(self, warehouse: int, ships: bool, speed: Term, free: int) -> Line:
        parts = {"local_free" if ships else "overseas": free} if free else {}
        lead = self.settings.lead(self.item.lead_days, for_platform=False)
        return self._line(self._suggest(speed, parts, lead, None), None, "", warehouse)

    def _suggest(self, speed: Term, parts: dict[str, int], lead: LeadTime, send: LeadTime | None) -> Suggestion:
        return suggest(
            Request(
                today=self.figures.day,
                velocity=speed,
                stock=Stock(parts),
                buy_lead=lead,
                send_lead=send,
                cover=self.cover,
                position=self.settings.position,
                buy_packing=self.packing,
                send_packing=Packing(carton=self.packing.carton),
                whole_projection=False,
            )
        )

    def _line(self, made: Suggestion, account: int | None, marketplace: str, warehouse: int | None) -> Line:
        cover = made.cover_days.value
        beyond = self.figures.day + timedelta(days=FARTHEST)
        out, latest = made.stock_out.value, made.latest_order.value
        return Line(
            sku_id=self.item.id,
            account_id=account,
            marketplace=marketplace,
            warehouse_id=warehouse,
            velocity=round(made.velocity.number, 4),
            position=ceil(made.buy.position.number),
            cover_days=round(float(cover), 2) if isinstance(cover, int | float) else None,
            stockout_on=out if out is None or out < beyond else None,  # type: ignore[operator]
            order_by=latest if latest is None or latest < beyond else None,  # type: ignore[operator]
            send=made.send.quantity if made.send else 0,
            buy=made.buy.quantity,
            urgency=URGENCY[made.state],
            terms=pack(made),
        )

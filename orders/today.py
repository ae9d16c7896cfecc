"""What Today shows of orders and of what they come from: tiles, first steps, the days' chart, parcels, sync health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels import permissions as channel_permissions
from channels.models import Account
from channels.queries import accounts
from core import clock
from core.permissions import Actor
from core.ui import desk, first_run, menu, panels, today
from core.ui.first_run import Step
from core.ui.today import LATE, NOW, SOON, Tile
from core.words import formats
from inventory import permissions as stock_permissions
from logistics import permissions as carrier_permissions
from logistics.states import BOOKING, FAILED, HANDED, PACKED, QUEUED, READY, WAITING
from orders import pages, permissions, queries_today, views_settings

DAYS = 14
# Dead letters that have a tile of their own, which opens the list where they are mended.
OWN_TILES = ("message", "booking")
IN_HOUSE = (QUEUED, BOOKING, WAITING, FAILED, READY, PACKED, HANDED)


def tiles(actor: Actor) -> Iterable[Tile]:
    """Orders that wait for a person."""
    if not actor.can(permissions.VIEW):
        return
    late, oldest = queries_today.overdue(actor)
    since = gettext("the oldest since {span}").format(
        span=formats.span((clock.now() - oldest).total_seconds()) if oldest else ""
    )
    yield Tile(
        "overdue", _("Overdue"), late, LATE, "orders:index", "tab=to_ship&overdue=1", since if late else "", "clock"
    )
    counts = queries_today.open_counts(actor)
    for key, label, urgency, icon in (
        ("failed", _("Booking failed"), NOW, "alert-triangle"),
        ("address", _("Address to correct"), NOW, "map-pin"),
        ("unmatched", _("Listing without SKU"), NOW, "unlink"),
        ("short", _("Short of stock"), NOW, "box"),
        ("held", _("On hold"), NOW, "player-pause"),
        ("ready", _("Ready to book"), SOON, "truck-delivery"),
        ("booked", _("Label ready, to send"), SOON, "package"),
    ):
        yield Tile(key, label, counts[key], urgency, "orders:index", f"tab={key}", icon=icon)


def channel_tiles(actor: Actor) -> Iterable[Tile]:
    """What hangs between the marketplaces and us, and everything else that gave up: a tile for each tab of the desk."""
    if actor.can(channel_permissions.VIEW):
        sick = accounts(actor).filter(health__in=(Account.RECONNECT, Account.FAILING)).count()
        yield Tile("reconnect", _("Accounts to look after"), sick, LATE, "channels:accounts", "tab=sick", icon="plug")
    for source in desk.sources(actor):
        if source.key in OWN_TILES:
            continue
        urgency = LATE if source.key == "confirm" else NOW
        count = source.count(actor)
        yield Tile(
            f"dead.{source.key}",
            source.label,
            count,
            urgency,
            "channels:deadletters",
            f"tab={source.key}",
            icon="mail-x",
        )


TOP_ACCOUNTS, TOP_CURRENCIES = 5, 6


def days_panel(request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
    """Orders placed a day, by account, in the tenant's zone; or their amounts, in one currency at a time (``?sales=EUR``)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    last = clock.day_in(actor.timezone)
    days = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    found = queries_today.by_day(actor, DAYS, actor.timezone)
    if not found:
        return None
    orders: dict[str, int] = {}
    for _day, _name, currency, n, _amount in found:
        orders[currency] = orders.get(currency, 0) + n
    currencies = sorted(orders, key=lambda code: (-orders[code], code))[:TOP_CURRENCIES]
    asked = request.GET.get("sales", "")
    currency = asked if asked in currencies else ""
    cells: dict[tuple[date, str], Decimal] = {}
    for day, name, code, n, amount in found:
        if not currency or code == currency:
            cells[day, name] = cells.get((day, name), Decimal(0)) + (amount if currency else n)
    series, columns = _series(days, cells)
    labels = [formats.day(day) for day in days]
    table = [(label, list(row), sum(row)) for label, row in zip(labels, zip(*columns, strict=True), strict=True)]
    return "orders/_today_days.html", {
        "chart": {"labels": labels, "series": series},
        "table": table[::-1],
        "days": DAYS,
        "currency": currency,
        "currencies": currencies,
    }


def _series(
    days: Sequence[date], cells: Mapping[tuple[date, str], Decimal]
) -> tuple[list[dict[str, Any]], list[list[Decimal]]]:
    """The chart's series and the same as columns: the largest accounts by name, all others as one."""
    totals: dict[str, Decimal] = {}
    for (_day, name), value in cells.items():
        totals[name] = totals.get(name, Decimal(0)) + value
    names = sorted(totals, key=lambda name: (-totals[name], name))
    top, rest = names[:TOP_ACCOUNTS], names[TOP_ACCOUNTS:]
    groups = [[name] for name in top] + ([rest] if rest else [])
    columns = [
        [sum((cells.get((day, name), Decimal(0)) for name in group), Decimal(0)) for day in days] for group in groups
    ]
    series = [
        {"name": group[0] if group is not rest else gettext("other accounts"), "values": [_plain(v) for v in column]}
        for group, column in zip(groups, columns, strict=True)
    ]
    return series, columns


def _plain(value: Decimal) -> int | float:
    """As the chart reads it: rounded, no more figures than money has."""
    return int(value) if value == value.to_integral_value() else round(float(value), 2)


def parcels_panel(request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
    """Parcels that are not at their end, by state."""
    rows = queries_today.parcels_by_state(request.actor, IN_HOUSE)  # type: ignore[attr-defined]
    if not rows:
        return None
    total = sum(rows.values())
    shown = [(state, rows[state], max(1, rows[state] * 100 // total)) for state in IN_HOUSE if rows.get(state)]
    return "orders/_today_parcels.html", {"parcels": shown, "total": total}


def sync_panel(request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
    """Each account with its health and how fresh it is."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    rows = list(
        accounts(actor)
        .exclude(health=Account.GONE)
        .order_by("health", "name")
        .values("pk", "name", "platform", "health", "health_code", "health_params", "last_success_at")[:30]
    )
    if not rows:
        return None
    rows.sort(key=lambda row: row["health"] == Account.OK)
    return "orders/_today_sync.html", {"rows": rows}


def account_panel(request: HttpRequest, account_id: int) -> tuple[str, dict[str, Any]] | None:
    """On an account's page: how many of its orders were taken in and how many wait, from the kept counts."""
    counts = queries_today.of_account(request.actor, account_id)  # type: ignore[attr-defined]
    return "orders/_account_panel.html", {"counts": counts, "account_id": account_id}


def register() -> None:
    """Called when the app is ready."""
    menu.register(
        menu.Entry("orders", _("Orders"), "shopping-cart", "orders:index", 10, permissions.VIEW, pages.waiting)
    )
    today.register_tiles("orders", tiles)
    today.register_tiles("channels", channel_tiles)
    panels.register("today.main", "orders.days", days_panel, position=10, operation=permissions.VIEW)
    panels.register("today.side", "orders.parcels", parcels_panel, position=20, operation=permissions.VIEW)
    panels.register("channels.reading", "orders.counts", account_panel, operation=permissions.VIEW)
    panels.register("today.side", "channels.sync", sync_panel, position=10, operation=channel_permissions.VIEW)
    # Carriers know nothing of orders; whether these go to them by themselves belongs on their page all the same.
    panels.register("carriers.main", "orders.auto_book", views_settings.panel, operation=permissions.VIEW)
    _steps()


def _steps() -> None:
    """From an empty company to the first parcel. Each condition is an EXISTS that one row or an index answers."""
    for step in (
        Step(
            "account",
            10,
            _("Connect a sales channel"),
            _("Its orders and messages come in by themselves from then on."),
            _("Connect a channel"),
            "channels:connect",
            "EXISTS (SELECT 1 FROM channels_account)",
            channel_permissions.CONNECT,
        ),
        Step(
            "carrier",
            20,
            _("Connect a carrier and choose a service"),
            _("Parcels are booked with it and labels come from it."),
            _("Connect a carrier"),
            "logistics:carriers",
            "EXISTS (SELECT 1 FROM logistics_service WHERE active)",
            carrier_permissions.CONNECT,
        ),
        Step(
            "warehouse",
            30,
            _("Name the warehouse that you ship from"),
            _("With its address: it is printed as the sender, and carriers refuse parcels without one."),
            _("Add the warehouse"),
            "inventory:warehouses",
            "EXISTS (SELECT 1 FROM inventory_warehouse WHERE kind = 'own' AND active AND sender ->> 'city' <> '')",
            stock_permissions.EDIT_WAREHOUSE,
        ),
        Step(
            "skus",
            40,
            _("Add your products with their weights"),
            _("From a sheet, or one by one. Listings with the same code are matched by themselves."),
            _("Import products"),
            "inventory:import",
            "EXISTS (SELECT 1 FROM inventory_sku)",
            stock_permissions.EDIT_CATALOGUE,
        ),
        Step(
            "listings",
            50,
            _("Match the listings that have another code"),
            _("An order can only be sent when it is known which product each of its listings is."),
            _("Match listings"),
            "orders:listings",
            # Later ones have a tile of their own: who has sent a parcel is past the first steps.
            "EXISTS (SELECT 1 FROM channels_listing WHERE sku_id IS NOT NULL)"
            " AND (NOT EXISTS (SELECT 1 FROM channels_listing WHERE sku_id IS NULL AND NOT platform_fulfilled)"
            " OR EXISTS (SELECT 1 FROM channels_confirmation WHERE state = 'confirmed'))",
            permissions.EDIT,
        ),
        Step(
            "stock",
            60,
            _("Receive your opening stock"),
            _("What lies on the shelf today, and what it cost. Orders are reserved from it."),
            _("Receive stock"),
            "inventory:receive",
            "EXISTS (SELECT 1 FROM inventory_move)",
            stock_permissions.RECEIVE,
        ),
        Step(
            "rules",
            70,
            _("Publish the first rule"),
            _("Rules choose warehouse and service for each order; every choice is explained."),
            _("Open the rules"),
            "orders:rules",
            "EXISTS (SELECT 1 FROM orders_ruleset)",
            permissions.RULES,
        ),
        Step(
            "parcel",
            80,
            _("Send the first parcel"),
            _("Book it, print the label, weigh it and hand it over; the marketplace is told by itself."),
            _("See what is ready"),
            "orders:index",
            "EXISTS (SELECT 1 FROM channels_confirmation WHERE state = 'confirmed')",
            permissions.VIEW,
            query="tab=ready",
        ),
    ):
        first_run.register(step)
    first_run.register_offer(
        first_run.Offer("rules", _("Publish the simplest rule"), "orders:first_rule", "bolt", permissions.RULES)
    )

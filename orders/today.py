"""What Today shows of orders and of what they come from: tiles, first steps, the days' chart, parcels, sync health."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels import permissions as channel_permissions
from channels.models import Account, Confirmation, RawPayload
from channels.queries import accounts
from core import clock
from core.permissions import Actor
from core.ui import menu, panels, today
from core.ui.today import LATE, NOW, SOON, Step, Tile
from core.words import formats
from inventory.models import Sku, Warehouse
from logistics.models import CarrierAccount
from logistics.states import BOOKING, FAILED, HANDED, PACKED, QUEUED, READY, WAITING
from orders import pages, permissions, queries, queries_page
from orders.models import RuleSet

DAYS = 14
IN_HOUSE = (QUEUED, BOOKING, WAITING, FAILED, READY, PACKED, HANDED)


def tiles(actor: Actor) -> Iterable[Tile]:
    """Orders that wait for a person."""
    if not actor.can(permissions.VIEW):
        return
    late, oldest = queries_page.overdue(actor)
    since = gettext("the oldest since {span}").format(
        span=formats.span((clock.now() - oldest).total_seconds()) if oldest else ""
    )
    yield Tile(
        "overdue", _("Overdue"), late, LATE, "orders:index", "tab=to_ship&overdue=1", since if late else "", "clock"
    )
    counts = queries.tabs(actor)
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
    """What hangs between the marketplaces and us."""
    if not actor.can(channel_permissions.VIEW):
        return
    mine = accounts(actor)
    sick = mine.filter(health__in=(Account.RECONNECT, Account.FAILING)).count()
    yield Tile("reconnect", _("Accounts to look after"), sick, LATE, "channels:accounts", icon="plug")
    if not actor.can(channel_permissions.LETTERS):
        return
    ids = mine.values("pk")
    dead = RawPayload.objects.filter(state=RawPayload.DEAD, account_id__in=ids).count()
    yield Tile("dead", _("Could not be read in"), dead, NOW, "channels:deadletters", icon="inbox")
    refused = Confirmation.objects.filter(state=Confirmation.REFUSED, account_id__in=ids).count()
    yield Tile("refused", _("Confirmation refused"), refused, LATE, "channels:deadletters", "tab=confirm", icon="send")


def days_panel(request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
    """Orders placed a day, by account, in the tenant's zone."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    last = clock.day_in(actor.timezone)
    days = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    found = queries_page.by_day(actor, DAYS, actor.timezone)
    if not found:
        return None
    totals: dict[str, int] = {}
    for _day, name, n in found:
        totals[name] = totals.get(name, 0) + n
    names = sorted(totals, key=lambda name: (-totals[name], name))
    top, rest = names[:5], set(names[5:])
    cells = {(day, name if name not in rest else ""): 0 for day, name, _n in found}
    for day, name, n in found:
        cells[day, name if name not in rest else ""] += n
    shown = [*top, *([""] if rest else [])]
    columns = [[cells.get((day, name), 0) for day in days] for name in shown]
    series = [
        {"name": name or gettext("other accounts"), "values": values}
        for name, values in zip(shown, columns, strict=True)
    ]
    labels = [formats.day(day) for day in days]
    table = [(label, list(row), sum(row)) for label, row in zip(labels, zip(*columns, strict=True), strict=True)]
    return "orders/_today_days.html", {
        "chart": {"labels": labels, "series": series},
        "table": table[::-1],
        "days": DAYS,
    }


def parcels_panel(request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
    """Parcels that are not at their end, by state."""
    rows = queries_page.parcels_by_state(request.actor, IN_HOUSE)  # type: ignore[attr-defined]
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
        .order_by("health", "name")
        .values("pk", "name", "platform", "health", "health_code", "health_params", "last_success_at")[:30]
    )
    if not rows:
        return None
    rows.sort(key=lambda row: row["health"] == Account.OK)
    return "orders/_today_sync.html", {"rows": rows}


def register() -> None:
    """Called when the app is ready."""
    menu.register(
        menu.Entry("orders", _("Orders"), "shopping-cart", "orders:index", 10, permissions.VIEW, pages.waiting)
    )
    today.register_tiles("orders", tiles)
    today.register_tiles("channels", channel_tiles)
    panels.register("today.main", "orders.days", days_panel, position=10, operation=permissions.VIEW)
    panels.register("today.side", "orders.parcels", parcels_panel, position=20, operation=permissions.VIEW)
    panels.register("today.side", "channels.sync", sync_panel, position=10, operation=channel_permissions.VIEW)
    for key, position, label, detail, url, model in (
        (
            "account",
            10,
            _("Connect a marketplace account"),
            _("Its orders and messages come in by themselves from then on."),
            "channels:accounts",
            Account,
        ),
        (
            "warehouse",
            20,
            _("Name the warehouse that you ship from"),
            _("Its address is printed as the sender."),
            "inventory:warehouses",
            Warehouse,
        ),
        (
            "skus",
            30,
            _("Bring in your SKUs with their weights"),
            _("Listings with the same code are matched by themselves."),
            "inventory:skus",
            Sku,
        ),
        (
            "carrier",
            40,
            _("Connect a carrier"),
            _("Parcels are booked with it and labels come from it."),
            "logistics:carriers",
            CarrierAccount,
        ),
        (
            "rules",
            50,
            _("Publish rules"),
            _("They choose warehouse and service for each order; every choice is explained."),
            "orders:rules",
            RuleSet,
        ),
    ):
        today.register_step(Step(key, position, label, detail, url, _exists(model)))


def _exists(model: Any) -> Any:
    def done(actor: Actor) -> bool:
        return bool(model.objects.exists())

    return done

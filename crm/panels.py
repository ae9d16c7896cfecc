"""What conversations show on lower apps' pages: tiles on Today, a panel beside an order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.ui import menu, panels, today
from core.words import formats
from crm import permissions, queries


def waiting(actor: Actor) -> int:
    """For the menu: conversations that wait for an answer."""
    return queries.counts(actor)["open"]


def tiles(actor: Actor) -> Iterator[today.Tile]:
    if not actor.can(permissions.VIEW):
        return
    found = queries.counts(actor)
    late, near, failed = found["overdue"], found["near"], found["failed"]
    since = queries.nearest(actor) if late or near else (None, None)
    yield today.Tile(
        "messages.overdue",
        _("Answers overdue"),
        late,
        today.LATE,
        "crm:index",
        "tab=overdue",
        _oldest(since[0]),
        icon="mail",
    )
    yield today.Tile(
        "messages.near",
        _("Messages near their deadline"),
        near,
        today.NOW,
        "crm:index",
        "tab=near",
        _oldest(since[1]),
        icon="clock",
    )
    yield today.Tile(
        "messages.failed", _("Answers not sent"), failed, today.NOW, "crm:index", "tab=failed", icon="mail-x"
    )
    yield today.Tile(
        "messages.open", _("Buyers waiting"), found["open"], today.SOON, "crm:index", "tab=open", icon="mail"
    )


def _oldest(since: datetime | None) -> str:
    return gettext("the oldest came {ago}").format(ago=formats.ago(since)) if since is not None else ""


def order_panel(request: HttpRequest, **given: Any) -> tuple[str, dict[str, Any]] | None:
    """Conversations about the order that the page shows (``order``: the row or model with an id)."""
    order = given.get("order")
    order_id = order.get("id") if isinstance(order, dict) else getattr(order, "pk", None)
    if order_id is None:
        return None
    found = queries.of_order(request.actor, order_id)  # type: ignore[attr-defined]
    return ("crm/_order_panel.html", {"conversations": found}) if found else None


def register() -> None:
    menu.register(menu.Entry("inbox", _("Inbox"), "mail", "crm:index", 70, permissions.VIEW, waiting))
    today.register_tiles("crm", tiles)
    panels.register("order.side", "crm.conversations", order_panel, position=50, operation=permissions.VIEW)

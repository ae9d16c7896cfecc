"""What carriers register with the shell."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.ui import menu, today
from core.ui.today import LATE, Tile
from logistics import permissions, queries_page


def tiles(actor: Actor) -> Iterable[Tile]:
    if actor.can(permissions.CONNECT):
        yield Tile(
            "carriers",
            _("Carriers to look after"),
            queries_page.sick(actor),
            LATE,
            "logistics:carriers",
            "sick=1",
            icon="truck-off",
        )


def register() -> None:
    """Called when the app is ready."""
    menu.register(
        menu.Entry(
            "carriers", _("Carriers"), "plane-departure", "logistics:carriers", 114, permissions.VIEW, queries_page.sick
        )
    )
    today.register_tiles("logistics", tiles)

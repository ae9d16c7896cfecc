"""What restocking shows in the shell: its entry in the menu, and what must be ordered as tiles on Today."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.ui import menu, today
from fba import permissions, queries
from fba.models import RestockLine


def waiting(actor: Actor) -> int:
    """For the menu: lines that must be ordered or sent."""
    run = queries.latest(actor)
    return queries.counts(actor, run.pk)["todo"] if run is not None else 0


def tiles(actor: Actor) -> Iterator[today.Tile]:
    run = queries.latest(actor) if actor.can(permissions.VIEW) else None
    if run is None:
        return
    found = queries.counts(actor, run.pk)
    for urgency, label, when in (
        (RestockLine.OUT, _("SKUs sold out"), today.NOW),
        (RestockLine.LATE, _("Out of stock before new goods can come"), today.NOW),
        (RestockLine.DUE, _("SKUs to order"), today.SOON),
    ):
        yield today.Tile(
            f"restock.{urgency}", label, found[urgency], when, "fba:index", f"tab={urgency}", icon="package"
        )


def register() -> None:
    menu.register(menu.Entry("fba", _("Restock"), "truck-loading", "fba:index", 60, permissions.VIEW, waiting))
    today.register_tiles("fba", tiles)

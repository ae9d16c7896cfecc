"""What Today is made of: tiles (what needs a person now), registered by each app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from core.permissions import Actor

LATE, NOW, SOON = "late", "now", "soon"
URGENCY = (LATE, NOW, SOON)


@dataclass(frozen=True, slots=True)
class Tile:
    """``count`` things of a kind that wait for a person; opens its list. ``urgency``: late, now or soon.

    ``url``: a URL name, ``query`` its query string. ``detail``: one short line, e.g. the oldest one's age.
    """

    key: str
    label: str | Promise
    count: int
    urgency: str
    url: str
    query: str = ""
    detail: str = ""
    icon: str = "point"

    @property
    def href(self) -> str:
        try:
            return reverse(self.url) + (f"?{self.query}" if self.query else "")
        except NoReverseMatch:
            return ""


Tiles = Callable[[Actor], Iterable[Tile]]
_tiles: dict[str, Tiles] = {}


def register_tiles(name: str, tiles: Tiles) -> None:
    """``tiles(actor)``: tiles with a count of 0 are left out by the page."""
    _tiles[name] = tiles


def tiles(actor: Actor) -> list[Tile]:
    """Everything that waits, the most urgent first."""
    found = [tile for give in _tiles.values() for tile in give(actor) if tile.count]
    return sorted(found, key=lambda tile: URGENCY.index(tile.urgency))

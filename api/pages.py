"""What the interface registers with the shell: settings entries, and a tile when the machine switched a webhook off."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from api import permissions, queries
from core.permissions import Actor
from core.ui import menu, today
from inventory.models import Valuation
from tenants import ports


def tiles(actor: Actor) -> Iterable[today.Tile]:
    if actor.can(permissions.WEBHOOKS):
        off = queries.needs_person(actor)
        yield today.Tile(
            "webhooks", _("Webhooks switched off"), off, today.NOW, "webhooks", "off=1", icon="webhook-off"
        )


def register() -> None:
    menu.register(menu.Entry("api_keys", _("API keys"), "key", "api_keys", 126, operation=permissions.KEYS))
    menu.register(menu.Entry("webhooks", _("Webhooks"), "webhook", "webhooks", 127, operation=permissions.WEBHOOKS))
    today.register_tiles("webhooks", tiles)
    ports.valued_in_currency("inventory", Valuation.objects.exists)

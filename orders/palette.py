"""Orders in the command palette: by number, receiver, phone, tracking number or SKU, through the indexed search."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.textnorm import query_grams
from core.ui import palette
from core.ui.palette import Found
from core.words import say
from orders import permissions, queries

_NUMBER = re.compile(r"[Ss]-\d{1,18}")


def find(actor: Actor, text: str, limit: int) -> list[Found]:
    """Newest first. A text too short for the index finds nothing."""
    from django.urls import reverse

    if not _NUMBER.fullmatch(text) and not query_grams(text):
        return []
    rows = queries.page(actor, queries.Filter(tab="all", text=text), limit=limit).rows
    return [
        Found(
            label=f"{row['number']} · {row['ship_name']}" if row["ship_name"] else row["number"],
            href=reverse("orders:show", args=[row["id"]]),
            detail=" · ".join(part for part in (row["external_id"], row["account_name"], row["ship_country"]) if part),
            icon="shopping-cart",
            badge=say(f"state.{row['state']}"),
        )
        for row in rows
    ]


def register() -> None:
    """Called when the app is ready."""
    palette.register("orders", find, permissions.VIEW, label=_("Orders"), position=10)
    palette.register_page(_("Rules"), "orders:rules", "route", permissions.RULES)

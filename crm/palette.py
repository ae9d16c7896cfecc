"""Conversations in the command palette: those about an order that the text finds."""

from __future__ import annotations

import re

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core import bulk
from core.permissions import SEE_PERSONAL, Actor
from core.textnorm import query_grams, squash
from core.ui import palette
from core.ui.palette import Found
from core.words import say
from crm import permissions

_NUMBER = re.compile(r"[Ss]-(\d{1,18})")
ORDERS = 200  # of those found, whose conversations are looked for


def find(actor: Actor, text: str, limit: int) -> list[Found]:
    """The latest first, by order number or (with the right to personal data) by receiver, phone, tracking number, SKU."""
    actor.require(permissions.VIEW)
    number = _NUMBER.fullmatch(text)
    grams = query_grams(text)
    if number:
        orders = "SELECT %s::bigint"
        params: list[object] = [int(number[1])]
    elif grams and actor.can(SEE_PERSONAL):
        words = squash(text).split()
        like = " AND text LIKE %s" * len(words)
        orders = f"SELECT order_id FROM orders_ordersearch WHERE grams @> %s::int[]{like} LIMIT {ORDERS}"
        params = [grams, *(f"%{_escaped(word)}%" for word in words)]
    else:
        return []
    scope = None if actor.accounts is None else sorted(actor.accounts)
    rows = bulk.fetch(
        "SELECT c.id, c.buyer_name, c.buyer_id, c.subject, c.state, a.name FROM crm_conversation c"
        f" JOIN channels_account a ON a.id = c.account_id WHERE c.order_id = ANY(ARRAY({orders}))"
        " AND (%s::bigint[] IS NULL OR c.account_id = ANY(%s::bigint[])) ORDER BY c.last_at DESC, c.id DESC LIMIT %s",
        [*params, scope, scope, limit],
    )
    seen = actor.can(SEE_PERSONAL)
    return [
        Found(
            label=(name or buyer or f"#{pk}") if seen else f"#{pk}",
            href=reverse("crm:show", args=[pk]),
            detail=" · ".join(part for part in (subject if seen else "", account) if part),
            icon="message",
            badge=say(f"conversation.state.{state}"),
        )
        for pk, name, buyer, subject, state, account in rows
    ]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def register() -> None:
    """Called when the app is ready."""
    palette.register("conversations", find, permissions.VIEW, label=_("Conversations"), position=40)
    palette.register_page(_("Message templates"), "crm:templates", "template", permissions.TEMPLATES)

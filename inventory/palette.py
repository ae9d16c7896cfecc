"""SKUs in the command palette: by any part of code, title or barcode."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.permissions import Actor
from core.textnorm import squash
from core.ui import palette
from core.ui.palette import Found
from core.words import say
from inventory import finding, permissions
from inventory.codes import code_key
from inventory.models import Product, Sku
from inventory.queries_page import named

CANDIDATES = 40  # of which the text itself decides; a gram's hash may stand for another


def find(actor: Actor, text: str, limit: int) -> list[Found]:
    """By code. What is too short for the index of grams finds the SKU of exactly this code."""
    actor.require(permissions.VIEW)
    holding = finding.holding(text, finding.OF_SKU)
    rows = Sku.objects.filter(Q(code_key=code_key(text)) if holding is None else holding)
    found = rows.order_by("code_key").values_list("pk", "code", "title", "title_zh", "barcode", "state")[:CANDIDATES]
    words = squash(text).split()
    hits = [row for row in found if holding is None or _holds(row[1:5], words)]
    return [
        Found(
            label=code,
            href=reverse("inventory:sku", args=[pk]),
            detail=named(title, title_zh),
            icon="barcode",
            badge="" if state == Sku.ACTIVE else say(f"sku.state.{state}"),
        )
        for pk, code, title, title_zh, _barcode, state in hits[:limit]
    ]


def find_products(actor: Actor, text: str, limit: int) -> list[Found]:
    """By any part of code or titles; what is too short for the index of grams by exactly this code."""
    actor.require(permissions.VIEW)
    holding = finding.holding(text, finding.OF_PRODUCT)
    rows = Product.objects.filter(Q(code=text.strip()) if holding is None else holding)
    words = squash(text).split()
    found = rows.order_by("code").values_list("pk", "code", "title", "title_zh")[:CANDIDATES]
    hits = [row for row in found if holding is None or _holds(row[1:], words)]
    return [
        Found(
            label=code, href=reverse("inventory:product", args=[pk]), detail=named(title, chinese), icon="hierarchy-2"
        )
        for pk, code, title, chinese in hits[:limit]
    ]


def _holds(texts: Sequence[str], words: list[str]) -> bool:
    text = squash("\n".join(texts))
    return all(word in text for word in words)


def register() -> None:
    """Called when the app is ready."""
    palette.register("skus", find, permissions.VIEW, label=_("SKUs"), position=20)
    palette.register("products", find_products, permissions.VIEW, label=_("Products"), position=25)
    palette.register_page(_("Products"), "inventory:products", "hierarchy-2", permissions.VIEW)
    palette.register_page(_("New product"), "inventory:product_new", "plus", permissions.EDIT_CATALOGUE)
    palette.register_page(_("SKUs"), "inventory:skus", "barcode", permissions.VIEW)
    palette.register_page(_("Receive goods"), "inventory:receive", "package-import", permissions.RECEIVE)
    palette.register_page(_("Adjust stock"), "inventory:adjust", "adjustments", permissions.ADJUST)
    palette.register_page(_("Bring in SKUs"), "inventory:import", "file-import", permissions.EDIT_CATALOGUE)
    palette.register_page(_("New SKU"), "inventory:sku_new", "plus", permissions.EDIT_CATALOGUE)
    palette.register_page(_("Warehouses"), "inventory:warehouses", "building-warehouse", permissions.VIEW)

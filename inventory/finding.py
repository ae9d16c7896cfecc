"""How SKUs and products are found: hashed n-grams of code, titles and barcode, as orders have them (``core.textnorm``)."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from core.textnorm import WITHOUT_SIGNS, query_grams, search_grams, squeeze, told_apart

OF_SKU = "inventory_sku.code, inventory_sku.title, inventory_sku.title_zh, inventory_sku.barcode"
OF_PRODUCT = "inventory_product.code, inventory_product.title, inventory_product.title_zh"


def grams_of(code: str, title: str, title_zh: str, barcode: str) -> list[int]:
    # The code without its signs too: LMP-042 is also looked for as lmp042.
    return search_grams((code, squeeze(code), title, title_zh, barcode))


def holding(text: str, columns: str) -> Q | None:
    """Rows that hold ``text``, by their index of grams; None when it is too short to be looked for anywhere but at the start.

    ``columns``: ``OF_SKU`` or ``OF_PRODUCT``.
    """
    grams = query_grams(text)
    if not grams:
        return None
    found = Q(grams__contains=grams)
    for word in told_apart(text):
        found &= Q(RawSQL(WITHOUT_SIGNS.format(columns=columns), [f"%{word}%"], output_field=BooleanField()))
    return found


def of_sku(sku: Any) -> list[int]:
    """Of a model instance."""
    return grams_of(sku.code, sku.title, sku.title_zh, sku.barcode)


def of_product(product: Any) -> list[int]:
    """Of a model instance."""
    return grams_of(product.code, product.title, product.title_zh, "")

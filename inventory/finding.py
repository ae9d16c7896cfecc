"""How SKUs and products are found: hashed n-grams of code, titles and barcode, as orders have them (``core.textnorm``)."""

from __future__ import annotations

from typing import Any

from core.textnorm.grams import query_grams, search_grams
from core.textnorm.reading import squeeze


def grams_of(code: str, title: str, title_zh: str, barcode: str) -> list[int]:
    # The code without its signs too: LMP-042 is also looked for as lmp042.
    return search_grams((code, squeeze(code), title, title_zh, barcode))


def wanted(text: str) -> list[int]:
    """What every SKU that holds ``text`` has; empty when it is too short to be looked for anywhere but at the start."""
    return query_grams(text)


def of_sku(sku: Any) -> list[int]:
    """Of a model instance."""
    return grams_of(sku.code, sku.title, sku.title_zh, sku.barcode)


def of_product(product: Any) -> list[int]:
    """Of a model instance."""
    return grams_of(product.code, product.title, product.title_zh, "")

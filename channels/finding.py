"""How listings are found: hashed n-grams of seller SKU, item number and title, as orders have them (``core.textnorm``)."""

from __future__ import annotations

from core.textnorm import query_grams, search_grams, squeeze


def grams_of(seller_sku: str, external_id: str, title: str) -> list[int]:
    # The seller SKU without its signs too: LMP-042 is also looked for as lmp042.
    return search_grams((seller_sku, squeeze(seller_sku), external_id, title))


def wanted(text: str) -> list[int]:
    """What every listing that holds ``text`` has; empty when it is too short to be looked for but at the start."""
    return query_grams(text)

"""How listings are found: hashed n-grams of seller SKU, item number and title, as orders have them (``core.textnorm``)."""

from __future__ import annotations

from typing import Any

from core.textnorm import WITHOUT_SIGNS, query_grams, search_grams, squeeze, told_apart


def grams_of(seller_sku: str, external_id: str, title: str) -> list[int]:
    # The seller SKU without its signs too: LMP-042 is also looked for as lmp042.
    return search_grams((seller_sku, squeeze(seller_sku), external_id, title))


def holding(text: str, alias: str) -> tuple[str, list[Any]] | None:
    """(condition on the listing ``alias``, its parameters) for those that hold ``text``, by the index of grams.

    None when it is too short to be looked for but at the start.
    """
    grams = query_grams(text)
    if not grams:
        return None
    words = told_apart(text)
    told = WITHOUT_SIGNS.format(columns=f"{alias}.seller_sku, {alias}.external_id, {alias}.title")
    return " AND ".join([f"{alias}.grams @> %s::int[]", *[told] * len(words)]), [
        grams,
        *(f"%{word}%" for word in words),
    ]

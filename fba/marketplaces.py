"""Which country a marketplace sells in: sales of an account with several are told apart by where they were sent."""

from __future__ import annotations

from channels.adapters.amazon.places import MARKETPLACES


def country_of(marketplace: str) -> str:
    """ISO country, '' for a marketplace that is not Amazon's."""
    return MARKETPLACES[marketplace][0] if marketplace in MARKETPLACES else ""

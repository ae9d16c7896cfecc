"""Amazon's public list of marketplaces."""

from __future__ import annotations

from typing import NamedTuple


class Marketplace(NamedTuple):
    id: str
    country: str
    domain: str
    currency: str
    language: str
    order_prefix: str

    @property
    def name(self) -> str:
        return "Amazon." + self.domain


_ROWS = (
    ("ATVPDKIKX0DER", "US", "com", "USD", "en_US", "11"),
    ("A2EUQ1WTGCTBG2", "CA", "ca", "CAD", "en_CA", "70"),
    ("A1AM78C64UM0Y8", "MX", "com.mx", "MXN", "es_MX", "70"),
    ("A2Q3Y263D00KWC", "BR", "com.br", "BRL", "pt_BR", "70"),
    ("A1F83G8C2ARO7P", "GB", "co.uk", "GBP", "en_GB", "20"),
    ("A1PA6795UKMFR9", "DE", "de", "EUR", "de_DE", "30"),
    ("A13V1IB3VIYZZH", "FR", "fr", "EUR", "fr_FR", "40"),
    ("APJ6JRA9NG5V4", "IT", "it", "EUR", "it_IT", "40"),
    ("A1RKKUPIHCS9HS", "ES", "es", "EUR", "es_ES", "40"),
    ("A1805IZSGTT6HS", "NL", "nl", "EUR", "nl_NL", "40"),
    ("AMEN7PMS3EDWL", "BE", "com.be", "EUR", "fr_BE", "40"),
    ("A28R8C7NBKEWEA", "IE", "ie", "EUR", "en_IE", "20"),
    ("A2NODRKZP88ZB9", "SE", "se", "SEK", "sv_SE", "40"),
    ("A1C3SOZRARQ6R3", "PL", "pl", "PLN", "pl_PL", "40"),
    ("A33AVAJ2PDY3EV", "TR", "com.tr", "TRY", "tr_TR", "40"),
    ("A2VIGQ35RCS4UG", "AE", "ae", "AED", "en_AE", "40"),
    ("A17E79C6D8DWNP", "SA", "sa", "SAR", "ar_SA", "40"),
    ("ARBP9OOSHTCHU", "EG", "eg", "EGP", "ar_EG", "40"),
    ("AE08WJ6YKNBMC", "ZA", "co.za", "ZAR", "en_ZA", "40"),
    ("A21TJRUUN4KGV", "IN", "in", "INR", "en_IN", "40"),
    ("A1VC38T7YXB528", "JP", "co.jp", "JPY", "ja_JP", "25"),
    ("A39IBJ37TRP1C6", "AU", "com.au", "AUD", "en_AU", "25"),
    ("A19VAU5U5O7RUS", "SG", "sg", "SGD", "en_SG", "25"),
)
BY_ID = {row[0]: Marketplace(*row) for row in _ROWS}
_BY_COUNTRY = {row[1]: row[0] for row in _ROWS} | {"UK": "A1F83G8C2ARO7P"}


def resolve(value: str) -> Marketplace:
    """By id or country code. Raises KeyError."""
    return BY_ID[_BY_COUNTRY.get(value.upper(), value)]

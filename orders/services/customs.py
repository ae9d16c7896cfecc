"""Pure: what a parcel's goods are declared as and worth at the border."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from core.values import MINOR_UNITS, CustomsLine


@dataclass(frozen=True, slots=True)
class Goods:
    """``units`` of one SKU that come from one order line; ``paid`` is what the buyer paid for them in ``currency``."""

    code: str
    title: str
    title_zh: str
    name_en: str
    name_zh: str
    hs_code: str
    origin: str
    battery: bool
    unit_weight_g: int
    units: int
    paid: Decimal
    currency: str
    unit_value: Decimal | None = None  # declared value of the SKU, if it has one
    value_currency: str = ""


def split(total: Decimal, units: int, places: int = 2) -> list[tuple[int, Decimal]]:
    """Divide an amount over units without losing any of it: [(units, unit value), …], dearer ones last.

    10.00 over 3 is [(2, 3.33), (1, 3.34)]; every value has at most ``places`` decimals.
    """
    if units <= 0:
        return []
    step = Decimal(1).scaleb(-places)
    whole = total.quantize(step, rounding=ROUND_HALF_UP)
    low = (whole / units).quantize(step, rounding=ROUND_DOWN)
    dearer = int((whole - low * units) / step)
    return [(n, value) for n, value in ((units - dearer, low), (dearer, low + step)) if n]


def declare(goods: Goods, *, default_en: str = "", default_zh: str = "") -> list[CustomsLine]:
    """The declared lines of one order line: the SKU's own value, or what was paid, split to the cent."""
    currency = goods.value_currency if goods.unit_value is not None else goods.currency
    if goods.unit_value is not None:
        parts = [(goods.units, goods.unit_value)]
    else:
        parts = split(goods.paid, goods.units, MINOR_UNITS.get(currency, 2))
    return [
        CustomsLine(
            sku=goods.code,
            name_en=goods.name_en or default_en or goods.title,
            name_local=goods.name_zh or goods.title_zh or default_zh,
            quantity=units,
            unit_value=value,
            currency=currency,
            unit_weight_g=goods.unit_weight_g,
            hs_code=goods.hs_code,
            origin_country=goods.origin,
            battery=goods.battery,
        )
        for units, value in parts
    ]

"""Reading SKU data as people give it (a sheet's row, a form): text in, typed values out, every error by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from babel import Locale

from core.currencies import KNOWN

Problem = tuple[str, str, dict[str, Any]]  # (field, code, params)

# Headings people use, folded to lower case without spaces → our field.
HEADINGS = {
    "sku": "code",
    "skucode": "code",
    "code": "code",
    "编码": "code",
    "商品编码": "code",
    "product": "product",
    "productcode": "product",
    "spu": "product",
    "title": "title",
    "name": "title",
    "名称": "title_zh",
    "title_zh": "title_zh",
    "中文名称": "title_zh",
    "weight": "weight_g",
    "weight_g": "weight_g",
    "重量": "weight_g",
    "length_mm": "length_mm",
    "width_mm": "width_mm",
    "height_mm": "height_mm",
    "hs_code": "hs_code",
    "hscode": "hs_code",
    "海关编码": "hs_code",
    "customs_name_en": "customs_name_en",
    "英文报关名": "customs_name_en",
    "customs_name_zh": "customs_name_zh",
    "中文报关名": "customs_name_zh",
    "customs_value": "customs_value",
    "申报价值": "customs_value",
    "customs_currency": "customs_currency",
    "origin_country": "origin_country",
    "battery": "battery",
    "带电": "battery",
    "tags": "tags",
    "moq": "moq",
    "carton": "carton",
    "lead_days": "lead_days",
    "barcode": "barcode",
    "ean": "barcode",
    "条码": "barcode",
    "product_title": "product_title",
    "product_title_zh": "product_title_zh",
    **{f"{stem}_{unit}": f"{stem}_{unit}" for stem in ("length", "width", "height") for unit in ("cm", "in")},
    **{f"weight_{unit}": f"weight_{unit}" for unit in ("kg", "lb", "oz")},
}
# Fields of other units: (ours, how many of ours one of them is).
OTHER_UNITS: dict[str, tuple[str, Decimal]] = {
    "weight_kg": ("weight_g", Decimal(1000)),
    "weight_lb": ("weight_g", Decimal("453.59237")),
    "weight_oz": ("weight_g", Decimal("28.349523125")),
    **{f"{stem}_cm": (f"{stem}_mm", Decimal(10)) for stem in ("length", "width", "height")},
    **{f"{stem}_in": (f"{stem}_mm", Decimal("25.4")) for stem in ("length", "width", "height")},
}
_LENGTHS = {
    "title": 300,
    "title_zh": 300,
    "hs_code": 12,
    "customs_name_en": 120,
    "customs_name_zh": 120,
    "product": 80,
    "product_title": 300,
    "product_title_zh": 300,
}
# What Excel makes of long numbers that it shows in a narrow column: the digits are gone.
_SHORTENED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_YES = {"1", "y", "yes", "true", "是", "带电"}
_NO = {"", "0", "n", "no", "false", "否", "不带电"}


class _Bad(Exception):
    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(code)


def _text(limit: int) -> Callable[[str], str]:
    def read(raw: str) -> str:
        if len(raw) > limit:
            raise _Bad("sheet.too_long", limit=limit)
        return raw

    return read


def _whole(least: int) -> Callable[[str], int | None]:
    def read(raw: str) -> int | None:
        if not raw:
            return None
        number = _number(raw)
        if number != number.to_integral_value() or not least <= number < 2**31:
            raise _Bad("sheet.not_whole", value=raw[:40], least=least)
        return int(number)

    return read


def _measured(factor: Decimal) -> Callable[[str], int | None]:
    """Of another unit: rounded to whole ones of ours, one at least."""

    def read(raw: str) -> int | None:
        if not raw:
            return None
        number = _number(raw)
        if not 0 < number * factor < 2**31:
            raise _Bad("sheet.not_above_zero", value=raw[:40])
        return max(1, int((number * factor).to_integral_value(ROUND_HALF_UP)))

    return read


def _number(raw: str) -> Decimal:
    try:
        number = Decimal(raw.replace(",", ""))
    except InvalidOperation:
        raise _Bad("sheet.not_a_number", value=raw[:40]) from None
    if not number.is_finite():
        raise _Bad("sheet.not_a_number", value=raw[:40])
    return number


def _barcode(raw: str) -> str:
    raw = raw.replace(" ", "")
    if _SHORTENED.fullmatch(raw):
        raise _Bad("sheet.shortened", value=raw[:40])
    if len(raw) > 40:
        raise _Bad("sheet.too_long", limit=40)
    return raw


def _money(raw: str) -> Decimal | None:
    if not raw:
        return None
    number = _number(raw)
    if not 0 <= number < Decimal("1e14"):
        raise _Bad("sheet.not_an_amount", value=raw[:40])
    return number.quantize(Decimal("0.0001"))


def _currency(raw: str) -> str:
    if raw.upper() not in KNOWN:
        raise _Bad("cost.unknown_currency", currency=raw[:8])
    return raw.upper()


def _country(raw: str) -> str:
    if len(raw) == 2 and raw.isascii() and raw.isalpha():
        return raw.upper()
    found = _countries().get(raw.casefold())
    if found is None:
        raise _Bad("sheet.not_a_country", value=raw[:40])
    return found


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """{name in English or Chinese: its two letters}."""
    return {
        str(name).casefold(): code
        for language in ("en", "zh_Hans")
        for code, name in Locale.parse(language).territories.items()
        if len(code) == 2
    }


def _yes(raw: str) -> bool:
    if raw.casefold() in _YES:
        return True
    if raw.casefold() in _NO:
        return False
    raise _Bad("sheet.not_yes_or_no", value=raw[:40])


def _tags(raw: str) -> list[str]:
    return sorted({tag.strip() for tag in raw.replace("，", ",").split(",") if tag.strip()})


READERS: dict[str, Callable[[str], Any]] = {
    **{name: _text(limit) for name, limit in _LENGTHS.items()},
    **{name: _measured(Decimal(1)) for name in ("weight_g", "length_mm", "width_mm", "height_mm")},
    **{name: _whole(1) for name in ("moq", "carton")},
    "lead_days": _whole(0),
    "barcode": _barcode,
    **{name: _measured(factor) for name, (_, factor) in OTHER_UNITS.items()},
    "customs_value": _money,
    "customs_currency": _currency,
    "origin_country": _country,
    "battery": _yes,
    "tags": _tags,
}
# An empty cell here means "leave it"; elsewhere it empties the field.
_NOT_EMPTY = frozenset(
    ("moq", "carton", "lead_days", "customs_currency", "origin_country", "product", "product_title", "product_title_zh")
)


def field_of(heading: Any) -> str | None:
    """Our field of a heading, None for one we do not know."""
    name = HEADINGS.get(heading)
    return name or HEADINGS.get("".join(str(heading).split()).casefold())


def read(row: Mapping[str, Any]) -> tuple[str, dict[str, Any], list[Problem]]:
    """(code, {field: value}, problems) of one row. Unknown headings are ignored; only given fields are in the values."""
    code = ""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for heading, cell in row.items():
        name = field_of(heading)
        if name is None:
            continue
        if name == "tags" and isinstance(cell, list | tuple):
            cell = ",".join(map(str, cell))
        raw = "" if cell is None else str(cell).strip()
        if name == "code":
            code = raw
            continue
        if not raw and name in _NOT_EMPTY:
            continue
        try:
            ours = OTHER_UNITS[name][0] if name in OTHER_UNITS else name
            values[ours] = READERS[name](raw)
        except _Bad as bad:
            problems.append((name, bad.code, bad.params))
    if not code:
        problems.insert(0, ("code", "sku.code_missing", {}))
    elif len(code) > 80:
        problems.insert(0, ("code", "sheet.too_long", {"limit": 80}))
    elif _SHORTENED.fullmatch(code):
        problems.insert(0, ("code", "sheet.shortened", {"value": code}))
    return code, values, problems

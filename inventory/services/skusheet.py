"""Reading SKU data as people give it (a sheet's row, a form): text in, typed values out, every error by field. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

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
}
_LENGTHS = {
    "title": 300,
    "title_zh": 300,
    "hs_code": 12,
    "customs_name_en": 120,
    "customs_name_zh": 120,
    "product": 80,
}
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
        try:
            number = Decimal(raw.replace(",", ""))
        except InvalidOperation:
            raise _Bad("sheet.not_a_number", value=raw[:40]) from None
        if not number.is_finite() or number != number.to_integral_value() or not least <= number < 2**31:
            raise _Bad("sheet.not_whole", value=raw[:40], least=least)
        return int(number)

    return read


def _money(raw: str) -> Decimal | None:
    if not raw:
        return None
    try:
        number = Decimal(raw.replace(",", ""))
    except InvalidOperation:
        raise _Bad("sheet.not_a_number", value=raw[:40]) from None
    if not number.is_finite() or not 0 <= number < Decimal("1e14"):
        raise _Bad("sheet.not_an_amount", value=raw[:40])
    return number.quantize(Decimal("0.0001"))


def _currency(raw: str) -> str:
    if raw.upper() not in KNOWN:
        raise _Bad("cost.unknown_currency", currency=raw[:8])
    return raw.upper()


def _country(raw: str) -> str:
    if len(raw) != 2 or not raw.isascii() or not raw.isalpha():
        raise _Bad("sheet.not_a_country", value=raw[:40])
    return raw.upper()


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
    **{name: _whole(1) for name in ("weight_g", "length_mm", "width_mm", "height_mm", "moq", "carton")},
    "lead_days": _whole(0),
    "customs_value": _money,
    "customs_currency": _currency,
    "origin_country": _country,
    "battery": _yes,
    "tags": _tags,
}
# An empty cell here means "leave it"; elsewhere it empties the field.
_NOT_EMPTY = frozenset(("moq", "carton", "lead_days", "customs_currency", "origin_country", "product"))


def read(row: Mapping[str, Any]) -> tuple[str, dict[str, Any], list[Problem]]:
    """(code, {field: value}, problems) of one row. Unknown headings are ignored; only given fields are in the values."""
    code = ""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for heading, cell in row.items():
        name = HEADINGS.get("".join(str(heading).split()).casefold())
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
            values[name] = READERS[name](raw)
        except _Bad as bad:
            problems.append((name, bad.code, bad.params))
    if not code:
        problems.insert(0, ("code", "sku.code_missing", {}))
    elif len(code) > 80:
        problems.insert(0, ("code", "sheet.too_long", {"limit": 80}))
    return code, values, problems

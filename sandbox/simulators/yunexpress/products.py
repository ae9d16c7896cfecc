"""What the carrier sells, where to, and for how much. Weights in grams, prices in CNY."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any


@dataclass(frozen=True)
class Product:
    """``number``: "now" (the waybill is the number), "later" (after ``later_minutes``) or "none"."""

    code: str
    name: str
    name_en: str
    max_weight_g: int
    number: str = "now"
    later_minutes: int = 30
    goods: str = "C"  # C general, E battery, F special
    registration: str = "18.00"
    per_kg: str = "72.00"
    days: str = "8-15"
    countries: tuple[str, ...] = ()  # empty: all that the carrier serves

    def price(self, weight_g: int) -> Decimal:
        freight = Decimal(self.registration) + Decimal(self.per_kg) * weight_g / 1000
        return freight.quantize(Decimal("0.01"), ROUND_HALF_UP)

    def takes(self, goods: str) -> bool:
        """A line for special goods takes batteries, a line for batteries takes general goods."""
        return goods in "CEF" and "CEF".index(goods) <= "CEF".index(self.goods)

    def serves(self, country: str) -> bool:
        return country in COUNTRIES and (not self.countries or country in self.countries)


COUNTRIES = {
    "AE": ("阿联酋", "United Arab Emirates"), "AT": ("奥地利", "Austria"), "AU": ("澳大利亚", "Australia"),
    "BE": ("比利时", "Belgium"), "BG": ("保加利亚", "Bulgaria"), "BH": ("巴林", "Bahrain"), "BR": ("巴西", "Brazil"),
    "CA": ("加拿大", "Canada"), "CH": ("瑞士", "Switzerland"), "CL": ("智利", "Chile"), "CO": ("哥伦比亚", "Colombia"),
    "CY": ("塞浦路斯", "Cyprus"), "CZ": ("捷克", "Czechia"), "DE": ("德国", "Germany"), "DK": ("丹麦", "Denmark"),
    "EE": ("爱沙尼亚", "Estonia"), "ES": ("西班牙", "Spain"), "FI": ("芬兰", "Finland"), "FR": ("法国", "France"),
    "GB": ("英国", "United Kingdom"), "GG": ("根西岛", "Guernsey"), "GR": ("希腊", "Greece"),
    "HK": ("中国香港", "Hong Kong"), "HR": ("克罗地亚", "Croatia"), "HU": ("匈牙利", "Hungary"),
    "ID": ("印度尼西亚", "Indonesia"), "IE": ("爱尔兰", "Ireland"), "IL": ("以色列", "Israel"),
    "IM": ("马恩岛", "Isle of Man"), "IS": ("冰岛", "Iceland"), "IT": ("意大利", "Italy"), "JE": ("泽西岛", "Jersey"),
    "JP": ("日本", "Japan"), "KR": ("韩国", "South Korea"), "KW": ("科威特", "Kuwait"), "LB": ("黎巴嫩", "Lebanon"),
    "LT": ("立陶宛", "Lithuania"), "LU": ("卢森堡", "Luxembourg"), "LV": ("拉脱维亚", "Latvia"),
    "MT": ("马耳他", "Malta"),
    "MX": ("墨西哥", "Mexico"), "MY": ("马来西亚", "Malaysia"), "NG": ("尼日利亚", "Nigeria"),
    "NL": ("荷兰", "Netherlands"), "NO": ("挪威", "Norway"), "NZ": ("新西兰", "New Zealand"), "PE": ("秘鲁", "Peru"),
    "PH": ("菲律宾", "Philippines"), "PL": ("波兰", "Poland"), "PT": ("葡萄牙", "Portugal"),
    "RO": ("罗马尼亚", "Romania"),
    "RS": ("塞尔维亚", "Serbia"), "SA": ("沙特阿拉伯", "Saudi Arabia"), "SE": ("瑞典", "Sweden"),
    "SG": ("新加坡", "Singapore"), "SI": ("斯洛文尼亚", "Slovenia"), "SK": ("斯洛伐克", "Slovakia"),
    "TH": ("泰国", "Thailand"), "TR": ("土耳其", "Türkiye"), "TW": ("中国台湾", "Taiwan"), "UA": ("乌克兰", "Ukraine"),
    "US": ("美国", "United States"), "VN": ("越南", "Vietnam"), "ZA": ("南非", "South Africa"),
}  # fmt: skip
WITHOUT_POSTCODE = frozenset({"AE", "HK", "BH", "NG", "CO", "PE"})

CATALOGUE = {
    product.code: product
    for product in (
        Product("BKPHR", "云途全球专线挂号（标快普货）", "Global Direct Line (Standard)", 30_000),
        Product("BKZXR", "云途全球专线挂号（标快带电）", "Global Direct Line (Standard, battery)", 30_000, goods="E",
                registration="20.00", per_kg="80.00"),
        Product("THPHR", "云途全球专线挂号（特惠普货）", "Global Direct Line (Economy)", 20_000, number="later",
                registration="16.00", per_kg="60.00", days="10-20"),
        Product("THZXR", "云途全球专线挂号（特惠带电）", "Global Direct Line (Economy, battery)", 20_000,
                number="later", goods="E", registration="18.00", per_kg="66.00", days="10-20"),
        Product("PYZXR", "云途平邮小包", "Untracked Small Packet", 2_000, number="none", registration="4.00",
                per_kg="90.00", days="15-35"),
        Product("GBZXR", "云途英国专线", "United Kingdom Line", 15_000, registration="14.00", per_kg="48.00",
                days="6-9", countries=("GB", "GG", "IM", "JE")),
    )
}  # fmt: skip


def product_from(given: str | dict[str, Any]) -> Product:
    """A catalogue code, or a product of the test's own as an object with the fields of ``Product``."""
    if isinstance(given, str):
        return CATALOGUE[given]
    base = asdict(CATALOGUE.get(given["code"], Product(given["code"], given["code"], given["code"], 30_000)))
    base.update(given)
    base["countries"] = tuple(base["countries"])
    return Product(**base)

"""The demo seller's catalogue: some 200 SKUs with names in two languages, sizes, customs data, prices and costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sandbox.rehearse.plan import PlannedSku

# (English, Chinese, customs name, Chinese customs name, HS code, grams, millimetres, price, battery)
_KINDS = (
    ("Desk Lamp", "台灯", "LED desk lamp", "LED台灯", "940521", 620, (320, 160, 90), "24.90", True),
    ("Travel Mug", "旅行杯", "steel mug", "不锈钢杯", "732393", 310, (200, 85, 85), "14.50", False),
    ("Phone Case", "手机壳", "plastic phone case", "塑料手机壳", "392690", 38, (170, 95, 15), "8.99", False),
    ("USB-C Cable 2 m", "USB-C数据线 2米", "USB cable", "数据线", "854442", 46, (140, 100, 20), "6.49", False),
    ("Yoga Strap", "瑜伽带", "cotton strap", "棉织带", "630790", 120, (180, 120, 40), "9.90", False),
    ("Pet Bowl", "宠物碗", "ceramic bowl", "陶瓷碗", "691200", 480, (170, 170, 70), "12.80", False),
    ("Wall Clock", "挂钟", "wall clock", "挂钟", "910521", 540, (310, 310, 50), "19.90", False),
    ("Cushion Cover", "抱枕套", "polyester cushion cover", "涤纶抱枕套", "630492", 150, (300, 250, 25), "7.95", False),
    ("Power Bank 10 Ah", "充电宝 10000毫安", "power bank", "移动电源", "850760", 230, (150, 75, 20), "29.00", True),
    ("Umbrella", "折叠伞", "folding umbrella", "折叠伞", "660191", 340, (290, 60, 60), "16.20", False),
    ("Notebook A5", "A5笔记本", "paper notebook", "纸质笔记本", "482010", 210, (215, 150, 15), "5.90", False),
    ("Bamboo Board", "竹砧板", "bamboo board", "竹砧板", "441911", 890, (380, 260, 20), "21.00", False),
    ("Bicycle Light", "自行车灯", "bicycle lamp", "自行车灯", "851210", 95, (90, 45, 40), "13.40", True),
    ("Tea Set", "茶具套装", "ceramic tea set", "陶瓷茶具", "691110", 1350, (300, 220, 140), "34.50", False),
    ("Silk Scarf", "丝巾", "silk scarf", "丝巾", "621410", 60, (200, 150, 15), "18.90", False),
    ("Storage Box", "收纳盒", "plastic box", "塑料收纳盒", "392310", 410, (260, 190, 120), "11.20", False),
)  # fmt: skip
_LOOKS = (
    ("Red", "红色", "RD"), ("Blue", "蓝色", "BL"), ("Black", "黑色", "BK"), ("White", "白色", "WH"),
    ("Green", "绿色", "GN"), ("Sand", "沙色", "SD"), ("Rosé", "玫瑰金", "RS"), ("Large", "大号", "L"),
    ("Small", "小号", "S"), ("Set of 3", "三件套", "X3"), ("Vintage", "复古", "VT"), ("Sakura", "樱花", "SK"),
    ("Matte", "磨砂", "MT"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoSku:
    code: str
    product: str
    title: str
    title_zh: str
    customs_en: str
    customs_zh: str
    hs_code: str
    weight_g: int
    dims_mm: tuple[int, int, int]
    price: Decimal
    cost: Decimal  # of a unit, in CNY
    battery: bool

    def row(self) -> dict[str, str]:
        """As a sheet's row."""
        length, width, height = self.dims_mm
        return {
            "sku": self.code,
            "product": self.product,
            "title": self.title,
            "title_zh": self.title_zh,
            "weight_g": str(self.weight_g),
            "length_mm": str(length),
            "width_mm": str(width),
            "height_mm": str(height),
            "hs_code": self.hs_code,
            "customs_name_en": self.customs_en,
            "customs_name_zh": self.customs_zh,
            "origin_country": "CN",
            "battery": "yes" if self.battery else "no",
            "tags": "battery" if self.battery else "",
            "moq": "50",
            "carton": "24",
            "lead_days": "12",
        }

    def planned(self) -> PlannedSku:
        return PlannedSku(self.code, self.title, self.weight_g, self.dims_mm, self.price)


def catalogue(seed: int) -> list[DemoSku]:
    """Every kind in every look: 208 SKUs, the same for the same seed."""
    made = []
    for number, (kind, kind_zh, customs, customs_zh, hs_code, grams, dims, price, battery) in enumerate(_KINDS, 1):
        for look, look_zh, short in _LOOKS:
            source = Random(f"{seed}|demo|{number}|{short}")
            factor = Decimal(source.randrange(90, 125)).scaleb(-2)
            amount = (Decimal(price) * factor).quantize(Decimal("0.01"))
            made.append(
                DemoSku(
                    code=f"{''.join(word[0] for word in kind.split()).upper()}{number:02d}-{short}",
                    product=f"P{number:03d}",
                    title=f"{kind}, {look}",
                    title_zh=f"{look_zh}{kind_zh}",
                    customs_en=customs,
                    customs_zh=customs_zh,
                    hs_code=hs_code,
                    weight_g=max(10, round(grams * float(factor))),
                    dims_mm=dims,
                    price=amount,
                    cost=(amount * Decimal(source.randrange(150, 260)).scaleb(-2)).quantize(Decimal("0.01")),
                    battery=battery,
                )
            )
    return made


def product_titles() -> dict[str, tuple[str, str]]:
    """{code of the product: its title in English and Chinese}."""
    return {f"P{number:03d}": (kind, kind_zh) for number, (kind, kind_zh, *_) in enumerate(_KINDS, 1)}

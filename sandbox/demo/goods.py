"""What the demo's seller sells: names in both languages, weights, sizes, customs data, costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Good:
    """``price`` in US dollars, ``cost`` in yuan, weight in grams, size in millimetres. ``pace``: how well it sells."""

    sku: str
    title: str
    title_zh: str
    customs_en: str
    customs_zh: str
    hs: str
    weight_g: int
    size_mm: tuple[int, int, int]
    price: Decimal
    cost: Decimal
    pace: int
    battery: bool = False


_ROWS = """
LMP-042-BLK|Desk lamp, black|台灯 黑色|desk lamp|台灯|940520|780|320x180x160|44.90|86.50|9|
LMP-042-WHT|Desk lamp, white|台灯 白色|desk lamp|台灯|940520|780|320x180x160|44.90|86.50|6|
LMP-NIGHT-MOON|Moon night light|月球小夜灯|night light|小夜灯|940520|310|160x160x170|24.90|38.00|8|battery
T-LGHT-6|T-light holder, 6 pieces|烛台 6 只装|candle holder|烛台|701399|640|210x140x80|8.24|15.20|12|
T-LGHT-12|T-light holder, 12 pieces|烛台 12 只装|candle holder|烛台|701399|1240|260x210x80|14.90|28.40|5|
CBL-USBC-1M|USB-C cable 1 m|USB-C 数据线 1 米|usb cable|数据线|854442|42|120x90x20|7.90|6.10|20|
CBL-USBC-2M|USB-C cable 2 m|USB-C 数据线 2 米|usb cable|数据线|854442|68|120x90x25|9.90|8.40|24|
CBL-LGT-1M|Lightning cable 1 m|Lightning 数据线 1 米|usb cable|数据线|854442|40|120x90x20|8.90|7.80|10|
CHG-65W-EU|GaN charger 65 W, EU|氮化镓充电器 65W 欧规|charger|充电器|850440|142|90x60x40|29.90|52.00|14|
CHG-65W-US|GaN charger 65 W, US|氮化镓充电器 65W 美规|charger|充电器|850440|128|80x60x40|29.90|51.00|15|
CHG-65W-UK|GaN charger 65 W, UK|氮化镓充电器 65W 英规|charger|充电器|850440|150|90x60x55|29.90|53.00|9|
PWR-10K|Power bank 10,000 mAh|充电宝 10000 毫安|power bank|充电宝|850760|232|145x70x20|32.90|61.00|11|battery
PWR-20K|Power bank 20,000 mAh|充电宝 20000 毫安|power bank|充电宝|850760|412|160x75x30|45.90|92.00|6|battery
KIT-SEW-01|Sewing kit, 98 pieces|针线盒 98 件|sewing kit|针线盒|960500|260|190x120x40|12.50|14.60|10|
KIT-TOOL-24|Precision screwdrivers, 24 in 1|精密螺丝刀 24 合 1|screwdriver set|螺丝刀|820540|330|180x70x30|19.90|27.30|9|
KIT-BIKE-16|Bicycle repair kit|自行车维修套装|tool kit|工具套装|820600|540|200x110x60|22.90|33.00|4|
TPT-22-RED|Teapot 0.8 l, red|茶壶 0.8 升 红色|teapot|茶壶|691200|940|240x170x170|25.63|41.00|5|
TPT-22-BLU|Teapot 0.8 l, blue|茶壶 0.8 升 蓝色|teapot|茶壶|691200|940|240x170x170|25.63|41.00|4|
CUP-DW-350|Double-wall glass 350 ml, 2 pieces|双层玻璃杯 350 毫升 2 只|glass cup|玻璃杯|701337|420|210x110x130|16.90|19.80|8|
BTL-STL-500|Steel bottle 500 ml|不锈钢保温杯 500 毫升|vacuum bottle|保温杯|961700|310|260x75x75|18.90|26.50|13|
BTL-STL-750|Steel bottle 750 ml|不锈钢保温杯 750 毫升|vacuum bottle|保温杯|961700|390|290x80x80|21.90|31.00|9|
LUN-BOX-3|Lunch box, 3 compartments|便当盒 三格|lunch box|便当盒|392410|350|230x160x65|15.90|17.20|8|
YOG-MAT-6|Yoga mat 6 mm|瑜伽垫 6 毫米|yoga mat|瑜伽垫|392690|980|620x120x120|26.90|34.00|5|
RES-BND-5|Resistance bands, 5 pieces|弹力带 5 条装|fitness bands|弹力带|950691|270|180x130x50|13.90|11.40|11|
DOG-LED-L|LED dog collar, L|发光宠物项圈 大号|pet collar|宠物项圈|420100|88|150x120x30|14.50|13.00|7|battery
CAT-FTN-2L|Cat drinking fountain 2 l|宠物饮水机 2 升|pet fountain|宠物饮水机|842121|860|220x220x180|34.90|58.00|6|
ORG-DRW-8|Drawer organiser, 8 pieces|抽屉收纳盒 8 件|storage box|收纳盒|392410|720|340x250x80|21.50|22.00|7|
ORG-CBL-50|Cable clips, 50 pieces|理线夹 50 个|cable clip|理线夹|392690|95|140x100x30|7.50|4.20|14|
STD-PHN-AL|Phone stand, aluminium|手机支架 铝合金|phone stand|手机支架|761699|205|110x90x40|15.90|18.50|12|
STD-LPT-AL|Laptop stand, aluminium|笔记本支架 铝合金|laptop stand|电脑支架|761699|1150|270x240x50|39.90|66.00|5|
MSE-ERG-BT|Ergonomic mouse, Bluetooth|人体工学鼠标 蓝牙|mouse|鼠标|847160|165|140x110x70|27.90|42.00|8|battery
KBD-60-RED|Mechanical keyboard 60 %|机械键盘 60%|keyboard|键盘|847160|690|310x130x50|58.90|118.00|3|
HPH-ON-BT|Headphones, Bluetooth|头戴式蓝牙耳机|headphones|耳机|851830|290|200x180x80|49.90|93.00|6|battery
EAR-TWS-3|Earbuds, noise cancelling|降噪蓝牙耳机|earphones|耳机|851830|78|110x90x40|39.90|71.00|10|battery
CAM-MNT-GP|Action camera mount set|运动相机支架套装|camera mount|相机支架|900699|310|220x150x60|18.50|20.00|5|
TRK-BAG-4|Packing cubes, 4 pieces|旅行收纳袋 4 件|packing bag|收纳袋|420292|330|280x200x40|19.90|21.50|8|
UMB-WND-23|Windproof umbrella|抗风雨伞|umbrella|雨伞|660199|420|300x60x60|22.50|28.00|6|
GRD-SOL-4|Solar garden lights, 4 pieces|太阳能草坪灯 4 只|solar lamp|太阳能灯|940542|620|330x160x110|27.50|39.00|6|battery
CLK-LED-MR|LED mirror clock|LED 镜面钟|clock|时钟|910511|340|190x90x60|21.90|29.50|5|
SCL-KIT-5K|Kitchen scale 5 kg|厨房秤 5 公斤|kitchen scale|厨房秤|842381|460|230x170x30|17.90|21.00|7|battery
"""


def goods() -> list[Good]:
    found = []
    for row in _ROWS.strip().splitlines():
        sku, title, title_zh, customs_en, customs_zh, hs, weight, size, price, cost, pace, mark = row.split("|")
        length, width, height = (int(side) for side in size.split("x"))
        found.append(
            Good(
                sku, title, title_zh, customs_en, customs_zh, hs, int(weight), (length, width, height), Decimal(price),
                Decimal(cost), int(pace), mark == "battery",
            )
        )  # fmt: skip
    return found


def row_of(good: Good) -> dict[str, str]:
    """The good as a row of a SKU sheet."""
    return {
        "sku": good.sku,
        "title": good.title,
        "title_zh": good.title_zh,
        "weight_g": str(good.weight_g),
        "length_mm": str(good.size_mm[0]),
        "width_mm": str(good.size_mm[1]),
        "height_mm": str(good.size_mm[2]),
        "hs_code": good.hs,
        "customs_name_en": good.customs_en,
        "customs_name_zh": good.customs_zh,
        "origin_country": "CN",
        "battery": "yes" if good.battery else "no",
    }

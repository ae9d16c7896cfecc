"""The kinds of sheets that inventory takes: SKUs with their products, and opening stock."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from inventory import permissions, queries_page
from inventory.services import opening_rows, sku_rows
from inventory.sheets import kinds
from inventory.sheets.columns import Column

_SKU_HEADINGS = (
    "sku", "skucode", "code", "itemno", "itemnumber", "itemcode", "sellersku", "merchantsku", "商品编码", "商品编号", "编码",
    "sku编码", "sku编号", "商品sku", "库存sku", "产品编码", "产品sku", "货号", "商家编码", "系统sku",
)  # fmt: skip

SKU_COLUMNS = (
    Column("code", _("SKU"), _SKU_HEADINGS, required=True, sample="LMP-042-WH"),
    Column(
        "product", _("Product code"), ("product", "productcode", "spu", "style", "stylecode", "parentsku", "款号", "spu编码",
        "产品款号", "父sku", "主sku", "产品编号"), sample="LMP-042",
    ),
    Column("product_title", _("Product title"), ("producttitle", "stylename", "producttitleen"), sample="Desk lamp"),
    Column("product_title_zh", _("Chinese product title"), ("producttitlezh", "产品名称", "款式名称"), sample="台灯"),
    Column(
        "title", _("Title"), ("title", "name", "productname", "itemname", "titleen", "englishname", "description",
        "英文名称", "英文名", "商品英文名称", "英文标题"), sample="Desk lamp, white",
    ),
    Column(
        "title_zh", _("Chinese title"), ("titlezh", "chinesename", "中文名称", "中文名", "名称", "商品名称", "品名", "商品标题",
        "标题", "中文标题"), sample="台灯 白色",
    ),
    Column(
        "barcode", _("Barcode (EAN, UPC)"), ("barcode", "ean", "upc", "gtin", "ean13", "条码", "条形码", "商品条码", "国际条码"),
        sample="6901234567892",
    ),
    Column(
        "weight_g", _("Weight (g)"), ("weight", "grossweight", "unitweight", "重量", "毛重", "商品重量", "单品重量", "净重"),
        sample="420", units=(("kg", "weight_kg"), ("lb", "weight_lb"), ("oz", "weight_oz")),
    ),
    Column("length_mm", _("Length (mm)"), ("length", "长", "长度", "商品长"), sample="310",
           units=(("cm", "length_cm"), ("in", "length_in"))),
    Column("width_mm", _("Width (mm)"), ("width", "宽", "宽度", "商品宽"), sample="120",
           units=(("cm", "width_cm"), ("in", "width_in"))),
    Column("height_mm", _("Height (mm)"), ("height", "高", "高度", "商品高"), sample="95",
           units=(("cm", "height_cm"), ("in", "height_in"))),
    Column("battery", _("Contains a battery"), ("battery", "带电", "是否带电", "含电池", "电池"), sample="no"),
    Column(
        "customs_name_en", _("Customs name, English"), ("customsnameen", "declarednameen", "declaredname", "customsname",
        "英文报关名", "英文申报名", "英文报关名称", "申报英文名", "报关英文名", "申报名英文"), sample="lamp",
    ),
    Column(
        "customs_name_zh", _("Customs name, Chinese"), ("customsnamezh", "declarednamezh", "中文报关名", "中文申报名",
        "中文报关名称", "申报中文名", "报关中文名", "报关名", "申报名中文"), sample="灯",
    ),
    Column("hs_code", _("HS code"), ("hscode", "hs", "tariffcode", "海关编码", "hs编码", "报关编码"), sample="940520"),
    Column(
        "customs_value", _("Customs value of one"), ("customsvalue", "declaredvalue", "申报价值", "申报价", "申报金额", "报关价"),
        sample="8.50",
    ),
    Column("customs_currency", _("Currency of the customs value"),
           ("customscurrency", "declaredcurrency", "申报币种", "报关币种"), sample="USD"),
    Column("origin_country", _("Country of origin"),
           ("origincountry", "origin", "countryoforigin", "原产国", "原产地"), sample="CN"),
    Column("tags", _("Tags"), ("tags", "labels", "标签", "商品标签"), sample="lamps"),
    Column("moq", _("Least quantity to order"), ("moq", "minimumorder", "最小起订量", "起订量"), sample="100"),
    Column("carton", _("Units in a carton"), ("carton", "casepack", "unitspercarton", "箱规", "装箱数", "单箱数量"), sample="24"),
    Column("lead_days", _("Days from order to delivery"),
           ("leaddays", "leadtime", "leadtimedays", "交期", "采购交期", "采购周期"), sample="30"),
    Column("weight_kg", _("Weight (kg)"), (), hidden=True),
    Column("weight_lb", _("Weight (lb)"), (), hidden=True),
    Column("weight_oz", _("Weight (oz)"), (), hidden=True),
    Column("length_cm", _("Length (cm)"), (), hidden=True),
    Column("width_cm", _("Width (cm)"), (), hidden=True),
    Column("height_cm", _("Height (cm)"), (), hidden=True),
    Column("length_in", _("Length (in)"), (), hidden=True),
    Column("width_in", _("Width (in)"), (), hidden=True),
    Column("height_in", _("Height (in)"), (), hidden=True),
)  # fmt: skip

OPENING_COLUMNS = (
    Column("sku", _("SKU"), _SKU_HEADINGS, required=True, sample="LMP-042-WH"),
    Column(
        "quantity", _("Units"), ("quantity", "qty", "units", "stock", "onhand", "available", "数量", "库存", "库存数量",
        "期初数量", "可用库存", "现有库存", "实际库存"), required=True, sample="250",
    ),
    Column("warehouse", _("Warehouse"), ("warehouse", "warehousecode", "仓库", "仓库名称", "仓库编码"), sample="SZ"),
    Column(
        "unit_cost", _("Cost of one"), ("unitcost", "cost", "price", "purchaseprice", "成本", "成本价", "单价", "采购价",
        "单位成本"),
        sample="18.40",
    ),
    Column("currency", _("Currency"), ("currency", "币种", "货币"), sample="CNY"),
    Column("rate", _("Rate to your currency"), ("rate", "exchangerate", "汇率"), sample=""),
)  # fmt: skip


def register() -> None:
    """Called when the app is ready."""
    kinds.register(
        kinds.Kind(
            key="skus",
            title=_("SKUs and products"),
            detail=_(
                "New ones are made, known ones take over what the sheet says. Columns you leave out stay as they are."
            ),
            icon="tags",
            operation=permissions.EDIT_CATALOGUE,
            columns=SKU_COLUMNS,
            run=sku_rows.bring_skus,
            identity=sku_rows.identity,
            done="inventory:skus",
            position=10,
        )
    )
    kinds.register(
        kinds.Kind(
            key="opening",
            title=_("Opening stock"),
            detail=_(
                "What lay in your warehouses before Sampan, with its cost where you know it."
                " Booked once for each SKU and warehouse."
            ),
            icon="packages",
            operation=permissions.OPENING,
            columns=OPENING_COLUMNS,
            run=opening_rows.bring_opening,
            identity=opening_rows.identity,
            done="inventory:stock",
            options=(kinds.Option("warehouse", _("Warehouse of rows that name none"), queries_page.choices),),
            batch=500,
            position=20,
        )
    )

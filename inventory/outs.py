"""The columns of the stock and SKU lists as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.permissions import SEE_COST
from core.ui.lists import Out
from core.words import say
from inventory.queries_page import named

Row = Mapping[str, Any]


def _aside(name: str) -> Any:
    return lambda row: row["row"].figures[name]


def _unit(row: Row) -> Any:
    worth = row["worth"]
    return None if worth is None or worth.unit is None else round(worth.unit, 4)


STOCK = (
    Out("sku", _("SKU"), lambda row: row["row"].code),
    Out("sku", _("Title"), lambda row: named(row["row"].title, row["row"].title_zh)),
    Out("warehouse", _("Warehouse"), lambda row: row["row"].warehouse),
    Out("on_hand", _("On hand"), lambda row: row["row"].figures["on_hand"]),
    Out("reserved", _("Reserved"), lambda row: row["row"].reserved),
    Out("available", _("Free"), lambda row: row["row"].available),
    Out("transit", _("On the way"), lambda row: row["row"].figures["transit"]),
    Out("aside", _("In check"), _aside("qc")),
    Out("aside", _("Returned goods"), _aside("rma")),
    Out("aside", _("Frozen"), _aside("frozen")),
    Out("aside", _("Damaged"), _aside("damaged")),
    Out("value", _("Value of a unit"), _unit, SEE_COST),
    Out("value", _("Currency"), lambda row: row["currency"], SEE_COST),
)
PRODUCTS = (
    Out("product", _("Product"), lambda row: row["code"]),
    Out("product", _("Title"), lambda row: row["title"]),
    Out("product", _("Chinese title"), lambda row: row["title_zh"]),
    Out("skus", _("SKUs"), lambda row: row["skus"]),
    Out("on_hand", _("For sale"), lambda row: row["on_hand"]),
    Out("free", _("Free"), lambda row: row["free"]),
)
SKUS = (
    Out("sku", _("SKU"), lambda row: row["code"]),
    Out("sku", _("Title"), lambda row: row["title"]),
    Out("sku", _("Chinese title"), lambda row: row["title_zh"]),
    Out("state", _("State"), lambda row: say(f"sku.state.{row['state']}")),
    Out("state", _("Battery"), lambda row: row["battery"]),
    Out("weight", _("Weight (g)"), lambda row: row["weight_g"]),
    Out("customs", _("Customs name"), lambda row: row["customs_name_en"]),
    Out("customs", _("Chinese customs name"), lambda row: row["customs_name_zh"]),
    Out("on_hand", _("For sale"), lambda row: row["on_hand"]),
    Out("free", _("Free"), lambda row: row["free"]),
)

"""The columns of the restock list as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.ui.lists import Out
from core.words import say

Row = Mapping[str, Any]


def _rounded(name: str, digits: int) -> Any:
    return lambda row: None if row[name] is None else round(row[name], digits)


OUTS = (
    Out("sku", _("SKU"), lambda row: row["sku"]),
    Out("sku", _("Title"), lambda row: row["title"]),
    Out("sku", _("Chinese title"), lambda row: row["title_zh"]),
    Out("place", _("Channel"), lambda row: row["account"]),
    Out("place", _("Marketplace"), lambda row: row["marketplace"]),
    Out("place", _("Warehouse"), lambda row: row["warehouse"]),
    Out("urgency", _("Urgency"), lambda row: say(f"restock.{row['urgency']}")),
    Out("velocity", _("Sold a day"), _rounded("velocity", 3)),
    Out("position", _("There and coming"), lambda row: row["position"]),
    Out("cover", _("Lasts (days)"), _rounded("cover_days", 1)),
    Out("cover", _("Sold out on"), lambda row: row["stockout_on"]),
    Out("order_by", _("Order by"), lambda row: row["order_by"]),
    Out("buy", _("Buy"), lambda row: row["buy"]),
    Out("send", _("Send"), lambda row: row["send"] if row["account_id"] else None),
)

"""The columns of the orders list as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.permissions import SEE_PERSONAL
from core.ui.lists import Out
from core.words import say
from orders.queries_page import named

Row = Mapping[str, Any]


def _reason(row: Row) -> str:
    if row["conflict"]:
        return say(f"conflict.{row['conflict']}")
    return say(row["reason_code"], row["reason_params"] or {}) if row["reason_code"] else ""


OUTS = (
    Out("order", _("Order"), lambda row: row["number"]),
    Out("order", _("Order at the marketplace"), lambda row: row["external_id"]),
    Out("order", _("Placed"), lambda row: row["placed_at"]),
    Out("channel", _("Channel"), lambda row: row["account_name"]),
    Out("channel", _("Marketplace"), lambda row: say(f"platform.{row['platform']}") if row["platform"] else ""),
    Out("receiver", _("Receiver"), lambda row: row["ship_name"], SEE_PERSONAL),
    Out("receiver", _("City"), lambda row: row["ship_city"], SEE_PERSONAL),
    Out("receiver", _("Country"), lambda row: row["ship_country"]),
    Out("items", _("First SKU"), lambda row: row["first_sku"]),
    Out("items", _("First item"), lambda row: row["first_title"]),
    Out("items", _("Lines"), lambda row: row["lines_count"]),
    Out("items", _("Units"), lambda row: row["units"]),
    Out("total", _("Total"), lambda row: row["grand_total"]),
    Out("total", _("Currency"), lambda row: row["currency"]),
    Out("status", _("State"), lambda row: say(f"state.{row['state']}")),
    Out("status", _("Reason"), _reason),
    Out("status", _("Tags"), lambda row: row["tags"]),
    Out("service", _("Service"), lambda row: named(row["service"] or "", row["service_zh"] or "")),
    Out("service", _("Warehouse"), lambda row: row["warehouse"]),
    Out("ship_by", _("Ship by"), lambda row: row["ship_by"]),
)

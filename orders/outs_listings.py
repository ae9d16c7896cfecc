"""The columns of the list of listings as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.ui.lists import Out
from core.words import say

Row = Mapping[str, Any]


def _by(row: Row) -> str:
    return say(f"listing.by.{row['matched_by']}") if row["matched_by"] else ""


def _likeliest(row: Row) -> str:
    return row["suggested"][0].code if row["suggested"] and row["sku_id"] is None else ""


LISTINGS = (
    Out("listing", _("Seller SKU"), lambda row: row["seller_sku"]),
    Out("listing", _("Item number"), lambda row: row["external_id"]),
    Out("listing", _("Title"), lambda row: row["title"]),
    Out("account", _("Account"), lambda row: row["account"]),
    Out("account", _("Sent by the platform"), lambda row: row["platform_fulfilled"]),
    Out("waiting", _("Orders waiting"), lambda row: row["waiting"]),
    Out("sku", _("SKU"), lambda row: row["sku"]),
    Out("sku", _("Pieces in one"), lambda row: row["units"] if row["sku_id"] is not None else None),
    Out("sku", _("Matched by"), _by),
    Out("sku", _("Suggested SKU"), _likeliest),
)

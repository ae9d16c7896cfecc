"""The columns of the parcels list as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.permissions import SEE_PERSONAL
from core.ui.lists import Out
from core.words import say

Row = Mapping[str, Any]


def _why(row: Row) -> str:
    if row["alarm"] and not row["error_code"]:
        return say(f"alarm.{row['alarm']}")
    if row["error_code"]:
        return say(row["error_code"], row["error_params"] or {})
    if row["needs"]:
        return say(f"needs.{row['needs']}")
    return say(f"track.{row['track_main']}") if row["track_main"] else ""


OUTS = (
    Out("parcel", _("Tracking number"), lambda row: row["number"]),
    Out("parcel", _("Waybill"), lambda row: row["waybill"]),
    Out("parcel", _("Our reference"), lambda row: row["reference"]),
    Out("order", _("Order"), lambda row: row["order_number"]),
    Out("order", _("Order at the marketplace"), lambda row: row["external_id"]),
    Out("order", _("Channel"), lambda row: row["account"]),
    Out("receiver", _("Receiver"), lambda row: row["receiver"], SEE_PERSONAL),
    Out("receiver", _("Country"), lambda row: row["country"]),
    Out("items", _("First SKU"), lambda row: row["sku"]),
    Out("items", _("First item"), lambda row: row["title"]),
    Out("items", _("Units"), lambda row: int(row["units"] or 0)),
    Out("service", _("Service"), lambda row: row["service"]),
    Out("service", _("Carrier"), lambda row: row["carrier"]),
    Out("service", _("Warehouse"), lambda row: row["warehouse"]),
    Out("weight", _("Weight (g)"), lambda row: row["weight_g"]),
    Out("weight", _("Expected weight (g)"), lambda row: row["expected_g"]),
    Out("state", _("State"), lambda row: say(f"parcel.{row['state']}")),
    Out("state", _("Reason"), _why),
    Out("printed", _("Label printed"), lambda row: row["printed_at"]),
    Out("printed", _("Times printed"), lambda row: row["print_count"]),
    Out("when", _("Ship by"), lambda row: row["ship_by"]),
    Out("when", _("Handed over"), lambda row: row["handed_at"]),
)

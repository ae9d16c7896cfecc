"""The columns of the inbox as a file. Without the right to personal fields those that name people are not in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.permissions import SEE_PERSONAL
from core.ui.lists import Out
from core.words import say

Row = Mapping[str, Any]

OUTS = (
    Out("buyer", _("Buyer"), lambda row: row["buyer_name"] or row["buyer_id"], SEE_PERSONAL),
    Out("buyer", _("Messages"), lambda row: row["messages_count"]),
    Out("said", _("Subject"), lambda row: row["subject"], SEE_PERSONAL),
    Out("said", _("Last message"), lambda row: row["preview"], SEE_PERSONAL),
    Out("said", _("Last said"), lambda row: row["last_at"]),
    Out("channel", _("Channel"), lambda row: row["account"]),
    Out("channel", _("Marketplace"), lambda row: say(f"platform.{row['platform']}") if row["platform"] else ""),
    Out("order", _("Order"), lambda row: row["order_number"]),
    Out("order", _("Order at the marketplace"), lambda row: row["order_external_id"]),
    Out("order", _("State of the order"), lambda row: say(f"state.{row['order_state']}") if row["order_state"] else ""),
    Out("state", _("State"), lambda row: say(f"conversation.state.{row['state']}")),
    Out("due", _("Waiting since"), lambda row: row["waiting_since"]),
    Out("due", _("Answer by"), lambda row: row["answer_by"]),
)

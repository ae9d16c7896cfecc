"""The columns of the accounts list and of the dead-letter desk as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.ui.lists import Out
from core.words import say

Row = Mapping[str, Any]


def _why(row: Row) -> str:
    one = row["health"]
    return say(one.code, one.params) if one.code else ""


def _position(row: Row) -> Any:
    """What the account is known up to: of its readings the one that lies furthest back."""
    return min((one.position for one in row["health"].readings if one.position is not None), default=None)


def _cause(row: Row) -> str:
    return say(row["code"], row["params"]) if row["code"] else ""


ACCOUNTS = (
    Out("account", _("Account"), lambda row: row["health"].name),
    Out("account", _("Platform"), lambda row: row["health"].platform_title),
    Out("account", _("Seller id"), lambda row: row["health"].external_id),
    Out("account", _("Marketplaces"), lambda row: list(row["health"].marketplaces)),
    Out("health", _("Health"), lambda row: say(f"health.{row['health'].health}")),
    Out("health", _("Reason"), _why),
    Out("last", _("Last read"), lambda row: row["health"].last_success_at),
    Out("lag", _("Known up to"), _position),
    Out("waiting", _("Unreadable"), lambda row: row["health"].dead),
    Out("waiting", _("Confirmations refused"), lambda row: row["health"].refused),
    Out("waiting", _("To confirm"), lambda row: row["health"].unconfirmed),
    Out("waiting", _("To take in"), lambda row: row["health"].waiting),
)
LETTERS = (
    Out("what", _("What"), lambda row: row["what"]),
    Out("what", _("Id"), lambda row: row["label"]),
    Out("cause", _("Cause"), _cause),
    Out("cause", _("What to do"), lambda row: row["todo"]),
    Out("place", _("Account"), lambda row: row["place"]),
    Out("attempts", _("Tries"), lambda row: row["attempts"]),
    Out("at", _("When"), lambda row: row["at"]),
)

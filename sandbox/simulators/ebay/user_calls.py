"""Calls about the account itself: GetUser, GeteBayOfficialTime, Get/SetNotificationPreferences."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from .accounts import SITES, Accounts
from .errors import invalid
from .notify import EVENTS
from .times import stamp
from .wire import fragment, sub

USER_GRAMMAR: dict[str, Any] = {"IncludeExpressRequirements": None, "ItemID": None, "UserID": None}
SET_GRAMMAR: dict[str, Any] = {
    "ApplicationDeliveryPreferences": {
        "AlertEmail": None,
        "AlertEnable": None,
        "ApplicationEnable": None,
        "ApplicationURL": None,
        "DeviceType": None,
        "PayloadEncodingType": None,
        "PayloadVersion": None,
    },
    "DeliveryURLName": None,
    "UserDeliveryPreferenceArray": {"NotificationEnable*": {"EventEnable": None, "EventType": None}},
}
GET_GRAMMAR: dict[str, Any] = {"PreferenceLevel": None}
_ENABLE = ("Enable", "Disable")


@dataclass
class UserCalls:
    accounts: Accounts

    def official_time(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        return ""  # the envelope's Timestamp is the answer

    def user(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        if request.get("UserID") not in (None, "", account["user_id"]):
            raise invalid("UserID", "Only the caller's own user is known here.")
        node = etree.Element("User")
        sub(node, "EIASToken", account["eias_token"])
        sub(node, "FeedbackScore", 100)
        sub(node, "RegistrationDate", stamp(account["created"]))
        sub(node, "Site", SITES[account["site_id"]][0])
        sub(node, "Status", "Confirmed")
        sub(node, "UserID", account["user_id"])
        return fragment(node)

    def set_preferences(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        """Where notifications go and which ones. What the request leaves out stays as it is."""
        where, url = request.get("ApplicationDeliveryPreferences") or {}, account["webhook_url"]
        if where.get("ApplicationURL"):
            url = where["ApplicationURL"]
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
                raise invalid("ApplicationURL")
        if where.get("ApplicationEnable", "Enable") not in _ENABLE:
            raise invalid("ApplicationEnable")
        if where.get("ApplicationEnable") == "Disable":
            url = None
        events = json.loads(account["events"])
        for choice in (request.get("UserDeliveryPreferenceArray") or {}).get("NotificationEnable", []):
            event, enable = choice.get("EventType"), choice.get("EventEnable")
            if event not in EVENTS:
                raise invalid("EventType", f"This simulator sends {', '.join(EVENTS)}.")
            if enable not in _ENABLE:
                raise invalid("EventEnable")
            events = [name for name in events if name != event] + ([event] if enable == "Enable" else [])
        self.accounts.store.run(
            "UPDATE accounts SET webhook_url = ?, events = ? WHERE account_id = ?",
            url,
            json.dumps(events),
            account["account_id"],
        )
        self.accounts.forget()
        return ""

    def get_preferences(self, account: sqlite3.Row, request: dict[str, Any], compatibility: int) -> str:
        level = request.get("PreferenceLevel")
        if level == "Application":
            node = etree.Element("ApplicationDeliveryPreferences")
            sub(node, "ApplicationURL", account["webhook_url"] or "")
            sub(node, "ApplicationEnable", "Enable" if account["webhook_url"] else "Disable")
            return fragment(node)
        if level != "User":
            raise invalid("PreferenceLevel")
        node = etree.Element("UserDeliveryPreferenceArray")
        for event in json.loads(account["events"]):
            choice = sub(node, "NotificationEnable")
            sub(choice, "EventType", event)
            sub(choice, "EventEnable", "Enable")
        return fragment(node)

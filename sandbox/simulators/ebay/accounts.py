"""Sellers, their consent and their access tokens; the daily call limit of an application for a seller."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from ..base import clock
from ..base.limits import Limiter
from ..base.store import Store
from .errors import TradingError
from .times import pacific_day

ACCESS_SECONDS = 7200
CALLS_A_DAY = 5000
PREFIX = "v^1.1#i^1#"
SCOPES = (
    "https://api.ebay.com/oauth/api_scope",
    "https://api.ebay.com/oauth/api_scope/sell.fulfillment",
    "https://api.ebay.com/oauth/api_scope/sell.inventory",
    "https://api.ebay.com/oauth/api_scope/sell.account",
    "https://api.ebay.com/oauth/api_scope/commerce.message",
    "https://api.ebay.com/oauth/api_scope/commerce.notification.subscription",
)
#: number -> (name in Item.Site, currency of the site)
SITES: dict[int, tuple[str, str]] = {
    0: ("US", "USD"),
    2: ("Canada", "CAD"),
    3: ("UK", "GBP"),
    15: ("Australia", "AUD"),
    16: ("Austria", "EUR"),
    23: ("Belgium_French", "EUR"),
    71: ("France", "EUR"),
    77: ("Germany", "EUR"),
    100: ("eBayMotors", "USD"),
    101: ("Italy", "EUR"),
    123: ("Belgium_Dutch", "EUR"),
    146: ("Netherlands", "EUR"),
    186: ("Spain", "EUR"),
    193: ("Switzerland", "CHF"),
    201: ("HongKong", "HKD"),
    205: ("Ireland", "EUR"),
    207: ("Malaysia", "MYR"),
    210: ("CanadaFrench", "CAD"),
    211: ("Philippines", "PHP"),
    212: ("Poland", "PLN"),
    216: ("Singapore", "SGD"),
}
_SHORT = {"US": 0, "CA": 2, "GB": 3, "UK": 3, "AU": 15, "AT": 16, "FR": 71, "DE": 77, "IT": 101, "NL": 146, "ES": 186}
_SHORT |= {"CH": 193, "HK": 201, "IE": 205, "MY": 207, "PH": 211, "PL": 212, "SG": 216, "BE": 23}
EVENTS = ("FixedPriceTransaction", "ItemMarkedPaid", "ItemMarkedShipped", "AskSellerQuestion")


def site_number(value: object) -> int:
    """0, "0", "US", "EBAY_US", "Germany" … Raises ValueError for what is no site."""
    text = str(value).removeprefix("EBAY_")
    if text.isdigit() and int(text) in SITES:
        return int(text)
    if text.upper() in _SHORT:
        return _SHORT[text.upper()]
    for number, (name, _) in SITES.items():
        if name.lower() == text.lower():
            return number
    raise ValueError(f"unknown eBay site {value!r}")


def eias(user_id: str) -> str:
    """The immutable token of a user, in the shape of eBay's."""
    return "nY+sHZ2PrBmdj6wVnY+s" + base64.b64encode(hashlib.sha256(user_id.encode()).digest()[:18]).decode() + "=="


@dataclass
class OAuthError(Exception):
    status: int
    error: str
    description: str


@dataclass
class Accounts:
    store: Store
    limiter: Limiter
    #: a token found good is not looked up again until control changes an account
    _known: dict[str, tuple[sqlite3.Row, float]] = field(default_factory=dict)

    def get(self, account_id: str) -> sqlite3.Row | None:
        return self.store.one("SELECT * FROM accounts WHERE account_id = ?", account_id)

    def create(self, body: dict[str, Any]) -> str:
        """Create or change an account from the control interface. Raises ValueError, KeyError on bad input.

        Without ``webhook`` the address and the events stay what they were (SetNotificationPreferences sets them too).
        """
        account_id = str(body["account_id"])
        credentials = body["credentials"]
        site = site_number(body.get("site", body.get("marketplace", 0)))
        webhook = body.get("webhook") or {}
        user_id = str(credentials.get("user_id") or f"seller_{account_id}")
        self.store.run(
            "INSERT INTO accounts (account_id, site_id, app_id, dev_id, cert_id, refresh_token, user_id, eias_token,"
            " scopes, webhook_url, events, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account_id) DO UPDATE SET site_id = excluded.site_id, app_id = excluded.app_id,"
            " dev_id = excluded.dev_id, cert_id = excluded.cert_id, user_id = excluded.user_id,"
            " eias_token = excluded.eias_token, scopes = excluded.scopes,"
            " webhook_url = CASE WHEN ? THEN excluded.webhook_url ELSE webhook_url END,"
            " revoked = CASE WHEN refresh_token = excluded.refresh_token THEN revoked ELSE 0 END,"
            " events = CASE WHEN ? THEN excluded.events ELSE events END, refresh_token = excluded.refresh_token",
            account_id,
            site,
            str(credentials["app_id"]),
            str(credentials["dev_id"]),
            str(credentials["cert_id"]),
            str(credentials["refresh_token"]),
            user_id,
            eias(user_id),
            json.dumps(credentials.get("scopes") or SCOPES),
            webhook.get("url"),
            json.dumps(webhook.get("events") or EVENTS),
            clock.epoch(),
            bool(webhook),
            bool(webhook),
        )
        self.forget()
        return account_id

    def forget(self) -> None:
        self._known.clear()

    # -- OAuth ---------------------------------------------------------------------------------------------------

    def client(self, authorization: str) -> str:
        """The application of a Basic header. Raises OAuthError."""
        try:
            app_id, cert_id = (
                base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode().split(":", 1)
            )
        except ValueError:
            app_id = cert_id = ""
        row = self.store.one("SELECT 1 FROM accounts WHERE app_id = ? AND cert_id = ? LIMIT 1", app_id, cert_id)
        if not authorization.startswith("Basic ") or row is None:
            raise OAuthError(401, "invalid_client", "client authentication failed")
        return app_id

    def holder(self, app_id: str, refresh_token: str) -> sqlite3.Row:
        """The account whose consent the refresh token is. Raises OAuthError when it is another client's or revoked."""
        row = self.store.one("SELECT * FROM accounts WHERE refresh_token = ?", refresh_token)
        if row is None or row["app_id"] != app_id or row["revoked"]:
            text = "the provided authorization refresh token is invalid or was issued to another client"
            raise OAuthError(400, "invalid_grant", text)
        return row

    def mint(self, app_id: str, account_id: str | None) -> str:
        token = PREFIX + ("r^0#p^3#I^3#f^0#t^" if account_id else "p^1#r^0#I^3#f^0#t^") + secrets.token_urlsafe(48)
        now = clock.epoch()
        self.store.run("DELETE FROM tokens WHERE account_id IS ? AND expires < ?", account_id, now - ACCESS_SECONDS)
        self.store.run(
            "INSERT INTO tokens (token, account_id, app_id, issued, expires) VALUES (?, ?, ?, ?, ?)",
            token,
            account_id,
            app_id,
            now,
            now + ACCESS_SECONDS,
        )
        return token

    def app_token_good(self, token: str) -> bool:
        row = self.store.one("SELECT expires FROM tokens WHERE token = ?", token)
        return row is not None and row["expires"] > clock.epoch()

    # -- Trading -------------------------------------------------------------------------------------------------

    def of_token(self, token: str) -> sqlite3.Row:
        """The account of an access token. Raises TradingError 21916984 unknown, 21917053 expired, 932 revoked."""
        known = self._known.get(token)
        if known is not None and known[1] > clock.epoch():
            return known[0]
        row = self.store.one("SELECT * FROM tokens WHERE token = ?", token)
        account = self.get(row["account_id"]) if row is not None and row["account_id"] else None
        if row is None or account is None:
            raise TradingError(21916984)
        if account["revoked"]:
            raise TradingError(932)
        if row["expires"] <= clock.epoch() or row["issued"] <= account["expired_at"]:
            raise TradingError(21917053)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[token] = (account, row["expires"])
        return account

    def count_call(self, account: sqlite3.Row, call: str) -> None:
        """Count against the day. Raises TradingError 518 above the limit."""
        if not self.limiter.enabled:
            return
        row = self.store.one(
            "INSERT INTO usage VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1 RETURNING calls",
            account["app_id"],
            account["account_id"],
            pacific_day(),
        )
        if row is not None and row["calls"] > CALLS_A_DAY:
            raise TradingError(518, (call, f"{CALLS_A_DAY} calls a day"))

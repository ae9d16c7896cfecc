"""Sellers that gave the application their consent, and the tokens that stand for it (Login with Amazon)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from ..base import clock
from ..base.store import Store, dumps, loads
from .marketplaces import Marketplace, resolve

ACCESS_SECONDS = 3600
ROLES = ("direct_to_consumer", "tax")

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
    account_id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    refresh_token TEXT NOT NULL UNIQUE,
    marketplaces TEXT NOT NULL,
    roles TEXT NOT NULL,
    store_name TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    revoked INTEGER NOT NULL DEFAULT 0,
    withhold_until INTEGER NOT NULL DEFAULT 0
);
"""


@dataclass
class Account:
    account_id: str
    client_id: str
    client_secret: str
    refresh_token: str
    marketplaces: list[Marketplace]
    roles: set[str] = field(default_factory=set)
    store_name: str = ""
    generation: int = 0
    revoked: bool = False
    withhold_until: int = 0


class TokenRefused(Exception):
    """An LWA error: HTTP status, OAuth error code and its description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


class DeadToken(Exception):
    """An access token that SP-API does not take; the text is Amazon's ``details``."""


class Accounts:
    def __init__(self, store: Store) -> None:
        self._store = store
        store.run("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", os.urandom(32).hex())
        row = store.one("SELECT value FROM meta WHERE name = 'secret'")
        assert row is not None
        self._secret = bytes.fromhex(row["value"])
        self._known: dict[str, Account] = {}
        for found in store.all("SELECT * FROM accounts"):
            values = dict(found)
            values["marketplaces"] = [resolve(value) for value in loads(values["marketplaces"])]
            values["roles"], values["revoked"] = set(loads(values["roles"])), bool(values["revoked"])
            self._known[values["account_id"]] = Account(**values)

    def get(self, account_id: str) -> Account | None:
        return self._known.get(account_id)

    def save(self, spec: dict[str, Any]) -> Account:
        """Create or change a seller. Another refresh token means a new consent: it ends a revocation.

        Raises KeyError for what is missing or unknown, ValueError for a token that another seller has.
        """
        given = spec["credentials"]
        names = spec.get("marketplaces") or [spec["marketplace"]]
        fresh = Account(
            account_id=str(spec["account_id"]),
            client_id=given["client_id"],
            client_secret=given["client_secret"],
            refresh_token=given["refresh_token"],
            marketplaces=[resolve(name) for name in names],
            roles=set(spec.get("roles", ROLES)),
            store_name=spec.get("store_name", "Store " + str(spec["account_id"])),
        )
        for other in self._known.values():
            if other.refresh_token == fresh.refresh_token and other.account_id != fresh.account_id:
                raise ValueError("another account has this refresh token")
        former = self._known.get(fresh.account_id)
        if former is not None:
            fresh.generation, fresh.withhold_until = former.generation, former.withhold_until
            fresh.revoked = former.revoked and former.refresh_token == fresh.refresh_token
        self._write(fresh)
        return fresh

    def change(self, account: Account, **values: Any) -> None:
        for name, value in values.items():
            setattr(account, name, value)
        self._write(account)

    def _write(self, account: Account) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            account.account_id,
            account.client_id,
            account.client_secret,
            account.refresh_token,
            dumps([place.id for place in account.marketplaces]),
            dumps(sorted(account.roles)),
            account.store_name,
            account.generation,
            int(account.revoked),
            account.withhold_until,
        )
        self._known[account.account_id] = account

    def grant(self, body: bytes) -> tuple[dict[str, Any], Account]:
        """Answer a token request (form body). Raises TokenRefused."""
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        kind = form.get("grant_type")
        if kind is None:
            raise TokenRefused(400, "invalid_request", "The request is missing a required parameter : grant_type")
        if kind != "refresh_token":
            raise TokenRefused(
                400,
                "unsupported_grant_type",
                f"The authorization grant type is not supported by the authorization server : {kind}",
            )
        for name in ("refresh_token", "client_id", "client_secret"):
            if name not in form:
                raise TokenRefused(400, "invalid_request", f"The request is missing a required parameter : {name}")
        clients = [known for known in self._known.values() if known.client_id == form["client_id"]]
        if not any(hmac.compare_digest(known.client_secret, form["client_secret"]) for known in clients):
            raise TokenRefused(401, "invalid_client", "Client authentication failed")
        for account in clients:
            if account.refresh_token == form["refresh_token"] and not account.revoked:
                break
        else:
            raise TokenRefused(
                400,
                "invalid_grant",
                "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant "
                "the permission.",
            )
        token = "Atza|" + self.seal({"a": account.account_id, "g": account.generation, "t": clock.epoch()})
        return {
            "access_token": token,
            "refresh_token": account.refresh_token,
            "token_type": "bearer",
            "expires_in": ACCESS_SECONDS,
        }, account

    def authenticate(self, token: str) -> Account:
        """The seller of an access token. Raises DeadToken."""
        if not token:
            raise DeadToken("Access token is missing in the request header.")
        claims = self.unseal(token.removeprefix("Atza|")) if token.startswith("Atza|") else None
        account = self._known.get(claims["a"]) if claims else None
        if claims is None or account is None or account.revoked:
            raise DeadToken("The access token you provided is revoked, malformed or invalid.")
        if claims["g"] != account.generation or not 0 <= clock.epoch() - claims["t"] < ACCESS_SECONDS:
            raise DeadToken("The access token you provided has expired.")
        return account

    def seal(self, value: dict[str, Any]) -> str:
        """Opaque text that only this simulator can have made; it needs no row and so survives a kill."""
        raw = json.dumps(value, separators=(",", ":")).encode()
        mark = hmac.digest(self._secret, raw, hashlib.sha256)[:12]
        return base64.urlsafe_b64encode(mark + raw).decode().rstrip("=")

    def unseal(self, text: str) -> dict[str, Any] | None:
        try:
            data = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        except ValueError:
            return None
        mark, raw = data[:12], data[12:]
        if not hmac.compare_digest(mark, hmac.digest(self._secret, raw, hashlib.sha256)[:12]):
            return None
        value: dict[str, Any] = json.loads(raw)
        return value

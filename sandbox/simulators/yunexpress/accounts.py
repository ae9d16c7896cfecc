"""Who may call: accounts, access tokens and the signature over every request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from ..base import clock
from ..base.store import Store
from .answers import BAD_CREDENTIALS, BAD_DATE, BAD_SIGN, BAD_TOKEN, Refused
from .products import CATALOGUE, Product, product_from

TOKEN_SECONDS = 7200
SKEW_SECONDS = 300


@dataclass(frozen=True)
class Account:
    id: str
    app_id: str
    secret: str
    products: dict[str, Product]
    revoked: bool = False


class Accounts:
    """Kept in memory for speed, written through to the store so that a kill loses none."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.by_id: dict[str, Account] = {}
        self.by_app: dict[str, Account] = {}
        for row in store.all("SELECT * FROM accounts"):
            self._remember(row["id"], row["app_id"], row["secret"], json.loads(row["products"]), bool(row["revoked"]))
        self.tokens: dict[str, tuple[str, float]] = {
            row["token"]: (row["account"], row["expires"]) for row in store.all("SELECT * FROM tokens")
        }

    def _remember(self, id: str, app_id: str, secret: str, products: list[Any], revoked: bool) -> Account:
        sold = [product_from(item) for item in products] or list(CATALOGUE.values())
        account = Account(id, app_id, secret, {product.code: product for product in sold}, revoked)
        former = self.by_id.get(id)
        if former is not None:
            self.by_app.pop(former.app_id, None)
        self.by_id[id] = self.by_app[app_id] = account
        return account

    def put(self, id: str, app_id: str, secret: str, products: list[Any], revoked: bool = False) -> Account:
        other = self.by_app.get(app_id)
        if other is not None and other.id != id:
            raise ValueError(f"app_id {app_id!r} belongs to account {other.id!r}")
        account = self._remember(id, app_id, secret, products, revoked)
        self.store.run(
            "INSERT INTO accounts (id, app_id, secret, products, revoked) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO "
            "UPDATE SET app_id = excluded.app_id, secret = excluded.secret, products = excluded.products, "
            "revoked = excluded.revoked",
            id, app_id, secret, json.dumps(products), int(revoked),
        )  # fmt: skip
        return account

    def revoke(self, id: str) -> None:
        row = self.store.one("SELECT * FROM accounts WHERE id = ?", id)
        if row is not None:
            self.put(id, row["app_id"], row["secret"], json.loads(row["products"]), revoked=True)
            self.expire(id)

    def expire(self, id: str) -> None:
        """Every access token of the account dies now."""
        self.tokens = {token: value for token, value in self.tokens.items() if value[0] != id}
        self.store.run("DELETE FROM tokens WHERE account = ?", id)

    def drop_token(self, token: str) -> None:
        self.tokens.pop(token, None)
        self.store.run("DELETE FROM tokens WHERE token = ?", token)

    def issue(self, app_id: str, secret: str) -> dict[str, Any]:
        account = self.by_app.get(app_id)
        if account is None or account.revoked or not hmac.compare_digest(account.secret.encode(), secret.encode()):
            raise Refused(BAD_CREDENTIALS, "appId or appSecret is wrong or no longer authorised")
        token = secrets.token_hex(24)
        expires = clock.epoch() + TOKEN_SECONDS
        self.tokens[token] = (account.id, expires)
        self.store.run("INSERT INTO tokens (token, account, expires) VALUES (?, ?, ?)", token, account.id, expires)
        return {"accessToken": token, "expiresIn": TOKEN_SECONDS}

    def holder(self, token: str) -> Account:
        known = self.tokens.get(token)
        account = self.by_id.get(known[0]) if known else None
        if known is None or account is None or account.revoked or known[1] <= clock.epoch():
            raise Refused(BAD_TOKEN, "token is missing, wrong or expired")
        return account

    def verify(
        self, account: Account, *, date: str, sign: str, method: str, paths: tuple[str, ...], body: bytes
    ) -> None:
        """``paths``: spellings of the request path that count as the platform's (it has no mount prefix there)."""
        if not date.isdigit():
            raise Refused(BAD_DATE, "header date must be the time in milliseconds")
        if abs(int(date) / 1000 - clock.epoch()) > SKEW_SECONDS:
            raise Refused(BAD_DATE, "header date is more than 5 minutes away from the server's time")
        head = b"body=" + body + b"&" if body else b""
        for path in paths:
            text = head + f"date={date}&method={method}&uri={path}".encode()
            wanted = base64.b64encode(hmac.new(account.secret.encode(), text, hashlib.sha256).digest())
            if hmac.compare_digest(wanted, sign.encode()):
                return
        raise Refused(BAD_SIGN, "signature verification failed")

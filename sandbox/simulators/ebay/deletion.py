"""Marketplace account deletion: the challenge, the signed notification, and the key by which it is checked."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..base import clock
from ..base.platform import bearer
from ..base.store import Store
from . import wire
from .accounts import Accounts

ACKNOWLEDGED = (200, 201, 202, 204)
ATTEMPTS = 3


@dataclass
class Deletion:
    store: Store
    accounts: Accounts

    def _key(self) -> tuple[str, ec.EllipticCurvePrivateKey]:
        """The platform's signing key; the same after a restart."""
        row = self.store.one("SELECT kid, pem FROM keys LIMIT 1")
        if row is None:
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode()
            self.store.run("INSERT INTO keys VALUES (?, ?)", wire.new_id(), pem)
            row = self.store.one("SELECT kid, pem FROM keys LIMIT 1")
            assert row is not None
        key = serialization.load_pem_private_key(row["pem"].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return row["kid"], key

    async def public_key(self, request: Request) -> Response:
        """GET …/public_key/{kid} with an application token."""
        if not self.accounts.app_token_good(bearer(request)):
            return JSONResponse({"errors": [{"errorId": 1001, "message": "Invalid access token"}]}, status_code=401)
        kid, key = self._key()
        if request.path_params["kid"] != kid:
            return JSONResponse({"errors": [{"errorId": 195003, "message": "Key not found"}]}, status_code=404)
        der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        text = f"-----BEGIN PUBLIC KEY-----{base64.b64encode(der).decode()}-----END PUBLIC KEY-----"
        return JSONResponse({"algorithm": "ECDSA", "digest": "SHA1", "key": text})

    def sign(self, body: bytes) -> str:
        kid, key = self._key()
        # SHA-1 is what the platform signs with.
        made = key.sign(body, ec.ECDSA(hashes.SHA1()))
        told = {"alg": "ECDSA", "kid": kid, "signature": base64.b64encode(made).decode(), "digest": "SHA1"}
        return base64.b64encode(json.dumps(told).encode()).decode()

    async def send(self, body: dict[str, Any]) -> dict[str, Any]:
        """Challenge the endpoint, then tell it of the closed account.

        ``body``: {"url", "username", "userId", "eiasToken", "verification_token"?, "challenge"?: true, "sign"?: true}.
        Returns {"challenge": {"status", "ok"}|null, "delivered": bool, "status": [status of each attempt],
        "notificationId"}. ``ok`` is None when no verification token was given to check the answer with.
        """
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            challenge = await self._challenge(client, body) if body.get("challenge", True) else None
            statuses: list[str] = []
            notification_id, now = f"{secrets.token_hex(4)}-{wire.new_id()}", clock.iso(millis=True)
            for attempt in range(1, ATTEMPTS + 1):
                statuses.append(await self._post(client, body, notification_id, now, attempt))
                if statuses[-1] in map(str, ACKNOWLEDGED):
                    break
        return {
            "challenge": challenge,
            "delivered": statuses[-1] in map(str, ACKNOWLEDGED),
            "status": statuses,
            "notificationId": notification_id,
        }

    async def _challenge(self, client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
        code = secrets.token_hex(16)
        try:
            answer = await client.get(body["url"], params={"challenge_code": code})
        except httpx.HTTPError as why:
            return {"status": type(why).__name__, "ok": False}
        ok: bool | None = None
        if body.get("verification_token"):
            wanted = hashlib.sha256(f"{code}{body['verification_token']}{body['url']}".encode()).hexdigest()
            try:
                said = answer.json().get("challengeResponse")
            except (ValueError, AttributeError):
                said = None
            kind = answer.headers.get("content-type", "")
            ok = answer.status_code == 200 and said == wanted and kind.startswith("application/json")
        return {"status": str(answer.status_code), "ok": ok}

    async def _post(
        self, client: httpx.AsyncClient, body: dict[str, Any], notification_id: str, event: str, attempt: int
    ) -> str:
        payload = {
            "metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION", "schemaVersion": "1.0", "deprecated": False},
            "notification": {
                "notificationId": notification_id,
                "eventDate": event,
                "publishDate": clock.iso(millis=True),
                "publishAttemptCount": attempt,
                "data": {"username": body["username"], "userId": body["userId"], "eiasToken": body["eiasToken"]},
            },
        }
        content = json.dumps(payload, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        if body.get("sign", True):
            headers["X-EBAY-SIGNATURE"] = self.sign(content)
        try:
            answer = await client.post(body["url"], content=content, headers=headers)
        except httpx.HTTPError as why:
            return type(why).__name__
        return str(answer.status_code)

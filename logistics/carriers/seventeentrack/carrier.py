"""17TRACK v2.4: numbers are registered once, states come by signed webhook or on demand. At most 40 numbers a call."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from core.errors import AuthRevoked, BadPayload, Rejected, Throttled, Transient, UnknownOutcome
from logistics.canonical import Tracked
from logistics.carriers.seventeentrack import mapping
from logistics.protocol import CarrierCredentials, CarrierSession, CarrierSettings, SandboxDraft

BASE_URL = "https://api.17track.net"
MOST = 40
RATE = (3.0, 3.0)  # requests a second, over all operations
BAD_TOKEN, REGISTERED, NOT_REGISTERED, NOTHING_YET = -18010002, -18019901, -18019902, -18019909


class Settings(CarrierSettings):
    """Nothing but the address."""


class Credentials(CarrierCredentials):
    token: str = Field(title="Security key")


def signature(raw: bytes, key: str) -> str:
    """Plain SHA-256 of body, slash and key, lower hex; no HMAC, although much public code says so."""
    return hashlib.sha256(raw + b"/" + key.encode()).hexdigest()


class SeventeenTrack:
    kind: ClassVar[str] = "17track"
    title: ClassVar[str] = "17TRACK"
    settings_model: ClassVar[type[CarrierSettings]] = Settings
    credentials_model: ClassVar[type[CarrierCredentials]] = Credentials

    def sandbox_draft(self, url: str, hook_url: str = "") -> SandboxDraft:
        key, token = uuid.uuid4().hex[:12], uuid.uuid4().hex.upper()
        hook = {"url": hook_url} if hook_url else None
        return SandboxDraft(
            external_id=f"trk-{key}",
            settings={"base_url": f"{url}/seventeentrack"},
            credentials={"token": token},
            register_url=f"{url}/_control/seventeentrack/accounts",
            register={"account_id": f"trk-{key}", "token": token, "webhook": hook},
        )

    def register(self, session: CarrierSession, numbers: Sequence[tuple[str, int | None, str]]) -> dict[str, str]:
        """Registering twice is told by the aggregator and counts as done, so a lost answer may be repeated."""
        items = []
        for number, carrier, country in numbers[:MOST]:
            item: dict[str, Any] = {"number": number}
            if carrier:
                item["carrier"] = carrier
            if country:
                item["destination_country"] = country
            items.append(item)
        data = self._call(session, "register", items, writes=True)
        out = {str(item.get("number")): "" for item in mapping.docs(data.get("accepted"))}
        for refused in mapping.docs(data.get("rejected")):
            code = str(mapping.doc(refused.get("error")).get("code") or 0)
            out[str(refused.get("number"))] = "" if code == str(REGISTERED) else code
        return out

    def fetch(self, session: CarrierSession, numbers: Sequence[str]) -> list[Tracked]:
        """States of registered numbers; those that nothing is known of yet are left out."""
        data = self._call(session, "gettrackinfo", [{"number": number} for number in numbers[:MOST]])
        return [mapping.tracked(item) for item in mapping.docs(data.get("accepted"))]

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any]) -> list[Tracked]:
        """Check the signature over the raw bytes. Raises Rejected ``hook.signature``, BadPayload."""
        given = next((value for name, value in headers.items() if name.lower() == "sign"), "")
        wanted = signature(raw, str(credentials.get("token", "")))
        if not hmac.compare_digest(given.strip().lower().encode(), wanted.encode()):
            raise Rejected("hook.signature")
        try:
            body = json.loads(raw)
            data = body["data"]
            event = body["event"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadPayload("hook.unreadable") from None
        items = data if isinstance(data, list) else [data]
        return [mapping.tracked(item, stopped=event == "TRACKING_STOPPED") for item in items if isinstance(item, dict)]

    def _call(self, session: CarrierSession, op: str, items: Sequence[Any], *, writes: bool = False) -> dict[str, Any]:
        base = (str(session.settings.get("base_url") or "") or BASE_URL).rstrip("/")
        answer = session.http.send(
            "POST",
            f"{base}/track/v2.4/{op}",
            operation="track",  # one budget for all operations, as the aggregator counts
            headers={"17token": str(session.credentials.get("token", "")), "content-type": "application/json"},
            content=json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode(),
            writes=writes,
            rate=RATE,
        )
        lost = UnknownOutcome if writes else Transient
        if answer.status == 429:
            raise Throttled(_seconds(answer.headers))
        if answer.status == 401:
            raise AuthRevoked("tracker.key_refused")
        try:
            body = json.loads(answer.content) if answer.content else None
        except ValueError:
            body = None
        if answer.status >= 500 or not isinstance(body, dict):
            raise lost("tracker.server_error", status=answer.status)
        data = mapping.doc(body.get("data"))
        if body.get("code") != 0:
            codes = [error.get("code") for error in mapping.docs(data.get("errors"))]
            if BAD_TOKEN in codes:
                raise AuthRevoked("tracker.key_refused")
            raise Rejected("tracker.refused", number=str(codes[:1] or body.get("code")))
        return dict(data)


def _seconds(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers.get("retry-after", ""))
    except ValueError:
        return None


TRACKER = SeventeenTrack()

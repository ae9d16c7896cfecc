"""The wire of YunExpress' open API: signature over the exact bytes, envelope, and what its errors mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.errors import (
    AdapterError,
    AlreadyDone,
    AuthExpired,
    AuthRevoked,
    NotFound,
    Rejected,
    Throttled,
    Transient,
    UnknownOutcome,
)
from logistics.protocol import CarrierSession

BASE_URL = "https://openapi.yunexpress.cn"
TOKEN_PATH = "/openapi/oauth2/token"
RATE = (40.0, 80.0)  # a second and at once, per operation; the carrier publishes no limit
TIMEOUT = 30.0

# The first four are known from public clients; the others are told apart by their words as well.
NO_SUCH_PRODUCT, RULE_BROKEN, NO_SUCH_ORDER, NO_PRICE = "02030008", "02039171", "02041002", "02060015"
NOT_READY, WRONG_STATE, DUPLICATE, BAD_FIELD = "02041010", "02041003", "02039001", "02030001"
BAD_CREDENTIALS, BAD_TOKEN, BAD_SIGN, BAD_DATE, TOO_MANY = "02010001", "02010002", "02010003", "02010004", "02010029"

_DUPLICATE = re.compile(r"already exists|has been used|重复|已存在", re.IGNORECASE)
_WEIGHT = re.compile(r"weight\s*:\s*should not exceed\s*([\d.]+)\s*KG", re.IGNORECASE)
_COUNTRY = re.compile(r"country\s*:\s*(\w{2})", re.IGNORECASE)
_BALANCE = re.compile(r"balance|余额|欠费", re.IGNORECASE)


def sign(secret: str, *, method: str, path: str, date: str, body: bytes = b"") -> str:
    """base64(HMAC-SHA256(secret, "body=<raw>&date=<ms>&method=<VERB>&uri=<path>")); without a body no ``body=`` part."""
    head = b"body=" + body + b"&" if body else b""
    text = head + f"date={date}&method={method}&uri={path}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def base_url(session: CarrierSession) -> str:
    return (str(session.settings.get("base_url") or "") or BASE_URL).rstrip("/")


def dumps(body: Mapping[str, Any]) -> bytes:
    """Serialised once; these very bytes are signed and sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def token(session: CarrierSession) -> tuple[str, int]:
    """(access token, seconds it lives). Raises AuthRevoked for wrong credentials."""
    body = dumps(
        {
            "grantType": "client_credentials",
            "appId": session.credentials.get("app_id", ""),
            "appSecret": session.credentials.get("app_secret", ""),
        }
    )
    answer = session.http.send(
        "POST",
        base_url(session) + TOKEN_PATH,
        operation="token",
        headers={"content-type": "application/json"},
        content=body,
        timeout=TIMEOUT,
    )
    data = _json(answer, writes=False)
    if data.get("accessToken"):
        return str(data["accessToken"]), int(data.get("expiresIn") or 7200)
    if str(data.get("code")) == BAD_CREDENTIALS or data.get("success") is False:
        raise AuthRevoked("carrier.credentials_refused", reason=_reason(data))
    raise Transient("carrier.answer_unreadable")


def call(
    session: CarrierSession,
    method: str,
    path: str,
    *,
    operation: str,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    writes: bool = False,
    key: str = "result",
) -> Any:
    """One signed call; returns what stands under ``key``. Raises AdapterError kinds only."""
    content = dumps(body) if body is not None else b""
    date = str(int(session.now().timestamp() * 1000))
    secret = str(session.credentials.get("app_secret", ""))
    headers = {
        "token": session.access_token,
        "date": date,
        "sign": sign(secret, method=method, path=path, date=date, body=content),
        "accept-language": "en-US",
    }
    if content:
        headers["content-type"] = "application/json"
    answer = session.http.send(
        method,
        base_url(session) + path,
        operation=operation,
        headers=headers,
        params=params,
        content=content or None,
        writes=writes,
        timeout=TIMEOUT,
        rate=RATE,
    )
    data = _json(answer, writes=writes)
    if data.get("success") is True or (str(data.get("code")) == "0" and data.get("success") is not False):
        return data.get(key)
    raise classify(str(data.get("code") or ""), str(data.get("msg") or ""))


def _json(answer: Any, *, writes: bool) -> dict[str, Any]:
    """The envelope. An answer that cannot be read says nothing about whether a write was done."""
    lost = UnknownOutcome if writes else Transient
    if answer.status == 429:
        raise Throttled(retry_after(answer.headers))
    try:
        data = json.loads(answer.content) if answer.content else None
    except ValueError:
        data = None
    if answer.status >= 500:
        raise lost("carrier.server_error", status=answer.status)
    if not isinstance(data, dict):
        raise lost("carrier.answer_unreadable", status=answer.status)
    return data


def retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None


def _reason(data: Mapping[str, Any]) -> str:
    return str(data.get("msg") or "")[:200]


def classify(code: str, message: str) -> AdapterError:
    """What a refusal means for us. The carrier's own sentence travels along as ``reason``, its number as ``number``."""
    known = _by_code(code, message)
    if known is not None:
        return known
    if _DUPLICATE.search(message):
        return AlreadyDone("carrier.duplicate_reference")
    if _BALANCE.search(message):
        return Rejected("carrier.balance", number=code)
    return _field_error(code, message)


def _by_code(code: str, message: str) -> AdapterError | None:
    if code == DUPLICATE:
        return AlreadyDone("carrier.duplicate_reference")
    if code == NO_SUCH_ORDER:
        return NotFound("carrier.no_such_booking")
    if code == NOT_READY:
        return NotFound("carrier.label_not_ready")
    if code == BAD_TOKEN:
        return AuthExpired("carrier.token_refused")
    if code in (BAD_CREDENTIALS, BAD_SIGN):
        return AuthRevoked("carrier.credentials_refused")
    if code == BAD_DATE:
        return Transient("carrier.clock_refused")
    if code == TOO_MANY:
        return Throttled(None)
    if code == NO_SUCH_PRODUCT:
        return Rejected("carrier.service_unknown", field="service", number=code)
    if code == NO_PRICE:
        return Rejected("carrier.no_price", number=code)
    if code == WRONG_STATE:
        return Rejected("carrier.wrong_state", number=code)
    if code == RULE_BROKEN:
        return _rule(code, message)
    return None


def _rule(code: str, message: str) -> AdapterError:
    if found := _WEIGHT.search(message):
        grams = int(Decimal(found[1]) * 1000)
        return Rejected("carrier.weight_too_high", field="weight", max_g=grams, number=code)
    if found := _COUNTRY.search(message):
        return Rejected("carrier.country_not_served", field="country", country=found[1], number=code)
    return Rejected("carrier.service_refused", field="service", number=code)


_FIELDS = (
    ("receiver", "carrier.address_refused"),
    ("sender", "carrier.sender_refused"),
    ("declaration_info", "carrier.customs_refused"),
    ("customs_number", "carrier.customs_refused"),
    ("packages", "carrier.parcel_refused"),
    ("product_code", "carrier.service_unknown"),
)
_FIELD = re.compile(r"\b([a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*)")


def _field_error(code: str, message: str) -> Rejected:
    """Fields are named with their path; the sentence itself may repeat the buyer's data, so only the paths are kept."""
    for start, ours in _FIELDS:
        paths = [path for path in _FIELD.findall(message) if path.split(".")[0].split("[")[0] == start]
        if paths:
            return Rejected(ours, field=", ".join(dict.fromkeys(paths))[:200], number=code)
    return Rejected("carrier.refused", number=code)

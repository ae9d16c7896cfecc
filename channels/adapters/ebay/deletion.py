"""Marketplace account deletion: the challenge by which eBay checks the address, and the signed call about a person.

The call is signed with a key of eBay's (ECDSA over the raw body); which one says the header ``x-ebay-signature``,
base64 of ``{"alg", "kid", "signature", "digest"}``. Everything here belongs to the installation, not to a seller.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core import clock
from core.errors import Rejected, Throttled, Transient
from core.wire import Http

SIGNATURE = "x-ebay-signature"
TOPIC = "MARKETPLACE_ACCOUNT_DELETION"
SCOPE = "https://api.ebay.com/oauth/api_scope"
# Whoever invents key ids makes us ask for each of them.
RATE = (0.2, 20.0)
MARGIN = 60  # business seconds before its end a token is not used any more
_tokens: dict[tuple[str, str, str], tuple[float, str]] = {}  # (address, App ID, Cert ID) → (good until, token)
_KID = re.compile(r"[A-Za-z0-9_-]{8,80}\Z")
_ARMOUR = re.compile(r"-----(?:BEGIN|END) PUBLIC KEY-----|\s")
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}


def challenge(query: Mapping[str, str], installed: Mapping[str, str]) -> bytes | None:
    """The answer to eBay's GET; None when it is no challenge or the installation has no token."""
    code, token, endpoint = query.get("challenge_code", ""), installed["verification_token"], installed["endpoint"]
    if not (code and token and endpoint):
        return None
    digest = hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()
    return json.dumps({"challengeResponse": digest}).encode()


def is_rest(raw: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a call is one of the REST notifications (JSON), not one of the Trading API's (SOAP)."""
    return SIGNATURE in headers or raw.lstrip()[:1] == b"{"


def key_id(headers: Mapping[str, str]) -> str:
    """Which key signed the call. Raises Rejected for a header that is none."""
    kid = _told(headers).get("kid")
    if not isinstance(kid, str) or not _KID.match(kid):
        raise Rejected("hook.bad_signature")
    return kid


def _told(headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        told = json.loads(base64.b64decode(headers.get(SIGNATURE, ""), validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise Rejected("hook.bad_signature") from None
    if not isinstance(told, dict):
        raise Rejected("hook.bad_signature")
    return told


def persons(raw: bytes, headers: Mapping[str, str], key_of: Callable[[str], str]) -> tuple[str, ...]:
    """The ids of the person to forget (userId, eiasToken, username); () for a genuine call about something else.

    ``key_of(kid)`` gives the public key's text. Raises Rejected when the call is not eBay's, and what ``key_of`` does.
    """
    _verify(raw, _told(headers), key_of(key_id(headers)))
    try:
        body = json.loads(raw)
        if body["metadata"]["topic"] != TOPIC:
            return ()
        data = body["notification"]["data"]
        ids = [data.get(name) for name in ("userId", "eiasToken", "username")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Rejected("hook.unreadable") from None
    return tuple(dict.fromkeys(one for one in ids if isinstance(one, str) and one.strip()))


def _verify(raw: bytes, told: Mapping[str, Any], text: str) -> None:
    digest = _DIGESTS.get(str(told.get("digest") or "SHA1").upper())
    try:
        key = serialization.load_der_public_key(base64.b64decode(_ARMOUR.sub("", text), validate=True))
        signature = base64.b64decode(str(told.get("signature") or ""), validate=True)
    except (ValueError, UnsupportedAlgorithm):
        raise Rejected("hook.bad_signature") from None
    if digest is None or not isinstance(key, ec.EllipticCurvePublicKey):
        raise Rejected("hook.bad_signature")
    try:
        key.verify(signature, raw, ec.ECDSA(digest()))
    except InvalidSignature:
        raise Rejected("hook.bad_signature") from None


def fetch_key(http: Http, installed: Mapping[str, str], kid: str) -> str:
    """The public key of that id, as eBay writes it. Raises Rejected for one that it does not know,
    Transient when it cannot be had now."""
    base = (installed["base_url"] or "https://api.ebay.com").rstrip("/")
    url = f"{base}/commerce/notification/v1/public_key/{kid}"
    try:
        answer = _get(http, url, _token(http, base, installed))
        if answer["status"] == 401:  # the token ended before its time
            _tokens.clear()
            answer = _get(http, url, _token(http, base, installed))
    except Throttled:
        # A genuine call is sent again by the platform; by then there is room.
        raise Rejected("hook.key_unknown") from None
    if answer.get("status") in (400, 404):
        raise Rejected("hook.key_unknown")
    if answer.get("status") != 200 or not isinstance(answer.get("key"), str):
        raise Transient("hook.no_key", status=answer.get("status"))
    return str(answer["key"])


def _get(http: Http, url: str, token: str) -> dict[str, Any]:
    answer = http.send(
        "GET", url, operation="public_key", headers={"authorization": f"Bearer {token}"}, timeout=5.0, rate=RATE
    )
    return {**_json(answer.content), "status": answer.status}


def _token(http: Http, base: str, installed: Mapping[str, str]) -> str:
    """A token of the application (no seller), kept while it is good: whoever calls us with invented key ids would have one
    minted each time, and eBay counts them by day."""
    if not (installed["app_id"] and installed["cert_id"]):
        raise Transient("hook.not_configured")
    place = (base, installed["app_id"], installed["cert_id"])
    held = _tokens.get(place)
    if held is not None and held[0] > clock.epoch():
        return held[1]
    pair = base64.b64encode(f"{installed['app_id']}:{installed['cert_id']}".encode()).decode()
    answer = http.send(
        "POST",
        f"{base}/identity/v1/oauth2/token",
        operation="application_token",
        headers={"authorization": f"Basic {pair}", "content-type": "application/x-www-form-urlencoded"},
        content=urlencode({"grant_type": "client_credentials", "scope": SCOPE}).encode(),
        timeout=5.0,
        rate=RATE,
    )
    told = _json(answer.content)
    token, lasts = told.get("access_token"), told.get("expires_in")
    if answer.status != 200 or not isinstance(token, str):
        raise Transient("hook.no_key", status=answer.status)
    if isinstance(lasts, int) and lasts > MARGIN:
        _tokens[place] = (clock.epoch() + lasts - MARGIN, token)
    return token


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

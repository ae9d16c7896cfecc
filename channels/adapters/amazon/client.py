"""Our gateway to SP-API: python-amazon-sp-api builds requests and reads answers, every byte goes through ``session.http``.

What is mended of the library 2.1.35 without a fork (each has a test):
its constructor, which looks for credentials in the environment and opens connection pools, is not called; it has no
token cache, the access token is handed in; it adds no marketplace parameters of its own; ``Host`` is left to the HTTP
client; an answer that is no JSON object, an error without ``errors`` and an empty 200 raise instead of looking like
"nothing found"; errors are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode

from sp_api.api.inventories.inventories import Inventories
from sp_api.api.orders.orders_2026_01_01 import OrdersV20260101
from sp_api.api.orders.orders_v0 import OrdersV0
from sp_api.api.sellers.sellers import Sellers

from channels.adapters.amazon.places import LWA, host_of
from channels.protocol import Http, HttpAnswer, Session, Token
from core.errors import (
    AlreadyDone,
    AuthExpired,
    AuthRevoked,
    BadPayload,
    Conflict,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    Transient,
    UnknownOutcome,
)

USER_AGENT = "Sampan/0.1 (Language=Python)"
# Published usage plans: requests per second and burst, per selling account and application.
RATES: dict[str, tuple[float, float]] = {
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "confirmShipment": (2, 10),
    "getInventorySummaries": (2, 2),
    "getMarketplaceParticipations": (0.016, 15),
}
PAGE_TOKENS = ("paginationToken", "nextToken")
PAGE_TOKEN_DEAD = "adapter.page_token_dead"
_SPACE = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


def split(text: str, path: tuple[str, ...]) -> list[str]:
    """The texts of the array's elements (or of the one object) at ``path``, exactly as they came. [] when absent.

    Raises ValueError when ``text`` is no JSON.
    """
    start = _find(text, _SPACE.match(text).end(), path)  # type: ignore[union-attr]
    if start < 0:
        return []
    if text[start] != "[":
        return [text[start : _decode(text, start)[1]]] if text[start] == "{" else []
    found: list[str] = []
    place = _skip(text, start + 1)
    while text[place] != "]":
        _, end = _decode(text, place)
        found.append(text[place:end])
        place = _skip(text, end)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return found


def _find(text: str, place: int, path: tuple[str, ...]) -> int:
    """Where the value at ``path`` begins, or -1."""
    if not path:
        return place
    if text[place : place + 1] != "{":
        return -1
    place = _skip(text, place + 1)
    while text[place] != "}":
        name, place = _decode(text, place)
        place = _skip(text, _skip(text, place) + 1)  # the colon
        if name == path[0]:
            return _find(text, place, path[1:])
        _, place = _decode(text, place)
        place = _skip(text, place)
        if text[place] == ",":
            place = _skip(text, place + 1)
    return -1


def _skip(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()  # type: ignore[union-attr]


class Reply:
    """An answer in the shape that the library reads (of httpx's it needs status, headers, text and json())."""

    def __init__(self, answer: HttpAnswer, operation: str, params: Mapping[str, Any], *, writes: bool) -> None:
        self.status_code, self.headers, self.content = answer.status, answer.headers, answer.content
        self.operation, self.params, self.writes = operation, params, writes
        self.text = answer.content.decode("utf-8", "replace")
        self._body: dict[str, Any] | None = None

    def json(self) -> dict[str, Any]:
        """The answer's object; what is no JSON object raises what it means."""
        if self._body is not None:
            return self._body
        if not self.content and self.writes:
            return {}
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            # An empty 200 and a page of HTML are storms at Amazon's edge, not "no orders".
            raise (UnknownOutcome if self.writes else Transient)("amazon.no_json", operation=self.operation)
        self._body = value
        return value


class Wire:
    """The library's transport: hands its requests to ``session.http``."""

    def __init__(self, http: Http, operation: str, *, writes: bool, rate: tuple[float, float] | None) -> None:
        self._http, self._operation, self._writes, self._rate = http, operation, writes, rate
        self.reply: Reply | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        answer = self._http.send(
            method,
            url,
            operation=self._operation,
            headers=headers,
            params=dict(params or {}),
            content=content.encode() if content is not None else None,
            writes=self._writes,
            rate=self._rate,
        )
        self.reply = Reply(answer, self._operation, params or {}, writes=self._writes)
        return self.reply

    def close(self) -> None:
        """Nothing of ours is open."""


class Mended:
    """Stands before an API class of the library."""

    def __init__(self, session: Session, operation: str, *, writes: bool = False) -> None:
        # The library's own __init__ reads the environment and opens pools; these are all the attributes it sets that
        # a request needs.
        self.endpoint = base_url(session)
        self.marketplace_id = session.marketplaces[0] if session.marketplaces else ""
        self.restricted_data_token = None
        self.version = None
        self._access_token = session.access_token
        self._transport = Wire(session.http, operation, writes=writes, rate=rate_of(session, operation))

    @property
    def headers(self) -> dict[str, str]:
        return {
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "content-type": "application/json",
            "x-amz-access-token": self._access_token,
        }

    @property
    def reply(self) -> Reply:
        reply = self._transport.reply
        assert reply is not None
        return reply

    def _request(self, path: str, *, add_marketplace: bool = False, **more: Any) -> Any:
        return super()._request(path, add_marketplace=False, **more)  # type: ignore[misc]

    def _check_response(self, res: Reply, *args: Any, **more: Any) -> Any:
        if res.status_code >= 300:
            _raise(res)
        if res.status_code == 204:
            return None
        if "errors" in (body := res.json()) and body["errors"]:
            _raise(res)
        return super()._check_response(res, *args, **more)  # type: ignore[misc]


class Orders(Mended, OrdersV20260101):
    """Orders API 2026-01-01."""


class Confirming(Mended, OrdersV0):
    """What is left of Orders v0: confirmShipment."""


class Stock(Mended, Inventories):
    """FBA Inventory v1."""


class Selling(Mended, Sellers):
    """Sellers v1."""


def base_url(session: Session) -> str:
    return str(session.settings.get("base_url") or host_of(session.marketplaces)).rstrip("/")


def rate_of(session: Session, operation: str) -> tuple[float, float] | None:
    """The usage plan of an operation for this account; None when the account keeps no budget of its own."""
    factor = float(session.settings.get("usage_plan", 1))
    if factor <= 0 or operation not in RATES:
        return None
    rate, burst = RATES[operation]
    return rate * factor, burst * factor


# -- errors -----------------------------------------------------------------------------------------------------------


def _errors(reply: Reply) -> list[dict[str, Any]]:
    try:
        found = json.loads(reply.text).get("errors")
    except (ValueError, AttributeError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _raise(reply: Reply) -> NoReturn:
    """The AdapterError that an answer means. Amazon's own words go along as ``reason``, shortened."""
    status, operation = reply.status_code, reply.operation
    first = (_errors(reply) or [{}])[0]
    code, message, details = (str(first.get(name) or "") for name in ("code", "message", "details"))
    told: dict[str, Any] = {"operation": operation, "status": status, "reason": (message or code)[:300]}
    if status == 429 or code == "QuotaExceeded":
        raise Throttled(_retry_after(reply), operation=operation)
    if status >= 500:
        raise (UnknownOutcome if reply.writes else Transient)("amazon.unavailable", **told)
    if status == 401 or (status == 403 and "token" in f"{message} {details}".casefold()):
        raise AuthExpired(None, operation=operation)
    if status == 403:
        raise PermissionMissing(scope=operation, reason=told["reason"])
    if status == 404:
        raise NotFound("amazon.not_found", **told)
    if status == 409:
        raise Conflict("amazon.conflict", **told)
    if "PackageToUpdateNotFound" in message:
        raise AlreadyDone("amazon.already_fulfilled", operation=operation)
    if any(name in reply.params for name in PAGE_TOKENS):
        # Amazon says no more than "Invalid Input" when a page token has died.
        raise Rejected(PAGE_TOKEN_DEAD, **told)
    raise Rejected("amazon.refused", field=details[:200], **told)


def _retry_after(reply: Reply) -> float | None:
    """Business seconds until the next try: what the answer says, else one interval of the usage plan."""
    for name, invert in (("retry-after", False), ("x-amzn-ratelimit-limit", True)):
        try:
            value = float(reply.headers.get(name, ""))
        except ValueError:
            continue
        if value > 0:
            return 1 / value if invert else value
    plan = RATES.get(reply.operation)
    return 1 / plan[0] if plan else None


# -- Login with Amazon ------------------------------------------------------------------------------------------------


def mint(session: Session) -> Token:
    """An access token for the refresh token. Raises AuthRevoked when the consent or the application is gone."""
    own = session.settings.get("base_url")
    given = session.credentials
    form = {
        "grant_type": "refresh_token",
        "refresh_token": given["refresh_token"],
        "client_id": given["client_id"],
        "client_secret": given["client_secret"],
    }
    answer = session.http.send(
        "POST",
        f"{str(own or LWA).rstrip('/')}/auth/o2/token",
        operation="token",
        headers={
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
        },
        content=urlencode(form).encode(),
    )
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    error = str(told.get("error") or "") if isinstance(told, dict) else ""
    if answer.status == 429:
        raise Throttled(_seconds(answer.headers.get("retry-after")), operation="token")
    if answer.status >= 500 or not isinstance(told, dict):
        raise Transient("amazon.unavailable", operation="token", status=answer.status)
    if answer.status in (400, 401, 403):
        raise AuthRevoked("amazon.consent_gone" if error == "invalid_grant" else "amazon.application", error=error)
    token, seconds = told.get("access_token"), told.get("expires_in")
    if answer.status != 200 or not isinstance(token, str) or not token or not isinstance(seconds, int):
        raise BadPayload("amazon.token_unreadable", path="access_token")
    return Token(access=token, expires_in=seconds)


def _seconds(value: str | None) -> float | None:
    try:
        return float(value or "")
    except ValueError:
        return None

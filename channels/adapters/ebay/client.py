"""Our gateway to eBay: ebaysdk builds Trading requests, every byte goes through ``session.http``, we read the answers.

What is mended of the library 2.2.0 without a fork: request values are escaped by us (its serialiser leaves list items
and attributes open to injection); its requests session is ours, so it opens no connection; its reader is not used (it
dies on anything that is not the expected XML, reads times as naive ones and loses PartialFailure); HTTPS is switched by
the address; no yaml file is looked for; errors are ours, by number and never by text.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.sax.saxutils import escape

from ebaysdk.trading import Connection
from lxml import etree

from channels.protocol import Session, Token
from core.errors import (
    AdapterError,
    AuthExpired,
    AuthRevoked,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    Transient,
    UnknownOutcome,
)
from core.wire.sdk import Call, requests_session

NS = "urn:ebay:apis:eBLBaseComponents"
LEVEL = "1455"  # from here on the final destination of a multi-leg shipment is told
# 5,000 calls a day and application: spread over the day, with room for a morning's backlog.
RATE = (5000 / 86400, 2500.0)
DEAD_TOKEN = frozenset({931, 21916984, 21917053})
REVOKED = frozenset({932, 16110, 17470, 16118, 16119})
BUSY = frozenset({10007, 219255, 10009, 2191002})
PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
)
TAG = "{" + NS + "}"
UNREADABLE = "SampanUnreadable"
_ORDERS, _ORDER_ID = re.compile(rb"(?=<Order>)"), re.compile(rb"<OrderID>([\w!-]{1,120})</OrderID>")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(value: Mapping[str, Any] | Sequence[Any] | str | int | bool | datetime) -> str:
    """A request body's inner XML from nested dicts, lists (repeated tags) and scalars, everything escaped."""
    if isinstance(value, Mapping):
        return "".join(_tag(name, item) for name, item in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return stamp(value)
    return escape(str(value))


def _tag(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return "".join(_tag(name, item) for item in value)
    return f"<{name}>{xml(value)}</{name}>"


def stamp(moment: datetime) -> str:
    """GMT with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def call(
    session: Session, verb: str, body: Mapping[str, Any], *, writes: bool = False, site: str = "0"
) -> etree._Element:
    """One Trading call; the answer's root element. Raises the adapter errors."""
    base = urlsplit(session.settings.get("base_url") or "https://api.ebay.com")
    keys = session.credentials
    connection = Connection(
        domain=base.netloc,
        uri=f"{base.path}/ws/api.dll",
        config_file=None,
        iaf_token=session.access_token,
        appid=keys.get("app_id") or "",
        devid=keys.get("dev_id") or "",
        certid=keys.get("cert_id") or "",
        siteid=site,
        compatibility=LEVEL,
        timeout=30,
    )
    connection.config.set("https", base.scheme == "https", force=True)
    connection.session = requests_session(session.http, lambda *_: Call(verb, writes=writes, rate=RATE))
    connection.build_request(verb, xml(body), None)
    connection.execute_request()
    answer = connection.response
    return read(verb, answer.status_code, dict(answer.headers), answer.content, writes=writes)


def read(verb: str, status: int, headers: Mapping[str, str], content: bytes, *, writes: bool) -> etree._Element:
    """Classify an answer. Anything that is not eBay's XML is a storm, not an empty result."""
    lost: type[AdapterError] = UnknownOutcome if writes else Transient
    if status == 429:
        raise Throttled(seconds(headers), operation=verb)
    if status >= 500:
        raise lost("ebay.server_error", operation=verb, status=status)
    root = _tree(content)
    if root is None and verb == "GetOrders":
        root = _salvaged(content)
    if root is None:
        raise lost("ebay.no_xml", operation=verb, status=status)
    if root.tag != f"{TAG}{verb}Response":
        raise lost("ebay.no_xml", operation=verb, status=status)
    ack = root.findtext(f"{TAG}Ack")
    if ack not in ("Success", "Warning"):
        _refuse(verb, root, writes=writes)
    return root


def _tree(content: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(content, PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _salvaged(content: bytes) -> etree._Element | None:
    """A page of GetOrders in which an order is no XML (a bare ampersand, a control character, a cut one).

    In its place stands an Order of its OrderID and its text under ``UNREADABLE``; the others are as they came. None
    when the page itself is broken.
    """
    head, begin, rest = content.partition(b"<OrderArray>")
    inner, end, tail = rest.rpartition(b"</OrderArray>")
    if not begin or not end:
        return None
    whole = [piece if _tree(piece) is not None else _stand_in(piece) for piece in _ORDERS.split(inner) if piece.strip()]
    return _tree(b"".join([head, begin, *whole, end, tail]))


def _stand_in(piece: bytes) -> bytes:
    found = _ORDER_ID.search(piece)
    text = _NOT_XML.sub("\ufffd", piece.decode("utf-8", "replace"))
    name = f"<OrderID>{found[1].decode('ascii', 'replace')}</OrderID>" if found else ""
    return f"<Order>{name}<{UNREADABLE}>{escape(text)}</{UNREADABLE}></Order>".encode()


def seconds(headers: Mapping[str, str]) -> float | None:
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "")
    return float(value) if value.replace(".", "", 1).isdigit() else None


def _refuse(verb: str, root: etree._Element, *, writes: bool) -> None:
    errors = [node for node in root.iterfind(f"{TAG}Errors") if node.findtext(f"{TAG}SeverityCode") != "Warning"]
    numbers = []
    for node in errors:
        text = node.findtext(f"{TAG}ErrorCode") or ""
        numbers.append(int(text) if text.isdigit() else 0)
    if DEAD_TOKEN.intersection(numbers):
        raise AuthExpired(operation=verb)
    if REVOKED.intersection(numbers):
        raise AuthRevoked(operation=verb)
    if 518 in numbers:
        raise Throttled(3600.0, operation=verb)
    system = any(node.findtext(f"{TAG}ErrorClassification") == "SystemError" for node in errors)
    if BUSY.intersection(numbers) or system or not errors:
        raise (UnknownOutcome if writes else Transient)("ebay.internal", operation=verb)
    first = errors[0]
    tags = [node.findtext(f"{TAG}Value") or "" for node in first.iterfind(f"{TAG}ErrorParameters")]
    if 21916964 in numbers:
        raise Rejected("ebay.tracking_used", field="ShipmentTrackingNumber")
    reason = (first.findtext(f"{TAG}LongMessage") or first.findtext(f"{TAG}ShortMessage") or "")[:300]
    raise Rejected("ebay.refused", field=tags[0][:60] if tags else "", number=numbers[0], reason=reason)


def mint(session: Session) -> Token:
    """A user token from the refresh token (18 months; revoked by the seller or a changed password)."""
    base = session.settings.get("base_url") or "https://api.ebay.com"
    keys = session.credentials
    basic = base64.b64encode(f"{keys['app_id']}:{keys['cert_id']}".encode()).decode()
    form = {"grant_type": "refresh_token", "refresh_token": keys["refresh_token"]}
    answer = session.http.send(
        "POST",
        f"{base.rstrip('/')}/identity/v1/oauth2/token",
        operation="token",
        headers={"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"},
        content=urlencode(form).encode(),
    )
    if answer.status == 429:
        raise Throttled(seconds(answer.headers), operation="token")
    try:
        body = json.loads(answer.content)
    except ValueError:
        raise Transient("ebay.no_json", operation="token", status=answer.status) from None
    if not isinstance(body, dict):
        raise Transient("ebay.no_json", operation="token", status=answer.status)
    if answer.status == 200 and isinstance(body.get("access_token"), str):
        return Token(body["access_token"], int(body.get("expires_in") or 7200))
    error = str(body.get("error") or "")
    if error == "invalid_grant":
        raise AuthRevoked(operation="token")
    if error in ("invalid_client", "unauthorized_client"):
        raise PermissionMissing("client", operation="token")
    if error == "invalid_scope":
        raise PermissionMissing("scope", operation="token")
    if answer.status == 404:
        raise NotFound(operation="token")
    raise Transient("ebay.server_error", operation="token", status=answer.status)

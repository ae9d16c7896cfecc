"""XML in and out: strict reading against a grammar, and the envelope of every Trading answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from ..base import clock
from .errors import TradingError
from .times import seconds

NS = "urn:ebay:apis:eBLBaseComponents"
#: the schema version that the server speaks, whatever level was asked for
VERSION = "1489"
BUILD = "CORE_APIXO_19220561_R1"
#: element -> None for text, a grammar for a container; a name ending in ``*`` may come several times
Grammar = Mapping[str, Any]

COMMON: dict[str, Any] = {
    "RequesterCredentials": {"eBayAuthToken": None},
    "DetailLevel*": None,
    "ErrorHandling": None,
    "ErrorLanguage": None,
    "EndUserIP": None,
    "InvocationID": None,
    "MessageID": None,
    "OutputSelector*": None,
    "Version": None,
    "WarningLevel": None,
}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class Partial:
    """One part of a call went well and another did not: ``Ack`` PartialFailure."""

    content: str
    error: TradingError


def clean(text: str) -> str:
    """What XML 1.0 cannot carry is left out, as the platform does it with pasted control characters."""
    return _ILLEGAL.sub("", text)


def read(body: bytes, call: str, grammar: Grammar) -> dict[str, Any]:
    """``<CallRequest>`` as a dictionary. Raises error 5 for what is no XML or holds an element that is not known."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as why:
        raise TradingError(5, (str(why),)) from None
    if b"<!DOCTYPE" in body:
        raise TradingError(5, ("A document type declaration is not allowed.",))
    expected = f"{{{NS}}}{call}Request"
    if root.tag != expected:
        raise TradingError(5, (f"Root element must be {call}Request in namespace {NS}, not {root.tag}.",))
    return _container(root, {**COMMON, **grammar}, f"{call}Request")


def _container(node: etree._Element, grammar: Grammar, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if node.text and node.text.strip():
        raise TradingError(5, (f"Schema XML request error: text is not expected inside {path}.",))
    for child in node:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child)
        many = f"{name.localname}*" in grammar
        if name.namespace != NS or not (many or name.localname in grammar):
            raise TradingError(5, (f"Schema XML request error: element {name.localname} is NOT expected in {path}.",))
        inner = grammar[f"{name.localname}*" if many else name.localname]
        below = f"{path}.{name.localname}"
        value = _text(child, below) if inner is None else _container(child, inner, below)
        if many:
            found.setdefault(name.localname, []).append(value)
        elif name.localname in found:
            raise TradingError(5, (f"Schema XML request error: element {name.localname} comes twice in {path}.",))
        else:
            found[name.localname] = value
    return found


def _text(node: etree._Element, path: str) -> str:
    if len(node):
        raise TradingError(5, (f"Schema XML request error: element {path} must hold text only.",))
    text = node.text or ""
    # What a person wrote stays as it was written; everything else is a token.
    return text if node.tag == f"{{{NS}}}Body" else text.strip()


def boolean(value: str, tag: str) -> bool:
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    raise TradingError(5, (f"Schema XML request error: '{value}' is not a boolean ({tag}).",))


def integer(value: str, tag: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}", value):
        raise TradingError(5, (f"Schema XML request error: '{value}' is not an int ({tag}).",))
    return int(value)


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def moment(value: str, tag: str) -> float:
    """xs:dateTime as epoch seconds; without a zone it is GMT, as the platform reads it."""
    if _TIME.fullmatch(value):
        try:
            return seconds(value)
        except ValueError:
            pass
    raise TradingError(5, (f"Schema XML request error: '{value}' is not a dateTime ({tag}).",))


def sub(parent: etree._Element, tag: str, text: object = None, **attributes: str) -> etree._Element:
    node = etree.SubElement(parent, tag, attributes)
    if text is not None:
        node.text = clean(str(text))
    return node


def fragment(node: etree._Element) -> str:
    """Serialised without a namespace: it takes the default one of the answer that it is put into."""
    return etree.tostring(node, encoding="unicode")


def error_xml(error: TradingError, severity: str = "Error") -> str:
    short, long, system = error.texts()
    node = etree.Element("Errors")
    sub(node, "ShortMessage", short)
    sub(node, "LongMessage", long)
    sub(node, "ErrorCode", error.code)
    sub(node, "SeverityCode", severity)
    for index, value in enumerate(error.parameters):
        sub(sub(node, "ErrorParameters", ParamID=str(index)), "Value", value)
    sub(node, "ErrorClassification", "SystemError" if system else "RequestError")
    return fragment(node)


def answer(
    call: str,
    *,
    ack: str = "Success",
    content: str = "",
    errors: Iterable[str] = (),
    correlation: str | None = None,
    timestamp: str | None = None,
) -> bytes:
    """The official envelope around ``content`` (already XML)."""
    head = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{call}Response xmlns="{NS}">',
        f"<Timestamp>{timestamp or clock.iso(millis=True)}</Timestamp><Ack>{ack}</Ack>",
    ]
    if correlation:
        node = etree.Element("CorrelationID")
        node.text = clean(correlation)
        head.append(fragment(node))
    head.extend(errors)
    head.append(f"<Version>{VERSION}</Version><Build>E{VERSION}_{BUILD}</Build>")
    return "".join([*head, content, f"</{call}Response>"]).encode()


def new_id() -> str:
    return uuid.uuid4().hex

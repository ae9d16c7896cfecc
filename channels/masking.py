"""Payloads as people may see them who do not see buyers: two nets, by the name of a member and by the look of its value. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from lxml import etree

MASK = "•••"
MOST = 20_000  # characters that are shown
# A member whose name holds one of these is masked with all that is in it.
PERSONAL = tuple(
    "name addr street city phone mail post zip buyer recip user sender token note gift text body subject message tax vat"
    " state province county region district customer receiver contact person birth custom instruct checkout cookie".split()
)
# … unless it is one of these, which are the platform's own words.
PLAIN = ("orderstatus", "marketplace", "itemid", "orderid", "orderlineitemid", "sku", "transactionid", "statustype")
# What a value outside of them may look like: one word, number, date or code; anything with spaces may quote a person.
CODE = re.compile(r"[A-Za-z0-9_.:!|/+-]{0,60}\Z")


def masked(text: str, person_fields: Iterable[str] = ()) -> str:
    """JSON or XML with personal values taken out; '' for what is neither, for there nothing can be told apart."""
    names = (*PERSONAL, *(name.casefold() for name in person_fields))
    try:
        return json.dumps(_json(json.loads(text), names, False), ensure_ascii=False, indent=1)[:MOST]
    except (ValueError, RecursionError):
        pass
    try:
        root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return ""
    _xml(root, names, False)
    return str(etree.tostring(root, encoding="unicode"))[:MOST]


def _personal(name: str, names: tuple[str, ...]) -> bool:
    low = name.casefold()
    return low not in PLAIN and any(part in low for part in names)


def _json(value: Any, names: tuple[str, ...], inside: bool) -> Any:
    if isinstance(value, dict):
        return {
            key if CODE.match(key) else MASK: _json(one, names, inside or _personal(key, names))
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_json(one, names, inside) for one in value]
    if value is None or isinstance(value, bool):
        return value
    return MASK if inside or not CODE.match(str(value)) else value


def _xml(node: Any, names: tuple[str, ...], inside: bool) -> None:
    if not isinstance(node.tag, str):  # a comment
        node.text = MASK
        node.tail = None
        return
    inside = inside or _personal(etree.QName(node).localname, names)
    for name, value in node.attrib.items():
        if inside or _personal(name, names) or not CODE.match(value):
            node.set(name, MASK)
    if (node.text or "").strip() and (inside or not CODE.match((node.text or "").strip())):
        node.text = MASK
    if (node.tail or "").strip():
        node.tail = MASK
    for child in node:
        _xml(child, names, inside)

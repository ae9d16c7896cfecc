"""Merge key: two orders to the same person at the same address get the same key, however the address was typed.

It survives spaces, letter case, full-width letters, accents and punctuation, the usual abbreviations of street words,
the order of address lines, the place of the unit (flat, apartment, #), and a city or postcode repeated in the lines. It
never reorders numbers inside a line: a missed merge costs a parcel, a false one sends goods to a stranger.

The key is personal data in readable form: whoever stores it stores a keyed hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .reading import has_cjk, squash, squeeze

_STREET_WORDS = {
    "st": "street str st saint sankt straat strasse stra улица ул ulica ul ulice utca u",
    "rd": "road rd",
    "av": "avenue avenida av ave aven avda aveniu",
    "bd": "boulevard blvd bd boul bulevar bulvar бульвар",
    "ln": "lane ln",
    "dr": "drive dr drv",
    "ct": "court ct crt",
    "pl": "place platz plaza pl plz piazza pza",
    "sq": "square sq",
    "hy": "highway hwy hway",
    "pk": "parkway pkwy pky",
    "te": "terrace terr ter",
    "cr": "crescent cres cresc",
    "cl": "close cl",
    "gd": "gardens gdns gardns",
    "ci": "circle cir circ",
    "tr": "trail trl",
    "wy": "way wy weg",
    "pr": "проспект пр просп",
    "pe": "переулок пер",
    "hs": "дом д",
    "kp": "корпус корп к",
    "rue": "rue r rua",
    "ca": "calle c cl/",
    "via": "via v",
    "ap": "apartado",
    "mt": "mount mt",
    "ft": "fort ft",
    "bg": "building bldg bld gebaude",
    "bk": "block blk",
    "fl": "floor flr etage piso",
    "n": "north n",
    "s": "south s",
    "e": "east e",
    "w": "west w",
    "ne": "northeast ne",
    "nw": "northwest nw",
    "se": "southeast se",
    "sw": "southwest sw",
    "&": "and und et",
}
_CANONICAL = {word: short for short, words in _STREET_WORDS.items() for word in words.split()}
# "Hauptstraße" and "Hauptstr." are one word; so are "Kerkstraat", "Bahnhofplatz", "Highstreet".
_SUFFIXES = (
    ("strasse", "st"),
    ("straat", "st"),
    ("street", "st"),
    ("avenue", "av"),
    ("platz", "pl"),
    ("road", "rd"),
    ("gasse", "ga"),
    ("str", "st"),
)
_UNIT_WORDS = (
    r"(?:apartment|apartamento|appartement|appartment|apart|appt|apto|apt|app|unit|flat|suite|ste|room|rm|"
    r"wohnung|whg|квартира|кв|офис|оф)"
)
_UNIT = re.compile(
    rf"(?:(?<![^\W\d_]){_UNIT_WORDS}\s*[.:]?\s*(?:no\.?|nr\.?|\#)?|\#)\s*"
    r"([a-z]?\s?-?\s?\d+(?:\s?-\s?\d+)?(?:\s?[a-z](?![^\W_]))?|[a-z](?![^\W_]))"
)
_NUMBER_SIGN = re.compile(r"(?:№|(?<![^\W_])n°|(?<![^\W_])(?:no|nr|num|numero|number)\b\.?)\s*(?=\d)")
_PO_BOX = re.compile(r"(?<![^\W_])(?:p\s*\.?\s*o\s*\.?\s*box|post\s*office\s*box|postbox|postfach)(?![^\W\d_])")
_PIECES = re.compile(r"[,;\n，；、|]+")
_LEADING_NUMBER = re.compile(r"^\s*(\d+[a-z]?)\s*,", re.MULTILINE)
_LONE_NUMBER = re.compile(r",\s*(\d+[a-z]?)\s*(?=,|$)", re.MULTILINE)
_TOKENS = re.compile(r"\d+|[^\W\d_]+|&")
_TITLES = frozenset("mr mrs ms miss mx dr prof sir madam herr frau mme mlle sr sra".split())


class MergeParts(NamedTuple):
    """The key part by part, so that a page can say which part keeps two orders apart. All texts are squashed."""

    name: str
    street: str
    unit: str
    postcode: str
    city: str
    country: str


def _short(token: str) -> str:
    known = _CANONICAL.get(token)
    if known is not None:
        return known
    for ending, short in _SUFFIXES:
        if token.endswith(ending) and len(token) > len(ending) + 1:
            return token[: -len(ending)] + short
    return token


def _words(text: str) -> str:
    return "".join(_short(token) for token in _TOKENS.findall(text))


def _name(raw: str) -> str:
    text = squash(raw)
    last, comma, first = text.partition(",")
    if comma and last.strip() and first.strip() and "," not in first:  # "Smith, John"
        text = f"{first} {last}"
    tokens = _TOKENS.findall(text)
    while len(tokens) > 1 and tokens[0] in _TITLES:
        tokens.pop(0)
    return "".join(token for token in tokens if token != "&")


def _split_piece(piece: str) -> list[str]:
    """Cut "rose cottage 12 high street" before a number that has a word after it, so that it equals two lines."""
    tokens = _TOKENS.findall(piece)
    cuts = [
        i
        for i in range(1, len(tokens) - 1)
        if tokens[i].isdigit() and tokens[i - 1].isalpha() and len(tokens[i + 1]) > 1 and tokens[i + 1].isalpha()
    ]
    out, start = [], 0
    for cut in [*cuts, len(tokens)]:
        out.append("".join(_short(token) for token in tokens[start:cut]))
        start = cut
    return [text for text in out if text]


def _street(lines: Iterable[str], drop: frozenset[str]) -> tuple[str, str]:
    text = "\n".join(squash(line) for line in lines if line)
    text = _PO_BOX.sub("pobox", _NUMBER_SIGN.sub("", text))
    units: list[str] = []

    def take(match: re.Match[str]) -> str:
        units.append(squeeze(match[1]))
        return ","  # what stood on both sides of the unit are pieces of their own

    if not has_cjk(text):
        text = _UNIT.sub(take, text)
    for lone in (_LEADING_NUMBER, _LONE_NUMBER):  # "5, rue Haute" and "Calle Mayor, 5": the comma parts nothing
        text = lone.sub(lambda match: match[0] if match[1] in drop else f" {match[1]} ", text)
    ordered: list[str] = []
    for piece in _PIECES.split(text):
        if squeeze(piece) in drop:
            continue
        ordered.extend([squeeze(piece)] if has_cjk(piece) else _split_piece(piece))
    if has_cjk(text):  # 5栋12号: the order of its parts is its meaning
        return "".join(ordered), ""
    return " ".join(sorted(piece for piece in ordered if piece not in drop)), "-".join(sorted(units))


def merge_parts(name: str, lines: Iterable[str], postcode: str, city: str, country: str) -> MergeParts:
    """Squashed parts of the key. ``country`` is ISO alpha-2. A US ZIP+4 counts by its first five digits."""
    code = squeeze(postcode)
    land = squeeze(country)
    if land == "us" and len(code) == 9 and code.isdigit():
        code = code[:5]
    town = _words(squash(city))
    drop = frozenset(text for text in (town, squeeze(city), code, squeeze(postcode), land) if text)
    street, unit = _street(lines, drop)
    return MergeParts(_name(name), street, unit, code, town, land)


def merge_key(name: str, lines: Iterable[str], postcode: str, city: str, country: str) -> str:
    """One text per person and address; empty (never merge) when name, street or country is missing or masked.

    Parts are joined with ``|`` in the order of ``MergeParts``.
    """
    parts = merge_parts(name, lines, postcode, city, country)
    if not (parts.name and (parts.street or parts.unit) and parts.country and (parts.postcode or parts.city)):
        return ""
    return "|".join(parts)

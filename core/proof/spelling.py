"""The spellings of a text that is looked for, and whether another text contains one of them. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, quote_plus

from core.textnorm import query_grams, squash, squeeze

SEPARATORS = " ().+/-\u00a0"
_PHONE = re.compile(r"[\d ().+/\u00a0-]{7,}\Z")
_NATIONAL = 9  # digits that stay whatever prefix stands before a phone number
_SHORTEST_CODED = 6  # bytes: shorter ones turn up in base64 by chance
_FEWEST_GRAMS = 4


@dataclass(frozen=True)
class Needle:
    """One text and all its spellings. ``text`` has at least three characters (two, where they are Chinese)."""

    text: str

    def __post_init__(self) -> None:
        if len(self.text.strip()) < (3 if self.text.isascii() else 2):
            raise ValueError("a text to look for has at least three characters")

    @cached_property
    def plain(self) -> tuple[str, ...]:
        """Spellings that are compared without regard to ASCII case."""
        text = self.text.strip()
        bases = {text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}
        words = text.split()
        if len(words) == 2:
            bases |= {f"{words[1]} {words[0]}", f"{words[1]}, {words[0]}", f"{words[0]}+{words[1]}"}
        found: set[str] = set()
        for base in bases:
            # A database may know the case of ASCII letters only.
            for cased in (base, base.lower(), base.upper(), base.title(), base.casefold()):
                found |= _escapes(cased)
        found.add(squash(text))
        return tuple(sorted(one.lower() for one in found if one.strip()))

    @cached_property
    def coded(self) -> tuple[str, ...]:
        """Base64 of the text wherever it begins in a longer one; case counts."""
        raw = self.text.strip().encode()
        if len(raw) < _SHORTEST_CODED:
            return ()
        found = []
        for shift in range(3):
            text = base64.b64encode(b"\0" * shift + raw).decode()
            start = (0, 2, 3)[shift]
            rest = (len(raw) + shift) % 3
            found.append(text[start : len(text) - (0, 3, 2)[rest]].rstrip("="))
        return tuple(one for one in found if len(one) >= _SHORTEST_CODED)

    @cached_property
    def digits(self) -> str:
        """The digits of a phone number that every way of writing it shares; '' for another text."""
        if not _PHONE.match(self.text.strip()):
            return ""
        digits = re.sub(r"\D", "", self.text)
        return digits[-_NATIONAL:] if len(digits) >= 7 else ""

    @cached_property
    def raw(self) -> tuple[bytes, ...]:
        """As bytes, for binary columns and unknown files."""
        texts = {*self.plain, *_cases(self.text.strip()), *self.coded}
        wide = {text.encode(code) for text in _cases(self.text.strip()) for code in ("utf-16-le", "utf-16-be")}
        return tuple(sorted({text.encode("utf-8", "replace") for text in texts} | wide))

    @cached_property
    def grams(self) -> list[int]:
        """What a search row of the text holds; [] when that says too little."""
        found = query_grams(self.text)
        return found if len(found) >= _FEWEST_GRAMS else []

    def inside(self, text: str) -> bool:
        """Whether the text holds one of the spellings."""
        low = text.lower()
        if any(one in low for one in self.plain) or any(one in text for one in self.coded):
            return True
        if self.digits and self.digits in low.translate(_NO_SEPARATORS):
            return True
        # Full-width letters, accents, odd spaces.
        tight = squeeze(self.text)
        return len(tight) >= 6 and tight in squeeze(text)


_NO_SEPARATORS = dict.fromkeys(map(ord, SEPARATORS), "")


def _cases(text: str) -> set[str]:
    return {text, text.lower(), text.upper(), text.title()}


def _escapes(text: str) -> set[str]:
    return {
        text,
        html.escape(text),
        html.escape(text, quote=False),
        text.encode("ascii", "xmlcharrefreplace").decode(),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
    }

"""One thing that is missing, double or different, and how texts are made comparable."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any

_BAD = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Difference:
    """``number``: of the order, message, parcel …, as the platform names it. ``what`` names the check."""

    platform: str
    number: str
    what: str
    expected: str
    found: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.platform} {self.number}: {self.what}: expected {self.expected or '—'}, found {self.found or '—'}"


def plain(text: Any) -> str:
    """White space of any kind counts as one blank, none at the ends; what no database keeps counts as replaced."""
    return " ".join(_BAD.sub("\ufffd", unicodedata.normalize("NFC", str(text or ""))).split())


def shown(value: Any) -> str:
    """A value as a difference shows it, not too long."""
    text = str(value)
    return text if len(text) <= 160 else text[:159] + "…"

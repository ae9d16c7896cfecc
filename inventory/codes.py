"""How SKU codes are compared: NFKC, upper case, no white space; ``85123a`` and ``85123A`` are one SKU."""

from __future__ import annotations

import unicodedata


def code_key(code: str) -> str:
    if code.isascii():
        return "".join(code.split()).upper()
    return "".join(unicodedata.normalize("NFKC", code).split()).upper()

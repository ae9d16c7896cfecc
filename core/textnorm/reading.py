"""One way to read a text for rules, for search and for merging: width, case and spaces do not count.

Two readings:

* ``fold``: what rules compare. NFKC, casefold, one space between words; accents and punctuation stay.
* ``squash``: what search reads. Works character by character, so that a fragment of a text squashes to a fragment of
  the squashed text; accents, apostrophes and Latin look-alikes (ß, ø, ł) go, foreign digits become 0-9.
"""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼ`´＇"), "")
_LOOK_ALIKES = {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ħ": "h"}


class _SquashTable(dict[int, str]):
    """Code point -> its squashed text, filled as characters are met (``str.translate`` asks ``__missing__``)."""

    def __missing__(self, point: int) -> str:
        text = unicodedata.normalize("NFKC", chr(point)).casefold()
        out = []
        for char in unicodedata.normalize("NFKC", text):
            if "\uac00" <= char <= "\ud7a3":  # a Hangul syllable would fall apart into letters
                out.append(char)
                continue
            for part in unicodedata.normalize("NFKD", char):
                if unicodedata.category(part) == "Mn":
                    continue
                digit = unicodedata.decimal(part, None)
                out.append(str(digit) if digit is not None else _LOOK_ALIKES.get(part, part))
        squashed = "".join(out).translate(_APOSTROPHES)
        self[point] = squashed
        return squashed


_SQUASH = _SquashTable(_APOSTROPHES)

# Characters that are written without spaces between words: they are cut into pairs, everything else into words.
CJK = (
    "\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3\U00020000-\U0003ffff"
)
_HAS_CJK = re.compile(f"[{CJK}]")
_NOT_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """NFKC, casefolded, white space collapsed to one blank and stripped."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        return " ".join(text.split())
    return " ".join(text.lower().split())


def squash(text: str) -> str:
    """Search reading of ``text``. ``squash(a + b) == squash(a) + squash(b)`` always holds."""
    return text.lower().replace("'", "").replace("`", "") if text.isascii() else text.translate(_SQUASH)


def has_cjk(text: str) -> bool:
    return _HAS_CJK.search(text) is not None


def squeeze(text: str) -> str:
    """Squashed letters and digits only: nothing is left of spaces and punctuation."""
    return _NOT_WORD.sub("", squash(text))

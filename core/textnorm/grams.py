"""Search without any PostgreSQL extension: a record keeps the hashes of its grams, a search asks for its fragment's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from zlib import crc32

from .reading import CJK, squash

_CJK_RUN = re.compile(rf"[{CJK}](?:[\W_]*[{CJK}])*")
_WORD = re.compile(rf"[^\W_{CJK}]+")
_WORD_ASCII = re.compile(r"[a-z0-9]+")
_DIGITS = re.compile(r"[0-9][0-9 ().+/\-]*[0-9]")
_DIGIT_RUN = re.compile(r"[0-9]+")
_NOT_DIGIT = dict.fromkeys(map(ord, " ().+/-"), "")
_NOT_WORD = re.compile(r"[\W_]+")

_LETTER_GRAM, _DIGIT_GRAM, _CJK_GRAM = 3, 4, 2


class _Hashes(dict[str, int]):
    """Gram -> stable 31-bit hash. Emptied when it has grown large; grams are too short to tell anything."""

    limit = 200_000

    def __missing__(self, gram: str) -> int:
        if len(self) >= self.limit:
            self.clear()
        value = self[gram] = crc32(gram.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF
        return value


_hashes = _Hashes()


def search_grams(texts: Iterable[str]) -> list[int]:
    """Sorted hashes under which the texts of one record are found (31 bits: fits PostgreSQL ``integer[]``).

    Words give their 3-letter grams (short words themselves), digits their 4-grams across the usual separators of phone
    and tracking numbers, CJK runs their pairs and single characters. Texts never run into each other.
    """
    joined = squash("\n".join([text for text in texts if text]))
    hashes = _hashes
    found: set[int] = set()
    ascii_only = joined.isascii()
    for word in set((_WORD_ASCII if ascii_only else _WORD).findall(joined)):
        size = len(word)
        if size < _LETTER_GRAM:
            found.add(hashes["^" + word])
        elif word.isalpha():
            found.update([hashes[word[i : i + 3]] for i in range(size - 2)])
        elif not word.isdigit():
            found.update([hashes[gram] for i in range(size - 2) if not (gram := word[i : i + 3]).isdigit()])
    for run in _DIGITS.findall(joined):
        number = run.translate(_NOT_DIGIT)
        if len(number) >= _DIGIT_GRAM:
            found.update([hashes[number[i : i + 4]] for i in range(len(number) - 3)])
    if not ascii_only:
        for line in joined.split("\n"):
            for match in _CJK_RUN.findall(line):
                run = _NOT_WORD.sub("", match)
                found.update([hashes[char] for char in run])
                found.update([hashes[run[i : i + 2]] for i in range(len(run) - 1)])
    return sorted(found)


def query_grams(fragment: str) -> list[int]:
    """Hashes that every record containing ``fragment`` has (``grams @> query``); empty when it is too short to search.

    A lone short word or CJK character counts only when there is nothing better: then it finds records that have exactly
    this word (or this character).
    """
    text = squash(fragment)
    strong: set[str] = set()
    weak: set[str] = set()
    for word in _WORD.findall(text):
        if len(word) < _LETTER_GRAM:
            if not word.isdigit():
                weak.add("^" + word)
            continue
        strong.update(gram for i in range(len(word) - 2) if not (gram := word[i : i + 3]).isdigit())
    runs = [run for run in _DIGIT_RUN.findall(text) if len(run) >= _DIGIT_GRAM]
    if not runs:  # "138-001": only together long enough
        runs = [number for run in _DIGITS.findall(text) if len(number := run.translate(_NOT_DIGIT)) >= _DIGIT_GRAM]
    for run in runs:
        strong.update(run[i : i + 4] for i in range(len(run) - 3))
    for match in _CJK_RUN.findall(text):
        run = _NOT_WORD.sub("", match)
        if len(run) == 1:
            weak.add(run)
        strong.update(run[i : i + 2] for i in range(len(run) - 1))
    return sorted(_hashes[gram] for gram in strong or weak)


def told_apart(fragment: str) -> list[str]:
    """Words of the fragment, letters and digits only, of which grams know but a part: of "bb12-bk" they leave out "bk".

    Whoever asks by grams alone finds every "BB12" then; ``WITHOUT_SIGNS`` of the record's text must hold these words.
    """
    out = []
    for word in fragment.split():
        parts = _WORD.findall(squash(word)) if word.isascii() else []
        if any(len(part) < _LETTER_GRAM for part in parts):
            out.append("".join(parts))
    return out


# As ``squash`` reads the commonest letters; a text with rarer ones is taken as its grams found it.
_ACCENTS = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy"
WITHOUT_SIGNS = (
    "(concat_ws(' ', {columns}) ~ '[ßæøÆØĀ-ɏḀ-ỿ！-～]' OR regexp_replace("
    f"translate(lower(concat_ws(' ', {{columns}})), '{_ACCENTS[0]}', '{_ACCENTS[1]}'), '[^a-z0-9]+', '', 'g') LIKE %s)"
)

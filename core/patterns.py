"""Patterns that people write (the form of a carrier's numbers): only those that are matched in a moment. Pure.

Python's matcher tries one way after the other, cannot be interrupted, and lets no other thread of its process work
meanwhile: ``(A+)+!`` over forty letters takes longer than anybody waits, and everybody waits for it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

ops: Any = import_module("re._constants")  # unknown to the stubs
parser: Any = import_module("re._parser")

LONGEST = 60  # characters of what is matched
MOST_WAYS = 500_000  # some hundredths of a second at worst

_ONE_WAY = (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN, ops.AT)
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)


def usable(pattern: str) -> bool:
    """Whether it is a regular expression, and one with few enough ways to try."""
    return _compiled(pattern) is not None


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text, of at most ``LONGEST`` characters, is of the pattern; False for one that is not usable."""
    compiled = _compiled(pattern)
    return compiled is not None and len(text) <= LONGEST and compiled.fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        few = _ways(parser.parse(pattern)) <= MOST_WAYS
        return re.compile(pattern) if few else None
    except (re.error, OverflowError, RecursionError):
        return None


def _ways(parsed: Any) -> int:
    """In how many ways the pieces can share a text among them, at most; it stops counting above ``MOST_WAYS``."""
    total = 1
    for op, given in parsed:
        total *= _of(op, given)
        if total > MOST_WAYS:
            return MOST_WAYS + 1
    return total


def _of(op: Any, given: Any) -> int:
    if op in _ONE_WAY:
        return 1
    if op is ops.BRANCH:
        return sum(_ways(one) for one in given[1])
    if op is ops.SUBPATTERN:
        return _ways(given[3])
    if op is ops.ATOMIC_GROUP:
        return _ways(given)
    if op in (ops.ASSERT, ops.ASSERT_NOT):
        return _ways(given[1])
    if op in _REPEATS:
        least, most, inner = given
        each, total = _ways(inner), 0
        for times in range(min(int(least), LONGEST), min(int(most), LONGEST) + 1):
            total += each**times
            if total > MOST_WAYS:
                break
        return total
    return MOST_WAYS + 1  # back references and the like: no number has such a form

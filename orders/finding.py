"""Search from the newest month back: a word that thousands of orders have is answered by those of the last months.

Beside the grams of its text an order's search row keeps the month in which it was placed, as a negative number (grams are
positive). Everything newer than a month stands in that month and the later ones, so when these give a whole page, it is the
page; only a rare word is looked for everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

SPAN = 3  # months that are asked first


def month_of(moment: datetime) -> int:
    """The month's mark among the grams, in UTC."""
    at = moment.astimezone(UTC)
    return -(at.year * 12 + at.month)


def spans(
    now: datetime, *, after: datetime | None = None, before: datetime | None = None
) -> Iterator[Sequence[int] | None]:
    """The marks to ask for, one try after the other; None: all months. ``after``, ``before``: the page's end, as a time."""
    if before is not None:  # the newer ones, the nearest first
        first = month_of(before)
        yield range(first, first - SPAN, -1)
    else:
        # A month ahead too: clocks differ.
        first = month_of(after) if after is not None else month_of(now) - 1
        yield range(first, first + SPAN + (after is None))
    yield None

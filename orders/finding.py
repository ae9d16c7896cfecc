"""Search from the newest month back: a word that thousands of orders have is answered by those of the last months.

Beside the grams of its text an order's search row keeps the month in which it was placed, as a negative number (grams are
positive). Everything newer than a month stands in that month and the later ones, so when these give a whole page, it is the
page; only a rare word is looked for everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

SPAN = 3  # months that are asked first
FAR = 10  # times as many months at once: then all are asked instead


def month_of(moment: datetime) -> int:
    """The month's mark among the grams, in UTC."""
    at = moment.astimezone(UTC)
    return -(at.year * 12 + at.month)


def marks(span: int, now: datetime, *, after: datetime | None = None, before: datetime | None = None) -> Sequence[int]:
    """Those of ``span`` months from the page's end on: back in time, and with ``before`` forward."""
    if before is not None:
        return range(month_of(before), month_of(before) - span, -1)
    if after is not None:
        return range(month_of(after), month_of(after) + span)
    return range(month_of(now) - 1, month_of(now) + span)  # a month ahead too: clocks differ


def wider(span: int, found: int, wanted: int) -> int | None:
    """How many months to ask next, by how many rows ``span`` gave; None: all of them."""
    if not found:
        return None
    wide = span * wanted * 3 // (2 * found) + 1
    return wide if wide <= span * FAR else None

"""The choices of the orders list's filters that are reckoned, and what they mean: days of payment, bands of value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from core import bulk, clock
from core.permissions import Actor
from core.words import formats, say
from orders.models import MANUAL

Span = tuple[datetime | None, datetime | None]
Band = tuple[Decimal | None, Decimal | None]
UNPAID = "unpaid"
_DAYS = {"today": (0, 1), "yesterday": (1, 1), "3d": (2, 3), "7d": (6, 7), "30d": (29, 30)}  # (days back, how many)
_BANDS = ("..20", "20..50", "50..100", "100..200", "200..500", "500..")
_SPAN = re.compile(r"(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?")
_BAND = re.compile(r"(\d{1,9}(?:\.\d\d?)?)?\.\.(\d{1,9}(?:\.\d\d?)?)?")


def paid(actor: Actor) -> Sequence[tuple[str, str]]:
    """Days of payment; an address may hold a span of its own (``paid=2026-11-01..2026-11-07``)."""
    return (
        ("today", _("today")),
        ("yesterday", _("yesterday")),
        ("3d", _("last 3 days")),
        ("7d", _("last 7 days")),
        ("30d", _("last 30 days")),
        (UNPAID, _("not paid")),
    )


def paid_spans(chosen: Sequence[str], zone: str) -> list[Span]:
    """What was chosen as [from, to) in ``zone``'s days; (None, None) stands for not paid. What is no choice is nothing."""
    home = ZoneInfo(zone)
    today = clock.now().astimezone(home).date()

    def start(day: date) -> datetime:
        return datetime.combine(day, time(), home)

    out: list[Span] = []
    for one in chosen:
        if one == UNPAID:
            out.append((None, None))
        elif one in _DAYS:
            back, many = _DAYS[one]
            first = today - timedelta(days=back)
            out.append((start(first), start(first + timedelta(days=many))))
        elif (found := _SPAN.fullmatch(one)) and any(found.groups()):
            try:
                first_day, last_day = (date.fromisoformat(text) if text else None for text in found.groups())
            except ValueError:
                continue
            to = start(last_day + timedelta(days=1)) if last_day else None
            out.append((start(first_day) if first_day else None, to))
    return out


def values(actor: Actor) -> Sequence[tuple[str, str]]:
    """Bands of the order's total, in its own currency; an address may hold a band of its own (``value=30..40``)."""
    return [(one, _band(one)) for one in _BANDS]


def _band(text: str) -> str:
    low, _dots, high = text.partition("..")
    if not low:
        return _("under {n}").format(n=formats.number(int(high)))
    if not high:
        return _("{n} and more").format(n=formats.number(int(low)))
    return f"{formats.number(int(low))} – {formats.number(int(high))}"


def value_bands(chosen: Sequence[str]) -> list[Band]:
    """[from, to) of what was chosen."""
    out: list[Band] = []
    for one in chosen:
        found = _BAND.fullmatch(one)
        if found and any(found.groups()):
            low, high = found.groups()
            out.append((Decimal(low) if low else None, Decimal(high) if high else None))
    return out


def platforms(actor: Actor) -> list[tuple[str, str]]:
    """Marketplaces of the accounts that the actor sees, and orders by hand."""
    rows = bulk.fetch("SELECT DISTINCT platform, id FROM channels_account")
    names = {platform for platform, pk in rows if actor.sees_account(pk)}
    return [(name, say(f"platform.{name}")) for name in (*sorted(names), MANUAL)]

"""Numbers, money, weights, times and countries as a reader of the active language expects them.

Times are shown in the zone that the page activated (the tenant's); what is given is aware.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_compact_decimal, format_decimal
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import clock
from core.values import MINOR_UNITS

MINUTE, HOUR, DAY = 60, 3600, 86400
DASH = "—"


def language() -> str:
    return translation.get_language() or "en"


@lru_cache(maxsize=16)
def locale_of(lang: str) -> Locale:
    return Locale.parse("zh_Hans" if lang.startswith("zh") else "en")


def locale() -> Locale:
    return locale_of(language())


def number(value: Any) -> str:
    """An integer or decimal with the language's separators."""
    if value is None or value == "":
        return DASH
    return _number(value, locale())


# A page of 500 rows draws thousands of numbers, most of them alike; babel takes its time for each.
@lru_cache(maxsize=20_000)
def _number(value: Any, where: Locale) -> str:
    return str(format_decimal(value, locale=where, decimal_quantization=False))


def compact(value: int) -> str:
    """A count that must stay short: 12,345 as it is, 1.2M."""
    return number(value) if abs(value) < 100_000 else str(format_compact_decimal(value, locale=locale()))


@lru_cache(maxsize=32)
def _pattern(places: int) -> str:
    return "#,##0" + ("." + "0" * places if places else "")


def amount(value: Any, currency: str) -> str:
    """An amount without its currency, with the currency's decimals (and more only where they are not zero)."""
    if value is None or value == "":
        return DASH
    return _amount(Decimal(value), currency, locale())


@lru_cache(maxsize=20_000)
def _amount(value: Decimal, currency: str, where: Locale) -> str:
    places = MINOR_UNITS.get(currency, 2)
    exact = -int(value.normalize().as_tuple().exponent)
    pattern = _pattern(max(places, min(exact, 4)) if exact > places else places)
    return str(format_decimal(value, format=pattern, locale=where)).replace("-", "\N{MINUS SIGN}")


def money(value: Any, currency: str) -> str:
    return f"{amount(value, currency)} {currency}".strip()


def weight(grams: Any) -> str:
    if grams is None or grams == "":
        return DASH
    if abs(int(grams)) < 10_000:
        return f"{number(int(grams))} g"
    return f"{number(Decimal(int(grams)) / 1000)} kg"


def country(code: str) -> str:
    return str(locale().territories.get(code.upper(), code)) if code else DASH


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)


def moment(value: datetime | None) -> str:
    """Date and time to the minute, e.g. 21 Nov 2026, 17:00."""
    if value is None:
        return DASH
    return str(
        format_datetime(
            _local(value), "d MMM y HH:mm" if not language().startswith("zh") else "y-MM-dd HH:mm", locale=locale()
        )
    )


def exact(value: datetime | None) -> str:
    """To the second with the zone, for tooltips."""
    if value is None:
        return DASH
    return _local(value).strftime("%Y-%m-%d %H:%M:%S %Z")


def short(value: datetime | None) -> str:
    """The time if it is today, else day and time; the year only when it is another one."""
    if value is None:
        return DASH
    local, today = _local(value), _local(clock.now())
    if local.date() == today.date():
        return local.strftime("%H:%M")
    if local.year == today.year:
        return f"{day(local.date())} {local:%H:%M}"
    return _date(local.date(), locale())


def day(value: date) -> str:
    return _day(value, locale())


@lru_cache(maxsize=4000)
def _day(value: date, where: Locale) -> str:
    return str(format_skeleton("MMMd", value, locale=where))


@lru_cache(maxsize=4000)
def _date(value: date, where: Locale) -> str:
    return str(format_date(value, "medium", locale=where))


def span(seconds: float) -> str:
    """A length of time in its two largest units: 40 s, 12 min, 5 h, 1 d 20 h."""
    total = int(abs(seconds))
    if total < MINUTE:
        return _("{n} s").format(n=total)
    if total < HOUR:
        return _("{n} min").format(n=total // MINUTE)
    if total < 10 * HOUR and total % HOUR >= MINUTE:
        return _("{h} h {m} min").format(h=total // HOUR, m=total % HOUR // MINUTE)
    if total < DAY:
        return _("{h} h").format(h=total // HOUR)
    if total < 10 * DAY and total % DAY >= HOUR:
        return _("{d} d {h} h").format(d=total // DAY, h=total % DAY // HOUR)
    return ngettext("{d} day", "{d} days", total // DAY).format(d=total // DAY)


def ago(value: datetime | None) -> str:
    """How long since; "just now" below five seconds; a date once it is over a month."""
    if value is None:
        return _("never")
    seconds = (clock.now() - value).total_seconds()
    if seconds > 31 * DAY:
        return short(value)
    if seconds < 5:
        return _("just now")
    return _("{span} ago").format(span=span(seconds))


def until(value: datetime | None) -> tuple[str, str]:
    """(text, tone) of a deadline: tone is over, soon (within six hours), calm, or '' when there is none."""
    if value is None:
        return DASH, ""
    left = (value - clock.now()).total_seconds()
    if left < 0:
        return _("overdue {span}").format(span=span(left)), "over"
    return span(left), "soon" if left < timedelta(hours=6).total_seconds() else "calm"


def joined(values: Any) -> str:
    """A list in words."""
    separator = "、" if language().startswith("zh") else ", "
    return separator.join(str(value) for value in values)

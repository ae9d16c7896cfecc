"""What a company may choose when it opens a tenant."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import available_timezones

from babel.numbers import list_currencies

# Offered first; any other ISO 4217 code is accepted where it is typed.
CURRENCIES = (
    "CNY USD EUR GBP HKD TWD JPY KRW SGD MYR THB VND PHP IDR INR AED SAR AUD NZD CAD MXN BRL CLP PLN CZK SEK CHF TRY"
).split()

TIMEZONES = (
    "Asia/Shanghai Asia/Hong_Kong Asia/Taipei Asia/Tokyo Asia/Seoul Asia/Singapore Asia/Kuala_Lumpur Asia/Bangkok "
    "Asia/Ho_Chi_Minh Asia/Manila Asia/Jakarta Asia/Kolkata Asia/Dubai Asia/Riyadh Europe/Istanbul Europe/London "
    "Europe/Berlin Europe/Paris Europe/Madrid Europe/Rome Europe/Warsaw Europe/Stockholm America/New_York "
    "America/Chicago America/Denver America/Los_Angeles America/Toronto America/Mexico_City America/Sao_Paulo "
    "America/Santiago Australia/Sydney Pacific/Auckland UTC"
).split()


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def known_currencies() -> frozenset[str]:
    return frozenset(list_currencies())

"""Tracking numbers: which format one has, and whether its check digit is right. Pure; no Django, no I/O.

An unknown format only lowers confidence; a number is refused only by a format that its own carrier has declared.
International postal numbers (S10) with a wrong check digit are doubted, never refused: carriers print such numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

CHECK_DIGIT_OK = "check_digit_ok"
FORMAT_OK = "format_ok"  # a declared format of the carrier, which has no check digit
WEAK_FORMAT = "weak_format"  # looks like this, but nothing in it can be checked
CHECK_DIGIT_FAILED = "check_digit_failed"
NOT_THE_CARRIERS_FORMAT = "not_the_carriers_format"
UNKNOWN_FORMAT = "unknown_format"
EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class NumberVerdict:
    """``valid``: True confirmed, False refused by the carrier's own format, None cannot be told."""

    format: str | None
    valid: bool | None
    reason_code: str


@dataclass(frozen=True, slots=True)
class Format:
    """One way of writing numbers. ``verify`` gets the match and says whether the check digit is right.

    ``doubt_only``: a wrong check digit refuses nothing, even when the carrier is known.
    """

    name: str
    carriers: frozenset[str]
    pattern: re.Pattern[str]
    verify: Callable[[re.Match[str]], bool] | None = None
    doubt_only: bool = False


def s10_check_digit(serial: str) -> int:
    """Check digit of the eight digits of an international postal number (UPU S10)."""
    total = sum(weight * int(digit) for weight, digit in zip((8, 6, 4, 2, 3, 5, 9, 7), serial, strict=True))
    rest = 11 - total % 11
    return {10: 0, 11: 5}.get(rest, rest)


def mod10_check_digit(serial: str, *, evens: int, odds: int) -> int:
    """Weighted sum modulo 10, counted from the left; letters count as (ASCII - 3) modulo 10."""
    total = 0
    for at, char in enumerate(serial):
        value = int(char) if char.isdigit() else (ord(char) - 3) % 10
        total += value * (odds if at % 2 else evens)
    return -total % 10


def weighted_check_digit(serial: str, weights: tuple[int, ...]) -> int:
    """FedEx: sum of products modulo 11, then modulo 10."""
    return sum(int(digit) * weight for digit, weight in zip(serial, weights, strict=True)) % 11 % 10


def _mod10(evens: int, odds: int) -> Callable[[re.Match[str]], bool]:
    def verify(match: re.Match[str]) -> bool:
        return mod10_check_digit(match["serial"], evens=evens, odds=odds) == int(match["check"])

    return verify


def _weighted(*weights: int) -> Callable[[re.Match[str]], bool]:
    return lambda match: weighted_check_digit(match["serial"], weights) == int(match["check"])


def _s10(match: re.Match[str]) -> bool:
    return s10_check_digit(match["serial"]) == int(match["check"])


def _mod7(match: re.Match[str]) -> bool:
    return int(match["serial"]) % 7 == int(match["check"])


def _usps_20(match: re.Match[str]) -> bool:
    """The older labels leave the leading 91 out but count it."""
    given = int(match["check"])
    return given in (mod10_check_digit(head + match["serial"], evens=3, odds=1) for head in ("", "91"))


def _format(
    name: str,
    carriers: str,
    pattern: str,
    verify: Callable[[re.Match[str]], bool] | None = None,
    *,
    doubt_only: bool = False,
) -> Format:
    return Format(name, frozenset(carriers.split()), re.compile(pattern), verify, doubt_only)


# Two letters of a country that issues postal numbers (ISO 3166, as the UPU uses it).
_COUNTRIES = (
    "AD|A[EFGILMORTUWZ]|B[ABDEFGHIJMNORSTWYZ]|C[ADFGHIKLMNORUVWYZ]|D[EJKMOZ]|E[CEGRST]|F[IJKMOR]|G[ABDEGHIJLMNQRTUWY]|"
    "H[KNRTU]|I[DELMNQRST]|J[EMOP]|K[EGHIMNPRWYZ]|L[ABCIKRSTUVY]|M[ACDEGHKLMNORSTUVWXYZ]|N[ACEFGILOPRUZ]|OM|"
    "P[AEFGHKLMNRSTWY]|QA|R[EOSUW]|S[ABCDEGHIKLMNORSTVXYZ]|T[CDGHJKLMNORTVWZ]|U[AGSYZ]|V[ACEGINU]|W[FS]|XK|YE|Z[AMW]"
)
_FEDEX_12 = (3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
_FEDEX_34 = (1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
_POSTS = "usps chinapost ems royalmail yanwen cainiao yunexpress 4px sunyou dhl_ecommerce"
_USPS_USERS = "usps ups fedex dhl_ecommerce yunexpress 4px yanwen cainiao"  # others hand parcels over to USPS

# Formats with a check digit come first: they are the stronger evidence when no carrier is named.
FORMATS: tuple[Format, ...] = (
    _format("s10", _POSTS, rf"[A-Z]{{2}}(?P<serial>\d{{8}})(?P<check>\d)(?:{_COUNTRIES})", _s10, doubt_only=True),
    _format("ups_1z", "ups", r"1Z(?P<serial>[A-Z0-9]{15})(?P<check>\d)", _mod10(1, 2)),
    _format("ups_waybill", "ups", r"[AHJKTV](?P<serial>\d{9})(?P<check>\d)", _mod10(1, 2)),
    _format("usps_22", _USPS_USERS, r"(?:420\d{5}(?:\d{4})?)?(?P<serial>9[12345]\d{19})(?P<check>\d)", _mod10(3, 1)),
    _format("usps_26", _USPS_USERS, r"(?:420\d{5}(?:\d{4})?)?(?P<serial>9[2345]\d{23})(?P<check>\d)", _mod10(3, 1)),
    _format("usps_30", _USPS_USERS, r"(?:420\d{5}(?:\d{4})?)?(?P<serial>94\d{27})(?P<check>\d)", _mod10(3, 1)),
    _format("usps_20", _USPS_USERS, r"(?P<serial>\d{19})(?P<check>\d)", _usps_20),
    _format("fedex_ground_96", "fedex", r"96\d{5}(?P<serial>\d{14})(?P<check>\d)", _mod10(1, 3)),
    _format("fedex_gsn", "fedex", r"96\d{18}(?P<serial>\d{13})(?P<check>\d)", _weighted(*_FEDEX_34)),
    _format("fedex_34", "fedex", r"[0-8]\d{14}\d{5}(?P<serial>\d{13})(?P<check>\d)", _weighted(*_FEDEX_34)),
    _format("fedex_32", "fedex", r"3\d{15}(?P<serial>\d{11})(?P<check>\d)\d{4}", _weighted(*_FEDEX_12)),
    _format("fedex_sscc_18", "fedex", r"\d{2}(?P<serial>\d{15})(?P<check>\d)", _mod10(3, 1)),
    _format("fedex_ground", "fedex", r"(?P<serial>\d{14})(?P<check>\d)", _mod10(1, 3)),
    _format("fedex_12", "fedex", r"(?P<serial>\d{11})(?P<check>\d)", _weighted(*_FEDEX_12)),
    _format("dhl_express", "dhl_express dhl", r"(?P<serial>\d{9,10})(?P<check>\d)", _mod7),
    # Nothing below can be checked. Those of Chinese carriers are hints: public lists of their forms disagree.
    _format("yunexpress", "yunexpress", r"YT\d{16}"),
    _format("yto", "yto", r"YT\d{13}"),
    _format("dhl_piece", "dhl_express dhl", r"J[A-Z]{2,3}\d{9,10}"),
    _format("dhl_ecommerce", "dhl_ecommerce dhl", r"(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)(?=[A-Z]*\d)[0-9A-Z]{10,39}"),
    _format("dhl_ecommerce_14", "dhl_ecommerce dhl", r"\d{14}"),
    _format("yanwen", "yanwen", r"[A-Z]{2}\d{9}YP|Y[A-Z]\d{9}CN"),
    _format("4px", "4px", r"4PX\d{10,24}[A-Z]{0,2}|[3458]\d{11}"),
    _format("cainiao", "cainiao", r"LP\d{14,}|CAINIAO\d+"),
    _format("sf", "sf", r"SF\d{12,13}"),
    _format("uniuni", "uniuni", r"UUS[0-9A-Z]{8,}"),
    _format("sunyou", "sunyou", r"SY[A-Z]{0,2}\d{9,}"),
    _format("cne", "cne", r"3A5V\d{6,}"),
)

# These carriers write no numbers but the declared ones. The others hand parcels to many last-mile carriers, whose
# numbers become theirs, so for them only a number that starts as their own must go on as their own.
CLOSED = frozenset({"ups", "fedex", "usps", "dhl_express"})
CLAIMS: dict[str, re.Pattern[str]] = {
    "yunexpress": re.compile(r"YT\d*[A-Z]*\d*"),
    "4px": re.compile(r"4PX.*"),
    "sf": re.compile(r"SF\d+"),
    "cainiao": re.compile(r"CAINIAO.*"),
}


def clean(number: str) -> str:
    """As carriers read it: no blanks, dots or dashes, capitals."""
    return re.sub(r"[\s.\-\u2010-\u2015]+", "", number).upper()


def check(carrier: str | None, number: str) -> NumberVerdict:
    """What can be said of ``number``, given the carrier's key (``ups``, ``yunexpress`` …) or None when unknown."""
    number = clean(number)
    if not number:
        return NumberVerdict(None, False, EMPTY)
    key = (carrier or "").strip().lower()
    hits = [(form, match) for form in FORMATS if (match := form.pattern.fullmatch(number))]
    own = [(form, match) for form, match in hits if key in form.carriers]
    if own:
        return _own_verdict(own)
    claimed = CLAIMS.get(key)
    if key in CLOSED or (claimed is not None and claimed.fullmatch(number)):
        return NumberVerdict(None, False, NOT_THE_CARRIERS_FORMAT)
    return _foreign_verdict(hits)


def _own_verdict(own: list[tuple[Format, re.Match[str]]]) -> NumberVerdict:
    """The number has a form of its own carrier: one right check digit, or one form without any, is enough."""
    for form, match in own:
        if form.verify is not None and form.verify(match):
            return NumberVerdict(form.name, True, CHECK_DIGIT_OK)
    for form, _ in own:
        if form.verify is None:
            return NumberVerdict(form.name, True, FORMAT_OK)
    doubted = next((form for form, _ in own if form.doubt_only), None)
    if doubted is not None:
        return NumberVerdict(doubted.name, None, CHECK_DIGIT_FAILED)
    return NumberVerdict(own[0][0].name, False, CHECK_DIGIT_FAILED)


def _foreign_verdict(hits: list[tuple[Format, re.Match[str]]]) -> NumberVerdict:
    """No carrier known, or one that uses the numbers of others: only a right check digit convinces."""
    for form, match in hits:
        if form.verify is not None and form.verify(match):
            return NumberVerdict(form.name, True, CHECK_DIGIT_OK)
    weak = next((form for form, _ in hits if form.verify is None), None)
    if weak is not None:
        return NumberVerdict(weak.name, None, WEAK_FORMAT)
    if hits:
        return NumberVerdict(hits[0][0].name, None, CHECK_DIGIT_FAILED)
    return NumberVerdict(None, None, UNKNOWN_FORMAT)

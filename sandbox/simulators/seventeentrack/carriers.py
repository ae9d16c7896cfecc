"""Carrier keys, and the guess from a number's form when a client names no carrier."""

from __future__ import annotations

import re

NAMES = {
    3011: ("China Post", "中国邮政", 301),
    21051: ("USPS", "USPS", 2105),
    100002: ("UPS", "UPS", 0),
    100003: ("FedEx", "FedEx", 0),
    190008: ("YunExpress", "云途物流", 301),
    190271: ("Cainiao", "菜鸟", 301),
}
_FORMS = (
    (re.compile(r"YT\d{16}"), 190008),
    (re.compile(r"1Z[0-9A-Z]{16}"), 100002),
    (re.compile(r"[A-Z]{2}\d{9}CN"), 3011),
    (re.compile(r"[A-Z]{2}\d{9}US|9[2-5]\d{20}"), 21051),
    (re.compile(r"LP\d{14,}|CAINIAO\d+"), 190271),
    (re.compile(r"\d{12}|\d{15}"), 100003),
)


def detect(number: str) -> int | None:
    return next((key for form, key in _FORMS if form.fullmatch(number)), None)


def provider(key: int) -> dict[str, object]:
    name, alias, _ = NAMES.get(key, (f"Carrier {key}", f"Carrier {key}", 0))
    return {"key": key, "name": name, "alias": alias, "tel": None, "homepage": None, "country": "CN"}

"""Tracking numbers. The samples are made up here; the published ones are read from the reference material."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logistics import numbers
from logistics.numbers import NumberVerdict, check

SHARED = Path(__file__).resolve().parents[4] / "shared" / "specs" / "tracking_number_data" / "couriers"


@pytest.mark.parametrize(
    ("carrier", "number", "format", "valid", "reason"),
    [
        ("usps", "RB123456785GB", "s10", True, "check_digit_ok"),
        ("usps", " rb 1234 5678 5-gb ", "s10", True, "check_digit_ok"),
        (None, "RB123456785GB", "s10", True, "check_digit_ok"),
        ("chinapost", "LE339614461CN", "s10", None, "check_digit_failed"),  # printed in a carrier's documentation
        (None, "LE339614461CN", "s10", None, "check_digit_failed"),
        (None, "RB123456785XX", None, None, "unknown_format"),
        ("ups", "1Z12345E0205271686", "ups_1z", True, "check_digit_ok"),
        ("ups", "1Z12345E0205271689", "ups_1z", False, "check_digit_failed"),
        (None, "1Z12345E0205271689", "ups_1z", None, "check_digit_failed"),
        ("ups", "RB123456785GB", None, False, "not_the_carriers_format"),
        ("fedex", "123456789012", "fedex_12", True, "check_digit_ok"),
        ("fedex", "123456789013", "fedex_12", False, "check_digit_failed"),
        ("dhl_express", "1234567891", "dhl_express", True, "check_digit_ok"),
        ("dhl_express", "1234567892", "dhl_express", False, "check_digit_failed"),
        ("yunexpress", "YT2632507000000001", "yunexpress", True, "format_ok"),
        ("yunexpress", "YT263250700000001", None, False, "not_the_carriers_format"),
        ("yunexpress", "YT12", None, False, "not_the_carriers_format"),
        ("yunexpress", "3SWLT0037525480", None, None, "unknown_format"),  # a last-mile number
        ("yunexpress", "LA000000015CN", "s10", None, "check_digit_failed"),
        (None, "YT2632507000000001", "yunexpress", None, "weak_format"),
        ("yto", "YT1234567890123", "yto", True, "format_ok"),
        ("cainiao", "LP00123456789012", "cainiao", True, "format_ok"),
        ("4px", "4PX3001234567890CN", "4px", True, "format_ok"),
        ("4px", "4PX12", None, False, "not_the_carriers_format"),
        ("sf", "SF1234567890123", "sf", True, "format_ok"),
        ("yanwen", "UG123456789YP", "yanwen", True, "format_ok"),
        ("house-driver", "BIKE-7", None, None, "unknown_format"),
        ("ups", "  ", None, False, "empty"),
        (None, "快递 42", None, None, "unknown_format"),
    ],
)
def test_verdicts(carrier: str | None, number: str, format: str | None, valid: bool | None, reason: str) -> None:
    assert check(carrier, number) == NumberVerdict(format, valid, reason)


@given(st.integers(0, 99_999_999))
def test_s10_has_exactly_one_right_digit(serial: int) -> None:
    text = f"{serial:08d}"
    right = [digit for digit in range(10) if check("usps", f"RB{text}{digit}GB").valid]
    assert right == [numbers.s10_check_digit(text)]


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=15, max_size=15), st.integers(1, 9))
def test_a_wrong_digit_of_ups_is_seen(serial: str, off: int) -> None:
    digit = numbers.mod10_check_digit(serial, evens=1, odds=2)
    assert check("ups", f"1Z{serial}{digit}").valid is True
    assert check("ups", f"1Z{serial}{(digit + off) % 10}").valid is False


@given(st.text(max_size=60), st.sampled_from([None, "ups", "yunexpress", "nobody"]))
def test_any_text_gets_a_verdict(number: str, carrier: str | None) -> None:
    verdict = check(carrier, number)
    # Whoever names no carrier is never refused, unless there is no number at all.
    assert carrier in ("ups", "yunexpress") or verdict.valid is not False or verdict.reason_code == "empty"


COVERED = {"ups": "ups", "fedex": "fedex", "usps": "usps", "dhl": "dhl", "s10": "usps", "yunexpress": "yunexpress"}
# What is no number of the one form may well be a right number of the other.
OTHER_FORM_OF_THE_CARRIER = {"dhl_express", "dhl_express_piece_id", "dhl_ecommerce", "dhl_ecommerce_14"}


def published() -> list[Any]:
    if not SHARED.is_dir():
        return []
    formats = []
    for courier in COVERED:
        for item in json.loads((SHARED / f"{courier}.json").read_text())["tracking_numbers"]:
            formats.append(pytest.param(COVERED[courier], item, id=item.get("id") or item["name"]))
    return formats


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference material is not beside the checkout")
@pytest.mark.parametrize(("carrier", "item"), published())
def test_published_numbers(carrier: str, item: dict[str, Any]) -> None:
    for number in item["test_numbers"]["valid"]:
        assert check(carrier, number).valid is True, number
        assert check(None, number).valid is not False, number
    if item.get("id") in OTHER_FORM_OF_THE_CARRIER:
        return
    for number in item["test_numbers"]["invalid"]:
        assert check(carrier, number).valid is not True, number

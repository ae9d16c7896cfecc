"""What is typed or scanned at the ship desk; lines that people paste."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fulfilment.entry import HAND, SCAN, WEIGH, Accept, Code, Nothing, Weight, read
from inventory import pasted


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("350", Weight(350)),
        ("350 g", Weight(350)),
        ("350G", Weight(350)),
        ("0.35", Weight(350)),
        ("0,35 kg", Weight(350)),
        ("2 kg", Weight(2000)),
        ("1,250", Weight(1250)),
        ("350 30x20x10", Weight(350, (300, 200, 100))),
        ("350 g 30,5 × 20*10", Weight(350, (305, 200, 100))),
        ("", Nothing()),
        ("  ", Nothing()),
        ("+", Accept()),
        ("ok", Accept()),
        ("SW000000017", Code("SW000000017")),
        ("1234567", Code("1234567")),  # too long for a weight
        ("9400111899223197428490", Code("9400111899223197428490")),
        ("S-12", Code("S-12")),
        ("-5", Code("-5")),
    ],
)
def test_after_a_scan_a_short_number_is_a_weight_and_all_else_a_code(typed: str, meant: object) -> None:
    assert read(typed, WEIGH) == meant
    assert read(typed, HAND) == meant


def test_before_a_parcel_is_there_everything_is_a_code() -> None:
    assert read("350", SCAN) == Code("350")
    assert read("+", SCAN) == Code("+")


def test_pasted_lines_name_every_error_by_its_line() -> None:
    known = {"LAMP": 1, "CABLE": 2, "红灯": 3}
    given = "lamp 5 12.50\nCABLE\t3\n\nGARDEN 1 1\nLAMP x\nLAMP 0\nCABLE 2 cheap\nLAMP\n红灯；4"
    lines, problems = pasted.read(given, known, signed=False)
    assert [(one.number, one.sku_id, one.quantity, one.unit_cost) for one in lines] == [
        (1, 1, 5, Decimal("12.50")),
        (2, 2, 3, None),
        (9, 3, 4, None),
    ]
    assert [(one.line, one.code) for one in problems] == [
        (4, "pasted.unknown_sku"),
        (5, "pasted.bad_quantity"),
        (6, "pasted.bad_quantity"),
        (7, "pasted.bad_cost"),
        (8, "pasted.columns"),
    ]


def test_pasted_changes_have_a_sign() -> None:
    lines, problems = pasted.read("LAMP +3\nLAMP -2\nLAMP 0\nLAMP 1 2", {"LAMP": 1}, signed=True)
    assert [one.quantity for one in lines] == [3, -2]
    assert [one.code for one in problems] == ["pasted.bad_change", "pasted.two_columns"]

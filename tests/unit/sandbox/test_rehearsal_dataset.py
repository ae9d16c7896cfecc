"""What becomes of an invoice: an order, a cancellation, a return, or a counted reason. On a small file and the real one."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.rehearse.addresses import LANDS
from sandbox.rehearse.build import PlanOptions, make_plan
from sandbox.rehearse.dataset import COLUMNS, COUNTRIES, NO_COUNTRY, BadDataset, iso_country, read_source

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = "2024-03-0{} {}:00"

# number, code, title, quantity, day and time, price, customer, country
ROWS = [
    ("700001", "90001A", "PAPER STAR", 6, (1, "09:00"), "2.55", "501", "United Kingdom"),
    ("700001", "90001a", "PAPER STAR", 6, (1, "09:00"), "2.55", "501", "United Kingdom"),  # the same line twice
    ("700001", "90002", "TIN DRUM", 2, (1, "09:00"), "0.555", "501", "United Kingdom"),
    ("700001", "POST", "POSTAGE", 2, (1, "09:00"), "3.10", "501", "United Kingdom"),
    ("700002", "90002", "TIN DRUM", 80995, (1, "10:00"), "1.04", "502", "Germany"),
    ("C700003", "90002", "TIN DRUM", -80995, (1, "10:12"), "1.04", "502", "Germany"),  # whole, at once: cancellation
    ("700004", "90003", "WOOD COW", 4, (1, "11:00"), "5.00", "501", "United Kingdom"),
    ("700005", "90003", "WOOD COW", 9, (2, "11:00"), "5.00", "501", "United Kingdom"),
    ("C700006", "90003", "WOOD COW", -5, (5, "11:00"), "5.00", "501", "United Kingdom"),  # more than the 4 of 700004
    ("C700006", "90001A", "PAPER STAR", -6, (5, "11:00"), "2.55", "501", "United Kingdom"),
    ("C700006", "90009", "NEVER SOLD", -1, (5, "11:00"), "2.55", "501", "United Kingdom"),
    ("C700007", "90003", "WOOD COW", -5, (5, "12:00"), "5.00", "501", "United Kingdom"),  # only 4 left in each: none
    ("C700008", "90003", "WOOD COW", -1, (5, "12:00"), "5.00", "", "United Kingdom"),
    ("C700009", "D", "Discount", -1, (5, "13:00"), "9.00", "501", "United Kingdom"),
    ("A700010", "B", "Adjust bad debt", 1, (5, "13:00"), "-11.00", "", "United Kingdom"),
    ("700011", "90001A", "damaged", -12, (5, "13:00"), "0", "", "United Kingdom"),
    ("700012", "90001A", "found", 12, (5, "13:00"), "0", "", "United Kingdom"),
    ("700013", "M", "Manual", 1, (5, "13:00"), "15", "503", "France"),
    ("700014", "90001A", "PAPER STAR", 1, (5, "14:00"), "2.55", "", "Unspecified"),
    ("700015", "90001A", "PAPER STAR", 1, (5, "14:00"), "2.55", "", "European Community"),
    ("700016", "90001A", "PAPER STAR", 1, (5, "14:00"), "2.55", "", "Atlantis"),
    ("700017", "90004", "", 3, (6, "14:00"), "1.25", "", "EIRE"),  # no title, no customer
    ("700017", "90001A", "PAPER STAR", 1, (6, "14:00"), "0", "", "EIRE"),  # given for nothing
    ("C700018", "90001A", "PAPER STAR", -6, (1, "08:00"), "2.55", "501", "United Kingdom"),  # before its order
]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number, code, title, quantity, (day, clock), price, customer, country in ROWS:
            writer.writerow([number, code, title, quantity, DAY.format(day, clock), price, customer, country])
    return path


def test_every_invoice_ends_somewhere(sample):
    source = read_source(sample)
    assert [order.number for order in source.orders] == ["700001", "700002", "700004", "700005", "700017"]
    assert source.rejected == {
        "bad_debt": 1,
        "cancellation_without_customer": 1,
        "cancellation_without_match": 2,
        "country_is_a_region": 1,
        "country_unknown": 1,
        "country_unspecified": 1,
        "credit_without_goods": 1,
        "nothing_priced": 1,
        "service_codes_only": 1,
        "stock_adjustment": 1,
    }
    assert source.invoices == 18 and source.rows == len(ROWS)
    assert len(source.orders) + source.taken_back + sum(source.rejected.values()) == source.invoices


def test_lines_stay_as_they_were_and_charges_become_shipping(sample):
    source = read_source(sample)
    first, last = source.orders[0], source.orders[-1]
    assert [(line.sku, line.quantity, line.price) for line in first.lines] == [
        ("90001A", 6, Decimal("2.55")),
        ("90001A", 6, Decimal("2.55")),
        ("90002", 2, Decimal("0.56")),
    ]
    assert first.charges == Decimal("6.20")
    assert [line.price for line in last.lines] == [Decimal("1.25"), Decimal("0.00")] and last.country == "IE"
    assert source.notes == {
        "sku_in_upper_case": 1,
        "price_rounded_to_cents": 1,
        "charge_line_as_shipping": 1,
        "taken_back_line_unmatched": 3,
    }
    assert source.titles == {"90001A": "PAPER STAR", "90002": "TIN DRUM", "90003": "WOOD COW", "90009": "NEVER SOLD",
                             "POST": "POSTAGE", "M": "Manual", "D": "Discount"}  # fmt: skip


def test_what_comes_back_is_matched_to_the_nearest_order_that_has_enough(sample):
    source = read_source(sample)
    assert [(back.number, back.order.number, back.kind, back.lines) for back in source.returns] == [
        ("C700003", "700002", "cancellation", [(0, 80995)]),
        ("C700006", "700001", "return", [(1, 6)]),
        ("C700006", "700005", "return", [(0, 5)]),
    ]


def test_the_plan_keeps_numbers_lines_totals_and_order_of_time(sample):
    plan = make_plan(str(sample), PlanOptions(now=NOW, accounts=4, in_run=0.25, run_seconds=8, platform_share=0))
    assert [order.ref for order in plan.orders] == ["700001", "700002", "700004", "700005", "700017"]
    by_ref = {order.ref: order for order in plan.orders}
    assert [line.to_json()["unit_price"] for line in by_ref["700004"].lines] == ["5.00"]
    assert by_ref["700001"].total == Decimal("37.92")
    assert len({by_ref[ref].account for ref in ("700001", "700004", "700005")}) == 1  # one customer, one account
    assert len({by_ref[ref].buyer for ref in ("700001", "700004", "700005")}) == 1
    placed = [order.placed_at for order in plan.orders]
    assert placed == sorted(placed) and all(order.placed_at.tzinfo for order in plan.orders)
    assert [(back.ref, back.order_ref) for back in plan.returns] == [
        ("C700003", "700002"),
        ("C700006", "700001"),
        ("C700006-2", "700005"),
    ]
    for back in plan.returns:
        assert back.at > by_ref[back.order_ref].placed_at and back.account == by_ref[back.order_ref].account
    late = [order for order in plan.orders if order.visible_at]
    assert late and all(order.visible_at == order.placed_at > NOW for order in late)
    assert plan.stock_needed["90002"] == 80997 and plan.stock_needed["90001A"] == 13
    assert {sku.sku: sku.title for sku in plan.skus}["90004"] == "Item 90004"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,2\n", "line 1"),
        ("", "line 1"),
        (",".join(COLUMNS) + "\n1,2,x,many,2024-01-01 00:00:00,1,,France\n", "line 2"),
        (",".join(COLUMNS) + "\n1,2,x,1,yesterday,1,,France\n", "line 2"),
        (",".join(COLUMNS) + "\n1,2,x,1,2024-01-01 00:00:00,NaN,,France\n", "line 2"),
        (",".join(COLUMNS) + "\n1,2,x,1,2024-01-01 00:00:00\n", "line 2"),
    ],
)
def test_another_file_is_refused_with_its_line(tmp_path, text, line):
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(BadDataset, match=line):
        read_source(path)


def test_every_country_name_has_a_code_that_we_can_write_addresses_for():
    assert set(COUNTRIES.values()) <= set(LANDS)
    assert {iso_country("Channel Islands", str(n))[0] for n in range(9)} == {"JE", "GG"}
    assert iso_country("EIRE", "1") == ("IE", "") and iso_country("RSA", "1") == ("ZA", "")
    for name, reason in NO_COUNTRY.items():
        assert iso_country(name, "1") == ("", reason)


SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "online_retail.csv.gz"


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the reference data is not beside this checkout")
def test_the_real_file_has_its_known_counts():
    source = read_source(SHARED)
    assert (source.rows, source.invoices) == (541_909, 25_900)
    assert len(source.orders) + source.taken_back + sum(source.rejected.values()) == 25_900
    # 19,959 invoices have a line with a quantity and a price; those without goods or without a country cannot be sent.
    no_goods_or_country = ("service_codes_only", "country_unspecified", "country_is_a_region")
    assert len(source.orders) + sum(source.rejected[reason] for reason in no_goods_or_country) == 19_959
    assert len(source.orders) == 19_766
    assert "country_unknown" not in source.rejected
    huge = {back.order.lines[0].quantity: back.kind for back in source.returns if back.kind == "cancellation"}
    assert huge[80_995] == huge[74_215] == "cancellation"
    for back in source.returns:
        assert back.at >= back.order.at
    taken: Counter[tuple[str, int]] = Counter()
    for back in source.returns:
        for place, quantity in back.lines:
            taken[back.order.number, place] += quantity
    by_number = {order.number: order for order in source.orders}
    assert all(0 < quantity <= by_number[number].lines[place].quantity for (number, place), quantity in taken.items())

"""Req. 64: the same user at the same address with one extra space is one parcel; two different doors never are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.textnorm import merge_key, merge_parts


def key(name="John Smith", lines=("12 High Street", "Apt 4"), postcode="SW1A 2AA", city="London", country="GB"):
    return merge_key(name, lines, postcode, city, country)


@pytest.mark.parametrize(
    "variant",
    [
        {"lines": ("12 High  Street", "Apt 4")},  # one extra space
        {"lines": ("12 High Street ", " Apt 4")},
        {"lines": ("12HighStreet", "Apt4")},
        {"name": "john  smith", "lines": ("12 HIGH STREET", "APT 4")},
        {"name": "Ｊｏｈｎ　Ｓｍｉｔｈ", "lines": ("１２　Ｈｉｇｈ　Ｓｔｒｅｅｔ", "Apt ４")},
        {"lines": ("12, High St.", "Apt. 4")},
        {"lines": ("12 High St", "# 4")},
        {"lines": ("12 High St #4",)},
        {"lines": ("Apt 4", "12 High Street")},
        {"lines": ("Apartment 4, 12 High Street",)},
        {"lines": ("12 High Street, Flat 4, London",)},
        {"lines": ("Unit No. 4", "12 High Str.", "London SW1A 2AA".split()[0])},
        {"name": "Mr. John Smith", "postcode": "sw1a2aa", "city": "LONDON", "country": "gb"},
        {"name": "Smith, John"},
    ],
)
def test_variants_of_one_address_merge(variant):
    assert key(**variant) == key()


@pytest.mark.parametrize(
    "variant",
    [
        {"name": "Joan Smith"},
        {"lines": ("21 High Street", "Apt 4")},
        {"lines": ("12 High Street", "Apt 5")},
        {"lines": ("4 High Street", "Apt 12")},
        {"lines": ("12 High Street",)},
        {"lines": ("12 High Road", "Apt 4")},
        {"lines": ("1 2 High Street", "Apt 41")},
        {"postcode": "SW1A 2AB"},
        {"city": "Londonderry"},
        {"country": "IE"},
    ],
)
def test_different_doors_stay_apart(variant):
    assert key(**variant) and key(**variant) != key()


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (("Hauptstraße 5",), ("Hauptstr. 5",), True),
        (("Hauptstraße 5",), ("HAUPTSTRASSE 5",), True),
        (("Haupt Str. 5",), ("Hauptstr 5",), True),
        (("Hauptstr. 5 a",), ("Hauptstr. 5a",), True),
        (("Hauptstr. 12", "Hof 5"), ("Hauptstr. 5", "Hof 12"), False),
        (("500 5th Ave N",), ("500 5th Avenue North",), True),
        (("500 5th Ave N",), ("500 5th Avenue South",), False),
        (("1 St. James Road",), ("1 Saint James Rd",), True),
        (("Rose Cottage", "12 High St"), ("12 High Street", "Rose Cottage"), True),
        (("Rose Cottage 12 High St",), ("Rose Cottage", "12 High St"), True),
        (("P.O. Box 12",), ("PO Box 12",), True),
        (("PO Box 12",), ("PO Box 21",), False),
        (("广东省深圳市南山区 科技园路15号",), ("广东省深圳市南山区科技园路１５号",), True),
        (("幸福小区5栋12号",), ("幸福小区12栋5号",), False),
        (("ул. Ленина, д. 5, кв. 7",), ("улица Ленина, дом 5, квартира 7",), True),
        (("ул. Ленина, д. 5, кв. 7",), ("ул. Ленина, д. 7, кв. 5",), False),
        (("2 Rue de l'Église",), ("2, rue de l’eglise",), True),
        (("Calle Mayor, 5, 28013, Madrid",), ("C/ Mayor 5",), True),
        (("Hauptstr. 5, 10115 Berlin",), ("Hauptstr. 10115, 5",), False),
        (("12 Bis Street",), ("12 Vis Street",), False),
        (("Flat 4b, 9 Elm Rd",), ("9 Elm Road", "Flat 4 B"), True),
        (("10-12 Elm Rd",), ("12-10 Elm Rd",), False),
    ],
)
def test_street_forms(one, two, same):
    place = {"postcode": "28013", "city": "Madrid"} if "Madrid" in one[0] else {}
    assert (key(lines=one, **place) == key(lines=two, **place)) is same
    assert key(lines=one)


def test_a_masked_or_nameless_address_never_merges():
    assert key(name="***") == ""
    assert key(name="") == key(lines=()) == key(country="") == key(lines=("--", " ")) == ""
    assert key(postcode="", city="") == ""


def test_zip_plus_four_is_the_same_door_and_parts_name_the_difference():
    assert key(postcode="98109-1234", country="US") == key(postcode="98109", country="US")
    one = merge_parts("A B", ["1 Elm St"], "1000", "Bern", "CH")
    two = merge_parts("A B", ["1 Elm St"], "1001", "Bern", "CH")
    assert [part for part, x, y in zip(one._fields, one, two, strict=True) if x != y] == ["postcode"]


@given(st.text(max_size=30), st.lists(st.text(max_size=40), max_size=4), st.text(max_size=12), st.text(max_size=20))
def test_any_text_gives_a_key_that_case_and_outer_spaces_do_not_move(name, lines, postcode, city):
    plain = merge_key(name, lines, postcode, city, "DE")
    assert merge_key(f"  {name} ", [f" {line}\t" for line in lines], f" {postcode}", f"{city}  ", "de") == plain

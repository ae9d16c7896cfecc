# ruff: noqa: E501  (samples are easier to compare in one line)
"""Pasted addresses of many countries, as buyers and colleagues write them, become fields; what is unsure is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.address_reading import read
from orders.address_shape import countries, shape_of

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "german": (
        "Hannah Weiss\nBergstr. 12, Hinterhaus\n10999 Berlin\nGermany\n+49 30 1234573",
        {"ship_country": "DE", "ship_name": "Hannah Weiss", "ship_lines": ["Bergstr. 12, Hinterhaus"],
         "ship_postcode": "10999", "ship_city": "Berlin", "ship_phone": "+49 30 1234573"},
    ),
    "german, marked": ("Meier GmbH\nHauptstr. 5\nD-80331 München",
        {"ship_country": "DE", "ship_company": "Meier GmbH", "ship_postcode": "80331", "ship_city": "München"}),
    "american": (
        "John Smith\nAcme Inc.\n1200 Congress Ave Apt 4B\nAustin, TX 78701-1234\nUSA\n(512) 555-0199\njohn@x.example",
        {"ship_country": "US", "ship_company": "Acme Inc.", "ship_lines": ["1200 Congress Ave Apt 4B"], "ship_region": "TX",
         "ship_city": "Austin", "ship_postcode": "78701-1234", "ship_phone": "(512) 555-0199", "ship_email": "john@x.example"},
    ),
    "american, one line": ("Jane Doe, 12 Main St, Springfield, IL 62701",
        {"ship_country": "US", "ship_name": "Jane Doe", "ship_lines": ["12 Main St"], "ship_city": "Springfield", "ship_region": "IL"}),
    "british": ("Mr O'Neill\nFlat 3\n10 Downing Street\nLondon\nSW1A 1AA\nUnited Kingdom",
        {"ship_country": "GB", "ship_lines": ["Flat 3", "10 Downing Street"], "ship_city": "London", "ship_postcode": "SW1A 1AA"}),
    "chinese": ("张三\n13800138000\n广东省深圳市南山区科技园南路18号A栋502室\n518057",
        {"ship_country": "CN", "ship_name": "张三", "ship_region": "广东省", "ship_city": "深圳市", "ship_district": "南山区",
         "ship_lines": ["科技园南路18号A栋502室"], "ship_postcode": "518057", "ship_phone": "13800138000"}),
    "chinese, labelled": ("收件人：李四 手机号码：13912345678 所在地区：上海市浦东新区 详细地址：世纪大道100号",
        {"ship_country": "CN", "ship_name": "李四", "ship_city": "上海市", "ship_district": "浦东新区", "ship_lines": ["世纪大道100号"]}),
    "chinese, in one piece": ("王小明 13612345678 北京市朝阳区建国路88号SOHO现代城3栋1201",
        {"ship_name": "王小明", "ship_city": "北京市", "ship_district": "朝阳区", "ship_phone": "13612345678"}),
    "full width": ("张三，１３８００１３８０００，浙江省杭州市西湖区文三路１号", {"ship_phone": "13800138000", "ship_city": "杭州市"}),
    "japanese": ("〒530-0001\n大阪府大阪市北区梅田1-2-3\n田中 雪\n06-1234-5678",
        {"ship_country": "JP", "ship_name": "田中 雪", "ship_region": "大阪府", "ship_city": "大阪市", "ship_postcode": "530-0001"}),
    "french": ("Marie Dupont\n5 rue de la Paix\n75002 PARIS\nFrance", {"ship_country": "FR", "ship_city": "PARIS", "ship_postcode": "75002"}),
    "labelled": ("Name: Luca Rossi\nAddress: Via Roma 1\nCity: Milano\nZip: 20121\nState: MI\nCountry: Italy\nPhone: +39 02 1234567",
        {"ship_country": "IT", "ship_name": "Luca Rossi", "ship_lines": ["Via Roma 1"], "ship_region": "MI"}),
    "polish": ("Anna Kowalska\nul. Długa 5/7\n00-238 Warszawa\nPolska", {"ship_country": "PL", "ship_postcode": "00-238", "ship_city": "Warszawa"}),
    "canadian": ("Bob Lee\n221 Queen St W\nToronto ON M5V 1Z4\nCanada", {"ship_country": "CA", "ship_region": "ON", "ship_city": "Toronto"}),
    "dutch": ("Jan de Vries\nDamrak 1\n1012 LG Amsterdam\nNederland", {"ship_country": "NL", "ship_postcode": "1012 LG", "ship_city": "Amsterdam"}),
    "brazilian": ("Maria Silva\nAv. Paulista 1000\nSão Paulo - SP\n01310-100\nBrazil", {"ship_country": "BR", "ship_region": "SP", "ship_city": "São Paulo"}),
    "australian": ("Liam Brown\n5 George St\nSydney NSW 2000\nAustralia", {"ship_country": "AU", "ship_region": "NSW", "ship_city": "Sydney"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_address_is_read(name: str) -> None:
    text, wanted = CASES[name]
    found = read(text).fields
    assert {key: found.get(key) for key in wanted} == wanted


def test_the_country_of_the_form_counts_where_the_text_names_none() -> None:
    assert read("Jan\nDamrak 1\n1012 LG Amsterdam", "NL").fields["ship_postcode"] == "1012 LG"
    assert read("Bob\n1 Road\nParis\nFrance", "US").fields["ship_country"] == "FR"


def test_what_is_missing_is_named() -> None:
    assert "ship_country" in read("Somebody\nSomewhere").unsure
    assert {"ship_city", "ship_postcode"} <= set(read("Hans Meier\nWeg 1\nGermany").unsure)
    assert read("").unsure == ["ship_lines", "ship_country", "ship_name"]


@given(st.text(max_size=300), st.sampled_from(["", "US", "CN", "JP", "DE", "XX"]))
def test_nothing_breaks_it(text: str, country: str) -> None:
    found = read(text, country).fields
    assert isinstance(found["ship_lines"], list) and all(isinstance(one, str) for one in found["ship_lines"])


def test_shapes_differ_by_country() -> None:
    assert "ship_region" in shape_of("US").fields and "ship_region" not in shape_of("DE").fields
    assert shape_of("US").region_of("texas") == "TX" and shape_of("US").region_of("Nowhere") == "Nowhere"
    assert shape_of("JP").names["ship_region"] == "prefecture" and shape_of("DE").postcode_fits("10999")
    assert not shape_of("DE").postcode_fits("SW1A")
    for code, _name in countries("en"):
        assert "ship_lines" in shape_of(code).fields and "ship_city" in shape_of(code).fields

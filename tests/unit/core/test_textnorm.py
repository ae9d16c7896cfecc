"""Search reading: whatever fragment of a record somebody types, its grams are among the record's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.textnorm import CJK, fold, query_grams, search_grams, squash, squeeze, told_apart
from core.textnorm.grams import _ACCENTS

ALPHABET = st.one_of(
    st.sampled_from("aAbBzZéÉßøŁİıçñÆﬁＡｂ"),
    st.sampled_from("0123456789０９٣"),
    st.sampled_from("王小明陳太郎タナカがｶﾞ김철수"),
    st.sampled_from("Иванйαβγعمر"),
    st.sampled_from(" -'’.,/()#_\n\t·・😀"),
    st.characters(exclude_categories=["Cs"]),
)
TEXT = st.text(ALPHABET, max_size=60)


@given(TEXT, TEXT)
def test_squash_is_made_character_by_character(left, right):
    assert squash(left + right) == squash(left) + squash(right)


@settings(max_examples=600)
@given(st.lists(TEXT, min_size=1, max_size=4), st.data())
def test_every_long_enough_fragment_is_found(texts, data):
    text = data.draw(st.sampled_from(texts))
    start = data.draw(st.integers(0, len(text)))
    fragment = text[start : data.draw(st.integers(start, len(text)))]
    # a newline inside a fragment would join two fields; nobody types one
    fragment = fragment.split("\n")[0]
    squashed = squash(fragment)
    long_enough = (
        re.search(rf"[^\W\d_{CJK}]{{3}}", squashed)
        or re.search(rf"[{CJK}]{{2}}", squashed)
        or re.search(r"\d{4}", squashed)
    )
    if long_enough:
        assert query_grams(fragment), "a long enough fragment must search for something"
        assert set(query_grams(fragment)) <= set(search_grams(texts))


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Zoë O’Brien-Świętek", "obrien"),
        ("Zoë O’Brien-Świętek", "SWIETEK"),
        ("Müller Straße 5", "strasse"),
        ("王小明", "小明"),
        ("广东省 深圳市 南山区", "广东省深圳"),
        ("ﾀﾅｶ ﾀﾛｳ", "タナカ"),
        ("김철수", "철수"),
        ("Ｊｏｈｎ　Ｓｍｉｔｈ", "john smith"),
        ("+86 138-0013-8000", "13800138000"),
        ("+86 138-0013-8000", "8000"),
        ("(020) 7946 0018", "0207946"),
        ("YT2100421272000012", "272000"),
        ("85123A-RED", "23a"),
        ("Li Wei", "li"),
        ("Иван Йовчев", "йовч"),
        ("Ελένη", "ΕΛΈΝΗ"),
        ("٣٤٥٦", "3456"),
        ("١٢٣٤٥", "2345"),
    ],
)
def test_known_cases_are_found(stored, typed):
    grams = query_grams(typed)
    assert grams
    assert set(grams) <= set(search_grams([stored]))


@pytest.mark.parametrize(
    ("stored", "typed"), [("Anna Berg", "annab"), ("王小明", "明小"), ("12 High St", "Lowe"), ("Oliver", "li")]
)
def test_strangers_are_not_found(stored, typed):
    grams = query_grams(typed)
    assert grams
    assert not set(grams) <= set(search_grams([stored]))


def test_fields_do_not_run_into_each_other():
    assert not set(query_grams("1234")) <= set(search_grams(["12", "34"]))
    assert not set(query_grams("小明")) <= set(search_grams(["小", "明"]))


def test_hashes_are_stable_31_bit_and_too_short_a_fragment_searches_nothing():
    assert search_grams(["abc"]) == [0x352441C2 & 0x7FFFFFFF]
    assert all(0 <= gram < 2**31 for gram in search_grams(["Shenzhen 518000 深圳"]))
    assert query_grams("12") == [] and query_grams(" - ") == []


def test_fold_keeps_accents_and_words_apart():
    assert fold("  ＡＢＣ　 Straße\tÉ ") == "abc strasse é"
    assert fold("A  B") == "a b"
    assert squeeze("Ｆｌａｔ 4-b, O'Neill") == "flat4boneill"


@given(st.text(st.sampled_from("aB12小 -_/."), max_size=30), st.data())
def test_what_a_text_holds_is_never_told_apart_from_it(text, data):
    """As ``WITHOUT_SIGNS`` reads texts without accents: lower case, letters and digits of ASCII only."""
    start = data.draw(st.integers(0, len(text)))
    fragment = text[start : data.draw(st.integers(start, len(text)))]
    without_signs = re.sub(r"[^a-z0-9]+", "", text.lower())
    assert all(word in without_signs for word in told_apart(fragment))


def test_short_parts_are_told_apart():
    assert told_apart("BB12-BK") == ["bb12bk"] and told_apart("Lamp bk") == ["bk"]
    assert told_apart("lamp") == told_apart("desk-lamp 042") == told_apart("rosé-xl") == told_apart("台灯") == []


def test_the_database_reads_accents_as_squash_does():
    for accented, plain in zip(*_ACCENTS, strict=True):
        assert squash(accented) == plain, accented

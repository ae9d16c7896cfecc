"""Every stored code has a sentence in both languages, and a sentence never fails, whatever its parameters are."""

from __future__ import annotations

import re
import string

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from channels.models import Account, Confirmation
from channels.registry import all_adapters
from core import i18n
from core.rules.conditions import ALL_OPS
from core.words import SENTENCES, say
from logistics import canonical
from logistics import states as parcels
from orders import record, routing, states, steps
from orders.services.acts import ADDRESS_FIELDS
from orders.services.pages import CHANNEL_NAMES
from tests.ui.codes import stored

LETTERS = re.compile(r"[A-Za-z]{4,}")


def test_every_code_that_the_source_stores_has_a_sentence() -> None:
    found = stored()
    assert len(found) > 250  # the walk still finds what it should
    assert {"order.short", "route.service_weight", "adapter.throttled", "order.to_failed"} <= set(found)
    missing = {code: where for code, where in found.items() if code not in SENTENCES}
    assert not missing, f"codes without a sentence in core/words/catalogue: {missing}"


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("state.", states.ALL),
        ("order.to_", [target for source in states.MOVES for target in states.MOVES[source] if target in states.ALL]),
        ("step.", steps.STEPS),
        ("parcel.", parcels.ALL),
        ("ship.state_", [state for state in parcels.ALL if state not in parcels.ON_FLOOR]),
        ("track.", canonical.MAINS),
        ("health.", (Account.OK, Account.PAUSED, Account.RECONNECT, Account.FAILING)),
        ("confirmation.", ("wanted", "sent", "confirmed", "unknown", "refused", Confirmation.DROPPED)),
        ("platform.", tuple(all_adapters())),
        ("conflict.", tuple(record.CHOICES)),
        ("rule.op.", tuple(ALL_OPS)),
        ("rule.outcome.", ("acted", "already_set", "no", "skipped")),
        ("", tuple(field.label for field in routing.FIELDS.values())),
        ("", tuple(kind.label for kind in routing.ACTIONS.values())),
        ("field.", (*ADDRESS_FIELDS, *CHANNEL_NAMES)),
        ("address.part.", ("name", "street", "city", "postcode", "country")),
        ("address.missing.", ("name", "street", "city", "postcode", "country")),
    ],
)
def test_every_word_of_a_family_is_there(prefix: str, values: tuple[str, ...]) -> None:
    # States that orders reach only by other names are said by them.
    said_otherwise = {"order.to_booking", "order.to_ready", "order.to_short", "order.to_address", "order.to_unmatched"}
    said_otherwise |= {"order.to_combined"}
    missing = {f"{prefix}{value}" for value in values} - set(SENTENCES) - said_otherwise
    assert not missing


def test_the_chinese_catalogue_is_complete() -> None:
    missing = i18n.missing("zh_Hans")
    assert not missing, f"run python -m core.i18n and translate: {missing}"


def test_the_chinese_keeps_every_parameter() -> None:
    """A parameter that a translation forgot or misspelt would be a hole in the sentence."""
    for message in i18n.read("zh_Hans"):
        english = message.id if isinstance(message.id, str) else message.id[-1] if message.id else ""
        chinese = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
        for pattern in (r"\{[a-z_]+", r"%\([a-z_]+\)s"):
            assert not chinese or set(re.findall(pattern, english)) == set(re.findall(pattern, chinese)), english


def test_chinese_is_chinese() -> None:
    """No sentence of ours is shown in English to a Chinese reader; names and units may be."""
    allowed = {"Amazon", "eBay", "SKU", "Ningbo"}
    # What programs send and read, which has no other name in Chinese.
    allowed |= {
        "Webhook",
        "Idempotency",
        "Authorization",
        "Bearer",
        "Allow",
        "ASCII",
        "Excel",
        "IOSS",
        "XLSX",
        "JPEG",
        "Suburb",  # as it stands on the parcel
        "Eircode",
        "https",
        "errors",
        "updated",
        "since",
    }
    for code in SENTENCES:
        with translation.override("zh-hans"):
            said = str(translation.gettext(SENTENCES[code]))
        text = re.sub(r"\{[^}]*\}", "", said)
        words = set(LETTERS.findall(text)) - allowed
        assert not words, (code, text)


def test_a_sentence_uses_only_specifications_that_exist() -> None:
    known = {"", "list", "weight", "number", "country", "money", "when", "code", "span", "missing", "maybe"}
    for code, text in SENTENCES.items():
        for _, name, spec, _ in string.Formatter().parse(text):
            if name is not None:
                assert spec in known or spec.endswith("."), (code, spec)


@given(
    params=st.dictionaries(
        st.sampled_from(["skus", "missing", "weight_g", "total", "country", "state", "why", "max_g"]),
        st.none() | st.text(max_size=8) | st.integers() | st.lists(st.text(max_size=4), max_size=3) | st.booleans(),
    )
)
def test_no_parameters_make_a_sentence_fail(params: dict[str, object]) -> None:
    for code in (
        "order.short",
        "route.service_weight",
        "order.imported",
        "order.address_incomplete",
        "order.pull_failed",
        "state.illegal_move",
    ):
        assert say(code, params)
        assert "{" not in say(code, {"state": "x", "target": "y"})


def test_what_a_sentence_says() -> None:
    short = {"missing": [["LAMP", 3, 1], ["CUP", 2, 0]], "more": 0}
    assert (
        say("order.short", short) == "Not enough stock in any warehouse: LAMP: 3 needed, 1 free; CUP: 2 needed, 0 free."
    )
    heavy = {"service": "Yun", "weight_g": 2400, "max_g": 12000}
    assert say("route.service_weight", heavy) == "Yun takes at most 12 kg; this order weighs 2,400 g. Change the rules."
    assert say("route.service_weight", heavy, "zh-hans") == "Yun 限重 12 kg，该订单重 2,400 g。请修改规则。"
    missing = {"missing": ["name", "postcode"]}
    assert say("order.address_incomplete", missing, "zh-hans") == "地址缺少：姓名、邮编。补全后订单会自动继续。"
    assert say("no.such.code", {}) == "no.such.code"
    assert say("order.held_by_rule", {}) == "A rule holds it: —."
    assert say("order.held_by_person", None) == "Held by hand."
    assert say("order.held_by_person", {"note": "count"}) == "Held by hand. count"
    assert say("carrier.outcome_open", None, "zh-hans").startswith("物流商")


def test_parameters_reach_no_attributes() -> None:
    """Stored parameters are data: a sentence cannot be made to read anything else."""
    from core.words import _Sentence

    assert _Sentence({"a": "x"}).format("{a.__class__}") == "—"


def test_a_code_has_one_sentence() -> None:
    from core.words.catalogue import TWICE

    assert not TWICE

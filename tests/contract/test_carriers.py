"""Every carrier and aggregator in the registry keeps the contract (see ``tests.contract.carrier_checks``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from core.errors import BusinessError, Rejected
from logistics import canonical, protocol
from logistics.carriers.seventeentrack import carrier as seventeen
from logistics.carriers.seventeentrack import mapping as words
from logistics.carriers.yunexpress import client, mapping
from logistics.registry import all_carriers, all_trackers, carrier_of
from sandbox.simulators.seventeentrack.statuses import SUBS
from tests.contract import carrier_checks as checks

OTHERS: dict[str, Any] = {**all_carriers(), **all_trackers()}


def cases(of: Any) -> list[Any]:
    return [pytest.param(*case, id=name) for name, *case in of]


SAMPLES = cases((f"{key}-{path.stem}", key, path) for key, one in OTHERS.items() for path in checks.samples(one))
FAULTS = cases(
    (f"{key}-{operation.name}-{fault.name}", key, operation, fault)
    for key, one in OTHERS.items()
    for operation in checks.operations(one)
    for fault in checks.FAULTS
)


def test_those_of_this_version_are_found() -> None:
    assert {"yunexpress", "pool"} <= set(all_carriers())
    assert {"17track"} <= set(all_trackers())
    with pytest.raises(BusinessError):
        carrier_of("nowhere")


@pytest.mark.parametrize("key", sorted(all_carriers()))
def test_a_carrier_has_what_the_protocol_wants(key: str) -> None:
    carrier = carrier_of(key)
    assert re.fullmatch(r"[a-z0-9_]{2,40}", carrier.key) and carrier.title.isascii()
    wanted = [name for name in vars(protocol.Carrier) if not name.startswith("_")]
    assert [name for name in wanted if not hasattr(carrier, name)] == []
    assert carrier.settings_model().model_dump()["base_url"] == ""
    for field in carrier.credentials_model.model_fields.values():
        assert field.title
    draft = carrier.sandbox_draft("http://127.0.0.1:1")
    carrier.settings_model(**draft.settings)
    carrier.credentials_model(**draft.credentials)


@pytest.mark.parametrize(("key", "sample"), SAMPLES)
def test_sample(key: str, sample: Path, no_network: list[str]) -> None:
    checks.check_sample(OTHERS[key], sample)


@pytest.mark.parametrize(("key", "operation", "fault"), FAULTS)
def test_fault(key: str, operation: checks.Operation, fault: checks.Fault) -> None:
    checks.check_fault(OTHERS[key], operation, fault)


def test_round_trip_of_carriers(simulators: str) -> None:
    for carrier in all_carriers().values():
        if protocol.NUMBER_POOL not in carrier.capabilities:
            checks.check_carrier_trip(carrier, simulators)


def test_round_trip_of_aggregators(simulators: str) -> None:
    for tracker in all_trackers().values():
        checks.check_tracker_trip(tracker, simulators)


# -- signatures and vocabularies


def test_signature_over_the_exact_bytes() -> None:
    """Both computed with OpenSSL: echo -n <text> | openssl dgst -sha256 -hmac my-secret -binary | base64."""
    bare = client.sign("my-secret", method="GET", path="/v1/order/info/get", date="1711612800000")
    body = client.sign(
        "my-secret", method="POST", path="/v1/order/cancel", date="1711612800000", body=b'{"a":"\xc3\xa9"}'
    )
    assert bare == "hH+efv/lcFj7ziN4y17FpMAJrwARGzDUzz1ILmFpv+w="
    assert body == "HW+UB2HFtf+R4zCWm3IlzCGZbfpEsZbTjbZrz0Xpx2s="


def test_the_aggregators_plain_digest() -> None:
    """echo -n '{"event":"X"}/KEY' | sha256sum"""
    assert (
        seventeen.signature(b'{"event":"X"}', "KEY")
        == "e2c937ea8dcf32ac59a8c02341b42658c325b87bd1415aec4223c9c242cb0968"
    )


def test_a_forged_call_is_refused_whatever_the_headers_case() -> None:
    raw = b'{"event":"TRACKING_STOPPED","data":{"number":"X"}}'
    good = seventeen.signature(raw, "key")
    tracker = all_trackers()["17track"]
    for name in ("sign", "Sign", "SIGN"):
        assert tracker.parse_webhook(raw, {name: good}, {"token": "key"})[0].stopped
    for headers in ({}, {"sign": good[:-1] + "x"}, {"sign": good.upper() + "0"}):
        with pytest.raises(Rejected, match="hook.signature"):
            tracker.parse_webhook(raw, headers, {"token": "key"})
    with pytest.raises(Rejected, match="hook.signature"):
        tracker.parse_webhook(raw + b" ", {"sign": good}, {"token": "key"})


def test_every_word_of_the_aggregator_has_its_place() -> None:
    theirs = {sub for subs in SUBS.values() for sub in subs}
    assert set(words.SUBS) == theirs
    assert {main for main, _ in [*words.SUBS.values(), *words.MAINS.values()]} == set(canonical.MAINS)
    assert words.state("InTransit_Teleported", "InTransit") == ("InTransit", "other")
    assert words.state("DeliveryFailure_Dog") == ("DeliveryFailure", "other")
    assert words.state("Brand_New", "") == ("InTransit", "other")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Zoë Müller", ("Zoë", "Müller")),
        ("张伟", ("张伟", "")),
        ("Jean Paul van der Berg", ("Jean Paul van der", "Berg")),
        ("", ("", "")),
    ],
)
def test_names_are_split_where_the_carrier_wants_two(name, parts) -> None:
    assert mapping.split_name(name) == parts

"""Every marketplace in the registry keeps the contract (see ``tests.contract.checks``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from channels.protocol import Adapter
from channels.registry import adapter_of, all_adapters
from core.errors import BusinessError
from tests.contract import checks

PLATFORMS = sorted(all_adapters())


def _samples() -> list[Any]:
    found = [(name, path) for name in PLATFORMS for path in checks.samples(adapter_of(name))]
    return [pytest.param(name, path, id=f"{name}-{path.stem}") for name, path in found]


def _faults() -> list[Any]:
    return [
        pytest.param(name, operation, fault, id=f"{name}-{operation.name}-{fault.name}")
        for name in PLATFORMS
        for operation in checks.operations(adapter_of(name))
        for fault in checks.FAULTS
    ]


def _trips() -> list[Any]:
    return [
        pytest.param(name, capability, id=f"{name}-{capability}")
        for name in PLATFORMS
        for capability in checks.TRIPS
        if capability in adapter_of(name).capabilities
    ]


def test_both_of_this_version_are_found() -> None:
    assert {"amazon", "ebay"} <= set(PLATFORMS)
    with pytest.raises(BusinessError):
        adapter_of("nowhere")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_adapter_has_what_the_protocol_wants(platform: str) -> None:
    adapter = adapter_of(platform)
    assert isinstance(adapter, Adapter)
    assert adapter.settings_model().model_dump()["base_url"] == ""
    for name, field in adapter.credentials_model.model_fields.items():
        assert field.title, f"the connect form has no words for {name}"
    checks.check_has_samples(adapter)


@pytest.mark.parametrize(("platform", "sample"), _samples())
def test_sample(platform: str, sample: Path, no_network: list[str]) -> None:
    checks.check_sample(adapter_of(platform), sample)


@pytest.mark.parametrize(("platform", "operation", "fault"), _faults())
def test_fault(platform: str, operation: checks.Operation, fault: checks.Fault) -> None:
    checks.check_fault(adapter_of(platform), operation, fault)


@pytest.mark.parametrize(("platform", "capability"), _trips())
def test_round_trip(simulators: str, platform: str, capability: str) -> None:
    checks.TRIPS[capability](adapter_of(platform), simulators)

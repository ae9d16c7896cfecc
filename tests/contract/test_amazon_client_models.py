"""The published static sandbox cases, put to our gateway: it asks as the models say, and reads what they answer."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from channels.adapters.amazon import client
from channels.adapters.amazon.adapter import ADAPTER
from core.errors import AdapterError, Rejected
from core.wire import HttpAnswer
from tests.contract.checks import NOTICE, WINDOW, raised_by
from tests.support.wire import session

MODELS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "amazon" / "models"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MODELS.is_dir(), reason="the reference material is not beside the checkout"),
]
USED = {
    "orders_2026-01-01": {"searchOrders", "getOrder"},
    "ordersV0": {"confirmShipment"},
    "fbaInventory": {"getInventorySummaries"},
}


def operations() -> Iterator[tuple[str, str, str, dict[str, Any], dict[str, Any]]]:
    """Operation id, method, path template, operation object, model."""
    for name, wanted in USED.items():
        model = json.loads((MODELS / f"{name}.json").read_text())
        for path, methods in model["paths"].items():
            for method, operation in methods.items():
                if isinstance(operation, dict) and operation.get("operationId") in wanted:
                    yield operation["operationId"], method.upper(), path, operation, model


def cases() -> list[Any]:
    found = []
    for name, _, _, operation, _ in operations() if MODELS.is_dir() else ():
        for code, response in operation["responses"].items():
            for place, case in enumerate(response.get("x-amzn-api-sandbox", {}).get("static", [])):
                found.append(pytest.param(name, int(code), case, id=f"{name}-{code}-{place}"))
    return found


class Replay:
    """Amazon's sandbox as the models describe it: checks each request against its operation, answers with the case."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        headers: Mapping[str, str] | None = None,
        params: Any = None,
        content: bytes | None = None,
        writes: bool = False,
        timeout: float = 30.0,
        rate: tuple[float, float] | None = None,
    ) -> HttpAnswer:
        path = urlsplit(url).path
        for name, wanted, template, spec, model in operations():
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            place = re.fullmatch(pattern, path)
            if wanted == method and place:
                assert name == operation
                self.asked.append(name)
                self._usage_plan(spec, rate)
                values = {key: unquote(value) for key, value in place.groupdict().items()} | dict(params or {})
                return self._answer(spec, model, self._checked(spec, model, values, content))
        raise AssertionError(f"no operation of the models is at {method} {path}")

    @staticmethod
    def _usage_plan(spec: dict[str, Any], rate: tuple[float, float] | None) -> None:
        row = re.search(r"\| ([\d.]+) \| (\d+) \|", spec["description"])
        assert row is not None
        assert rate == (float(row[1]), float(row[2])), "the published usage plan"

    @staticmethod
    def _checked(
        spec: dict[str, Any], model: dict[str, Any], values: dict[str, Any], content: bytes | None
    ) -> dict[str, Any]:
        known = {one["name"]: one for one in spec["parameters"] if "name" in one}
        body = next((one for one in known.values() if one["in"] == "body"), None)
        assert set(values) <= set(known), f"parameters that the model does not know: {set(values) - set(known)}"
        required = {name for name, one in known.items() if one.get("required") and one["in"] != "body"}
        assert required <= set(values), f"missing: {required - set(values)}"
        assert (content is not None) == (body is not None)
        for name, value in list(values.items()):
            one = known[name]
            if one.get("type") == "array":
                values[name] = value.split(",")
                allowed = one.get("items", {}).get("enum")
                assert not allowed or set(values[name]) <= set(allowed)
        if body is not None:
            values["body"] = json.loads(content or b"")
            schema = {**body["schema"], "definitions": copy.deepcopy(model["definitions"])}
            jsonschema.Draft4Validator(_closed(schema)).validate(values["body"])
        return values

    @staticmethod
    def _answer(spec: dict[str, Any], model: dict[str, Any], values: dict[str, Any]) -> HttpAnswer:
        best: tuple[int, int, Any] = (-1, 0, None)
        for code, response in spec["responses"].items():
            for case in response.get("x-amzn-api-sandbox", {}).get("static", []):
                wanted = {name: one["value"] for name, one in case["request"]["parameters"].items()}
                if all(values.get(name) == value for name, value in wanted.items()) and len(wanted) > best[0]:
                    best = (len(wanted), int(code), case["response"])
        assert best[0] >= 0, f"no case for {values}"
        return HttpAnswer(best[1], {}, b"" if best[1] == 204 else json.dumps(best[2]).encode())


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _closed(value) for name, value in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


@pytest.mark.parametrize(("name", "code", "case"), cases())
def test_sandbox_case(name: str, code: int, case: dict[str, Any]) -> None:
    """The gateway asks with the case's own parameters: 2xx is read whole, 4xx raises."""
    given = {key: value["value"] for key, value in case["request"]["parameters"].items()}
    wire = Replay()
    here = session(ADAPTER, wire, url="https://sandbox.test")
    here = replace(here, settings={"base_url": "https://sandbox.test"})

    def ask() -> client.Reply:
        if name == "searchOrders":
            api: Any = client.Orders(here, name)
            api.search_orders(**given)
        elif name == "getOrder":
            api = client.Orders(here, name)
            api.get_order(given["orderId"], **{k: v for k, v in given.items() if k != "orderId"})
        else:
            api = client.Confirming(here, name, writes=True)
            api.confirm_shipment(given["orderId"], **given["body"])
        reply: client.Reply = api.reply
        return reply

    if code >= 400:
        error = raised_by(ask)
        assert isinstance(error, Rejected)
        assert error.params["reason"] == "Invalid Input"
        return
    reply = ask()
    assert wire.asked == [name]
    if code == 204:
        return
    texts = client.split(reply.text, ("orders",)) or client.split(reply.text, ("order",))
    wanted = case["response"].get("orders") or [case["response"]["order"]]
    assert [json.loads(text) for text in texts] == wanted
    for text, told in zip(texts, wanted, strict=True):
        order = ADAPTER.parse_order(text)
        assert order.external_id == told["orderId"]
        assert f"{order.grand_total}" == told["proceeds"]["grandTotal"]["amount"]
        assert order.receiver.country == told["recipient"]["deliveryAddress"]["countryCode"]
        assert [line.quantity for line in order.lines] == [item["quantityOrdered"] for item in told["orderItems"]]


def test_every_published_case_was_asked() -> None:
    """Nobody drops one by accident: searchOrders 4, getOrder 4, confirmShipment 2; FBA inventory publishes none."""
    assert len(cases()) == 10


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("searchOrders", lambda s: ADAPTER.fetch_orders(s, WINDOW, "")),
        ("searchOrders", lambda s: ADAPTER.fetch_orders(s, WINDOW, "next")),
        ("getOrder", lambda s: ADAPTER.fetch_order(s, NOTICE.order_external_id)),
        ("getOrder", lambda s: ADAPTER.shipment_known(s, NOTICE)),
        ("confirmShipment", lambda s: ADAPTER.confirm_shipment(s, NOTICE)),
        ("confirmShipment", lambda s: ADAPTER.confirm_shipment(s, replace(NOTICE, carrier="Nobody", service="Air"))),
        ("getInventorySummaries", lambda s: ADAPTER.fetch_stock(s, "")),
        ("getInventorySummaries", lambda s: ADAPTER.fetch_stock(s, "ATVPDKIKX0DER|next")),
    ],
)
def test_what_the_adapter_asks_satisfies_the_models(name: str, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Replay()
    monkeypatch.setattr(wire, "_answer", lambda spec, model, values: HttpAnswer(404, {}, b""))
    here = replace(session(ADAPTER, wire), settings={"base_url": "https://sandbox.test"})
    assert isinstance(raised_by(lambda: call(here)), AdapterError)
    assert wire.asked == [name]

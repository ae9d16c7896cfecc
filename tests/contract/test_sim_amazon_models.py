"""The published static sandbox cases of SP-API, put to the simulator: it answers as the models say."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from tests.support.amazon import EVERYTHING, Seller, ago, plan, seller

MODELS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "amazon" / "models"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not MODELS.is_dir(), reason="the reference material is not beside the checkout"),
]
# model: the operations that the simulator has (None: all of them)
SERVED: dict[str, set[str] | None] = {
    "orders_2026-01-01": None,
    "ordersV0": {"confirmShipment"},
    "fbaInventory": {"getInventorySummaries"},
    "sellers": None,
    "tokens_2021-03-01": None,
    "messaging": None,
    "solicitations": None,
}
# getAccount's 400 has the very request of its 200: nothing tells the simulator which is wanted.
NOT_TO_TELL_APART = {("getAccount", 400)}


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Model name, method, path and operation object."""
    for name, wanted in SERVED.items():
        model = load(name)
        for path, methods in model["paths"].items():
            for method, operation in methods.items():
                served = method in ("get", "post", "put", "delete", "patch")
                if served and (wanted is None or operation["operationId"] in wanted):
                    yield name, method, path, operation


def cases() -> list[Any]:
    if not MODELS.is_dir():
        return []
    found = []
    for name, method, path, operation in operations():
        for code, response in operation["responses"].items():
            static = response.get("x-amzn-api-sandbox", {}).get("static", [])
            for place, case in enumerate(static):
                if (operation["operationId"], int(code)) not in NOT_TO_TELL_APART:
                    label = f"{operation['operationId']}-{code}-{place}"
                    found.append(pytest.param(name, method, path, operation, int(code), case, id=label))
    return found


_loaded: dict[str, dict[str, Any]] = {}


def load(name: str) -> dict[str, Any]:
    if name not in _loaded:
        _loaded[name] = json.loads((MODELS / f"{name}.json").read_text())
    return _loaded[name]


def closed(schema: Any) -> Any:
    """The same schema, but an object may have no member that is not named."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(value) for name, value in schema.items()}
    if isinstance(found.get("properties"), dict) and found.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def validate(answer: httpx.Response, name: str, operation: dict[str, Any]) -> None:
    schema = operation["responses"][str(answer.status_code)].get("schema")
    if schema is None:
        assert answer.content == b""
        return
    model = load(name)
    full = closed({**schema, "definitions": copy.deepcopy(model["definitions"])})
    jsonschema.Draft4Validator(full).validate(answer.json())


def relaxed(shop: Seller, operation: dict[str, Any], code: int, given: dict[str, Any]) -> dict[str, Any]:
    """The case's parameters, with ids of orders that this seller has, and the state that the case takes for granted."""
    found = dict(given)
    name = operation["operationId"]
    place = (given.get("marketplaceIds") or ["ATVPDKIKX0DER"])[0]
    if name == "searchOrders" and code == 200:
        since = "2024-12-26T00:00:00Z"
        shop.plan(*[plan(f"s{i}", placed_at=since, paid_at=since) for i in range(101)])
        if "paginationToken" in given:
            first = {key: value for key, value in found.items() if key != "paginationToken"}
            page = shop.get("/amazon/orders/2026-01-01/orders", **flat(first)).json()
            found["paginationToken"] = page["pagination"]["nextToken"]
    elif code < 300 and ("orderId" in given or "amazonOrderId" in given):
        (order_id,) = shop.plan(plan("one")).values()
        found["orderId" if "orderId" in given else "amazonOrderId"] = order_id
        lines = {item["orderItemId"]: item["quantityOrdered"] for item in shop.order(order_id)["orderItems"]}
        if name == "confirmShipment":
            found["body"] = copy.deepcopy(given["body"])
            (item,) = found["body"]["packageDetail"]["orderItems"]
            item["orderItemId"] = next(iter(lines))
        if name == "sendInvoice":  # its body is required and the case has none
            found["body"] = {"attachments": [{"uploadDestinationId": "4e936e26", "fileName": "invoice.pdf"}]}
        if "olicitation" in name:
            assert shop.confirm(order_id, lines).status_code == 204
    if any(one["name"] == "marketplaceIds" and one.get("required") for one in operation["parameters"] if "name" in one):
        found["marketplaceIds"] = [place]
    return found


def flat(query: dict[str, Any]) -> dict[str, Any]:
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in query.items()}


def ask(shop: Seller, method: str, path: str, operation: dict[str, Any], values: dict[str, Any]) -> httpx.Response:
    kinds = {one["name"]: one["in"] for one in operation.get("parameters", []) if "name" in one}
    body = None
    query: dict[str, Any] = {}
    for name, value in values.items():
        kind = kinds.get(name, "body")
        if kind == "path":
            path = path.replace("{" + name + "}", value)
        elif kind == "query":
            query[name] = value
        else:
            body = value
    if method == "get":
        return shop.get("/amazon" + path, **flat(query))
    return shop.post("/amazon" + path, body if body is not None else {}, **flat(query))


@pytest.mark.parametrize(("name", "method", "path", "operation", "code", "case"), cases())
def test_sandbox_case(
    simulators: str, name: str, method: str, path: str, operation: dict[str, Any], code: int, case: dict[str, Any]
) -> None:
    given = {key: value["value"] for key, value in case["request"]["parameters"].items()}
    place = (given.get("marketplaceIds") or ["ATVPDKIKX0DER"])[0]
    with seller(simulators, place) as shop:
        answer = ask(shop, method, path, operation, relaxed(shop, operation, code, given))
    assert answer.status_code == code, answer.text
    if code >= 400:
        for one in answer.json()["errors"]:
            assert set(one) <= {"code", "message", "details"}
            assert one["code"]
            assert one["message"]
        wanted = case["response"]["errors"][0]["code"]
        # The one published case of confirmShipment writes the code in two words; Amazon's live answers do not.
        assert answer.json()["errors"][0]["code"] == wanted.replace(" ", "")
    validate(answer, name, operation)
    # The published pages differ in whether they go on; ours goes on where it is not the last.
    pages = {"pagination"} if operation["operationId"] == "searchOrders" and code == 200 else set()
    ours = set(answer.json()) if answer.content else set()
    assert ours - pages == set(case["response"]) - pages
    if pages:
        assert ("pagination" in ours) == ("paginationToken" not in given)


def test_every_served_operation_was_asked() -> None:
    """Nobody drops a case by accident: 8 orders, 2 confirmations, 2 sellers, 3 tokens, 22 messaging, 2 solicitations."""
    assert len(cases()) == 8 + 2 + 2 + 3 + 22 + 2


def schema_of(name: str, wanted: str) -> tuple[str, dict[str, Any]]:
    return next((model, op) for model, _, _, op in operations() if model == name and op["operationId"] == wanted)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"fulfilment": "platform"},
        {"fulfilment": "platform", "status": "shipped"},
        {"paid_at": None},
        {"status": "cancelled"},
        {"buyer_note": "Ring twice", "recipient": {"name": "", "lines": [], "country": "US"}},
        {"currency": "JPY", "shipping_price": "0", "tax": "100"},
    ],
)
def test_orders_of_every_kind_satisfy_the_model(simulators: str, changes: dict[str, Any]) -> None:
    with seller(simulators) as shop:
        (order_id,) = shop.plan(plan("one", **changes)).values()
        included = EVERYTHING + ",FULFILLMENT_ORDERS"
        single = shop.get(f"/amazon/orders/2026-01-01/orders/{order_id}", includedData=included)
        validate(single, *schema_of("orders_2026-01-01", "getOrder"))
        listed = shop.search(includedData=included)
        validate(listed, *schema_of("orders_2026-01-01", "searchOrders"))
        assert listed.json()["orders"] == [single.json()["order"]]


def test_an_order_satisfies_the_model_all_its_life(simulators: str) -> None:
    with seller(simulators) as shop:
        (order_id,) = shop.plan(plan("one", paid_at=None)).values()
        items = [line["external_line_id"] for line in shop.known(order_id)["lines"]]

        def check() -> str:
            answer = shop.get(f"/amazon/orders/2026-01-01/orders/{order_id}", includedData=EVERYTHING)
            validate(answer, *schema_of("orders_2026-01-01", "getOrder"))
            status: str = answer.json()["order"]["fulfillment"]["fulfillmentStatus"]
            return status

        seen = [check()]
        for act in (
            lambda: shop.act(order_id, "pay"),
            lambda: shop.act(order_id, "request_cancel"),
            lambda: shop.act(order_id, "change_address", recipient=plan("x")["recipient"] | {"company": "Tea Ltd"}),
            lambda: shop.confirm(order_id, {items[0]: 1}),
            lambda: shop.act(order_id, "cancel", lines=[{"external_line_id": items[1]}]),
            lambda: shop.confirm(order_id, {items[0]: 1}, "2"),
            lambda: shop.act(order_id, "deliver"),
        ):
            act()
            seen.append(check())
        assert seen == ["PENDING", *["UNSHIPPED"] * 3, *["PARTIALLY_SHIPPED"] * 2, "SHIPPED", "SHIPPED"]


def test_stock_satisfies_the_model(simulators: str) -> None:
    with seller(simulators) as shop:
        shop.control(
            "@/inventory", {"items": [{"sku": f"S{i}", "fulfillable": i, "researching": 2} for i in range(51)]}
        )
        place = {"granularityType": "Marketplace", "granularityId": "ATVPDKIKX0DER", "marketplaceIds": "ATVPDKIKX0DER"}
        answer = shop.get("/amazon/fba/inventory/v1/summaries", details="true", startDateTime=ago(hours=1), **place)
        validate(answer, *schema_of("fbaInventory", "getInventorySummaries"))
        assert len(answer.json()["payload"]["inventorySummaries"]) == 50
        assert set(answer.json()) == {"payload", "pagination"}

"""What the interface shows and does, resource by resource; pages with signed places; fixed numbers of queries."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock, jobs
from core.permissions import MANAGER, system
from core.records.models import Job, PersonalRead
from core.tenancy import tenant_context
from crm.models import Message
from inventory.models import Sku, Stock
from logistics.models import Shipment
from orders.models import Order
from tests.api.conftest import EVERYTHING, Floor, Program, good, problem, program
from tests.orders.conftest import line, order, take

pytestmark = pytest.mark.django_db
PERSONAL = ("Hannah", "Weiss", "Bergstr", "10999", "h_weiss88", "relay.example", "Where is it")


def everything(mine: Program, path: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    for _ in range(200):
        page = good(mine.get(f"{path}{'&' if '?' in path else '?'}limit=3{cursor}"))
        assert len(page["items"]) <= 3
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
    raise AssertionError("no end")


# -- orders


def test_an_order_with_all_that_hangs_on_it(floor: Floor, caller: Program) -> None:
    with floor.inside():
        shipped = Order.objects.get(external_id="FLOOR-0")
    found = good(caller.get(f"/orders/{shipped.pk}"))
    assert found["number"] == f"S-{shipped.pk}" and found["total"] == {"amount": "10.00", "currency": "EUR"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["placed_at"])
    assert found["lines"][0]["sku"] == "LAMP" and found["lines"][0]["unit_price"]["amount"] == "10.00"
    assert found["parcels"][0]["tracking_number"].startswith("SW") and found["parcels"][0]["state"] == "ready"
    assert found["receiver"]["city"] == "Berlin" and found["buyer"]["name"] == "h_weiss88"
    assert {"order.routed"} <= {one["code"] for one in found["history"]} and all(
        one["detail"] for one in found["history"]
    )
    with floor.inside():
        assert PersonalRead.objects.filter(kind="order", object_id=shipped.pk, actor_id=-caller.key.pk).count() == 1
    problem(caller.get("/orders/999999"), 404, "order.not_found")


def test_filters_and_search_of_orders(floor: Floor, caller: Program) -> None:
    def numbers(query: str) -> list[str]:
        return [one["external_id"] for one in good(caller.get(f"/orders?{query}"))["items"]]

    assert numbers("tab=short") == ["SHORT-1"] and set(numbers("tab=ready")) == {"OPEN-1", "OPEN-2"}
    assert len(numbers("")) == 5 and numbers("q=SHORT-1") == ["SHORT-1"] and numbers("q=nothing-like-it") == []
    assert numbers(f"account={floor.shop.account.pk}&tab=short") == ["SHORT-1"] and numbers("account=999") == []
    assert numbers("country=JP") == [] and len(numbers("country=JP&country=DE")) == 5
    assert numbers("placed_from=2030-01-01T00:00:00Z") == []
    reason = good(caller.get("/orders?tab=short"))["items"][0]["reason"]
    assert reason == {
        "code": "order.short",
        "detail": "Not enough stock in any warehouse: CUP: 5000 needed, 1000 free.",
    }
    chinese = caller.get("/orders?tab=short", HTTP_ACCEPT_LANGUAGE="zh-hans").json()["items"][0]["reason"]
    assert chinese["code"] == "order.short" and re.search(r"[\u4e00-\u9fff]", chinese["detail"])


def test_pages_show_every_row_once_and_their_places_are_signed(floor: Floor, caller: Program) -> None:
    with floor.inside():
        take(floor.shop, *[order(f"MORE-{n}", line(f"MORE-{n}-1")) for n in range(8)])
        Sku.objects.bulk_create(
            Sku(code=f"K{n:02}", code_key=f"K{n:02}", created_at=clock.now(), updated_at=clock.now()) for n in range(8)
        )
    for path, count in (
        ("/orders", 13),
        ("/orders?updated_since=2020-01-01T00:00:00Z", 13),
        ("/skus", 11),
        ("/stock", 3),
        ("/reservations", 4),
        ("/shipments", 2),
        ("/customers", 1),
        ("/conversations", 1),
    ):
        found = everything(caller, path)
        ids = [str(one.get("id", (one.get("sku_id"), one.get("warehouse_id")))) for one in found]
        assert len(ids) == len(set(ids)) == count, path
    cursor = good(caller.get("/orders?limit=2"))["next_cursor"]
    good(caller.get(f"/orders?limit=5&cursor={cursor}"))  # another length of the page is no other list
    problem(caller.get(f"/orders?tab=short&cursor={cursor}"), 422, "api.bad_cursor")
    problem(caller.get(f"/skus?cursor={cursor}"), 422, "api.bad_cursor")
    problem(caller.get(f"/orders?cursor={cursor[:-2]}xx"), 422, "api.bad_cursor")
    other = program("t_beta")
    problem(other.get(f"/orders?cursor={cursor}"), 422, "api.bad_cursor")


def test_what_changed_since(floor: Floor, caller: Program) -> None:
    with floor.inside():
        Order.objects.update(updated_at=clock.now() - timedelta(days=3))
    moment = (clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert everything(caller, f"/orders?updated_since={moment}") == []
    good(caller.post("/orders/hold", {"ids": [floor.orders[1]]}))
    found = everything(caller, f"/orders?updated_since={moment}")
    assert [one["id"] for one in found] == [floor.orders[1]] and found[0]["state"] == "held" and found[0]["updated_at"]
    problem(caller.get(f"/orders?updated_since={moment}&q=x"), 422, "api.search_and_since")
    problem(caller.get("/orders?updated_since=2026-11-01T00:00:00"), 422, "api.invalid")  # no offset


def test_acts_on_orders_say_what_was_refused_and_why(floor: Floor, caller: Program) -> None:
    ready, other, short = floor.orders
    held = good(caller.post("/orders/hold", {"ids": [ready, short, 999_999], "note": "count"}))
    assert held["done"] == [ready, short]
    assert held["refused"] == [{"id": 999_999, "code": "order.not_found", "detail": held["refused"][0]["detail"]}]
    assert good(caller.post("/orders/release", {"ids": [ready]}))["done"] == [ready]
    assert good(caller.post("/orders/tag", {"ids": [ready], "add": ["加急"]}))["done"] == [ready]
    assert good(caller.post("/orders/book", {"ids": [other]}))["done"] == [other]
    assert good(caller.post("/orders/cancel", {"ids": [short, other]})) == {
        "done": [short],
        "refused": [
            {
                "id": other,
                "code": "state.illegal_move",
                "detail": good(caller.post("/orders/cancel", {"ids": [other]}))["refused"][0]["detail"],
            }
        ],
    }
    with floor.inside():
        states = dict(Order.objects.filter(pk__in=floor.orders).values_list("pk", "state"))
        assert states == {ready: "new", other: "booking", short: "cancelled"}
        assert Order.objects.get(pk=ready).tags == ["加急"]


def test_an_order_is_entered_once(floor: Floor, caller: Program) -> None:
    receiver = {"name": "Ana", "lines": ["Calle 1"], "city": "Madrid", "postcode": "28001", "country": "ES"}
    items = [{"sku_id": floor.shop.skus["LAMP"].pk, "quantity": 2, "unit_price": "12.50"}]
    body = {"receiver": receiver, "items": items, "currency": "EUR", "reference": "PO-1", "shipping": "3.00"}
    made = good(caller.post("/orders", body), 201)
    found = good(caller.get(f"/orders/{made['id']}"))
    assert found["total"] == {"amount": "28.00", "currency": "EUR"} and found["receiver"]["name"] == "Ana"
    problem(caller.post("/orders", body), 422, "order.looks_entered")
    good(caller.post("/orders", body | {"anyway": True}), 201)
    problem(caller.post("/orders", body | {"items": [{"sku_id": 10**15, "quantity": 1}]}), 404, "sku.not_found")
    problem(caller.post("/orders", body | {"receiver": {"country": "ES"}}), 422, "order.address_incomplete")


def test_the_receiver_is_changed_against_the_version_that_was_read(floor: Floor, caller: Program) -> None:
    path = f"/orders/{floor.orders[0]}"
    seen = good(caller.get(path))
    body = {"version": seen["version"], "receiver": seen["receiver"] | {"city": "Potsdam"}}
    assert good(caller.put(f"{path}/address", body))["receiver"]["city"] == "Potsdam"
    problem(caller.put(f"{path}/address", body), 409, "order.changed_meanwhile")
    without = program(operations=[one for one in EVERYTHING if one != "fields.personal"])
    problem(without.put(f"{path}/address", body), 403, "api.scope_missing")


# -- goods and stock


def test_skus_are_made_and_changed_many_at_once(floor: Floor, caller: Program) -> None:
    items = [{"code": f"NEW-{n}", "title": "Neu", "weight_g": 120, "tags": ["a", "b"]} for n in range(300)]
    items += [{"code": "LAMP", "customs_value": "3.20", "customs_currency": "USD"}, {"code": "new-7", "title": "twice"}]
    made = good(caller.put("/skus", {"items": items}))
    assert (made["created"], made["updated"], len(made["errors"])) == (300, 1, 1)
    assert made["errors"][0]["index"] == 301 and made["errors"][0]["code"] == "sheet.twice"
    with floor.inside():
        lamp = Sku.objects.get(code="LAMP")
        assert lamp.weight_g == 200 and str(lamp.customs_value) == "3.2000"
    found = good(caller.get(f"/skus/{lamp.pk}"))
    assert found["customs_value"] == {"amount": "3.20", "currency": "USD"} and found["code"] == "LAMP"
    assert [one["code"] for one in good(caller.get("/skus?q=LAMP"))["items"]] == ["LAMP"]
    problem(caller.get("/skus/999999"), 404, "sku.not_found")


def test_stock_comes_goes_and_is_set_aside(floor: Floor, caller: Program) -> None:
    cup, place = floor.shop.skus["CUP"].pk, floor.shop.warehouse.pk
    line_ = {"sku_id": cup, "quantity": 7}
    good(caller.post("/stock/receive", {"warehouse_id": place, "lines": [line_]}))
    good(
        caller.post("/stock/opening", {"warehouse_id": place, "lines": [line_], "effective_at": "2026-01-01T00:00:00Z"})
    )
    good(
        caller.post(
            "/stock/adjust", {"warehouse_id": place, "lines": [{"sku_id": cup, "change": -4}], "reason": "broken"}
        )
    )
    with floor.inside():
        assert Stock.objects.get(sku=cup).sellable == 1010
    kept = good(caller.post("/reservations", {"reference": "B2B 9", "lines": [line_, line_]}), 201)
    level = next(one for one in good(caller.get(f"/stock?sku={cup}"))["items"])
    assert (level["sellable"], level["reserved"], level["available"]) == (1010, 14, 996)
    found = good(caller.get("/reservations?owner=api"))["items"]
    assert [(one["id"], one["reference"], one["quantity"]) for one in found] == [(kept["reservations"][0], "B2B 9", 14)]
    problem(caller.post("/stock/receive", {"warehouse_id": 10**9, "lines": [line_]}), 404, "warehouse.not_found")
    wrong = {"warehouse_id": place, "lines": [{"sku_id": 10**9, "quantity": 1}]}
    problem(caller.post("/stock/receive", wrong), 404, "sku.not_found")
    gone = {"warehouse_id": place, "lines": [{"sku_id": cup, "change": -100_000}], "reason": "x"}
    assert caller.post("/stock/adjust", gone).status_code in (409, 422)


# -- parcels, conversations, work


def test_parcels_labels_weighing_and_handing_over(floor: Floor, caller: Program) -> None:
    first, second = floor.shipments
    label = caller.get(f"/shipments/{first}/label")
    assert (
        label.status_code == 200 and label.content.startswith(b"%PDF") and "attachment" in label["Content-Disposition"]
    )
    weighed = good(caller.post(f"/shipments/{first}/weigh", {"weight_g": 221, "size_mm": [200, 100, 50]}))
    assert (weighed["verdict"], weighed["weight_g"]) == ("ok", 221)
    problem(caller.post(f"/shipments/{second}/weigh", {"weight_g": 5000}), 409, "weigh.outside")
    clerk = program(operations=["logistics.view", "fulfilment.ship"])
    refused = clerk.post(f"/shipments/{second}/weigh", {"weight_g": 5000, "accept": True})
    problem(refused, 403, "permission.missing")
    good(caller.post(f"/shipments/{second}/weigh", {"weight_g": 5000, "accept": True}))
    handed = good(caller.post("/shipments/hand-over", {"ids": [first, second, 999_999]}))
    assert handed["done"] == [first, second] and handed["refused"][0]["code"] == "shipment.not_found"
    found = good(caller.get(f"/shipments/{first}"))
    assert found["state"] == "handed" and found["weight_g"] == 221 and found["receiver"]["name"] == "Hannah Weiss"
    assert good(caller.get(f"/shipments?tracking_number={found['tracking_number']}"))["items"][0]["id"] == first
    assert good(caller.get(f"/shipments/{first}/tracking")) == []
    with floor.inside():
        assert PersonalRead.objects.filter(kind="file", actor_id=-caller.key.pk).count() == 1


def test_a_buyer_is_answered_once(floor: Floor, caller: Program) -> None:
    path = f"/conversations/{floor.talk.pk}"
    seen = good(caller.get(path))
    assert seen["messages"][0]["body"] == "Where is it?" and seen["state"] == "open"
    body = {"body": "It left yesterday.", "seen": seen["seen"]}
    made = good(caller.post(f"{path}/answer", body, mark="a"), 201)
    assert good(caller.post(f"{path}/answer", body, mark="a"), 201) == made
    problem(caller.post(f"{path}/answer", body | {"body": "Another."}), 409, "message.answered_meanwhile")
    with floor.inside():
        assert Message.objects.filter(direction="out").count() == 1
    problem(caller.get("/conversations/999999"), 404, "conversation.not_found")


def test_long_work_is_seen_by_whoever_began_it(floor: Floor, caller: Program) -> None:
    with floor.inside():
        from dataclasses import replace

        mine = replace(system("x"), kind="api", id=-caller.key.pk, label="Shop sync")
        kind = jobs.registered()[0]
        own = jobs.start(mine, kind, "list.trail", {}, {})
        other = jobs.start(replace(mine, id=caller.key.maker_id), kind, "list.trail", {}, {})
    clerk = Program(caller.host, caller.secret, caller.key)
    assert [one["id"] for one in good(clerk.get("/jobs"))["items"]] == [own.pk]
    problem(clerk.get(f"/jobs/{other.pk}"), 404, "job.not_found")
    problem(clerk.post(f"/jobs/{other.pk}/cancel"), 404, "job.not_found")
    assert good(clerk.post(f"/jobs/{own.pk}/cancel"))["state"] == Job.CANCELLED


# -- what is hidden


def test_personal_fields_and_costs_need_their_scopes(floor: Floor) -> None:
    with floor.inside():
        Shipment.objects.update(cost="3.2100", cost_currency="CNY")
        shipped = Order.objects.get(external_id="FLOOR-0")
    blind = program(operations=[one for one in EVERYTHING if not one.startswith("fields.")])
    seeing = program()
    paths = ["/orders", f"/orders/{shipped.pk}", "/customers", "/customers/1", "/conversations"]
    paths += [f"/conversations/{floor.talk.pk}", "/shipments", f"/shipments/{floor.shipments[0]}", "/reservations"]
    said = ""
    for path in paths:
        path = path.replace("/customers/1", f"/customers/{shipped.customer_id}")
        answer = blind.get(path)
        good(answer)
        assert not [word for word in PERSONAL if word in answer.content.decode()], path
        assert "3.21" not in answer.content.decode()
        said += seeing.get(path).content.decode()
    assert all(word in said for word in PERSONAL) and "3.21" in said
    assert good(blind.get("/orders?q=hannah"))["items"] == []  # whether there is such a buyer is personal too
    assert len(good(seeing.get("/orders?q=hannah"))["items"]) == 5


def test_a_narrowed_key_sees_its_accounts_and_warehouses_only(floor: Floor) -> None:
    none = program(role=MANAGER, scope={"accounts": [999_999]})
    for path in ("/orders", "/customers", "/conversations", "/shipments", "/accounts"):
        found = good(none.get(path))
        assert (found["items"] if isinstance(found, dict) else found) == [], path
    problem(none.get(f"/orders/{floor.orders[0]}"), 404, "order.not_found")
    problem(none.get(f"/shipments/{floor.shipments[0]}/label"), 404, "shipment.not_found")
    problem(none.post(f"/shipments/{floor.shipments[0]}/weigh", {"weight_g": 220}), 404, "shipment.not_found")
    refused = good(none.post("/shipments/hand-over", {"ids": floor.shipments}))
    assert refused["done"] == [] and len(refused["refused"]) == 2
    assert good(none.get("/reservations"))["items"][0]["order_id"] is None
    elsewhere = program(role=MANAGER, scope={"warehouses": [999_999]})
    for path in ("/stock", "/reservations", "/shipments", "/warehouses"):
        found = good(elsewhere.get(path))
        assert (found["items"] if isinstance(found, dict) else found) == [], path
    line_ = {"sku_id": floor.shop.skus["CUP"].pk, "quantity": 1}
    wrong = {"warehouse_id": floor.shop.warehouse.pk, "lines": [line_]}
    problem(elsewhere.post("/stock/receive", wrong), 404, "warehouse.not_found")


# -- what is refused


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("get", "/orders?colour=red", None, 422, "api.unknown_field"),
        ("get", "/orders?limit=0", None, 422, "api.invalid"),
        ("get", "/orders?limit=201", None, 422, "api.invalid"),
        ("get", "/orders?tab=short&tab=all", None, 422, "api.unknown_field"),
        ("get", "/orders?tab=nonsense", None, 422, "api.invalid"),
        ("get", "/orders/0", None, 422, "api.invalid"),
        ("get", "/orders/99999999999999999999999", None, 422, "api.invalid"),
        ("get", "/nothing", None, 404, "api.no_such_address"),
        ("put", "/orders", {}, 405, "api.no_such_method"),
        ("post", "/orders/hold", {"ids": [1], "colour": "red"}, 422, "api.invalid"),
        ("post", "/orders/hold", {"ids": []}, 422, "api.invalid"),
        ("post", "/orders/hold", {"ids": ["1"]}, 422, "api.invalid"),
        ("post", "/orders/hold", {"ids": [True]}, 422, "api.invalid"),
        ("post", "/orders/hold", {"ids": [1.5]}, 422, "api.invalid"),
        ("post", "/orders/hold", {"ids": list(range(1, 502))}, 422, "api.invalid"),
        ("post", "/orders/hold", {"ids": [1], "note": "a\0b"}, 400, "api.bad_request"),
        ("post", "/orders/hold", {"ids": [1], "note": "\ud800"}, 400, "api.bad_request"),
        ("post", "/orders/hold", {"ids": [float("nan")]}, 400, "api.bad_request"),
        ("post", "/orders/hold", [1], 422, "api.invalid"),
        ("post", "/stock/receive", {"warehouse_id": 1, "lines": [{"sku_id": 1, "quantity": -1}]}, 422, "api.invalid"),
    ],
)
def test_what_is_not_as_described_is_refused(
    caller: Program, method: str, path: str, body: Any, status: int, code: str
) -> None:
    found = problem(caller.call(method, path, body), status, code)
    if code == "api.invalid":
        assert found["errors"] and all(one["at"] and one["message"] for one in found["errors"])


def test_a_body_that_is_too_large_is_not_even_read(caller: Program) -> None:
    problem(caller.post("/orders/hold", {"ids": [1], "note": "x" * 2_100_000}), 413, "api.body_too_large")


# -- what it costs


def queries_of(mine: Program, path: str) -> int:
    good(mine.get(path))
    with CaptureQueriesContext(connection) as seen:
        good(mine.get(path))
    return len(seen.captured_queries)


def test_lists_cost_the_same_with_many_rows(floor: Floor) -> None:
    mine = program(per_minute=6000)
    paths: tuple[str, ...] = (
        "/orders",
        "/orders?updated_since=2020-01-01T00:00:00Z",
        "/customers",
        "/skus",
        "/stock",
        "/reservations",
    )
    paths += ("/shipments", "/conversations", "/jobs", "/products", "/warehouses", "/accounts")
    few = {path: queries_of(mine, path) for path in paths}
    with floor.inside():
        take(floor.shop, *[order(f"MANY-{n}", line(f"MANY-{n}-1")) for n in range(120)])
        now = clock.now()
        Sku.objects.bulk_create(Sku(code=f"Q{n}", code_key=f"Q{n}", created_at=now, updated_at=now) for n in range(120))
    many = {
        path: queries_of(
            mine, f"{path}{'&' if '?' in path else '?'}limit=200" if path not in ("/warehouses", "/accounts") else path
        )
        for path in paths
    }
    assert many == few
    assert max(many.values()) <= 8, many
    assert queries_of(mine, f"/orders/{floor.orders[0]}") <= 14


def test_the_summary_index_finds_what_changed(floor: Floor, caller: Program) -> None:
    with floor.inside(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("EXPLAIN SELECT id FROM orders_order o WHERE o.updated_at >= now()")
        assert "order_updated" in str(cursor.fetchall())


def test_the_description_is_for_members_and_keys(caller: Program) -> None:
    from django.test import Client

    assert Client(HTTP_HOST="acme.localhost").get("/api/v1/openapi.json").status_code == 401
    schema = good(caller.get("/openapi.json"))
    assert schema["openapi"].startswith("3.") and "/api/v1/orders" in schema["paths"]
    with tenant_context("t_acme"):
        assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"

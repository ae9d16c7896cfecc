"""The Amazon simulator over real HTTP: stock, messages, limits, faults, time, and what survives a kill."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.support.amazon import ORDERS, US, Seller, ago, error, lines_of, plan, seller
from tests.support.simulators import running


@pytest.fixture
def shop(simulators: str) -> Iterator[Seller]:
    with seller(simulators) as one:
        yield one


class TestStock:
    PATH = "/amazon/fba/inventory/v1/summaries"

    def query(self, **more: Any) -> dict[str, Any]:
        return {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US, **more}

    def test_numbers(self, shop: Seller) -> None:
        item = {"sku": "A B/1", "asin": "B000000001", "fnsku": "X001", "title": "Tee", "fulfillable": 5}
        shop.control(
            "@/inventory", {"items": [item | {"inbound_shipped": 7, "reserved_transfer": 2, "researching": 1}]}
        )
        (bare,) = shop.get(self.PATH, **self.query()).json()["payload"]["inventorySummaries"]
        assert "inventoryDetails" not in bare
        (full,) = shop.get(self.PATH, **self.query(details="true")).json()["payload"]["inventorySummaries"]
        details = full["inventoryDetails"]
        assert (full["sellerSku"], full["totalQuantity"], details["inboundShippedQuantity"]) == ("A B/1", 15, 7)
        assert details["reservedQuantity"]["totalReservedQuantity"] == 2
        time.sleep(0.6)  # two a second are published
        assert shop.get(self.PATH, **self.query(sellerSkus="A B/1,C")).json()["payload"]["inventorySummaries"] == [bare]

    def test_pages_and_changes(self, simulators: str) -> None:
        with seller(simulators) as shop:
            shop.control("@/inventory", {"items": [{"sku": f"S{i:03}", "fulfillable": i} for i in range(120)]})
            seen: list[str] = []
            query = self.query()
            for _ in range(3):
                time.sleep(0.6)  # two a second are published
                page = shop.get(self.PATH, **query).json()
                seen += [one["sellerSku"] for one in page["payload"]["inventorySummaries"]]
                query["nextToken"] = page.get("pagination", {}).get("nextToken")
            assert query["nextToken"] is None
            assert seen == [f"S{i:03}" for i in range(120)]

    @pytest.mark.parametrize(
        "changes",
        [
            {"granularityType": "Country"},
            {"granularityId": None},
            {"marketplaceIds": None},
            {"marketplaceIds": f"{US},A1PA6795UKMFR9"},
            {"granularityId": "A1PA6795UKMFR9"},
            {"details": "yes"},
            {"sellerSkus": ",".join("abcdefghij" * 6)},
            {"nextToken": "nonsense"},
            {"MarketplaceIds": US},
            {"startDateTime": "2020-01-01T00:00:00Z"},
        ],
    )
    def test_invalid(self, shop: Seller, changes: dict[str, Any]) -> None:
        query = {name: value for name, value in self.query(**changes).items() if value is not None}
        assert error(shop.get(self.PATH, **query))[:2] == (400, "InvalidInput")

    def test_other_marketplace(self, shop: Seller) -> None:
        there = "A1PA6795UKMFR9"
        answer = shop.get(self.PATH, **self.query(granularityId=there, marketplaceIds=there))
        assert error(answer)[:2] == (403, "Unauthorized")


class TestContact:
    def test_typed_message_and_review(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        base = f"/amazon/messaging/v1/orders/{order_id}"
        links = shop.get(base, marketplaceIds=US).json()["_links"]
        assert "confirmOrderDetails" in [link["name"] for link in links["actions"]]
        send = f"{base}/messages/confirmOrderDetails"
        assert shop.post(send, {"text": "Is the size right?"}, marketplaceIds=US).status_code == 201
        time.sleep(1.1)  # five at once and one a second are published
        for body in ({"text": ""}, {"text": "x" * 2001}, {"text": "<b>x</b>"}, {"text": "a@b.example"}, {"body": "x"}):
            assert error(shop.post(send, body, marketplaceIds=US))[:2] == (400, "InvalidInput")
        review = f"/amazon/solicitations/v1/orders/{order_id}/solicitations/productReviewAndSellerFeedback"
        assert error(shop.post(review, {}, marketplaceIds=US))[:2] == (403, "Unauthorized")
        shop.confirm(order_id, lines_of(shop.order(order_id)))
        assert shop.post(review, {}, marketplaceIds=US).status_code == 201
        assert error(shop.post(review, {}, marketplaceIds=US))[:2] == (403, "Unauthorized")
        sent = shop.control("@/sent")["messages"]
        assert [one["action"] for one in sent] == ["confirmOrderDetails", "productReviewAndSellerFeedback"]


class TestLimitsAndFaults:
    def test_burst_of_searches(self, shop: Seller) -> None:
        answers = [shop.search() for _ in range(21)]
        assert [a.status_code for a in answers] == [200] * 20 + [429]
        assert error(answers[-1])[1] == "QuotaExceeded"
        assert answers[-1].headers["x-amzn-RateLimit-Limit"] == "0.0056"
        assert shop.get(f"{ORDERS}/111-1111111-1111111").status_code == 404, "another operation has its own bucket"

    def test_headers(self, shop: Seller) -> None:
        one, two = shop.search(), shop.search()
        assert one.headers["x-amzn-RateLimit-Limit"] == "0.0056"
        assert one.headers["x-amzn-RequestId"] != two.headers["x-amzn-RequestId"]
        assert "x-amzn-RateLimit-Limit" not in shop.http.get(ORDERS).headers

    def test_answers_that_are_no_answers(self, shop: Seller) -> None:
        shop.script("html503", "searchOrders")
        broken = shop.search()
        assert (broken.status_code, broken.headers["content-type"]) == (503, "text/html; charset=utf-8")
        shop.script("empty200", "searchOrders")
        empty = shop.search()
        assert (empty.status_code, empty.content) == (200, b"")
        shop.script("server_error", "searchOrders")
        assert error(shop.search())[:2] == (500, "InternalFailure")
        shop.script("throttle_bare", "searchOrders")
        bare = shop.search()
        assert error(bare)[:2] == (429, "QuotaExceeded")
        assert "x-amzn-RateLimit-Limit" not in bare.headers
        shop.script("token_dead", "searchOrders")
        assert error(shop.search())[:2] == (403, "Unauthorized")
        assert shop.search().status_code == 200
        shop.script("server_error", "token")
        assert shop.grant().json()["error"] == "server_error"

    def test_cut_before_and_after_acting(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        lines = lines_of(shop.order(order_id))
        shop.script("timeout_before", "confirmShipment")
        with pytest.raises(httpx.TransportError):
            shop.confirm(order_id, lines)
        assert shop.known(order_id)["confirmations"] == []
        shop.script("timeout_after", "confirmShipment")
        with pytest.raises(httpx.TransportError):
            shop.confirm(order_id, lines)
        assert len(shop.known(order_id)["confirmations"]) == 1

    def test_page_faults(self, shop: Seller) -> None:
        ids = shop.plan(*[plan(f"o{i}", placed_at=ago(minutes=50 - i), paid_at=None) for i in range(4)])
        query: dict[str, Any] = {"lastUpdatedAfter": ago(hours=2), "maxResultsPerPage": 2}
        shop.script("die_mid_page", "searchOrders")
        with pytest.raises(httpx.RemoteProtocolError):
            shop.get(ORDERS, **query)
        first = shop.get(ORDERS, **query).json()
        query["paginationToken"] = first["pagination"]["nextToken"]
        shop.script("repeat", "searchOrders")
        second = [o["orderId"] for o in shop.get(ORDERS, **query).json()["orders"]]
        assert second == [ids["o1"], ids["o2"], ids["o3"]]
        del query["paginationToken"]
        shop.script("page_shift", "searchOrders")
        query["paginationToken"] = shop.get(ORDERS, **query).json()["pagination"]["nextToken"]
        assert [o["orderId"] for o in shop.get(ORDERS, **query).json()["orders"]] == [ids["o3"]]

    def test_withheld_now_and_given_later(self, tmp_path: Path) -> None:
        now = time.time()
        with running(tmp_path, clock=f"{now}:{now}:1") as server:
            with seller(server.url) as shop:
                (order_id,) = shop.plan(plan("a")).values()
                shop.script("withhold", "getOrder")
                assert not {"buyer", "recipient"} & set(shop.order(order_id))
                assert not {"buyer", "recipient"} & set(shop.order(order_id)), "until the time has come"
        with running(tmp_path, clock=f"{now}:{now + 130}:1") as server:
            shop.http = httpx.Client(base_url=server.url)
            assert {"buyer", "recipient"} <= set(shop.order(order_id))
            shop.http.close()


@pytest.mark.kill
class TestTimeAndKill:
    def test_state_survives_and_tokens_age(self, tmp_path: Path) -> None:
        now = time.time()
        stock = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US}
        with running(tmp_path, clock=f"{now}:{now}:1") as server:
            shop = Seller(server.url)
            ids = shop.plan(plan("a"), plan("b"))
            query: dict[str, Any] = {"lastUpdatedAfter": ago(hours=2), "maxResultsPerPage": 1}
            query["paginationToken"] = shop.get(ORDERS, **query).json()["pagination"]["nextToken"]
            shop.control("@/inventory", {"items": [{"sku": f"S{i:03}", "fulfillable": i} for i in range(60)]})
            stock["nextToken"] = shop.get(TestStock.PATH, **stock).json()["pagination"]["nextToken"]
            assert shop.confirm(ids["a"], lines_of(shop.order(ids["a"]))).status_code == 204
            server.kill()
        shop.http.close()
        for later, status in ((20, (200, 200, 200)), (40, (200, 200, 400)), (3700, (403, 403, 403))):
            with running(tmp_path, clock=f"{time.time()}:{now + later}:1") as server:
                shop.http = httpx.Client(base_url=server.url)
                answers = (
                    shop.get(f"{ORDERS}/{ids['a']}"),
                    shop.get(ORDERS, **query),
                    shop.get(TestStock.PATH, **stock),
                )
                assert tuple(a.status_code for a in answers) == status, later
                assert len(shop.known(ids["a"])["confirmations"]) == 1
                shop.access, former = "", shop.access
                assert shop.search().status_code == 200
                shop.access = former
                shop.http.close()
        with running(tmp_path, clock=f"{time.time()}:{now + 25 * 3600}:1") as server:
            shop.http, shop.access = httpx.Client(base_url=server.url), ""
            assert error(shop.get(ORDERS, **query))[:2] == (400, "InvalidInput"), "a page token lives for a day"
            shop.http.close()


def test_the_public_library_understands_it(shop: Seller) -> None:
    """python-amazon-sp-api speaks to the simulator as it does to Amazon."""
    from sp_api.api import Orders
    from sp_api.auth import AccessTokenClient
    from sp_api.base.exceptions import SellingApiBadRequestException

    host = str(shop.http.base_url).removeprefix("http://").rstrip("/")

    class Auth(AccessTokenClient):
        scheme = "http://"

    Auth.host = host + "/amazon"
    place = SimpleNamespace(endpoint=f"http://{host}/amazon", marketplace_id=US, region="us-east-1")
    given = {"lwa_app_id": shop.credentials["client_id"], "lwa_client_secret": shop.credentials["client_secret"]}
    client = Orders(
        marketplace=place,
        refresh_token=shop.credentials["refresh_token"],
        credentials=given,
        auth_token_client_class=Auth,
        version="2026-01-01",
    )
    ids = shop.plan(plan("a"))
    found = client.search_orders(
        lastUpdatedAfter=ago(hours=2), marketplaceIds=[US], includedData=["BUYER", "RECIPIENT", "FULFILLMENT"]
    )
    assert [o["orderId"] for o in found.payload["orders"]] == [ids["a"]]
    assert found.payload["orders"][0]["recipient"]["deliveryAddress"]["city"] == "Seattle"
    with pytest.raises(SellingApiBadRequestException):
        client.search_orders(lastUpdatedAfter=ago(hours=2)), "the library's own four marketplace parameters are refused"
    client.close()

"""The Amazon simulator over real HTTP: tokens, searching, confirming, and what buyers and Amazon do to an order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.amazon import ORDERS, US, Seller, ago, error, lines_of, plan, seller


@pytest.fixture
def shop(simulators: str) -> Iterator[Seller]:
    with seller(simulators) as one:
        yield one


class TestTokens:
    def test_refresh_token_gives_an_access_token(self, shop: Seller) -> None:
        granted = shop.grant().json()
        assert granted["token_type"] == "bearer"
        assert granted["expires_in"] == 3600
        assert granted["access_token"].startswith("Atza|")
        assert shop.search().status_code == 200

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"client_secret": "wrong"}, 401, "invalid_client"),
            ({"client_id": "nobody"}, 401, "invalid_client"),
            ({"refresh_token": "Atzr|other"}, 400, "invalid_grant"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
            ({"refresh_token": ""}, 400, "invalid_request"),
        ],
    )
    def test_wrong_credentials(self, shop: Seller, changes: dict[str, str], status: int, code: str) -> None:
        answer = shop.grant(**changes)
        assert (answer.status_code, answer.json()["error"]) == (status, code)

    def test_token_of_another_application_is_refused(self, shop: Seller, simulators: str) -> None:
        with seller(simulators) as other:
            answer = shop.grant(refresh_token=other.credentials["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    def test_revoked_until_a_new_consent(self, shop: Seller) -> None:
        assert shop.search().status_code == 200
        shop.control("@/revoke", {})
        assert error(shop.search())[:2] == (403, "Unauthorized")
        assert shop.grant().json()["error"] == "invalid_grant"
        shop.control("/accounts", shop.spec)
        assert shop.grant().json()["error"] == "invalid_grant", "the same token again is no new consent"
        shop.credentials["refresh_token"] += "-new"
        shop.control("/accounts", shop.spec)
        shop.access = ""
        assert shop.search().status_code == 200

    def test_expired_access_token(self, shop: Seller) -> None:
        shop.token()
        shop.control("@/expire", {})
        refused = shop.search()
        assert error(refused) == (403, "Unauthorized", "Access to requested resource is denied.")
        assert refused.json()["errors"][0]["details"] == "The access token you provided has expired."
        shop.access = ""
        assert shop.search().status_code == 200

    @pytest.mark.parametrize("token", ["", "Atza|nonsense", "Atza|" + "A" * 80, "Atza|é", "Atza"])
    def test_no_or_forged_access_token(self, shop: Seller, token: str) -> None:
        answer = shop.http.get(ORDERS, headers={b"x-amz-access-token": token.encode()} if token else {})
        assert error(answer)[:2] == (403, "Unauthorized")

    def test_one_seller_does_not_see_the_orders_of_another(self, shop: Seller, simulators: str) -> None:
        with seller(simulators) as other:
            (order_id,) = other.plan(plan("theirs")).values()
            assert error(shop.get(f"{ORDERS}/{order_id}"))[:2] == (404, "NotFound")
            assert error(shop.confirm(order_id, {"1": 1}))[:2] == (404, "NotFound")
        assert shop.search().json()["orders"] == []


class TestSearch:
    def test_only_what_is_included(self, shop: Seller) -> None:
        shop.plan(plan("a"))
        (bare,) = shop.search().json()["orders"]
        base = {"orderId", "orderAliases", "createdTime", "lastUpdatedTime", "programs", "associatedOrders"}
        assert set(bare) == base | {"salesChannel", "orderItems"}
        assert set(bare["orderItems"][0]) == {"orderItemId", "quantityOrdered", "product"}
        (full,) = shop.search(includedData="BUYER,RECIPIENT,PROCEEDS,FULFILLMENT").json()["orders"]
        assert set(full) - set(bare) == {"buyer", "recipient", "proceeds", "fulfillment"}
        assert full["recipient"]["deliveryAddress"]["name"] == "Zoë 李"
        assert full["buyer"]["buyerEmail"].endswith("@marketplace.amazon.com")
        repeated = shop.get(ORDERS, lastUpdatedAfter=ago(hours=3), includedData=["BUYER", "RECIPIENT"]).json()
        assert {"buyer", "recipient"} <= set(repeated["orders"][0])

    def test_proceeds_add_up_to_the_cent(self, shop: Seller) -> None:
        shop.plan(
            plan("a"),
            plan("b", shipping_price="0.01", tax="0"),
            plan("c", lines=[], status="paid")
            | {"lines": [{"sku": "S", "title": "S", "quantity": 3, "unit_price": "0.005"}]},
        )
        orders = {o["orderAliases"][0]["aliasId"]: o for o in shop.search(includedData="PROCEEDS").json()["orders"]}
        assert {ref: o["proceeds"]["grandTotal"]["amount"] for ref, o in orders.items()} == {
            "a": "29.33",
            "b": "23.34",
            "c": "6.015",
        }
        for order in orders.values():
            parts = [Decimal(item["proceeds"]["proceedsTotal"]["amount"]) for item in order["orderItems"]]
            assert sum(parts) == Decimal(order["proceeds"]["grandTotal"]["amount"])

    @pytest.mark.parametrize(
        "query",
        [
            {"createdAfter": "2026-01-01T00:00:00Z", "lastUpdatedAfter": "2026-01-01T00:00:00Z"},
            {"createdBefore": "2026-01-01T00:00:00Z"},
            {"createdAfter": "2026-01-01T00:00:00Z", "lastUpdatedBefore": "2026-01-02T00:00:00Z"},
            {"createdAfter": "2026-01-02T00:00:00Z", "createdBefore": "2026-01-01T00:00:00Z"},
            {"createdAfter": "2026-01-01T08:00:00+08:00"},
            {"createdAfter": "2026-01-01T08:00:00"},
            {"createdAfter": "2026-13-01T08:00:00Z"},
            {"createdAfter": "2026-01-01T00:00:00Z", "maxResultsPerPage": "101"},
            {"createdAfter": "2026-01-01T00:00:00Z", "maxResultsPerPage": "0"},
            {"createdAfter": "2026-01-01T00:00:00Z", "maxResultsPerPage": "ten"},
            {"createdAfter": "2026-01-01T00:00:00Z", "includedData": "BUYER,MAGIC"},
            {"createdAfter": "2026-01-01T00:00:00Z", "fulfillmentStatuses": "Shipped"},
            {"createdAfter": "2026-01-01T00:00:00Z", "fulfilledBy": "MFN"},
            {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": ",".join([US] * 51)},
            {"createdAfter": "2026-01-01T00:00:00Z", "MarketplaceIds": US},
            {"createdAfter": "2026-01-01T00:00:00Z", "marketplaceIds": ""},
            {"createdAfter": ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]},
            {"createdAfter": "2026-01-01T00:00:00Z", "paginationToken": "2YgYW55IGNhcm5hbCBwbGVhc3VyZS4"},
        ],
    )
    def test_invalid_input(self, shop: Seller, query: dict[str, Any]) -> None:
        assert error(shop.get(ORDERS, **query))[:2] == (400, "InvalidInput")

    def test_before_must_be_two_minutes_old(self, shop: Seller) -> None:
        late = shop.search(lastUpdatedBefore=ago(seconds=60))
        assert error(late) == (400, "InvalidInput", "Invalid Input")
        assert shop.search(lastUpdatedBefore=ago(seconds=125)).status_code == 200

    def test_an_order_shows_itself_two_minutes_late(self, shop: Seller) -> None:
        fresh = ago(seconds=30)
        ids = shop.plan(
            plan("old"), plan("new", placed_at=fresh, paid_at=fresh), plan("later", visible_at=ago(hours=-1))
        )
        assert [o["orderId"] for o in shop.search().json()["orders"]] == [ids["old"]]
        assert shop.order(ids["new"])["orderId"] == ids["new"]
        assert shop.get(f"{ORDERS}/{ids['later']}").status_code == 404
        shop.act(ids["old"], "touch")
        assert shop.search().json()["orders"] == [], "an update takes it out of the window until it shows itself again"

    def test_filters(self, shop: Seller) -> None:
        ids = shop.plan(
            plan("m"), plan("p", fulfilment="platform"), plan("w", paid_at=None), plan("x", status="cancelled")
        )

        def found(**query: str) -> set[str]:
            return {o["orderId"] for o in shop.search(**query).json()["orders"]}

        assert found() == set(ids.values())
        assert found(fulfilledBy="AMAZON") == {ids["p"]}
        assert found(fulfillmentStatuses="PENDING,CANCELLED") == {ids["w"], ids["x"]}
        assert found(marketplaceIds="A1PA6795UKMFR9") == set()
        assert found(marketplaceIds=f"A1PA6795UKMFR9,{US}", fulfilledBy="MERCHANT") == {ids["m"], ids["w"], ids["x"]}

    def test_pages_hold_every_order_once(self, shop: Seller) -> None:
        same = ago(minutes=30)
        ids = shop.plan(*[plan(f"o{i}", placed_at=same, paid_at=same) for i in range(23)])
        query = {"lastUpdatedAfter": ago(hours=2), "maxResultsPerPage": 10, "includedData": "BUYER"}
        seen, sizes = [], []
        while True:
            page = shop.get(ORDERS, **query).json()
            seen += [o["orderId"] for o in page["orders"]]
            sizes.append(len(page["orders"]))
            if "pagination" not in page:
                break
            query["paginationToken"] = page["pagination"]["nextToken"]
        assert sizes == [10, 10, 3]
        assert sorted(seen) == sorted(ids.values())

    def test_token_wants_the_same_parameters(self, shop: Seller, simulators: str) -> None:
        shop.plan(*[plan(f"o{i}") for i in range(3)])
        query = {"lastUpdatedAfter": ago(hours=2), "maxResultsPerPage": 2, "includedData": "BUYER"}
        query["paginationToken"] = shop.get(ORDERS, **query).json()["pagination"]["nextToken"]
        assert shop.get(ORDERS, **query | {"maxResultsPerPage": 5}).status_code == 200
        for change in (
            {"includedData": "BUYER,RECIPIENT"},
            {"lastUpdatedAfter": ago(hours=1)},
            {"fulfilledBy": "AMAZON"},
        ):
            assert error(shop.get(ORDERS, **query | change))[:2] == (400, "InvalidInput")
        with seller(simulators) as other:
            assert error(other.get(ORDERS, **query))[:2] == (400, "InvalidInput")

    def test_pending_has_neither_people_nor_prices(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("w", paid_at=None)).values()
        waiting = shop.order(order_id)
        assert waiting["fulfillment"]["fulfillmentStatus"] == "PENDING"
        assert not {"buyer", "recipient", "proceeds"} & set(waiting)
        assert "price" not in waiting["orderItems"][0]["product"]
        shop.act(order_id, "pay")
        paid = shop.order(order_id)
        assert paid["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
        assert {"buyer", "recipient", "proceeds"} <= set(paid)

    def test_platform_order_hides_telephone_and_mail(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("p", fulfilment="platform")).values()
        order = shop.order(order_id)
        assert order["buyer"] == {"buyerName": "Ann Lee"}
        assert "phone" not in order["recipient"]["deliveryAddress"]
        assert shop.known(order_id)["seller_ships"] is False
        assert error(shop.confirm(order_id, lines_of(order)))[:2] == (400, "InvalidInput")
        shop.act(order_id, "ship")
        assert shop.order(order_id)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"

    def test_personal_data_by_role_and_withheld(self, simulators: str) -> None:
        with seller(simulators, roles=["tax"]) as taxed:
            (order_id,) = taxed.plan(plan("a")).values()
            order = taxed.order(order_id)
            assert order["buyer"] == {"buyerName": "Ann Lee"}
            assert "recipient" not in order
        with seller(simulators, roles=[]) as bare:
            (order_id,) = bare.plan(plan("a")).values()
            assert not {"buyer", "recipient"} & set(bare.order(order_id))
        with seller(simulators) as shop:
            (order_id,) = shop.plan(plan("a")).values()
            shop.control("@/withhold-pii", {"until": ago(hours=-1)})
            assert not {"buyer", "recipient"} & set(shop.order(order_id))
            shop.control("@/withhold-pii", {"until": None})
            assert {"buyer", "recipient"} <= set(shop.order(order_id))


class TestConfirm:
    def test_once_and_again_is_one_package(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        lines = lines_of(shop.order(order_id))
        confirmed = shop.confirm(order_id, lines)
        assert (confirmed.status_code, confirmed.content) == (204, b"")
        assert confirmed.headers["x-amzn-RequestId"]
        assert shop.confirm(order_id, lines, trackingNumber="YT2").status_code == 204, "the same reference edits"
        order = shop.order(order_id)
        assert order["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
        assert [p["trackingNumber"] for p in order["packages"]] == ["YT2"]
        assert all(item["fulfillment"]["quantityUnfulfilled"] == 0 for item in order["orderItems"])
        status, code, message = error(shop.confirm(order_id, lines, reference="2"))
        assert (status, code) == (400, "InvalidInput")
        assert "PackageToUpdateNotFound" in message
        known = shop.known(order_id)
        assert (known["status"], known["confirm_calls"]) == ("SHIPPED", 2)
        (confirmation,) = known["confirmations"]
        assert {line["external_line_id"]: line["quantity"] for line in confirmation["lines"]} == lines
        assert (confirmation["carrier"], confirmation["tracking_number"]) == ("Yun Express", "YT2")

    def test_in_two_packages(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        tee, cup = lines_of(shop.order(order_id))
        other = {"carrierCode": "Other", "carrierName": "Wing Post"}
        assert shop.confirm(order_id, {tee: 1, cup: 1}, "1").status_code == 204
        order = shop.order(order_id)
        assert order["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
        assert order["orderItems"][0]["fulfillment"] == {"quantityFulfilled": 1, "quantityUnfulfilled": 1}
        assert error(shop.confirm(order_id, {tee: 2}, "2"))[:2] == (400, "InvalidInput")
        assert shop.confirm(order_id, {tee: 1}, "2", **other).status_code == 204
        order = shop.order(order_id)
        assert order["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
        assert [p["carrier"] for p in order["packages"]] == ["Yun Express", "Wing Post"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"packageReferenceId": 1},
            {"packageReferenceId": "0"},
            {"packageReferenceId": "PKG-1"},
            {"packageReferenceId": ""},
            {"carrierCode": "Other"},
            {"carrierCode": "yun express"},
            {"carrierCode": ""},
            {"trackingNumber": ""},
            {"trackingNumber": 12},
            {"shipDate": "02/21/2022"},
            {"shipDate": "2026-11-21"},
            {"orderItems": {"orderItemId": "1", "quantity": 1}},
            {"orderItems": []},
            {"orderItems": ["1"]},
            {"orderItems": [{"orderItemId": "99999999999999", "quantity": 1}]},
            {"orderItems": [{"orderItemId": "1", "quantity": 0}]},
            {"orderItems": [{"orderItemId": "1", "quantity": "1"}]},
            {"orderItems": [{"orderItemId": "1", "quantity": True}]},
            {"weight": 3},
        ],
    )
    def test_bad_input_changes_nothing(self, shop: Seller, changes: dict[str, Any]) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        answer = shop.confirm(order_id, lines_of(shop.order(order_id)), **changes)
        assert error(answer)[:2] == (400, "InvalidInput")
        assert shop.known(order_id)["confirmations"] == []
        assert shop.order(order_id)["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"

    def test_bad_frames(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        path = f"/amazon/orders/v0/orders/{order_id}/shipmentConfirmation"
        bodies: list[Any] = [
            [],
            {},
            {"marketplaceId": US},
            {"marketplaceId": US, "packageDetail": {}},
            {"MarketplaceIds": [US]},
        ]
        for body in bodies:
            assert error(shop.post(path, body))[:2] == (400, "InvalidInput")
        torn = shop.http.post(path, content=b'{"marketplaceId"', headers={"x-amz-access-token": shop.token()})
        assert error(torn)[:2] == (400, "InvalidInput")
        assert error(shop.post(path.replace(order_id, "TEST"), {}))[:2] == (400, "InvalidInput")

    def test_neither_pending_nor_cancelled(self, shop: Seller) -> None:
        for ref, changes in (("w", {"paid_at": None}), ("x", {"status": "cancelled"})):
            (order_id,) = shop.plan(plan(ref, **changes)).values()
            assert error(shop.confirm(order_id, lines_of(shop.order(order_id))))[:2] == (400, "InvalidInput")


class TestActs:
    def test_cancel_one_line_and_ship_the_rest(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        tee, cup = lines_of(shop.order(order_id))
        shop.act(order_id, "cancel", lines=[{"external_line_id": cup}], reason="Sold out", by="MERCHANT")
        order = shop.order(order_id)
        assert order["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
        done = {"cancelledBy": "MERCHANT", "cancelReason": "Sold out"}
        assert order["orderItems"][1]["cancellation"] == {"cancellationExecution": done}
        assert order["proceeds"]["grandTotal"]["amount"] == "25.15"
        assert [line["cancelled_quantity"] for line in shop.known(order_id)["lines"]] == [0, 1]
        assert error(shop.confirm(order_id, {tee: 2, cup: 1}))[:2] == (400, "InvalidInput")
        assert shop.confirm(order_id, {tee: 2}).status_code == 204
        assert shop.known(order_id)["status"] == "SHIPPED"

    def test_cancel_whole_order(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        shop.act(order_id, "cancel")
        known = shop.known(order_id)
        assert (known["status"], known["seller_ships"], known["total"]) == ("CANCELLED", False, "0")

    def test_buyer_wishes_and_new_address(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        before = shop.order(order_id)["lastUpdatedTime"]
        shop.act(order_id, "request_cancel", reason="Wrong size")
        shop.act(
            order_id,
            "change_address",
            recipient=plan("x")["recipient"] | {"city": "Kent", "lines": ["a", "b", "c", "d"]},
        )
        order = shop.order(order_id)
        assert order["orderItems"][0]["cancellation"]["cancellationRequest"]["cancelReason"] == "Wrong size"
        address = order["recipient"]["deliveryAddress"]
        assert (address["city"], address["addressLine3"]) == ("Kent", "c, d")
        assert order["lastUpdatedTime"] > before
        shop.act(order_id, "touch", at=ago(minutes=10))
        assert shop.search().json()["orders"][0]["lastUpdatedTime"] < order["lastUpdatedTime"]

    def test_unknown_act_and_planning_twice(self, shop: Seller) -> None:
        (order_id,) = shop.plan(plan("a")).values()
        refused = shop.http.post(
            f"/_control/amazon/accounts/{shop.account_id}/orders/{order_id}/act", json={"act": "combine"}
        )
        assert refused.status_code == 400
        again = shop.control("@/orders", {"orders": [plan("a", tax="99"), plan("b")]})
        assert (again["created"], again["ids"]["a"]) == (1, order_id)
        first = shop.control("@/orders?limit=1")
        assert first["next"] == order_id
        rest = shop.control(f"@/orders?limit=2&after={order_id}")
        assert ([o["ref"] for o in rest["orders"]], rest["next"]) == (["b"], None)
        assert first["orders"][0]["total"] == "29.33"

    def test_raw_orders_are_served_word_for_word(self, shop: Seller) -> None:
        odd = {"orderId": "111-1111111-1111111", "createdTime": "yesterday", "orderItems": "none", "x": 1}
        shop.control("@/raw-orders", {"orders": [odd, {"nothing": True}]})
        found = shop.search().json()["orders"]
        assert odd in found
        assert {"nothing": True} in found
        assert shop.get(f"{ORDERS}/111-1111111-1111111").json()["order"] == odd
        assert all(order["malformed"] for order in shop.control("@/orders")["orders"])
        assert error(shop.confirm("111-1111111-1111111", {"1": 1}))[:2] == (400, "InvalidInput")

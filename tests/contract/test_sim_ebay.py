"""The eBay simulator over real HTTP: consent, the Trading envelope, GetOrders."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from ebaysdk.trading import Connection as Trading
from lxml import etree

from tests.support.ebay_wire import NS, Seller, ago, ahead, planned
from tests.support.simulators import running


@pytest.fixture
def seller(simulators: str):
    found = Seller(simulators)
    yield found
    found.faults()


# -- consent -------------------------------------------------------------------------------------------------------


def test_a_token_lives_two_hours_and_needs_the_right_client(seller: Seller):
    good = seller.ask_token().json()
    assert good["expires_in"] == 7200 and good["token_type"] == "User Access Token"
    seller.credentials["cert_id"] = "wrong"
    refused = seller.ask_token()
    assert refused.status_code == 401 and refused.json()["error"] == "invalid_client"


def test_grants_parameters_and_scopes_are_checked(seller: Seller):
    for form, error in (
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"refresh_token": "v^1.1#of-somebody-else"}, "invalid_grant"),
        ({"nonsense": "1"}, "invalid_request"),
        ({"scope": "https://api.ebay.com/oauth/api_scope/buy.order"}, "invalid_scope"),
    ):
        refused = seller.ask_token(**form)
        assert refused.status_code == 400 and refused.json()["error"] == error


def test_a_refresh_token_is_no_good_to_another_application(simulators: str):
    one, other = Seller(simulators), Seller(simulators)
    one.credentials["refresh_token"] = other.credentials["refresh_token"]
    assert one.ask_token().json()["error"] == "invalid_grant"


def test_revoked_consent_ends_both_tokens(seller: Seller):
    assert seller.call("GetUser").ack == "Success"
    seller.control("revoke")
    assert seller.call("GetUser").codes == [932]
    assert seller.ask_token().json()["error"] == "invalid_grant"


def test_expired_access_tokens_are_minted_anew(seller: Seller):
    assert seller.call("GetUser").one("User/UserID") == seller.credentials["user_id"]
    seller.control("expire")
    assert seller.call("GetUser").codes == [21917053]
    seller.token = ""
    assert seller.call("GetUser").ack == "Success"


def test_tokens_expire_by_the_scaled_clock(tmp_path: Path):
    now = time.time()
    with running(tmp_path, clock=f"{now}:{now}:7200") as server:
        seller = Seller(server.url)
        assert seller.call("GeteBayOfficialTime").ack == "Success"
        time.sleep(1.1)
        assert seller.call("GeteBayOfficialTime").codes == [21917053]


def test_the_day_has_five_thousand_calls(tmp_path: Path):
    with running(tmp_path) as server:
        seller = Seller(server.url)
        seller.token = seller.ask_token().json()["access_token"]
        codes = [seller.call("GeteBayOfficialTime").codes for _ in range(5001)]
        assert codes[:5000] == [[]] * 5000 and codes[5000] == [518]
        seller.http.post("/_control/limits", json={"on": False})
        assert seller.call("GeteBayOfficialTime").ack == "Success"


# -- envelope ------------------------------------------------------------------------------------------------------


def test_errors_are_answers_with_status_200(seller: Seller):
    failure = seller.call("GetOrdres")
    assert failure.ack == "Failure" and failure.codes == [2]
    assert failure.root.tag == f"{{{NS['e']}}}GetOrdresResponse"
    assert failure.one("Errors/SeverityCode") == "Error"
    assert failure.one("Errors/ErrorClassification") == "RequestError"
    assert failure.one("Errors/ErrorParameters/Value") == "GetOrdres"
    assert failure.one("Timestamp").endswith("Z") and len(failure.one("Timestamp")) == 24


@pytest.mark.parametrize(
    "body",
    [
        "this is no XML",
        f'<GetUserRequest xmlns="{NS["e"]}"><Unknown>1</Unknown></GetUserRequest>',
        f'<GetUserRequest xmlns="{NS["e"]}"><UserID>a</UserID><UserID>b</UserID></GetUserRequest>',
        f'<GetOrdersRequest xmlns="{NS["e"]}"/>',
        "<GetUserRequest/>",
        f'<!DOCTYPE x [<!ENTITY a "b">]><GetUserRequest xmlns="{NS["e"]}"><UserID>&a;</UserID></GetUserRequest>',
    ],
)
def test_requests_are_read_strictly(seller: Seller, body: str):
    answer = etree.fromstring(seller.send("GetUser", body).content)
    assert [node.text for node in answer.findall("e:Errors/e:ErrorCode", NS)] == ["5"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"siteid": "999"}, 10012),
        ({"siteid": ""}, 10012),
        ({"compatibility_level": "x"}, 10012),
        ({"iaf_token": "v^1.1#i^1#never-minted"}, 21916984),
        ({"iaf_token": "AgAAAA"}, 21916984),
        ({"iaf_token": ""}, 930),
    ],
)
def test_headers_are_checked(seller: Seller, headers: dict[str, str], code: int):
    assert seller.call("GetUser", **headers).codes == [code]


def test_an_oauth_token_is_no_auth_n_auth_token(seller: Seller):
    credentials = "<RequesterCredentials><eBayAuthToken>v^1.1#i^1#x</eBayAuthToken></RequesterCredentials>"
    assert seller.call("GetUser", credentials, iaf_token="").codes == [931]


def test_the_message_id_comes_back_as_correlation(seller: Seller):
    assert seller.call("GetUser", "<MessageID>abc &amp; 1</MessageID>").one("CorrelationID") == "abc & 1"


# -- GetOrders -----------------------------------------------------------------------------------------------------


def test_an_order_is_told_in_full_with_awkward_names(seller: Seller):
    who = {
        "name": "李 & <小龙> 🐉\x0b",
        "company": 'O\'Neil "Sons" GmbH',
        "lines": ["Straße 1 & 2", "c/o ]]>", "Hof"],
        "city": "Köln",
        "region": "",
        "postcode": "50667",
        "country": "DE",
        "phone": "",
    }
    (order_id,) = seller.plan(
        planned("r1", recipient=who, tax="3.00", buyer_note="Bitte <schnell> & gut", ship_by=ahead(days=1))
    )
    reply = seller.orders()
    order = "OrderArray/Order"
    assert reply.ack == "Success" and reply.order_ids == [order_id]
    assert reply.one(f"{order}/OrderStatus") == "Completed"
    assert reply.one(f"{order}/CheckoutStatus/Status") == "Complete"
    assert reply.one(f"{order}/CheckoutStatus/eBayPaymentStatus") == "NoPaymentFailure"
    assert reply.one(f"{order}/ShippingAddress/Name") == "李 & <小龙> 🐉"
    assert reply.one(f"{order}/ShippingAddress/Street1") == 'O\'Neil "Sons" GmbH'
    assert reply.one(f"{order}/ShippingAddress/Street2") == "Straße 1 & 2, c/o ]]>, Hof"
    assert reply.one(f"{order}/BuyerCheckoutMessage") == "Bitte <schnell> & gut"
    assert reply.one(f"{order}/BuyerUserID") == "buyer-7"
    # Tax that eBay collects and remits is told with the lines and is no part of the total.
    assert Decimal(reply.one(f"{order}/Subtotal")) == Decimal("39.98")
    assert Decimal(reply.one(f"{order}/Total")) == Decimal("44.48") == Decimal(reply.one(f"{order}/AmountPaid"))
    line = f"{order}/TransactionArray/Transaction"
    assert sum(map(Decimal, reply.all(f"{line}/eBayCollectAndRemitTaxes/TotalTaxAmount"))) == 3
    assert Decimal(reply.one(f"{order}/MonetaryDetails/Payments/Payment/PaymentAmount")) == Decimal("44.48")
    pairs = zip(reply.all(f"{line}/Item/ItemID"), reply.all(f"{line}/TransactionID"), strict=True)
    assert reply.all(f"{line}/OrderLineItemID") == [f"{item}-{sale}" for item, sale in pairs]
    assert reply.all(f"{line}/Item/SKU") == ["MUG-RED", "POT-1"]
    assert reply.all(f"{line}/QuantityPurchased") == ["2", "1"]
    assert len(reply.all(f"{line}/ShippingServiceSelected/ShippingPackageInfo/HandleByTime")) == 2


def test_variations_carry_their_sku_and_listings_keep_their_number(seller: Seller):
    shirt = {"sku": "TEE-M", "title": "Tee", "quantity": 1, "unit_price": "5", "item_ref": "TEE"}
    other = {**shirt, "sku": "TEE-L"}
    seller.plan(planned("a", lines=[shirt, other]))
    reply, line = seller.orders(), "OrderArray/Order/TransactionArray/Transaction"
    assert reply.all(f"{line}/Variation/SKU") == ["TEE-M", "TEE-L"] and reply.all(f"{line}/Item/SKU") == []
    assert len(set(reply.all(f"{line}/Item/ItemID"))) == 1 and len(set(reply.all(f"{line}/OrderLineItemID"))) == 2


def test_international_orders_go_to_the_hub(seller: Seller):
    seller.plan(planned("eis", international_program="EIS"))
    leg = "OrderArray/Order/MultiLegShippingDetails"
    reply = seller.orders()
    assert reply.one("OrderArray/Order/IsMultiLegShipping") == "true"
    hub = f"{leg}/SellerShipmentToLogisticsProvider/ShipToAddress"
    assert reply.one(f"{hub}/ReferenceID") and reply.one(f"{hub}/CityName") == "Erlanger"
    assert reply.one(f"{leg}/FinalDestinationAddress/CityName") == "Portland"
    old = seller.call("GetOrders", "<NumberOfDays>1</NumberOfDays>", compatibility_level="1349")
    assert old.all(f"{leg}/FinalDestinationAddress") == [] and old.one(f"{hub}/CityName") == "Erlanger"


def test_pages_cover_every_order_once(seller: Seller):
    ids = seller.plan(*(planned(f"r{n}") for n in range(230)))
    pages = [seller.orders(page=page) for page in (1, 2, 3)]
    assert [page.one("HasMoreOrders") for page in pages] == ["true", "true", "false"]
    assert [page.one("ReturnedOrderCountActual") for page in pages] == ["100", "100", "30"]
    assert pages[0].one("PaginationResult/TotalNumberOfEntries") == "230"
    assert pages[0].one("PaginationResult/TotalNumberOfPages") == "3"
    assert sorted(sum((page.order_ids for page in pages), [])) == sorted(ids)
    beyond = seller.orders(page=4)
    assert beyond.order_ids == [] and beyond.ack == "Success" and beyond.one("HasMoreOrders") == "false"


@pytest.mark.parametrize(
    ("inner", "tag"),
    [
        ("", "CreateTimeFrom"),
        (f"<ModTimeFrom>{ago(days=1)}</ModTimeFrom>", "ModTimeTo"),
        (f"<ModTimeFrom>{ago(days=31)}</ModTimeFrom><ModTimeTo>{ago()}</ModTimeTo>", "ModTimeFrom"),
        (
            f"<CreateTimeFrom>{ago(days=92)}</CreateTimeFrom><CreateTimeTo>{ago(days=80)}</CreateTimeTo>",
            "CreateTimeFrom",
        ),
        (f"<ModTimeFrom>{ago()}</ModTimeFrom><ModTimeTo>{ago(days=1)}</ModTimeTo>", "ModTimeFrom"),
        ("<NumberOfDays>31</NumberOfDays>", "NumberOfDays"),
        ("<NumberOfDays>1</NumberOfDays><OrderStatus>Paid</OrderStatus>", "OrderStatus"),
        (
            "<NumberOfDays>1</NumberOfDays><Pagination><EntriesPerPage>101</EntriesPerPage></Pagination>",
            "Pagination.EntriesPerPage",
        ),
    ],
)
def test_filters_have_their_limits(seller: Seller, inner: str, tag: str):
    reply = seller.call("GetOrders", inner)
    assert reply.codes == [37] and reply.all("Errors/ErrorParameters/Value")[0] == tag


@pytest.mark.parametrize("value", ["2026-01-01 00:00:00", "yesterday", "2026-13-01T00:00:00Z"])
def test_times_that_are_no_datetime_are_refused(seller: Seller, value: str):
    inner = f"<ModTimeFrom>{value}</ModTimeFrom><ModTimeTo>{ago()}</ModTimeTo>"
    assert seller.call("GetOrders", inner).codes == [5]


def test_order_ids_override_every_other_filter(seller: Seller):
    first, second, _ = seller.plan(planned("a"), planned("b"), planned("c"))
    line = seller.order(second)["lines"][1]["external_line_id"]
    ids = f"<OrderIDArray><OrderID>{first}</OrderID><OrderID>{line}</OrderID><OrderID>12-1-1</OrderID></OrderIDArray>"
    old = f"<ModTimeFrom>{ago(days=2)}</ModTimeFrom><ModTimeTo>{ago(days=1)}</ModTimeTo>"
    assert sorted(seller.orders(ids + old).order_ids) == sorted([first, second])


def test_old_orders_and_other_sellers_orders_are_not_told(seller: Seller, simulators: str):
    seller.plan(planned("old", placed_at=ago(days=95)))
    Seller(simulators).plan(planned("foreign"))
    assert seller.orders().order_ids == []
    assert seller.orders("<NumberOfDays>2</NumberOfDays><OrderRole>Buyer</OrderRole>").order_ids == []


def test_an_order_that_shows_later_changes_when_it_shows(seller: Seller):
    (order_id,) = seller.plan(planned("later", visible_at=ahead(seconds=1)))
    assert seller.orders().order_ids == []
    passed = ago()
    time.sleep(1.1)
    assert seller.orders(f"<ModTimeFrom>{passed}</ModTimeFrom><ModTimeTo>{ahead(hours=1)}</ModTimeTo>").order_ids == [
        order_id
    ]


def test_plans_are_idempotent_and_bad_plans_are_refused(seller: Seller):
    assert seller.plan(planned("a")) == seller.plan(planned("a"))
    assert len(seller.known()) == 1
    path = f"/_control/ebay/accounts/{seller.id}/orders"
    for bad in (
        planned("b", fulfilment="platform"),
        planned("b", currency="dollar"),
        planned("b", lines=[]),
        {"ref": ""},
    ):
        assert seller.http.post(path, json={"orders": [bad]}).status_code == 400
    assert seller.http.post("/_control/ebay/accounts/nobody/orders", json={"orders": []}).status_code == 404
    assert len(seller.known()) == 1


def test_control_lists_in_pages(seller: Seller):
    ids = seller.plan(*(planned(f"r{n}") for n in range(5)))
    path, seen, after = f"/_control/ebay/accounts/{seller.id}/orders", [], None
    while True:
        params = {"limit": 2} | ({"after": after} if after else {})
        page = seller.http.get(path, params=params).json()
        seen += [order["external_id"] for order in page["orders"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ids


def test_raw_orders_are_told_as_they_are(seller: Seller):
    raw = '<Order><OrderID>99-00001-00001</OrderID><Total currencyID="XTS">abc</Total></Order>'
    assert seller.control("raw-orders", orders=[raw])["ids"] == ["99-00001-00001"]
    assert raw in seller.orders().text


# -- libraries and processes -----------------------------------------------------------------------------------------


def test_ebaysdk_reads_the_answers(seller: Seller, simulators: str):
    ids = seller.plan(planned("a"), planned("b"))
    api = Trading(
        domain=simulators.removeprefix("http://"),
        uri="/ebay/ws/api.dll",
        config_file=None,
        iaf_token=seller.ask_token().json()["access_token"],
        appid="a",
        devid="d",
        certid="c",
        siteid="0",
        compatibility="1455",
    )
    api.config.set("https", False, force=True)
    reply = api.execute("GetOrders", {"NumberOfDays": 2, "DetailLevel": "ReturnAll", "OrderRole": "Seller"}).reply
    assert [order.OrderID for order in reply.OrderArray.Order] == ids
    assert reply.OrderArray.Order[0].Total._currencyID == "USD" and reply.HasMoreOrders == "false"


def test_a_killed_process_has_lost_nothing(tmp_path: Path):
    with running(tmp_path) as server:
        seller = Seller(server.url)
        (order_id,) = seller.plan(planned("a"))
        assert seller.ship(order_id, ("KEEP1", "USPS")).ack == "Success"
        before = seller.known()
        port = int(server.url.rsplit(":", 1)[1])
        server.kill()
    with running(tmp_path, port=port):
        assert seller.known() == before
        assert seller.orders().order_ids == [order_id], "the access token is good as well"


def test_a_thousand_orders_have_a_thousand_numbers(seller: Seller):
    ids = seller.plan(*(planned(f"n{n}") for n in range(1000)))
    assert len(set(ids)) == 1000 and all(
        len(part) == want for part, want in zip(ids[0].split("-"), (2, 5, 5), strict=True)
    )
    with pytest.raises(httpx.HTTPStatusError):
        seller.http.post("/_control/ebay/accounts", json={"account_id": "x"}).raise_for_status()

"""Our gateway over python-amazon-sp-api: what is mended of the library, and what each answer means."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from channels import canonical
from channels.adapters.amazon import carriers, client, mapping
from channels.adapters.amazon.adapter import ADAPTER
from channels.protocol import Session
from core.errors import (
    AdapterError,
    AlreadyDone,
    AuthExpired,
    AuthRevoked,
    BadPayload,
    BusinessError,
    Conflict,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    Transient,
    UnknownOutcome,
)
from core.wire import HttpAnswer
from tests.contract.checks import NOTICE, WINDOW, folder, raised_by
from tests.support.wire import Scripted, session

DENIED = "Access to requested resource is denied."


def reply(status: int = 200, body: Any = None, **headers: str) -> HttpAnswer:
    content = b"" if body is None else json.dumps(body).encode()
    return HttpAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def errors(status: int, code: str, message: str = "", details: str = "", **headers: str) -> HttpAnswer:
    return reply(status, {"errors": [{"code": code, "message": message, "details": details}]}, **headers)


def at(answer: HttpAnswer | None, **changes: Any) -> tuple[Session, Scripted]:
    wire = Scripted(answer)
    return replace(session(ADAPTER, wire), **changes), wire


EMPTY = reply(200, {"orders": []})


class TestTheLibraryIsMended:
    def test_no_credentials_and_no_marketplace_come_from_the_environment(self, monkeypatch: Any) -> None:
        for name in ("SP_API_REFRESH_TOKEN", "LWA_APP_ID", "LWA_CLIENT_SECRET"):
            monkeypatch.setenv(name, "of-somebody-else")
        monkeypatch.setenv("SP_API_DEFAULT_MARKETPLACE", "JP")
        here, wire = at(EMPTY)
        ADAPTER.fetch_orders(here, WINDOW, "")
        (sent,) = wire.sent
        assert sent.headers["x-amz-access-token"] == "token"
        assert sent.params["marketplaceIds"] == "ATVPDKIKX0DER"
        assert "of-somebody-else" not in repr(sent)

    def test_only_what_we_ask_goes_out_and_the_host_is_left_to_the_client(self) -> None:
        here, wire = at(EMPTY)
        ADAPTER.fetch_orders(here, WINDOW, "next")
        (sent,) = wire.sent
        assert sent.params == {
            "lastUpdatedAfter": "2026-05-04T09:00:00Z",
            "lastUpdatedBefore": "2026-05-04T11:00:00Z",
            "marketplaceIds": "ATVPDKIKX0DER",
            "includedData": "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES",
            "maxResultsPerPage": 100,
            "paginationToken": "next",
        }
        assert (sent.method, sent.content, sent.writes) == ("GET", None, False)
        assert set(sent.headers) == {"user-agent", "accept", "content-type", "x-amz-access-token"}
        assert sent.url == "https://simulators.test/amazon/orders/2026-01-01/orders"

    def test_a_confirmation_holds_no_junk(self) -> None:
        here, wire = at(reply(204))
        ADAPTER.confirm_shipment(here, NOTICE)
        (sent,) = wire.sent
        assert sent.params == {}
        assert json.loads(sent.content or b"") == {
            "packageDetail": {
                "packageReferenceId": "1001",
                "carrierCode": "Yun Express",
                "trackingNumber": "YT2600000000001",
                "shipDate": "2026-05-04T12:00:00Z",
                "orderItems": [{"orderItemId": "70000000000001", "quantity": 1}],
            },
            "marketplaceId": "ATVPDKIKX0DER",
        }
        assert sent.writes

    def test_no_token_is_kept_between_sessions(self) -> None:
        for token in ("one", "two"):
            here, wire = at(EMPTY, access_token=token)
            ADAPTER.fetch_orders(here, WINDOW, "")
            assert wire.sent[0].headers["x-amz-access-token"] == token

    def test_rates_are_the_published_ones_times_the_usage_plan(self) -> None:
        here, wire = at(EMPTY)
        ADAPTER.fetch_orders(here, WINDOW, "")
        assert wire.sent[0].rate == (0.0056, 20)
        here, wire = at(EMPTY, settings=dict(here.settings) | {"usage_plan": 3})
        ADAPTER.fetch_orders(here, WINDOW, "")
        assert wire.sent[0].rate == pytest.approx((0.0168, 60))

    def test_the_regions_host_is_called_where_no_other_is_set(self) -> None:
        for country, host in (("US", "-na."), ("DE", "-eu."), ("JP", "-fe.")):
            (place,) = ADAPTER.check_marketplaces((country,))
            here, wire = at(EMPTY, settings={}, marketplaces=(place,))
            ADAPTER.fetch_orders(here, WINDOW, "")
            assert wire.sent[0].url.startswith(f"https://sellingpartnerapi{host}amazon.com/orders/")

    def test_login_goes_to_amazon_where_no_other_is_set(self) -> None:
        here, wire = at(reply(200, {"access_token": "Atza|x", "expires_in": 3600}), settings={})
        assert ADAPTER.refresh_token(here).access == "Atza|x"
        (sent,) = wire.sent
        assert (sent.method, sent.url, sent.writes) == ("POST", "https://api.amazon.com/auth/o2/token", False)
        assert "Atzr" in (sent.content or b"").decode()


READS: list[tuple[str, HttpAnswer, type[AdapterError]]] = [
    ("expired", errors(403, "Unauthorized", DENIED, "The access token you provided has expired."), AuthExpired),
    ("no role", errors(403, "Unauthorized", DENIED), PermissionMissing),
    ("edge", reply(403, {"message": "Forbidden"}), PermissionMissing),
    ("401", reply(401, {"message": "no"}), AuthExpired),
    ("404", errors(404, "NotFound", "none"), NotFound),
    ("409", errors(409, "Conflict", "moved"), Conflict),
    ("400", errors(400, "InvalidInput", "Invalid Input", "lastUpdatedAfter"), Rejected),
    ("400 bare", reply(400), Rejected),
    ("500 empty", reply(500), Transient),
    ("200 with errors", reply(200, {"errors": [{"code": "InternalFailure", "message": "x"}]}), Rejected),
    ("quota in a 400", errors(400, "QuotaExceeded"), Throttled),
]


@pytest.mark.parametrize(("name", "answer", "expected"), READS, ids=[one[0] for one in READS])
def test_what_an_answer_means(name: str, answer: HttpAnswer, expected: type[AdapterError]) -> None:
    error = raised_by(lambda: ADAPTER.fetch_orders(at(answer)[0], WINDOW, ""))
    assert type(error) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(204), None),
        (reply(200, {}), None),
        (errors(400, "InvalidInput", "x errorMetric=PackageToUpdateNotFound, packageIndex=null)"), AlreadyDone),
        (errors(400, "InvalidInput", "CarrierCode: is invalid"), Rejected),
        (errors(403, "Unauthorized", DENIED, "The access token you provided has expired."), AuthExpired),
        (errors(503, "ServiceUnavailable"), UnknownOutcome),
        (None, UnknownOutcome),
    ],
)
def test_what_an_answer_to_a_confirmation_means(answer: HttpAnswer | None, expected: type[AdapterError] | None) -> None:
    error = raised_by(lambda: ADAPTER.confirm_shipment(at(answer)[0], NOTICE))
    assert (type(error) if error else None) is expected


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (reply(400, {"error": "invalid_grant"}), AuthRevoked, "amazon.consent_gone"),
        (reply(401, {"error": "invalid_client"}), AuthRevoked, "amazon.application"),
        (reply(500, {"error": "server_error"}), Transient, "amazon.unavailable"),
        (reply(200, {"expires_in": 3600}), BadPayload, "amazon.token_unreadable"),
        (HttpAnswer(403, {}, b"<html>"), Transient, "amazon.unavailable"),
    ],
)
def test_what_an_answer_of_the_login_means(answer: HttpAnswer, expected: type[AdapterError], code: str) -> None:
    error = raised_by(lambda: ADAPTER.refresh_token(at(answer)[0]))
    assert error is not None
    assert (type(error), error.code) == (expected, code)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"retry_after": "9"}, 9), ({"x_amzn_ratelimit_limit": "0.02"}, 50), ({}, 1 / 0.0056)],
)
def test_how_long_to_wait(headers: dict[str, str], wait: float) -> None:
    error = raised_by(lambda: ADAPTER.fetch_orders(at(errors(429, "QuotaExceeded", **headers))[0], WINDOW, ""))
    assert isinstance(error, Throttled)
    assert error.retry_after == pytest.approx(wait)


def test_a_dead_page_token_is_told_from_a_bad_request() -> None:
    answer = errors(400, "InvalidInput", "Invalid Input")
    first = raised_by(lambda: ADAPTER.fetch_orders(at(answer)[0], WINDOW, ""))
    later = raised_by(lambda: ADAPTER.fetch_orders(at(answer)[0], WINDOW, "token"))
    assert first is not None
    assert later is not None
    assert (first.code, later.code) == ("amazon.refused", client.PAGE_TOKEN_DEAD)
    stock = raised_by(lambda: ADAPTER.fetch_stock(at(answer)[0], "ATVPDKIKX0DER|token"))
    assert stock is not None
    assert stock.code == client.PAGE_TOKEN_DEAD


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orders": None},
        {"orders": {}},
        {"orders": [], "pagination": []},
        {"orders": [], "pagination": {"nextToken": 5}},
        {"payload": {"Orders": []}},
    ],
)
def test_an_odd_page_never_looks_like_the_last(body: Any) -> None:
    error = raised_by(lambda: ADAPTER.fetch_orders(at(reply(200, body))[0], WINDOW, ""))
    assert isinstance(error, BadPayload)


def test_orders_are_kept_as_they_came() -> None:
    """Byte for byte: white space, escapes, numbers and the order of members."""
    one = '{ "orderId" : "114-1111111-1111111",\t"x":1.10,"lastUpdatedTime":"2026-05-04T09:00:00Z","y":"\\u674e ]}" }'
    two = '{"orderId":7,"z":[{"orders":[]}]}'
    text = '{"pagination":{"nextToken":"n"},"orders" : [\n ' + one + " ,\n" + two + ' ],"lastUpdatedBefore":"x"}'
    page = ADAPTER.fetch_orders(at(HttpAnswer(200, {}, text.encode()))[0], WINDOW, "")
    assert [item.payload for item in page.items] == [one, two]
    assert [item.external_id for item in page.items] == ["114-1111111-1111111", ""]
    assert page.items[0].updated_at == datetime(2026, 5, 4, 9, tzinfo=UTC)
    assert page.next_token == "n"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ('{"a":{"b":[1,"]",{}]}}', ("a", "b"), ["1", '"]"', "{}"]),
        ('{"a":{"b":[]}}', ("a", "b"), []),
        ('{"a":{"c":1}}', ("a", "b"), []),
        ('{"a":null}', ("a",), []),
        ('{"order":{"x":[1]},"y":2}', ("order",), ['{"x":[1]}']),
        ("{}", ("a",), []),
    ],
)
def test_elements_are_cut_out(text: str, path: tuple[str, ...], expected: list[str]) -> None:
    assert client.split(text, path) == expected


def test_stock_goes_through_all_marketplaces() -> None:
    answer = reply(200, {"payload": {"inventorySummaries": [{"sellerSku": "A"}]}})
    here, wire = at(answer, marketplaces=("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"))
    first = ADAPTER.fetch_stock(here, "")
    second = ADAPTER.fetch_stock(here, first.next_token)
    assert (first.next_token, second.next_token) == ("A2EUQ1WTGCTBG2|", "")
    assert [sent.params["granularityId"] for sent in wire.sent] == ["ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"]
    assert [ADAPTER.parse_stock(page.items[0].payload).marketplace for page in (first, second)] == [
        "ATVPDKIKX0DER",
        "A2EUQ1WTGCTBG2",
    ]


@pytest.mark.parametrize(
    ("package", "known"),
    [
        ({}, True),
        ({"trackingNumber": "yt26 0000 0000 001"}, True),
        ({"trackingNumber": "YT2600000000002"}, False),
        ({"packageStatus": {"status": "CANCELLED"}}, False),
        ({"packageItems": [{"orderItemId": "70000000000001", "quantity": 0}]}, False),
        ({"packageItems": [{"orderItemId": "70000000000001", "quantity": 2}]}, True),
        ({"packageItems": []}, True),
    ],
)
def test_which_package_is_ours(package: dict[str, Any], known: bool) -> None:
    there = {"packageReferenceId": "5", "trackingNumber": "YT2600000000001"} | package
    assert ADAPTER.shipment_known(at(reply(200, {"order": {"packages": [there]}}))[0], NOTICE) is known


def test_references_are_digits() -> None:
    error = raised_by(lambda: ADAPTER.confirm_shipment(at(reply(204))[0], replace(NOTICE, reference="S-1")))
    assert isinstance(error, Rejected)
    assert error.code == "amazon.reference_not_numeric"


@pytest.mark.parametrize(
    ("carrier", "code"),
    [
        ("YunExpress", "Yun Express"),
        ("yun express", "Yun Express"),
        ("云途", "Yun Express"),
        ("4px", "4PX"),
        ("Royal Mail", "Royal Mail"),
        ("Some Courier Ltd", carriers.OTHER),
        ("", carriers.OTHER),
    ],
)
def test_carriers(carrier: str, code: str) -> None:
    assert carriers.code_of(carrier) == code


def test_times_go_out_in_utc() -> None:
    east = timezone(timedelta(hours=8))
    here, wire = at(EMPTY)
    window = canonical.Window(WINDOW.start.astimezone(east), WINDOW.end.astimezone(east))
    ADAPTER.fetch_orders(here, window, "")
    assert wire.sent[0].params["lastUpdatedAfter"] == "2026-05-04T09:00:00Z"


def test_marketplaces_of_a_person() -> None:
    assert ADAPTER.check_marketplaces(("uk", "A1PA6795UKMFR9", "DE")) == ("A1F83G8C2ARO7P", "A1PA6795UKMFR9")
    with pytest.raises(BusinessError):
        ADAPTER.check_marketplaces(("US", "JP"))


def test_parsing_is_quick_enough_for_the_hot_path() -> None:
    """The time is printed; only a gross slip (fifty times the usual) fails."""
    text = (folder(ADAPTER) / "order_unshipped.json").read_text()
    started = time.process_time()
    for _ in range(500):
        mapping.parse_order(text)
    each = (time.process_time() - started) / 500
    print(f"parse_order: {each * 1e6:.0f} µs, {os.cpu_count()} cores")
    assert each < 0.005

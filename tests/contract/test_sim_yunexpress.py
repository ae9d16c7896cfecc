"""The YunExpress simulator over real HTTP, with a client of the test's own (not the product's adapter)."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import io
import json
import re
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy
import pikepdf
import pytest
import zxingcpp

from sandbox.simulators.yunexpress import code128
from tests.support.simulators import free_port, running

ORDER: dict[str, Any] = {
    "product_code": "BKPHR",
    "customer_order_number": "",
    "weight_unit": "KG",
    "size_unit": "CM",
    "packages": [{"weight": 0.325, "length": 20, "width": 15, "height": 5}],
    "receiver": {
        "first_name": "Zoë",
        "last_name": "Müller",
        "country_code": "DE",
        "province": "Berlin",
        "city": "Berlin",
        "address_lines": ["Torstraße 1", "Hinterhaus"],
        "postal_code": "10115",
        "phone_number": "+49 30 1234567",
    },
    "declaration_info": [
        {"name_local": "手机壳", "name_en": "Phone case", "quantity": 2, "unit_price": 3.5, "unit_weight": 0.15,
         "currency": "USD", "sku_code": "CASE-1"}
    ],
}  # fmt: skip


def signed(secret: str, method: str, path: str, body: bytes, date: str) -> str:
    text = (b"body=" + body + b"&" if body else b"") + f"date={date}&method={method}&uri={path}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


@dataclass
class Seller:
    base: str
    account: str = field(default_factory=lambda: f"y-{uuid.uuid4().hex[:10]}")
    token: str = ""
    offset: float = 0  # seconds that the test's clock is ahead of the simulator's

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.base, timeout=10)

    @property
    def secret(self) -> str:
        return f"secret-of-{self.account}"

    def open(self, **more: Any) -> Seller:
        body = {"account_id": self.account, "app_id": f"app-{self.account}", "app_secret": self.secret, **more}
        assert self.control("POST", "accounts", body)["account_id"] == self.account
        return self.sign_in()

    def sign_in(self) -> Seller:
        body = {"grantType": "client_credentials", "appId": f"app-{self.account}", "appSecret": self.secret}
        answer = self.http.post("/yunexpress/openapi/oauth2/token", json=body).json()
        assert answer["expiresIn"] == 7200
        self.token = answer["accessToken"]
        return self

    def control(self, method: str, path: str, body: Any = None, **params: Any) -> dict[str, Any]:
        response = self.http.request(method, f"/_control/yunexpress/{path}", json=body, params=params)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def raw(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **params: Any
    ) -> httpx.Response:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() if body is not None else b""
        date = str(int((time.time() + self.offset) * 1000))
        sent = {"token": self.token, "date": date, "sign": signed(self.secret, method, path, content, date)}
        return self.http.request(
            method, f"/yunexpress{path}", content=content, params=params, headers={**sent, **(headers or {})}
        )

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> dict[str, Any]:
        response = self.raw(method, path, body, **params)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert answer.keys() >= {"t", "success", "code", "msg", "request_id"}
        return answer

    def create(self, reference: str, **change: Any) -> dict[str, Any]:
        return self.call("POST", "/v1/order/package/create", order(reference, **change))

    def shipments(self, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"accounts/{self.account}/shipments", **params)["shipments"]
        return found


def order(reference: str, **change: Any) -> dict[str, Any]:
    made = copy.deepcopy(ORDER)
    made["customer_order_number"] = reference
    made.update(change)
    return made


def receiver(**change: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ORDER["receiver"]), **change}


@pytest.fixture
def seller(simulators: str) -> Seller:
    return Seller(simulators).open()


def faults(seller: Seller, *script: dict[str, Any]) -> None:
    body = {"script": [{"account": seller.account, **item} for item in script]}
    assert seller.http.post("/_control/faults", json=body).status_code == 200


# credentials and signature


def test_a_wrong_secret_gets_no_token(seller: Seller) -> None:
    body = {"grantType": "client_credentials", "appId": f"app-{seller.account}", "appSecret": "wrong"}
    answer = seller.http.post("/yunexpress/openapi/oauth2/token", json=body).json()
    assert answer["success"] is False and "accessToken" not in answer


def test_the_signature_covers_the_exact_bytes(seller: Seller) -> None:
    path, date = "/v1/order/package/create", str(int(time.time() * 1000))
    body = json.dumps(order("R-1")).encode()
    headers = {"token": seller.token, "date": date, "sign": signed(seller.secret, "POST", path, body, date)}
    spaced = seller.http.post(f"/yunexpress{path}", content=body + b" ", headers=headers).json()
    assert (spaced["success"], spaced["code"]) == (False, "02010003")
    assert seller.http.post(f"/yunexpress{path}", content=body, headers=headers).json()["success"] is True


def test_the_signature_of_a_get_has_no_body_part_and_no_query(seller: Seller) -> None:
    path, date = "/v1/order/info/get", str(int(time.time() * 1000))
    for text, good in (
        (f"date={date}&method=GET&uri={path}", True),
        (f"body=&date={date}&method=GET&uri={path}", False),
        (f"date={date}&method=GET&uri={path}?order_number=x", False),
    ):
        sign = base64.b64encode(hmac.new(seller.secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
        answer = seller.raw("GET", path, headers={"date": date, "sign": sign}, order_number="x").json()
        assert answer["code"] == ("02041002" if good else "02010003")


def test_a_clock_that_is_six_minutes_off_is_refused(seller: Seller) -> None:
    seller.offset = 360
    assert seller.create("R-1")["code"] == "02010004"
    seller.offset = 240
    assert seller.create("R-1")["success"] is True


def test_a_token_that_was_revoked_or_expired_is_refused(seller: Seller) -> None:
    seller.control("POST", f"accounts/{seller.account}/expire")
    assert seller.create("R-1")["code"] == "02010002"
    seller.sign_in()
    assert seller.create("R-1")["success"] is True
    seller.control("POST", f"accounts/{seller.account}/revoke")
    assert seller.create("R-2")["code"] == "02010002"


# booking


def test_an_order_gets_a_waybill_and_is_found_by_every_number(seller: Seller) -> None:
    result = seller.create("R-1")["result"]
    assert re.fullmatch(r"YT\d{16}", result["waybill_number"])
    assert result["track_type"] == "Y" and result["tracking_number"] == result["waybill_number"]
    for number in ("R-1", result["waybill_number"]):
        info = seller.call("GET", "/v1/order/info/get", order_number=number)["result"]
        assert info["waybill_number"] == result["waybill_number"]
        assert (info["status"], info["customer_order_number"], info["chargeWeight"]) == ("S", "R-1", 0.325)
        assert info["receiver"]["last_name"] == "Müller"
    assert seller.call("GET", "/v1/order/info/get", order_number="R-2")["code"] == "02041002"


def test_a_reference_is_booked_once_even_after_it_was_cancelled(seller: Seller) -> None:
    waybill = seller.create("R-1")["result"]["waybill_number"]
    again = seller.create("R-1")
    assert (again["success"], again["code"], again["result"]) == (False, "02039001", None)
    assert seller.call("POST", "/v1/order/cancel", {"waybill_number": waybill})["success"] is True
    assert seller.create("R-1")["code"] == "02039001"
    (row,) = seller.shipments()
    assert (row["waybill"], row["create_calls"], row["cancelled"]) == (waybill, 3, True)


def test_references_of_two_accounts_do_not_meet(simulators: str) -> None:
    one, two = Seller(simulators).open(), Seller(simulators).open()
    waybills = {one.create("SAME")["result"]["waybill_number"], two.create("SAME")["result"]["waybill_number"]}
    assert len(waybills) == 2
    mine = one.shipments()[0]["waybill"]
    assert two.call("GET", "/v1/order/info/get", order_number=mine)["code"] == "02041002"


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        ({"receiver": receiver(country_code="UK")}, "02030001", "receiver.country_code UK"),
        ({"receiver": receiver(province="")}, "02030001", "receiver.province"),
        ({"receiver": receiver(first_name=" ")}, "02030001", "receiver.first_name"),
        ({"receiver": receiver(address_lines=[])}, "02030001", "receiver.address_lines"),
        ({"receiver": receiver(address_lines=["a", "b", "c", "d"])}, "02030001", "receiver.address_lines"),
        ({"receiver": receiver(postal_code=None)}, "02030001", "receiver.postal_code"),
        ({"receiver": receiver(street="x")}, "02030001", "receiver.street is not a known field"),
        ({"packages": []}, "02030001", "packages is required"),
        ({"packages": [{"weight": 0}]}, "02030001", "packages[0].weight"),
        ({"packages": [{"weight": 0.1234}]}, "02030001", "packages[0].weight has more than 3"),
        ({"weight_unit": "OZ"}, "02030001", "weight_unit"),
        ({"size_unit": None}, "02030001", "size_unit"),
        ({"label_type": "GIF"}, "02030001", "label_type"),
        ({"customer_order_number": "x" * 51}, "02030001", "customer_order_number is longer"),
        ({"colour": "red"}, "02030001", "colour is not a known field"),
        ({"customs_number": {"ioss_code": "IM123"}}, "02030001", "customs_number.ioss_code"),
        ({"declaration_info": []}, "02030001", "declaration_info is required"),
        ({"declaration_info": [{**ORDER["declaration_info"][0], "name_local": "case"}]}, "02030001", "name_local"),
        ({"declaration_info": [{**ORDER["declaration_info"][0], "name_en": "手机壳"}]}, "02030001", "name_en"),
        ({"declaration_info": [{**ORDER["declaration_info"][0], "quantity": 1.5}]}, "02030001", "quantity"),
        ({"product_code": "NOPE"}, "02030008", "NOPE"),
        ({"packages": [{"weight": 30.001}]}, "02039171", "should not exceed 30KG"),
        ({"product_code": "PYZXR", "weight_unit": "LBS", "packages": [{"weight": 4.5}]}, "02039171", "2KG"),
        ({"product_code": "GBZXR"}, "02039171", "DE is not served"),
    ],
)  # fmt: skip
def test_a_faulty_order_is_refused_by_field(seller: Seller, change: dict[str, Any], code: str, names: str) -> None:
    answer = seller.create("R-1", **change)
    assert (answer["success"], answer["code"]) == (False, code)
    assert names in answer["msg"]
    assert seller.shipments() == []


@pytest.mark.parametrize(("unit", "weight", "grams"), [("KG", 1.25, 1250), ("G", 1250, 1250), ("LBS", 2.5, 1134)])
def test_weights_come_in_three_units(seller: Seller, unit: str, weight: float, grams: int) -> None:
    assert seller.create("R-1", weight_unit=unit, packages=[{"weight": weight}])["success"] is True
    assert seller.shipments()[0]["weight_g"] == grams


def test_an_account_sells_what_it_was_given(simulators: str) -> None:
    own = {"code": "MINE", "name": "我的专线", "name_en": "Mine", "max_weight_g": 500, "number": "none"}
    seller = Seller(simulators).open(products=["BKPHR", own])
    listed = seller.call("GET", "/v1/basic-data/products/getlist", country_code="DE")["detail"]
    assert {item["product_code"] for item in listed} == {"BKPHR", "MINE"}
    result = seller.create("R-1", product_code="MINE")["result"]
    assert (result["track_type"], result["tracking_number"]) == ("N", "")
    assert seller.create("R-2", product_code="THPHR")["code"] == "02030008"
    countries = seller.call("GET", "/v1/basic-data/countries/getlist")["detail"]
    assert "GB" in {item["country_code"] for item in countries}


def test_prices(seller: Seller) -> None:
    offers = seller.call("GET", "/v1/price-trial/get", country_code="GB", weight="0.5", package_type="C")["result"]
    price = {offer["product_code"]: offer["calculate_amount"] for offer in offers}
    assert price["BKPHR"] == 54.0 and "GBZXR" in price
    batteries = seller.call("GET", "/v1/price-trial/get", country_code="GB", weight="0.5", package_type="E")["result"]
    assert {offer["product_code"] for offer in batteries} == {"BKZXR", "THZXR"}
    assert seller.call("GET", "/v1/price-trial/get", country_code="GB", weight="31")["code"] == "02060015"
    assert seller.call("GET", "/v1/price-trial/get", country_code="GB", mass="31")["code"] == "02030001"


# after booking


def test_cancel_hold_and_weight_follow_the_state(seller: Seller) -> None:
    one, two = (seller.create(ref)["result"]["waybill_number"] for ref in ("R-1", "R-2"))
    changed = {"waybill_number": one, "weight": 0.4, "weight_unit": "KG"}
    assert seller.call("POST", "/v1/order/weight/modify", changed)["success"] is True
    assert seller.call("POST", "/v1/order/hold", {"waybill_number": one, "remark": "wait"})["success"] is True
    assert seller.call("POST", "/v1/order/cancel", {"waybill_number": one})["success"] is True
    assert seller.call("POST", "/v1/order/cancel", {"waybill_number": one})["code"] == "02041003"
    assert seller.call("GET", "/v1/order/info/get", order_number="R-1")["result"]["status"] == "C"
    seller.control("POST", f"accounts/{seller.account}/shipments/{two}/advance", {"auto": True})
    assert seller.call("POST", "/v1/order/cancel", {"waybill_number": two})["code"] == "02041003"
    assert seller.call("POST", "/v1/order/weight/modify", {**changed, "waybill_number": two})["code"] == "02041003"
    assert [(row["weight_g"], row["held"], row["cancelled"]) for row in seller.shipments()] == [
        (400, True, True),
        (325, False, False),
    ]


def bars_of(page: pikepdf.Page) -> numpy.ndarray:
    """Paint the filled rectangles of the page's content, upside up, 4 pixels a point."""
    picture = numpy.full((1701, 1134), 255, dtype=numpy.uint8)
    for step in pikepdf.parse_content_stream(page):
        if isinstance(step, pikepdf.ContentStreamInstruction) and str(step.operator) == "re":
            x, y, width, height = (float(str(number)) * 4 for number in step.operands)
            picture[1701 - round(y + height) : 1701 - round(y), round(x) : round(x + width)] = 0
    return picture


@pytest.mark.parametrize("name", ["Zoë", "王小明"])
def test_the_label_is_a_real_page_with_a_barcode_that_reads(seller: Seller, name: str) -> None:
    waybill = seller.create("R-1", receiver=receiver(first_name=name))["result"]["waybill_number"]
    result = seller.call("GET", "/v1/order/label/get", order_number="R-1")["result"]
    content = base64.b64decode(result["label_string"])
    assert result["label_type"] == "PDF" and content.startswith(b"%PDF-") and len(content) <= 3000
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.check_pdf_syntax() == []
        (page,) = document.pages
        size = [float(side) / 72 * 25.4 for side in page.mediabox[2:]]
        assert size == pytest.approx([100, 150], abs=0.1)
        (read,) = zxingcpp.read_barcodes(bars_of(page))
        assert (read.text, read.format) == (waybill, zxingcpp.BarcodeFormat.Code128)
        encoding = "cp1252" if name == "Zoë" else "utf-16-be"
        assert f"{name} Müller".encode(encoding).hex().encode() in page.Contents.read_bytes()
    assert seller.shipments()[0]["labels"] == 1


def test_a_zpl_label(seller: Seller) -> None:
    waybill = seller.create("R-1", label_type="ZPL")["result"]["waybill_number"]
    result = seller.call("GET", "/v1/order/label/get", order_number=waybill)["result"]
    content = base64.b64decode(result["label_string"]).decode()
    assert content.startswith("^XA") and content.endswith("^XZ") and f"^FD{waybill}^FS" in content


@pytest.mark.parametrize("text", ["YT2632507000000001", "LA000000015CN", "ABC", "1234", "12345"])
def test_code_128_reads_back(text: str) -> None:
    row = numpy.full((100, 40 + sum(code128.widths(text)) * 3), 255, dtype=numpy.uint8)
    at = 20
    for number, width in enumerate(code128.widths(text)):
        if number % 2 == 0:
            row[:, at : at + width * 3] = 0
        at += width * 3
    (read,) = zxingcpp.read_barcodes(row)
    assert (read.text, read.format) == (text, zxingcpp.BarcodeFormat.Code128)


def test_a_parcel_lives(seller: Seller) -> None:
    waybill = seller.create("R-1")["result"]["waybill_number"]
    path = f"accounts/{seller.account}/shipments/{waybill}/advance"
    while seller.control("POST", path, {"auto": True})["happened"]:
        pass
    (entry,) = seller.call("GET", "/v1/track-service/info/get", order_number=waybill)["result"]
    codes = [event["track_node_code"] for event in entry["track_Info"]["track_events"]]
    assert codes[0] == "ORDER_CREATION" and codes[-1] == "DELIVERED" and len(codes) == 7
    assert entry["package_status"] == "D" and entry["track_info"] == entry["track_Info"]
    assert seller.call("GET", "/v1/order/info/get", order_number=waybill)["result"]["status"] == "V"


def test_events_by_hand_may_come_out_of_order(seller: Seller) -> None:
    waybill = seller.create("R-1")["result"]["waybill_number"]
    happened = [
        {"code": "RETURNED", "time": "2030-01-03T08:00:00Z", "location": "Shenzhen", "description": "Back"},
        {"code": "DELIVERY_FAILURE", "time": "2030-01-02T08:00:00Z", "location": "Berlin", "description": "Nobody"},
    ]
    after = seller.control("POST", f"accounts/{seller.account}/shipments/{waybill}/advance", {"events": happened})
    assert [event["code"] for event in after["events"]] == ["ORDER_CREATION", "DELIVERY_FAILURE", "RETURNED"]
    assert (after["status"], after["package_status"]) == ("F", "R")


def test_the_list_has_pages(seller: Seller) -> None:
    made = [seller.create(f"R-{at}")["result"]["waybill_number"] for at in range(5)]
    first = seller.control("GET", f"accounts/{seller.account}/shipments", limit=3)
    second = seller.control("GET", f"accounts/{seller.account}/shipments", limit=3, after=first["next"])
    assert [row["waybill"] for row in first["shipments"] + second["shipments"]] == made
    assert second["next"] is None
    assert [row["waybill"] for row in seller.shipments(reference="R-3")] == [made[3]]


# faults, time and death


def test_a_timeout_after_acting_leaves_one_shipment(seller: Seller) -> None:
    faults(seller, {"kind": "timeout_after", "op": "create"})
    with pytest.raises(httpx.RemoteProtocolError):
        seller.create("R-1")
    assert seller.call("GET", "/v1/order/info/get", order_number="R-1")["success"] is True
    assert seller.create("R-1")["code"] == "02039001"
    assert len(seller.shipments()) == 1


def test_a_timeout_before_acting_leaves_none(seller: Seller) -> None:
    faults(seller, {"kind": "timeout_before", "op": "create"})
    with pytest.raises(httpx.TransportError):
        seller.create("R-1")
    assert seller.shipments() == []


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [
        ("throttle", 429, 0),
        ("throttle_bare", 429, 0),
        ("html503", 503, 0),
        ("server_error", 500, 0),
        ("empty200", 200, 1),
    ],
)
def test_answers_that_are_no_answers(seller: Seller, kind: str, status: int, made: int) -> None:
    faults(seller, {"kind": kind, "op": "create"})
    response = seller.raw("POST", "/v1/order/package/create", order("R-1"))
    assert response.status_code == status
    assert ("retry-after" in response.headers) is (kind == "throttle")
    assert (response.content == b"") is (kind == "empty200")
    assert len(seller.shipments()) == made


def test_a_token_may_die_in_between(seller: Seller) -> None:
    faults(seller, {"kind": "token_dead", "op": "create"})
    assert seller.create("R-1")["code"] == "02010002"
    assert seller.create("R-1")["code"] == "02010002"
    seller.sign_in()
    assert seller.create("R-1")["success"] is True


def test_a_withheld_number(seller: Seller) -> None:
    faults(seller, {"kind": "withhold", "op": "create"})
    result = seller.create("R-1")["result"]
    assert (result["track_type"], result["tracking_number"]) == ("W", "")
    assert seller.call("GET", "/v1/order/label/get", order_number="R-1")["code"] == "02041010"
    assert seller.create("R-2")["result"]["track_type"] == "Y"


def test_a_number_comes_after_some_simulated_minutes(tmp_path: Path) -> None:
    started = time.time()
    with running(tmp_path, clock=f"{started}:{started}:1200") as server:
        seller = Seller(server.url)
        seller.open()

        def tick() -> None:
            seller.offset = (time.time() - started) * 1199

        tick()
        result = seller.create("R-1", product_code="THPHR")["result"]
        assert (result["track_type"], result["tracking_number"]) == ("W", "")
        deadline, number = time.monotonic() + 20, ""
        while not number and time.monotonic() < deadline:
            time.sleep(0.1)
            tick()
            number = seller.call("GET", "/v1/order/info/get", order_number="R-1")["result"]["tracking_number"]
        assert re.fullmatch(r"L[A-Z]\d{9}CN", number)
        tick()
        assert seller.call("GET", "/v1/order/info/get", order_number=number)["result"]["customer_order_number"] == "R-1"
        content = base64.b64decode(
            seller.call("GET", "/v1/order/label/get", order_number=number)["result"]["label_string"]
        )
        with pikepdf.open(io.BytesIO(content)) as document:
            (read,) = zxingcpp.read_barcodes(bars_of(document.pages[0]))
            assert read.text == number


def test_limits(tmp_path: Path) -> None:
    now = time.time()
    with running(tmp_path, clock=f"{now}:{now}:0.0001") as server:  # time nearly stands, so the bucket does not refill
        seller = Seller(server.url)
        seller.open()
        answers = [seller.raw("GET", "/v1/order/info/get", order_number="x") for _ in range(110)]
        assert [answer.status_code for answer in answers].count(429) == 10
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert answers[-1].json()["success"] is False


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port=port) as server:
        seller = Seller(server.url)
        seller.open()
        waybill = seller.create("R-1")["result"]["waybill_number"]
        server.kill()
    with running(tmp_path, port=port):
        seller.http = httpx.Client(base_url=seller.base)
        info = seller.call("GET", "/v1/order/info/get", order_number="R-1")["result"]
        assert info["waybill_number"] == waybill
        assert seller.create("R-1")["code"] == "02039001"
        assert seller.create("R-2")["result"]["waybill_number"] != waybill

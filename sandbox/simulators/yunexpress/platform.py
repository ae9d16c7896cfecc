"""The wire: routes, the gate in front of each (faults, limits, token, signature), and the operations behind it."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from ..base.faults import Faults
from ..base.limits import Limiter
from ..base.platform import Cut, Platform
from ..base.store import Store, loads
from . import answers, control, label, orders, shipments
from .accounts import Account, Accounts
from .answers import BAD_FIELD, BAD_TOKEN, NO_PRICE, NOT_READY, WRONG_STATE, Refused
from .products import COUNTRIES

RATE, BURST = 50.0, 100.0  # requests a second and account; our own figure, none is published
BEFORE = ("timeout_before", "throttle", "throttle_bare", "html503", "server_error", "token_dead")
AFTER = ("timeout_after", "empty200")
Operation = Callable[[Account, Request, bytes], Response]


class YunExpress(Platform):
    name = "yunexpress"

    def __init__(self, data: Path, faults: Faults, limiter: Limiter) -> None:
        super().__init__(data, faults, limiter)
        self.store = Store(data / "yunexpress.sqlite", shipments.SCHEMA)
        self.accounts = Accounts(self.store)
        self.book = shipments.Shipments(self.store)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/openapi/oauth2/token", self.token, methods=["POST"]),
            self._post("/v1/order/package/create", "create", self.create),
            self._post("/v1/order/cancel", "cancel", self.cancel),
            self._post("/v1/order/hold", "hold", self.hold),
            self._post("/v1/order/weight/modify", "weight", self.weigh),
            self._get("/v1/order/info/get", "info", self.info, "order_number"),
            self._get("/v1/order/label/get", "label", self.label, "order_number", "label_type"),
            self._get("/v1/track-service/info/get", "track", self.track, "order_number"),
            self._get("/v1/price-trial/get", "price", self.price, *PRICE_PARAMETERS),
            self._get("/v1/basic-data/products/getlist", "products", self.products, "country_code"),
            self._get("/v1/basic-data/countries/getlist", "countries", self.countries),
        ]

    def control(self) -> list[BaseRoute]:
        return control.routes(self)

    # the gate

    def _post(self, path: str, op: str, act: Operation) -> Route:
        return Route(path, self._gate(path, op, act, frozenset()), methods=["POST"])

    def _get(self, path: str, op: str, act: Operation, *known: str) -> Route:
        return Route(path, self._gate(path, op, act, frozenset(known)), methods=["GET"])

    def _gate(
        self, path: str, op: str, act: Operation, known: frozenset[str]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            token = request.headers.get("token", "")
            try:
                account = self.accounts.holder(token)
                strike = self._before(op, account, token)
                if strike is not None:
                    return strike
                self.accounts.verify(
                    account,
                    date=request.headers.get("date", ""),
                    sign=request.headers.get("sign", ""),
                    method=request.method,
                    # The real host has no prefix; a client may sign the path of its URL or the path of the API.
                    paths=(path, request.url.path),
                    body=body,
                )
                for name in request.query_params:
                    if name not in known:
                        raise Refused(BAD_FIELD, f"{name} is not a known parameter")
                answer = act(account, request, body)
            except Refused as error:
                return answers.refusal(error)
            return self._after(op, account.id, answer)

        return endpoint

    def _before(self, op: str, account: Account, token: str) -> Response | None:
        wait = self.limiter.take((self.name, account.id), RATE, BURST)
        if wait:
            raise _throttled(wait)
        fault = self.faults.draw(BEFORE, op=op, account=account.id)
        if fault == "timeout_before":
            return Cut()
        if fault == "throttle":
            raise _throttled(1)
        if fault == "throttle_bare":
            raise _throttled(None)
        if fault == "html503":
            return HTMLResponse("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503)
        if fault == "server_error":
            raise Refused(answers.BROKEN, "Service execution time-out", status=500)
        if fault == "token_dead":
            self.accounts.drop_token(token)
            raise Refused(BAD_TOKEN, "token is missing, wrong or expired")
        return None

    def _after(self, op: str, account: str, answer: Response) -> Response:
        fault = self.faults.draw(AFTER, op=op, account=account)
        if fault == "timeout_after":
            return Cut()
        return Response(b"", 200) if fault == "empty200" else answer

    # operations

    async def token(self, request: Request) -> Response:
        try:
            given = _object(await request.body())
            unknown = given.keys() - {"grantType", "appId", "appSecret", "sourceKey"}
            if unknown:
                raise Refused(BAD_FIELD, f"{', '.join(sorted(unknown))} is not a known field")
            if given.get("grantType") != "client_credentials":
                raise Refused(BAD_FIELD, "grantType must be client_credentials")
            app_id = str(given.get("appId") or "")
            account = self.accounts.by_app.get(app_id)
            name = account.id if account else ""
            fault = self.faults.draw(("timeout_before", "html503", "timeout_after"), op="token", account=name)
            if fault == "timeout_before":
                return Cut()
            if fault == "html503":
                return HTMLResponse("<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>", 503)
            answer = self.accounts.issue(app_id, str(given.get("appSecret") or ""))
        except Refused as error:
            return answers.refusal(error)
        if fault == "timeout_after":
            return Cut()
        return Response(json.dumps(answer).encode(), media_type="application/json")

    def create(self, account: Account, _: Request, body: bytes) -> Response:
        order = _object(body)
        product, weight = orders.check(account, order)
        late = self.faults.draw(("withhold",), op="create", account=account.id) == "withhold"
        return answers.success(shipments.created(self.book.create(account, order, product, weight, late=late)))

    def info(self, account: Account, request: Request, _: bytes) -> Response:
        return answers.success(shipments.info(self._asked(account, request)))

    def label(self, account: Account, request: Request, _: bytes) -> Response:
        row = self._asked(account, request)
        if row["state"] == "C":
            raise Refused(WRONG_STATE, "the order is cancelled, it has no label")
        if row["track_type"] == "W" and not shipments.number_of(row):
            raise Refused(NOT_READY, "the label is being made, wait for the tracking number")
        order = loads(row["body"])
        kind = request.query_params.get("label_type") or order.get("label_type") or "PDF"
        if kind not in ("PDF", "ZPL"):
            raise Refused(BAD_FIELD, "label_type must be PDF or ZPL")
        draw = label.pdf if kind == "PDF" else label.zpl
        made = draw(
            number=row["tracking"] or row["waybill"],
            reference=row["reference"],
            product=row["product"],
            weight_g=row["weight_g"],
            receiver=order["receiver"],
        )
        self.book.label_printed(row)
        return answers.success(
            {
                "order_number": request.query_params["order_number"],
                "url": "",
                "label_type": kind,
                "label_string": base64.b64encode(made).decode(),
            }
        )

    def track(self, account: Account, request: Request, _: bytes) -> Response:
        row = self._asked(account, request)
        asked = request.query_params["order_number"]
        return answers.success([shipments.tracking(row, asked, account.products.get(row["product"]))])

    def cancel(self, account: Account, _: Request, body: bytes) -> Response:
        given = _fields(body, "waybill_number")
        row = self.book.find(account.id, _text(given, "waybill_number"))
        self.book.cancel(row)
        return answers.success({"waybill_number": row["waybill"]})

    def hold(self, account: Account, _: Request, body: bytes) -> Response:
        given = _fields(body, "waybill_number", "remark")
        row = self.book.find(account.id, _text(given, "waybill_number"))
        self.book.hold(row)
        return answers.success({"waybill_number": row["waybill"]})

    def weigh(self, account: Account, _: Request, body: bytes) -> Response:
        given = _fields(body, "waybill_number", "weight", "weight_unit")
        row = self.book.find(account.id, _text(given, "waybill_number"))
        weight = _weight(given.get("weight"), given.get("weight_unit", "KG"))
        product = account.products.get(row["product"])
        if product is not None and weight > product.max_weight_g:
            limit = Decimal(product.max_weight_g) / 1000
            raise Refused(
                answers.RULE_BROKEN, f"Order rule verification failed: Weight : should not exceed {limit:f}KG"
            )
        self.book.weigh(row, weight)
        return answers.success({"waybill_number": row["waybill"], "weight": weight / 1000, "weight_unit": "KG"})

    def price(self, account: Account, request: Request, _: bytes) -> Response:
        asked = request.query_params
        country = asked.get("country_code", "")
        if country not in COUNTRIES:
            raise Refused(BAD_FIELD, "country_code must be an ISO 3166 code that the carrier serves")
        weight = _weight(asked.get("weight"), asked.get("weight_unit") or "KG")
        goods = asked.get("package_type") or "C"
        if goods not in ("C", "E", "F"):
            raise Refused(BAD_FIELD, "package_type must be C, E or F")
        offers = [
            {
                "product_code": product.code,
                "product_name": product.name,
                "fee_name": "运费",
                "calculate_amount": float(product.price(weight)),
                "currency": "CNY",
                "interval_day": product.days,
            }
            for product in account.products.values()
            if product.serves(country) and weight <= product.max_weight_g and product.takes(goods)
        ]
        if not offers:
            raise Refused(NO_PRICE, "could not recommend a suitable price")
        return answers.success(offers)

    def products(self, account: Account, request: Request, _: bytes) -> Response:
        country = request.query_params.get("country_code")
        sold = [product for product in account.products.values() if not country or product.serves(country)]
        rows = [
            {"product_code": item.code, "product_name": item.name, "product_name_en": item.name_en} for item in sold
        ]
        return answers.success(rows, key="detail")

    def countries(self, _: Account, __: Request, ___: bytes) -> Response:
        rows = [
            {"country_code": code, "country_name": zh, "country_name_en": en} for code, (zh, en) in COUNTRIES.items()
        ]
        return answers.success(rows, key="detail")

    def _asked(self, account: Account, request: Request) -> Any:
        number = request.query_params.get("order_number", "").strip()
        if not number:
            raise Refused(BAD_FIELD, "order_number is required")
        return self.book.find(account.id, number)


PRICE_PARAMETERS = (
    "country_code", "weight", "weight_unit", "package_type", "postal_code", "product_group_code", "pieces", "length",
    "width", "height", "size_unit", "origin",
)  # fmt: skip


def _throttled(seconds: float | None) -> Refused:
    headers = None if seconds is None else {"Retry-After": str(max(1, round(seconds + 0.5)))}
    return Refused(answers.THROTTLED, "too many requests", status=429, headers=headers)


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(BAD_FIELD, "the body must be a JSON object")
    return given


def _fields(body: bytes, *known: str) -> dict[str, Any]:
    given = _object(body)
    for name in given:
        if name not in known:
            raise Refused(BAD_FIELD, f"{name} is not a known field")
    return given


def _text(given: dict[str, Any], field: str) -> str:
    value = given.get(field)
    if not isinstance(value, str) or not value.strip():
        raise Refused(BAD_FIELD, f"{field} is required")
    return value.strip()


def _weight(value: Any, unit: Any) -> int:
    faults = orders.Faults()
    number = faults.number(value, "weight", places=3)
    if unit not in orders.GRAMS:
        faults.append("weight_unit must be KG, G or LBS")
    if faults or number is None:
        raise Refused(BAD_FIELD, "; ".join(faults))
    return orders.grams(number, unit)

"""YunExpress 云途: booking, number now or later, label, cancel, tracking, price trial."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import Field

from core.errors import AlreadyDone, NotFound, Rejected, Transient, UnknownOutcome
from core.values import Booking, Label, Money, Parcel, ShipmentRequest
from logistics.canonical import ServiceInfo, Tracked
from logistics.carriers.yunexpress import client, mapping
from logistics.protocol import (
    BOOK,
    CANCEL,
    LABEL,
    NUMBER_LATER,
    QUOTE,
    TRACK,
    CarrierCredentials,
    CarrierSession,
    CarrierSettings,
    CarrierToken,
    SandboxDraft,
)

CREATE, INFO, LABEL_PATH = "/v1/order/package/create", "/v1/order/info/get", "/v1/order/label/get"
CANCEL_PATH, TRACK_PATH, PRICE = "/v1/order/cancel", "/v1/track-service/info/get", "/v1/price-trial/get"
PRODUCTS = "/v1/basic-data/products/getlist"


class Settings(CarrierSettings):
    reference_prefix: str = Field(
        default="",
        max_length=10,
        title="Reference prefix",
        description="Only when several companies share this carrier account.",
    )
    fallback_phone: str = Field(
        default="",
        max_length=32,
        title="Phone when the buyer gave none",
        description="The carrier takes no parcel without a phone number.",
    )


class Credentials(CarrierCredentials):
    app_id: str = Field(title="App ID")
    app_secret: str = Field(title="App secret")


class YunExpress:
    key: ClassVar[str] = "yunexpress"
    title: ClassVar[str] = "YunExpress"  # marketplaces are told this name
    capabilities: ClassVar[frozenset[str]] = frozenset({BOOK, NUMBER_LATER, LABEL, CANCEL, TRACK, QUOTE})
    settings_model: ClassVar[type[CarrierSettings]] = Settings
    credentials_model: ClassVar[type[CarrierCredentials]] = Credentials

    def sandbox_draft(self, url: str) -> SandboxDraft:
        key = uuid.uuid4().hex[:12]
        credentials = {"app_id": f"app-{key}", "app_secret": f"sandbox-{uuid.uuid4().hex}"}
        return SandboxDraft(
            external_id=f"yun-{key}",
            settings={"base_url": f"{url}/yunexpress"},
            credentials=credentials,
            register_url=f"{url}/_control/yunexpress/accounts",
            register={"account_id": f"yun-{key}", **credentials},
        )

    def refresh_token(self, session: CarrierSession) -> CarrierToken | None:
        access, seconds = client.token(session)
        return CarrierToken(access, seconds)

    def services(self, session: CarrierSession) -> list[ServiceInfo]:
        rows = client.call(session, "GET", PRODUCTS, operation="products", key="detail") or []
        return [
            ServiceInfo(
                str(row["product_code"]),
                str(row.get("product_name_en") or row.get("product_name") or row["product_code"]),
                str(row.get("product_name") or ""),
            )
            for row in rows
            if isinstance(row, dict) and row.get("product_code")
        ]

    def quote(self, session: CarrierSession, service_code: str, country: str, parcel: Parcel) -> Money:
        params: dict[str, Any] = {
            "country_code": country,
            "weight": str(Decimal(parcel.weight_g) / 1000),
            "weight_unit": "KG",
        }
        offers = mapping.dicts(client.call(session, "GET", PRICE, operation="price", params=params))
        for offer in offers:
            amount = mapping.amount(offer.get("calculate_amount"))  # none where the product does not go there
            if offer.get("product_code") == service_code and amount is not None:
                return Money(amount, str(offer.get("currency") or "CNY"))
        raise Rejected("carrier.no_price", field="service")

    def book(self, session: CarrierSession, request: ShipmentRequest) -> Booking:
        """AlreadyDone when our reference is known there: the caller then asks ``find``."""
        body = mapping.create_body(request, session.settings)
        result = client.call(session, "POST", CREATE, operation="create", body=body, writes=True)
        if not isinstance(result, dict) or not result.get("waybill_number"):
            raise UnknownOutcome("carrier.answer_unreadable")
        return mapping.booking(result)

    def find(self, session: CarrierSession, reference: str) -> Booking | None:
        """Raises Rejected ``carrier.booking_cancelled`` when it was booked and cancelled."""
        wanted = mapping.reference_of(session.settings, reference)
        found = self._info(session, wanted)
        if found is None or str(found.get("customer_order_number") or "") != wanted:
            return None
        if found.get("status") in ("C", "Deleted"):
            raise Rejected("carrier.booking_cancelled")
        return mapping.booking(found)

    def _info(self, session: CarrierSession, number: str) -> dict[str, Any] | None:
        try:
            found = client.call(session, "GET", INFO, operation="info", params={"order_number": number})
        except NotFound:
            return None
        if not isinstance(found, dict) or not found.get("waybill_number"):
            raise Transient("carrier.answer_unreadable")
        return found

    def fetch_number(self, session: CarrierSession, waybill: str) -> str:
        found = self._info(session, waybill)
        if found is None:
            raise NotFound("carrier.no_such_booking")
        return str(found.get("tracking_number") or "")

    def fetch_label(self, session: CarrierSession, waybill: str) -> Label:
        """NotFound while it is being made."""
        result = client.call(session, "GET", LABEL_PATH, operation="label", params={"order_number": waybill})
        if not isinstance(result, dict):
            raise Transient("carrier.answer_unreadable")
        if result.get("label_string"):
            try:
                content = base64.b64decode(str(result["label_string"]), validate=False)
            except (binascii.Error, ValueError):
                raise Transient("carrier.label_unreadable") from None
        elif result.get("url"):
            answer = session.http.send("GET", str(result["url"]), operation="label_file", timeout=client.TIMEOUT)
            if answer.status != 200:
                raise Transient("carrier.label_unreadable", status=answer.status)
            content = answer.content
        else:
            raise NotFound("carrier.label_not_ready")
        return Label(content, media_type(content))

    def cancel(self, session: CarrierSession, waybill: str) -> None:
        """AlreadyDone when it is cancelled already; Rejected ``carrier.cancel_too_late`` once the parcel is there."""
        try:
            client.call(session, "POST", CANCEL_PATH, operation="cancel", body={"waybill_number": waybill}, writes=True)
        except Rejected as error:
            if error.code != "carrier.wrong_state":
                raise
            found = self._info(session, waybill)
            if found is not None and found.get("status") in ("C", "Deleted"):
                raise AlreadyDone("carrier.booking_cancelled") from None
            raise Rejected("carrier.cancel_too_late") from None
        except NotFound:
            raise AlreadyDone("carrier.no_such_booking") from None

    def track(self, session: CarrierSession, numbers: Sequence[str]) -> list[Tracked]:
        """One call a number; numbers that the carrier does not know are left out."""
        out: list[Tracked] = []
        for number in numbers:
            try:
                result = client.call(session, "GET", TRACK_PATH, operation="track", params={"order_number": number})
            except NotFound:
                continue
            for item in mapping.dicts(result):
                status = str(item.get("package_status") or "")
                tracks = mapping.dicts(item.get("track_Info") or item.get("track_info"))
                legs = [event for track in tracks for event in mapping.dicts(track.get("track_events"))]
                found = mapping.events({"track_events": legs}, status)
                last = found[-1] if found else None
                out.append(Tracked(number, found, last.main if last else "", last.sub if last else ""))
        return out

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any]) -> list[Tracked]:
        """The form of its pushed tracking is not published, so nothing that claims to be one is believed."""
        raise Rejected("carrier.no_webhooks")


def media_type(content: bytes) -> str:
    """By the first bytes. Raises Transient for what is no label: some systems encode an error page."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.lstrip()[:3] == b"^XA":
        return "application/zpl"
    if content.startswith(b"\x89PNG"):
        return "image/png"
    raise Transient("carrier.label_unreadable")


CARRIER = YunExpress()

"""A carrier without an API: it gave us numbers in advance; the label is our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator

from core import patterns
from core.errors import NotFound, Rejected
from core.values import Booking, Label, Money, Parcel, ShipmentRequest
from logistics.canonical import ServiceInfo, Tracked
from logistics.protocol import (
    BOOK,
    CANCEL,
    LABEL,
    NUMBER_POOL,
    CarrierCredentials,
    CarrierSession,
    CarrierSettings,
    CarrierToken,
    SandboxDraft,
)


class Settings(CarrierSettings):
    carrier_name: str = Field(
        default="", max_length=40, title="Name of the carrier", description="Stands in the head of the label."
    )
    number_format: str = Field(
        default="",
        max_length=200,
        title="Form of its numbers",
        description="A regular expression for the whole number; others are refused. Empty: any.",
    )

    @field_validator("number_format")
    @classmethod
    def _usable(cls, given: str) -> str:
        if not patterns.usable(given):
            raise ValueError("no pattern, or one that takes too long")
        return given


class Pool:
    key: ClassVar[str] = "pool"
    title: ClassVar[str] = "Number pool"
    capabilities: ClassVar[frozenset[str]] = frozenset({BOOK, LABEL, CANCEL, NUMBER_POOL})
    settings_model: ClassVar[type[CarrierSettings]] = Settings
    credentials_model: ClassVar[type[CarrierCredentials]] = CarrierCredentials

    def sandbox_draft(self, url: str) -> SandboxDraft:
        return SandboxDraft(external_id="", settings={"carrier_name": "Swift 迅达"}, credentials={})

    def refresh_token(self, session: CarrierSession) -> CarrierToken | None:
        return None

    def services(self, session: CarrierSession) -> list[ServiceInfo]:
        """None are known: a person names them."""
        return []

    def quote(self, session: CarrierSession, service_code: str, country: str, parcel: Parcel) -> Money:
        raise Rejected("carrier.no_price", field="service")

    def book(self, session: CarrierSession, request: ShipmentRequest) -> Booking:
        """The reference's number from the pool and our own label: nothing leaves the house, so it can be repeated."""
        if session.take_number is None:
            raise Rejected("pool.empty")
        number = session.take_number(request.reference)
        form = str(session.settings.get("number_format") or "")
        if form and not patterns.fits(form, number):
            raise Rejected("number.not_the_services_format", item=number, format=form)
        if not (request.receiver.name or request.receiver.company) or not any(request.receiver.lines):
            raise Rejected("shipment.address_incomplete", field="receiver", missing=["name", "lines"])
        name = str(session.settings.get("carrier_name") or request.service_code)
        from logistics.carriers.pool import label  # what draws PDF is loaded by those who book

        content = label.draw(request, number=number, carrier=name)
        return Booking(waybill=number, tracking_number=number, label=Label(content), needs=frozenset({"label"}))

    def find(self, session: CarrierSession, reference: str) -> Booking | None:
        """Nobody to ask; ``book`` gives the same number again."""
        return None

    def fetch_number(self, session: CarrierSession, waybill: str) -> str:
        return waybill

    def fetch_label(self, session: CarrierSession, waybill: str) -> Label:
        raise NotFound("carrier.label_not_ready")

    def cancel(self, session: CarrierSession, waybill: str) -> None:
        """The number is used up; nobody has to be told."""

    def track(self, session: CarrierSession, numbers: Sequence[str]) -> list[Tracked]:
        return []

    def parse_webhook(self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any]) -> list[Tracked]:
        raise Rejected("carrier.no_webhooks")


CARRIER = Pool()

"""The seam for carriers and tracking aggregators. Carriers are stateless; a session is handed in.

They raise only ``core.errors.AdapterError`` kinds. ``book`` with a lost answer raises UnknownOutcome; the caller then
asks ``find`` by reference and never repeats blindly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from core.values import Booking, Label, Money, Parcel, ShipmentRequest
from logistics.canonical import ServiceInfo, Tracked

BOOK, NUMBER_LATER, LABEL, CANCEL, TRACK, QUOTE, MANIFEST, NUMBER_POOL = (
    "book",
    "number_later",
    "label",
    "cancel",
    "track",
    "quote",
    "manifest",
    "number_pool",  # has no API: numbers come from our own pool, see ``CarrierSession.take_number``
)


class CarrierSettings(BaseModel):
    """Drawn as the connect form; no secrets."""

    base_url: str = ""


class CarrierCredentials(BaseModel):
    """Secrets of a carrier account."""


@dataclass(frozen=True, slots=True)
class CarrierToken:
    access: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class SandboxDraft:
    """An account to make at the simulators: what to post where ('' : nothing), and what it is then connected with."""

    external_id: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any]
    register_url: str = ""
    register: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CarrierSession:
    """``http`` is ``core.http``'s client (see ``channels.protocol.Http`` for its contract).

    ``take_number`` gives the number of our own pool for a reference (always the same one for the same reference); it
    raises Rejected ``pool.empty`` when none is left.
    """

    http: Any
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    access_token: str = field(default="", repr=False)
    now: Callable[[], datetime] = field(kw_only=True)
    take_number: Callable[[str], str] | None = None


class Carrier(Protocol):
    key: ClassVar[str]
    title: ClassVar[str]
    capabilities: ClassVar[frozenset[str]]
    settings_model: ClassVar[type[CarrierSettings]]
    credentials_model: ClassVar[type[CarrierCredentials]]

    def sandbox_draft(self, url: str) -> SandboxDraft:
        """A new account at the simulators under base ``url``; nothing is sent."""

    def refresh_token(self, session: CarrierSession) -> CarrierToken | None:
        """None when the carrier needs no token. Raises AuthRevoked for credentials that are refused."""

    def services(self, session: CarrierSession) -> list[ServiceInfo]: ...

    def quote(self, session: CarrierSession, service_code: str, country: str, parcel: Parcel) -> Money: ...

    def book(self, session: CarrierSession, request: ShipmentRequest) -> Booking:
        """AlreadyDone when the reference is known there (the caller then asks ``find``); Rejected with what is wrong.

        UnknownOutcome when the answer was lost; Transient and Throttled only when certainly nothing was done.
        """

    def find(self, session: CarrierSession, reference: str) -> Booking | None:
        """The booking made for our reference, or None when the carrier knows nothing of it.

        ``raw`` may tell country, postcode and service as booked, so that a stranger's booking is not taken for ours.
        Raises Rejected ``carrier.booking_cancelled`` when it was made and cancelled.
        """

    def fetch_number(self, session: CarrierSession, waybill: str) -> str:
        """The tracking number, or '' while there is none yet."""

    def fetch_label(self, session: CarrierSession, waybill: str) -> Label:
        """NotFound while there is none yet."""

    def cancel(self, session: CarrierSession, waybill: str) -> None:
        """AlreadyDone when it is cancelled there; Rejected ``carrier.cancel_too_late``. Safe to repeat."""

    def track(self, session: CarrierSession, numbers: Sequence[str]) -> list[Tracked]: ...

    def parse_webhook(
        self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any]
    ) -> list[Tracked]: ...


class TrackerClient(Protocol):
    """An aggregator such as 17TRACK."""

    kind: ClassVar[str]
    title: ClassVar[str]
    settings_model: ClassVar[type[CarrierSettings]]
    credentials_model: ClassVar[type[CarrierCredentials]]

    def sandbox_draft(self, url: str, hook_url: str = "") -> SandboxDraft:
        """As a carrier's; ``hook_url`` is where the simulator sends its webhooks."""

    def register(self, session: CarrierSession, numbers: Sequence[tuple[str, int | None, str]]) -> dict[str, str]:
        """``(number, carrier id or None, destination country)`` × ≤ 40 → {number: '' or error code}."""

    def fetch(self, session: CarrierSession, numbers: Sequence[str]) -> list[Tracked]: ...

    def parse_webhook(
        self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any]
    ) -> list[Tracked]: ...

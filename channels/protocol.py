"""The seam for marketplaces: small capabilities, an account's settings, a session that is handed in.

An adapter is a stateless object. Every method that reaches outside gets a ``Session``; it raises only
``core.errors.AdapterError`` kinds and never sleeps or retries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel

from channels.canonical import (
    Answer,
    HookNews,
    Message,
    Order,
    Page,
    RawItem,
    SentAnswer,
    ShipNotice,
    StockItem,
    Window,
)
from core.wire import Http, HttpAnswer

__all__ = [
    "MEDIA",
    "MESSAGES",
    "ORDERS",
    "PLATFORM_STOCK",
    "SHIPMENTS",
    "WEBHOOKS",
    "AccountSettings",
    "Adapter",
    "Credentials",
    "DeletionSource",
    "Guided",
    "HookSource",
    "Http",
    "HttpAnswer",
    "MediaSource",
    "MessageSource",
    "OrderSource",
    "Owner",
    "OwnerSource",
    "SandboxDraft",
    "Session",
    "ShipmentSink",
    "StockSource",
    "Token",
]

# capabilities
ORDERS, MESSAGES, SHIPMENTS, PLATFORM_STOCK, WEBHOOKS = "orders", "messages", "shipments", "platform_stock", "webhooks"
MEDIA = "media"  # pictures with messages: the adapter is a MediaSource


@dataclass(frozen=True, slots=True)
class Token:
    access: str = field(repr=False)
    expires_in: int  # seconds


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose consent an access token is. '' and () for what the platform does not say.

    ``aliases``: other names of the same seller that the platform gives out. ``marketplaces``: ids where it may sell.
    """

    external_id: str = ""
    name: str = ""
    aliases: tuple[str, ...] = ()
    marketplaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """Everything an adapter may use for one account. ``credentials`` is the adapter's Credentials model as a dict."""

    http: Http
    external_account: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    marketplaces: tuple[str, ...]
    access_token: str = field(default="", repr=False)
    now: Callable[[], datetime] = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SandboxDraft:
    """A store to make at the simulators: what to post where, and what the account is then connected with."""

    external_id: str
    marketplaces: tuple[str, ...]
    settings: Mapping[str, Any]
    credentials: Mapping[str, Any]
    register_url: str
    register: Mapping[str, Any]


class AccountSettings(BaseModel):
    """Drawn as the connect form: field titles and descriptions are shown. No secrets here."""

    base_url: str = ""


class Credentials(BaseModel):
    """Secrets of an account; encrypted at rest, never shown again."""


@runtime_checkable
class Adapter(Protocol):
    """What every marketplace has."""

    platform: ClassVar[str]
    title: ClassVar[str]
    capabilities: ClassVar[frozenset[str]]
    settings_model: ClassVar[type[AccountSettings]]
    credentials_model: ClassVar[type[Credentials]]
    overlap_seconds: ClassVar[int]  # how far a window reaches back behind the cursor
    lag_seconds: ClassVar[int]  # how far a window's end stays behind now
    max_window_seconds: ClassVar[int]
    pull_every_seconds: ClassVar[int]
    answer_within_hours: ClassVar[int]  # the platform's deadline for messages
    purge_after_days: ClassVar[int]  # personal data, after delivery
    keeps_buyer_hash: ClassVar[
        bool
    ]  # its rules let a keyed hash of a purged buyer stay, by which one who returns is known
    person_fields: ClassVar[
        tuple[str, ...]
    ]  # XML elements or JSON members that hold a buyer's id or address in payloads

    def refresh_token(self, session: Session) -> Token: ...

    def check_marketplaces(self, marketplaces: tuple[str, ...]) -> tuple[str, ...]:
        """The platform's ids of the marketplaces (a person may give country codes). Raises BusinessError."""

    def sandbox_draft(self, url: str, marketplace: str) -> SandboxDraft:
        """A new store at the simulators under base ``url``; nothing is sent."""


@runtime_checkable
class OwnerSource(Protocol):
    """A platform that tells whose token it is; asked when an account is connected, before anything is kept."""

    def identify(self, session: Session) -> Owner: ...


@runtime_checkable
class Guided(Protocol):
    """An adapter that says where a seller finds its keys: sentences in English, in order, shown beside the form.

    ``consent_days``: how long a seller's consent lasts at the platform, 0 for ever.
    """

    connect_steps: ClassVar[tuple[str, ...]]
    consent_days: ClassVar[int]


class OrderSource(Protocol):
    def fetch_orders(self, session: Session, window: Window, page_token: str) -> Page: ...

    def fetch_order(self, session: Session, external_id: str) -> RawItem: ...

    def parse_order(self, payload: str) -> Order: ...


class ShipmentSink(Protocol):
    def confirm_shipment(self, session: Session, notice: ShipNotice) -> None:
        """Tell the platform. Returns when it answered yes; AlreadyDone when it says it knows; Rejected with a reason."""

    def shipment_known(self, session: Session, notice: ShipNotice) -> bool:
        """Look up whether exactly this parcel is known there (after an unknown outcome)."""

    def carrier_name(self, carrier: str) -> str: ...


class MessageSource(Protocol):
    def fetch_messages(self, session: Session, window: Window, page_token: str) -> Page: ...

    def parse_message(self, payload: str) -> Message: ...

    def send_answer(self, session: Session, answer: Answer) -> SentAnswer: ...

    def find_answer(self, session: Session, answer: Answer) -> SentAnswer | None:
        """Look up an answer that may have been sent (after an unknown outcome)."""


@runtime_checkable
class MediaSource(Protocol):
    """A platform (capability ``MEDIA``) whose messages carry pictures, both ways."""

    most_media: ClassVar[int]  # of an answer
    media_types: ClassVar[frozenset[str]]  # that an answer may carry
    media_bytes: ClassVar[int]  # of one, at most

    def fetch_media(self, session: Session, url: str) -> bytes:
        """A picture of a message, as it stands at the platform.

        Raises Rejected ``media.address`` before anything is called when the address is none of the platform's own,
        ``media.redirected``, ``media.too_large``; NotFound when it is gone; Throttled, Transient.
        """

    def upload_media(self, session: Session, name: str, media_type: str, content: bytes) -> str:
        """Put a picture up for an answer; the address to send with it.

        Doing it twice makes two pictures that nobody sees until an answer names one, so a lost reply is Transient.
        Raises Rejected for a picture that the platform refuses, and what every call does.
        """


class StockSource(Protocol):
    def fetch_stock(self, session: Session, page_token: str) -> Page: ...

    def parse_stock(self, payload: str) -> StockItem: ...


class HookSource(Protocol):
    def hook_account(self, raw: bytes, headers: Mapping[str, str]) -> str:
        """The platform's name of the account in an unverified call: only to find which secret verifies it."""

    def verify_hook(
        self, raw: bytes, headers: Mapping[str, str], credentials: Mapping[str, Any], now: datetime
    ) -> HookNews:
        """Check signature and age over the raw bytes. Raises Rejected when it is not from the platform."""


@runtime_checkable
class DeletionSource(Protocol):
    """A platform that tells of persons who are to be forgotten.

    ``installed``: what the installation has at the platform (``settings.INSTALLATION``), never a seller's.
    """

    def greet_hook(self, query: Mapping[str, str], installed: Mapping[str, str]) -> bytes | None:
        """JSON that answers a GET by which the platform checks our address; None for any other GET."""

    def speaks_of_persons(self, raw: bytes, headers: Mapping[str, str]) -> bool:
        """Whether an unverified call is one of the kind that ``deleted_person`` reads."""

    def deleted_person(self, raw: bytes, headers: Mapping[str, str], key_of: Callable[[str], str]) -> tuple[str, ...]:
        """The platform's ids of the person to forget, () for a genuine call about something else.

        ``key_of(key id)`` gives a public key, kept for a while. Raises Rejected when it is not from the platform.
        """

    def fetch_hook_key(self, http: Http, installed: Mapping[str, str], key_id: str) -> str:
        """The platform's public key of that id. Raises Rejected for an unknown one, Transient."""

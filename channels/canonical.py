"""What a marketplace says, in our words. Adapters make these; nothing here knows Django or a platform.

Money is Decimal in ``currency``; quantities are sold pieces; times are aware UTC; countries ISO 3166-1 alpha-2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.values import Address

PENDING, PAID, PARTLY_SHIPPED, SHIPPED, CANCELLED, REFUNDED, UNKNOWN = (
    "pending",
    "paid",
    "partly_shipped",
    "shipped",
    "cancelled",
    "refunded",
    "unknown",
)
STATUSES = (PENDING, PAID, PARTLY_SHIPPED, SHIPPED, CANCELLED, REFUNDED, UNKNOWN)
MERCHANT, PLATFORM = "merchant", "platform"


@dataclass(frozen=True, slots=True)
class Buyer:
    """The member who bought: not the receiver (Req. 65). ``id`` is the platform's immutable id where there is one.

    ``aliases``: further ids by which the platform may speak of the same member (eBay's token outlives a renaming).
    """

    id: str = ""
    name: str = ""
    email: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """``unit_price`` per sold piece before tax and discount; ``line_total`` = what the buyer pays for the line's goods."""

    external_line_id: str
    seller_sku: str
    title: str
    quantity: int
    unit_price: Decimal
    line_total: Decimal
    external_item_id: str = ""
    cancelled: int = 0
    shipped: int = 0
    tax: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the platform has it now. ``withheld``: names of personal blocks that the platform did not give
    (``receiver``, ``buyer``): known values are kept, never overwritten by nothing.

    ``former_ids``: orders that this one replaces (eBay combined orders). ``grand_total`` is the platform's own figure.
    """

    external_id: str
    status: str
    raw_status: str
    updated_at: datetime
    placed_at: datetime
    currency: str
    lines: tuple[Line, ...]
    items_total: Decimal
    shipping_total: Decimal
    tax_total: Decimal
    discount_total: Decimal
    grand_total: Decimal
    buyer: Buyer = Buyer()
    receiver: Address = Address()
    paid_at: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    note: str = ""
    service_asked: str = ""
    fulfilment: str = MERCHANT
    cancel_requested: bool = False
    cancel_reason: str = ""
    ship_reference: str = ""
    marketplace: str = ""
    former_ids: tuple[str, ...] = ()
    withheld: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Media:
    """A picture of a message: its name, and the address where the platform keeps it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """One incoming message. ``thread`` groups a conversation: the platform's, else buyer + item.

    ``media``: what the buyer sent with it. Addresses come from outside: they are fetched by the adapter alone.
    """

    external_id: str
    thread: str
    buyer_id: str
    body: str
    sent_at: datetime
    buyer_name: str = ""
    subject: str = ""
    item_ref: str = ""
    order_external_id: str = ""
    answered: bool = False
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What we send back. ``key`` is ours, unique for this answer. ``media``: as ``upload_media`` gave it."""

    key: str
    parent_external_id: str
    buyer_id: str
    body: str
    item_ref: str = ""
    order_external_id: str = ""
    subject: str = ""
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class SentAnswer:
    external_id: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShipNotice:
    """A parcel was sent. ``reference`` is ours and numeric; ``lines`` = ((external_line_id, pieces), …)."""

    order_external_id: str
    reference: str
    carrier: str
    tracking_number: str
    shipped_at: datetime
    lines: tuple[tuple[str, int], ...]
    service: str = ""
    marketplace: str = ""
    whole_order: bool = False  # these lines are everything the order has: one call can tell it


@dataclass(frozen=True, slots=True)
class StockItem:
    """What the platform holds for us of one seller SKU (FBA)."""

    seller_sku: str
    marketplace: str
    asin: str = ""
    fnsku: str = ""
    title: str = ""
    fulfillable: int = 0
    inbound_working: int = 0
    inbound_shipped: int = 0
    inbound_receiving: int = 0
    reserved_customer: int = 0
    reserved_transfer: int = 0
    reserved_processing: int = 0
    researching: int = 0
    unfulfillable: int = 0


@dataclass(frozen=True, slots=True)
class RawItem:
    """One thing as it came, byte for byte: JSON or XML text. ``updated_at`` if the envelope says it."""

    external_id: str
    payload: str
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of raw items; ``next_token`` empty means the window is read to its end."""

    items: tuple[RawItem, ...]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open period of last changes to read; aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class HookNews:
    """What a verified call from the platform announces; it is a hint, the truth is read by API.

    ``kind``: order, message, other. ``external_account`` routes it.
    """

    kind: str
    external_account: str
    dedupe: str
    external_ids: tuple[str, ...] = ()

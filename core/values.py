"""Plain values that every layer may use: money, addresses, parcels, customs lines, labels. No Django here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.0001")

# ISO 4217 minor units that are not 2; used when money is shown or sent to a platform.
MINOR_UNITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "HUF": 2, "TWD": 2, "BHD": 3, "KWD": 3, "JOD": 3, "TND": 3}


def money4(amount: Decimal) -> Decimal:
    """Round to the four places that amounts are stored with (numeric(19,4)). The only rounding of stored amounts."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217). Adding different currencies is an error, never a conversion."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        return Money(self.amount * factor, self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(Decimal(0), currency)


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the platform gave it; ``country`` is ISO 3166-1 alpha-2, upper case."""

    name: str = ""
    company: str = ""
    lines: tuple[str, ...] = ()
    city: str = ""
    district: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""

    def with_(self, **changes: Any) -> Address:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Weights in grams, lengths in millimetres."""

    weight_g: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0

    def volumetric_g(self, divisor: int) -> int:
        """Grams by volume: cm³ / divisor (cm³ per kg, e.g. 5000, 6000 or 8000), rounded up to the gram."""
        if not divisor or not (self.length_mm and self.width_mm and self.height_mm):
            return 0
        return -(-(self.length_mm * self.width_mm * self.height_mm) // divisor)

    def chargeable_g(self, divisor: int) -> int:
        return max(self.weight_g, self.volumetric_g(divisor))


@dataclass(frozen=True, slots=True)
class CustomsLine:
    """One declared item. ``unit_value`` in ``currency``; ``unit_weight_g`` in grams."""

    sku: str
    name_en: str
    name_local: str
    quantity: int
    unit_value: Decimal
    currency: str
    unit_weight_g: int
    hs_code: str = ""
    origin_country: str = "CN"
    battery: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    content: bytes
    media_type: str = "application/pdf"


@dataclass(frozen=True, slots=True)
class Booking:
    """What a carrier gave: its own number (waybill), the tracking number if there is one yet, perhaps a label."""

    waybill: str
    tracking_number: str = ""
    label: Label | None = None
    needs: frozenset[str] = frozenset()  # of {"number", "label", "submit"}
    cost: Money | None = None
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShipmentRequest:
    """What a carrier needs to book one parcel. ``reference`` is ours, unique for ever: look-ups go by it."""

    reference: str
    service_code: str
    receiver: Address
    sender: Address
    parcel: Parcel
    customs: tuple[CustomsLine, ...]
    note: str = ""
    ioss: str = ""
    contains_battery: bool = False
    platform: str = ""
    platform_order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """One milestone. ``main``/``sub`` are canonical (see ``logistics.canonical``); ``code`` is the source's own."""

    time: datetime
    main: str
    sub: str
    code: str = ""
    description: str = ""
    location: str = ""
    utc_offset_minutes: int | None = None

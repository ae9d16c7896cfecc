"""Canonical tracking states and the states' order. Source of the words: the platforms' tables in our facts (§3.5)."""

from __future__ import annotations

from dataclasses import dataclass

from core.values import TrackEvent

NOT_FOUND, INFO_RECEIVED, IN_TRANSIT, OUT_FOR_DELIVERY, PICKUP, FAILED, DELIVERED, EXCEPTION, RETURNED, EXPIRED = (
    "NotFound",
    "InfoReceived",
    "InTransit",
    "OutForDelivery",
    "AvailableForPickup",
    "DeliveryFailure",
    "Delivered",
    "Exception",
    "Returned",
    "Expired",
)
MAINS = (
    NOT_FOUND,
    INFO_RECEIVED,
    IN_TRANSIT,
    OUT_FOR_DELIVERY,
    PICKUP,
    FAILED,
    DELIVERED,
    EXCEPTION,
    RETURNED,
    EXPIRED,
)
FINAL = frozenset({DELIVERED, RETURNED})


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a source knows of one number: its milestones, oldest first, and its own summary."""

    number: str
    events: tuple[TrackEvent, ...]
    main: str = ""
    sub: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    code: str
    name: str
    name_local: str = ""

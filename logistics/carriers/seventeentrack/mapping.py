"""17TRACK's words for what happens to a parcel, and its answers, in ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.values import TrackEvent
from logistics import canonical as c

# sub-status → (main, sub). Their returns stand under Exception; for us *Returned* is a main state of its own.
SUBS: dict[str, tuple[str, str]] = {
    "NotFound_Other": (c.NOT_FOUND, "none"),
    "NotFound_InvalidCode": (c.NOT_FOUND, "invalid_number"),
    "InfoReceived": (c.INFO_RECEIVED, ""),
    "InTransit_PickedUp": (c.IN_TRANSIT, "picked_up"),
    "InTransit_Other": (c.IN_TRANSIT, "other"),
    "InTransit_Departure": (c.IN_TRANSIT, "departed"),
    "InTransit_Arrival": (c.IN_TRANSIT, "arrived_hub"),
    "InTransit_CustomsProcessing": (c.IN_TRANSIT, "customs"),
    "InTransit_CustomsReleased": (c.IN_TRANSIT, "customs_released"),
    "InTransit_CustomsRequiringInformation": (c.IN_TRANSIT, "customs_info_needed"),
    "OutForDelivery_Other": (c.OUT_FOR_DELIVERY, ""),
    "AvailableForPickup_Other": (c.PICKUP, ""),
    "DeliveryFailure_Other": (c.FAILED, "other"),
    "DeliveryFailure_NoBody": (c.FAILED, "no_one"),
    "DeliveryFailure_Security": (c.FAILED, "security"),
    "DeliveryFailure_Rejected": (c.FAILED, "rejected"),
    "DeliveryFailure_InvalidAddress": (c.FAILED, "address"),
    "Delivered_Other": (c.DELIVERED, "other"),
    "Exception_Other": (c.EXCEPTION, "other"),
    "Exception_Returning": (c.EXCEPTION, "returning"),
    "Exception_Returned": (c.RETURNED, ""),
    "Exception_NoBody": (c.EXCEPTION, "unclaimed"),
    "Exception_Security": (c.EXCEPTION, "held"),
    "Exception_Damage": (c.EXCEPTION, "damaged"),
    "Exception_Rejected": (c.EXCEPTION, "refused"),
    "Exception_Delayed": (c.EXCEPTION, "delayed"),
    "Exception_Lost": (c.EXCEPTION, "lost"),
    "Exception_Destroyed": (c.EXCEPTION, "destroyed"),
    "Exception_Cancel": (c.EXCEPTION, "cancelled"),
    "Expired_Other": (c.EXPIRED, ""),
}
# A sub-status that we have never seen: what its main status says.
MAINS: dict[str, tuple[str, str]] = {
    "NotFound": (c.NOT_FOUND, "none"),
    "InfoReceived": (c.INFO_RECEIVED, ""),
    "InTransit": (c.IN_TRANSIT, "other"),
    "OutForDelivery": (c.OUT_FOR_DELIVERY, ""),
    "AvailableForPickup": (c.PICKUP, ""),
    "DeliveryFailure": (c.FAILED, "other"),
    "Delivered": (c.DELIVERED, "other"),
    "Exception": (c.EXCEPTION, "other"),
    "Expired": (c.EXPIRED, ""),
}


def state(sub_status: str, status: str = "") -> tuple[str, str]:
    """(main, sub). An unknown code is mapped by its main status; one without any is in transit."""
    known = SUBS.get(sub_status)
    if known is not None:
        return known
    return MAINS.get(status) or MAINS.get(sub_status.partition("_")[0]) or (c.IN_TRANSIT, "other")


def moment(event: Mapping[str, Any]) -> tuple[datetime | None, int | None]:
    """(UTC, minutes of the offset that the carrier wrote) of an event."""
    local = _parsed(event.get("time_iso"))
    offset = None if local is None or local.utcoffset() is None else int(local.utcoffset().total_seconds() // 60)  # type: ignore[union-attr]
    utc = _parsed(event.get("time_utc"))
    if utc is not None:
        return (utc if utc.tzinfo else utc.replace(tzinfo=UTC)).astimezone(UTC), offset
    if local is not None and local.tzinfo is not None:
        return local.astimezone(UTC), offset
    return None, offset


def _parsed(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")) if value else None
    except ValueError:
        return None


def tracked(item: Mapping[str, Any], *, stopped: bool = False) -> c.Tracked:
    """``data`` of a webhook or an accepted item of gettrackinfo."""
    info = item.get("track_info") or {}
    latest = info.get("latest_status") or {}
    events: list[TrackEvent] = []
    for provider in (info.get("tracking") or {}).get("providers") or []:
        for event in provider.get("events") or []:
            at, offset = moment(event)
            if at is None:
                continue
            code = str(event.get("sub_status") or event.get("stage") or "")
            main, sub = state(code)
            place = event.get("location") or (event.get("address") or {}).get("city") or ""
            events.append(
                TrackEvent(
                    at, main, sub, code[:60], str(event.get("description") or "")[:400], str(place)[:120], offset
                )
            )
    events.sort(key=lambda event: event.time)
    main, sub = state(str(latest.get("sub_status") or ""), str(latest.get("status") or "")) if latest else ("", "")
    return c.Tracked(str(item.get("number") or ""), tuple(events), main, sub, stopped)

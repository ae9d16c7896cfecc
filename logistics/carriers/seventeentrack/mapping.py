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
# An event of the older versions names a milestone only (or nothing): of these the word is no main status.
STAGES: dict[str, tuple[str, str]] = {
    "PickedUp": (c.IN_TRANSIT, "picked_up"),
    "Departure": (c.IN_TRANSIT, "departed"),
    "Arrival": (c.IN_TRANSIT, "arrived_hub"),
    "Returning": (c.EXCEPTION, "returning"),
    "Returned": (c.RETURNED, ""),
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
    known = SUBS.get(sub_status) or STAGES.get(sub_status)
    if known is not None:
        return known
    return MAINS.get(status) or MAINS.get(sub_status.partition("_")[0]) or (c.IN_TRANSIT, "other")


def moment(event: Mapping[str, Any]) -> tuple[datetime | None, int | None]:
    """(UTC, minutes of the offset that the carrier wrote) of an event.

    Where the aggregator could not tell the zone, only the carrier's own words stand in ``time_raw``: they are taken as
    UTC, since hours that are wrong are better than a delivery that nobody hears of.
    """
    local = _plausible(_parsed(event.get("time_iso"))) or _plausible(_raw(event))
    offset = None if local is None or local.utcoffset() is None else int(local.utcoffset().total_seconds() // 60)  # type: ignore[union-attr]
    utc = _plausible(_parsed(event.get("time_utc"))) or local
    if utc is None:
        return None, offset
    return (utc if utc.tzinfo else utc.replace(tzinfo=UTC)).astimezone(UTC), offset


def _plausible(parsed: datetime | None) -> datetime | None:
    """None for what is no time of a parcel: systems write the year 1 for "unknown", which no zone can be taken from."""
    return parsed if parsed is not None and 1990 < parsed.year < 2200 else None


def _raw(event: Mapping[str, Any]) -> datetime | None:
    """An end whose day alone is told comes at the end of that day: the day's way to it must not contradict it."""
    raw = doc(event.get("time_raw"))
    day, hour, zone = (str(raw.get(name) or "").strip() for name in ("date", "time", "timezone"))
    edge = "23:59:59" if state(_code(event))[0] in c.FINAL else "00:00:00"
    return _parsed(f"{day}T{hour or edge}{zone}") or _parsed(f"{day}T{hour}") or _parsed(f"{day}T{edge}")


def _parsed(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")) if value else None
    except ValueError:
        return None


def doc(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def docs(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; what is none is passed over."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _code(event: Mapping[str, Any]) -> str:
    return str(event.get("sub_status") or event.get("stage") or "")


def tracked(item: Mapping[str, Any], *, stopped: bool = False) -> c.Tracked:
    """``data`` of a webhook or an accepted item of gettrackinfo. What is no object in it is passed over."""
    info = doc(item.get("track_info"))
    latest = doc(info.get("latest_status"))
    events: list[TrackEvent] = []
    for provider in docs(doc(info.get("tracking")).get("providers")):
        for event in docs(provider.get("events")):
            at, offset = moment(event)
            if at is None:
                continue
            code = _code(event)
            main, sub = state(code)
            place = event.get("location") or doc(event.get("address")).get("city") or ""
            events.append(
                TrackEvent(
                    at, main, sub, code[:60], str(event.get("description") or "")[:400], str(place)[:120], offset
                )
            )
    main, sub = state(str(latest.get("sub_status") or ""), str(latest.get("status") or "")) if latest else ("", "")
    if main in c.FINAL and all(event.main != main for event in events):
        events += _end(info, main, sub, events)
    events.sort(key=lambda event: event.time)
    return c.Tracked(str(item.get("number") or ""), tuple(events), main, sub, stopped)


def _end(info: Mapping[str, Any], main: str, sub: str, events: list[TrackEvent]) -> list[TrackEvent]:
    """An end that the summary alone tells (events of some carriers bear no status), at the moment of its milestone,
    else of the latest event."""
    reached = [one for one in docs(info.get("milestone")) if one.get("key_stage") == main]
    for one in (*reached, doc(info.get("latest_event"))):
        at, offset = moment(one)
        if at is not None:
            return [TrackEvent(at, main, sub, "summary", utc_offset_minutes=offset)]
    return [TrackEvent(max(event.time for event in events), main, sub, "summary")] if events else []

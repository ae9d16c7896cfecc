"""``track_info`` from the events that are known: latest state, milestones, times, and the providers' list."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

from ..base import clock
from ..base.store import dumps
from . import carriers, statuses

DAY = 86400


def epoch(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(UTC).timestamp()


def _address(event: dict[str, Any]) -> dict[str, Any]:
    city = (event.get("location") or "").partition(",")[0] or None
    return {
        "country": event.get("country"), "state": None, "city": city, "street": None, "postal_code": None,
        "coordinates": {"longitude": None, "latitude": None},
    }  # fmt: skip


def wire(event: dict[str, Any]) -> dict[str, Any]:
    """``time_iso`` keeps the offset that the carrier wrote, ``time_utc`` is the same moment in UTC."""
    moment = event["time"]
    return {
        "time_iso": moment.replace("Z", "+00:00"),
        "time_utc": clock.iso(epoch(moment)),
        "time_raw": {
            "date": moment[:10],
            "time": moment[11:19],
            "timezone": moment[19:].replace("Z", "+00:00") or None,
        },
        "description": event["description"],
        "description_translation": None,
        "location": event["location"],
        "stage": statuses.stage(event["sub"]),
        "sub_status": event["sub"],
        "address": _address(event),
    }


def build(carrier: int, events: list[dict[str, Any]], *, local_number: str | None = None) -> dict[str, Any]:
    """``events`` are sorted by time; the newest stands first on the wire, as on the platform."""
    newest_first = [wire(event) for event in reversed(events)]
    latest = events[-1] if events else None
    main, sub = (latest["main"], latest["sub"]) if latest else ("NotFound", "NotFound_Other")
    first_time: dict[str | None, str] = {}
    for event in events:
        first_time.setdefault(statuses.stage(event["sub"]), event["time"])
    started = epoch(events[0]["time"]) if events else None
    last = epoch(latest["time"]) if latest else None
    done = main == "Delivered"
    transit = (
        int(((last if done else clock.epoch()) - started) // DAY) if started is not None and last is not None else 0
    )
    return {
        "shipping_info": {"shipper_address": {"country": "CN"}, "recipient_address": {"country": None}},
        "latest_status": {"status": main, "sub_status": sub, "sub_status_descr": None},
        "latest_event": newest_first[0] if newest_first else None,
        "time_metrics": {
            "days_after_order": transit,
            "days_of_transit": transit,
            "days_of_transit_done": transit if done else 0,
            "days_after_last_update": int((clock.epoch() - last) // DAY) if last is not None else 0,
            "estimated_delivery_date": {"source": None, "from": None, "to": None},
        },
        "milestone": [_milestone(name, first_time.get(name)) for name in statuses.MILESTONES],
        "misc_info": {
            "risk_factor": 0, "service_type": None, "weight_raw": None, "weight_kg": None, "pieces": None,
            "dimensions": None, "customer_number": None, "reference_number": None, "local_number": local_number,
            "local_provider": None, "local_key": 0,
        },
        "tracking": {
            "providers_hash": zlib.crc32(str(carrier).encode()),
            "providers": [
                {
                    "provider": carriers.provider(carrier),
                    "service_type": None,
                    "latest_sync_status": "Success" if events else "Failure",
                    "latest_sync_time": clock.iso(),
                    "events_hash": zlib.crc32(dumps(events).encode()),
                    "provider_tips": None,
                    "events": newest_first,
                }
            ],
        },
    }  # fmt: skip


def _milestone(name: str, moment: str | None) -> dict[str, Any]:
    if moment is None:
        return {"key_stage": name, "time_iso": None, "time_utc": None,
                "time_raw": {"date": None, "time": None, "timezone": None}}  # fmt: skip
    zone = moment[19:].replace("Z", "+00:00") or None
    return {
        "key_stage": name,
        "time_iso": moment.replace("Z", "+00:00"),
        "time_utc": clock.iso(epoch(moment)),
        "time_raw": {"date": moment[:10], "time": moment[11:19], "timezone": zone},
    }

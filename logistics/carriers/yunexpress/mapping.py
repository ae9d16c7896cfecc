"""Our values to YunExpress' fields and back. Pure.

Weights are sent in kilograms with three places (grams exactly), lengths in centimetres, prices with two places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from core.errors import Rejected
from core.values import Address, Booking, CustomsLine, ShipmentRequest, TrackEvent
from logistics import canonical as c

CENT = Decimal("0.01")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
LATIN = re.compile(r"[A-Za-z]")
MOST_LINES, LINE_CHARS, NAME_CHARS, PHONE_CHARS = 3, 200, 100, 32

# What its node codes mean: (main, sub). Codes that say no more than "on its way" are left out: for those the state of
# the package speaks.
NODES: dict[str, tuple[str, str]] = {
    "ORDER_CREATION": (c.INFO_RECEIVED, ""),
    "PICKED_UP": (c.IN_TRANSIT, "picked_up"),
    "FIRST_MILE_ARRIVE": (c.IN_TRANSIT, "picked_up"),
    "FIRST_MILE_DEPART": (c.IN_TRANSIT, "departed"),
    "ARRIVE_ORIN_CUSTOMS": (c.IN_TRANSIT, "customs"),
    "EXPORT_CUSTOMS_COMPLETE": (c.IN_TRANSIT, "customs_released"),
    "MAIN_LINE_DEPART": (c.IN_TRANSIT, "departed"),
    "MAIN_LINE_ARRIVE": (c.IN_TRANSIT, "arrived_country"),
    "CUSTOMS_CLEARANCE": (c.IN_TRANSIT, "customs"),
    "CUSTOMS_PROCESSING": (c.IN_TRANSIT, "customs"),
    "CUSTOMS_INSPCTION": (c.IN_TRANSIT, "customs"),
    "CUSTOMS_RELEASE": (c.IN_TRANSIT, "customs_released"),
    "CUSTOMS_COMPLETE": (c.IN_TRANSIT, "customs_released"),
    "CUSTOMS_DELAY": (c.EXCEPTION, "delayed"),
    "CUSTOMS_HOLD": (c.EXCEPTION, "held"),
    "AIRPORT_HOLD": (c.EXCEPTION, "held"),
    "IN_TRANSIT": (c.IN_TRANSIT, "other"),
    "LAST_MILE_DELIVERY": (c.OUT_FOR_DELIVERY, ""),
    "DELIVERY_ATTEMPT": (c.FAILED, "other"),
    "DELIVERY_FAILURE": (c.FAILED, "other"),
    "PACKAGE_EXCEPTION": (c.EXCEPTION, "other"),
    "PACKAGE_LOST": (c.EXCEPTION, "lost"),
    "DELIVERED": (c.DELIVERED, "other"),
    "RETURNED_BACK": (c.EXCEPTION, "returning"),
    "RETURNED": (c.RETURNED, ""),
    "RETURNED_TO_SENDER": (c.RETURNED, ""),
}
# And its states of a package, for the newest event with a code that we do not know.
PACKAGE: dict[str, tuple[str, str]] = {
    "F": (c.INFO_RECEIVED, ""),
    "T": (c.IN_TRANSIT, "other"),
    "D": (c.DELIVERED, "other"),
    "E": (c.EXCEPTION, "other"),
    "R": (c.RETURNED, ""),
    "C": (c.EXCEPTION, "cancelled"),
}


def number(value: Decimal) -> float:
    """As a JSON number. Up to 15 digits a float is written with exactly the digits of the decimal it came from."""
    return float(value)


def kilograms(grams: int) -> float:
    return number(Decimal(grams) / 1000)


def reference_of(settings: Mapping[str, Any], reference: str) -> str:
    """With the account's prefix: two companies that share one carrier account must not meet in it."""
    return f"{settings.get('reference_prefix') or ''}{reference}"


def create_body(request: ShipmentRequest, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a create call. Raises Rejected for what the carrier would refuse anyway, naming field and item."""
    parcel = request.parcel
    if parcel.weight_g <= 0:
        raise Rejected("shipment.weight_missing", field="weight")
    package: dict[str, Any] = {"weight": kilograms(parcel.weight_g)}
    if parcel.length_mm and parcel.width_mm and parcel.height_mm:
        for side, mm in (("length", parcel.length_mm), ("width", parcel.width_mm), ("height", parcel.height_mm)):
            package[side] = number(Decimal(mm) / 10)
    body: dict[str, Any] = {
        "product_code": request.service_code,
        "customer_order_number": reference_of(settings, request.reference),
        "weight_unit": "KG",
        "size_unit": "CM",
        "packages": [package],
        "receiver": person(request.receiver, "receiver", phone=_phone(request, settings)),
        "declaration_info": [declared(line) for line in request.customs],
        "label_type": "PDF",
    }
    if not request.customs:
        raise Rejected("customs.lines_missing", field="declaration_info")
    if request.sender.name and request.sender.lines:
        body["sender"] = person(request.sender, "sender", phone=request.sender.phone)
    if request.ioss:
        body["customs_number"] = {"ioss_code": request.ioss}
    return body


def _phone(request: ShipmentRequest, settings: Mapping[str, Any]) -> str:
    phone = request.receiver.phone or str(settings.get("fallback_phone") or "") or request.sender.phone
    if not phone.strip():
        raise Rejected("shipment.phone_missing", field="receiver.phone_number")
    return phone


def person(address: Address, at: str, *, phone: str) -> dict[str, Any]:
    """A receiver or sender block. An empty province is filled with the city, as the carrier asks."""
    first, last = split_name(address.name or address.company)
    city = address.city or address.district or address.region
    missing = [
        field
        for field, value in (
            ("name", first),
            ("city", city),
            ("lines", any(address.lines)),
            ("country", address.country),
        )
        if not value
    ]
    if missing:
        raise Rejected("shipment.address_incomplete", field=f"{at}.{missing[0]}", missing=missing)
    out: dict[str, Any] = {
        "first_name": first,
        "last_name": last,
        "country_code": "GB" if address.country == "UK" else address.country,
        "province": (address.region or city)[:NAME_CHARS],
        "city": city[:NAME_CHARS],
        "address_lines": lines(address, at),
        "phone_number": re.sub(r"\s+", " ", phone).strip()[:PHONE_CHARS],
    }
    if address.postcode:
        out["postal_code"] = address.postcode
    if address.company and address.company != address.name:
        out["company"] = address.company[:NAME_CHARS]
    return out


def split_name(name: str) -> tuple[str, str]:
    """(first, last): the last word is the family name; a name of one word is all first name."""
    words = name.split()
    if len(words) < 2:
        return name.strip()[:NAME_CHARS], ""
    return " ".join(words[:-1])[:NAME_CHARS], words[-1][:NAME_CHARS]


def lines(address: Address, at: str) -> list[str]:
    """At most three lines: the district comes last, more than three are joined into the third."""
    given = [line.strip() for line in address.lines if line.strip()]
    if address.district and address.district not in (address.city, address.region):
        given.append(address.district)
    if len(given) > MOST_LINES:
        given = [*given[: MOST_LINES - 1], ", ".join(given[MOST_LINES - 1 :])]
    if any(len(line) > LINE_CHARS for line in given):
        raise Rejected("shipment.address_too_long", field=f"{at}.address_lines", max=LINE_CHARS)
    return given


def declared(line: CustomsLine) -> dict[str, Any]:
    """One declared item; both names are obligatory, the local one in Chinese."""
    if not HAN.search(line.name_local):
        raise Rejected("customs.name_local_missing", field="name_local", item=line.sku)
    if not LATIN.search(line.name_en) or HAN.search(line.name_en):
        raise Rejected("customs.name_en_missing", field="name_en", item=line.sku)
    price = line.unit_value.quantize(CENT, rounding=ROUND_HALF_UP)
    if price <= 0:
        raise Rejected("customs.value_missing", field="unit_price", item=line.sku)
    if line.unit_weight_g <= 0:
        raise Rejected("customs.weight_missing", field="unit_weight", item=line.sku)
    out: dict[str, Any] = {
        "name_local": line.name_local[:LINE_CHARS],
        "name_en": line.name_en[:LINE_CHARS],
        "quantity": line.quantity,
        "unit_price": number(price),
        "unit_weight": kilograms(line.unit_weight_g),
        "currency": line.currency,
        "sku_code": line.sku[:LINE_CHARS],
    }
    if line.hs_code:
        out["hs_code"] = line.hs_code
    return out


def booking(result: Mapping[str, Any]) -> Booking:
    """From the answer of create or info. ``track_type``: Y number there, W number later, N without a number."""
    waybill = str(result.get("waybill_number") or "")
    tracking = str(result.get("tracking_number") or "")
    needs = {"label"}
    if not tracking and result.get("track_type") != "N":
        needs.add("number")
    receiver = result.get("receiver") or {}
    raw = {"track_type": result.get("track_type") or ""}
    for name, value in (
        ("service", result.get("product_code")),
        ("country", receiver.get("country_code")),
        ("postcode", receiver.get("postal_code")),
        ("status", result.get("status")),
    ):
        if value:
            raw[name] = value
    return Booking(waybill, tracking, needs=frozenset(needs), raw=raw)


def offset_minutes(zone: Any) -> int | None:
    """``+08:00``, ``UTC+8``, ``GMT-3:30``, ``UTC`` or ``8`` as minutes east of UTC."""
    text = "" if zone is None else str(zone).strip()
    if text.upper() in ("UTC", "GMT", "Z"):
        return 0
    found = re.search(r"([+-])(\d{1,2})(?::?(\d{2}))?", text) or re.fullmatch(r"()(\d{1,2})(?::(\d{2}))?", text)
    if not found:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    return -minutes if found[1] == "-" else minutes


def moment(event: Mapping[str, Any]) -> datetime | None:
    """UTC of an event: its own UTC time, or its local time with its zone (Beijing when it names none).

    A time that only fills the field (the year 1) is none."""
    for name in ("process_utc_time", "process_time", "event_date"):
        text = str(event.get(name) or "")
        if not text:
            continue
        try:
            parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            continue
        if not 1990 < parsed.year < 2200:
            continue
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
        if name == "process_utc_time":
            return parsed.replace(tzinfo=UTC)
        offset = offset_minutes(event.get("time_zone"))
        return (parsed - timedelta(minutes=480 if offset is None else offset)).replace(tzinfo=UTC)
    return None


def dicts(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or the one that stands where public sources show a list."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, Mapping)]


def amount(value: Any) -> Decimal | None:
    """Money as it is told, by number or text; None for what is none."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def events(track: Mapping[str, Any], package_status: str) -> tuple[TrackEvent, ...]:
    """Milestones, oldest first. A code that we do not know keeps its raw value; the newest takes the package's state."""
    out: list[TrackEvent] = []
    for item in track.get("track_events") or []:
        at = moment(item) if isinstance(item, Mapping) else None
        if at is None:
            continue
        code = str(item.get("track_node_code") or "")
        main, sub = NODES.get(code, (c.IN_TRANSIT, "other"))
        out.append(
            TrackEvent(
                time=at,
                main=main,
                sub=sub,
                code=code[:60],
                description=str(item.get("process_content") or item.get("description") or "")[:400],
                location=str(item.get("process_location") or item.get("location") or "")[:120],
                utc_offset_minutes=offset_minutes(item.get("time_zone")),
            )
        )
    out.sort(key=lambda event: event.time)
    if out and out[-1].code not in NODES and package_status in PACKAGE:
        last = out[-1]
        main, sub = PACKAGE[package_status]
        out[-1] = TrackEvent(last.time, main, sub, last.code, last.description, last.location, last.utc_offset_minutes)
    return tuple(out)

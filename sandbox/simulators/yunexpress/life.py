"""What happens to a parcel: node codes, and what they make of the order's and the package's state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .products import COUNTRIES


@dataclass(frozen=True)
class Node:
    """``order`` is the order's state afterwards, ``package`` the package's; ``abroad``: it happens in the country of
    destination."""

    text: str
    text_zh: str
    order: str
    package: str
    abroad: bool = False


NODES = {
    "ORDER_CREATION": Node("Shipment information received", "已收到货物信息", "S", "F"),
    "FIRST_MILE_ARRIVE": Node("Arrived at origin facility", "已抵达始发地设施", "R", "T"),
    "MAIN_LINE_DEPART": Node("Departed from origin country", "离开始发国", "T", "T"),
    "MAIN_LINE_ARRIVE": Node("Arrived at the destination country", "已抵达目的国", "T", "T", True),
    "CUSTOMS_CLEARANCE": Node("Customs clearance in progress", "清关中", "T", "T", True),
    "CUSTOMS_RELEASE": Node("Customs released", "海关放行", "T", "T", True),
    "IN_TRANSIT": Node("In transit", "运输中", "T", "T", True),
    "LAST_MILE_DELIVERY": Node("Out for delivery", "派送中", "T", "T", True),
    "DELIVERY_FAILURE": Node("Delivery attempt failed", "派送失败", "T", "E", True),
    "DELIVERED": Node("Delivered", "已妥投", "V", "D", True),
    "RETURNED": Node("Returned to sender", "包裹退回", "F", "R"),
}
NORMAL_LIFE = (
    "FIRST_MILE_ARRIVE", "MAIN_LINE_DEPART", "MAIN_LINE_ARRIVE", "CUSTOMS_RELEASE", "LAST_MILE_DELIVERY", "DELIVERED",
)  # fmt: skip


def next_step(events: list[dict[str, Any]]) -> str | None:
    """The next node of a parcel that meets no trouble; None when its life is over."""
    happened = {event["code"] for event in events}
    if happened & {"DELIVERED", "RETURNED"}:
        return None
    reached = [at for at, code in enumerate(NORMAL_LIFE) if code in happened]
    return NORMAL_LIFE[reached[-1] + 1 if reached else 0]


def place(code: str, country: str) -> str:
    node = NODES.get(code)
    return COUNTRIES[country][1] if node is not None and node.abroad and country in COUNTRIES else "Shenzhen, CN"


def wire(event: dict[str, Any], country: str) -> dict[str, Any]:
    """One event as the platform writes it. Local times carry no zone; ``time_zone`` tells it."""
    node = NODES.get(event["code"])
    abroad = node is not None and node.abroad
    utc = datetime.fromisoformat(event["time"].replace("Z", "+00:00")).astimezone(UTC)
    moment = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "process_time": moment,
        "process_utc_time": moment,
        "process_content": event["description"],
        "process_country": country if abroad else "CN",
        "process_province": "",
        "process_city": "",
        "process_location": event["location"],
        "track_node_code": event["code"],
        "track_node_description": node.text_zh if node else event["description"],
        "node_labels": [],
        "time_zone": "+00:00",
        "event_date": moment,
        "location": event["location"],
        "description": event["description"],
    }

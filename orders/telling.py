"""The history of an order in words: who did what when, with names in place of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.words import knows, say
from orders import queries_page
from orders.models import Order

ICONS = {
    "order.imported": "download",
    "order.revised": "refresh",
    "order.routed": "git-branch",
    "order.held": "player-pause",
    "order.to_new": "player-play",
    "order.cancelled": "ban",
    "order.tagged": "tag",
    "order.address_edited": "map-pin",
    "order.booking": "truck-delivery",
    "order.booked": "printer",
    "order.numbered": "barcode",
    "order.handed": "truck",
    "order.conflict": "alert-triangle",
    "order.to_failed": "alert-triangle",
}


@dataclass(frozen=True, slots=True)
class Told:
    at: datetime
    who: str
    person: bool
    text: str
    icon: str


def tell(order: Order, entries: Sequence[Mapping[str, Any]]) -> list[Told]:
    """History entries (``queries.history``) put into words."""
    params = [dict(entry["params"]) for entry in entries]
    warehouse_ids = {one["warehouse"] for one in params if isinstance(one.get("warehouse"), int)}
    service_ids = {one["service"] for one in params if isinstance(one.get("service"), int)}
    warehouses: dict[int, str] = {}
    services: dict[int, str] = {}
    if warehouse_ids or service_ids:
        warehouses, services = queries_page.names_of(sorted(warehouse_ids), sorted(service_ids))
    out = []
    for entry, given in zip(entries, params, strict=True):
        for name, names in (("warehouse", warehouses), ("service", services)):
            if isinstance(given.get(name), int):
                given[name] = names.get(given[name], f"#{given[name]}")
        code = str(entry["code"])
        if code == "order.routed" and knows(f"order.routed.{given.get('state')}"):
            code = f"order.routed.{given['state']}"
        text = say(code, given)
        if given.get("why") and given["why"] == order.reason_code:  # the entry keeps the code, the order its details
            head = say(f"state.{given['state']}") if code == "order.routed" else text
            text = f"{head}: {say(order.reason_code, order.reason_params)}"
        if given.get("note"):
            text = f"{text} “{given['note']}”"
        out.append(
            Told(
                entry["at"],
                who(entry["actor_kind"], entry["actor_label"]),
                entry["actor_kind"] != "system",
                text,
                ICONS.get(str(entry["code"]), "point"),
            )
        )
    return out


def who(kind: str, label: str) -> str:
    """A person's name as it is, the house's own work in words."""
    code = f"actor.{label}"
    return say(code) if kind == "system" and knows(code) else label

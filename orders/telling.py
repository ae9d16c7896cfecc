"""The history of an order in words: who did what when, with names in place of ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from core.words import formats, knows, say
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
    "order.entered": "keyboard",
    "order.copy_of": "copy",
    "order.sent_again": "copy",
    "order.marked_paid": "cash",
    "order.lines_edited": "edit",
    "order.lines_restored": "arrow-back-up",
    "order.undone": "arrow-back-up",
    "order.assigned": "user-check",
    "order.unassigned": "user-check",
    "order.noted": "note",
    "order.warehouse_chosen": "building-warehouse",
    "order.service_chosen": "route",
}


LINES = frozenset({"order.lines_edited", "order.lines_restored"})


@dataclass(frozen=True, slots=True)
class Told:
    at: datetime
    who: str
    person: bool
    text: str
    icon: str
    details: tuple[str, ...] = ()
    id: int = 0
    undo: bool = False  # this reader could take it back now
    undone: bool = False  # it was taken back


def tell(
    order: Order,
    entries: Sequence[Mapping[str, Any]],
    *,
    undo: Collection[int] = (),
) -> list[Told]:
    """History entries (``queries.history``) put into words. ``undo``: ids of those that this reader could take back."""
    gone = {entry["params"].get("entry") for entry in entries if entry["code"] == "order.undone"}
    skus = _skus_of(entries)
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
        if code == "order.tagged" and not (given.get("add") and given.get("remove")):
            code = "order.tagged.added" if given.get("add") else "order.tagged.removed"
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
                tuple(_changes(entry["params"], skus)) if entry["code"] in LINES else (),
                int(entry["id"]),
                entry["id"] in undo,
                entry["id"] in gone,
            )
        )
    return out


def _skus_of(entries: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    ids = {
        one["sku"]
        for entry in entries
        if entry["code"] in LINES
        for part in ("was", "now")
        for one in entry["params"].get(part, ())
        if one.get("sku")
    }
    return queries_page.sku_codes(sorted(ids)) if ids else {}


def _changes(params: Mapping[str, Any], skus: Mapping[int, str]) -> Iterator[str]:
    """Line by line what an edit changed."""
    for was, now in zip(params.get("was", ()), params.get("now", ()), strict=False):
        code, before = skus.get(now["sku"], formats.DASH), skus.get(was["sku"], formats.DASH)
        units, units_before = now["pieces"] * now["per"], was["pieces"] * was["per"]
        if not was["pieces"]:
            yield gettext("{sku} × {n} added").format(sku=code, n=formats.number(units))
        elif not now["pieces"]:
            yield gettext("{sku} × {n} left out").format(sku=before, n=formats.number(units_before))
        elif code != before:
            text = gettext("{before} × {m} → {sku} × {n}")
            yield text.format(before=before, m=formats.number(units_before), sku=code, n=formats.number(units))
        elif units != units_before:
            text = gettext("{sku}: {m} → {n}")
            yield text.format(sku=code, m=formats.number(units_before), n=formats.number(units))
        else:
            yield gettext("{sku}: price {m} → {n}").format(sku=code, m=was["price"], n=now["price"])


def who(kind: str, label: str) -> str:
    """A person's name as it is, the house's own work in words."""
    code = f"actor.{label}"
    return say(code) if kind == "system" and knows(code) else label

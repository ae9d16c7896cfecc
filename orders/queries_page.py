"""Reads of the order pages that are about what hangs on orders: choices of filters, parcels, tracking, reasons, figures.

Every function takes the actor and narrows to what it may see, or is handed an order that was read with ``queries.get``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import bulk
from core.permissions import Actor
from core.rules import RuleExplanation, Trace, explain
from inventory.codes import code_key
from orders import routing
from orders.models import FormerAddress, Order
from orders.services import rules as rule_sets

RECENT = 5000  # orders whose countries and tags are offered as filters
SEARCHED = 20


# -- choices of filters -------------------------------------------------------------------------------------------------


def accounts(actor: Actor) -> list[tuple[str, str]]:
    rows = bulk.fetch("SELECT id, name FROM channels_account ORDER BY name, id")
    return [(str(pk), name) for pk, name in rows if actor.sees_account(pk)]


def warehouses(actor: Actor) -> list[tuple[str, str]]:
    rows = bulk.fetch("SELECT id, name FROM inventory_warehouse WHERE active ORDER BY priority, id")
    return [(str(pk), name) for pk, name in rows if actor.sees_warehouse(pk)]


def services(actor: Actor) -> list[tuple[str, str]]:
    rows = bulk.fetch("SELECT id, name, name_zh FROM logistics_service ORDER BY active DESC, name, id")
    return [(str(pk), named(name, name_zh)) for pk, name, name_zh in rows]


def named(name: str, name_zh: str) -> str:
    """The name in the reader's language where there is one."""
    from core.words import formats

    return name_zh if name_zh and formats.language().startswith("zh") else name


def countries(actor: Actor) -> list[tuple[str, str]]:
    """Of recent orders: the table has no list of its own, and a scan of all orders is nothing for a dropdown."""
    from core.words import formats

    codes = _recent(actor, "ship_country")
    return sorted(((code, f"{code} · {formats.country(code)}") for code in codes if code), key=lambda item: item[0])


def tags(actor: Actor) -> list[tuple[str, str]]:
    return [(tag, tag) for tag in sorted(_recent(actor, "unnest(tags)"))]


def _recent(actor: Actor, what: str) -> list[str]:
    scope, params = ("", []) if actor.accounts is None else (" WHERE account_id = ANY(%s)", [sorted(actor.accounts)])
    rows = bulk.fetch(
        f"SELECT DISTINCT {what} FROM (SELECT ship_country, tags FROM orders_order{scope}"
        " ORDER BY placed_at DESC, id DESC LIMIT %s) x",
        [*params, RECENT],
    )
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Fresh:
    """``last``: when orders were last read from any account; ``sick``: accounts that wait for a person."""

    accounts: int
    last: datetime | None
    sick: int


def freshness(actor: Actor) -> Fresh:
    scope, params = ("", []) if actor.accounts is None else (" WHERE a.id = ANY(%s)", [sorted(actor.accounts)])
    row = bulk.fetch(
        "SELECT count(*), max(greatest(a.last_success_at, c.last_finished_at)),"
        " count(*) FILTER (WHERE a.health IN ('reconnect', 'failing'))"
        f" FROM channels_account a LEFT JOIN channels_cursor c ON c.account_id = a.id AND c.job = 'orders'{scope}",
        params,
    )[0]
    return Fresh(*row)


# -- one order ----------------------------------------------------------------------------------------------------------


@dataclass
class Parcel:
    """A consignment with its shipment. Weights in grams; ``events`` newest first; ``file``: uid of the label."""

    consignment_id: int
    consignment_state: str
    warehouse: str
    service: str
    issued_at: datetime | None
    confirmed_at: datetime | None
    shipment_id: int | None
    reference: str
    state: str
    track_main: str
    track_sub: str
    waybill: str
    number: str
    needs: str
    expected_g: int | None
    weight_g: int | None
    chargeable_g: int | None
    cost: Any
    cost_currency: str
    code: str
    params: dict[str, Any]
    printed_at: datetime | None
    handed_at: datetime | None
    delivered_at: datetime | None
    label: Any
    customs: list[dict[str, Any]] = field(default_factory=list)
    goods: list[list[Any]] = field(default_factory=list)  # [SKU, units], what is in it
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.consignment_state == "open"


_PARCEL = (
    "SELECT k.id, k.state, w.name, coalesce(s.name, ''), k.issued_at, k.confirmed_at, p.id, coalesce(p.reference, ''),"
    " coalesce(p.state, ''), coalesce(p.track_main, ''), coalesce(p.track_sub, ''), coalesce(p.waybill, ''),"
    " coalesce(p.tracking_number, ''), coalesce(p.needs, ''), p.expected_weight_g, p.weight_g, p.chargeable_g, p.cost,"
    " coalesce(p.cost_currency, ''), coalesce(p.error_code, ''), p.error_params, p.printed_at, p.handed_at,"
    " p.delivered_at, f.uid, p.customs, (SELECT json_agg(json_build_array(coalesce(x.code, l.seller_sku),"
    " l.units / l.quantity * cl.quantity) ORDER BY cl.id) FROM orders_consignmentline cl JOIN orders_orderline l"
    " ON l.id = cl.line_id LEFT JOIN inventory_sku x ON x.id = l.sku_id WHERE cl.consignment_id = k.id)"
    " FROM orders_consignment k JOIN inventory_warehouse w ON w.id = k.warehouse_id"
    " LEFT JOIN logistics_service s ON s.id = k.service_id LEFT JOIN logistics_shipment p ON p.id = k.shipment_id"
    " LEFT JOIN records_storedfile f ON f.id = p.label_file_id WHERE k.order_id = %s ORDER BY k.id DESC"
)
_EVENTS = (
    "SELECT shipment_id, at, main, sub, description, place, source FROM logistics_trackingevent"
    " WHERE shipment_id = ANY(%s) ORDER BY at DESC, id DESC LIMIT 300"
)


def parcels(order_id: int) -> list[Parcel]:
    """The order's parcels with their tracking, newest first; cancelled ones too. Two queries."""
    found = []
    for row in bulk.fetch(_PARCEL, [order_id]):
        parcel = Parcel(*row)
        parcel.customs, parcel.params = bulk.unpacked(parcel.customs) or [], bulk.unpacked(parcel.params) or {}
        parcel.goods = bulk.unpacked(parcel.goods) or []
        found.append(parcel)
    by_id = {parcel.shipment_id: parcel for parcel in found if parcel.shipment_id is not None}
    if by_id:
        names = ("at", "main", "sub", "description", "place", "source")
        for shipment_id, *values in bulk.fetch(_EVENTS, [list(by_id)]):
            by_id[shipment_id].events.append(dict(zip(names, values, strict=True)))
    return found


def confirmations(order_id: int) -> list[dict[str, Any]]:
    """What the marketplace was told: state, number, carrier, reason of a refusal."""
    names = ("id", "state", "carrier", "tracking_number", "confirmed_at", "code", "params", "next_at")
    rows = bulk.fetch(
        "SELECT id, state, carrier, tracking_number, confirmed_at, error_code, error_params, next_at"
        " FROM channels_confirmation WHERE order_ref = %s ORDER BY id",
        [order_id],
    )
    out = [dict(zip(names, row, strict=True)) for row in rows]
    for one in out:
        one["params"] = bulk.unpacked(one["params"]) or {}
    return out


def former_addresses(order_id: int) -> list[FormerAddress]:
    """Addresses that were replaced and are not purged yet, newest first."""
    return list(FormerAddress.objects.filter(order_id=order_id).order_by("-replaced_at", "-pk")[:5])


def names_of(warehouse_ids: Sequence[int], service_ids: Sequence[int]) -> tuple[dict[int, str], dict[int, str]]:
    """({warehouse: name}, {service: name}) for history entries, which keep ids."""
    rows = bulk.fetch(
        "SELECT 0, id, name, '' FROM inventory_warehouse WHERE id = ANY(%s)"
        " UNION ALL SELECT 1, id, name, name_zh FROM logistics_service WHERE id = ANY(%s)",
        [list(warehouse_ids), list(service_ids)],
    )
    return (
        {pk: name for kind, pk, name, _ in rows if kind == 0},
        {pk: named(name, name_zh) for kind, pk, name, name_zh in rows if kind == 1},
    )


def sku_codes(ids: Sequence[int]) -> dict[int, str]:
    return dict(bulk.fetch("SELECT id, code FROM inventory_sku WHERE id = ANY(%s)", [list(ids)]))


# -- why ----------------------------------------------------------------------------------------------------------------


def line_facts(order_id: int) -> list[routing.LineFact]:
    """What the rules see of the lines that are still to be sent."""
    out = []
    for pk, sku_id, seller_sku, title, quantity, open_pieces, units, code, weight, volume, battery, tags_ in bulk.fetch(
        "SELECT l.id, l.sku_id, l.seller_sku, l.title, l.quantity,"
        " least(l.quantity - l.cancelled, coalesce(e.most, l.quantity)), l.units, coalesce(s.code, ''),"
        " s.weight_g, coalesce(s.length_mm, 0)::bigint * coalesce(s.width_mm, 0) * coalesce(s.height_mm, 0),"
        " coalesce(s.battery, false), coalesce(s.tags, '[]'::jsonb)"
        " FROM orders_orderline l LEFT JOIN inventory_sku s ON s.id = l.sku_id"
        " LEFT JOIN orders_lineedit e ON e.line_id = l.id WHERE l.order_id = %s ORDER BY l.id",
        [order_id],
    ):
        if open_pieces > 0:
            out.append(
                routing.LineFact(
                    pk,
                    sku_id,
                    seller_sku,
                    code,
                    title,
                    units // quantity * open_pieces,
                    weight,
                    volume,
                    battery,
                    tuple(bulk.unpacked(tags_)),
                )
            )
    return out


@dataclass
class Why:
    """``version`` of the rule set that decided (0: none), its rules with every condition, and what else the house has."""

    version: int
    current: int
    rules: list[RuleExplanation]
    services: list[dict[str, Any]]
    weight_g: int | None


def why(order: Order, *, show_personal: bool) -> Why | None:
    """Explain the stored decision with the facts as they are now; None when the order was never decided.

    An order whose personal data is purged is explained by what the trace itself proves.
    """
    trace = bulk.unpacked(order.trace)
    if not trace:
        return None
    version = int(trace.get("v") or 0)
    rules = rule_sets.compiled(version)
    lines = line_facts(order.pk)
    row = {name: getattr(order, name) for name in _FACT_FIELDS}
    row["account_name"] = order.account.name if order.account else ""
    row["customer_orders"] = order.customer.orders if order.customer else 0
    facts = routing.facts_of(row, lines, asked=rules.asked) if order.purged_at is None else None
    found = explain(rules, facts, Trace.from_json(trace), show_personal=show_personal)
    weight = routing.weight_of(lines)
    current = bulk.fetch("SELECT max(version) FROM orders_ruleset")[0][0] or 0
    battery = any(line.battery for line in lines)
    return Why(version, current, found, service_fit(order, weight, battery), weight)


_FACT_FIELDS = (
    "platform",
    "ship_country",
    "ship_region",
    "ship_city",
    "ship_postcode",
    "ship_name",
    "ship_company",
    "buyer_note",
    "service_asked",
    "currency",
    "grand_total",
    "units",
    "lines_count",
)


def service_fit(order: Order, weight_g: int | None, battery: bool) -> list[dict[str, Any]]:
    """Every service in use: chosen, able, or refused with its reason as (code, params)."""
    out = []
    for pk, key, name, name_zh, countries_, max_g, takes_battery in bulk.fetch(
        "SELECT s.id, s.key, s.name, s.name_zh, s.countries, s.max_weight_g, s.battery FROM logistics_service s"
        " JOIN logistics_carrieraccount c ON c.id = s.carrier_account_id WHERE s.active AND c.active ORDER BY s.name"
    ):
        shown = named(name, name_zh)
        reason: tuple[str, dict[str, Any]] | None = None
        if bulk.unpacked(countries_) and order.ship_country not in bulk.unpacked(countries_):
            reason = ("service.not_to", {"country": order.ship_country})
        elif max_g and weight_g is not None and weight_g > max_g:
            reason = ("service.too_heavy", {"weight_g": weight_g, "max_g": max_g})
        elif battery and not takes_battery:
            reason = ("service.no_battery", {})
        out.append({"id": pk, "key": key, "name": shown, "chosen": pk == order.service_id, "reason": reason})
    return out


# -- matching lines -----------------------------------------------------------------------------------------------------


def find_skus(text: str) -> list[dict[str, Any]]:
    """SKUs by code or title, active ones first, with their free units; at most 20."""
    wanted = text.strip()
    if not wanted:
        return []
    like = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    names = ("id", "code", "title", "title_zh", "state", "successor", "free")
    rows = bulk.fetch(
        "SELECT s.id, s.code, s.title, s.title_zh, s.state, coalesce(n.code, ''),"
        " (SELECT coalesce(sum(k.sellable - k.reserved), 0)::int FROM inventory_stock k WHERE k.sku_id = s.id)"
        " FROM inventory_sku s LEFT JOIN inventory_sku n ON n.id = s.successor_id"
        " WHERE s.code_key LIKE %s OR s.title ILIKE %s OR s.title_zh ILIKE %s"
        " ORDER BY s.state <> 'active', s.code_key LIMIT %s",
        ["%" + code_key(wanted).replace("%", "\\%").replace("_", "\\_") + "%", like, like, SEARCHED],
    )
    return [dict(zip(names, row, strict=True)) for row in rows]

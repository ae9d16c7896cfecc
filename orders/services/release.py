"""Deciding what happens to new orders and setting their stock aside: a page in one transaction.

``release`` takes orders in *new*, *pending* or *short* and moves each to where its facts lead: unmatched, address,
held, short or ready (a pending one stays pending with its stock set aside).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction

from core import bulk, clock
from core.audit import record_many
from core.currencies import KNOWN
from core.events import emit
from core.permissions import Actor
from inventory.models import Reservation
from inventory.reservation import Want, WantedLine, held_by, release_many, reserve_many
from orders import address, ports, routing, states
from orders.incoming import dumps
from orders.services import rules as rule_sets

UNPAID_FOR = timedelta(days=7)
PAGE = 200
LET_GO = "order.let_go"  # reason of an order in *new* that a person let go: it is not held again for the same
ROW = (
    "id",
    "account_id",
    "platform",
    "state",
    "ship_name",
    "ship_company",
    "ship_lines",
    "ship_city",
    "ship_region",
    "ship_postcode",
    "ship_country",
    "buyer_note",
    "service_asked",
    "currency",
    "grand_total",
    "units",
    "lines_count",
    "tags",
    "service_id",
    "account_name",
    "customer_orders",
    "reason_code",
)


@dataclass
class Verdict:
    """Where one order goes, gathered before anything is written."""

    row: dict[str, Any]
    lines: list[routing.LineFact]
    target: str = states.READY
    code: str = ""
    params: dict[str, Any] | None = None
    service_id: int | None = None
    warehouses: tuple[int, ...] = ()
    warehouse_id: int | None = None
    tags: list[str] = field(default_factory=list)
    trace: dict[str, Any] | None = None

    def stop(self, target: str, code: str, **params: Any) -> None:
        self.target, self.code, self.params = target, code, params or None


@dataclass(frozen=True)
class Places:
    """Warehouses by code in order of priority, services by key."""

    warehouses: dict[str, int]
    services: dict[str, dict[str, Any]]


def places() -> Places:
    warehouses = {
        code: pk
        for pk, code in bulk.fetch(
            "SELECT id, code FROM inventory_warehouse WHERE active AND kind <> 'platform' ORDER BY priority, id"
        )
    }
    services = {
        key: {"id": pk, "countries": _list(countries), "max_g": max_g, "battery": battery, "name": name}
        for pk, key, countries, max_g, battery, name in bulk.fetch(
            "SELECT s.id, s.key, s.countries, s.max_weight_g, s.battery, s.name FROM logistics_service s"
            " JOIN logistics_carrieraccount c ON c.id = s.carrier_account_id WHERE s.active AND c.active"
        )
    }
    return Places(warehouses, services)


def _list(value: Any) -> list[str]:
    import json

    return list(json.loads(value)) if isinstance(value, str) else list(value or [])


def release(*, order_ids: Sequence[int], actor: Actor) -> dict[str, list[int]]:
    """Route and reserve; returns {state: order ids}. Orders in other states are left alone. Pages of 200."""
    out: dict[str, list[int]] = {}
    for start in range(0, len(order_ids), PAGE):
        with transaction.atomic():
            for verdict in _page(order_ids[start : start + PAGE], actor):
                out.setdefault(verdict.target, []).append(verdict.row["id"])
    return out


def _page(order_ids: Sequence[int], actor: Actor) -> list[Verdict]:
    verdicts = _load(order_ids)
    if not verdicts:
        return []
    rules = rule_sets.compiled()
    where = places()
    barred = {
        order_id: reason
        for gate in ports.gates.values()
        for order_id, reason in gate([verdict.row["id"] for verdict in verdicts]).items()
    }
    for verdict in verdicts:
        _decide(verdict, rules, where, barred)
    _reserve(verdicts)
    _write(verdicts, actor)
    return verdicts


def _load(order_ids: Sequence[int]) -> list[Verdict]:
    rows = bulk.fetch(
        "SELECT o.id, o.account_id, o.platform, o.state, o.ship_name, o.ship_company, o.ship_lines, o.ship_city,"
        " o.ship_region, o.ship_postcode, o.ship_country, o.buyer_note, o.service_asked, o.currency, o.grand_total,"
        " o.units, o.lines_count, o.tags, o.service_id, coalesce(a.name, ''), c.orders, o.reason_code"
        " FROM orders_order o LEFT JOIN channels_account a ON a.id = o.account_id"
        " LEFT JOIN orders_customer c ON c.id = o.customer_id"
        " WHERE o.id = ANY(%s) AND o.state IN ('new', 'pending', 'short') AND NOT o.platform_fulfilled"
        " ORDER BY o.id FOR UPDATE OF o",
        [list(order_ids)],
    )
    verdicts = {}
    for values in rows:
        row = dict(zip(ROW, values, strict=True))
        row["ship_lines"] = _list(row["ship_lines"])
        verdicts[row["id"]] = Verdict(row, [], tags=list(row["tags"]))
    # A listing may have been matched while the order that sells it was being written.
    bulk.execute(
        "UPDATE orders_orderline l SET sku_id = x.sku_id, units = l.quantity * x.units FROM channels_listing x"
        " WHERE l.order_id = ANY(%s) AND l.sku_id IS NULL AND x.account_id = l.account_id"
        " AND x.seller_sku = l.seller_sku AND x.sku_id IS NOT NULL",
        [list(verdicts)],
    )
    for line in bulk.fetch(
        "SELECT l.order_id, l.id, l.sku_id, l.seller_sku, l.title, l.quantity, l.cancelled, l.shipped, l.units,"
        " s.code, s.weight_g, coalesce(s.length_mm, 0)::bigint * coalesce(s.width_mm, 0) * coalesce(s.height_mm, 0),"
        " coalesce(s.battery, false), coalesce(s.tags, '[]'::jsonb)"
        " FROM orders_orderline l LEFT JOIN inventory_sku s ON s.id = l.sku_id"
        " WHERE l.order_id = ANY(%s) ORDER BY l.id",
        [list(verdicts)],
    ):
        order_id, line_id, sku_id, seller_sku, title, quantity, cancelled, shipped, units, code, weight, mm3, *rest = (
            line
        )
        open_pieces = quantity - cancelled - shipped
        if open_pieces > 0:
            verdicts[order_id].lines.append(
                routing.LineFact(
                    line_id,
                    sku_id,
                    seller_sku,
                    code or "",
                    title,
                    units // quantity * open_pieces,
                    weight,
                    mm3,
                    rest[0],
                    tuple(_list(rest[1])),
                )
            )
    # Locked in id order, served in the order asked for: stock goes to the earliest promise first.
    return [verdicts[pk] for pk in order_ids if pk in verdicts]


def _decide(verdict: Verdict, rules: Any, where: Places, barred: dict[int, tuple[str, dict[str, Any]]]) -> None:
    row = verdict.row
    unmatched = [line.seller_sku for line in verdict.lines if line.sku_id is None]
    if unmatched:
        verdict.stop(states.UNMATCHED, "order.unmatched", skus=unmatched[:5], more=max(0, len(unmatched) - 5))
        return
    if not verdict.lines:
        verdict.stop(states.HELD, "order.nothing_to_send")
        return
    plan = routing.decide(routing.facts_of(row, verdict.lines, asked=rules.asked), rules)
    verdict.trace = plan.trace
    verdict.tags = list(dict.fromkeys([*verdict.tags, *plan.tags]))
    if plan.warehouse is not None:
        chosen = where.warehouses.get(plan.warehouse)
        verdict.warehouses = () if chosen is None else (chosen,)
        if chosen is None:
            verdict.stop(states.HELD, "route.no_warehouse", warehouse=plan.warehouse)
            return
    else:
        verdict.warehouses = tuple(where.warehouses.values())
    if row["state"] == states.PENDING:
        return  # not paid: stock is set aside, everything else is decided when the money is there
    missing = address.problems(row)
    if missing:
        verdict.stop(states.ADDRESS, "order.address_incomplete", missing=missing)
    elif row["currency"] not in KNOWN and row["reason_code"] != LET_GO and row["state"] != states.SHORT:
        verdict.stop(states.HELD, "order.currency_unknown", currency=row["currency"])
    elif plan.hold is not None and row["reason_code"] != LET_GO:
        verdict.stop(states.HELD, "order.held_by_rule", note=plan.hold)
    elif row["id"] in barred:
        code, params = barred[row["id"]]
        verdict.stop(states.HELD, code, **params)
    else:
        _choose_service(verdict, plan.service, where)


def _choose_service(verdict: Verdict, key: str | None, where: Places) -> None:
    """A rule's service, or the only one there is; it must take the country, the weight and the battery."""
    if key is None and len(where.services) == 1:
        key = next(iter(where.services))
    if key is None:
        verdict.stop(states.HELD, "route.no_service")
        return
    service = where.services.get(key)
    if service is None:
        verdict.stop(states.HELD, "route.service_gone", service=key)
        return
    country = verdict.row["ship_country"]
    weight = routing.weight_of(verdict.lines)
    if service["countries"] and country not in service["countries"]:
        verdict.stop(states.HELD, "route.service_country", service=service["name"], country=country)
    elif service["max_g"] and weight is not None and weight > service["max_g"]:
        verdict.stop(
            states.HELD, "route.service_weight", service=service["name"], weight_g=weight, max_g=service["max_g"]
        )
    elif not service["battery"] and any(line.battery for line in verdict.lines):
        verdict.stop(states.HELD, "route.service_battery", service=service["name"])
    verdict.service_id = service["id"]


def _reserve(verdicts: Sequence[Verdict]) -> None:
    """Stock for those that go on (and for unpaid ones). What an order holds already is kept if it still fits.

    Held, unmatched and address orders keep what they have: they will be asked again.
    """
    asking = [v for v in verdicts if v.target == states.READY and v.lines]
    held = held_by([line.line_id for v in asking for line in v.lines])
    wants: dict[str, list[Want]] = {Reservation.PAID: [], Reservation.UNPAID: []}
    by_id = {v.row["id"]: v for v in asking}
    stale: list[int] = []
    for verdict in asking:
        mine = {line.line_id: held[line.line_id] for line in verdict.lines if line.line_id in held}
        sources = {warehouse for warehouse, _, _ in mine.values()}
        fits = (
            len(mine) == len(verdict.lines)
            and len(sources) == 1
            and sources <= set(verdict.warehouses)
            and all(mine[line.line_id][1:] == (line.sku_id, line.units) for line in verdict.lines)
        )
        if fits:
            verdict.warehouse_id = sources.pop()
            continue
        stale.extend(mine)
        kind = Reservation.UNPAID if verdict.row["state"] == states.PENDING else Reservation.PAID
        lines = tuple(WantedLine(line.line_id, line.sku_id or 0, line.units) for line in verdict.lines)
        wants[kind].append(Want(verdict.row["id"], verdict.warehouses, lines))
    release_many(stale, tell=False)
    for kind, asked in wants.items():
        expires = clock.now() + UNPAID_FOR if kind == Reservation.UNPAID else None
        for order_id, outcome in reserve_many(asked, kind=kind, expires_at=expires).items():
            verdict = by_id[order_id]
            verdict.warehouse_id = outcome.warehouse
            if outcome.warehouse is None:
                codes = {line.sku_id: line.code for line in verdict.lines}
                missing = [[codes.get(sku, ""), need, have] for sku, need, have in outcome.missing[:5]]
                verdict.stop(states.SHORT, "order.short", missing=missing, more=max(0, len(outcome.missing) - 5))


def _write(verdicts: Sequence[Verdict], actor: Actor) -> None:
    now = clock.now()
    updates = []
    history: list[tuple[str, int, str, dict]] = []
    ready: list[int] = []
    for verdict in verdicts:
        row = verdict.row
        order_id = row["id"]
        if row["state"] == states.PENDING:
            verdict.target, verdict.code = states.PENDING, verdict.code if verdict.target == states.SHORT else ""
        elif verdict.target != row["state"]:
            states.check(row["state"], verdict.target)
        updates.append(
            (
                order_id,
                verdict.target,
                now,
                verdict.code,
                dumps(verdict.params),
                verdict.warehouse_id,
                verdict.service_id,
                verdict.tags,
                dumps(verdict.trace),
                routing.weight_of(verdict.lines),
            )
        )
        if verdict.target != row["state"] or verdict.target == states.PENDING:
            params = {"warehouse": verdict.warehouse_id, "service": verdict.service_id, "state": verdict.target}
            history.append(
                ("order", order_id, "order.routed", params | ({"why": verdict.code} if verdict.code else {}))
            )
        if verdict.target == states.READY:
            ready.append(order_id)
    bulk.update(
        "orders_order",
        "id",
        [
            ("state", "text"),
            ("state_at", "timestamptz"),
            ("reason_code", "text"),
            ("reason_params", "jsonb"),
            ("warehouse_id", "bigint"),
            ("service_id", "bigint"),
            ("tags", "varchar[]"),
            ("trace", "jsonb"),
            ("weight_g", "int"),
        ],
        updates,
        extra="version = t.version + 1",
    )
    record_many(actor, history)
    if ready:
        emit("orders.ready", {"ids": ready})

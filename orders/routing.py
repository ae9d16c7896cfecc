"""Pure: the facts of an order, and what the rules decide about it. No database, no clock of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.currencies import KNOWN
from core.rules import Action, ActionKind, CompiledRules, Field, FieldType, registry
from core.values import Money
from orders import address, states

FIELDS: dict[str, Field] = registry(
    [
        Field("platform", FieldType.TEXT, "rule.field.platform"),
        Field("account", FieldType.TEXT, "rule.field.account"),
        Field("country", FieldType.COUNTRY, "rule.field.country"),
        Field("region", FieldType.TEXT, "rule.field.region"),
        Field("city", FieldType.TEXT, "rule.field.city", personal=True),
        Field("postcode", FieldType.TEXT, "rule.field.postcode", personal=True),
        Field("receiver", FieldType.TEXT, "rule.field.receiver", personal=True),
        Field("company", FieldType.BOOL, "rule.field.company"),
        Field("note", FieldType.TEXT, "rule.field.note", personal=True),
        Field("service_asked", FieldType.TEXT, "rule.field.service_asked"),
        Field("currency", FieldType.TEXT, "rule.field.currency"),
        Field("total", FieldType.MONEY, "rule.field.total"),
        Field("amount", FieldType.NUMBER, "rule.field.amount"),
        Field("units", FieldType.NUMBER, "rule.field.units"),
        Field("lines", FieldType.NUMBER, "rule.field.lines"),
        Field("weight_g", FieldType.NUMBER, "rule.field.weight_g"),
        Field("volume_cm3", FieldType.NUMBER, "rule.field.volume_cm3"),
        Field("battery", FieldType.BOOL, "rule.field.battery"),
        Field("sku", FieldType.TEXT, "rule.field.sku", many=True),
        Field("title", FieldType.TEXT, "rule.field.title", many=True),
        Field("sku_tags", FieldType.SET, "rule.field.sku_tags"),
        Field("repeat_buyer", FieldType.BOOL, "rule.field.repeat_buyer"),
    ]
)
ACTIONS: dict[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind("warehouse", "rule.do.warehouse"),
        ActionKind("service", "rule.do.service"),
        ActionKind("hold", "rule.do.hold"),
        ActionKind("tag", "rule.do.tag"),
    )
}
MOST_G = 2**31 - 1
LET_GO = "order.let_go"  # reason of an order in *new* that a person let go: it is not held again for the same
PASSED = (LET_GO, "order.short")  # one that only waits for goods was let go before, or never was to be held


@dataclass(frozen=True, slots=True)
class LineFact:
    """An order line with what its SKU tells; ``units`` still to send. ``weight_g`` None: unknown."""

    line_id: int
    sku_id: int | None
    seller_sku: str
    code: str
    title: str
    units: int
    weight_g: int | None
    volume_mm3: int
    battery: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rules want: our codes, checked by the caller against what exists. ``actions``: who decided each."""

    warehouse: str | None
    service: str | None
    hold: str | None
    tags: tuple[str, ...]
    trace: dict[str, Any]
    actions: Mapping[str, Action]


@dataclass(frozen=True)
class Places:
    """Warehouses by code in order of priority, services by key: ``{id, countries, max_g, battery, name}``."""

    warehouses: dict[str, int]
    services: dict[str, dict[str, Any]]


@dataclass(slots=True)
class Route:
    """Where an order goes before its stock is asked for. ``target``: the state that follows, ``code`` and ``params`` why.

    ``warehouses`` are those that may serve it, in order of priority; ``tags`` those of the order with those of the rules.
    ``plan`` None: the rules were not asked.
    """

    target: str = states.READY
    code: str = ""
    params: dict[str, Any] | None = None
    service: str | None = None
    service_id: int | None = None
    warehouses: tuple[int, ...] = ()
    tags: list[str] = field(default_factory=list)
    plan: Plan | None = None

    def stop(self, target: str, code: str, **params: Any) -> None:
        self.target, self.code, self.params = target, code, params or None


def weight_of(lines: Sequence[LineFact]) -> int | None:
    """Expected goods weight in grams, at most what a column holds; None when any SKU's weight is unknown."""
    total = 0
    for line in lines:
        if line.weight_g is None:
            return None
        total += line.weight_g * line.units
    return min(total, MOST_G)  # an absurd order must not stop the others of its page


def facts_of(
    row: Mapping[str, Any], lines: Sequence[LineFact], *, asked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Facts for the engine. ``asked``: only these are read by any rule, so costly ones are left out."""
    facts: dict[str, Any] = {
        "platform": row["platform"],
        "account": row["account_name"],
        "country": row["ship_country"] or None,
        "region": row["ship_region"],
        "city": row["ship_city"],
        "postcode": row["ship_postcode"],
        "receiver": row["ship_name"],
        "company": bool(row["ship_company"]),
        "note": row["buyer_note"],
        "service_asked": row["service_asked"],
        "currency": row["currency"],
        "total": Money(row["grand_total"], row["currency"]),
        "amount": row["grand_total"],
        "units": row["units"],
        "lines": row["lines_count"],
        "weight_g": weight_of(lines),
        "battery": any(line.battery for line in lines),
        "repeat_buyer": (row["customer_orders"] or 0) > 1,
    }
    if asked is None or "sku" in asked:
        facts["sku"] = [line.code or line.seller_sku for line in lines]
    if asked is None or "title" in asked:
        facts["title"] = [line.title for line in lines]
    if asked is None or "sku_tags" in asked:
        facts["sku_tags"] = frozenset(tag for line in lines for tag in line.tags)
    if asked is None or "volume_cm3" in asked:
        facts["volume_cm3"] = sum(line.volume_mm3 * line.units for line in lines) // 1000
    return facts


def decide(facts: Mapping[str, Any], rules: CompiledRules) -> Plan:
    """Run the rules over the facts (``core.rules``)."""
    decision = rules.evaluate(facts)
    found = decision.actions

    def value(name: str) -> str | None:
        action = found.get(name)
        return None if action is None else str(action.value)

    return Plan(value("warehouse"), value("service"), value("hold"), decision.tags, decision.trace.to_json(), found)


def route(
    row: Mapping[str, Any],
    lines: Sequence[LineFact],
    rules: CompiledRules,
    where: Places,
    barred: tuple[str, dict[str, Any]] | None = None,
) -> Route:
    """Everything that decides about an order but its stock. ``row`` as ``orders.facts`` reads it, with its state and
    reason; ``barred``: the reason why a gate does not let it through."""
    made = Route(tags=list(row["tags"]))
    unmatched = [line.seller_sku for line in lines if line.sku_id is None]
    if unmatched:
        made.stop(states.UNMATCHED, "order.unmatched", skus=unmatched[:5], more=max(0, len(unmatched) - 5))
        return made
    if not lines:
        made.stop(states.HELD, "order.nothing_to_send")
        return made
    plan = made.plan = decide(facts_of(row, lines, asked=rules.asked), rules)
    made.tags = list(dict.fromkeys([*made.tags, *plan.tags]))
    own = row.get("own_warehouse")  # a person's choice stands above the rules
    if own is not None:
        if own not in where.warehouses.values():
            made.stop(states.HELD, "route.chosen_warehouse_closed")
            return made
        made.warehouses = (own,)
    elif plan.warehouse is not None:
        chosen = where.warehouses.get(plan.warehouse)
        if chosen is None:
            made.stop(states.HELD, "route.no_warehouse", warehouse=plan.warehouse)
            return made
        made.warehouses = (chosen,)
    else:
        made.warehouses = tuple(where.warehouses.values())
    if row["state"] == states.PENDING:
        return made  # not paid: stock is set aside, everything else is decided when the money is there
    missing = address.problems(row)
    if missing:
        made.stop(states.ADDRESS, "order.address_incomplete", missing=missing)
    elif row["currency"] not in KNOWN and row["reason_code"] != LET_GO and row["state"] != states.SHORT:
        made.stop(states.HELD, "order.currency_unknown", currency=row["currency"])
    elif plan.hold is not None and row["reason_code"] not in PASSED:
        made.stop(states.HELD, "order.held_by_rule", note=plan.hold)
    elif barred is not None:
        made.stop(states.HELD, barred[0], **barred[1])
    else:
        _choose_service(made, row["ship_country"], lines, where.services, row.get("own_service"))
    return made


def _choose_service(
    made: Route,
    country: str,
    lines: Sequence[LineFact],
    services: Mapping[str, Mapping[str, Any]],
    own: int | None = None,
) -> None:
    """A person's service (``own``, its id), a rule's, or the only one there is; it must take the country, the weight and
    the battery."""
    key = made.plan.service if made.plan is not None else None
    if own is not None:
        key = next((name for name, one in services.items() if one["id"] == own), None)
        if key is None:
            made.stop(states.HELD, "route.chosen_service_gone")
            return
    if key is None and len(services) == 1:
        key = next(iter(services))
    if key is None:
        made.stop(states.HELD, "route.no_service")
        return
    service = services.get(key)
    if service is None:
        made.stop(states.HELD, "route.service_gone", service=key)
        return
    name, most = service["name"], service["max_g"]
    weight = weight_of(lines)
    if service["countries"] and country not in service["countries"]:
        made.stop(states.HELD, "route.service_country", service=name, country=country)
    elif most and weight is not None and weight > most:
        made.stop(states.HELD, "route.service_weight", service=name, weight_g=weight, max_g=most)
    elif not service["battery"] and any(line.battery for line in lines):
        made.stop(states.HELD, "route.service_battery", service=name)
    made.service, made.service_id = key, service["id"]

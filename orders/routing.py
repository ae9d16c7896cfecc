"""Pure: the facts of an order, and what the rules decide about it. No database, no clock of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.rules import ActionKind, CompiledRules, Field, FieldType, registry
from core.values import Money

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
    """What the rules want: our codes, checked by the caller against what exists."""

    warehouse: str | None
    service: str | None
    hold: str | None
    tags: tuple[str, ...]
    trace: dict[str, Any]


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

    return Plan(value("warehouse"), value("service"), value("hold"), decision.tags, decision.trace.to_json())
